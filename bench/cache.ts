/**
 * `npm run bench:cache`: what a fallback answer costs with 100,000 entries in 50 namespaces and the circuit open, whether
 * the nearest entry is found, and whether remembering keeps up. On the embedded database and, with BENCH_DATABASE_URL
 * (a server where we may create a database), on a server. Seeding the embedded one takes some minutes.
 *
 *     node bench/cache.ts [--entries 100000] [--namespaces 50] [--requests 6000] [--connections 32] [--only embedded]
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Option, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { GenerationId, Namespace } from "../src/domain/Generation.ts"
import * as Database from "../src/layers/Database.ts"
import { layerPostgres } from "../src/services/cache/FallbackCachePostgres.ts"
import { vectorTable, vectorText } from "../src/services/cache/VectorSpace.ts"
import { Embedder } from "../src/services/Embedder.ts"
import { FallbackCache } from "../src/services/FallbackCache.ts"
import { withinNamespace } from "../src/services/store/withinNamespace.ts"
import { draft, prompt } from "./support/corpus.ts"
import type { Asked, FallbackOrder, FallbackResult } from "./support/fallbackLoad.ts"
import { canPin, cpuSeconds, freePort, message, start, stop } from "./support/processes.ts"

const { values } = parseArgs({
  options: {
    entries: { type: "string", default: "100000" },
    namespaces: { type: "string", default: "50" },
    requests: { type: "string", default: "6000" },
    connections: { type: "string", default: "32" },
    only: { type: "string" }
  }
})
const entries = Number(values.entries)
const namespaces = Number(values.namespaces)
const requests = Number(values.requests)
const connections = Number(values.connections)
const say = (line: string) => void process.stdout.write(`${line}\n`)

interface Place {
  readonly name: string
  readonly target: Database.DatabaseOptions
  readonly env: Record<string, string>
}

const siteOf = (n: number): string => `site-${(n * 7919) % namespaces}`
const keyOf = (site: string): string => `${site}-secret-key`
/** The service's provider is the simulated one, whose answers it keeps apart. */
const namespaceOf = (n: number): Namespace => Namespace.make(`simulated:${siteOf(n)}`)
const spread = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => (i * 7_907) % entries)

const cacheAt = (place: Place) =>
  layerPostgres({ storeTimeout: "30 seconds" }).pipe(
    Layer.provideMerge(Layer.merge(Embedder.layerLocal, Database.layer(place.target)))
  )

const seed = Effect.gen(function*() {
  const cache = yield* FallbackCache
  const sql = yield* SqlClient.SqlClient
  const begin = performance.now()
  const piece = 1_000
  for (let from = 0; from < entries; from += piece) {
    const answers = Array.from({ length: Math.min(piece, entries - from) }, (_, i) => from + i).map((n) => ({
      id: GenerationId.make(`gen_${n}`),
      namespace: namespaceOf(n),
      prompt: prompt(n, 0),
      model: "simulated",
      text: draft(n),
      usage: undefined
    }))
    yield* cache.rememberAll(answers)
  }
  yield* Effect.ignore(sql`ANALYZE understudy_answers`)
  yield* Effect.ignore(sql`ANALYZE ${sql(vectorTable(yield* Embedder))}`)
  return entries / ((performance.now() - begin) / 1_000)
})

