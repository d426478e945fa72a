/** One strategy through one scenario, on the clock at hand and with any provider: what users get, counted. */
import { Cause, Clock, Effect, FiberSet, Layer, Result, type Scope } from "effect"
import type { AiRequest } from "../../domain/Ai.ts"
import type { AiRejected, GenerationUnavailable } from "../../domain/errors.ts"
import { defaultNamespace, type Generation, type GenerationRequest } from "../../domain/Generation.ts"
import type { AiClient } from "../../services/AiClient.ts"
import { CircuitBreaker } from "../../services/CircuitBreaker.ts"
import type { CallOutcome } from "../provider/ProviderModel.ts"
import { drawsOf } from "../random/Draws.ts"
import type { Scenario } from "../Scenario.ts"
import { Strategy, type StrategyEntry } from "../strategies/Strategy.ts"
import type { Visit } from "../traffic/TrafficModel.ts"
import { trafficDraws, visits } from "../traffic/Visits.ts"
import { watchCircuit } from "./circuitLane.ts"
import type { StrategyResult } from "./Result.ts"
import { makeSubjects, type Subjects } from "./subjects.ts"
import { surroundings } from "./surroundings.ts"
import { type Ending, makeTally } from "./Tally.ts"

/** One strategy, one scenario, one seed. */
export interface ScenarioOptions {
  readonly scenario: Scenario
  readonly strategy: StrategyEntry
  readonly seed: string
  readonly provider: (played: PlayedProvider) => Layer.Layer<AiClient>
  /** Told about once per percent. */
  readonly onPart: (part: number) => Effect.Effect<void>
}

/** What the simulation wants of its provider. */
export interface PlayedProvider {
  readonly provider: string
  /** What to answer with, so that it can be told which subject an answer is about. */
  readonly answer: (request: AiRequest) => string
  readonly onCall: (outcome: CallOutcome) => void
}

/** The name of the simulated provider, and the key of its circuit. */
const provider = "simulated"

/** Runs users and provider to the end of the scenario, and counts. Its scope ends what still runs then. */
export const runScenario = Effect.fnUntraced(function*(
  options: ScenarioOptions
): Effect.fn.Return<StrategyResult, never, Scope.Scope> {
  const { scenario, seed, strategy } = options
  const begin = yield* Clock.currentTimeMillis
  const calls = makeCallCounts()
  const subjects = makeSubjects(scenario)
  const services = strategy.layer(scenario.policy).pipe(
    Layer.provide(options.provider({ provider, answer: subjects.answer, onCall: calls.add })),
    Layer.provideMerge(surroundings(scenario, subjects, yield* drawsOf(seed, "embedder"), begin))
  )
  const context = yield* Layer.build(services)
  const tally = makeTally(scenario.durationMillis)
  return yield* Effect.gen(function*() {
    const circuit = yield* watchCircuit(yield* CircuitBreaker, provider, begin)
    yield* serveUsers(options, subjects, tally.add)
    return { strategy: strategy.name, ...tally.result(), ...calls.result(), ...(yield* circuit.seen) }
  }).pipe(Effect.provide(context))
})

const makeCallCounts = () => {
  let [providerCalls, rateLimited, bans] = [0, 0, 0]
  return {
    add: ({ bans: isBan, outcome }: CallOutcome): void => {
      providerCalls++
      if (outcome === "rate_limited") rateLimited++
      if (isBan === true) bans++
    },
    result: () => ({ providerCalls, rateLimited, bans })
  }
}

/** Until the last one has got something, or has left. */
const serveUsers = Effect.fnUntraced(function*(
  { onPart, scenario, seed }: ScenarioOptions,
  subjects: Subjects,
  count: (ending: Ending) => void
) {
  const { generate } = yield* Strategy
  const users = yield* FiberSet.make<void, never>()
  const begin = yield* Clock.currentTimeMillis
  const { durationMillis, traffic } = scenario
  const draws = yield* trafficDraws(seed)
  const arriving = Effect.gen(function*() {
    let percent = 0
    for (const visit of visits(traffic, durationMillis, draws)) {
      yield* Effect.sleep(begin + visit.atMillis - (yield* Clock.currentTimeMillis))
      yield* FiberSet.run(users, user(generate, subjects, visit, count))
      const now = Math.floor(100 * visit.atMillis / durationMillis)
      if (now > percent) {
        percent = now
        yield* onPart(now / 100)
      }
    }
    yield* FiberSet.awaitEmpty(users)
  })
  // Whoever meets a bug of a strategy ends the simulation with it.
  yield* Effect.raceFirst(arriving, FiberSet.join(users))
})

const user = (
  generate: Strategy["Service"]["generate"],
  subjects: Subjects,
  { atMillis, patienceMillis, prompt, subject }: Visit,
  count: (ending: Ending) => void
): Effect.Effect<void> =>
  Clock.clockWith((clock) => {
    const begin = clock.currentTimeMillisUnsafe()
    subjects.learn(prompt, subject)
    const request: GenerationRequest = { namespace: defaultNamespace, prompt, maxTokens, remember: true }
    const end = (outcome: Ending["outcome"], isWrongSubject = false) =>
      count({ atMillis, waitedMillis: clock.currentTimeMillisUnsafe() - begin, outcome, isWrongSubject })
    return Effect.result(generate(request)).pipe(
      Effect.map((result: Result.Result<Generation, AiRejected | GenerationUnavailable>) =>
        Result.isFailure(result)
          ? end("error")
          : end(result.success.source, subjects.isWrong(result.success, subject))
      ),
      // A strategy that interrupts its own call has nothing to show either.
      Effect.catchCauseIf(Cause.hasInterruptsOnly, () => Effect.sync(() => end("error"))),
      Effect.timeoutOrElse({ duration: patienceMillis, orElse: () => Effect.sync(() => end("gave-up")) })
    )
  })

/** Of a draft, as a CMS asks for it. */
const maxTokens = 1_000
