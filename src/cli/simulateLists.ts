/** What can be simulated, and what can be set: for people, and for programs. */
import { table } from "../domain/text/Table.ts"
import { expected, showValue } from "../simulation/policy/Kind.ts"
import { namedValues } from "../simulation/policy/values.ts"
import type { Scenario } from "../simulation/Scenario.ts"
import { scenarios } from "../simulation/scenarios/index.ts"
import { strategies } from "../simulation/strategies/index.ts"

interface Named {
  readonly name: string
  readonly about: string
}

export const listText = (): string => `${named("Scenarios", scenarios)}\n\n${named("Strategies", strategies)}`

const named = (head: string, all: ReadonlyArray<Named>): string =>
  `${head}:\n${table(all.map(({ about, name }) => [`  ${name}`, about]))}`

export const listJson = (): string => {
  const outlined = (all: ReadonlyArray<Named>) => all.map(({ about, name }) => ({ name, about }))
  return JSON.stringify({ scenarios: outlined(scenarios), strategies: outlined(strategies) }, null, 2)
}

/** With what holds in the scenario. */
export const valuesText = (scenario: Scenario): string =>
  table([
    ["name", "now", "takes", "does"],
    ...namedValues.map(({ does, get, kind, name }) => [name, showValue(kind, get(scenario)), expected(kind), does])
  ])

export const valuesJson = (scenario: Scenario): string =>
  JSON.stringify(
    namedValues.map(({ does, get, kind, name }) => ({
      name,
      kind: kind._tag,
      now: showValue(kind, get(scenario)),
      ...kind._tag === "on/off"
        ? {}
        : { minimum: showValue(kind, kind.minimum), maximum: showValue(kind, kind.maximum) },
      does
    })),
    null,
    2
  )
