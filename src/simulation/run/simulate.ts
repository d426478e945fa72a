/** Runs a scenario, a row after the other, each with a provider, a cache and users of its own on a clock of its own. */
import { Effect } from "effect"
import type { Variation } from "../policy/parseSweep.ts"
import type { Scenario } from "../Scenario.ts"
import type { StrategyEntry } from "../strategies/Strategy.ts"
import type { SimulationResult, StrategyResult } from "./Result.ts"
import { runRow } from "./runRow.ts"

export type { Variation }

/** Which scenario, with which strategies and variations. */
export interface SimulateOptions {
  readonly scenario: Scenario
  /** The same seed gives the same result. */
  readonly seed: string
  readonly strategies: ReadonlyArray<StrategyEntry>
  /** Each strategy with each of these, instead of with the scenario as it is. */
  readonly variations?: ReadonlyArray<Variation> | undefined
  /** Told about once per percent of a row. */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
}

/** How far a simulation is. */
export interface Progress {
  /** The row that is under way, from 0. */
  readonly row: number
  readonly rows: number
  readonly what: string
  /** Of this row, 0 to 1. */
  readonly part: number
}

/** Every strategy, with every variation; the same seed gives the same result. */
export const simulate = Effect.fnUntraced(function*(
  { onProgress = () => Effect.void, scenario, seed, strategies, variations }: SimulateOptions
): Effect.fn.Return<SimulationResult> {
  const planned = strategies.flatMap((strategy) =>
    (variations ?? [{ setting: undefined, scenario }]).map((variation) => ({ strategy, ...variation }))
  )
  const rows: Array<StrategyResult> = []
  for (const [row, { scenario, setting, strategy }] of planned.entries()) {
    const what = setting === undefined ? strategy.name : `${strategy.name} ${setting}`
    const result = yield* runRow({
      scenario,
      strategy,
      seed,
      onPart: (part) => onProgress({ row, rows: planned.length, what, part })
    })
    rows.push(setting === undefined ? result : { ...result, setting })
  }
  return { scenario, seed, rows }
})
