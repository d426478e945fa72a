/**
 * What the Dockerfile and compose.yaml promise, as far as it can be seen without Docker: every step of the image that is
 * ours is done by hand, and the process that it would run is run.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Yaml } from "effect/encoding"
import { execFile, spawn } from "node:child_process"
import { cpSync, existsSync, globSync, readdirSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { variables } from "../../src/layers/AppConfig.ts"
import { freshDirectory } from "../support/databases.ts"
import { eventually } from "../support/http.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const read = (file: string) => readFileSync(join(root, file), "utf8")

/** A line each, those that go on joined, without comments. */
const instructions = read("Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll("\\\n", " ")
  .split("\n")
  .filter((line) => line.trim() !== "")
  .map((line) => ({ name: line.split(/\s/, 1)[0] ?? "", rest: line.replace(/^\S+\s+/, "").replaceAll(/\s+/g, " ") }))
const finalStage = instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"))

const only = (name: string): string => {
  const found = finalStage.filter((instruction) => instruction.name === name)
  assert.lengthOf(found, 1, name)
  return found[0]?.rest ?? ""
}

const Words = Schema.fromJsonString(Schema.Array(Schema.String))
const words = (json: string) => Schema.decodeSync(Words)(json)

const environment: Record<string, string> = Object.fromEntries(
  only("ENV").split(" ").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])
)

const copiedFrom = (stage: typeof instructions) =>
  stage.filter(({ name, rest }) => name === "COPY" && !rest.startsWith("--from"))
    .flatMap(({ rest }) => rest.split(" ").slice(0, -1))

const ignored = read(".dockerignore").split("\n").filter((line) => line !== "" && !line.startsWith("#"))

const PackageJson = Schema.fromJsonString(Schema.Struct({ dependencies: Schema.Record(Schema.String, Schema.String) }))

describe("the image", () => {
  it("is made of files that are there, and of nothing that is private", () => {
    const sources = copiedFrom(instructions)
    assert.isAbove(sources.length, 4)
    for (const source of sources) {
      assert.isTrue(existsSync(join(root, source)), source)
      assert.include(ignored, `!${source}`, "the builder is given it")
    }
    assert.strictEqual(ignored[0], "*", "and nothing else")
    assert.deepStrictEqual(ignored.slice(1).map((line) => line.slice(1)).sort(), [...new Set(sources)].sort())
  })

  it("has every package that the sources import without the development ones", () => {
    const { dependencies } = Schema.decodeSync(PackageJson)(read("package.json"))
    const imported = globSync("src/**/*.ts", { cwd: root }).flatMap((file) =>
      [...read(file).matchAll(/(?:from|import) "((?:@[\w-]+\/)?[\w-]+)[^"]*"/g)].map(([, name = ""]) => name)
    ).filter((name) => name !== "node")
    assert.isAbove(imported.length, 100)
    for (const name of new Set(imported)) assert.property(dependencies, name)
  })

  it("runs as nobody in particular, is sent the signal, and takes commands as arguments", () => {
    assert.match(only("USER"), /^[1-9]\d*:[1-9]\d*$/)
    assert.deepStrictEqual(words(only("ENTRYPOINT")), ["node", "src/main.ts"])
    assert.strictEqual(only("STOPSIGNAL"), "SIGTERM")
    assert.strictEqual(only("VOLUME"), environment["DATA_DIR"])
    assert.strictEqual(only("EXPOSE"), environment["PORT"])
  })

  it("is examined with the folder that the service has", () => {
    const page = read("docs/docker.md").replaceAll("\\\n", "")
    const runs = [...page.matchAll(/^\$ docker run .*? understudy(?: doctor.*)?$/gm)].map(([line]) => line)
    assert.lengthOf(runs.filter((line) => / understudy doctor\b/.test(line)), 1)
    assert.lengthOf(runs, 2)
    for (const line of runs) assert.include(line, ` --volume understudy:${environment["DATA_DIR"]} `)
  })

  it("sets variables that the service knows", () => {
    const known = new Set(["NODE_ENV", ...variables.map(({ name }) => name)])
    for (const name of Object.keys(environment)) assert.isTrue(known.has(name), name)
  })

  it.live(
    "starts from what is copied, is healthy while it runs, and ends with 0 when it is told to",
    () =>
      Effect.gen(function*() {
        const [app, data] = [yield* freshDirectory, yield* freshDirectory]
        for (const source of copiedFrom(finalStage)) cpSync(join(root, source), join(app, source), { recursive: true })
        symlinkSync(join(root, "node_modules"), join(app, "node_modules"))
        const before = readdirSync(app)
        const env = { ...environment, PATH: process.env["PATH"], HOST: "127.0.0.1", PORT: "0", DATA_DIR: data }
        const [, ...args] = words(only("ENTRYPOINT"))
        let output = ""
        const child = yield* Effect.acquireRelease(
          Effect.sync(() => spawn(process.execPath, args, { cwd: app, env, stdio: ["ignore", "pipe", "pipe"] })),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
        child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")))
        child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")))
        const ended = Effect.callback<number | null>((resume) => {
          if (child.exitCode !== null) return resume(Effect.succeed(child.exitCode))
          child.once("exit", (code) => resume(Effect.succeed(code)))
        })
        const PORT = yield* eventually(
          Effect.sync(() => /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1] ?? ""),
          (port) => port !== "",
          "it listens",
          "60 seconds"
        )
        const health = words(only("HEALTHCHECK").replace(/^.*? CMD /, ""))
        assert.strictEqual(health[0], "node")
        const healthy = Effect.callback<boolean>((resume) => {
          execFile(
            process.execPath,
            health.slice(1),
            { env: { PORT } },
            (error) => resume(Effect.succeed(error === null))
          )
        })
        assert.isTrue(yield* healthy)
        child.kill("SIGTERM")
        assert.strictEqual(yield* ended, 0)
        assert.isFalse(yield* healthy)
        assert.deepStrictEqual(readdirSync(app), before, "a read-only file system would have done")
      }),
    120_000
  )
})

const Service = Schema.Struct({
  image: Schema.String,
  build: Schema.optionalKey(Schema.String),
  restart: Schema.Literal("unless-stopped"),
  mem_limit: Schema.String,
  shm_size: Schema.optionalKey(Schema.String),
  stop_grace_period: Schema.optionalKey(Schema.String),
  read_only: Schema.optionalKey(Schema.Boolean),
  tmpfs: Schema.optionalKey(Schema.Array(Schema.String)),
  cap_drop: Schema.optionalKey(Schema.Array(Schema.String)),
  security_opt: Schema.optionalKey(Schema.Array(Schema.String)),
  env_file: Schema.optionalKey(Schema.Array(Schema.Struct({ path: Schema.String, required: Schema.Boolean }))),
  environment: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  depends_on: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ condition: Schema.String }))),
  ports: Schema.optionalKey(Schema.Array(Schema.String)),
  profiles: Schema.optionalKey(Schema.Array(Schema.String)),
  command: Schema.optionalKey(Schema.Array(Schema.String)),
  volumes: Schema.optionalKey(Schema.Array(Schema.String)),
  healthcheck: Schema.optionalKey(Schema.Union([
    Schema.Struct({ disable: Schema.Literal(true) }),
    Schema.Struct({
      test: Schema.Array(Schema.String),
      interval: Schema.String,
      timeout: Schema.String,
      retries: Schema.Int,
      start_period: Schema.String
    })
  ]))
})

