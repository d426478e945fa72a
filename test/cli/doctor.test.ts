/** `understudy doctor` as a process, against whatever can be wrong. */
import { assert, describe, layer } from "@effect/vitest"
import { ConfigProvider, Console, Effect, Exit, Layer, Schema } from "effect"
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Report } from "../../src/cli/doctorReport.ts"
import { understudy } from "../../src/layers/CommandLine.ts"
import { freshDatabase, freshDirectory, layerServer, urlOf, withoutServer, withServer } from "../support/databases.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { collector } from "../support/otlp.ts"
import {
  listeningServer,
  refusingServer,
  rudeServer,
  serverWithoutPgvector,
  silentServer
} from "../support/postgresServers.ts"
import { answering, receiver } from "../support/receivers.ts"
import { type Environment, providerOf } from "../support/service.ts"
import { main, runCommand, startProcess } from "../support/serviceProcess.ts"

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

const decodeReport = Schema.decodeUnknownEffect(Schema.fromJsonString(Report), { onExcessProperty: "error" })

/** Everything that must stand in no output, whatever happens. */
const secrets = ["s3cret", "provider-key-0123456789"]

interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command in this process, which is much faster than a process of its own: sees these variables and no others. */
const runHere = (args: ReadonlyArray<string>, env: Environment): Effect.Effect<Said> =>
  Effect.suspend(() => {
    const [out, err]: [Array<string>, Array<string>] = [[], []]
    const console: Console.Console = {
      ...globalThis.console,
      log: (...words) => void out.push(words.join(" ")),
      error: (...words) => void err.push(words.join(" "))
    }
    return Effect.exit(understudy(args)).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord({ ...env })),
      Effect.map((exit) => ({ code: Exit.isSuccess(exit) ? 0 : 1, stdout: out.join("\n"), stderr: err.join("\n") }))
    )
  })

/** What it says to programs, with the exit code that belongs to it. */
const examineWith = (run: (args: ReadonlyArray<string>, env: Environment) => Effect.Effect<Said>) =>
  Effect.fnUntraced(function*(env: Environment, ...args: ReadonlyArray<string>) {
    const { code, stderr, stdout } = yield* run(["doctor", "--json", ...args], {
      PORT: "0",
      DATA_DIR: "memory:",
      ...env
    })
    for (const secret of secrets) assert.notInclude(stdout + stderr, secret)
    assert.notMatch(stdout + stderr, /\n\s+at |node_modules/, "a message, not a stack")
    const report = yield* decodeReport(stdout)
    assert.strictEqual(code, report.ok ? 0 : 1, stdout)
    assert.strictEqual(report.ok, !stderr.includes(" failed"))
    const of = (check: string) => report.findings.filter((finding) => finding.check === check)
    return { report, stderr, of }
  })

const examine = examineWith(runHere)
const examineInProcess = examineWith(runCommand)

type Examined = Effect.Success<ReturnType<typeof examine>>

/** What it prints when it is bound by the modes of files, which a superuser is not. */
const withoutPowers = (args: ReadonlyArray<string>, env: Environment) => {
  const node = [process.execPath, main, ...args]
  const [file = "", ...rest] = process.getuid?.() === 0
    ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", ...node]
    : node
  return Effect.callback<string>((resume) => {
    execFile(file, rest, { env: { PATH: process.env["PATH"], ...env } }, (_, stdout) => resume(Effect.succeed(stdout)))
  })
}

/** The finding of a check that has this status and says this, with what to do. */
const finds = ({ of, report }: Examined, check: string, status: string, found: RegExp, advice?: RegExp) => {
  const finding = of(check).find((finding) => finding.status === status && found.test(finding.found))
  if (finding === undefined) {
    return assert.fail(`no ${status} ${String(found)} among ${JSON.stringify(report.findings, null, 1)}`)
  }
  if (advice !== undefined) assert.match(finding.advice ?? "", advice)
  return finding
}

