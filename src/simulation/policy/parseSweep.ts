/**
 * `name=range`: several settings of one value. `1..10` goes by one (whole numbers), `0.1..0.9/0.2` and `10s..60s/10s` by
 * the step behind the `/`, and `1,2,5` is these.
 */
import { Result } from "effect"
import type { Scenario } from "../Scenario.ts"
import { readAny, readValue } from "./Kind.ts"
import type { NamedValue } from "./NamedValue.ts"
import { applySetting, type Setting, showSetting, splitSetting } from "./setValue.ts"

/** Of one value. */
export const maxSweep = 50
/** Of all together. */
export const maxVariations = 100

/** In the order in which they are typed, each once; or what is wrong with the text, and what to write. */
export const parseSweep = (text: string): Result.Result<ReadonlyArray<Setting>, string> =>
  Result.flatMap(
    splitSetting(text),
    ({ text, value }) =>
      Result.mapBoth(text.includes("..") ? rangeOf(value, text) : listOf(value, text), {
        onFailure: (problem) => `${value.name}: ${problem}`,
        onSuccess: (values) => [...new Set(values)].map((to) => ({ value, to }))
      })
  )

/** One way in which a scenario is run. */
export interface Variation {
  /** What differs, such as "breaker.failures=5 retry.attempts=1". */
  readonly setting: string
  readonly scenario: Scenario
}

/** Every combination, that of the last sweep changing first. Without a sweep there is none. */
export const variationsOf = (
  scenario: Scenario,
  sweeps: ReadonlyArray<ReadonlyArray<Setting>>
): Result.Result<ReadonlyArray<Variation>, string> => {
  const names = sweeps.flatMap(([first]) => first === undefined ? [] : [first.value.name])
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return Result.fail(`${twice} is swept twice: write one --sweep with all of its values`)
  const count = sweeps.reduce((product, { length }) => product * length, 1)
  if (count > maxVariations) {
    return Result.fail(`the sweeps make ${count} combinations; at most ${maxVariations}: take fewer values of each`)
  }
  if (sweeps.length === 0) return Result.succeed([])
  const combinations = sweeps.reduce<ReadonlyArray<ReadonlyArray<Setting>>>(
    (combinations, settings) => combinations.flatMap((some) => settings.map((setting) => [...some, setting])),
    [[]]
  )
  return Result.succeed(combinations.map((settings) => ({
    setting: settings.map(showSetting).join(" "),
    scenario: settings.reduce(applySetting, scenario)
  })))
}

const listOf = ({ kind }: NamedValue, text: string): Result.Result<ReadonlyArray<number>, string> => {
  const items = text.split(",")
  return items.length > maxSweep ? tooMany(items.length) : Result.all(items.map((item) => readValue(kind, item)))
}

const rangeOf = ({ kind }: NamedValue, text: string): Result.Result<ReadonlyArray<number>, string> =>
  Result.gen(function*() {
    const [, first, last, step] = /^([^/]*?)\.\.([^/]*?)(?:\/([^/]*))?$/.exec(text) ?? []
    if (first === undefined || last === undefined) {
      return yield* Result.fail(`"${text}" is no range: write FROM..TO or FROM..TO/STEP, or a list such as A,B,C`)
    }
    if (kind._tag === "on/off") return yield* Result.fail("it has no range: write on,off")
    const from = yield* readValue(kind, first)
    const to = yield* readValue(kind, last)
    if (from > to) return yield* Result.fail(`${first} is more than ${last}: write the smaller one first`)
    const by = step === undefined
      ? kind._tag === "integer" ? 1 : yield* Result.fail(`"${text}" has no step: write ${text}/STEP`)
      : yield* readAny(kind, step)
    if (by <= 0) return yield* Result.fail(`a step of ${step} leads nowhere: write one above 0`)
    // A step that is not quite a binary fraction must not lose the last value.
    const count = Math.floor((to - from) / by + 1e-9) + 1
    if (count > maxSweep) return yield* tooMany(count)
    return Array.from({ length: count }, (_, index) => Math.min(to, Number((from + index * by).toPrecision(12))))
  })

const tooMany = (count: number): Result.Result<never, string> =>
  Result.fail(`that are ${count} values; at most ${maxSweep}: take a larger step, or a shorter range`)
