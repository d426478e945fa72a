/** What goes into the ladder and what comes out of it. */
import { Schema } from "effect"
import type { AiCall, NativeAnswer } from "./Ai.ts"
import type { Chat, JsonObject } from "./Chat.ts"
import type { JobId } from "./jobs/JobId.ts"

/** Who an answer belongs to. No answer ever crosses a namespace. */
export const Namespace = Schema.NonEmptyString.pipe(Schema.brand("understudy/Namespace"))
export type Namespace = typeof Namespace.Type

/** The namespace of callers that name none (no `API_KEYS` configured, or an embedded program). */
export const defaultNamespace: Namespace = Namespace.make("default")

/** Names a generated text for ever: a text that comes back from the cache carries the id it was generated under. */
export const GenerationId = Schema.NonEmptyString.pipe(Schema.brand("understudy/GenerationId"))
export type GenerationId = typeof GenerationId.Type

/** One wish for a text. */
export interface GenerationRequest {
  readonly namespace: Namespace
  readonly prompt: string
  /** Upper bound of the answer's length, in the provider's tokens. */
  readonly maxTokens: number
  /** Overrides the provider's configured model, and narrows a fallback to answers of the same model family. */
  readonly model?: string | undefined
  /** For example "blog_post": narrows a fallback, and selects the template. */
  readonly contentType?: string | undefined
  /** BCP 47, for example "en" or "de-AT": narrows a fallback, and selects the template. */
  readonly locale?: string | undefined
  /**
   * What shapes the answer beside the prompt, such as instructions and earlier turns: an answer stands in only where it
   * was given in the very same. Absent or empty: nothing does.
   */
  readonly context?: string | undefined
  /** `true`: nothing but an earlier answer to the very same prompt in the very same context may stand in. */
  readonly isExactOnly?: boolean | undefined
  /** The conversation whose last message is the prompt. */
  readonly chat?: Chat | undefined
  /** The call itself, for the client that makes it. It is its asker's alone, and never shared. */
  readonly call?: AiCall | undefined
  /** How old, in milliseconds, a cached answer may be; 0 allows none. Absent: the configured maximum. */
  readonly maxAgeMillis?: number | undefined
  /** `false`: this answer must not be remembered (`Cache-Control: no-store`). */
  readonly remember: boolean
}

/** What the provider says it has used, in its own tokens. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** Why an answer is not live. The order is that of DESIGN 6. */
export const FallbackReason = Schema.Literals([
  "timeout",
  "rate_limited",
  "unavailable",
  "malformed",
  "unauthorized",
  "circuit_open",
  "overloaded",
  "deadline"
])
export type FallbackReason = typeof FallbackReason.Type

interface Answer {
  readonly id: GenerationId
  readonly text: string
  /** Attempts that reached a provider for this request; 0 when none did. */
  readonly attempts: number
}

/** The provider's own answer to this request. */
export interface LiveGeneration extends Answer {
  readonly source: "live"
  readonly provider: string
  readonly model: string
  readonly usage: Usage | undefined
  /** Handed over to be remembered: wanted, and complete. */
  readonly isRemembered: boolean
  /** Why the provider ended, in OpenAI's words. */
  readonly finishReason: string
  /** To a conversation: the provider's own words. */
  readonly native?: NativeAnswer | undefined
}

/** An earlier live answer, given again. */
export interface CachedGeneration extends Answer {
  readonly source: "cache"
  readonly model: string
  readonly usage: Usage | undefined
  readonly reason: FallbackReason
  /** `exact`: the same prompt but for case, white space and final punctuation. */
  readonly match: "exact" | "similar"
  /** Cosine of the two prompts' vectors, 1 for an exact match. */
  readonly similarity: number
  readonly ageMillis: number
}

/** A template filled in from the prompt: nothing was generated. */
export interface TemplateGeneration extends Answer {
  readonly source: "template"
  /** The template's name. */
  readonly template: string
  readonly reason: FallbackReason
}

/** Not from the provider just now, and never passed off as that. */
export type FallbackGeneration = (CachedGeneration | TemplateGeneration) & {
  /** The job that fetches the live answer meanwhile, for whoever has asked for that. */
  readonly upgrade?: JobId | undefined
}
/** What the caller gets; `source` says where it comes from. */
export type Generation = LiveGeneration | FallbackGeneration

/** An answer whose text is still to come. A fallback is known as a whole before its first piece. */
export type StreamStart = LiveStart | FallbackGeneration

/** A live answer from its first piece on. */
export type LiveStart =
  & Pick<LiveGeneration, "source" | "id" | "attempts" | "provider" | "model">
  & { readonly frame?: JsonObject | undefined }

/** A piece of an answer: any number of `Delta`, then one `End`. */
export type StreamPart = StreamDelta | StreamEnd

/** The next piece of a text. */
export interface StreamDelta {
  readonly _tag: "Delta"
  /** What this adds to the text. */
  readonly text: string
  /** To a conversation: the provider's own chunk, when there is more in it than text. */
  readonly chunk?: JsonObject | undefined
}

/** The text is whole. */
export interface StreamEnd {
  readonly _tag: "End"
  readonly generation: Generation
}
