/** `understudy doctor` on configuration, keys, callbacks and templates, and how it says what it finds. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { randomBytes } from "node:crypto"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freshDirectory } from "../support/databases.ts"
import { examine, examineInProcess, finds, live } from "../support/doctor.ts"
import { FaultServer } from "../support/FaultServer.ts"
import { collector } from "../support/otlp.ts"
import { providerOf } from "../support/service.ts"
import { runCommand, startProcess } from "../support/serviceProcess.ts"

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