/** The share of questions for which the search finds an entry as near as the exact scan of the namespace does. */
const recall = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const embedder = yield* Embedder
  const table = sql(vectorTable(embedder))
  let same = 0
  const asked = spread(500)
  let plan = ""
  for (const n of asked) {
    const namespace = namespaceOf(n)
    const vector = vectorText(yield* embedder.embed(prompt(n, 2)))
    const nearest = sql<{ similarity: number }>`
      SELECT -(embedding <#> ${vector}::vector) AS similarity FROM ${table} WHERE namespace = ${namespace}
      ORDER BY embedding <#> ${vector}::vector LIMIT 1`
    const found = sql<{ similarity: number }>`
      SELECT similarity FROM understudy_find(
        ${namespace}, NULL, ${vectorTable(embedder)}, ${vector}, 0, 1e12, '', '', '', '', 8
      ) LIMIT 1`
    const [best] = yield* withinNamespace(sql, namespace)(
      Effect.andThen(sql`SET LOCAL enable_indexscan = off`, nearest)
    )
    const [ours] = yield* found
    if (ours !== undefined && best !== undefined && ours.similarity >= best.similarity - 1e-6) same++
    if (plan === "") {
      const lines = yield* withinNamespace(sql, namespace)(sql<{ "QUERY PLAN": string }>`
        EXPLAIN SELECT seq FROM ${table} WHERE namespace = ${namespace} ORDER BY embedding <#> ${vector}::vector LIMIT 8`)
      plan = lines.map((line) => line["QUERY PLAN"]).find((line) => line.includes("Scan"))?.trim() ?? ""
    }
  }
  return { recall: same / asked.length, plan: plan.replace(/\s+\(cost.*$/u, "") }
})

const load = start("bench/support/fallbackLoad.ts", [], { core: 1 })

const ask = async (order: FallbackOrder): Promise<FallbackResult> => {
  const reply = message<FallbackResult>(load)
  load.send(order)
  return reply
}

const serve = async (place: Place, env: Record<string, string>) => {
  const port = await freePort()
  const service = start("src/main.ts", [], {
    core: 0,
    env: {
      PORT: String(port),
      API_KEYS: Array.from({ length: namespaces }, (_, i) => `site-${i}:${keyOf(`site-${i}`)}`).join(","),
      ...place.env,
      ...env
    }
  })
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${port}/health/live`).then(({ ok }) => ok, () => false)
    if (up) return { port, service }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const toAsked = (numbers: ReadonlyArray<number>, wording: number, expected: string): ReadonlyArray<Asked> =>
  numbers.map((n) => ({ key: keyOf(siteOf(n)), prompt: prompt(n, wording), expected }))

const row = (name: string, result: FallbackResult, cpuMicros: number, asked: number) => {
  say(
    `| ${name} | ${result.perSecond.toFixed(0)} | ${result.p50Millis.toFixed(1)} | ${result.p99Millis.toFixed(1)} | ${
      result.maxMillis.toFixed(1)
    } | ${cpuMicros.toFixed(0)} | ${result.failures} |`
  )
  // A search that is not exhaustive, and a guard that errs on the safe side, miss a few.
  if (result.failures > asked / 100) {
    process.exitCode = 1
    say(`\nTOO MANY: ${result.firstFailure}`)
  }
}

const header = (title: string) => {
  say(`\n${title}\n`)
  say("| | answers/s | p50 ms | p99 ms | max ms | service CPU µs/answer | answered otherwise |")
  say("|---|---:|---:|---:|---:|---:|---:|")
}

const fallbacks = async (place: Place) => {
  const { port, service } = await serve(place, {
    SIMULATED_FAILURES: "1",
    MAX_ATTEMPTS: "1",
    BREAKER_FAILURES: "1",
    BREAKER_COOLDOWN: "1 hour"
  })
  const kinds: ReadonlyArray<readonly [name: string, asked: ReadonlyArray<Asked>]> = [
    ["exact", toAsked(spread(requests), 0, "\"match\":\"exact\"")],
    ["similar", toAsked(spread(requests), 2, "\"match\":\"similar\"")],
    [
      "template (nothing near)",
      spread(requests).map((n) => ({
        key: keyOf(siteOf(n)),
        prompt: `Write a haiku on the ${n}th thought of a very tired octopus`,
        expected: "\"source\":\"template\""
      }))
    ]
  ]
  // Opens the circuit, and warms up.
  await ask({ port, connections, asked: toAsked(spread(2_000), 1, "\"source\":\"") })
  header(`${place.name}: circuit open, ${connections} at a time`)
  const measured = async (name: string, order: FallbackOrder) => {
    const before = cpuSeconds(service).process
    const result = await ask(order)
    row(name, result, (cpuSeconds(service).process - before) * 1e6 / order.asked.length, order.asked.length)
  }
  for (const [name, asked] of kinds) await measured(name, { port, connections, asked })
  for (const [name, asked] of kinds) {
    await measured(`${name}, at 200 a second`, { port, connections, asked: asked.slice(0, 2_000), perSecond: 200 })
  }
  await stop(service)
}

const metric = async (port: number, key: string, name: string): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${key}` } }))
    .text()
  return Number(new RegExp(`^${name} (\\d+)`, "mu").exec(text)?.[1] ?? 0)
}

