/** A test of your own program against a flaky provider: minutes of trouble in milliseconds, and the same every time. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { AiClient } from "understudy"
import { drawsOf, layerScripted, onVirtualTime, type ProviderModel, scriptOf } from "understudy/simulation"

/** The program: a newsletter wants ten subject lines within a minute, and is sent with those that are there by then. */
const subjectLines = Effect.gen(function*() {
  const ai = yield* AiClient
  const lines: Array<string> = []
  const write = (n: number) =>
    ai.generate({ prompt: `Subject line ${n} for the spring newsletter`, maxTokens: 30 }).pipe(
      Effect.timeout("10 seconds"),
      Effect.retry(Schedule.spaced("5 seconds")),
      Effect.tap(({ text }) => Effect.sync(() => lines.push(text)))
    )
  yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], write, { concurrency: 2 }).pipe(
    Effect.timeoutOption("1 minute")
  )
  return lines
})

/** The provider takes three seconds, fails now and then, and is away from the sixth second on. */
const flaky = (outageSeconds: number): ProviderModel => ({
  latency: { medianMillis: 3_000, sigma: 0.4 },
  faults: { unavailable: 0.05, timeout: 0.02 },
  windows: [{ what: "outage", fromMillis: 6_000, toMillis: 6_000 + outageSeconds * 1_000, faults: { unavailable: 1 } }]
})

const runDuring = Effect.fnUntraced(function*(outageSeconds: number) {
  let calls = 0
  const script = scriptOf(flaky(outageSeconds), yield* drawsOf("a seed", "provider"))
  const provider = layerScripted({ script, onCall: () => void calls++ })
  const [took, lines] = yield* Effect.timed(Effect.provide(subjectLines, provider))
  return { took, lines, calls }
}, onVirtualTime())

describe("the newsletter", () => {
  it.effect("has all its subject lines after a short outage", () =>
    Effect.gen(function*() {
      const { lines } = yield* runDuring(20)
      assert.strictEqual(lines.length, 10)
    }))

  it.effect("is sent after a minute with the lines it has, and does not press a provider that is away", () =>
    Effect.gen(function*() {
      const { calls, lines, took } = yield* runDuring(300)
      assert.strictEqual(Duration.toSeconds(took), 60)
      assert.isBelow(lines.length, 10)
      assert.isBelow(calls, 40)
    }))
})
