/** What a report says of its rows, and how it says it: the same on every machine, and never "NaN". */
import { cleanText } from "../../domain/similarity/Subject.ts"
import type { Counts, SimulationResult, StrategyResult } from "../run/Result.ts"

/** Undefined where there is nothing to be a share of. */
export const shareOf = (count: number, of: number): number | undefined =>
  of > 0 && Number.isFinite(count / of) ? count / of : undefined

export const failureRate = ({ failed, requests }: Counts): number | undefined => shareOf(failed, requests)

export const callsPerRequest = ({ providerCalls, requests }: StrategyResult): number | undefined =>
  shareOf(providerCalls, requests)

const none = "-"

/** In per cent, so that 0.05 % can be read, and what is not quite none or all does not look so. */
export const points = (share: number | undefined): string => {
  if (share === undefined || !Number.isFinite(share)) return none
  const percent = share * 100
  if (percent > 0 && percent < 0.005) return "<0.01"
  return percent < 100 && percent >= 99.995 ? ">99.99" : percent.toFixed(2)
}

export const percent = (share: number | undefined): string => {
  const shown = points(share)
  return shown === none ? none : `${shown} %`
}

export const ratio = (value: number | undefined): string => value === undefined ? none : value.toFixed(2)

const units = [
  { millis: 1, name: "ms", decimals: 0 },
  { millis: 1000, name: "s", decimals: 1 },
  { millis: 60_000, name: "min", decimals: 1 },
  { millis: 3_600_000, name: "h", decimals: 1 }
] as const

/** As people say it, to three figures or so: "120 ms", "1.2 s", "12 min", "24 h". */
export const duration = (millis: number): string => {
  if (!Number.isFinite(millis)) return none
  if (millis <= 0) return "0"
  if (millis < 1) return "<1 ms"
  const written = units.map(({ decimals, millis: unit }) => (millis / unit).toFixed(decimals).replace(/\.0$/, ""))
  // The first unit in which it is small, once rounded: 59.97 s are 1 min and not 60 s.
  const fitting = units.findIndex((_, index) =>
    Number(written[index]) < (units[index + 1]?.millis ?? Infinity) / unitOf(index)
  )
  return `${written[fitting] ?? none} ${units[fitting]?.name ?? ""}`
}

const unitOf = (index: number): number => units[index]?.millis ?? 1

/** From the beginning on, to the second: "0:30", "10:05:30" is written only where there are seconds. */
export const moment = (millis: number): string => {
  const seconds = Math.round(Math.max(0, millis) / 1000)
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0")
  const minutes = `${Math.floor(seconds / 3600)}:${two(seconds % 3600 / 60)}`
  return seconds % 60 === 0 ? minutes : `${minutes}:${two(seconds % 60)}`
}

/** Foreign text on one line, with nothing in it that a terminal or a reader would obey. */
export const line = (text: string): string => cleanText(text).replace(/\s+/g, " ")

export interface Titles {
  /** What is the same for all of two or more rows, and is said once; absent: nothing. */
  readonly shared?: string | undefined
  /** One for each row: the strategy's name and its setting. */
  readonly rows: ReadonlyArray<string>
}

export const fullTitle = ({ setting, strategy }: StrategyResult): string =>
  line(setting === undefined ? strategy : `${strategy}, ${setting}`)

/** For a table that must stay narrow: a sweep of one strategy names it once, above. */
export const titlesOf = ({ rows }: SimulationResult): Titles => {
  const [first] = rows
  const isSweep = first !== undefined && rows.length > 1
    && rows.every(({ setting, strategy }) => strategy === first.strategy && setting !== undefined)
  return isSweep
    ? { shared: line(first.strategy), rows: rows.map(({ setting }) => line(setting ?? "")) }
    : { rows: rows.map(fullTitle) }
}

/** "100000", or "99990 to 100010" where the rows differ. */
export const requestsOf = ({ rows }: SimulationResult): string => {
  const least = Math.min(...rows.map(({ requests }) => requests))
  const most = Math.max(...rows.map(({ requests }) => requests))
  return rows.length === 0 ? "0" : least === most ? String(most) : `${least} to ${most}`
}

/** How long the circuit was open; of a strategy that has one. */
export const openTime = ({ circuit, openMillis }: StrategyResult): string =>
  circuit.length === 0 ? none : duration(openMillis)

export const waitingTime = ({ requests, waiting }: StrategyResult, of: keyof StrategyResult["waiting"]): string =>
  requests === 0 ? none : duration(waiting[of])
