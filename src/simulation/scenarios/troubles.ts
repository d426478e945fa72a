/** One trouble at a time, in three hours of twenty requests a minute: the first hour is as usual. */
import type { ProviderModel, TroubleWindow } from "../provider/ProviderModel.ts"
import type { Scenario } from "../Scenario.ts"
import { hour, minute, ordinaryProvider, ordinaryTraffic, outageOf, wellSetPolicy } from "./ordinary.ts"

const threeHours = (
  name: string,
  about: string,
  windows: ReadonlyArray<TroubleWindow>,
  provider: Partial<ProviderModel> = {}
): Scenario => ({
  name,
  about,
  durationMillis: 3 * hour,
  provider: { ...ordinaryProvider, ...provider, windows },
  traffic: { ...ordinaryTraffic, perDay: 28_800, dailySwing: 0 },
  policy: wellSetPolicy,
  warmSubjects: 500
})

const halfAnHourDead = [outageOf(hour, 1.5 * hour)]

/** What our service does when nobody has told it the provider's limits. */
const limitsUnknown = { ...wellSetPolicy, limits: { ...wellSetPolicy.limits, requestsPerMinute: 0 } }

export const troubles: ReadonlyArray<Scenario> = [
  threeHours("outage", "The provider is dead for half an hour", halfAnHourDead),
  threeHours("brown-out", "For an hour everything takes ten times as long", [
    { what: "brown-out", fromMillis: hour, toMillis: 2 * hour, latencyFactor: 10, recoveryMillis: 10 * minute }
  ]),
  {
    ...threeHours("rate-limited", "The provider allows half of what is asked for, and nobody has told us", [], {
      limits: { requestsPerMinute: 10, retryAfterMillis: 5_000 }
    }),
    policy: limitsUnknown
  },
  {
    ...threeHours("ban", "A provider that bans for five minutes whoever keeps pushing, and nobody has told us", [], {
      limits: { requestsPerMinute: 15, ban: { rejections: 15, millis: 5 * minute } }
    }),
    policy: limitsUnknown
  },
  threeHours(
    "flapping",
    "From the first hour on the provider is dead for one minute in three",
    Array.from({ length: 40 }, (_, n) => outageOf(hour + 3 * n * minute, hour + (3 * n + 1) * minute, 0))
  ),
  threeHours("garbage", "For an hour three of five answers cannot be read", [
    { what: "garbage", fromMillis: hour, toMillis: 2 * hour, faults: { malformed: 0.6, unavailable: 0.04 } }
  ]),
  {
    ...threeHours("cold-start", "The cache is empty, and ten minutes later the provider is dead for half an hour", [
      outageOf(10 * minute, 40 * minute)
    ]),
    warmSubjects: 0
  },
  {
    ...threeHours("slow-embedder", "Half an hour dead, with an embedder that is mostly too late", halfAnHourDead),
    embedder: { latency: { medianMillis: 400, sigma: 0.6 }, failures: 0.05 }
  },
  {
    ...threeHours("database-down", "An hour dead, and in the middle of it the database as well", [
      outageOf(hour, 2 * hour)
    ]),
    database: { down: [{ fromMillis: 1.25 * hour, toMillis: 1.75 * hour }] }
  }
]
