/** Scenarios that take no time. */
import { Effect, Layer, Result } from "effect"
import { cutTo } from "../../../src/simulation/policy/cutTo.ts"
import type { SimulationResult } from "../../../src/simulation/run/Result.ts"
import { simulate } from "../../../src/simulation/run/simulate.ts"
import type { Scenario } from "../../../src/simulation/Scenario.ts"
import { scenarios } from "../../../src/simulation/scenarios/index.ts"
import { strategies, Strategy, type StrategyEntry } from "../../../src/simulation/strategies/index.ts"
import { threads } from "../../../src/simulation/strategies/workers.ts"

export const scenarioOf = (name: string, duration?: string): Scenario => {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (found === undefined) throw new Error(`there is no scenario ${name}`)
  return duration === undefined ? found : Result.getOrThrow(cutTo(found, duration))
}

export const strategiesOf = (...names: ReadonlyArray<string>): ReadonlyArray<StrategyEntry> =>
  names.map((name) => {
    const found = strategies.find((strategy) => strategy.name === name)
    if (found === undefined) throw new Error(`there is no strategy ${name}`)
    return found
  })

export const run = (scenario: Scenario, names: ReadonlyArray<string>, seed = "1"): Effect.Effect<SimulationResult> =>
  simulate({ scenario, seed, strategies: strategiesOf(...names) })

/** A strategy of one's own, of what it makes of a call without any bounds. */
export const ownStrategy = (
  generate: (
    call: ReturnType<Strategy["Service"]["generate"]>,
    prompt: string
  ) => ReturnType<Strategy["Service"]["generate"]>
): StrategyEntry => ({
  name: "own",
  about: "For tests.",
  layer: (policy) =>
    Layer.effect(
      Strategy,
      Effect.map(Strategy, (inner) => ({ generate: (request) => generate(inner.generate(request), request.prompt) }))
    ).pipe(Layer.provide(threads.layer(policy)))
})
