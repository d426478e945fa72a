/** Single flight: callers who ask for the very same at the same time share one call. */
import { Effect, Fiber, Metric, type Scope, type Tracer } from "effect"
import type { GenerationRequest } from "../../domain/Generation.ts"
import { linkTo } from "../telemetry/spans.ts"

/** A call under way, and what its callers share. */
export interface Flight<S, A, E> {
  readonly shared: S
  readonly fiber: Fiber.Fiber<A, E>
  /** Where the steps of the call are shown. */
  readonly span: Tracer.AnySpan | undefined
}

export interface Flights<S, A, E> {
  /**
   * Joins the call under way for this key, or starts it; without a key the call is the caller's alone. Whoever has
   * boarded must leave: the last one out ends a call that is still under way.
   */
  readonly board: (key: string | undefined, start: () => Start<S, A, E>) => Effect.Effect<Boarding<S, A, E>>
  readonly leave: (boarding: Boarding<S, A, E>) => Effect.Effect<void>
}

export interface Start<S, A, E> {
  readonly shared: S
  readonly call: Effect.Effect<A, E>
}

export interface Boarding<S, A, E> extends Flight<S, A, E> {
  readonly key: string | undefined
}

const joined = Metric.counter("understudy_shared_calls_total", {
  description: "Requests that shared the call of one for the very same that was under way",
  incremental: true
})

/** Closing the scope ends the calls that are under way. */
export const makeFlights = Effect.fnUntraced(function*<S, A, E>(): Effect.fn.Return<
  Flights<S, A, E>,
  never,
  Scope.Scope
> {
  const aboard = new Map<Fiber.Fiber<A, E>, number>()
  const byKey = new Map<string, Flight<S, A, E>>()
  yield* Effect.addFinalizer(() => Fiber.interruptAll(aboard.keys()))

  const forget = (key: string | undefined, fiber: Fiber.Fiber<A, E>) => {
    if (key !== undefined && byKey.get(key)?.fiber === fiber) byKey.delete(key)
  }

  return {
    board: (key, start) =>
      Effect.withFiber((asker) => {
        const known = key === undefined ? undefined : byKey.get(key)
        if (known !== undefined) {
          aboard.set(known.fiber, (aboard.get(known.fiber) ?? 0) + 1)
          linkTo(asker, known.span, { "understudy.shared": true })
          return Effect.as(Metric.update(joined, 1), { ...known, key })
        }
        const { call, shared } = start()
        const { span } = asker.cache
        const flight = { shared, span, fiber: Effect.runForkWith(asker.context)(call) }
        aboard.set(flight.fiber, 1)
        if (key !== undefined) byKey.set(key, flight)
        flight.fiber.addObserver(() => forget(key, flight.fiber))
        return Effect.succeed({ ...flight, key })
      }),
    leave: ({ fiber, key }) =>
      Effect.suspend(() => {
        const others = (aboard.get(fiber) ?? 1) - 1
        if (others > 0) return Effect.sync(() => void aboard.set(fiber, others))
        aboard.delete(fiber)
        forget(key, fiber)
        return fiber.pollUnsafe() === undefined ? Fiber.interrupt(fiber) : Effect.void
      })
  }
})

/** Equal for requests that one answer serves; none for those that must have one of their own. */
export const flightKey = (request: GenerationRequest): string | undefined => {
  const { chat, contentType, context = "", locale, maxAgeMillis, maxTokens, model, namespace, prompt } = request
  if (!request.remember || request.call !== undefined) return undefined
  if (prompt.length + context.length > maxCompared) return undefined
  // A conversation's body holds its prompt and its context.
  return JSON.stringify([
    namespace,
    maxTokens,
    model,
    contentType,
    locale,
    maxAgeMillis,
    chat?.body ?? [prompt, context]
  ])
}

/** Characters: to compare longer ones takes more time than it is likely to save. */
const maxCompared = 1_000_000
