/**
 * What an embedder over the network needs: a deadline and a circuit of its own, and lookups that come at the same time
 * joined into one request. A slow or dead endpoint costs a few lookups their deadline, then nobody anything.
 */
import { Array, Cause, Duration, Effect, Exit, Metric } from "effect"
import { type CircuitOpen, EmbeddingFailed } from "../../domain/errors.ts"
import { batchesOf, outcomeOfEmbedding } from "../../domain/similarity/Embedding.ts"
import { CircuitBreaker } from "../CircuitBreaker.ts"
import { type BatchOptions, type EmbedderApi, failedAs, limitsOf } from "./EmbedderApi.ts"
import { makeGathering } from "./gathering.ts"

/** How long an embedder may take, and how its requests are gathered. */
export interface ResilientOptions extends BatchOptions {
  /** The longest that a request for lookups may take. Default 250 milliseconds. */
  readonly timeout?: Duration.Input | undefined
  /** The longest that a request of `embedMany` may take: off the answer's path. Default 10 seconds. */
  readonly batchTimeout?: Duration.Input | undefined
  /**
   * How long a lookup waits for others to go with it, five times as long while two requests are under way: so however
   * many lookups come, a slow endpoint gets a request in 25 milliseconds. Default 5 milliseconds.
   */
  readonly gather?: Duration.Input | undefined
}

/** What operators see of an embedder that has a circuit. */
export interface EmbedderCircuitApi {
  readonly embedder: string
  /** The key of its circuit in the `CircuitBreaker`. */
  readonly key: string
  /** What the last request failed with; none after one that succeeded. Refused texts are no failure of the embedder. */
  readonly lastFailure: Effect.Effect<EmbeddingFailed | undefined>
}

const requestCount = Metric.counter("understudy_embedder_requests_total", {
  description: "Requests that were sent to the embedder, by how they ended",
  incremental: true
})
const textCount = Metric.counter("understudy_embedder_texts_total", {
  description: "Texts in these requests",
  incremental: true
})
const requestHistogram = Metric.histogram("understudy_embedder_request_seconds", {
  description: "From a request to the embedder to its end, whatever that was",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

type Vectors = ReadonlyArray<Float32Array>

export const makeResilient = (
  inner: EmbedderApi,
  breaker: CircuitBreaker["Service"],
  options: ResilientOptions
): { readonly embedder: EmbedderApi; readonly circuit: EmbedderCircuitApi } => {
  const { dimensions, name } = inner
  const key = `embedder:${name}`
  const limits = limitsOf(options)
  const timeout = Duration.fromInputUnsafe(options.timeout ?? "250 millis")
  const batchTimeout = Duration.fromInputUnsafe(options.batchTimeout ?? "10 seconds")
  const failed = failedAs(name)
  const texts = Metric.withAttributes(textCount, { embedder: name })
  const seconds = Metric.withAttributes(requestHistogram, { embedder: name })
  let lastFailure: EmbeddingFailed | undefined

  /** What a request says to operators. A refused key stays so until one of them acts: said once, not for each request. */
  const react = (exit: Exit.Exit<Vectors, EmbeddingFailed>): Effect.Effect<void> => {
    const error = failureOf(exit)
    if (Exit.isFailure(exit) && error === undefined) return Effect.void
    const before = lastFailure?.reason
    lastFailure = error?.reason === "rejected" ? undefined : error
    return error?.reason === "unauthorized" && before !== "unauthorized" ? Effect.logError(error.message) : Effect.void
  }

  const book = (exit: Exit.Exit<Vectors, EmbeddingFailed>, size: number, tookMillis: number) =>
    Effect.all([
      Metric.update(Metric.withAttributes(requestCount, { embedder: name, result: resultOf(exit) }), 1),
      Metric.update(texts, size),
      Metric.update(seconds, tookMillis / 1_000),
      react(exit)
    ], { discard: true })

  const bounded = <A>(self: Effect.Effect<A, EmbeddingFailed>, within: Duration.Duration) =>
    Effect.timeoutOrElse(self, {
      duration: within,
      orElse: () => Effect.fail(failed("timeout", `no answer within ${Duration.format(within)}`))
    })

  const isOpen = ({ message, retryAfter }: CircuitOpen) =>
    new EmbeddingFailed({ embedder: name, reason: "circuit_open", retryAfter, cause: new Error(message) })

  /** One request, when the circuit lets it and within its time: the request's, not the time that a caller waits. */
  const request = (
    batch: ReadonlyArray<string>,
    within: Duration.Duration
  ): Effect.Effect<Vectors, EmbeddingFailed> => {
    const [text] = batch
    const asked: Effect.Effect<Vectors, EmbeddingFailed> = text !== undefined && batch.length === 1
      ? Effect.map(inner.embed(text), (vector) => [vector])
      : inner.embedMany(batch)
    const inTime = bounded(asked, within)
    return Effect.clockWith((clock) => {
      const start = clock.currentTimeMillisUnsafe()
      return Effect.onExit(inTime, (exit) => book(exit, batch.length, clock.currentTimeMillisUnsafe() - start))
    }).pipe(
      CircuitBreaker.protect(key, outcomeOfEmbedding),
      Effect.provideService(CircuitBreaker, breaker),
      Effect.catchTag("CircuitOpen", (error) => Effect.fail(isOpen(error)))
    )
  }

  const isLet = Effect.mapError(breaker.check(key), isOpen)
  const gather = Duration.fromInputUnsafe(options.gather ?? "5 millis")
  const patience = Duration.sum(Duration.times(gather, 5), timeout)
  const gathered = makeGathering({
    name,
    limits,
    gather,
    request: (batch) => request(batch, timeout)
  })

  return {
    circuit: { embedder: name, key, lastFailure: Effect.sync(() => lastFailure) },
    embedder: {
      name,
      dimensions,
      // Behind an open circuit nobody waits for others to come; and nobody for a refused group to be halved.
      embed: Effect.fn("Embedder.embed")((text) => Effect.andThen(isLet, bounded(gathered(text), patience))),
      embedMany: Effect.fn("Embedder.embedMany")((many) =>
        Effect.map(Effect.forEach(batchesOf(many, limits), (batch) => request(batch, batchTimeout)), Array.flatten)
      )
    }
  }
}

const failureOf = (exit: Exit.Exit<Vectors, EmbeddingFailed>): EmbeddingFailed | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = Cause.findErrorOption(exit.cause)
  return error._tag === "Some" ? error.value : undefined
}

/** The label of the metric. */
const resultOf = (exit: Exit.Exit<Vectors, EmbeddingFailed>): string => {
  if (Exit.isSuccess(exit)) return "success"
  const error = failureOf(exit)
  if (error !== undefined) return error.reason ?? "unavailable"
  return Exit.hasInterrupts(exit) ? "interrupted" : "defect"
}
