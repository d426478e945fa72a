import type { TrafficModel } from "../../../src/simulation/traffic/TrafficModel.ts"

/** An ordinary day. */
export const traffic: TrafficModel = {
  perDay: 20_000,
  dailySwing: 0.6,
  bursts: [],
  prompts: { subjects: 20_000, exponent: 1, paraphrased: 0.4 },
  patience: { atLeastMillis: 5_000, meanExtraMillis: 20_000 }
}
