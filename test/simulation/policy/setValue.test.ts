import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { cutTo } from "../../../src/simulation/policy/cutTo.ts"
import { defaultPolicy } from "../../../src/simulation/policy/defaultPolicy.ts"
import { showValue } from "../../../src/simulation/policy/Kind.ts"
import type { NamedValue } from "../../../src/simulation/policy/NamedValue.ts"
import { setValue } from "../../../src/simulation/policy/setValue.ts"
import { namedValues } from "../../../src/simulation/policy/values.ts"
import type { Scenario } from "../../../src/simulation/Scenario.ts"
import { aScenario } from "./aScenario.ts"

const Part = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const AnyValue = Schema.Literals(namedValues.map(({ name }) => name))

const named = (name: string): NamedValue => {
  const value = namedValues.find((value) => value.name === name)
  return value ?? assert.fail(`no value ${name}`)
}

/** Somewhere within the bounds. */
const within = ({ kind }: NamedValue, part: number): number => {
  if (kind._tag === "on/off") return Math.round(part)
  const value = kind.minimum + part * (kind.maximum - kind.minimum)
  return kind._tag === "share" ? Number(value.toPrecision(6)) : Math.round(value)
}

const set = (text: string, scenario: Scenario = aScenario): Scenario => Result.getOrThrow(setValue(scenario, text))

const problemOf = (text: string): string =>
  Result.match(setValue(aScenario, text), { onFailure: (problem) => problem, onSuccess: () => "" })

/** Every number in it, by its path. */
const leaves = (value: object, path = ""): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
    typeof part === "object" && part !== null ? leaves(part, `${path}.${key}`) : [[`${path}.${key}`, part] as const]
  )

describe("the values that have a name", () => {
  it("are all those of the policy, each one of them, and none twice", () => {
    const changed = namedValues.flatMap((value) => {
      const before = new Map(leaves(defaultPolicy))
      const other = within(value, value.get(aScenario) === within(value, 0) ? 1 : 0)
      return leaves(value.put(aScenario, other).policy).filter(([path, now]) => before.get(path) !== now)
        .map(([path]) => path)
    })
    assert.deepStrictEqual([...changed].sort(), leaves(defaultPolicy).map(([path]) => path).sort())
    assert.strictEqual(new Set(namedValues.map(({ name }) => name)).size, namedValues.length)
  })

  it("have bounds that hold the defaults", () => {
    for (const value of namedValues) {
      const now = value.get(aScenario)
      assert.deepStrictEqual(value.get(set(`${value.name}=${showValue(value.kind, now)}`)), now, value.name)
    }
  })

  it.prop("are what they were set to, and leave the rest as it was", [AnyValue, Part], ([name, part]) => {
    const value = named(name)
    const to = within(value, part)
    const before = JSON.stringify(aScenario)
    const scenario = set(`${name}=${showValue(value.kind, to)}`)
    assert.closeTo(value.get(scenario), to, 1e-9)
    assert.strictEqual(JSON.stringify(aScenario), before)
    for (const other of namedValues) {
      if (other.name !== name) assert.strictEqual(other.get(scenario), other.get(aScenario), other.name)
    }
    // Back to where it was: nothing else came with it.
    if (to > 0 && name !== "provider.failures") {
      assert.deepStrictEqual(value.put(scenario, value.get(aScenario)), aScenario)
    }
  })

  it.prop("cannot be set to what is out of their bounds", [AnyValue, Part], ([name, part]) => {
    const { kind } = named(name)
    if (kind._tag === "on/off") return
    const beyond = kind._tag === "share" ? kind.maximum + 0.001 + part : kind.maximum + 1 + Math.round(1_000 * part)
    assert.match(problemOf(`${name}=${showValue(kind, beyond)}`), /is out of bounds: write a /)
    const below = kind._tag === "duration" ? "0s" : String(kind.minimum - 1)
    assert.match(problemOf(`${name}=${below}`), /is out of bounds: write a /)
  })

  it.prop("take no text that means nothing", [AnyValue, Schema.String], ([name, text]) => {
    if (/\d/.test(text) || /^\s*(on|off)\s*$/.test(text)) return
    assert.match(problemOf(`${name}=${text}`), new RegExp(`^${name}(:| is set to nothing:) .*write`, "s"))
  })
})

