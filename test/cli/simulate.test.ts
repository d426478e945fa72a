/** `understudy simulate` as a process, what it makes of its arguments, and how it shows its progress. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Option, Result, Schema } from "effect"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { progressLine } from "../../src/cli/progressLine.ts"
import { planOf, type SimulateArguments } from "../../src/cli/simulatePlan.ts"
import { scenarios } from "../../src/simulation/scenarios/index.ts"
import { strategies } from "../../src/simulation/strategies/index.ts"
import { freshDirectory } from "../support/databases.ts"
import { runCommand, spawnCommand } from "../support/serviceProcess.ts"

const Listed = Schema.fromJsonString(Schema.Struct({
  scenarios: Schema.Array(Schema.Struct({ name: Schema.String, about: Schema.NonEmptyString })),
  strategies: Schema.Array(Schema.Struct({ name: Schema.String, about: Schema.NonEmptyString }))
}))

const Json = Schema.fromJsonString(Schema.Json)

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

/** Soon over. */
const short = ["--duration", "2 minutes"]

/** Goes on for longer than anybody waits. */
const long = ["story", "--strategy", "full-ladder", "--set", "traffic.per-day=1000000"]

const clearToEnd = "\u001B[K"

/** Its stderr is a pipe that passes for a terminal. */
const onTerminal = ["--import", "data:text/javascript,process.stderr.isTTY=true"]

