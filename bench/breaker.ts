/**
 * What a circuit breaker costs per call, closed and open, beside others: `npm run bench:breaker`. One process, one run:
 * rounds over all candidates in turn, the median of each. Bytes are what a call leaves to the garbage collector.
 *
 * Each candidate guards a call that does nothing. The bare loops are the same call without a breaker: what stands above
 * them is the breaker's.
 */
import { Effect, Layer, Option, References } from "effect"
import { CircuitBreaker as EffectBreaker } from "effect/persistence"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Circuit from "../src/domain/circuit/Circuit.ts"
import * as Database from "../src/layers/Database.ts"
import { CircuitBreaker } from "../src/services/CircuitBreaker.ts"

const flags = ["--expose-gc", "--max-semi-space-size=512", "--min-semi-space-size=512"]
const calls = 50_000
const rounds = 11

interface Candidate {
  readonly name: string
  readonly closed: () => Promise<unknown>
  readonly rejected?: () => Promise<unknown>
}

const times = <E, R>(body: Effect.Effect<unknown, E, R>): Effect.Effect<void, E, R> =>
  Effect.suspend(() => {
    let n = 0
    return Effect.whileLoop({ while: () => n < calls, body: () => body, step: () => void n++ })
  })
const many = async (body: () => Promise<unknown>) => {
  for (let n = 0; n < calls; n++) await body()
}

const answer = Effect.suspend(() => Effect.succeed(1))
const refusal = Effect.suspend(() => Effect.fail("down"))
const ok = () => Promise.resolve(1)
const down = () => Promise.reject(new Error("down"))

const ours = Effect.fnUntraced(function*(name: string) {
  const breaker = yield* CircuitBreaker
  const context = yield* Effect.context<CircuitBreaker>()
  const run = Effect.runPromiseWith(context)
  const [closed, open] = [`${name}-closed`, `${name}-open`]
  yield* breaker.control(open, "force-open")
  const pair = Effect.flatMap(breaker.admit(closed), (admission) => breaker.settle(closed, admission, Circuit.success))
  const candidates: ReadonlyArray<Candidate> = [
    {
      name: `${name}: admit and settle`,
      closed: () => run(times(pair)),
      rejected: () => run(times(Effect.ignore(breaker.admit(open))))
    },
    {
      name: `${name}: protect`,
      closed: () => run(times(CircuitBreaker.protect(closed)(answer))),
      rejected: () => run(times(Effect.ignore(CircuitBreaker.protect(open)(answer))))
    }
  ]
  return candidates
})

/** A run of its own, as a caller outside Effect starts one. */
const run = <E>(effect: Effect.Effect<void, E>) => Effect.runPromise(effect)

const effects = Effect.gen(function*() {
  const breaker = yield* EffectBreaker.make({
    tripPolicy: EffectBreaker.consecutive(3),
    openDuration: "1 hour"
  })
  for (let n = 0; n < 3; n++) yield* Effect.ignore(breaker.execute(refusal, { key: "open" }))
  const candidate: Candidate = {
    name: "Effect's own CircuitBreaker",
    closed: () => run(times(breaker.execute(answer, { key: "closed" }))),
    rejected: () => run(times(Effect.ignore(breaker.execute(answer, { key: "open" }))))
  }
  return candidate
}).pipe(Effect.provide(EffectBreaker.layerStoreMemory()))

const opossum = async (): Promise<Candidate> => {
  const { default: Opossum } = await import("opossum")
  const closed = new Opossum(ok)
  const open = new Opossum(ok)
  open.open()
  return {
    name: "opossum",
    closed: () => many(() => closed.fire()),
    rejected: () => many(() => open.fire().catch(() => undefined))
  }
}

const cockatiel = async (): Promise<Candidate> => {
  const { circuitBreaker, ConsecutiveBreaker, handleAll } = await import("cockatiel")
  const policy = () => circuitBreaker(handleAll, { halfOpenAfter: 3_600_000, breaker: new ConsecutiveBreaker(3) })
  const [closed, open] = [policy(), policy()]
  for (let n = 0; n < 3; n++) await open.execute(down).catch(() => undefined)
  return {
    name: "cockatiel",
    closed: () => many(() => closed.execute(ok)),
    rejected: () => many(() => open.execute(ok).catch(() => undefined))
  }
}

interface Cost {
  readonly nanos: number
  readonly bytes: number
}

/** The young generation is so large that no collection falls into a round. */
const measure = async (body: () => Promise<unknown>): Promise<Cost> => {
  globalThis.gc?.()
  const heap = process.memoryUsage().heapUsed
  const from = process.hrtime.bigint()
  await body()
  const nanos = Number(process.hrtime.bigint() - from)
  return { nanos: nanos / calls, bytes: (process.memoryUsage().heapUsed - heap) / calls }
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const say = (line: string) => void process.stdout.write(`${line}\n`)

const bench = Effect.gen(function*() {
  const database = Database.layer({ url: Option.none(), dataDir: "memory:" })
  const inMemory = yield* Layer.build(CircuitBreaker.layerMemory())
  const inPostgres = yield* Layer.build(Layer.provide(CircuitBreaker.layerPostgres(), database))
  const candidates: Array<Candidate> = [
    {
      name: "bare Effect loop",
      closed: () => run(times(answer)),
      rejected: () => run(times(Effect.ignore(refusal)))
    },
    { name: "bare promise loop", closed: () => many(ok), rejected: () => many(() => down().catch(() => undefined)) },
    ...yield* Effect.provideContext(ours("memory"), inMemory),
    ...yield* Effect.provideContext(ours("postgres"), inPostgres),
    yield* effects
  ]
  for (const [name, load] of [["opossum", opossum], ["cockatiel", cockatiel]] as const) {
    const loaded = yield* Effect.option(Effect.tryPromise(load))
    if (Option.isSome(loaded)) candidates.push(loaded.value)
    else say(`${name}: not installed`)
  }

  const costs = new Map<string, { readonly closed: Array<Cost>; readonly rejected: Array<Cost> }>()
  for (let round = -2; round < rounds; round++) {
    for (const { closed, name, rejected } of candidates) {
      const cost = { closed: yield* Effect.promise(() => measure(closed)), rejected: Array<Cost>() }
      if (rejected !== undefined) cost.rejected.push(yield* Effect.promise(() => measure(rejected)))
      // The first rounds warm up.
      if (round < 0) continue
      const all = costs.get(name) ?? { closed: [], rejected: [] }
      costs.set(name, all)
      all.closed.push(cost.closed)
      all.rejected.push(...cost.rejected)
    }
  }
  say(`${"per call".padEnd(30)}${"closed".padStart(10)}${"".padStart(10)}${"rejected".padStart(10)}`)
  for (const [name, { closed, rejected }] of costs) {
    const columns = [closed, rejected].flatMap((all) => [
      `${median(all.map(({ nanos }) => nanos)).toFixed(0)} ns`,
      `${median(all.map(({ bytes }) => bytes)).toFixed(0)} B`
    ])
    say(`${name.padEnd(30)}${columns.map((column) => column.padStart(10)).join("")}`)
  }
})

if (process.execArgv.includes("--expose-gc")) {
  await Effect.runPromise(Effect.scoped(bench).pipe(Effect.provideService(References.MinimumLogLevel, "None")))
} else {
  const child = spawnSync(process.execPath, [...flags, fileURLToPath(import.meta.url)], { stdio: "inherit" })
  process.exitCode = child.status ?? 1
}
