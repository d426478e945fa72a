/** A simulation for programs: all of it, and the rates that follow from it. What is not a number is null. */
import type { Counts, SimulationResult, StrategyResult } from "../run/Result.ts"
import { callsPerRequest, failureRate, shareOf } from "./Figures.ts"

/** Names in snake_case, times in milliseconds, rates from 0 to 1 and null where there is nothing to be a share of. */
export const reportJson = ({ rows, scenario, seed }: SimulationResult): string =>
  JSON.stringify({ scenario: inSnakeCase(scenario), seed, rows: rows.map(rowOf) }, null, 2)

const rowOf = (row: StrategyResult) => ({
  strategy: row.strategy,
  setting: row.setting ?? null,
  ...countsOf(row),
  failure_rate: rate(failureRate(row)),
  live_rate: rate(shareOf(row.live, row.requests)),
  cache_rate: rate(shareOf(row.cache, row.requests)),
  template_rate: rate(shareOf(row.template, row.requests)),
  gave_up_rate: rate(shareOf(row.gaveUp, row.requests)),
  wrong_subject_rate: rate(shareOf(row.wrongSubject, row.requests)),
  after_first_minute: {
    ...row.afterFirstMinute,
    failure_rate: rate(shareOf(row.afterFirstMinute.failed, row.afterFirstMinute.requests))
  },
  waiting_millis: { p50: row.waiting.p50, p95: row.waiting.p95, p99: row.waiting.p99 },
  // JSON has no infinity: the bound of the last bin becomes null.
  waiting_bins: row.waitingBins.map(({ count, upToMillis }) => ({ up_to_millis: upToMillis, count })),
  provider_calls: row.providerCalls,
  calls_per_request: rate(callsPerRequest(row)),
  rate_limited: row.rateLimited,
  bans: row.bans,
  open_millis: row.openMillis,
  circuit: row.circuit.map(({ atMillis, state }) => ({ at_millis: atMillis, state: snakeCase(state) })),
  timeline: row.timeline.map((part) => ({
    from_millis: part.fromMillis,
    ...countsOf(part),
    failure_rate: rate(failureRate(part))
  }))
})

const countsOf = (counts: Counts) => ({
  requests: counts.requests,
  live: counts.live,
  cache: counts.cache,
  template: counts.template,
  failed: counts.failed,
  gave_up: counts.gaveUp,
  wrong_subject: counts.wrongSubject
})

const rate = (share: number | undefined): number | null => share ?? null

/** "requestsPerMinute" to "requests_per_minute", "HalfOpen" to "half_open". */
const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (char, at) => `${at === 0 ? "" : "_"}${char.toLowerCase()}`)

const inSnakeCase = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(inSnakeCase)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, held]) => [snakeCase(name), inSnakeCase(held)]))
    : value
