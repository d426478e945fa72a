import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Layer, Redacted } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { Webhook } from "standardwebhooks"
import { exceptionsOf, noExceptions } from "../../src/domain/callbacks/CallbackExceptions.ts"
import { defaultNamespace, Namespace } from "../../src/domain/Generation.ts"
import { CallbackHttp } from "../../src/services/callbacks/CallbackHttp.ts"
import { CallbackSender } from "../../src/services/CallbackSender.ts"
import { eventually } from "../support/http.ts"
import { answering, type Receiver, receiver, secret, senderWith } from "../support/receivers.ts"

const exceptions = exceptionsOf("127.0.0.1, ::1") ?? noExceptions
const alpha = Namespace.make("alpha")
const older = `whsec_${Buffer.alloc(24, 1).toString("base64")}`
const other = `whsec_${Buffer.alloc(64, 2).toString("base64")}`
const body = JSON.stringify({ type: "job.succeeded", data: { text: "Grüße, 🌍" } })

const withSender = <A, E, R>(
  test: Effect.Effect<A, E, R | CallbackSender>,
  options: Parameters<typeof senderWith>[0] = {}
) => test.pipe(Effect.provide(senderWith({ exceptions, ...options })), Effect.scoped, Effect.timeout("10 seconds"))

const sendTo = ({ port }: Receiver, namespace = defaultNamespace) =>
  Effect.flatMap(
    CallbackSender,
    (sender) => sender.send({ namespace, url: `http://127.0.0.1:${port}/hook?a=1`, id: "msg_1", body })
  )
const sendOnce = Effect.flatMap(
  CallbackSender,
  (sender) => sender.send({ namespace: defaultNamespace, url: "https://hooks.example.com/", id: "msg_1", body })
)
/** With no sockets at all. */
const over = (http: HttpClient.HttpClient) =>
  CallbackSender.layer({ secrets: new Map([[defaultNamespace, [Redacted.make(secret)]]]) }).pipe(
    Layer.provide(Layer.succeed(CallbackHttp, http))
  )
/** No connection is left at it. */
const allGone = ({ open }: Receiver) => eventually(Effect.sync(open), (now) => now === 0, "connections are closed")
const failureOf = (to: Receiver) => Effect.flip(sendTo(to))