describe("setting a value", () => {
  it("takes what people write", () => {
    assert.strictEqual(set("breaker.window=30 seconds").policy.breaker.windowMillis, 30_000)
    assert.strictEqual(set(" retry.attempts = 4 ").policy.retry.attempts, 4)
    assert.strictEqual(set("fallback.templates=off").policy.fallback.templates, 0)
    assert.strictEqual(set("retry.share=.5").policy.retry.share, 0.5)
  })

  it("says what to write instead", () => {
    assert.strictEqual(
      problemOf("breaker.window=30"),
      "breaker.window: \"30\" has no unit: write 30s, 30ms or \"30 minutes\""
    )
    assert.strictEqual(
      problemOf("breaker.failures=0"),
      "breaker.failures: 0 is out of bounds: write a whole number from 1 to 1000"
    )
    assert.strictEqual(
      problemOf("breaker.failures=2.5"),
      "breaker.failures: \"2.5\" does not fit: write a whole number from 1 to 1000"
    )
    assert.strictEqual(problemOf("retry.share=20 %"), "retry.share: \"20 %\" does not fit: write a share from 0 to 1")
    assert.strictEqual(problemOf("fallback.templates=1"), "fallback.templates: \"1\" does not fit: write on or off")
    assert.strictEqual(
      problemOf("breaker.failures"),
      "breaker.failures is set to nothing: write breaker.failures=VALUE"
    )
  })

  it("names the nearest values when it does not know one", () => {
    assert.strictEqual(
      problemOf("breaker.failure=5"),
      "\"breaker.failure\" is no value that can be set; did you mean breaker.failures? (--list-values shows all)"
    )
    assert.include(problemOf("retry.baseDelay=1s"), "did you mean retry.base-delay")
    assert.include(problemOf("failures=5"), "did you mean breaker.failures or provider.failures")
    assert.strictEqual(
      problemOf("something else=1"),
      "\"something else\" is no value that can be set (--list-values shows all)"
    )
    assert.strictEqual(problemOf("ladder=1"), "\"ladder\" is no value that can be set (--list-values shows all)")
    assert.include(problemOf("cooldwn=1s"), "did you mean breaker.cooldown?")
    assert.include(problemOf(""), "--list-values")
  })

  it("scales the provider's faults in their proportions, and makes some where there are none", () => {
    const { faults } = set("provider.failures=0.2").provider
    assert.deepStrictEqual(faults, { timeout: 0.04, unavailable: 0.12, malformed: 0.04 })
    const healthy = { ...aScenario, provider: { ...aScenario.provider, faults: {} } }
    assert.deepStrictEqual(set("provider.failures=0.15", healthy).provider.faults, { unavailable: 0.15 })
    assert.deepStrictEqual(set("provider.failures=0", healthy).provider.faults, {})
  })

  it("keeps a limit's ban, and takes the limit away with 0", () => {
    assert.deepStrictEqual(set("provider.requests-per-minute=90").provider.limits, {
      requestsPerMinute: 90,
      ban: { rejections: 10, millis: 300_000 }
    })
    assert.isUndefined(set("provider.requests-per-minute=0").provider.limits)
  })
})

describe("cutting a scenario", () => {
  it("makes it end earlier, and not later", () => {
    assert.strictEqual(Result.getOrThrow(cutTo(aScenario, "6 hours")).durationMillis, 21_600_000)
    for (const text of ["2 days", "0s"]) {
      assert.deepStrictEqual(
        cutTo(aScenario, text),
        Result.fail(`${text} cannot be cut out of a: write more than 0 and at most 1d`)
      )
    }
  })
})
