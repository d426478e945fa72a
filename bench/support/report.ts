/** From samples to medians and a table. */
import { availableParallelism, cpus } from "node:os"
import { canPin } from "./processes.ts"

export interface Sample {
  readonly requests: number
  readonly failures: number
  readonly seconds: number
  readonly p50Millis: number
  readonly p99Millis: number
  /** CPU time of the measured process per request. */
  readonly cpuMicros: number
  /** Of it, in the main thread. */
  readonly mainThreadMicros: number
}

export interface Row {
  readonly name: string
  readonly what: string
  readonly perSecond: number
  readonly p50Millis: number
  readonly p99Millis: number
  readonly cpuMicros: number
  readonly mainThreadMicros: number
  /** Requests per second, of the first row's: the median of the rounds' own ratios. */
  readonly ratio: number
  readonly failures: number
}

interface Named {
  readonly name: string
  readonly what: string
}

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const at = (index: number) => sorted[index] ?? Number.NaN
  return Number.isInteger(middle) ? (at(middle - 1) + at(middle)) / 2 : at(Math.floor(middle))
}

const rate = (sample: Sample) => sample.requests / sample.seconds

export const summarise = (
  candidates: ReadonlyArray<Named>,
  samples: ReadonlyMap<string, ReadonlyArray<Sample>>
): ReadonlyArray<Row> => {
  const base = samples.get(candidates[0]?.name ?? "") ?? []
  return candidates.map(({ name, what }) => {
    const own = samples.get(name) ?? []
    return {
      name,
      what,
      perSecond: median(own.map(rate)),
      p50Millis: median(own.map((sample) => sample.p50Millis)),
      p99Millis: median(own.map((sample) => sample.p99Millis)),
      cpuMicros: median(own.map((sample) => sample.cpuMicros)),
      mainThreadMicros: median(own.map((sample) => sample.mainThreadMicros)),
      ratio: median(own.flatMap((sample, round) => {
        const bare = base[round]
        return bare === undefined ? [] : [rate(sample) / rate(bare)]
      })),
      failures: own.reduce((sum, sample) => sum + sample.failures, 0)
    }
  })
}

export const printTable = (rows: ReadonlyArray<Row>, say: (line: string) => void): void => {
  say("")
  say(
    `${availableParallelism()} cores (${cpus()[0]?.model ?? "?"}), Node ${process.versions.node}; ${
      canPin ? "what is measured on core 0, load and provider on core 1" : "processes not pinned to cores"
    }`
  )
  say("")
  say("| | requests/s | of bare | p50 ms | p99 ms | CPU µs/request | of it main thread | |")
  say("|---|---:|---:|---:|---:|---:|---:|---|")
  for (const row of rows) {
    say(
      `| ${row.name} | ${Math.round(row.perSecond)} | ${row.ratio.toFixed(2)} | ${row.p50Millis.toFixed(1)} | ${
        row.p99Millis.toFixed(1)
      } | ${row.cpuMicros.toFixed(0)} | ${row.mainThreadMicros.toFixed(0)} | ${row.what}${
        row.failures > 0 ? `; ${row.failures} FAILURES` : ""
      } |`
    )
  }
}