layer(Layer.empty, live)("understudy doctor", (it) => {
  it.effect("finds all well where it is, in a fixed order, and makes no data folder", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const folder = yield* freshDirectory
      const env = {
        ...providerOf(provider),
        DATA_DIR: join(folder, "data"),
        EMBEDDER: "openai",
        EMBEDDING_DIMENSIONS: "384",
        EMBEDDING_TIMEOUT: "10 seconds",
        API_KEYS: "alpha:key-of-alpha,beta:key-of-beta",
        WEBHOOK_SECRETS: `alpha:whsec_${randomBytes(32).toString("base64")}`,
        RECORD_TRACE: join(folder, "trace.jsonl"),
        OTEL_EXPORTER_OTLP_ENDPOINT: (yield* collector).url
      }
      const examined = yield* examineInProcess(env)
      assert.deepInclude(examined.report, { ok: true, failed: 0, warnings: 0, not_checked: 0 })
      assert.deepStrictEqual(
        [...new Set(examined.report.findings.map(({ check }) => check))],
        [
          "configuration",
          "address",
          "keys",
          "callbacks",
          "templates",
          "trace",
          "telemetry",
          "database",
          "provider",
          "embedder"
        ]
      )
      finds(examined, "provider", "ok", /answered within \d+ ms as fault-model/)
      finds(examined, "provider", "ok", /streams: the first piece after \d+ ms/)
      finds(examined, "embedder", "ok", /384 numbers, within/)
      finds(examined, "keys", "ok", /2 keys for 2 namespaces/)
      finds(examined, "database", "ok", /which is made at the next start/)
      assert.match(
        examined.stderr,
        /^understudy: asks 127\.0\.0\.1:\d+ for one or two answers of at most 16 tokens.*--offline/
      )
      assert.strictEqual(provider.counts().received, 4, "two answers, two requests for vectors")
      assert.deepStrictEqual(readdirSync(folder), [], "nothing is made")
    }))

  it.effect("asks nobody with --offline, and says what it did not check", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const examined = yield* examine({ ...providerOf(provider), EMBEDDER: "openai" }, "--offline")
      finds(examined, "provider", "not_checked", /--offline/)
      finds(examined, "embedder", "not_checked", /--offline/)
      assert.deepStrictEqual([provider.counts().sockets, examined.stderr, examined.report.ok], [0, "", true])
    }))

  it.effect("is a short text for people, with what to do below each finding", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* runCommand(["doctor"], { PORT: "0", DATA_DIR: "memory:" })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^ok {11}configuration {2}2 of \d+ variables are set/)
      assert.match(stdout, /^warning {6}provider {7}SIMULATED.*\n {28}-> set AI_BASE_URL/m)
      assert.match(stdout, /\n\n2 warnings\.\n$/)
    }))

  it.effect("names every wrong variable at once, those that are nearly ours, and what it could not check therefore", () =>
    Effect.gen(function*() {
      const examined = yield* examineInProcess({
        PORT: "abc",
        ATTEMPT_TIMEOUT: "5",
        DATABASE_URL: "mysql://app:s3cret@localhost/app",
        AI_BASE_URL: "http://app:s3cret@127.0.0.1/v1",
        JOB_WORKERS: "0",
        BREAKER_FAILURE: "3",
        AI_BASEURL: "http://127.0.0.1/v1",
        JOB_URL: "https://ci.example.org/job/7",
        AI_TEMPERATURE: "1"
      })
      finds(examined, "configuration", "failed", /^PORT holds "abc"; expected a port/)
      finds(examined, "configuration", "failed", /^ATTEMPT_TIMEOUT holds "5"; expected a duration/)
      finds(examined, "configuration", "failed", /^DATABASE_URL holds a secret/)
      finds(examined, "configuration", "failed", /^AI_BASE_URL holds "http:\/\/…@127/)
      finds(examined, "configuration", "warning", /^BREAKER_FAILURE is set/, /BREAKER_FAILURES/)
      finds(examined, "configuration", "warning", /^AI_BASEURL is set/, /AI_BASE_URL/)
      // That JOB_WORKERS=0 needs a DATABASE_URL is no mistake of its own here.
      assert.lengthOf(examined.of("configuration"), 6)
      finds(examined, "address", "not_checked", /PORT is wrong/)
      finds(examined, "database", "not_checked", /DATABASE_URL is wrong/)
      finds(examined, "provider", "not_checked", /is wrong/)
      finds(examined, "templates", "ok", /7 templates/)
    }))

  it.effect("says what does not fit together, and checks the rest", () =>
    Effect.gen(function*() {
      const unnamed = yield* examine({
        AI_BASE_URL: "http://127.0.0.1:1/v1",
        JOB_WORKERS: "0",
        TEMPLATES_DIR: "/no/such"
      })
      finds(unnamed, "configuration", "failed", /^AI_MODEL is not set/, /set it/)
      finds(unnamed, "configuration", "failed", /^JOB_WORKERS holds 0/)
      finds(unnamed, "provider", "not_checked", /is wrong/)
      finds(unnamed, "database", "warning", /in memory/)
      finds(unnamed, "templates", "failed", /\/no\/such/)

      const file = join(yield* freshDirectory, "providers.json")
      writeFileSync(file, JSON.stringify({ providers: [{ name: "a", base_url: "nowhere", model: "m" }] }))
      const providers = yield* examine({ AI_PROVIDERS_FILE: file, AI_API_KEY2: "s3cret-key" })
      finds(providers, "provider", "failed", /base_url/)
      assert.lengthOf(providers.of("configuration"), 1, "a file may name variables of its own")
    }))

  it.effect("warns of an address that others reach without a key, and of secrets that are nobody's", () =>
    Effect.gen(function*() {
      const secret = `whsec_${randomBytes(32).toString("base64")}`
      const open = yield* examine({ HOST: "0.0.0.0", WEBHOOK_SECRETS: `alhpa:${secret}` })
      finds(open, "address", "warning", /NO KEY IS NEEDED: .*every network interface/, /API_KEYS.*HOST=127/)
      finds(open, "callbacks", "warning", /alhpa, which no key stands for/)
      const closed = yield* examine({ HOST: "0.0.0.0", API_KEYS: "alpha:s3cret-key,beta:s3cret-key" })
      assert.isUndefined(closed.of("address").find(({ status }) => status === "warning"))
      finds(closed, "keys", "failed", /API_KEYS, key 2 is the same as API_KEYS, key 1/)
    }))

  it.effect("tells a port that a running Understudy has from one that something else has", () =>
    Effect.gen(function*() {
      const service = yield* startProcess({ DATA_DIR: "memory:" })
      finds(
        yield* examine({ PORT: new URL(service.url).port }),
        "address",
        "ok",
        /an Understudy runs already \(degraded\)/
      )
      const stranger = yield* FaultServer.make
      finds(yield* examine({ PORT: new URL(stranger.url).port }), "address", "failed", /no Understudy/, /set PORT/)
      finds(yield* examine({ HOST: "192.0.2.1" }), "address", "failed", /EADDRNOTAVAIL/, /set HOST/)
    }))
})

