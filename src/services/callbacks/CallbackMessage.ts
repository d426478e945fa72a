/** What is sent, and how that fails. */
import { Schema } from "effect"
import type { Namespace } from "../../domain/Generation.ts"

/** One message to one endpoint. */
export interface CallbackMessage {
  readonly namespace: Namespace
  readonly url: string
  /** Names the message: the same for every attempt, so that a receiver takes it once. No dots in it. */
  readonly id: string
  /** JSON. */
  readonly body: string
}

/** The endpoint has not taken it. */
export class CallbackFailed extends Schema.TaggedError<CallbackFailed>()("CallbackFailed", {
  /** For the receiver's owner: no more than they may know. */
  detail: Schema.String,
  /** `true`: another attempt would end the same. */
  isFinal: Schema.Boolean,
  retryAfter: Schema.optionalKey(Schema.Duration)
}) {
  override get message() {
    return `the callback was not taken: ${this.detail}`
  }
}
