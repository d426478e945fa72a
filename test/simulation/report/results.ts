/** Results as a simulation gives them, made up and always the same: a day of seven strategies, and a sweep of ten rows. */
import type {
  Bin,
  CircuitLane,
  Counts,
  SimulationResult,
  StrategyResult,
  TimelinePart
} from "../../../src/simulation/run/Result.ts"
import type { Scenario } from "../../../src/simulation/Scenario.ts"

const minute = 60_000
const hour = 60 * minute

export const story: Scenario = {
  name: "story",
  about:
    "A day of a provider that is slow at noon, out for half an hour in the evening, and bans whoever keeps sending.",
  durationMillis: 24 * hour,
  provider: {
    latency: { medianMillis: 1200, sigma: 0.5, tail: { share: 0.01, factor: 10 } },
    faults: { timeout: 0.02, unavailable: 0.03, malformed: 0.01 },
    limits: { requestsPerMinute: 120, retryAfterMillis: 10_000, ban: { rejections: 50, millis: 5 * minute } },
    windows: [
      { what: "brown-out", fromMillis: 11 * hour, toMillis: 13 * hour, latencyFactor: 10 },
      {
        what: "garbage",
        fromMillis: 13 * hour + 10 * minute,
        toMillis: 13 * hour + 25 * minute,
        faults: { malformed: 0.8 }
      },
      { what: "outage", fromMillis: 20 * hour, toMillis: 20.5 * hour, faults: { unavailable: 1 } }
    ]
  },
  traffic: {
    perDay: 100_000,
    dailySwing: 0.6,
    bursts: [{ fromMillis: 14 * hour, toMillis: 14.2 * hour, factor: 3 }],
    prompts: { subjects: 500, exponent: 1.1, paraphrased: 0.5 },
    patience: { atLeastMillis: 10_000, meanExtraMillis: 20_000 }
  },
  policy: {
    breaker: { failures: 5, windowMillis: minute, cooldownMillis: 30_000, probes: 1, successes: 2 },
    retry: { attempts: 3, baseDelayMillis: 500, share: 0.1, floor: 10 },
    timeout: { attemptMillis: 8000, totalMillis: 20_000 },
    limits: { concurrency: 50, queue: 100, requestsPerMinute: 100, tokensPerMinute: 0 },
    fallback: { minSimilarity: 0.82, maxAgeMillis: 7 * 24 * hour, maxEntries: 10_000, templates: 1 }
  },
  warmSubjects: 50,
  database: { down: [{ fromMillis: 4 * hour, toMillis: 4.5 * hour }] }
}

interface Character {
  readonly strategy: string
  readonly setting?: string
  /** Of the requests that the provider does not answer, what catches them, in this order. */
  readonly cached: number
  readonly templates: number
  /** Shares of requests that the provider does not answer, usually and in trouble. */
  readonly usual: number
  readonly trouble: number
  readonly wrong: number
  readonly medianWait: number
  readonly calls: number
  readonly bans: number
  readonly opens: number
}

const sevenStrategies: ReadonlyArray<Character> = [
  {
    strategy: "bare-call",
    cached: 0,
    templates: 0,
    usual: 0.12,
    trouble: 0.75,
    wrong: 0,
    medianWait: 1300,
    calls: 1,
    bans: 3,
    opens: 0
  },
  {
    strategy: "retry-decorator",
    cached: 0,
    templates: 0,
    usual: 0.05,
    trouble: 0.8,
    wrong: 0,
    medianWait: 1500,
    calls: 1.4,
    bans: 21,
    opens: 0
  },
  {
    strategy: "thread-pool",
    cached: 0,
    templates: 0,
    usual: 0.11,
    trouble: 0.85,
    wrong: 0,
    medianWait: 1900,
    calls: 1.6,
    bans: 34,
    opens: 0
  },
  {
    strategy: "identical-prompts",
    cached: 0.55,
    templates: 0,
    usual: 0.1,
    trouble: 0.7,
    wrong: 0,
    medianWait: 900,
    calls: 0.7,
    bans: 2,
    opens: 0
  },
  {
    strategy: "breaker-only",
    cached: 0,
    templates: 0,
    usual: 0.11,
    trouble: 0.9,
    wrong: 0,
    medianWait: 1100,
    calls: 0.8,
    bans: 0,
    opens: 9
  },
  {
    strategy: "breaker-first-cached",
    cached: 0.999,
    templates: 0,
    usual: 0.1,
    trouble: 0.9,
    wrong: 0.84,
    medianWait: 1000,
    calls: 0.8,
    bans: 0,
    opens: 9
  },
  {
    strategy: "full-ladder",
    cached: 0.7,
    templates: 0.9985,
    usual: 0.06,
    trouble: 0.9,
    wrong: 0.02,
    medianWait: 1200,
    calls: 0.95,
    bans: 0,
    opens: 7
  }
]

export const dayOfSeven = (): SimulationResult => ({
  scenario: story,
  seed: "7",
  rows: sevenStrategies.map((character) => rowOf(story, character))
})

export const sweepOfTen = (): SimulationResult => ({
  scenario: story,
  seed: "a seed <b>",
  rows: Array.from({ length: 10 }, (_, index) =>
    rowOf(story, {
      strategy: "full-ladder",
      setting: `breaker.failures=${index + 1}`,
      cached: 0.7,
      templates: 0.99,
      usual: 0.05 + index * 0.004,
      trouble: 0.9 - index * 0.02,
      wrong: 0.01 + index * 0.002,
      medianWait: 1000 + index * 80,
      calls: 0.9 + index * 0.03,
      bans: index > 7 ? 1 : 0,
      opens: 40 - index * 3
    }))
})

