/** Problems in OpenAI's words, and streams of events, as they are written. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { HttpServerRespondable, HttpServerResponse } from "effect/http"
import { ChatError } from "../../src/http/api/Answers.ts"
import * as Problems from "../../src/http/api/Problems.ts"
import { event } from "../../src/http/handlers/answers/eventStream.ts"
import { inOpenAiWords } from "../../src/http/handlers/openAiErrors.ts"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(ChatError), { onExcessProperty: "error" })

const textOf = ({ body }: HttpServerResponse.HttpServerResponse): string =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : assert.fail(`a body of ${body._tag}`)

const reworded = Effect.fnUntraced(function*(problem: HttpServerRespondable.Respondable) {
  const response = inOpenAiWords(yield* HttpServerRespondable.toResponse(problem))
  return { status: response.status, headers: response.headers, error: decode(textOf(response)).error }
})

describe("a problem below /v1/", () => {
  it.effect.prop(
    "says the same in OpenAI's words, whatever it says",
    [Schema.String, Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String }))],
    ([detail, errors]) =>
      Effect.gen(function*() {
        const { error, status } = yield* reworded(new Problems.InvalidRequest({ detail, errors }))
        assert.strictEqual(status, 400)
        assert.deepStrictEqual(error, {
          message: detail,
          type: "invalid_request_error",
          param: errors[0] === undefined ? null : errors[0].path.replace(/^body\./, ""),
          code: "invalid_request"
        })
      })
  )

  it.effect("has the code that the docs list, and its status", () =>
    Effect.gen(function*() {
      const cases = [
        [new Problems.Unauthorized({ detail: "a" }), 401, "invalid_api_key", "invalid_request_error"],
        [new Problems.NotFound({ detail: "a" }), 404, "not_found", "invalid_request_error"],
        [new Problems.MethodNotAllowed({ detail: "a" }), 405, "method_not_allowed", "invalid_request_error"],
        [
          new Problems.IdempotencyConflict({ detail: "a", retry_after: 1 }),
          409,
          "idempotency_conflict",
          "invalid_request_error"
        ],
        [new Problems.IdempotencyMismatch({ detail: "a" }), 422, "idempotency_mismatch", "invalid_request_error"],
        [new Problems.BodyTooLarge({ detail: "a" }), 413, "body_too_large", "invalid_request_error"],
        [new Problems.UnsupportedMediaType({ detail: "a" }), 415, "unsupported_media_type", "invalid_request_error"],
        [new Problems.RateLimited({ detail: "a", retry_after: 1 }), 429, "rate_limit_exceeded", "rate_limit_error"],
        [new Problems.InternalError({ detail: "a" }), 500, "internal_error", "server_error"],
        [new Problems.Unavailable({ detail: "a", retry_after: 1 }), 503, "unavailable", "server_error"]
      ] as const
      for (const [problem, expected, code, type] of cases) {
        const { error, headers, status } = yield* reworded(problem)
        assert.deepStrictEqual([status, error.code, error.type], [expected, code, type])
        assert.strictEqual(headers["x-should-retry"], expected === 503 ? "false" : undefined)
      }
    }))

  it.effect.prop(
    "keeps the provider's status where it is one of a refusal",
    [Schema.Int],
    ([provider_status]) =>
      Effect.gen(function*() {
        const { error, status } = yield* reworded(
          new Problems.RequestRefused({ detail: "a", provider: "p", provider_status })
        )
        const isRefusal = provider_status >= 400 && provider_status < 500
        assert.strictEqual(status, isRefusal ? provider_status : 422)
        assert.strictEqual(error.type, status === 429 ? "rate_limit_error" : "invalid_request_error")
      })
  )

  it.prop("leaves everything else as it is", [Schema.Json, Schema.Literals([200, 400, 500])], ([json, status]) => {
    for (const contentType of ["application/json", "text/plain", "application/problem+json"]) {
      const response = HttpServerResponse.text(JSON.stringify({ json }), { status, contentType })
      assert.strictEqual(inOpenAiWords(response), response)
    }
  })
})

describe("an event", () => {
  it.prop("is one event, whatever its data is", [Schema.Json, Schema.String], ([json, text]) => {
    const data = { json, text: `${text}\n\ndata: [DONE]\r\r\u2028` }
    const written = event(data, "delta")
    const [, inner = ""] = /^event: delta\ndata: ([^\r\n]+)\n\n$/.exec(written) ?? []
    assert.deepEqual(JSON.parse(inner), JSON.parse(JSON.stringify(data)))
  })
})
