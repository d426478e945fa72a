/**
 * What a simulated day of 100,000 requests costs: `npm run bench:simulation`. The scenario `story` with five times its
 * traffic, and limits that are five times as high, through the full ladder; the target is 20 seconds of one core and
 * 500 MB. Then the first hours of it again, on the simulator's clock and on Effect's `TestClock`.
 *
 *     node bench/simulation.ts [--hours 10]
 */
import { Effect, Fiber, Random, References, Result } from "effect"
import { TestClock } from "effect/testing"
import { loadavg } from "node:os"
import { parseArgs } from "node:util"
import {
  drawsOf,
  layerScripted,
  onVirtualTime,
  reportText,
  runScenario,
  type Scenario,
  scriptOf,
  setValue,
  story,
  strategies,
  type StrategyEntry
} from "../src/simulation/index.ts"

const { values } = parseArgs({ options: { hours: { type: "string", default: "10" } } })
const seed = "bench"
const hourMillis = 3_600_000

const busyStory = [
  "traffic.per-day=95000",
  "provider.requests-per-minute=300",
  "limits.requests-per-minute=270",
  "limits.concurrency=40",
  "limits.queue=320"
].reduce<Result.Result<Scenario, string>>(
  (scenario, setting) => Result.flatMap(scenario, (scenario) => setValue(scenario, setting)),
  Result.succeed(story)
)

const run = (scenario: Scenario, strategy: StrategyEntry) =>
  Effect.gen(function*() {
    const script = scriptOf(scenario.provider, yield* drawsOf(seed, "provider"))
    return yield* runScenario({
      scenario,
      strategy,
      seed,
      provider: (played) => layerScripted({ script, ...played }),
      onPart: () => Effect.void
    })
  }).pipe(
    Effect.scoped,
    Random.withSeed(seed),
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provideService(References.TracerEnabled, false)
  )

/** Turned on until the last user has left. */
const onTestClock = <A, E>(program: Effect.Effect<A, E>, { durationMillis, policy }: Scenario): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(program)
    yield* TestClock.adjust(durationMillis)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(policy.timeout.totalMillis)
    return yield* Fiber.join(fiber)
  }).pipe(Effect.provide(TestClock.layer({ warningDelay: hourMillis })))

interface Cost {
  readonly wallSeconds: number
  readonly cpuSeconds: number
}

const measure = Effect.fnUntraced(function*<A, E>(program: Effect.Effect<A, E>) {
  const begin = performance.now()
  const before = process.cpuUsage()
  const result = yield* program
  const { system, user } = process.cpuUsage(before)
  const cost: Cost = { wallSeconds: (performance.now() - begin) / 1_000, cpuSeconds: (user + system) / 1_000_000 }
  return { result, cost }
})

const say = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))

const costLine = (what: string, { cpuSeconds, wallSeconds }: Cost, requests: number): string =>
  `${what.padEnd(28)} ${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of processor time, ${
    (cpuSeconds * 1e6 / requests).toFixed(0)
  } µs per request`

const program = Effect.gen(function*() {
  const scenario = yield* Effect.fromResult(busyStory)
  const ladder = strategies.find(({ name }) => name === "full-ladder")
  if (ladder === undefined) return yield* Effect.die("there is no full ladder")
  const load = () => `load of the machine: ${loadavg().map((n) => n.toFixed(1)).join(", ")}`

  yield* say(load())
  const day = yield* measure(onVirtualTime()(run(scenario, ladder)))
  const megabytes = process.resourceUsage().maxRSS / 1_024
  yield* say(reportText({ scenario, seed, rows: [day.result] }))
  yield* say(
    `\n${costLine(`${day.result.requests} requests`, day.cost, day.result.requests)} (target: 20 s of one core)`
  )
  yield* say(`${"peak memory (RSS)".padEnd(28)} ${megabytes.toFixed(0)} MB (target: 500 MB)\n`)

  const part: Scenario = { ...scenario, durationMillis: Number(values.hours) * hourMillis }
  const ours = yield* measure(onVirtualTime()(run(part, ladder)))
  yield* say(costLine(`${ours.result.requests} requests, our clock`, ours.cost, ours.result.requests))
  const theirs = yield* measure(onTestClock(run(part, ladder), part))
  yield* say(costLine(`${theirs.result.requests} requests, TestClock`, theirs.cost, theirs.result.requests))
  yield* say(load())
})

await Effect.runPromise(program)
