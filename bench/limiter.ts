/**
 * What a permit costs per call: the bare Effect loop, our limiter uncontended, with limits per minute, and Effect's own
 * `RateLimiter` of `effect/persistence` over its memory store, in one run. Rounds interleaved; medians.
 *
 *     node bench/limiter.ts [--rounds 15] [--calls 20000]
 */
import { Clock, Duration, Effect, Layer } from "effect"
import { RateLimiter as EffectRateLimiter } from "effect/persistence"
import { parseArgs } from "node:util"
import { defaultNamespace } from "../src/domain/Generation.ts"
import { RateLimiter } from "../src/services/RateLimiter.ts"

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, calls: { type: "string", default: "20000" } }
})
const rounds = Number(values.rounds)
const calls = Number(values.calls)
const plenty = 1_000_000_000

/** Something that an attempt does: it reads the clock, as every attempt does. */
const attempt = Clock.currentTimeMillis

const ours = RateLimiter.useSync((limiter) => {
  const request = {
    key: "provider",
    namespace: defaultNamespace,
    deadline: Number.MAX_SAFE_INTEGER,
    minAttemptMillis: 0,
    tokens: 100
  }
  return limiter.withPermit(request, () => attempt)
})

const oursWithReport = RateLimiter.useSync((limiter) => {
  const request = {
    key: "provider",
    namespace: defaultNamespace,
    deadline: Number.MAX_SAFE_INTEGER,
    minAttemptMillis: 0,
    tokens: 100
  }
  return limiter.withPermit(
    request,
    (permit) => Effect.andThen(attempt, limiter.report("provider", permit, { congested: false, usedTokens: 60 }))
  )
})

const theirs = EffectRateLimiter.RateLimiter.useSync((limiter) =>
  Effect.andThen(
    limiter.consume({
      key: "provider",
      limit: plenty,
      window: Duration.minutes(1),
      algorithm: "fixed-window",
      onExceeded: "fail"
    }),
    attempt
  )
)

const perMinute = { requestsPerMinute: plenty, tokensPerMinute: plenty }
const candidates = [
  { name: "bare loop", call: Effect.succeed(attempt) },
  { name: "ours", call: Effect.provide(ours, RateLimiter.layer({})) },
  {
    name: "ours, requests per minute",
    call: Effect.provide(ours, RateLimiter.layer({ requestsPerMinute: plenty }))
  },
  { name: "ours, both per minute", call: Effect.provide(ours, RateLimiter.layer(perMinute)) },
  { name: "the same, and reported", call: Effect.provide(oursWithReport, RateLimiter.layer(perMinute)) },
  {
    name: "effect/persistence RateLimiter",
    call: Effect.provide(
      theirs,
      EffectRateLimiter.layer.pipe(Layer.provide(EffectRateLimiter.layerStoreMemory))
    )
  }
]

const median = (numbers: ReadonlyArray<number>): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const program = Effect.gen(function*() {
  const samples = new Map(candidates.map(({ name }) => [name, new Array<number>()]))
  for (let round = 0; round < rounds + 3; round++) {
    for (const candidate of candidates) {
      // Its own limiter each round, so that no round pays for what an earlier one has left.
      const call = yield* candidate.call
      const begin = process.hrtime.bigint()
      for (let n = 0; n < calls; n++) yield* call
      const micros = Number(process.hrtime.bigint() - begin) / 1_000 / calls
      if (round >= 3) samples.get(candidate.name)?.push(micros)
    }
  }
  const bare = median(samples.get("bare loop") ?? [])
  for (const [name, all] of samples) {
    const micros = median(all)
    process.stdout.write(`${name.padEnd(32)} ${micros.toFixed(2)} µs  +${(micros - bare).toFixed(2)} µs\n`)
  }
})

await Effect.runPromise(program)
