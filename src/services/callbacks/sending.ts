/** One attempt at one callback: signed, sent, and its answer weighed. */
import { Clock, Duration, Effect, Redacted, Result, Schema, Tracer } from "effect"
import { Mac } from "effect/crypto"
import { HttpBody, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { noExceptions } from "../../domain/callbacks/CallbackExceptions.ts"
import { signatureHeaders, signedBytes, signingKeyOf } from "../../domain/callbacks/CallbackSignature.ts"
import { callbackUrlOf } from "../../domain/callbacks/CallbackUrl.ts"
import { noPublicAddress, refusalOfStatus, wordsOfCode } from "../../domain/callbacks/CallbackVerdict.ts"
import type { Namespace } from "../../domain/Generation.ts"
import { parseRetryAfter } from "../../domain/ladder/RetryAfter.ts"
import type { CallbackSenderOptions } from "../CallbackSender.ts"
import { CallbackHttp, NoPublicAddress } from "./CallbackHttp.ts"
import { CallbackFailed, type CallbackMessage } from "./CallbackMessage.ts"

export const makeSender = Effect.fnUntraced(function*(options: CallbackSenderOptions) {
  const http = yield* CallbackHttp
  const mac = yield* Mac.Mac
  const exceptions = options.exceptions ?? noExceptions
  const timeout = Duration.fromInputUnsafe(options.timeout ?? "15 seconds")
  const keys = new Map<Namespace, ReadonlyArray<Mac.Key>>()
  for (const [namespace, secrets] of options.secrets) {
    keys.set(namespace, yield* Effect.forEach(secrets, keyOf))
  }

  /** The URL to call and the keys to sign with, or why there is no callback to it. */
  const admit = (namespace: Namespace, url: string) => {
    const own = keys.get(namespace) ?? []
    return own.length === 0
      ? Result.fail(noSecret(namespace))
      : Result.map(callbackUrlOf(url, exceptions), (url) => ({ url, keys: own }))
  }

  const send = Effect.fn("CallbackSender.send")(function*({ body, id, namespace, url: text }: CallbackMessage) {
    const admitted = admit(namespace, text)
    // Not final: a restart with the configuration as it was puts it right.
    if (Result.isFailure(admitted)) return yield* failed(admitted.failure)
    const { keys, url } = admitted.success
    const message = { id, body, timestamp: Math.floor((yield* Clock.currentTimeMillis) / 1_000) }
    const bytes = signedBytes(message)
    const tags = yield* Effect.orDie(Effect.forEach(keys, (key) => mac.sign(key, bytes)))
    const request = HttpClientRequest.post(url, {
      headers: { ...signatureHeaders(message, tags), "user-agent": "Understudy" },
      body: HttpBody.text(body, "application/json")
    })
    const response = yield* http.execute(request).pipe(
      // A receiver has no part in our traces.
      Effect.provideService(Tracer.DisablePropagation, true),
      Effect.catch((error) => failed(wordsOf(error))),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => failed(`it does not answer within ${Duration.format(timeout)}`)
      })
    )
    yield* leave(response)
    const refusal = refusalOfStatus(response.status)
    if (refusal === undefined) return
    const retryAfter = refusal.mayAskForTime
      ? parseRetryAfter(response.headers["retry-after"], yield* Clock.currentTimeMillis)
      : undefined
    return yield* new CallbackFailed({
      detail: refusal.detail,
      isFinal: refusal.isFinal,
      ...retryAfter !== undefined && { retryAfter }
    })
  })

  return {
    refusalOf: (namespace: Namespace, url: string) => Result.getOrUndefined(Result.flip(admit(namespace, url))),
    send
  }
})

const keyOf = (secret: Redacted.Redacted): Effect.Effect<Mac.Key> => {
  const bytes = signingKeyOf(Redacted.value(secret))
  return bytes === undefined
    ? Effect.die(new Error("a secret of callbacks must be whsec_ and the base64 of 24 to 64 bytes"))
    : Effect.orDie(Mac.key(Mac.hmacSha256, bytes))
}

const noSecret = (namespace: Namespace) =>
  `the namespace "${namespace}" has no secret to sign callbacks with: understudy keys new-webhook-secret prints one `
  + "and how WEBHOOK_SECRETS names it"

const failed = (detail: string) => Effect.fail(new CallbackFailed({ detail, isFinal: false }))

/** The status says it all. A short body may still come, so that the receiver sees no broken connection. */
const leave = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<unknown> =>
  Effect.timeoutOption(Effect.ignore(response.arrayBuffer), "1 second")

const wordsOf = ({ reason }: HttpClientError.HttpClientError): string => {
  let cause: unknown = "cause" in reason ? reason.cause : undefined
  if (Schema.is(NoPublicAddress)(cause)) return noPublicAddress
  let code: string | undefined
  for (let depth = 0; cause instanceof Error && depth < 5; depth++) {
    if ("code" in cause && typeof cause.code === "string") code ??= cause.code
    // undici's parser does not always name the code that it knows.
    else if (cause.name === "HTTPParserError") code ??= "HPE_"
    cause = cause.cause
  }
  return wordsOfCode(code)
}
