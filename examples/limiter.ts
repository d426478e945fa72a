/** The limiter around any effect: at most two at a time, six a minute, and nobody waits for what comes too late. Run: node examples/limiter.ts */
import { Console, Data, Duration, Effect } from "effect"
import { RateLimiter } from "understudy"

class TooMany extends Data.TaggedError("TooMany")<{ readonly retryAfter: Duration.Duration }> {}

let calls = 0
/** What has limits: its seventh caller of the minute would be refused with 429. */
const translate = (text: string): Effect.Effect<string, TooMany> =>
  Effect.delay(
    Effect.suspend(() =>
      ++calls > 6 ? Effect.fail(new TooMany({ retryAfter: Duration.minutes(1) })) : Effect.succeed(text.toUpperCase())
    ),
    "100 millis"
  )

const limited = (text: string) =>
  translate(text).pipe(
    RateLimiter.limit("translator", { maxWait: "2 seconds" }),
    // Others use the same key, perhaps: after a 429 nobody asks before its time, and then one by one.
    Effect.tapErrorTag("TooMany", ({ retryAfter }) =>
      RateLimiter.use((limiter) => limiter.coolDown("translator", retryAfter))),
    Effect.catchTags({
      LimitExceeded: ({ reason, retryAfter }) =>
        Effect.succeed(`not now (${reason}), in ${Math.ceil(Duration.toSeconds(retryAfter))} s`),
      TooMany: () =>
        Effect.succeed("429")
    })
  )

const program = Effect.gen(function*() {
  const words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
  const [took, results] = yield* Effect.timed(Effect.forEach(words, limited, { concurrency: "unbounded" }))
  yield* Effect.forEach(results, (result, n) => Console.log(`${words[n]}: ${result}`))
  yield* Console.log(`${calls} calls, two at a time: ${Math.round(Duration.toMillis(took) / 100) * 100} ms`)
})

await Effect.runPromise(
  Effect.provide(program, RateLimiter.layer({ concurrency: 2, queue: 16, requestsPerMinute: 6 }))
)