layer(Layer.empty, live)("understudy doctor on a provider", (it) => {
  const rows: ReadonlyArray<readonly [what: string, mode: Mode, found: RegExp, advice: RegExp]> = [
    ["that refuses the key", Mode.status(401), /refuses our key \(401\)/, /AI_API_KEY.*whole/],
    ["that forbids the key", Mode.status(403), /refuses our key \(403\)/, /rights/],
    [
      "that does not know the model",
      (call) => call.json(404, { error: { message: "The model `x` does not exist" } }),
      /404.*model `x`/,
      /AI_MODEL/
    ],
    ["that limits the rate", Mode.rateLimited("2"), /limits our rate \(429\)/, /quota/],
    ["that is out of order", Mode.status(503), /status 503/, /trouble of its own/],
    ["that redirects", Mode.status(302, { location: "http://127.0.0.1:1/" }), /status 302/, /it redirects/],
    ["that hangs", Mode.hangBeforeHeaders, /no answer within 1s/, /ATTEMPT_TIMEOUT/],
    ["that is a web page", Mode.html, /no JSON but a web page/, /proxy/],
    ["that is cut off", Mode.cutBody, /breaks off/, /proxy/],
    ["that closes the connection", Mode.resetBeforeHeaders, /ECONNRESET/, /hangs up/],
    ["that speaks another protocol", Mode.emptyObject, /unusable/, /AI_PROTOCOL/],
    [
      "that echoes the key",
      (call) => call.json(400, { error: { message: "no model for provider-key-0123456789" } }),
      /refuses the request \(400\): no model for \[key\]/,
      /AI_MODEL/
    ]
  ]

  it.effect.each(rows)("%s", ([, mode, found, advice]) =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      yield* provider.respondWith(mode)
      const examined = yield* examine({ ...providerOf(provider), ATTEMPT_TIMEOUT: "1 second" })
      finds(examined, "provider", "failed", found, advice)
      assert.isAtMost(provider.counts().received, 1, "no stream of a provider that does not answer")
    }))

  it.effect("whose address is wrong, in one way or another", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const at = (url: string) => examine({ ...providerOf(provider), AI_BASE_URL: url })
      const port = new URL(provider.url).port
      const wrong: ReadonlyArray<readonly [string, RegExp, RegExp]> = [
        [provider.url, /has nothing at/, /is \/v1 missing/],
        [`${provider.openAiUrl}/v1`, /has nothing at/, /\/v1 twice/],
        [`${provider.openAiUrl}/chat/completions`, /has nothing at/, /take \/chat\/completions off/],
        ["http://127.0.0.1:1/v1", /ECONNREFUSED/, /nobody listens there/],
        ["http://no-such-host.invalid/v1", /ENOTFOUND|EAI_AGAIN/, /the name is not found/],
        [`https://127.0.0.1:${port}/v1`, /SSL|EPROTO|ECONNRESET/, /no TLS|hangs up/]
      ]
      const all = yield* Effect.forEach(wrong, ([url]) => at(url), { concurrency: 2 })
      for (const [index, [, found, advice]] of wrong.entries()) {
        const examined = all[index]
        if (examined !== undefined) finds(examined, "provider", "failed", found, advice)
      }
    }))

  it.effect("that works, but does not count, does not stream or only thinks", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const message = (content: string, finish: string) => ({
        model: "m",
        choices: [{ message: { content }, finish_reason: finish }]
      })
      yield* provider.respondWithEach([(call) => call.json(200, message("ready", "stop")), Mode.status(400)])
      const uncounted = yield* examine(providerOf(provider))
      finds(uncounted, "provider", "ok", /answered within/)
      finds(uncounted, "provider", "warning", /how many tokens/, /without usage/)
      finds(uncounted, "provider", "failed", /^as a stream: .*400/, /in one piece work/)

      yield* provider.respondWith((call) => call.json(200, message("", "length")))
      finds(yield* examine(providerOf(provider)), "provider", "warning", /without a text/, /reasoning model/)

      yield* provider.respondWith(Mode.answer)
      const plain = yield* examine(providerOf(provider, "plain"))
      finds(plain, "provider", "ok", /speaks plain/)
      assert.isTrue(plain.report.ok)
    }))

  it.effect("that is one of several, by its name", () =>
    Effect.gen(function*() {
      const [good, bad] = [yield* FaultServer.make, yield* FaultServer.make]
      yield* bad.respondWith(Mode.status(401))
      const file = join(yield* freshDirectory, "providers.json")
      const entry = (name: string, base_url: string) => ({ name, base_url, model: "m", api_key_env: "FIRST_KEY" })
      writeFileSync(
        file,
        JSON.stringify({ providers: [entry("first", bad.openAiUrl), entry("second", good.openAiUrl)] })
      )
      const examined = yield* examine({ AI_PROVIDERS_FILE: file, FIRST_KEY: "s3cret-key" })
      finds(examined, "provider", "failed", /^first refuses our key/)
      finds(examined, "provider", "ok", /^second answered/)
    }))
})