/** Live answers at 200 a second, remembered or not: what remembering adds to their latency, and whether it keeps up. */
const remembering = async (place: Place) => {
  const { port, service } = await serve(place, { LIMIT_CONCURRENCY: "64" })
  const fresh = Array.from({ length: 8_000 }, (_, i) => entries + i)
  const piece = (k: number) => toAsked(fresh.slice(k * 2_000, (k + 1) * 2_000), 0, "\"source\":\"live\"")
  await ask({ port, connections, asked: toAsked(spread(1_000), 0, "\"live\""), noStore: true })
  header(`${place.name}: live answers at 200 a second`)
  for (const [k, noStore] of [[0, true], [1, false], [2, true], [3, false]] as const) {
    const before = cpuSeconds(service).process
    const result = await ask({ port, connections, asked: piece(k), perSecond: 200, noStore })
    row(
      noStore ? "not remembered (`no-store`)" : "remembered",
      result,
      (cpuSeconds(service).process - before) * 500,
      2_000
    )
  }
  const key = keyOf("site-0")
  const begin = performance.now()
  let stored = 0
  let dropped = 0
  while (stored + dropped < 4_000 && performance.now() - begin < 60_000) {
    stored = await metric(port, key, "understudy_cache_remembered_total")
    dropped = await metric(port, key, "understudy_cache_dropped_total")
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  say(
    `\nStored ${stored} of 4,000, dropped ${dropped}; the last was stored ${
      ((performance.now() - begin) / 1_000).toFixed(1)
    } s after it was answered.`
  )
  await stop(service)
}

const benchmark = async (place: Place) => {
  say(`\n## ${place.name}: ${entries} entries in ${namespaces} namespaces`)
  const { plan, seeded, ...found } = await Effect.runPromise(
    Effect.gen(function*() {
      const seeded = yield* seed
      return { seeded, ...yield* recall }
    }).pipe(Effect.provide(cacheAt(place)))
  )
  say(`\nSeeded at ${seeded.toFixed(0)} entries a second. recall@1 ${found.recall.toFixed(3)} of 500, by: ${plan}`)
  // First, because instances on one server share the circuit that the others open.
  await remembering(place)
  await fallbacks(place)
}

const embedded = async () => {
  const directory = mkdtempSync(join(tmpdir(), "understudy-bench-"))
  try {
    await benchmark({
      name: "embedded database",
      target: { url: Option.none(), dataDir: directory },
      env: { DATA_DIR: directory }
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const onServer = async (server: string) => {
  const admin = (statement: string) =>
    Effect.runPromise(
      Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(statement)).pipe(
        Effect.provide(PgClient.layer({ url: Redacted.make(server), maxConnections: 1 }))
      )
    )
  const url = new URL(server)
  url.pathname = "/understudy_bench"
  await admin("DROP DATABASE IF EXISTS understudy_bench WITH (FORCE)")
  await admin("CREATE DATABASE understudy_bench TEMPLATE template0")
  try {
    await benchmark({
      name: "PostgreSQL server",
      target: { url: Option.some(Redacted.make(url.href)), dataDir: "unused" },
      env: { DATABASE_URL: url.href }
    })
  } finally {
    await admin("DROP DATABASE IF EXISTS understudy_bench WITH (FORCE)")
  }
}

say(
  canPin
    ? "The service on core 0, with the embedded database's thread; the load and a server on what is left"
    : "Processes not pinned to cores"
)
const server = process.env["BENCH_DATABASE_URL"]
if (values.only !== "server") await embedded()
if (values.only !== "embedded") {
  if (server === undefined) say("\nWithout BENCH_DATABASE_URL: no figures for a server")
  else await onServer(server)
}
await stop(load)
