import { assert, describe, it } from "@effect/vitest"
import { Clock, type Duration, Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { defaultNamespace } from "../../../src/domain/Generation.ts"
import type { Priority } from "../../../src/services/limiter/RateLimiterApi.ts"
import { RateLimiter, type RateLimiterOptions } from "../../../src/services/RateLimiter.ts"

interface Start {
  readonly priority: Priority
  readonly at: number
  readonly waited: number
}

interface Traffic {
  /** Clients that ask again as soon as they are answered, until `pause`. */
  readonly clients: number
  /** Jobs of the backlog that are tried at one time, and how long each waits before it is put back for a while. */
  readonly workers: number
  readonly patienceMillis?: number | undefined
  readonly pause: Duration.Input
  readonly end: Duration.Input
  readonly takes: readonly [number, number]
}

const minutes = (count: number) => count * 60_000

/** Everything that was started, in order. */
const run = (options: RateLimiterOptions, traffic: Traffic) =>
  Effect.gen(function*() {
    const limiter = yield* RateLimiter
    const starts: Array<Start> = []
    const [shortest, longest] = traffic.takes
    const one = (priority: Priority, patienceMillis?: number) =>
      Effect.gen(function*() {
        const asked = yield* Clock.currentTimeMillis
        const takes = yield* Random.nextIntBetween(shortest, longest)
        const request = { key: "provider", namespace: defaultNamespace, minAttemptMillis: 0, tokens: 0 }
        yield* limiter.withPermit({ ...request, priority, patienceMillis, deadline: asked + 3_600_000 }, (permit) => {
          starts.push({ priority, at: permit.startedAt, waited: permit.startedAt - asked })
          return Effect.sleep(takes)
        })
      })
    const job = one("background", traffic.patienceMillis).pipe(
      Effect.catchTag("LimitExceeded", ({ retryAfter }) =>
        Effect.andThen(Effect.sleep("1 second"), Effect.sleep(retryAfter)))
    )
    const repeat = (count: number, effect: Effect.Effect<void, unknown>) =>
      Effect.forEach(Array.from({ length: count }), () =>
        Effect.forkChild(Effect.forever(effect)))
    const clients = yield* repeat(
      traffic.clients,
      Effect.catchTag(one("interactive"), "LimitExceeded", () => Effect.sleep("500 millis"))
    )
    const workers = yield* repeat(traffic.workers, job)
    yield* TestClock.adjust(traffic.pause)
    yield* Fiber.interruptAll(clients)
    const pausedAt = yield* Clock.currentTimeMillis
    yield* TestClock.adjust(traffic.end)
    yield* Fiber.interruptAll(workers)
    return {
      interactive: starts.filter(({ at, priority }) => priority === "interactive" && at < pausedAt),
      background: starts.filter(({ at, priority }) => priority === "background" && at < pausedAt),
      saturated: starts.filter(({ at }) => at < pausedAt),
      afterwards: starts.filter(({ at }) => at >= pausedAt).map(({ at }) => at - pausedAt)
    }
  }).pipe(Random.withSeed("load"), Effect.provide(RateLimiter.layer(options)))

const mean = (starts: ReadonlyArray<Start>) => starts.reduce((sum, { waited }) => sum + waited, 0) / starts.length
const peak = (starts: ReadonlyArray<Start>) => Math.max(...starts.map(({ waited }) => waited))

/** In no stretch of so many starts has the background more than its tenth, and the one that was due before. */
const neverMoreThanItsReserve = (starts: ReadonlyArray<Start>): void => {
  for (const length of [10, 100, 1_000]) {
    for (let first = 0; first + length <= starts.length; first++) {
      let background = 0
      for (let n = first; n < first + length; n++) if (starts[n]?.priority === "background") background += 1
      assert.isAtMost(background, length / 10 + 1)
    }
  }
}

/**
 * What the reserve itself costs: nine of ten starts are left, so a round of all clients, their wait and their call,
 * takes 1/0.9 of what it took. Nothing on top of it but these milliseconds.
 */
const withReserve = (waited: number, takes: number): number => (waited + takes) / 0.9 - takes + 100

const busy = { clients: 64, workers: 6, pause: minutes(5), end: minutes(1), takes: [500, 1_500] } as const

describe("sixty-four clients who never pause, and a backlog of jobs", () => {
  for (const patienceMillis of [undefined, 2_000]) {
    const jobs = patienceMillis === undefined ? "wait in line" : "wait for two seconds and come again"
    it.effect(
      `share eight permits: the jobs, which ${jobs}, have a tenth of the starts and no more`,
      () =>
        Effect.gen(function*() {
          const alone = yield* run({ concurrency: 8 }, { ...busy, workers: 0 })
          const both = yield* run({ concurrency: 8 }, { ...busy, patienceMillis })
          assert.isAbove(both.saturated.length, 2_000)
          neverMoreThanItsReserve(both.saturated)
          assert.isAtLeast(both.background.length, both.saturated.length * 0.095)
          assert.isAtMost(mean(both.interactive), withReserve(mean(alone.interactive), 1_000))
          assert.isAtMost(peak(both.interactive), withReserve(peak(alone.interactive), 1_000))
          // When the clients pause, the jobs have their half of the permits at once, and go on with it.
          assert.isAtLeast(both.afterwards.filter((at) => at === 0).length, 3)
          assert.isAtLeast(both.afterwards.length, 4 * 60 * 0.9)
        }),
      60_000
    )

    it.effect(
      `share three hundred requests per minute: and so have the jobs, which ${jobs}`,
      () =>
        Effect.gen(function*() {
          const options = { concurrency: 8, requestsPerMinute: 300 }
          const traffic = { ...busy, pause: minutes(8), takes: [1_000, 2_000] } as const
          const alone = yield* run(options, { ...traffic, workers: 0 })
          const both = yield* run(options, { ...traffic, patienceMillis })
          assert.isAbove(both.saturated.length, 2_000)
          neverMoreThanItsReserve(both.saturated)
          assert.isAtLeast(both.background.length, both.saturated.length * 0.08)
          assert.isAtMost(mean(both.interactive), withReserve(mean(alone.interactive), 1_500))
          // When the clients pause, the jobs use the minute but for the fifth that stays free.
          assert.isAtLeast(both.afterwards.length, 100)
        }),
      60_000
    )
  }

  it.effect("leave the jobs their share even when the room is never empty", () =>
    Effect.gen(function*() {
      const options = { concurrency: 8, queue: 32 }
      const both = yield* run(options, { ...busy, clients: 60, pause: minutes(2), patienceMillis: 2_000 })
      neverMoreThanItsReserve(both.saturated)
      assert.isAtLeast(both.background.length, both.saturated.length * 0.07)
    }), 60_000)
})
