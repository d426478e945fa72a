/** What prompts and answers are about, so that an answer on another subject is noticed. */
import type { AiRequest } from "../../domain/Ai.ts"
import { defaultNamespace, type Generation, GenerationId } from "../../domain/Generation.ts"
import type { RememberedAnswer } from "../../services/FallbackCache.ts"
import type { Scenario } from "../Scenario.ts"
import { subjectPrompt } from "../traffic/Wordings.ts"

export interface Subjects {
  /** What is asked is of this subject. */
  readonly learn: (prompt: string, subject: number) => void
  /** A text that says what it is about. */
  readonly answer: (request: Pick<AiRequest, "prompt">) => string
  /** A template is about whatever was asked for. */
  readonly isWrong: (generation: Generation, subject: number) => boolean
  /** To the commonest subjects, the commonest one last. */
  readonly warm: ReadonlyArray<RememberedAnswer>
}

export const makeSubjects = ({ traffic, warmSubjects }: Scenario): Subjects => {
  const byPrompt = new Map<string, number>()
  const heading = (subject: number): string => `# Draft on subject ${subject}\n`
  const answer: Subjects["answer"] = ({ prompt }) => `${heading(byPrompt.get(prompt) ?? -1)}\n${prompt}`
  const warm = Array.from({ length: Math.min(warmSubjects, traffic.prompts.subjects) }, (_, rank): RememberedAnswer => {
    const prompt = subjectPrompt(rank)
    byPrompt.set(prompt, rank)
    return {
      id: GenerationId.make(`warm-${rank}`),
      namespace: defaultNamespace,
      prompt,
      model: "scripted",
      text: answer({ prompt }),
      usage: undefined
    }
  })
  return {
    learn: (prompt, subject) => void byPrompt.set(prompt, subject),
    answer,
    isWrong: ({ source, text }, subject) => source !== "template" && !text.startsWith(heading(subject)),
    warm: warm.toReversed()
  }
}
