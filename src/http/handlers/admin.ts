/** Translates the operator's endpoints between the contract and the circuit breaker. */
import { DateTime, Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { CircuitBreaker, type CircuitStatus as Status } from "../../services/CircuitBreaker.ts"
import { EmbedderCircuit } from "../../services/Embedder.ts"
import { Providers } from "../../services/Providers.ts"
import { CircuitCommand, type CircuitStatus } from "../api/Admin.ts"
import { Api } from "../api/Api.ts"
import { NotFound } from "../api/Problems.ts"
import { jsonBodyOf } from "./body.ts"

export const AdminHandlers = HttpApiBuilder.group(
  Api,
  "admin",
  Effect.fnUntraced(function*(handlers) {
    const breaker = yield* CircuitBreaker
    const { inOrder } = yield* Providers
    const embedder = Option.toArray(yield* Effect.serviceOption(EmbedderCircuit))
    const names = [...inOrder.map(({ client }) => client.provider), ...embedder.map(({ key }) => key)]
    const readBody = yield* jsonBodyOf(CircuitCommand)

    const statusOf = Effect.fnUntraced(function*(key: string): Effect.fn.Return<CircuitStatus, NotFound> {
      const statuses = yield* breaker.statuses
      const status = statuses.find((status) => status.key === key)
      return status === undefined ? yield* unknown(key) : toStatus(status)
    })

    const unknown = (key: string) =>
      new NotFound({ detail: `No circuit is called ${key}; there are ${names.join(", ")}` })

    return handlers
      .handle("circuits", () => Effect.map(breaker.statuses, (statuses) => ({ circuits: statuses.map(toStatus) })))
      .handleRaw("controlCircuit", ({ params: { key }, request }) =>
        Effect.gen(function*() {
          const { body: { action } } = yield* readBody(request)
          if (!names.includes(key)) return yield* unknown(key)
          yield* breaker.control(key, action)
          yield* Effect.logWarning(`an operator has asked for ${action} of the circuit of ${key}`)
          return HttpServerResponse.jsonUnsafe(yield* statusOf(key))
        }))
  })
)

const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const toStatus = (status: Status): CircuitStatus => ({
  key: status.key,
  state: status.state,
  since: iso(status.since),
  remaining_seconds: status.remainingMillis / 1_000,
  openings: status.openings,
  recent_failures: status.recentFailures.map(({ at, reason }) => ({ at: iso(at), reason }))
})