/** Ten outages of some minutes each, of a name that has no room, and a strategy that says what would be markup. */
export const hostile = (): SimulationResult => ({
  scenario: {
    ...story,
    name: "<script>alert(1)</script>",
    about: "\u001b[31mred\u001b[0m & \"quoted\" \u202e turned",
    durationMillis: 10 * minute,
    provider: {
      ...story.provider,
      windows: Array.from({ length: 10 }, (_, index) => ({
        what: `a very long name of an outage ${index % 3}`,
        fromMillis: index * minute + 5000,
        toMillis: index === 9 ? Infinity : index * minute + 20_000
      }))
    },
    database: undefined
  },
  seed: "</style>",
  rows: sevenStrategies.slice(3, 6).map((character) =>
    rowOf({ ...story, durationMillis: 10 * minute }, { ...character, strategy: `${character.strategy}<img src=x>` })
  )
})

const noCounts: Counts = { requests: 0, live: 0, cache: 0, template: 0, failed: 0, gaveUp: 0, wrongSubject: 0 }

/** Nobody asked. */
export const nobody = (): SimulationResult => ({
  scenario: { ...story, name: "nobody", about: "Nobody asks for anything.", database: undefined },
  seed: "0",
  rows: [{
    strategy: "full-ladder",
    ...noCounts,
    afterFirstMinute: { requests: 0, failed: 0 },
    waiting: { p50: 0, p95: 0, p99: 0 },
    waitingBins: [{ upToMillis: 1, count: 0 }, { upToMillis: Infinity, count: 0 }],
    providerCalls: 0,
    rateLimited: 0,
    bans: 0,
    openMillis: 0,
    circuit: [{ atMillis: 0, state: "Closed" }],
    timeline: [{ fromMillis: 0, ...noCounts }]
  }]
})

const parts = 96

/** From 0 to 1, and no more random than it must look. */
const wobble = (index: number, salt: number): number =>
  (Math.sin(index * 12.9898 + salt * 78.233) * 43_758.5453 % 1 + 1) % 1

const rowOf = (scenario: Scenario, character: Character): StrategyResult => {
  const { durationMillis: end, provider: { windows } } = scenario
  const timeline = Array.from({ length: parts }, (_, index): TimelinePart => {
    const fromMillis = index * end / parts
    const until = (index + 1) * end / parts
    const isTrouble = windows.some((window) => window.fromMillis < until && window.toMillis > fromMillis)
    const requests = Math.round(1042 * (1 + 0.6 * Math.cos((index / parts - 14 / 24) * 2 * Math.PI)))
    const share = (isTrouble ? character.trouble : character.usual) * (0.7 + 0.3 * wobble(index, character.calls))
    const missed = Math.round(requests * share)
    const cache = Math.round(missed * character.cached)
    const template = Math.round((missed - cache) * character.templates)
    const failed = missed - cache - template
    return {
      fromMillis,
      requests,
      live: requests - missed,
      cache,
      template,
      failed,
      gaveUp: Math.floor(failed / 10),
      wrongSubject: Math.round(cache * character.wrong)
    }
  })
  const total = timeline.reduce<Counts>((sum, part) => ({
    requests: sum.requests + part.requests,
    live: sum.live + part.live,
    cache: sum.cache + part.cache,
    template: sum.template + part.template,
    failed: sum.failed + part.failed,
    gaveUp: sum.gaveUp + part.gaveUp,
    wrongSubject: sum.wrongSubject + part.wrongSubject
  }), noCounts)
  const circuit = circuitOf(character.opens, end)
  return {
    strategy: character.strategy,
    setting: character.setting,
    ...total,
    afterFirstMinute: { requests: total.requests - 8, failed: Math.max(0, total.failed - 3) },
    waiting: { p50: character.medianWait, p95: character.medianWait * 2.9, p99: character.medianWait * 16.6 },
    waitingBins: binsOf(total.requests, character.medianWait, character.cached),
    providerCalls: Math.round(total.requests * character.calls),
    rateLimited: Math.round(character.bans * 311),
    bans: character.bans,
    openMillis: character.opens * 4.5 * minute,
    circuit,
    timeline
  }
}

const circuitOf = (opens: number, end: number): StrategyResult["circuit"] => {
  if (opens === 0) return []
  const states: Array<{ readonly atMillis: number; readonly state: CircuitLane }> = [{ atMillis: 0, state: "Closed" }]
  for (let index = 0; index < opens; index++) {
    const atMillis = (index + 0.2 + 0.5 * wobble(index, opens)) * end / opens
    const length = Math.min(end / opens / 4, 4 * minute * (1 + 6 * wobble(index, 3)))
    states.push(
      { atMillis, state: "Open" },
      { atMillis: atMillis + length, state: "HalfOpen" },
      { atMillis: atMillis + length * 1.2, state: "Closed" }
    )
  }
  return states
}

/** Ten bins for each power of ten, from a millisecond to ten minutes; what comes from a cache is there at once. */
const binsOf = (requests: number, median: number, cached: number): ReadonlyArray<Bin> => {
  const bounds = Array.from({ length: 58 }, (_, index) => Math.round(10 ** (index / 10) * 100) / 100)
  const weights = bounds.map((bound) =>
    Math.exp(-((Math.log(bound / median) / 0.7) ** 2)) + 0.25 * cached * Math.exp(-((Math.log(bound / 6) / 0.4) ** 2))
    + 0.02 * Math.exp(-((Math.log(bound / 20_000) / 0.15) ** 2))
  )
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  return [
    ...bounds.map((upToMillis, index) => ({
      upToMillis,
      count: Math.floor(requests * (weights[index] ?? 0) / all)
    })),
    { upToMillis: Infinity, count: 0 }
  ]
}
