/** A simulation for a terminal of 120 columns. */
import { table } from "../../domain/text/Table.ts"
import type { SimulationResult, StrategyResult } from "../run/Result.ts"
import {
  callsPerRequest,
  duration,
  failureRate,
  line,
  openTime,
  points,
  ratio,
  requestsOf,
  shareOf,
  titlesOf,
  waitingTime
} from "./Figures.ts"

/** The same result gives the same text, byte for byte. */
export const reportText = (result: SimulationResult): string => {
  const { scenario, seed } = result
  const titles = titlesOf(result)
  return [
    `${line(scenario.name)}: ${line(scenario.about)}`,
    `seed ${line(seed)}; ${requestsOf(result)} requests in ${duration(scenario.durationMillis)}`
    + (titles.shared === undefined ? "" : `; strategy ${titles.shared}`),
    "",
    result.rows.length === 0
      ? "No strategy has run."
      : table(
        [
          ...heads(titles.shared === undefined ? "strategy" : "setting"),
          ...result.rows.map((row, index) => [titles.rows[index] ?? "", ...cells(row)])
        ],
        new Set(columns.map((_, index) => index + 1))
      ),
    "",
    "p50, p95, p99: of the waiting, until an answer, an error, or giving up. wrong: answered on another subject.",
    "calls: to the provider, per request. open: how long the circuit was open or half-open; -: there is none."
  ].join("\n")
}

interface Column {
  /** Two lines. */
  readonly head: readonly [string, string]
  readonly cell: (row: StrategyResult) => string
}

const columns: ReadonlyArray<Column> = [
  { head: ["failed", "%"], cell: (row) => points(failureRate(row)) },
  { head: ["live", "%"], cell: (row) => points(shareOf(row.live, row.requests)) },
  { head: ["cache", "%"], cell: (row) => points(shareOf(row.cache, row.requests)) },
  { head: ["templ.", "%"], cell: (row) => points(shareOf(row.template, row.requests)) },
  { head: ["wrong", "%"], cell: (row) => points(shareOf(row.wrongSubject, row.requests)) },
  { head: ["", "p50"], cell: (row) => waitingTime(row, "p50") },
  { head: ["", "p95"], cell: (row) => waitingTime(row, "p95") },
  { head: ["", "p99"], cell: (row) => waitingTime(row, "p99") },
  { head: ["", "calls"], cell: (row) => ratio(callsPerRequest(row)) },
  { head: ["", "429s"], cell: ({ rateLimited }) => String(rateLimited) },
  { head: ["", "bans"], cell: ({ bans }) => String(bans) },
  { head: ["", "open"], cell: openTime }
]

const heads = (first: string): ReadonlyArray<ReadonlyArray<string>> => [
  ["", ...columns.map(({ head }) => head[0])],
  [first, ...columns.map(({ head }) => head[1])]
]

const cells = (row: StrategyResult): ReadonlyArray<string> => columns.map(({ cell }) => cell(row))