layer(Layer.empty, live)("understudy simulate", (it) => {
  it.effect("prints a row for each strategy, the same for the same seed, and nothing else", () =>
    Effect.gen(function*() {
      const first = yield* runCommand(["simulate", ...short], {})
      assert.deepStrictEqual([first.code, first.stderr], [0, ""])
      for (const { name } of strategies) assert.include(first.stdout, name)
      assert.deepStrictEqual(yield* runCommand(["simulate", "story", "--seed", "1", ...short], {}), first)
      const other = yield* runCommand(["simulate", "--seed", "2", ...short], {})
      assert.notStrictEqual(other.stdout, first.stdout)
    }))

  it.effect("runs each setting of a sweep, by the full ladder alone", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* runCommand(
        ["simulate", "outage", ...short, "--sweep", "breaker.failures=1..3", "--sweep", "retry.attempts=1,2"],
        {}
      )
      assert.strictEqual(code, 0)
      for (const failures of [1, 2, 3]) {
        for (const attempts of [1, 2]) {
          assert.include(stdout, `breaker.failures=${failures} retry.attempts=${attempts}`)
        }
      }
      assert.notInclude(stdout, "exact-cache")
    }))

  it.effect("writes the report in the end, and prints JSON for programs", () =>
    Effect.gen(function*() {
      const folder = yield* freshDirectory
      const report = join(folder, "report.html")
      writeFileSync(report, "of last time, and longer than ")
      const { code, stderr, stdout } = yield* runCommand(
        ["simulate", ...short, "--strategy", "bare,full-ladder", "--json", "--html", report],
        {}
      )
      assert.deepStrictEqual([code, stderr], [0, ""])
      yield* Schema.decodeEffect(Json)(stdout)
      assert.match(readFileSync(report, "utf8"), /^<!doctype html>/)
    }))

  it.effect("needs no configuration, and no database", () =>
    Effect.gen(function*() {
      const data = join(yield* freshDirectory, "data")
      const { code, stderr } = yield* runCommand(["simulate", ...short, "--strategy", "full-ladder"], {
        DATA_DIR: data,
        DATABASE_URL: "nonsense",
        PORT: "nonsense",
        AI_PROVIDERS_FILE: "/nowhere"
      })
      assert.deepStrictEqual([code, stderr, existsSync(data)], [0, "", false])
    }))

  it.effect("says before it begins that the report cannot be written", () =>
    Effect.gen(function*() {
      const folder = yield* freshDirectory
      const missing = yield* runCommand(["simulate", ...long, "--html", join(folder, "none", "report.html")], {})
      assert.deepStrictEqual([missing.code, missing.stdout], [1, ""])
      assert.match(missing.stderr, /^understudy: the report cannot be written to .*: there is no such folder\n$/)
      const directory = yield* runCommand(["simulate", ...long, "--html", folder], {})
      assert.deepStrictEqual([directory.code, directory.stdout], [1, ""])
      assert.include(directory.stderr, "it is no file that can be written")
      assert.deepStrictEqual(readdirSync(folder), [])
    }))

  it.effect("says everything that is wrong with what was typed, and what to write, and runs nothing", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* runCommand(
        ["simulate", "storry", "--set", "breaker.failure=1", "--sweep", "breaker.window=30", "--strategy", "bear"],
        {}
      )
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.deepStrictEqual(stderr.split("\n"), [
        "understudy: there is no scenario \"storry\"; did you mean story? (--list shows all)",
        "--set: \"breaker.failure\" is no value that can be set; did you mean breaker.failures? (--list-values shows all)",
        "--sweep: breaker.window: \"30\" has no unit: write 30s, 30ms or \"30 minutes\"",
        "--strategy: there is no strategy \"bear\"; did you mean bare? (--list shows all)",
        "(understudy simulate --help says how it is used)",
        ""
      ])
    }))

  it.effect("lists what there is", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* runCommand(["simulate", "--list"], {})
      assert.strictEqual(code, 0)
      for (const { about, name } of [...scenarios, ...strategies]) {
        assert.match(stdout, new RegExp(`^  ${name} +\\S`, "m"))
        assert.include(stdout, about)
      }
      const json = yield* runCommand(["simulate", "--list", "--json"], {})
      const listed = yield* Schema.decodeEffect(Listed)(json.stdout)
      assert.deepStrictEqual(listed.scenarios.map(({ name }) => name), scenarios.map(({ name }) => name))
    }))

  it.effect("lists what can be set, and what it is with what is set", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* runCommand(
        ["simulate", "story", "--list-values", "--set", "breaker.cooldown=90 seconds"],
        {}
      )
      assert.strictEqual(code, 0)
      assert.match(stdout, /^breaker\.cooldown +90s +a duration from 1ms to 1d +How long/m)
      assert.match(stdout, /^fallback\.templates +(on|off) +on or off +Whether/m)
      const json = yield* runCommand(["simulate", "--list-values", "--json"], {})
      yield* Schema.decodeEffect(Json)(json.stdout)
    }))

  it.effect("shows its progress where somebody can see it, and leaves nothing of it", () =>
    Effect.gen(function*() {
      const args = ["simulate", "story", "--strategy", "full-ladder", ...short]
      const watched = yield* spawnCommand(args, {}, onTerminal)
      assert.strictEqual((yield* watched.exited).code, 0)
      const seen = watched.output().replaceAll(clearToEnd, "␡")
      assert.match(seen, /\r\[[#.]{24}\] {2,3}\d+ %.*row 1 of 1: full-ladder␡/)
      // What is on the screen in the end, and is all that a file would hold.
      const { stderr, stdout } = yield* runCommand(args, {})
      assert.strictEqual(seen.replaceAll(/\r[^\r\n␡]*␡/g, ""), stdout)
      assert.strictEqual(stderr, "")
    }))

  it.effect("ends at once when it is asked to, and leaves no half report", () =>
    Effect.gen(function*() {
      const folder = yield* freshDirectory
      const running = yield* spawnCommand(
        ["simulate", ...long, "--html", join(folder, "report.html")],
        {},
        onTerminal
      )
      yield* running.watch(() => / [1-9]\d* %.*row 1 of 1: full-ladder/.test(running.output()) ? true : undefined)
      running.child.kill("SIGINT")
      const { code } = yield* Effect.timeout(running.exited, "5 seconds")
      assert.strictEqual(code, 130)
      assert.isTrue(running.output().endsWith(`\r${clearToEnd}`))
      assert.deepStrictEqual(readdirSync(folder), [])
    }))
})

const asked = (more: Partial<SimulateArguments>) =>
  planOf({ scenario: "story", strategy: [], set: [], sweep: [], duration: Option.none(), ...more })

const planned = (more: Partial<SimulateArguments>) => {
  const { scenario, strategies, variations } = Result.getOrThrow(asked(more))
  return {
    scenario,
    strategies: strategies.map(({ name }) => name),
    settings: variations?.map(({ setting }) => setting)
  }
}

const problems = (more: Partial<SimulateArguments>): string =>
  Result.match(asked(more), { onFailure: (problems) => problems.join("\n"), onSuccess: () => "" })

describe("what is to be simulated", () => {
  it("is every strategy, or those that are named, in that order and each once", () => {
    assert.deepStrictEqual(planned({}).strategies, strategies.map(({ name }) => name))
    assert.deepStrictEqual(planned({ strategy: ["retry, bare", "retry"] }).strategies, ["retry", "bare"])
    assert.isUndefined(planned({}).settings)
  })

  it("is the full ladder alone where something is swept, or those that are named", () => {
    const sweep = ["breaker.failures=1,2"]
    assert.deepStrictEqual(planned({ sweep }).strategies, ["full-ladder"])
    assert.deepStrictEqual(planned({ sweep, strategy: ["breaker,full-ladder"] }).strategies, ["breaker", "full-ladder"])
    assert.deepStrictEqual(planned({ sweep }).settings, ["breaker.failures=1", "breaker.failures=2"])
  })

  it("holds everything that is set, in every variation", () => {
    const args = { set: ["retry.attempts=4", "cache.warm=7"], duration: Option.some("1 hour") }
    const { scenario } = planned(args)
    assert.deepStrictEqual([scenario.policy.retry.attempts, scenario.warmSubjects, scenario.durationMillis], [
      4,
      7,
      3_600_000
    ])
    const plan = Result.getOrThrow(asked({ ...args, sweep: ["breaker.failures=1..3"] }))
    assert.deepStrictEqual(
      plan.variations?.map(({ scenario }) => scenario),
      [1, 2, 3].map((failures) => ({
        ...scenario,
        policy: { ...scenario.policy, breaker: { ...scenario.policy.breaker, failures } }
      }))
    )
  })

  it("is nothing when what is asked for contradicts itself, or is too much", () => {
    assert.strictEqual(
      problems({ set: ["breaker.failures=1"], sweep: ["breaker.failures=2..3"] }),
      "breaker.failures is set and swept: leave one out"
    )
    assert.match(
      problems({ sweep: ["breaker.failures=1..50"], strategy: ["bare,retry,breaker"] }),
      /3 strategies with 50 settings each are too many rows; at most 100/
    )
    assert.match(problems({ duration: Option.some("300 days") }), /^--duration: 300 days cannot be cut out of story/)
    assert.match(problems({ duration: Option.some("6") }), /^--duration: "6" has no unit/)
    assert.match(problems({ scenario: "nowhere", duration: Option.some("6h") }), /^there is no scenario "nowhere"/)
  })
})

describe("the line that shows how far it is", () => {
  const progress = { row: 1, rows: 4, what: "full-ladder breaker.failures=5", part: 0.5 }

  it("has a bar, the percentage, the time that is left and the row", () => {
    assert.strictEqual(
      progressLine(progress, 6_000, 120),
      "[#########...............]  37 %, 10 s left  row 2 of 4: full-ladder breaker.failures=5"
    )
    assert.include(progressLine(progress, 600_000, 120), " 37 %, 17 min left  row")
  })

  it("says nothing of the time before it can be told", () => {
    assert.include(progressLine(progress, 999, 120), " 37 %  row 2")
    assert.include(progressLine({ ...progress, row: 0, part: 0 }, 5_000, 120), "  0 %  row 1")
  })

  const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200 }))
  const Part = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

  it.prop(
    "is one line that fits, and says no more than 100 %",
    [Count, Count, Part, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e8 }))],
    ([rows, columns, part, elapsed]) => {
      const line = progressLine({ ...progress, row: Math.max(0, rows - 1), rows, part }, elapsed, columns)
      assert.isAtMost(line.length, Math.max(0, columns - 1))
      assert.notMatch(line, /NaN|Infinity|\n/)
      const [, percent = "0"] = /(\d+) %/.exec(line) ?? []
      assert.isAtMost(Number(percent), 100)
    }
  )

  it.prop("never goes back", [Part, Part], ([one, other]) => {
    const percentAt = (part: number) => Number(/(\d+) %/.exec(progressLine({ ...progress, part }, 0, 120))?.[1])
    assert.isAtMost(percentAt(Math.min(one, other)), percentAt(Math.max(one, other)))
  })
})