layer(Layer.empty, live)("understudy doctor on a collector", (it) => {
  it.effect("sends each signal that is on, with nothing in it, and the headers, but nobody with --offline", () =>
    Effect.gen(function*() {
      const { deliveries, url } = yield* collector
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20provider-key-0123456789",
        OTEL_LOGS_EXPORTER: "none"
      }
      finds(yield* examine(env, "--offline"), "telemetry", "not_checked", /--offline/)
      assert.lengthOf(deliveries, 0)
      const examined = yield* examine(env)
      assert.deepStrictEqual(examined.of("telemetry").map(({ found }) => found), [
        `${url}/v1/traces takes traces`,
        `${url}/v1/metrics takes metrics`
      ])
      assert.sameMembers(deliveries.map(({ body, url }) => `${url} ${body}`), [
        "/v1/traces {\"resourceSpans\":[]}",
        "/v1/metrics {\"resourceMetrics\":[]}"
      ])
      for (const { headers } of deliveries) {
        assert.deepInclude(headers, {
          authorization: "Bearer provider-key-0123456789",
          "content-type": "application/json"
        })
      }
      const off = { ...env, OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" }
      finds(yield* examine(off), "telemetry", "ok", /is sent nothing/)
      assert.lengthOf((yield* examine({})).of("telemetry"), 0)
    }))

  it.effect("that is not there, is silent, refuses the key, or has no such signal: the service works without", () =>
    Effect.gen(function*() {
      const silent = yield* receiver(() => {})
      const rows: ReadonlyArray<readonly [port: number, found: RegExp, advice: RegExp]> = [
        [1, /cannot be reached: .*ECONNREFUSED/, /is the collector up/],
        [silent.port, /no answer within 3 seconds/, /4318/],
        [(yield* receiver(answering(401))).port, /takes no logs \(status 401\)/, /OTEL_EXPORTER_OTLP_HEADERS/],
        [(yield* receiver(answering(404))).port, /status 404/, /OTEL_LOGS_EXPORTER=none/],
        [(yield* receiver(answering(415))).port, /status 415/, /JSON/],
        [(yield* receiver(answering(503))).port, /status 503/, /lost/]
      ]
      yield* Effect.forEach(rows, ([port, found, advice]) =>
        Effect.gen(function*() {
          const examined = yield* examine({
            OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
            OTEL_TRACES_EXPORTER: "none",
            OTEL_METRICS_EXPORTER: "none"
          })
          finds(examined, "telemetry", "warning", found, advice)
          assert.isTrue(examined.report.ok)
        }), { concurrency: 3 })
    }))
})

