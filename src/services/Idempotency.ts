/** One answer per `Idempotency-Key`: who asks again gets the same one, and nobody is asked twice. */
import { Context, type Duration, type Effect, Layer } from "effect"
import { Digest } from "effect/crypto"
import type { SqlClient } from "effect/sql"
import type { IdempotencyInFlight, IdempotencyMismatch, StoreUnavailable } from "../domain/errors.ts"
import type { Namespace } from "../domain/Generation.ts"
import { makeMemory } from "./idempotency/IdempotencyMemory.ts"
import { makePostgres } from "./idempotency/IdempotencyPostgres.ts"

/** A request that may come again. */
export interface IdempotencyRequest {
  readonly namespace: Namespace
  /** What the caller calls this request. Never kept, but for its SHA-256 together with the namespace. */
  readonly key: string
  /** Everything that makes this request another one. Never kept, but for its SHA-256. */
  readonly fingerprint: string
}

/** What there is under a key: an answer, or nothing and we are the ones to give it. */
export type IdempotencyBegun = IdempotencyAttempt | IdempotencyStored

/** Ends with the first of the two; the second and later ones do nothing. Neither waits long or fails. */
export interface IdempotencyAttempt {
  readonly _tag: "Started"
  /** Keeps the answer, any JSON text, for whoever sends the same request again. One that is too long is let go. */
  readonly complete: (answer: string) => Effect.Effect<void>
  /** There is no answer: the key is free. */
  readonly abandon: Effect.Effect<void>
}

/** The request was answered before. */
export interface IdempotencyStored {
  readonly _tag: "Stored"
  /** As it was completed with. */
  readonly answer: string
  /** Lets the answer go, for one that cannot be read. */
  readonly discard: Effect.Effect<void>
}

/** How long answers are kept, and apart from which others. */
export interface IdempotencyOptions {
  /** How long an answer is kept. Default 1 day. */
  readonly ttl?: Duration.Input | undefined
  /** Keys of one space are never found in another: for answers that must not be mixed up, such as simulated ones. */
  readonly space?: string | undefined
}

/** What the shared keys may cost a request. */
export interface IdempotencyStoreOptions extends IdempotencyOptions {
  /** How long a request may wait for the database before it goes on from memory. Default 250 millis. */
  readonly storeTimeout?: Duration.Input | undefined
  /** How long a key is taken after the last sign of life from its attempt. Default 30 seconds. */
  readonly lease?: Duration.Input | undefined
  /** Between two rounds that delete what has expired. Default 1 minute. */
  readonly purgeEvery?: Duration.Input | undefined
}

/** Keys of requests, their owners under way and their answers. */
export class Idempotency extends Context.Service<Idempotency, {
  /** An attempt has to be ended on every exit: call this where nothing can come between, as `acquireUseRelease` does. */
  readonly begin: (
    request: IdempotencyRequest
  ) => Effect.Effect<IdempotencyBegun, IdempotencyInFlight | IdempotencyMismatch>
  /** Deletes all answers of a namespace, in every space, and says how many there were. */
  readonly erase: (namespace: Namespace) => Effect.Effect<number, StoreUnavailable>
}>()("understudy/services/Idempotency") {
  /** For one process; lost with it. At most 32 million characters of answers are kept, the newest. */
  static readonly layerMemory = (options: IdempotencyOptions = {}): Layer.Layer<Idempotency> =>
    Layer.provide(Layer.effect(Idempotency, makeMemory(options)), Digest.layerWebCrypto)

  /** For all instances on one database. While it is away each goes on from its memory, and none waits long for it. */
  static readonly layerPostgres = (
    options: IdempotencyStoreOptions = {}
  ): Layer.Layer<Idempotency, never, SqlClient.SqlClient> =>
    Layer.provide(Layer.effect(Idempotency, makePostgres(options)), Digest.layerWebCrypto)
}
