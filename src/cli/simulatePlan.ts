/** What `understudy simulate` was asked for, checked as a whole before anything runs. */
import { Option, Result } from "effect"
import { didYouMean } from "../domain/text/Nearest.ts"
import { cutTo } from "../simulation/policy/cutTo.ts"
import { maxVariations, parseSweep, variationsOf } from "../simulation/policy/parseSweep.ts"
import { applySetting, readSetting } from "../simulation/policy/setValue.ts"
import type { Variation } from "../simulation/run/simulate.ts"
import type { Scenario } from "../simulation/Scenario.ts"
import { scenarios } from "../simulation/scenarios/index.ts"
import { strategies, type StrategyEntry } from "../simulation/strategies/index.ts"

/** As they were typed. */
export interface SimulateArguments {
  readonly scenario: string
  /** Names, or several with commas between them; none: all, or only the full ladder when something is swept. */
  readonly strategy: ReadonlyArray<string>
  /** `name=value` */
  readonly set: ReadonlyArray<string>
  /** `name=range` */
  readonly sweep: ReadonlyArray<string>
  readonly duration: Option.Option<string>
}

export interface Plan {
  /** With everything that was set. */
  readonly scenario: Scenario
  readonly strategies: ReadonlyArray<StrategyEntry>
  /** Absent: the scenario as it is. */
  readonly variations: ReadonlyArray<Variation> | undefined
}

/** Fails with everything that is wrong, each with what to write. */
export const planOf = (args: SimulateArguments): Result.Result<Plan, ReadonlyArray<string>> => {
  const problems: Array<string> = []
  const check = <A>(flag: string, result: Result.Result<A, string>): ReadonlyArray<A> => {
    if (Result.isSuccess(result)) return [result.success]
    problems.push(`${flag}${result.failure}`)
    return []
  }
  const [found] = check("", oneOf(scenarios, "scenario", args.scenario))
  const settings = args.set.flatMap((text) => check("--set: ", readSetting(text)))
  const sweeps = args.sweep.flatMap((text) => check("--sweep: ", parseSweep(text)))
  const names = args.strategy.flatMap((list) => list.split(",")).map((name) => name.trim())
  const named = names.flatMap((name) => check("--strategy: ", oneOf(strategies, "strategy", name)))
  for (const { value } of settings) {
    if (sweeps.some(([first]) => first?.value === value)) problems.push(`${value.name} is set and swept: leave one out`)
  }
  if (found === undefined) return Result.fail(problems)
  const set = settings.reduce(applySetting, found)
  const [scenario = set] = Option.match(args.duration, {
    onNone: () => [set],
    onSome: (text) => check("--duration: ", cutTo(set, text))
  })
  const [variations = []] = check("--sweep: ", variationsOf(scenario, sweeps))
  const rows = named.length > 0 ? [...new Set(named)] : variations.length > 0 ? fullLadder : strategies
  if (variations.length * rows.length > maxVariations) {
    problems.push(
      `${rows.length} strategies with ${variations.length} settings each are too many rows; at most ${maxVariations}`
    )
  }
  return problems.length > 0
    ? Result.fail(problems)
    : Result.succeed({ scenario, strategies: rows, variations: variations.length === 0 ? undefined : variations })
}

const fullLadder = strategies.filter(({ name }) => name === "full-ladder")

const oneOf = <A extends { readonly name: string }>(
  all: ReadonlyArray<A>,
  what: string,
  typed: string
): Result.Result<A, string> => {
  const found = all.find(({ name }) => name === typed)
  return found === undefined
    ? Result.fail(
      `there is no ${what} "${typed}"${didYouMean(typed, all.map(({ name }) => name))} (--list shows all)`
    )
    : Result.succeed(found)
}
