/** Tells somebody's endpoint what has happened: one attempt, signed (https://www.standardwebhooks.com). */
import { Context, type Effect, Schema } from "effect"
import type { Namespace } from "../domain/Generation.ts"

export interface CallbackMessage {
  readonly namespace: Namespace
  readonly url: string
  /** Names the message: the same for every attempt, so that a receiver takes it once. */
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

export class CallbackSender extends Context.Service<CallbackSender, {
  /** Why this namespace's callbacks cannot go to this URL, if they cannot: known without asking anybody. */
  readonly refusalOf: (namespace: Namespace, url: string) => string | undefined
  readonly send: (message: CallbackMessage) => Effect.Effect<void, CallbackFailed>
}>()("understudy/services/CallbackSender") {}
