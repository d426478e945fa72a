/** `name=value`, as it is typed, applied to a scenario. */
import { Result } from "effect"
import { didYouMean } from "../../domain/text/Nearest.ts"
import type { Scenario } from "../Scenario.ts"
import { readValue, showValue } from "./Kind.ts"
import type { NamedValue } from "./NamedValue.ts"
import { namedValues } from "./values.ts"

/** A value, and what it is to be. */
export interface Setting {
  readonly value: NamedValue
  readonly to: number
}

/** A scenario in which "breaker.failures=5" holds; or what is wrong with the text, and what to write. */
export const setValue = (scenario: Scenario, text: string): Result.Result<Scenario, string> =>
  Result.map(readSetting(text), (setting) => applySetting(scenario, setting))

export const applySetting = (scenario: Scenario, { to, value }: Setting): Scenario => value.put(scenario, to)

/** "breaker.failures=5": as a report names the setting, and as `readSetting` reads it. */
export const showSetting = ({ to, value }: Setting): string => `${value.name}=${showValue(value.kind, to)}`

export const readSetting = (text: string): Result.Result<Setting, string> =>
  Result.flatMap(splitSetting(text), ({ text, value }) =>
    Result.mapBoth(readValue(value.kind, text), {
      onFailure: (problem) => `${value.name}: ${problem}`,
      onSuccess: (to) => ({ value, to })
    }))

/** The value that is meant, and what stands behind the `=`. */
export const splitSetting = (
  text: string
): Result.Result<{ readonly value: NamedValue; readonly text: string }, string> => {
  const [, typed = "", rest] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? []
  const name = typed.trim()
  const value = namedValues.find((value) => value.name === name)
  if (value === undefined) {
    const close = didYouMean(name, namedValues.map(({ name }) => name))
    return Result.fail(`"${name}" is no value that can be set${close} (--list-values shows all)`)
  }
  return rest === undefined || rest.trim() === ""
    ? Result.fail(`${name} is set to nothing: write ${name}=VALUE`)
    : Result.succeed({ value, text: rest.trim() })
}
