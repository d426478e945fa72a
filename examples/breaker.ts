/** The circuit breaker around any effect: here a weather service that goes down and comes back. Run: node examples/breaker.ts */
import { Console, Data, Duration, Effect, Stream } from "effect"
import { Circuit, CircuitBreaker } from "understudy"

class WeatherDown extends Data.TaggedError("WeatherDown")<{ readonly status: number }> {}
class NoSuchTown extends Data.TaggedError("NoSuchTown") {}

let isDown = true
const forecast = (town: string): Effect.Effect<string, WeatherDown | NoSuchTown> =>
  isDown
    ? Effect.fail(new WeatherDown({ status: 503 }))
    : town === "Atlantis"
    ? Effect.fail(new NoSuchTown())
    : Effect.succeed("sunny")

/** One that has no such town works: only being down counts. */
const classify = (error: WeatherDown | NoSuchTown): Circuit.Outcome =>
  error._tag === "WeatherDown" ? Circuit.failure(`status ${error.status}`) : Circuit.success

const guarded = (town: string) =>
  forecast(town).pipe(
    CircuitBreaker.protect("weather", classify),
    Effect.catchTags({
      WeatherDown: ({ status }) => Effect.succeed(`no weather (status ${status})`),
      NoSuchTown: () => Effect.succeed("no such town"),
      // Nobody was asked. The next one who is, is a probe.
      CircuitOpen: ({ retryAfter }) =>
        Effect.succeed(`yesterday's weather, for the next ${Math.ceil(Duration.toSeconds(retryAfter))} s`)
    })
  )

const program = Effect.gen(function*() {
  const { transitions } = yield* CircuitBreaker
  yield* Effect.forkScoped(
    Stream.runForEach(transitions, ({ from, key, to }) => Console.log(`  ${key}: ${from} -> ${to}`)),
    { startImmediately: true }
  )
  const look = (town: string) => Effect.flatMap(guarded(town), (weather) => Console.log(`${town}: ${weather}`))
  yield* Effect.forEach(["Graz", "Graz", "Graz", "Graz"], look)
  isDown = false
  yield* Effect.sleep("1 second")
  yield* Effect.forEach(["Graz", "Atlantis", "Wien"], look)
})

await Effect.runPromise(
  program.pipe(
    Effect.scoped,
    Effect.provide(CircuitBreaker.layerMemory({ failures: 3, window: "1 minute", openFor: "1 second" }))
  )
)
