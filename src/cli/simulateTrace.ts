/** `understudy simulate --trace`: what a running service has recorded takes the place of the scenario's provider. */
import { Effect, type FileSystem } from "effect"
import { type CommandFailed, failed } from "./CommandFailed.ts"
import type { Plan } from "./simulatePlan.ts"

/** The plan, with the recorded calls in it and in each of its variations. */
export const withTrace = Effect.fnUntraced(function*(
  _plan: Plan,
  _file: string
): Effect.fn.Return<Plan, CommandFailed, FileSystem.FileSystem> {
  // PLACE FOR --trace. As soon as `TraceLine` and `traceExample` (src/domain/Trace.ts) and `Scenario.trace` are there:
  //   const { lines, problems } = yield* readJsonLines(file, TraceLine, traceExample)
  //   if (problems.length > 0) return yield* failed("the trace cannot be used:", ...listProblems(problems))
  //   const trace = lines.map(({ value }) => value)
  //   const replaying = (scenario: Scenario): Scenario => ({ ...scenario, trace })
  //   return {
  //     ...plan,
  //     scenario: replaying(plan.scenario),
  //     variations: plan.variations?.map(({ scenario, setting }) => ({ setting, scenario: replaying(scenario) }))
  //   }
  return yield* failed("recorded traces cannot be replayed yet: leave --trace out")
})
