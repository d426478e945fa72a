/** Translates what is done with stored answers between the contract and the cache. */
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import type { StoreUnavailable } from "../../domain/errors.ts"
import { FallbackCache } from "../../services/FallbackCache.ts"
import { Idempotency } from "../../services/Idempotency.ts"
import { Jobs } from "../../services/Jobs.ts"
import { Templates } from "../../services/Templates.ts"
import { Api } from "../api/Api.ts"
import { CurrentNamespace } from "../api/Authorization.ts"
import { NotFound } from "../api/Problems.ts"
import { storeUnavailable } from "./answers/jobResponses.ts"

export const GenerationsHandlers = HttpApiBuilder.group(
  Api,
  "generations",
  Effect.fnUntraced(function*(handlers) {
    const cache = yield* FallbackCache
    const change = Effect.fnUntraced(function*(found: Effect.Effect<boolean, StoreUnavailable>) {
      if (!(yield* found)) return yield* notStored
      return HttpServerResponse.empty({ status: 204 })
    }, Effect.catchTag("StoreUnavailable", unavailable))
    return handlers
      .handleRaw(
        "quarantine",
        ({ params: { id } }) => Effect.flatMap(CurrentNamespace, (namespace) => change(cache.quarantine(namespace, id)))
      )
      .handleRaw(
        "forget",
        ({ params: { id } }) => Effect.flatMap(CurrentNamespace, (namespace) => change(cache.forget(namespace, id)))
      )
  })
)

export const NamespacesHandlers = HttpApiBuilder.group(
  Api,
  "namespaces",
  Effect.fnUntraced(function*(handlers) {
    const cache = yield* FallbackCache
    const idempotency = yield* Idempotency
    const { erase: eraseTemplates } = yield* Templates
    const { erase: eraseJobs } = yield* Jobs
    return handlers.handleRaw("erase", ({ params: { namespace } }) =>
      Effect.gen(function*() {
        // Before the answers that they would become.
        const jobs = yield* eraseJobs(namespace)
        const answers = yield* cache.erase(namespace)
        const replays = yield* idempotency.erase(namespace)
        const templates = yield* eraseTemplates(namespace)
        yield* Effect.logWarning(
          `an operator has erased the namespace ${namespace}: ${jobs} jobs, ${answers} answers, ${replays} kept under an `
            + `Idempotency-Key, ${templates} templates`
        )
        return HttpServerResponse.jsonUnsafe({ namespace, erased: { jobs, answers, replays, templates } })
      }).pipe(Effect.catchTag("StoreUnavailable", unavailable)))
  })
)

/** The same for an id that nobody has and for one of another namespace. */
const notStored = new NotFound({
  detail:
    "Your namespace has no stored answer with this id. A template's id is never stored, nor is that of an answer " +
    "to a request with no-store; an answer goes when a newer one to the same prompt is stored, and when it is deleted"
})

const unavailable = storeUnavailable(
  "a stored answer could not be taken out",
  "It is not certain that anything was changed: send the same request again"
)
