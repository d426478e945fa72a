/** What is degraded right now, for whoever operates the service. */
import { Context, Effect, Exit, Fiber, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import type { CircuitState } from "../domain/Circuit.ts"
import { AiClient } from "./AiClient.ts"
import { CircuitBreaker } from "./CircuitBreaker.ts"
import { Generator } from "./Generator.ts"
import { RateLimiter } from "./RateLimiter.ts"

export interface Degradation {
  readonly what: "provider" | "circuit" | "database" | "queue"
  readonly why: string
}

export interface ReadinessReport {
  readonly provider: string
  readonly circuit: CircuitState["_tag"]
  readonly running: number
  readonly waiting: number
  readonly degraded: ReadonlyArray<Degradation>
}

export class Readiness extends Context.Service<Readiness, {
  readonly report: Effect.Effect<ReadinessReport>
}>()("understudy/services/Readiness") {
  /** Looks at the database too when there is one in the context; `notes` are degradations known from the start. */
  static readonly layer = (notes: ReadonlyArray<Degradation> = []) =>
    Layer.effect(
      Readiness,
      Effect.gen(function*() {
        const { provider } = yield* AiClient
        const { lastError } = yield* Generator
        const breaker = yield* CircuitBreaker
        const limiter = yield* RateLimiter
        const sql = yield* Effect.serviceOption(SqlClient.SqlClient)
        const database = Option.match(sql, {
          onNone: () => Effect.succeed<ReadonlyArray<Degradation>>([]),
          onSome: probeDatabase
        })
        const report = Effect.gen(function*() {
          const state = yield* breaker.state(provider)
          const { running, waiting } = yield* limiter.load(provider)
          const error = yield* lastError
          const degraded: ReadonlyArray<Degradation> = [
            ...notes,
            ...(error === undefined || error._tag === "AiRejected"
              ? []
              : [{ what: "provider", why: error.message } as const]),
            ...(state._tag === "Closed"
              ? []
              : [{ what: "circuit", why: `the circuit of ${provider} is not closed` } as const]),
            ...(waiting === 0 ? [] : [{ what: "queue", why: `${waiting} requests wait for a permit` } as const]),
            ...(yield* database)
          ]
          return { provider, circuit: state._tag, running, waiting, degraded }
        })
        return Readiness.of({ report })
      })
    )
}

const noDatabase: ReadonlyArray<Degradation> = [
  { what: "database", why: "the database does not answer: nothing is remembered or found" }
]

/** A statement that hangs returns only when the driver gives up, so a slow probe is left behind after a second. */
const probeDatabase = (sql: SqlClient.SqlClient): Effect.Effect<ReadonlyArray<Degradation>> =>
  Effect.gen(function*() {
    const probe = yield* Effect.forkDetach(sql`SELECT 1`)
    const exit = yield* Effect.timeoutOption(Fiber.await(probe), "1 second")
    return Option.isSome(exit) && Exit.isSuccess(exit.value) ? [] : noDatabase
  })