layer(Layer.empty, live)("understudy doctor on an embedder", (it) => {
  it.effect("that gives other vectors than are configured, is too slow, or refuses the key", () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const env = {
        EMBEDDER: "openai",
        EMBEDDING_BASE_URL: provider.openAiUrl,
        EMBEDDING_API_KEY: "provider-key-0123456789",
        EMBEDDING_DIMENSIONS: "384"
      }
      finds(
        yield* examine({ ...env, EMBEDDING_DIMENSIONS: "1536" }),
        "embedder",
        "failed",
        /has 384 dimensions, 1536 are configured/,
        /EMBEDDING_DIMENSIONS=384/
      )
      yield* provider.respondWith(Mode.wait(1_000))
      finds(
        yield* examine(env),
        "embedder",
        "warning",
        /not within EMBEDDING_TIMEOUT \(250ms\)/,
        /raise EMBEDDING_TIMEOUT/
      )
      yield* provider.respondWith(Mode.status(401))
      finds(yield* examine(env), "embedder", "failed", /status 401/, /EMBEDDING_API_KEY/)
      finds(yield* examine({ EMBEDDER: "openai" }), "embedder", "failed", /EMBEDDING_BASE_URL is not set/)
    }))
})

layer(Layer.empty, live)("understudy doctor on an embedded database", (it) => {
  it.effect("says who has it, looks at what is there, and names what cannot be used", () =>
    Effect.gen(function*() {
      const folder = yield* freshDirectory
      const DATA_DIR = join(folder, "data")
      mkdirSync(join(DATA_DIR, "pglite"), { recursive: true })
      finds(yield* examine({ DATA_DIR }), "database", "ok", /which holds no database yet/)
      const service = yield* startProcess({ DATA_DIR })
      const used = yield* examine({ DATA_DIR })
      finds(used, "database", "ok", new RegExp(`in use by process ${service.child.pid} on `))
      service.child.kill("SIGTERM")
      yield* service.exited
      const before = readdirSync(DATA_DIR).sort()
      const free = yield* examine({ DATA_DIR })
      // Of the very version that we look for.
      finds(free, "database", "ok", /data$/)
      assert.deepStrictEqual(readdirSync(DATA_DIR).sort(), before)

      writeFileSync(join(DATA_DIR, "pglite", "PG_VERSION"), "12\n")
      finds(yield* examine({ DATA_DIR }), "database", "failed", /of PostgreSQL 12/, /DATA_DIR/)
      writeFileSync(join(folder, "file"), "")
      finds(
        yield* examine({ DATA_DIR: join(folder, "file", "data") }),
        "database",
        "failed",
        /cannot be used/,
        /DATA_DIR/
      )
    }), 60_000)

  it.effect("names a folder that this user may not write to", () =>
    Effect.gen(function*() {
      const closed = join(yield* freshDirectory, "closed")
      mkdirSync(closed, { mode: 0o555 })
      for (const DATA_DIR of [closed, join(closed, "data")]) {
        const report = yield* decodeReport(yield* withoutPowers(["doctor", "--json"], { PORT: "0", DATA_DIR }))
        const { advice, found, status } = report.findings.find(({ check }) => check === "database") ?? {}
        assert.strictEqual(status, "failed")
        assert.match(found ?? "", /EACCES/)
        assert.match(advice ?? "", /may write to/)
      }
    }), 60_000)
})

