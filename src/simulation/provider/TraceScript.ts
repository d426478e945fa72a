/** A provider that does what a recorded one did at the same time: a trace in place of the provider model. */
import type { TraceLine } from "../../domain/Trace.ts"
import type { CallOutcome, ProviderScript } from "./ProviderModel.ts"

/** Which part of a trace is played. */
export interface TraceOptions {
  /** Only the calls of this one; absent: of all, as if they were one. */
  readonly provider?: string | undefined
}

type Telling = TraceLine & { readonly outcome: Exclude<TraceLine["outcome"], "canceled"> }

/** What the replay is made of: the calls that say something of the provider, in the order in which they began. */
const usableLines = (
  lines: ReadonlyArray<TraceLine>,
  { provider }: TraceOptions = {}
): ReadonlyArray<Telling> =>
  lines.filter(isTelling).filter((line) => provider === undefined || line.provider === provider)
    .sort((a, b) => a.at - b.at)

const isTelling = (line: TraceLine): line is Telling => line.outcome !== "canceled"

/** The providers of a trace, by how many calls say something of them, most first. */
export const traceProviders = (lines: ReadonlyArray<TraceLine>): ReadonlyArray<string> => {
  const calls = new Map<string, number>()
  for (const { provider } of usableLines(lines)) calls.set(provider, (calls.get(provider) ?? 0) + 1)
  return [...calls].sort(([, a], [, b]) => b - a).map(([provider]) => provider)
}

/**
 * How long a replay lasts until it begins again, in milliseconds: from the first call to the last, and the usual time
 * between two calls. 0: no call in it counts.
 */
export const traceLength = (lines: ReadonlyArray<TraceLine>, options?: TraceOptions): number =>
  lengthOf(usableLines(lines, options))

/**
 * Each call comes to what the recorded call nearest in time came to. Further calls near the same one take turns with its
 * two neighbours. So a time of which few calls are known (the circuit was open) lasts as long as it did. No chance is in
 * it. None: no call in the trace counts.
 *
 * - A recorded timeout hangs: nobody knows how long it would have taken, only for how long it was waited for.
 * - A recorded 429 is a fault of the replay, not the consequence of its load: whether it was a limit or a ban, the trace
 *   does not say, and calls beyond the recorded ones do not bring more about.
 */
export const scriptOfTrace = (
  lines: ReadonlyArray<TraceLine>,
  options?: TraceOptions
): ProviderScript | undefined => {
  const calls = usableLines(lines, options)
  const [begin] = calls
  if (begin === undefined) return undefined
  const length = lengthOf(calls)
  const times = Float64Array.from(calls, ({ at }) => at - begin.at)
  const outcomes = calls.map(outcomeOf)
  const [firstOutcome = outcomeOf(begin)] = outcomes
  /** How many calls have come to each so far, by the first of those that began at the same time. */
  const turns = new Uint32Array(calls.length)

  return {
    next: (atMillis) => {
      const nearest = nearestIn(times, atMillis % length)
      const first = lowerBound(times, times[nearest] ?? 0)
      const after = lowerBound(times, times[nearest] ?? 0, true)
      const turn = turns[first] ?? 0
      turns[first] = turn + 1
      return outcomes[takeTurn(first, after, calls.length, turn)] ?? firstOutcome
    }
  }
}

/** First those of the same time in their order, then the one after them, then the one before them, then again. */
const takeTurn = (first: number, after: number, count: number, turn: number): number => {
  const same = after - first
  const others = [after, first - 1].filter((index) => index >= 0 && index < count)
  const step = turn % (same + others.length)
  return step < same ? first + step : others[step - same] ?? first
}

const outcomeOf = ({ latency_ms, outcome, retry_after_ms }: Telling): CallOutcome => {
  switch (outcome) {
    case "timeout":
      return { afterMillis: Infinity, outcome: "timeout" }
    case "rate_limited":
      return { afterMillis: latency_ms, outcome, retryAfterMillis: retry_after_ms, limitedBy: "fault" }
    default:
      return { afterMillis: latency_ms, outcome }
  }
}

const lengthOf = (calls: ReadonlyArray<TraceLine>): number => {
  const [first] = calls
  const last = calls.at(-1)
  if (first === undefined || last === undefined) return 0
  const span = last.at - first.at
  return calls.length === 1 ? Math.max(1, first.latency_ms) : Math.max(1, span + span / (calls.length - 1))
}

/** Of two that are equally near the earlier one. */
const nearestIn = (times: Float64Array, at: number): number => {
  const after = lowerBound(times, at)
  const before = after - 1
  if (before < 0) return after
  if (after === times.length) return before
  return at - (times[before] ?? 0) <= (times[after] ?? 0) - at ? before : after
}

/** The first that is not before this time; or, `isBeyond`, the first that is after it. */
const lowerBound = (times: Float64Array, at: number, isBeyond = false): number => {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    const time = times[middle] ?? 0
    if (time < at || (isBeyond && time === at)) low = middle + 1
    else high = middle
  }
  return low
}
