/** One strategy through one scenario, on virtual time. */
import { Effect, Random, References } from "effect"
import { scriptOf } from "../provider/ModelScript.ts"
import { layerScripted } from "../provider/ScriptedProvider.ts"
import { scriptOfTrace } from "../provider/TraceScript.ts"
import { drawsOf } from "../random/Draws.ts"
import type { Scenario } from "../Scenario.ts"
import type { StrategyEntry } from "../strategies/Strategy.ts"
import { onVirtualTime } from "../time/VirtualTime.ts"
import type { StrategyResult } from "./Result.ts"
import { runScenario } from "./runScenario.ts"

export interface RowOptions {
  readonly scenario: Scenario
  readonly strategy: StrategyEntry
  readonly seed: string
  /** Told about once per percent. */
  readonly onPart: (part: number) => Effect.Effect<void>
}

export const runRow = Effect.fnUntraced(function*(options: RowOptions): Effect.fn.Return<StrategyResult> {
  const { scenario, seed } = options
  const replayed = scenario.trace === undefined ? undefined : scriptOfTrace(scenario.trace)
  const script = replayed ?? scriptOf(scenario.provider, yield* drawsOf(seed, "provider"))
  const row = runScenario({
    ...options,
    provider: (played) => layerScripted({ script, ...played })
  })
  return yield* Effect.scoped(row).pipe(
    // For the strategy's own jitter and ids; the scenario's random numbers come from sequences of their own.
    Random.withSeed(`${seed}/${options.strategy.name}`),
    // A day of warnings is nothing that anybody could read.
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provideService(References.TracerEnabled, false),
    onVirtualTime()
  )
})
