/** A simulated time: what the provider and the users do in it, and what the service is configured with. */
import type { TraceLine } from "../domain/Trace.ts"
import type { Policy } from "./policy/Policy.ts"
import type { ProviderModel } from "./provider/ProviderModel.ts"
import type { TrafficModel } from "./traffic/TrafficModel.ts"

/** A time to be simulated, as data. */
export interface Scenario {
  readonly name: string
  /** One sentence for the list of scenarios and the head of the report. */
  readonly about: string
  readonly durationMillis: number
  readonly provider: ProviderModel
  /** What a real provider did: takes the place of the provider model (`scriptOfTrace`), unless no call in it counts. */
  readonly trace?: ReadonlyArray<TraceLine> | undefined
  readonly traffic: TrafficModel
  readonly policy: Policy
  /** Answers to the commonest subjects that the cache holds at the beginning. */
  readonly warmSubjects: number
  readonly embedder?: EmbedderModel | undefined
  readonly database?: DatabaseModel | undefined
}

/** An embedder over a network, behind its own deadline and circuit; absent: the local one, which is there at once. */
export interface EmbedderModel {
  readonly latency: ProviderModel["latency"]
  /** Share of its calls that fail. */
  readonly failures: number
}

/** When the database behind the cache is away: lookups fail at their deadline, and nothing is stored. */
export interface DatabaseModel {
  readonly down: ReadonlyArray<{ readonly fromMillis: number; readonly toMillis: number }>
}
