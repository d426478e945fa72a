/** The typed client against the whole service, over sockets. In a browser: clientInBrowser.test.ts */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schema, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import { isJob, JobId, RequestHeaders, UnderstudyClient } from "../../src/http/index.ts"
import { clientEnv, clientKey, down } from "../support/clients.ts"
import { FaultServer, Mode, StreamMode } from "../support/FaultServer.ts"
import { Service } from "../support/service.ts"

const env = { ...clientEnv, API_KEYS: `alpha:${clientKey}`, TEMPLATES_DIR: "none", KEY_CONCURRENCY: "3" }

const clientWith = (apiKey: string) =>
  Layer.unwrap(
    Effect.map(Service, ({ url }) => UnderstudyClient.layer({ baseUrl: url, apiKey: Redacted.make(apiKey) }))
  ).pipe(Layer.provide(FetchHttpClient.layer))

const payload = { prompt: "Write a blog post about sourdough starters" }

layer(Layer.provideMerge(clientWith(clientKey), Service.layer("openai", env)), {
  excludeTestServices: true,
  timeout: "60 seconds"
})("the typed client", (it) => {
  it.effect("decodes an answer, and takes plain objects for what it sends", () =>
    Effect.gen(function*() {
      const client = yield* UnderstudyClient
      const answer = yield* client.generate({ payload: { ...payload, max_tokens: 50 } })
      assert.isFalse(isJob(answer))
      assert.isTrue("source" in answer && answer.source === "live")
      const health = yield* client.ready()
      assert.strictEqual(health.providers.length, 1)
      const [chat, response] = yield* client.chat.completions({
        payload: { messages: [{ role: "user", content: "Hello" }] },
        responseMode: "decoded-and-response"
      })
      assert.strictEqual(chat.object, "chat.completion")
      assert.strictEqual(response.headers["understudy-source"], "live")
    }))

  it.effect("fails with the problems of the contract, by tag, with the time to come back", () =>
    Effect.gen(function*() {
      const client = yield* UnderstudyClient
      const provider = yield* FaultServer
      const tagOf = (prompt: string) => client.generate({ payload: { prompt } }).pipe(Effect.flip)

      const wrong = yield* client.generate({ payload: { ...payload, callback_url: "https://example.com" } }).pipe(
        Effect.catchTag("InvalidRequest", ({ errors }) => Effect.succeed(errors.map(({ path }) => path)))
      )
      assert.deepStrictEqual(wrong, ["body.callback_url"])

      yield* provider.respondWith(Mode.status(422))
      const refused = yield* tagOf("Write something else about engines")
      assert.strictEqual(refused._tag, "RequestRefused")
      assert.strictEqual(refused._tag === "RequestRefused" ? refused.provider_status : 0, 422)

      yield* provider.respondWith(down)
      const gone = yield* tagOf("Explain quantum chromodynamics to a child")
      assert.strictEqual(gone._tag, "Unavailable")
      assert.isAbove(gone._tag === "Unavailable" ? gone.retry_after : 0, 0)
      yield* provider.respondWith(Mode.answer)

      const asStranger = Effect.provide(
        UnderstudyClient.use((stranger) => stranger.generate({ payload })),
        clientWith("wrong-key")
      )
      assert.strictEqual((yield* Effect.flip(asStranger))._tag, "Unauthorized")

      const job = yield* Effect.flip(client.jobs.get({ params: { id: JobId.make("job_of_nobody") } }))
      assert.strictEqual(job._tag, "NotFound")
      const notValid = yield* Effect.flip(client.generate({ payload: { prompt: " " } }))
      assert.isTrue(Schema.isSchemaError(notValid), "what cannot be valid is not sent")
    }))

  it.effect("gets a job where it asks for one, and follows it to its end", () =>
    Effect.gen(function*() {
      const client = yield* UnderstudyClient
      const job = yield* client.generate({ payload }).pipe(
        Effect.provideService(RequestHeaders, { prefer: "respond-async" })
      )
      if (!isJob(job)) return assert.fail("a job was asked for")
      const seen = yield* Stream.runCollect(client.follow(job.id))
      assert.strictEqual(seen.at(-1)?.status, "succeeded")
      assert.isNotNull(seen.at(-1)?.result)
      const [pieces] = yield* client.stream(payload).pipe(
        Stream.provideService(RequestHeaders, { prefer: "respond-async" }),
        Stream.runCollect
      )
      assert.strictEqual(pieces?._tag, "Job")
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(client.follow(JobId.make("none")))))._tag, "NotFound")
    }))

  it.effect("streams an answer, and says so when it breaks off", () =>
    Effect.gen(function*() {
      const client = yield* UnderstudyClient
      const provider = yield* FaultServer
      const parts = yield* Stream.runCollect(client.stream(payload))
      assert.strictEqual(parts[0]?._tag, "Start")
      const text = parts.map((part) => part._tag === "Delta" ? part.text : "").join("")
      const last = parts.at(-1)
      assert.strictEqual(last?._tag === "Done" ? last.answer.text : undefined, text)

      yield* provider.respondWith(StreamMode.endAfter(3))
      const broken = yield* Effect.flip(Stream.runDrain(client.stream({ prompt: "Write about a cut in the line" })))
      assert.strictEqual(broken._tag, "EventsBroken")
      yield* provider.respondWith(down)
      const nothing = yield* Effect.flip(Stream.runDrain(client.stream({ prompt: "Explain gluons to a dentist" })))
      assert.strictEqual(nothing._tag, "Unavailable")
      yield* provider.respondWith(Mode.answer)
    }))

  it.effect("ends the provider's call with its own: of an answer, and in the middle of a stream", () =>
    Effect.gen(function*() {
      const client = yield* UnderstudyClient
      const provider = yield* FaultServer
      const { aborted, received } = provider.counts()
      yield* provider.respondWith(Mode.wait(60_000))
      const waiting = yield* Effect.forkScoped(client.generate({ payload: { prompt: "Write of one who left" } }))
      yield* provider.until((counts) => counts.received === received + 1)
      yield* Fiber.interrupt(waiting)
      yield* provider.until((counts) => counts.aborted === aborted + 1)

      yield* provider.respondWith(StreamMode.slow(100))
      yield* client.stream({ prompt: "Write of one who has read enough of this text" }).pipe(
        Stream.takeUntil((part) => part._tag === "Delta"),
        Stream.runDrain
      )
      yield* provider.until((counts) => counts.aborted === aborted + 2)
      yield* provider.respondWith(Mode.answer)
    }))
})
