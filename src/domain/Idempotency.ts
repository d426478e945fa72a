/** The `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header), and what has become of it. Pure. */
import { Result } from "effect"

/** What is known under a key. */
export interface IdempotencyRecord {
  /** Of the request that took the key; undefined: its place is taken, and it is not known yet by which request. */
  readonly fingerprint: string | undefined
  /** Names the attempt that took the key last. */
  readonly attempt: string
  /** Undefined: it is still to come. */
  readonly answer: string | undefined
  /** Milliseconds. The end of the attempt's lease, or of the answer's life: from then on there is nothing here. */
  readonly until: number
}

export type IdempotencyDecision =
  | { readonly _tag: "Start" }
  | { readonly _tag: "InFlight" }
  | { readonly _tag: "Mismatch" }
  | { readonly _tag: "Stored"; readonly answer: string }

/**
 * What a request with this fingerprint gets. Another request's key is refused whether that one has its answer yet or
 * not; an attempt whose lease has run out has never been.
 */
export const decide = (
  record: IdempotencyRecord | undefined,
  fingerprint: string,
  now: number
): IdempotencyDecision => {
  if (record === undefined || record.until <= now) return start
  if (record.fingerprint !== undefined && record.fingerprint !== fingerprint) return mismatch
  return record.answer === undefined ? inFlight : { _tag: "Stored", answer: record.answer }
}

const start: IdempotencyDecision = { _tag: "Start" }
const inFlight: IdempotencyDecision = { _tag: "InFlight" }
const mismatch: IdempotencyDecision = { _tag: "Mismatch" }

/** Longer answers are not kept: their key is free again. Characters of the text that is stored. */
export const maxAnswerLength = 4_000_000

const maxKeyLength = 255

/** Reads the header: visible characters, in the quotes of a structured field (RFC 9651) or without. */
export const parseIdempotencyKey = (header: string): Result.Result<string, string> => {
  const value = header.trim()
  const key = quoted.test(value) ? value.slice(1, -1).replaceAll(/\\(["\\])/g, "$1") : value
  return bare.test(key) && key.length <= maxKeyLength && (key !== value || !value.startsWith("\""))
    ? Result.succeed(key)
    : Result.fail(`Expected 1 to ${maxKeyLength} visible ASCII characters without spaces, such as a UUID`)
}

const bare = /^[!-~]+$/
const quoted = /^"(?:[^"\\]|\\["\\])*"$/