const Compose = Schema.Struct({
  name: Schema.String,
  "x-understudy": Schema.Unknown,
  services: Schema.Struct({ understudy: Service, worker: Service, database: Service, jaeger: Service }),
  volumes: Schema.Record(Schema.String, Schema.Null)
})

describe("compose.yaml", () => {
  const { services, volumes } = Schema.decodeUnknownSync(Compose, { onExcessProperty: "error" })(
    Yaml.parse(read("compose.yaml"))
  )

  it("starts the service once its database is healthy, and the worker with the very same settings", () => {
    const { ports, ...service } = services.understudy
    const { command, healthcheck, profiles, ...worker } = services.worker
    assert.deepStrictEqual(worker, service)
    assert.deepStrictEqual([command, healthcheck, profiles], [["work"], { disable: true }, ["worker"]])
    assert.deepStrictEqual(service.depends_on, { database: { condition: "service_healthy" } })
    assert.isDefined(services.database.healthcheck)
    const [volume = ""] = services.database.volumes?.[0]?.split(":") ?? []
    assert.deepStrictEqual(Object.keys(volumes), [volume])
    assert.isDefined(ports)
  })

  it("lets nobody in from other machines", () => {
    for (const { ports = [] } of Object.values(services)) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/)
    }
    assert.isUndefined(services.database.ports)
  })

  it("gives the service no more than it needs", () => {
    const { cap_drop, read_only, security_opt, tmpfs } = services.understudy
    assert.deepStrictEqual(
      { cap_drop, read_only, security_opt, tmpfs },
      { cap_drop: ["ALL"], read_only: true, security_opt: ["no-new-privileges:true"], tmpfs: ["/tmp"] }
    )
  })

  it("waits longer than the service may take to stop", () => {
    const total = variables.find(({ name }) => name === "TOTAL_TIMEOUT")?.default
    assert.deepStrictEqual([total, services.understudy.stop_grace_period], ["60 seconds", "70s"])
  })

  it("sets variables that the service knows, with one password that has to be chosen", () => {
    const known = new Set(variables.map(({ name }) => name))
    const { environment: env = {} } = services.understudy
    for (const name of Object.keys(env)) assert.isTrue(known.has(name), name)
    const passwords = [...read("compose.yaml").matchAll(/\$\{POSTGRES_PASSWORD[^}]*\}/g)].map(([text]) => text)
    assert.lengthOf(passwords, 2)
    assert.match(passwords[0] ?? "", /^\$\{POSTGRES_PASSWORD:\?set it in \.env/)
    assert.strictEqual(passwords[0], passwords[1])
    assert.deepInclude(env, { HOST: environment["HOST"], PORT: environment["PORT"] })
  })
})
