/** `understudy simulate`: a scenario with the shipped code on virtual time. Reads no configuration and no database. */
import { Console, Effect, Option, Predicate } from "effect"
import { reportHtml, reportJson, reportText } from "../simulation/report/index.ts"
import * as Simulation from "../simulation/run/simulate.ts"
import { WrongInput } from "./CommandFailed.ts"
import { checkWritable, writeText } from "./outputFile.ts"
import { listJson, listText, valuesJson, valuesText } from "./simulateLists.ts"
import { type Plan, planOf, type SimulateArguments } from "./simulatePlan.ts"
import { withTrace } from "./simulateTrace.ts"
import { watching } from "./watching.ts"

export const simulate = Effect.fnUntraced(function*(
  input: SimulateArguments & {
    readonly seed: string
    readonly trace: Option.Option<string>
    readonly html: Option.Option<string>
    readonly json: boolean
    readonly list: boolean
    readonly listValues: boolean
  }
) {
  if (input.list) return yield* Console.log(input.json ? listJson() : listText())
  const asked = yield* Effect.mapError(Effect.fromResult(planOf(input)), wrongInput)
  if (input.listValues) return yield* Console.log((input.json ? valuesJson : valuesText)(asked.scenario))
  const ofProvider = [...input.set, ...input.sweep].find((text) => text.trim().startsWith("provider."))
  if (Option.isSome(input.trace) && ofProvider !== undefined) {
    return yield* wrongInput([
      `${ofProvider} changes nothing with --trace, which takes the provider's place: leave one out`
    ])
  }
  const plan = Option.isSome(input.trace) ? yield* withTrace(asked, input.trace.value) : asked
  // Nobody waits for a simulation to hear then that there is no such folder.
  if (Option.isSome(input.html)) yield* checkWritable(input.html.value)

  const result = yield* watching(
    beginningOf(plan),
    (onProgress) => Simulation.simulate({ ...plan, seed: input.seed, onProgress })
  )
  yield* Console.log(input.json ? reportJson(result) : reportText(result))
  if (Option.isSome(input.html)) {
    yield* writeText(input.html.value, reportHtml(result))
    if (!input.json) yield* Console.log(`\nThe report is in ${input.html.value}.`)
  }
})

const beginningOf = ({ strategies, variations }: Plan): Simulation.Progress => ({
  row: 0,
  rows: strategies.length * (variations?.length ?? 1),
  what: [strategies[0]?.name, variations?.[0]?.setting].filter(Predicate.isNotUndefined).join(" "),
  part: 0
})

const wrongInput = (problems: ReadonlyArray<string>) =>
  new WrongInput({ problems: [...problems, "(understudy simulate --help says how it is used)"] })
