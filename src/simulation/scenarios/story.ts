/** The day of the team whose story this is: everything that it had to learn, in 24 hours. */
import type { Scenario } from "../Scenario.ts"
import { hour, minute, ordinaryProvider, ordinaryTraffic, outageOf, wellSetPolicy } from "./ordinary.ts"

/** 24 hours, five things that go wrong. */
export const story: Scenario = {
  name: "story",
  about:
    "A day in a CMS: an outage, a brown-out, three rushes, and a provider that bans for as long as somebody keeps pushing",
  durationMillis: 24 * hour,
  provider: {
    ...ordinaryProvider,
    windows: [
      outageOf(9 * hour, 9.5 * hour),
      {
        what: "brown-out",
        fromMillis: 15 * hour,
        toMillis: 15.5 * hour,
        latencyFactor: 4,
        recoveryMillis: 10 * minute
      }
    ]
  },
  traffic: {
    ...ordinaryTraffic,
    bursts: [8, 11, 19].map((at) => ({ fromMillis: at * hour, toMillis: at * hour + 10 * minute, factor: 3.5 }))
  },
  policy: wellSetPolicy,
  warmSubjects: 500
}
