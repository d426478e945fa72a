/** `understudy simulate --trace`: what a running service has recorded takes the place of the scenario's provider. */
import { Effect, type FileSystem } from "effect"
import { traceExample, TraceLine } from "../domain/Trace.ts"
import { traceLength, traceProviders } from "../simulation/provider/TraceScript.ts"
import type { Scenario } from "../simulation/Scenario.ts"
import { type CommandFailed, failed } from "./CommandFailed.ts"
import { listProblems, readJsonLines } from "./jsonLines.ts"
import type { Plan } from "./simulatePlan.ts"

/** The plan, with the recorded calls in it and in each of its variations. Of several providers, those of the busiest. */
export const withTrace = Effect.fnUntraced(function*(
  plan: Plan,
  file: string
): Effect.fn.Return<Plan, CommandFailed, FileSystem.FileSystem> {
  const { lines, problems } = yield* readJsonLines(file, TraceLine, traceExample)
  if (problems.length > 0) return yield* failed("the trace cannot be used:", ...listProblems(problems))
  const all = lines.map(({ value }) => value)
  const [busiest, ...others] = traceProviders(all)
  if (others.length > 0) {
    yield* Effect.logInfo(`${file} has calls of several providers: those of ${busiest} are replayed, and no others`)
  }
  const trace = all.filter(({ provider }) => provider === busiest)
  if (traceLength(trace) === 0) {
    return yield* failed(`${file} holds no time to replay: record at least two calls that ended (RECORD_TRACE)`)
  }
  // The troubles of the model are not those of the trace.
  const replaying = (scenario: Scenario): Scenario => ({
    ...scenario,
    trace,
    provider: { ...scenario.provider, windows: [] }
  })
  return {
    ...plan,
    scenario: replaying(plan.scenario),
    variations: plan.variations?.map(({ scenario, setting }) => ({ setting, scenario: replaying(scenario) }))
  }
})
