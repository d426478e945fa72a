import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Result, Stream } from "effect"
import { CircuitOpen } from "../../src/domain/errors.ts"
import { Duration } from "effect"
import { defaultNamespace, GenerationId, type LiveGeneration } from "../../src/domain/Generation.ts"
import { CallbackSender } from "../../src/services/CallbackSender.ts"
import { Generator } from "../../src/services/Generator.ts"
import { Jobs } from "../../src/services/Jobs.ts"
import { JobBook } from "../../src/services/jobs/JobBook.ts"
import { JobQueues } from "../../src/services/jobs/JobQueues.ts"
import * as JobWorkers from "../../src/services/jobs/JobWorkers.ts"
import { layerEmbedded } from "../support/databases.ts"

const live: LiveGeneration = {
  source: "live",
  id: GenerationId.make("gen_1"),
  text: "t",
  attempts: 1,
  provider: "p",
  model: "m",
  usage: undefined,
  isRemembered: false,
  finishReason: "stop"
}
let calls = 0
const generator = Layer.succeed(Generator, {
  live: () => Effect.succeed(live),
  generate: () => Effect.succeed(live),
  stream: () => Effect.die("no"),
  background: () =>
    Effect.sync(() => ++calls === 1
      ? { attempts: 0, result: Result.fail(new CircuitOpen({ key: "p", retryAfter: Duration.seconds(1) })) }
      : { attempts: 1, result: Result.succeed(live) }),
  fallback: () => Effect.die("no"),
  lastErrors: Effect.succeed([])
})
const sender = Layer.succeed(CallbackSender, {
  refusalOf: () => undefined,
  send: (m) => Effect.log("sent", m)
})

const jobs = JobWorkers.layer({ bodyOf: (j) => JSON.stringify(j) }).pipe(
  Layer.provide([generator, sender]),
  Layer.provideMerge(Jobs.layerPostgres()),
  Layer.provide(JobBook.layerPostgres()),
  Layer.provide(JobQueues.layerPostgres()),
  Layer.provideMerge(layerEmbedded("memory:"))
)

layer(jobs, { excludeTestServices: true, timeout: "60 seconds" })("jobs", (it) => {
  it.effect("smoke", () =>
    Effect.gen(function*() {
      const jobs = yield* Jobs
      const job = yield* jobs.submit({
        form: "generate",
        callbackUrl: "https://example.com/x",
        request: { namespace: defaultNamespace, prompt: "p", maxTokens: 10, remember: true }
      })
      console.log(job)
      const all = yield* Stream.runCollect(jobs.watch(defaultNamespace, job.id))
      console.log(JSON.stringify(all, null, 1))
      yield* Effect.sleep("300 millis")
      console.log(JSON.stringify(yield* jobs.list(defaultNamespace, { limit: 10 })))
      console.log(Option.isSome(yield* jobs.cancel(defaultNamespace, job.id)))
      assert.strictEqual(calls, 2)
    }), 30_000)
})
