/** Six hours with a way of calling the provider of your own, beside the one that ships. Run: node examples/simulation.ts */
import { Console, Effect, Layer } from "effect"
import { AiClient } from "understudy"
import { reportText, setValue, simulate, story, strategies, type StrategyEntry } from "understudy/simulation"

const ladder = strategies.filter(({ name }) => name === "full-ladder")

/** Your own: who has no answer after six seconds calls a second time, and takes the first answer. */
const Hedged = Layer.effect(
  AiClient,
  Effect.map(AiClient, (client) => ({
    ...client,
    generate: (request) => Effect.race(client.generate(request), Effect.delay(client.generate(request), "6 seconds"))
  }))
)

/** Under the same ladder. */
const hedged = ladder.map(({ layer }): StrategyEntry => ({
  name: "hedged",
  about: "The full ladder, and a second call when the first one is slow",
  layer: (policy) => Layer.provide(layer(policy), Hedged)
}))

/** The first six hours of the story, with a provider that takes eight seconds for an answer. */
export const comparison = Effect.gen(function*() {
  const scenario = yield* Effect.fromResult(setValue(story, "provider.latency=8 seconds"))
  return yield* simulate({
    scenario: { ...scenario, durationMillis: 6 * 3_600_000 },
    seed: "1",
    strategies: [...ladder, ...hedged]
  })
})

if (import.meta.main) {
  await Effect.runPromise(Effect.flatMap(comparison, (result) => Console.log(reportText(result))))
}
