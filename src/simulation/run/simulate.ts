/** STUB of branch `cli`, to be replaced by the core's: takes its time, and counts nothing. */
import { Effect } from "effect"
import type { Scenario } from "../Scenario.ts"
import type { StrategyEntry } from "../strategies/index.ts"
import { onVirtualTime } from "../time/VirtualTime.ts"
import type { SimulationResult, StrategyResult } from "./Result.ts"

export interface SimulateOptions {
  readonly scenario: Scenario
  readonly seed: string
  readonly strategies: ReadonlyArray<StrategyEntry>
  /** Each strategy with each of these, instead of with the scenario as it is. */
  readonly variations?: ReadonlyArray<Variation> | undefined
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
}

export interface Variation {
  readonly setting: string
  readonly scenario: Scenario
}

export interface Progress {
  readonly row: number
  readonly rows: number
  readonly what: string
  readonly part: number
}

export const simulate = Effect.fnUntraced(function*(
  { onProgress = () => Effect.void, scenario, seed, strategies, variations }: SimulateOptions
): Effect.fn.Return<SimulationResult> {
  const planned = strategies.flatMap((strategy) =>
    (variations ?? [{ setting: undefined, scenario }]).map((variation) => ({ strategy, ...variation }))
  )
  const rows: Array<StrategyResult> = []
  for (const [row, { scenario, setting, strategy }] of planned.entries()) {
    const requests = Math.round(scenario.traffic.perDay * scenario.durationMillis / 86_400_000)
    const what = setting === undefined ? strategy.name : `${strategy.name} ${setting}`
    yield* onVirtualTime()(Effect.gen(function*() {
      for (let n = 0; n < requests; n++) {
        yield* Effect.sleep(1_000)
        if (n % Math.ceil(requests / 100) === 0) {
          yield* onProgress({ row, rows: planned.length, what, part: n / requests })
        }
      }
    }))
    rows.push({ ...nothing, strategy: strategy.name, setting, requests, live: requests })
  }
  return { scenario, seed, rows }
})

const nothing = {
  cache: 0,
  template: 0,
  failed: 0,
  gaveUp: 0,
  wrongSubject: 0,
  afterFirstMinute: { requests: 0, failed: 0 },
  waiting: { p50: 0, p95: 0, p99: 0 },
  waitingBins: [],
  providerCalls: 0,
  rateLimited: 0,
  bans: 0,
  openMillis: 0,
  circuit: [],
  timeline: []
}
