/** What is degraded right now, for whoever operates the service. */
import { Context, Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import type { CircuitState } from "../domain/circuit/Circuit.ts"
import { isRecoverable } from "../domain/ladder/ErrorTable.ts"
import { CircuitBreaker } from "./CircuitBreaker.ts"
import { EmbedderCircuit } from "./Embedder.ts"
import { FallbackCache } from "./FallbackCache.ts"
import { Generator } from "./Generator.ts"
import { type Provider, Providers } from "./Providers.ts"
import { RateLimiter } from "./RateLimiter.ts"
import { makeStoreCall, type StoreCall } from "./store/StoreCall.ts"

/** One thing that is not as it should be, and why. Requests are answered all the same. */
export interface Degradation {
  readonly what: "provider" | "circuit" | "cache" | "database" | "embedder" | "queue"
  readonly why: string
}

/** How one provider stands. */
export interface ProviderReadiness {
  readonly name: string
  readonly circuit: CircuitState["_tag"]
  readonly running: number
  readonly waiting: number
}

/** Nothing is degraded when `degraded` is empty. */
export interface ReadinessReport {
  /** In the order in which they are asked. */
  readonly providers: ReadonlyArray<ProviderReadiness>
  readonly degraded: ReadonlyArray<Degradation>
}

/** Looks when asked, and keeps nothing. */
export class Readiness extends Context.Service<Readiness, {
  readonly report: Effect.Effect<ReadinessReport>
}>()("understudy/services/Readiness") {
  /** Looks at database, embedder and cache too when they are in the context; `notes` are degradations known from the start. */
  static readonly layer = (notes: ReadonlyArray<Degradation> = []) =>
    Layer.effect(
      Readiness,
      Effect.gen(function*() {
        const { inOrder } = yield* Providers
        const { lastErrors } = yield* Generator
        const breaker = yield* CircuitBreaker
        const limiter = yield* RateLimiter
        const sql = yield* Effect.serviceOption(SqlClient.SqlClient)
        const storeCall = yield* makeStoreCall
        const database = Option.match(sql, {
          onNone: () => Effect.succeed<ReadonlyArray<Degradation>>([]),
          onSome: (client) => probeDatabase(client, storeCall)
        })
        const embedder = Option.match(yield* Effect.serviceOption(EmbedderCircuit), {
          onNone: () => Effect.succeed<ReadonlyArray<Degradation>>([]),
          onSome: (circuit) => lookAtEmbedder(circuit, breaker)
        })
        const cache = Option.match(yield* Effect.serviceOption(FallbackCache), {
          onNone: () => Effect.succeed<ReadonlyArray<Degradation>>([]),
          onSome: ({ unembedded }) => Effect.map(unembedded, lookAtCache)
        })
        const look = Effect.fnUntraced(function*({ client: { provider: name } }: Provider) {
          const { _tag: circuit } = yield* breaker.state(name)
          const { backgroundWaiting, running, waiting } = yield* limiter.load(name)
          // Jobs that wait are as they should be.
          return { name, circuit, running, waiting: waiting - backgroundWaiting }
        })
        const report = Effect.gen(function*() {
          const providers = yield* Effect.forEach(inOrder, look)
          const errors = yield* lastErrors
          const degraded: ReadonlyArray<Degradation> = [
            ...notes,
            ...errors.filter(isRecoverable).map(({ message }) => ({ what: "provider", why: message } as const)),
            ...providers.filter(({ circuit }) => circuit !== "Closed").map(({ name }) =>
              ({ what: "circuit", why: `the circuit of ${name} is not closed` }) as const
            ),
            ...providers.filter(({ waiting }) => waiting > 0).map(({ name, waiting }) =>
              ({ what: "queue", why: `${waiting} requests wait for a permit of ${name}` }) as const
            ),
            ...(yield* embedder),
            ...(yield* cache),
            ...(yield* database)
          ]
          return { providers, degraded }
        })
        return Readiness.of({ report })
      })
    )
}

const lookAtCache = (unembedded: number): ReadonlyArray<Degradation> =>
  unembedded === 0 ? [] : [{
    what: "cache",
    why: `${unembedded} answers wait for a vector of the present embedder: they are found by their exact prompt only`
  }]

/** Out as soon as its last request failed, and as long as its circuit is not closed. */
const lookAtEmbedder = Effect.fnUntraced(function*(
  { embedder, key, lastFailure }: EmbedderCircuit["Service"],
  breaker: CircuitBreaker["Service"]
): Effect.fn.Return<ReadonlyArray<Degradation>> {
  const { _tag: circuit } = yield* breaker.state(key)
  const failure = yield* lastFailure
  if (circuit === "Closed" && failure === undefined) return []
  const state = circuit === "Closed" ? "fails" : circuit === "Open" ? "is not asked" : "is being probed"
  const last = failure === undefined ? "" : ` (${failure.detail})`
  return [{
    what: "embedder",
    why: `the embedder ${embedder} ${state}${last}: similar answers are not found, only exact ones`
  }]
})

const noDatabase: ReadonlyArray<Degradation> = [
  { what: "database", why: "the database does not answer: nothing is remembered or found" }
]

/** Bounded like every call to the store: a probe that hangs is left behind after a second, interrupted. */
const probeDatabase = (sql: SqlClient.SqlClient, storeCall: StoreCall): Effect.Effect<ReadonlyArray<Degradation>> =>
  Effect.match(storeCall("Readiness.report", "1 second", sql`SELECT 1`), {
    onSuccess: (): ReadonlyArray<Degradation> => [],
    onFailure: () => noDatabase
  })