layer(Layer.empty, live)("understudy doctor on a server", (it) => {
  it.effect("that is not there, is silent, hangs up, refuses the password or lacks pgvector", () =>
    Effect.gen(function*() {
      const at = (port: number) => examine({ DATABASE_URL: `postgres://postgres:s3cret@127.0.0.1:${port}/postgres` })
      const wrong: ReadonlyArray<readonly [number, RegExp, RegExp]> = [
        [1, /cannot reach PostgreSQL at 127\.0\.0\.1:1 .*ECONNREFUSED/, /check that it runs/],
        [yield* silentServer, /cannot reach/, /check that it runs/],
        [yield* rudeServer, /cannot reach/, /check that it runs/],
        [yield* refusingServer, /refuses us: password authentication failed/, /password/],
        [yield* serverWithoutPgvector, /lacks the extension/, /pgvector\/pgvector:pg17/]
      ]
      yield* Effect.forEach(
        wrong,
        ([port, found, advice]) =>
          Effect.map(at(port), (examined) => finds(examined, "database", "failed", found, advice)),
        { concurrency: "unbounded" }
      )
      const garbled = yield* examine({ DATABASE_URL: "postgres://app:s3cret/@127.0.0.1/app" })
      finds(garbled, "database", "failed", /DATABASE_URL is not usable/, /percent-encode/)
    }))

  it.effect("asks at the connection for nothing that the service does not ask for, and then may change nothing", () =>
    Effect.gen(function*() {
      const { heard, port } = yield* listeningServer
      const DATABASE_URL = `postgres://postgres@127.0.0.1:${port}/postgres`
      yield* examine({ DATABASE_URL })
      yield* Effect.exit(Effect.scoped(Layer.build(layerServer(DATABASE_URL))))
      const [doctors = "", services = ""] = heard()
      // After its length and the version of the protocol: names and values by turns.
      const namesIn = (heard: string) =>
        heard.slice(8, heard.indexOf("\0\0", 8)).split("\0").filter((_, index) => index % 2 === 0)
      const asked = namesIn(services)
      assert.includeMembers([...asked], ["user", "timezone", "jit"])
      // The service asks for this one once the tables are up to date, which these never are.
      assert.deepStrictEqual(
        namesIn(doctors).filter((name) => !asked.includes(name)),
        ["statement_timeout"]
      )
      const [, ...statements] = doctors.split(/(?=BEGIN|SET TRANSACTION READ ONLY|SELECT)/)
      assert.match(statements[0] ?? "", /^BEGIN/)
      assert.match(statements[1] ?? "", /^SET TRANSACTION READ ONLY/)
    }))
})

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(Layer.empty, live)("understudy doctor on a server", (it) => {
    it.effect("tells tables that are to come, are there and are newer, and makes none", () =>
      Effect.gen(function*() {
        const database = yield* freshDatabase
        const DATABASE_URL = urlOf(database)
        const tables = withServer(
          (sql) => sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_class WHERE relname LIKE 'understudy%'`,
          DATABASE_URL
        )
        const fresh = yield* examine({ DATABASE_URL })
        finds(fresh, "database", "ok", /^PostgreSQL \d+\.\d+.* a round trip takes/)
        finds(fresh, "database", "ok", /pgvector [\d.]+ is there/)
        finds(fresh, "database", "ok", /none yet/)
        finds(fresh, "database", "ok", /connections are taken; an instance takes up to 10/)
        assert.deepStrictEqual(yield* tables, [{ n: 0 }])

        yield* Effect.scoped(Layer.build(layerServer(DATABASE_URL)))
        const current = yield* examine({ DATABASE_URL })
        finds(current, "database", "ok", /tables are up to date/)
        finds(current, "database", "ok", /^pgvector [\d.]+$/)

        yield* withServer((sql) => sql`DELETE FROM understudy_migrations WHERE migration_id > 6`, DATABASE_URL)
        finds(yield* examine({ DATABASE_URL }), "database", "ok", /steps? will be applied/)
        yield* withServer(
          (sql) => sql`INSERT INTO understudy_migrations (migration_id, name) VALUES (999, 'future')`,
          DATABASE_URL
        )
        finds(yield* examine({ DATABASE_URL }), "database", "warning", /newer \(step 999\)/, /older versions/)
      }))

    it.effect("says what the user lacks", () =>
      Effect.gen(function*() {
        const database = yield* freshDatabase
        const name = `understudy_doctor_${randomBytes(6).toString("hex")}`
        yield* Effect.acquireRelease(
          withServer((sql) => sql`CREATE ROLE ${sql(name)} LOGIN BYPASSRLS PASSWORD 's3cret'`),
          () =>
            Effect.orDie(Effect.andThen(
              withServer((sql) => sql`DROP OWNED BY ${sql(name)}`, urlOf(database)),
              withServer((sql) => sql`DROP ROLE ${sql(name)}`)
            ))
        )
        const DATABASE_URL = urlOf(database, { name, password: "s3cret" })
        const poor = yield* examine({ DATABASE_URL })
        finds(poor, "database", "failed", /may not switch it on/, /CREATE EXTENSION vector/)
        finds(
          poor,
          "database",
          "failed",
          /may not create any in the schema public/,
          /GRANT USAGE, CREATE ON SCHEMA public/
        )
        finds(poor, "database", "warning", /has BYPASSRLS/, /NOBYPASSRLS/)

        yield* Effect.scoped(Layer.build(layerServer(urlOf(database))))
        finds(yield* examine({ DATABASE_URL }), "database", "failed", /belong to another user/, /OWNER TO/)
      }))
  })
})
