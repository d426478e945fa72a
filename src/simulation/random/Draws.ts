/** Random numbers of one purpose: each part of a simulation has a sequence of its own, so that none disturbs another. */
import { Effect, Random } from "effect"

/** The next number of a sequence, from 0 to below 1. */
export type Draw = () => number

/** The same seed and purpose give the same sequence. (What is made of it below is as exact as `Math` of one engine.) */
export const drawsOf = (seed: string, purpose: string): Effect.Effect<Draw> =>
  Effect.map(Random.withSeed(Random.Random, `${seed}/${purpose}`), (random) => () => random.nextDoubleUnsafe())

/** Of the exponential distribution: the distance to the next of events that know nothing of one another. */
export const exponential = (draw: Draw, mean: number): number => -Math.log1p(-draw()) * mean

/** Of the standard normal distribution (Box and Muller). */
const normal = (draw: Draw): number => Math.sqrt(-2 * Math.log1p(-draw())) * Math.cos(2 * Math.PI * draw())

/** Of the log-normal distribution; `sigma` is the standard deviation of the logarithm. */
export const logNormal = (draw: Draw, median: number, sigma: number): number => median * Math.exp(sigma * normal(draw))
