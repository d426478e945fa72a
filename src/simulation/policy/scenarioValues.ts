/** What of the provider and the users can be set by name. */
import type { FaultShares, ProviderModel } from "../provider/ProviderModel.ts"
import type { Scenario } from "../Scenario.ts"
import type { TrafficModel } from "../traffic/TrafficModel.ts"
import type { NamedValue } from "./NamedValue.ts"

const traffic = (scenario: Scenario, change: Partial<TrafficModel>): Scenario => ({
  ...scenario,
  traffic: { ...scenario.traffic, ...change }
})

const provider = (scenario: Scenario, change: Partial<ProviderModel>): Scenario => ({
  ...scenario,
  provider: { ...scenario.provider, ...change }
})

const totalOf = (faults: FaultShares): number =>
  Object.values(faults).reduce<number>((sum, share) => sum + (share ?? 0), 0)

/** In the same proportions; where nothing fails yet, the provider is unavailable. */
const scaled = (faults: FaultShares, total: number): FaultShares => {
  const sum = totalOf(faults)
  if (sum === 0) return total === 0 ? faults : { unavailable: total }
  return Object.fromEntries(Object.entries(faults).map(([kind, share]) => [kind, (share ?? 0) * total / sum]))
}

export const scenarioValues: ReadonlyArray<NamedValue> = [
  {
    name: "traffic.per-day",
    kind: { _tag: "integer", minimum: 1, maximum: 10_000_000 },
    does: "Requests per day on average, bursts not counted",
    get: ({ traffic }) => traffic.perDay,
    put: (scenario, perDay) => traffic(scenario, { perDay })
  },
  {
    name: "traffic.patience",
    kind: { _tag: "duration", minimum: 1, maximum: 86_400_000 },
    does: "Nobody gives up waiting before this",
    get: ({ traffic }) => traffic.patience.atLeastMillis,
    put: (scenario, atLeastMillis) => traffic(scenario, { patience: { ...scenario.traffic.patience, atLeastMillis } })
  },
  {
    name: "traffic.exponent",
    kind: { _tag: "share", minimum: 0, maximum: 2 },
    does: "How much more often common subjects are asked for than rare ones (Zipf): 0 all alike, 1 as words in a text",
    get: ({ traffic }) => traffic.prompts.exponent,
    put: (scenario, exponent) => traffic(scenario, { prompts: { ...scenario.traffic.prompts, exponent } })
  },
  {
    name: "traffic.paraphrased",
    kind: { _tag: "share", minimum: 0, maximum: 1 },
    does: "The share of requests that are not in the first wording of their subject",
    get: ({ traffic }) => traffic.prompts.paraphrased,
    put: (scenario, paraphrased) => traffic(scenario, { prompts: { ...scenario.traffic.prompts, paraphrased } })
  },
  {
    name: "provider.latency",
    kind: { _tag: "duration", minimum: 1, maximum: 86_400_000 },
    does: "The median of what an answer takes, as long as nothing is wrong",
    get: ({ provider }) => provider.latency.medianMillis,
    put: (scenario, medianMillis) => provider(scenario, { latency: { ...scenario.provider.latency, medianMillis } })
  },
  {
    name: "provider.failures",
    kind: { _tag: "share", minimum: 0, maximum: 1 },
    does: "The share of calls that fail at random, outages not counted; the kinds keep their proportions",
    get: ({ provider }) => totalOf(provider.faults),
    put: (scenario, total) => provider(scenario, { faults: scaled(scenario.provider.faults, total) })
  },
  {
    name: "provider.requests-per-minute",
    kind: { _tag: "integer", minimum: 0, maximum: 1_000_000 },
    does: "What the provider allows before it answers 429; 0 for no limit",
    get: ({ provider }) => provider.limits?.requestsPerMinute ?? 0,
    put: (scenario, requestsPerMinute) =>
      provider(scenario, {
        limits: requestsPerMinute === 0 ? undefined : { ...scenario.provider.limits, requestsPerMinute }
      })
  },
  {
    name: "cache.warm",
    kind: { _tag: "integer", minimum: 0, maximum: 1_000_000 },
    does: "Answers to the commonest subjects that the cache holds at the beginning",
    get: ({ warmSubjects }) => warmSubjects,
    put: (scenario, warmSubjects) => ({ ...scenario, warmSubjects })
  }
]
