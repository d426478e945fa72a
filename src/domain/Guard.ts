/** Refuses look-alikes: prompts that are close in their vectors, and say something different. Pure. */
import type { PromptTraits } from "./PromptTraits.ts"

/** What is different, for the log and the metric. */
export interface Objection {
  readonly kind: "number"
  /** For operators' eyes at debug level; never in a response. */
  readonly detail: string
}

/** Why an answer to the one may not stand in for an answer to the other; `undefined`: nothing speaks against it. */
export const objectionTo = (asked: PromptTraits, kept: PromptTraits): Objection | undefined =>
  asked.numbers.join(" ") === kept.numbers.join(" ") ? undefined : { kind: "number", detail: asked.numbers.join(" ") }
