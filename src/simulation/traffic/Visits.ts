/** The users of a simulation, one after the other. */
import { Effect } from "effect"
import { type Draw, drawsOf } from "../random/Draws.ts"
import { arrivals } from "./Arrivals.ts"
import { patienceOf } from "./Patience.ts"
import { promptsOf } from "./Prompts.ts"
import type { TrafficModel, Visit } from "./TrafficModel.ts"

/** Sequences of their own: another patience changes neither when somebody comes nor what for. */
export interface TrafficDraws {
  readonly arrivals: Draw
  readonly prompts: Draw
  readonly patience: Draw
}

/** The same seed gives the same users. */
export const trafficDraws = (seed: string): Effect.Effect<TrafficDraws> =>
  Effect.all({
    arrivals: drawsOf(seed, "arrivals"),
    prompts: drawsOf(seed, "prompts"),
    patience: drawsOf(seed, "patience")
  })

/** In the order of their time, from 0 to below the duration; made one by one, as they are taken. */
export function* visits(model: TrafficModel, durationMillis: number, draws: TrafficDraws): Generator<Visit, void> {
  const nextPrompt = promptsOf(model.prompts, draws.prompts)
  for (const atMillis of arrivals(model, durationMillis, draws.arrivals)) {
    const { prompt, subject } = nextPrompt()
    yield { atMillis, prompt, subject, patienceMillis: patienceOf(model.patience, draws.patience) }
  }
}