describe("a callback", () => {
  it.live("is a signed POST that the reference implementation of Standard Webhooks takes", () =>
    withSender(Effect.gen(function*() {
      const to = yield* receiver(answering(204))
      yield* sendTo(to)
      const [delivery] = to.deliveries
      assert.isDefined(delivery)
      const { headers } = delivery
      assert.deepStrictEqual([delivery.method, delivery.url, delivery.body], ["POST", "/hook?a=1", body])
      assert.deepInclude(headers, {
        "content-type": "application/json",
        "user-agent": "Understudy",
        "webhook-id": "msg_1",
        "content-length": String(Buffer.byteLength(body))
      })
      assert.notProperty(headers, "traceparent")
      assert.deepStrictEqual(new Webhook(secret).verify(delivery.body, headers), JSON.parse(body))

      const verifying = (withSecret: string, text: string, changed: Record<string, string> = {}) => () =>
        new Webhook(withSecret).verify(text, { ...headers, ...changed })
      assert.throws(verifying(other, body), "No matching signature")
      assert.throws(verifying(secret, `${body} `), "No matching signature")
      assert.throws(verifying(secret, body.replace("Grüße", "grüße")), "No matching signature")
      assert.throws(verifying(secret, body, { "webhook-id": "msg_2" }), "No matching signature")
      const seconds = Number(headers["webhook-timestamp"])
      assert.throws(verifying(secret, body, { "webhook-timestamp": String(seconds - 1) }), "No matching signature")
      assert.throws(verifying(secret, body, { "webhook-timestamp": String(seconds - 301) }), "too old")
    })))

  it.live("carries a signature for each of its namespace's secrets, and none of another's", () =>
    withSender(
      Effect.gen(function*() {
        const to = yield* receiver(answering(200))
        yield* sendTo(to, alpha)
        const [delivery] = to.deliveries
        assert.isDefined(delivery)
        for (const known of [secret, older]) new Webhook(known).verify(delivery.body, delivery.headers)
        assert.throws(() => new Webhook(other).verify(delivery.body, delivery.headers))
        assert.strictEqual(delivery.headers["webhook-signature"]?.split(" ").length, 2)
      }),
      {
        secrets: new Map([[alpha, [Redacted.make(secret), Redacted.make(older)]], [
          defaultNamespace,
          [Redacted.make(other)]
        ]])
      }
    ))

  it.live("is not for a namespace without a secret, which says what to configure", () =>
    withSender(Effect.gen(function*() {
      const to = yield* receiver(answering(200))
      const sender = yield* CallbackSender
      const refusal = sender.refusalOf(alpha, "https://hooks.example.com/")
      assert.strictEqual(
        refusal,
        "the namespace \"alpha\" has no secret to sign callbacks with: understudy keys new-webhook-secret prints one "
          + "and how WEBHOOK_SECRETS names it"
      )
      const failure = yield* Effect.flip(sendTo(to, alpha))
      assert.deepStrictEqual([failure.detail, failure.isFinal, to.connections()], [refusal, false, 0])
      assert.isUndefined(sender.refusalOf(defaultNamespace, "https://hooks.example.com/"))
    })))

  it.live("says what it answers, and when it may be tried again", () =>
    withSender(Effect.gen(function*() {
      const outcome = Effect.fnUntraced(function*(status: number, headers: Record<string, string> = {}) {
        const { detail, isFinal, retryAfter } = yield* failureOf(
          yield* receiver(answering(status, headers, "a secret"))
        )
        return [detail, isFinal, retryAfter === undefined ? undefined : Duration.toSeconds(retryAfter)]
      })
      assert.deepStrictEqual(yield* outcome(500, { "retry-after": "5" }), ["it answers 500", false, undefined])
      assert.deepStrictEqual(yield* outcome(429, { "retry-after": "17" }), ["it answers 429", false, 17])
      assert.deepStrictEqual(yield* outcome(503, { "retry-after": "99999999" }), ["it answers 503", false, 3_600])
      assert.deepStrictEqual(yield* outcome(503, { "retry-after": "soon" }), ["it answers 503", false, undefined])
      assert.deepStrictEqual(yield* outcome(410), ["it answers 410: it wants no more callbacks", true, undefined])
    })))

  it.live("says why there is no answer", () =>
    withSender(Effect.gen(function*() {
      const gone = yield* Effect.scoped(receiver(answering(200)))
      assert.strictEqual((yield* failureOf(gone)).detail, "it cannot be reached: connection refused")
      const resets = yield* receiver((_, request) => request.socket.destroy())
      assert.strictEqual((yield* failureOf(resets)).detail, "it closed the connection without an answer")
      const garbled = yield* receiver((_, request) => request.socket.end("220 smtp.example ESMTP\r\n"))
      assert.strictEqual((yield* failureOf(garbled)).detail, "its answer is not HTTP as it should be")
    })))

  it.live("is taken by its status alone: an endless body is neither waited for nor kept", () =>
    withSender(Effect.gen(function*() {
      const endless = yield* receiver((response) => {
        response.writeHead(200)
        const chunk = Buffer.alloc(64 * 1024)
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        }
        response.on("drain", more)
        more()
      })
      const dripping = yield* receiver((response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write("."), 20)
        response.on("close", () => clearInterval(timer))
      })
      yield* Effect.timeout(sendTo(endless), "500 millis")
      yield* Effect.timeout(sendTo(dripping), "2 seconds")
      yield* allGone(endless)
      yield* allGone(dripping)
    })))

  it.live("gives up on a receiver that says nothing, and leaves no connection behind", () =>
    withSender(
      Effect.gen(function*() {
        const silent = yield* receiver(() => {})
        const failure = yield* failureOf(silent)
        assert.deepStrictEqual([failure.detail, failure.isFinal], ["it does not answer within 100ms", false])
        yield* allGone(silent)
      }),
      { timeout: "100 millis" }
    ))

  it.live("waits for no other receiver, however many of its attempts hang", () =>
    withSender(Effect.gen(function*() {
      const silent = yield* receiver(() => {})
      const quick = yield* receiver(answering(200))
      const hanging = yield* Effect.forkChild(
        Effect.all(Array.from({ length: 50 }, () => sendTo(silent)), { concurrency: "unbounded" })
      )
      yield* Effect.sleep("100 millis")
      yield* Effect.timeout(sendTo(quick), "1 second")
      assert.isAtMost(silent.connections(), 8)
      yield* Fiber.interrupt(hanging)
      yield* allGone(silent)
    })))

  it.live("closes its connection after each attempt", () =>
    withSender(Effect.gen(function*() {
      const to = yield* receiver(answering(200, {}, "thanks"))
      yield* sendTo(to)
      yield* sendTo(to)
      yield* allGone(to)
      assert.strictEqual(to.connections(), 2)
    })))

  it.effect("has 15 seconds", () =>
    Effect.gen(function*() {
      const called = yield* Deferred.make<void>()
      const http = HttpClient.make(() => Effect.andThen(Deferred.succeed(called, undefined), Effect.never))
      const sending = yield* Effect.forkChild(Effect.provide(Effect.flip(sendOnce), over(http)))
      yield* Deferred.await(called)
      yield* TestClock.adjust("14 seconds")
      assert.isUndefined(sending.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(sending)).detail, "it does not answer within 15s")
    }))

  it.effect("is signed anew with the time of each attempt", () => {
    const stamps: Array<string | undefined> = []
    const http = HttpClient.make((request) => {
      stamps.push(request.headers["webhook-timestamp"])
      return Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status: 200 })))
    })
    return Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_999)
      yield* sendOnce
      yield* TestClock.adjust("5 seconds")
      yield* sendOnce
      assert.deepStrictEqual(stamps, ["1700000000", "1700000005"])
    }).pipe(Effect.provide(over(http)))
  })
})
