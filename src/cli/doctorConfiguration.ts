/** The configuration as far as it can be read: what is wrong keeps no other check from running. */
import { ConfigProvider, Effect, Result } from "effect"
import { edits } from "../domain/text/Nearest.ts"
import { type AppConfig, load, variables, wrongVariables } from "../layers/AppConfig.ts"
import { type Finding, findingsOf } from "./doctorReport.ts"

export interface Readable {
  /** With defaults in place of what is wrong. */
  readonly config: AppConfig
  /** The names of what is wrong. */
  readonly wrong: ReadonlySet<string>
  readonly findings: ReadonlyArray<Finding>
}

const { failed, ok, warning } = findingsOf("configuration")

export const readConfiguration: Effect.Effect<Readable> = Effect.gen(function*() {
  const provider = yield* ConfigProvider.ConfigProvider
  const set = yield* Effect.filter(variables.map(({ name }) => name), isSet(provider))
  const unreadable = yield* wrongVariables
  const wrong = new Set(unreadable.map(({ name }) => name))
  const problems = unreadable.map(({ problem }) => problem)
  const config = yield* settle(provider, wrong, set, problems)
  const misspelt = (yield* namesLikeOurs(provider)).filter(({ isSimilarTo }) =>
    // A file of providers names variables of its own.
    !(isSimilarTo === "AI_API_KEY" && set.includes("AI_PROVIDERS_FILE"))
  )
  const findings = [
    ...problems.map((problem) =>
      failed(problem, / is not set;/.test(problem) ? "set it" : "set it to what is expected, or leave it out")
    ),
    ...misspelt.map(({ isSimilarTo, name }) =>
      warning(`${name} is set, which is no variable of ours`, `if ${isSimilarTo} is meant, call it so`)
    )
  ]
  return {
    config,
    wrong,
    findings: problems.length > 0 ? findings : [
      ok(`${set.length} of ${variables.length} variables are set and can be read, the others have their defaults`),
      ...findings
    ]
  }
})

/** Reads the configuration without what is wrong, and adds what does not fit together to it until the rest does. */
const settle = Effect.fnUntraced(function*(
  provider: ConfigProvider.ConfigProvider,
  wrong: Set<string>,
  set: ReadonlyArray<string>,
  problems: Array<string>
): Effect.fn.Return<AppConfig> {
  while (true) {
    const without = ConfigProvider.make((path) => wrong.has(path.join("_")) ? Effect.undefined : provider.load(path))
    const read = yield* Effect.result(Effect.provideService(load, ConfigProvider.ConfigProvider, without))
    if (Result.isSuccess(read)) return read.success
    const named = variables.map(({ name }) => name).filter((name) => read.failure.message.includes(name))
    // That something wrong is missing need not be said of it twice.
    problems.push(...read.failure.problems.filter((problem) => ![...wrong].some((name) => problem.includes(name))))
    const suspects = set.filter((name) => !wrong.has(name))
    const blamed = suspects.filter((name) => named.includes(name))
    const related = suspects.filter((name) => named.some((other) => prefixOf(other) === prefixOf(name)))
    const next = [blamed, related, suspects].find((names) => names.length > 0)
    if (next === undefined) return yield* Effect.die(read.failure)
    next.forEach((name) => wrong.add(name))
  }
})

const isSet = (provider: ConfigProvider.ConfigProvider) => (name: string) =>
  Effect.match(provider.load([name]), {
    onFailure: () => false,
    onSuccess: (node) => node?.value !== undefined
  })

const prefixOf = (name: string): string => name.slice(0, name.indexOf("_") + 1)

/** Set, unknown, with the beginning of ours and all but the name of ours: one slip in five characters. */
const namesLikeOurs = Effect.fnUntraced(function*(provider: ConfigProvider.ConfigProvider) {
  const known = variables.map(({ name }) => name).filter((name) => name.includes("_"))
  const prefixes = new Set(known.map((name) => prefixOf(name).slice(0, -1)))
  const names = (yield* Effect.forEach([...prefixes], (prefix) => namesUnder(provider, [prefix]))).flat()
  return names.filter((name) => !known.includes(name)).sort().flatMap((name) => {
    const [nearest] = known
      .map((other) => ({ other, distance: edits(plain(name), plain(other)) }))
      .sort((a, b) => a.distance - b.distance)
    return nearest !== undefined && nearest.distance <= Math.max(1, Math.floor(plain(name).length / 5))
      ? [{ name, isSimilarTo: nearest.other }]
      : []
  })
})

const plain = (name: string): string => name.toLowerCase().replaceAll("_", "")

const namesUnder = (
  provider: ConfigProvider.ConfigProvider,
  path: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    const node = yield* Effect.orElseSucceed(provider.load(path), () => undefined)
    if (node === undefined) return []
    const below = node._tag === "Record"
      ? (yield* Effect.forEach([...node.keys], (key) => namesUnder(provider, [...path, key]))).flat()
      : []
    return node.value === undefined ? below : [path.join("_"), ...below]
  })
