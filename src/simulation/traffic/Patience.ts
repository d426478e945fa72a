/** How long users wait. */
import { type Draw, exponential } from "../random/Draws.ts"
import type { PatienceModel } from "./TrafficModel.ts"

/** Milliseconds until the next user gives up. */
export const patienceOf = ({ atLeastMillis, meanExtraMillis }: PatienceModel, draw: Draw): number =>
  atLeastMillis + exponential(draw, meanExtraMillis)
