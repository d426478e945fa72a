/** Tells somebody's endpoint what has happened: one attempt, signed (https://www.standardwebhooks.com). */
import { Context, type Duration, type Effect, Layer, type Redacted } from "effect"
import { Mac, SecureRandom } from "effect/crypto"
import type { CallbackExceptions } from "../domain/callbacks/CallbackExceptions.ts"
import type { Namespace } from "../domain/Generation.ts"
import type { CallbackHttp } from "./callbacks/CallbackHttp.ts"
import type { CallbackFailed, CallbackMessage } from "./callbacks/CallbackMessage.ts"
import { makeSender } from "./callbacks/sending.ts"

export * from "./callbacks/CallbackMessage.ts"

/** Whose secrets there are, where messages may go, and how long one may take. */
export interface CallbackSenderOptions {
  /** `whsec_` and the base64 of 24 to 64 bytes. With several a message carries the signature of each. */
  readonly secrets: ReadonlyMap<Namespace, ReadonlyArray<Redacted.Redacted>>
  /** What may be called although it is not public. Default nothing. */
  readonly exceptions?: CallbackExceptions | undefined
  /** The longest that an attempt may take to the status of its answer. Default 15 seconds. */
  readonly timeout?: Duration.Input | undefined
}

/** Makes one signed attempt; trying again is up to the jobs. */
export class CallbackSender extends Context.Service<CallbackSender, {
  /** Why this namespace's callbacks cannot go to this URL, if they cannot: known without asking anybody. */
  readonly refusalOf: (namespace: Namespace, url: string) => string | undefined
  readonly send: (message: CallbackMessage) => Effect.Effect<void, CallbackFailed>
}>()("understudy/services/CallbackSender") {
  /** Dies on a secret that is none. */
  static readonly layer = (options: CallbackSenderOptions): Layer.Layer<CallbackSender, never, CallbackHttp> =>
    Layer.effect(CallbackSender, makeSender(options)).pipe(
      Layer.provide(Mac.layerWebCrypto),
      Layer.provide(SecureRandom.layerWebCrypto)
    )
}
