/** When requests come: at random, more of them by day than by night, and many more in a burst. */
import { type Draw, exponential } from "../random/Draws.ts"
import type { TrafficModel } from "./TrafficModel.ts"

const dayMillis = 24 * 60 * 60 * 1_000
const hourMillis = 60 * 60 * 1_000

/** Requests per millisecond that are to be expected at a moment. Bursts at the same time multiply. */
export const rateAt = (model: TrafficModel, atMillis: number): number =>
  usualRate(model) * dailyFactor(model, atMillis) * burstFactor(model, atMillis)

/**
 * The moments of a Poisson process with that rate, in their order, from 0 to below the duration. By thinning: moments are
 * drawn at the highest rate, and each is kept with the share that the rate of its moment is of it. Between two edges of
 * bursts the highest rate is another one, so that a burst of an hour does not slow down its day.
 */
export function* arrivals(model: TrafficModel, durationMillis: number, draw: Draw): Generator<number, void> {
  const edges = edgesOf(model, durationMillis)
  for (let index = 1; index < edges.length; index++) {
    const from = edges[index - 1] ?? 0
    const to = edges[index] ?? durationMillis
    // No burst begins or ends between two edges.
    const most = usualRate(model) * (1 + model.dailySwing) * burstFactor(model, from)
    if (most <= 0) continue
    for (let at = from + exponential(draw, 1 / most); at < to; at += exponential(draw, 1 / most)) {
      if (draw() * most < rateAt(model, at)) yield at
    }
  }
}

const usualRate = ({ perDay }: TrafficModel): number => perDay / dayMillis

/** From `1 - dailySwing` to `1 + dailySwing`, 1 over a whole day. */
const dailyFactor = ({ dailySwing, peakHour = 14 }: TrafficModel, atMillis: number): number =>
  1 + dailySwing * Math.cos((atMillis - peakHour * hourMillis) / dayMillis * 2 * Math.PI)

const burstFactor = ({ bursts }: TrafficModel, atMillis: number): number => {
  let factor = 1
  for (const burst of bursts) if (atMillis >= burst.fromMillis && atMillis < burst.toMillis) factor *= burst.factor
  return factor
}

/** The beginning, the end, and where between them a burst begins or ends; in their order. */
const edgesOf = ({ bursts }: TrafficModel, durationMillis: number): ReadonlyArray<number> => {
  const within = bursts.flatMap(({ fromMillis, toMillis }) => [fromMillis, toMillis])
    .filter((edge) => edge > 0 && edge < durationMillis)
  return [...new Set([0, ...within, durationMillis])].toSorted((a, b) => a - b)
}
