/** Decisions about requests to an embedder: what goes into one, whose answer is whose, and what a failure says. Pure. */
import { Duration } from "effect"
import { failure, ignored, type Outcome, success } from "../circuit/Circuit.ts"
import type { EmbeddingFailed } from "../errors.ts"

/** What one request may hold. */
export interface BatchLimits {
  readonly maxTexts: number
  /** Of all texts together; a longer text goes alone. */
  readonly maxCharacters: number
}

/** Well within what OpenAI takes: 2,048 texts and 300,000 tokens, of which a character is hardly ever more than one. */
export const defaultBatchLimits: BatchLimits = { maxTexts: 96, maxCharacters: 200_000 }

/** The texts in their order, cut into as few requests as the limits allow without looking ahead. */
export const batchesOf = (
  texts: ReadonlyArray<string>,
  { maxCharacters, maxTexts }: BatchLimits
): ReadonlyArray<ReadonlyArray<string>> => {
  const batches: Array<Array<string>> = []
  let last: Array<string> = []
  let characters = 0
  for (const text of texts) {
    if (last.length === 0 || last.length >= maxTexts || characters + text.length > maxCharacters) {
      last = []
      characters = 0
      batches.push(last)
    }
    last.push(text)
    characters += text.length
  }
  return batches
}

/** One text's answer as an endpoint gives it. */
export interface Indexed<A> {
  /** The place of its text in the request. Only the answer to a single text may leave it out. */
  readonly index?: number | undefined
  readonly embedding: A
}

/** The answers in the order of their texts; otherwise what is wrong with them. */
export const inOrder = <A>(answers: ReadonlyArray<Indexed<A>>, count: number): ReadonlyArray<A> | string => {
  if (answers.length !== count) return `${answers.length} embeddings for ${count} texts`
  const byIndex = new Map(answers.map(({ embedding, index }) => [index ?? (count === 1 ? 0 : -1), embedding]))
  const ordered: Array<A> = []
  for (let index = 0; index < count; index++) {
    const embedding = byIndex.get(index)
    if (embedding === undefined) return `no embedding has the index ${index}`
    ordered.push(embedding)
  }
  return ordered
}

/**
 * What a failed request says of the embedder's health. It differs from the error table of the providers in two places,
 * because its circuit is the only gate that an embedder has: there is no limiter to cool down after a 429, and a refused
 * key would cost every lookup the way to the endpoint and back. So both count, and a `Retry-After` lengthens the opening.
 * Texts that are refused are a proof of life: three prompts that are too long must not cost the others their vectors.
 */
export const outcomeOfEmbedding = ({ message, reason, retryAfter }: EmbeddingFailed): Outcome => {
  switch (reason) {
    case "rejected":
      return success
    case "circuit_open":
      return ignored
    default:
      return failure(message, retryAfter === undefined ? undefined : Duration.toMillis(retryAfter))
  }
}
