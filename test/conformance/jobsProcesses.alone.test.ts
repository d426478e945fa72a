/** Three processes on one PostgreSQL server, while workers are killed and the server is restarted. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Schedule, Schema, Scope } from "effect"
import { execFile } from "node:child_process"
import { Agent } from "node:http"
import { promisify } from "node:util"
import { JobResponse } from "../../src/http/api/Job.ts"
import { callbackReceiver, countingProvider } from "../support/countingProvider.ts"
import { eventually, send } from "../support/http.ts"
import type { Environment } from "../support/service.ts"
import { spawnCommand, startProcess } from "../support/serviceProcess.ts"

/** As in `shared.test.ts`: the server of TEST_DATABASE_URL is not ours to stop. */
const control = process.env["TEST_POSTGRES_CONTROL"] ?? ""

const jobCount = 2_000
/** One in so many is told of. */
const callbackEvery = 10

const decodeJob = Schema.decodeUnknownSync(Schema.fromJsonString(JobResponse))
const decodePage = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ jobs: Schema.Array(Schema.Struct({ id: Schema.String })) }))
)
const decodeMessage = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ data: Schema.Struct({ result: Schema.Json }) }))
)
const secret = `whsec_${Buffer.from("a secret of thirty-two bytes, yes").toString("base64")}`

describe.skipIf(control === "")("jobs, with TEST_POSTGRES_CONTROL", () => {
  it.live(
    "2,000 jobs end exactly once each while workers are killed every second and the database is restarted",
    () =>
      Effect.gen(function*() {
        const port = "5462"
        const command = (name: string, ...more: ReadonlyArray<string>) =>
          Effect.promise(() => promisify(execFile)(`${control}/${name}`, [port, ...more]))
        const { stdout } = yield* Effect.acquireRelease(command("start"), () => command("stop", "--purge"))
        const provider = yield* countingProvider(100)
        const receiver = yield* callbackReceiver
        const env: Environment = {
          DATABASE_URL: stdout.trim(),
          AI_PROTOCOL: "plain",
          AI_BASE_URL: provider.url,
          LIMIT_CONCURRENCY: "32",
          WEBHOOK_ALLOW: "127.0.0.0/8",
          WEBHOOK_SECRETS: `default:${secret}`,
          JOB_WORKERS: "16"
        }
        const agent = yield* Effect.acquireRelease(
          Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 16 })),
          (agent) => Effect.sync(() => agent.destroy())
        )
        const { url } = yield* startProcess({ ...env, JOB_WORKERS: "2" })

        /** Whatever a client does that has got no answer, or none that it can use: it sends the same again. */
        const insist = (name: string, request: Parameters<typeof send>[1], status: number) =>
          send(`${url}${name}`, { agent, ...request }).pipe(
            Effect.filterOrFail((reply) => reply.status === status),
            Effect.retry({ times: 300, schedule: Schedule.spaced("100 millis") }),
            Effect.map(({ text }) => text),
            Effect.orDie
          )
        const read = (id: string) => Effect.map(insist(`/jobs/${id}`, {}, 200), (text) => decodeJob(text))
        const submit = (n: number) =>
          Effect.map(
            insist("/generate", {
              method: "POST",
              headers: {
                "content-type": "application/json",
                prefer: "respond-async",
                "idempotency-key": `"job-${n}"`
              },
              body: JSON.stringify({
                prompt: `prompt ${n}`,
                ...n % callbackEvery === 0 && { callback_url: `${receiver.url}/${n}` }
              })
            }, 202),
            (text) => decodeJob(text)
          )

        let kills = 0
        /** Two workers; every second one that has begun to work is killed, and a new one takes its place. */
        const slaughter = Effect.gen(function*() {
          const scope = yield* Effect.scope
          const spawnWorker = Effect.gen(function*() {
            const own = yield* Scope.fork(scope)
            const worker = yield* Scope.provide(spawnCommand(["work"], env), own)
            return { ...worker, own }
          })
          const workers = [yield* spawnWorker, yield* spawnWorker]
          while (true) {
            yield* Effect.sleep("1 second")
            const n = workers.findIndex(({ output }) => output().includes("works on jobs"))
            const [victim] = n < 0 ? [] : workers.splice(n, 1)
            if (victim === undefined) continue
            kills += 1
            // With SIGKILL, as the scope of a process ends it.
            yield* Scope.close(victim.own, Exit.void)
            workers.push(yield* spawnWorker)
          }
        })

        const killing = yield* Effect.forkScoped(slaughter)
        const submitted = yield* Effect.forEach(Array.from({ length: jobCount }, (_, n) => n), submit, {
          concurrency: 16
        })
        assert.strictEqual(new Set(submitted.map(({ id }) => id)).size, jobCount)

        /** Those that have not ended, at most a page of each kind. */
        const open = Effect.forEach(["queued", "running", "waiting"], (status) =>
          insist(`/jobs?status=${status}&limit=100`, {}, 200).pipe(
            Effect.map((text) =>
              decodePage(text).jobs.length
            )
          ))
        const begin = yield* Clock.currentTimeMillis
        let restarted = false
        for (let left = [1]; left.some((count) => count > 0); left = yield* open) {
          if (!restarted && (left[0] ?? 0) > 50) {
            restarted = true
            yield* command("stop")
            yield* Effect.sleep("1 second")
            yield* command("start")
          }
          yield* Effect.sleep("500 millis")
          assert.isBelow((yield* Clock.currentTimeMillis) - begin, 240_000, `${left} jobs have not ended`)
        }
        yield* Fiber.interrupt(killing)
        assert.isTrue(restarted)
        assert.isAbove(kills, 5)

        const seen = (job: typeof JobResponse.Type) => JSON.stringify([job.status, job.result, job.error])
        const first = yield* Effect.forEach(submitted, ({ id }) => Effect.map(read(id), seen), { concurrency: 16 })
        // Whatever a late worker might still have written, a lease and more later.
        yield* Effect.sleep("12 seconds")
        const texts = new Set<string>()
        yield* Effect.forEach(submitted, ({ id }, n) =>
          Effect.map(read(id), (job) => {
            assert.strictEqual(job.status, "succeeded", JSON.stringify(job))
            assert.strictEqual(seen(job), first[n])
            const text = /"text":"(answer \d+ to prompt (\d+))"/.exec(JSON.stringify(job.result))
            assert.strictEqual(text?.[2], String(n))
            texts.add(text?.[1] ?? "")
          }), { concurrency: 16, discard: true })
        assert.strictEqual(texts.size, jobCount)
        assert.isAtLeast(provider.seen.calls, jobCount)

        // Told at least once each, and always of the same end.
        yield* eventually(
          Effect.sync(() => receiver.messages.size),
          (count) => count === jobCount / callbackEvery,
          "everybody is told",
          "60 seconds"
        )
        for (const bodies of receiver.messages.values()) {
          assert.strictEqual(new Set(bodies.map((body) => JSON.stringify(decodeMessage(body).data.result))).size, 1)
        }
      }).pipe(Effect.scoped),
    420_000
  )
})
