/** How many users of one strategy waited how long, on a logarithmic scale that is the same for all of them. */
import type { Bin, SimulationResult, StrategyResult } from "../run/Result.ts"
import { duration, fullTitle, percent, shareOf } from "./Figures.ts"
import { left, lineOf, picture, rect, right, text, textWidth } from "./svg.ts"

const top = 46
const bottom = 136

export const waitingPicture = (result: SimulationResult, row: StrategyResult, id: string): string => {
  const { p50, p95, p99 } = row.waiting
  const scale = scaleOf(result)
  const all = row.waitingBins.reduce((sum, { count }) => sum + count, 0)
  const most = Math.max(0, ...row.waitingBins.map(({ count }) => count))
  return picture({
    id,
    height: bottom + 38,
    title: `How long users of ${fullTitle(row)} waited`,
    description: all === 0
      ? "Nobody waited."
      : `Half waited at most ${duration(p50)}, 95 % at most ${duration(p95)}, 99 % at most ${
        duration(p99)
      }; the highest `
        + `bar is ${percent(shareOf(most, all))} of the requests.`,
    body: scale === undefined || all === 0
      ? lineOf("axis", left, bottom, right, bottom) + text("tick", left, bottom - 8, "start", "no requests")
      : axis(scale) + bars(row.waitingBins, scale, most)
        + text("tick", left - 6, top + 4, "end", highest(most / all)) + text("tick", left - 6, bottom + 4, "end", "0")
        + markers(scale, row.waiting)
        + text("tick", (left + right) / 2, bottom + 33, "middle", "waiting, logarithmic")
  })
}

/** Short enough for the room beside an axis. */
const highest = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

interface Scale {
  /** Logarithms of the bounds. */
  readonly from: number
  readonly to: number
}

/** Nobody tells waits apart that are shorter, and their logarithms would leave the numbers there are. In milliseconds. */
const shortest = 0.001

/** Bounds of a bin that a logarithm can be taken of: the first begins and the last ends one usual step away. */
const bounds = (bins: ReadonlyArray<Bin>): ReadonlyArray<{ readonly from: number; readonly to: number }> => {
  const finite = bins.map(({ upToMillis }) => upToMillis).filter((bound) => bound >= shortest && Number.isFinite(bound))
  const first = finite[0] ?? 1
  const step = Math.min(1000, Math.max(1.01, (finite[1] ?? first * 2) / first))
  let from = first / step
  return bins.map(({ upToMillis }) => {
    const to = Number.isFinite(upToMillis) ? Math.max(from, upToMillis) : from * step
    const edges = { from, to }
    from = to
    return edges
  })
}

/** From the shortest to the longest that anybody waited, over all rows. */
const scaleOf = ({ rows }: SimulationResult): Scale | undefined => {
  const used = rows.flatMap(({ waitingBins }) =>
    bounds(waitingBins).filter((_, index) => (waitingBins[index]?.count ?? 0) > 0)
  )
  if (used.length === 0) return undefined
  const from = Math.log(Math.min(...used.map((edges) => edges.from)))
  const to = Math.log(Math.max(...used.map((edges) => edges.to)))
  return { from, to: Math.max(to, from + 0.1) }
}

const placeOf = ({ from, to }: Scale, millis: number): number =>
  left + Math.min(1, Math.max(0, (Math.log(Math.max(millis, shortest / 1000)) - from) / (to - from))) * (right - left)

const bars = (bins: ReadonlyArray<Bin>, scale: Scale, most: number): string =>
  bounds(bins).map(({ from, to }, index) => {
    const count = bins[index]?.count ?? 0
    if (count === 0) return ""
    const x = placeOf(scale, from)
    const height = Math.max(0.5, count / most * (bottom - top))
    return rect("waited", x, bottom - height, Math.max(0.8, placeOf(scale, to) - x - 0.5), height)
  }).join("")

const decades = [1, 10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000]
const finer = [1, 10, 100].flatMap((millis) => [1, 2, 5].map((part) => part * millis))
  .concat([1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200].map((seconds) => seconds * 1000))

const axis = (scale: Scale): string => {
  const within = (times: ReadonlyArray<number>) =>
    times.filter((time) => Math.log(time) >= scale.from - 0.01 && Math.log(time) <= scale.to + 0.01)
  const coarse = within(decades)
  let free = 0
  const ticks = (coarse.length >= 4 ? coarse : within(finer)).filter((time) => {
    const half = textWidth(duration(time)) / 2
    const x = placeOf(scale, time)
    if (x - half < free) return false
    free = x + half + 4
    return true
  })
  return lineOf("axis", left, bottom, right, bottom) + ticks.map((time) => {
    const x = placeOf(scale, time)
    return lineOf("axis", x, bottom, x, bottom + 4) + text("tick", x, bottom + 16, "middle", duration(time))
  }).join("")
}

/** The longest above, and words to the left of their line: so no line runs through the words of another. */
const markers = (scale: Scale, { p50, p95, p99 }: StrategyResult["waiting"]): string => {
  const lines = ([["p99", p99], ["p95", p95], ["p50", p50]] as const).filter(([, wait]) => Number.isFinite(wait))
  const placed = lines.map(([name, wait], index) => ({
    name,
    words: `${name} ${duration(wait)}`,
    x: placeOf(scale, wait),
    y: 4 + index * 14
  }))
  return placed.map(({ name, x, y }) => lineOf(`marker ${name}`, x, y, x, bottom)).join("")
    + placed.map(({ words, x, y }) =>
      x - textWidth(words) > 5
        ? text("label", x - 5, y + 10, "end", words)
        : text("label", x + 5, y + 10, "start", words)
    ).join("")
}
