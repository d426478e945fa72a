/** Counts what users got, as they get it. */
import type { Generation } from "../../domain/Generation.ts"
import type { Bin, Counts, StrategyResult, TimelinePart } from "./Result.ts"

/** How one request ended. */
export interface Ending {
  /** When it began, from the beginning of the simulation. */
  readonly atMillis: number
  readonly waitedMillis: number
  readonly outcome: Generation["source"] | "error" | "gave-up"
  readonly isWrongSubject: boolean
}

const parts = 96
const minuteMillis = 60_000

/** Eight bins for each power of ten, from 10 ms to 1000 s. */
const binBounds: ReadonlyArray<number> = [
  ...Array.from({ length: 41 }, (_, n) => Math.round(10 ** (1 + n / 8))),
  Infinity
]

type Mutable<A> = { -readonly [key in keyof A]: A[key] }

export const makeTally = (durationMillis: number) => {
  const all = noCounts()
  const timeline = Array.from(
    { length: parts },
    (_, part): Mutable<TimelinePart> => ({ fromMillis: part * durationMillis / parts, ...noCounts() })
  )
  const late = { requests: 0, failed: 0 }
  const waits: Array<number> = []
  const bins = binBounds.map((upToMillis): Mutable<Bin> => ({ upToMillis, count: 0 }))

  return {
    add: (ending: Ending): void => {
      count(all, ending)
      const part = timeline[Math.min(parts - 1, Math.floor(ending.atMillis / durationMillis * parts))]
      if (part !== undefined) count(part, ending)
      if (ending.atMillis >= minuteMillis) {
        late.requests++
        if (isFailure(ending)) late.failed++
      }
      waits.push(ending.waitedMillis)
      const bin = bins[binOf(ending.waitedMillis)]
      if (bin !== undefined) bin.count++
    },
    result: (): Omit<
      StrategyResult,
      "strategy" | "setting" | "providerCalls" | "rateLimited" | "bans" | "openMillis" | "circuit"
    > => {
      const sorted = Float64Array.from(waits).sort()
      return {
        ...all,
        afterFirstMinute: late,
        waiting: { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99) },
        waitingBins: bins,
        timeline
      }
    }
  }
}

const noCounts = (): Mutable<Counts> => ({
  requests: 0,
  live: 0,
  cache: 0,
  template: 0,
  failed: 0,
  gaveUp: 0,
  wrongSubject: 0
})

const isFailure = ({ outcome }: Ending): boolean => outcome === "error" || outcome === "gave-up"

const count = (counts: Mutable<Counts>, ending: Ending): void => {
  const { isWrongSubject, outcome } = ending
  counts.requests++
  if (outcome === "live" || outcome === "cache" || outcome === "template") counts[outcome]++
  else counts.failed++
  if (outcome === "gave-up") counts.gaveUp++
  if (isWrongSubject) counts.wrongSubject++
}

/** The first bin whose bound is not below it. */
const binOf = (millis: number): number => {
  let [low, high] = [0, binBounds.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((binBounds[middle] ?? Infinity) < millis) low = middle + 1
    else high = middle
  }
  return low
}

/** The nearest rank; 0 of nothing. */
const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
