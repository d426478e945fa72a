/** The job that every server in the benchmark does: a prompt in, a chat completion out of it. */
import { Schema } from "effect"

export const Wish = Schema.Struct({ prompt: Schema.NonEmptyString, max_tokens: Schema.optionalKey(Schema.Int) })

export const Answer = Schema.Struct({ id: Schema.String, text: Schema.String, source: Schema.Literal("live") })

/** The part of the provider's answer that is looked at. */
interface Completion {
  readonly id: string
  readonly choices: ReadonlyArray<{ readonly message: { readonly content: string } }>
}

/** Throws when there is no answer in `json`. */
export const answerOf = (json: string): typeof Answer.Type => {
  const completion: Completion = JSON.parse(json)
  const text = completion.choices[0]?.message.content
  if (typeof text !== "string" || text === "") throw new Error("not a completion")
  return { id: completion.id, text, source: "live" }
}

export const completionRequest = (prompt: string, maxTokens: number | undefined) => ({
  model: "bench",
  messages: [{ role: "user", content: prompt }],
  max_tokens: maxTokens ?? 200
})
