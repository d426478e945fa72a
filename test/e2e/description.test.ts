/** What the service says of itself, and that nothing sent to it is an error of ours. */
import { assert, layer } from "@effect/vitest"
import { Effect, Predicate, Schema } from "effect"
import { GenerateRequest } from "../../src/http/api/Generate.ts"
import { generationOf, problemOf, send } from "../support/http.ts"
import { Service } from "../support/service.ts"

const decodeJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Unknown))

const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce((inner, key) => (Predicate.isObject(inner) ? inner[key] : undefined), value)

const keysOf = (value: unknown): ReadonlyArray<string> => Predicate.isObject(value) ? Object.keys(value) : []

/** Every `$ref` in a document. */
const references = (value: unknown): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap(references)
  if (!Predicate.isObject(value)) return []
  const own = value["$ref"]
  return [...(typeof own === "string" ? [own] : []), ...Object.values(value).flatMap(references)]
}

const json = { "content-type": "application/json", "cache-control": "no-store" }

const options = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(Service.layer("plain", { BREAKER_FAILURES: "1000000" }), options)("the service", (it) => {
  it.effect("describes its whole contract as OpenAPI 3.1", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const reply = yield* send(`${url}/openapi.json`)
      assert.strictEqual(reply.status, 200)
      assert.match(reply.headers["content-type"] ?? "", /^application\/json/)
      const api = decodeJson(reply.text)
      assert.match(String(at(api, "openapi")), /^3\.1\.\d+$/)
      assert.match(String(at(api, "info", "title")), /\S/)
      assert.match(String(at(api, "info", "version")), /^\d+\.\d+\.\d+/)
      const paths = at(api, "paths")
      assert.sameMembers([...keysOf(paths)], [
        "/generate",
        "/v1/chat/completions",
        "/v1/models",
        "/generations/{id}",
        "/generations/{id}/quarantine",
        "/jobs",
        "/jobs/{id}",
        "/jobs/{id}/callback",
        "/jobs/{id}/events",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/admin/circuits",
        "/admin/circuits/{key}",
        "/admin/namespaces/{namespace}"
      ])

      const ids = new Set<unknown>()
      for (const path of keysOf(paths)) {
        for (const method of keysOf(at(paths, path))) {
          const operation = at(paths, path, method)
          assert.match(method, /^(get|post|delete)$/)
          assert.isFalse(ids.has(at(operation, "operationId")), "operation ids are unique")
          ids.add(at(operation, "operationId"))
          const responses = at(operation, "responses")
          assert.isTrue(keysOf(responses).some((status) => ["200", "202", "204"].includes(status)), path)
          for (const status of keysOf(responses)) {
            assert.isString(at(responses, status, "description"))
            const [media = ""] = keysOf(at(responses, status, "content"))
            const isOpenAi = path.startsWith("/v1/")
            if (Number(status) >= 400) {
              assert.strictEqual(media, isOpenAi ? "application/json" : "application/problem+json", `${path} ${status}`)
              const schema = at(responses, status, "content", media, "schema")
              if (isOpenAi) assert.deepStrictEqual(keysOf(at(schema, "properties")), ["error"])
            }
          }
        }
      }
      assert.includeMembers([...keysOf(at(paths, "/v1/models", "get", "responses"))], ["200", "401", "500"])
      for (const path of ["/generate", "/v1/chat/completions"]) {
        const operation = at(paths, path, "post")
        const statuses = ["200", "202", "400", "401", "409", "413", "415", "422", "429", "500", "503"]
        assert.includeMembers([...keysOf(at(operation, "responses"))], statuses)
        assert.isDefined(at(operation, "requestBody", "content", "application/json", "schema"))
        assert.sameMembers([...keysOf(at(operation, "responses", "200", "content"))], [
          "application/json",
          "text/event-stream"
        ])
        const parameters = at(operation, "parameters")
        const named = Array.isArray(parameters) ? parameters.map((parameter) => String(at(parameter, "name"))) : []
        assert.includeMembers(named, ["Idempotency-Key", "Cache-Control", "Prefer"])
        const headers = (status: string) => [...keysOf(at(operation, "responses", status, "headers"))]
        assert.includeMembers(headers("200"), ["Understudy-Source", "Cache-Status", "Age", "Idempotent-Replayed"])
        assert.includeMembers(headers("202"), [
          "Location",
          "Preference-Applied",
          "Cache-Control",
          "Idempotent-Replayed"
        ])
        assert.includeMembers(headers("401"), ["WWW-Authenticate"])
        for (const status of ["202", "409", "429", "503"]) assert.includeMembers(headers(status), ["Retry-After"])
        assert.includeMembers(headers("429"), ["RateLimit", "RateLimit-Policy"])
      }
      for (const reference of references(api)) {
        assert.match(reference, /^#\//)
        assert.isDefined(at(api, ...reference.slice(2).split("/")), reference)
      }
      assert.isAbove(references(api).length, 0)
    }))

  it.effect("sends what it describes: every header of a response is in its description", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { text } = yield* send(`${url}/openapi.json`)
      const paths = at(decodeJson(text), "paths")
      const plain = ["content-type", "content-length", "date", "connection", "transfer-encoding", "keep-alive"]
      const ofStreams = ["cache-control", "x-accel-buffering"]
      const messages = [{ role: "user", content: "Tea" }]
      const cases: ReadonlyArray<readonly [path: string, body: object, headers: Record<string, string>]> = [
        ["/generate", { prompt: "Tea" }, { "idempotency-key": "a" }],
        ["/generate", { prompt: "Tea" }, { accept: "text/event-stream" }],
        ["/generate", { prompt: " " }, {}],
        ["/v1/chat/completions", { messages }, { "idempotency-key": "b" }],
        ["/v1/chat/completions", { messages, stream: true }, {}],
        ["/v1/chat/completions", { messages: [] }, {}]
      ]
      for (const [path, body, headers] of [...cases, ...cases]) {
        const sending = { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) }
        const reply = yield* send(`${url}${path}`, sending)
        const described = at(paths, path, "post", "responses", String(reply.status))
        const known = keysOf(at(described, "headers")).map((name) => name.toLowerCase())
        assert.includeMembers([...known, ...plain, ...ofStreams], Object.keys(reply.headers), path)
        const [media = ""] = (reply.headers["content-type"] ?? "").split(";")
        assert.include(keysOf(at(described, "content")), media)
      }
    }))

  it.effect("shows its docs as a page that needs no other host", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { headers, status, text } = yield* send(`${url}/docs`)
      assert.strictEqual(status, 200)
      assert.match(headers["content-type"] ?? "", /^text\/html/)
      assert.match(text, /^\s*<!doctype html>/i)
      assert.include(text, "/generate")
      const loaded = text.match(/<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?\/\/[^>]*>/gi)
      assert.isNull(loaded)
      const root = yield* send(`${url}/`)
      assert.deepStrictEqual([root.status, root.headers.location], [302, "/docs"])
    }))

  const answered = Effect.fnUntraced(function*(body: string | Uint8Array, headers: Record<string, string>) {
    const { url } = yield* Service
    const reply = yield* send(`${url}/generate`, { method: "POST", headers, body })
    // No other outcome: a text, or a problem of the client's.
    if (reply.status === 200) generationOf(reply)
    else problemOf(reply, reply.status)
    assert.include([200, 400, 413, 415], reply.status, reply.text)
    return reply.status
  })

  it.effect.prop(
    "answers every request that its schema allows",
    [GenerateRequest],
    ([request]) =>
      // Whether a callback may go there is no matter of the schema.
      Effect.map(
        answered(JSON.stringify({ ...request, callback_url: null }), json),
        (status) => assert.strictEqual(status, 200)
      ),
    { arbitrary: { runs: 100 } }
  )

  it.effect.prop(
    "answers any JSON in any field with a text or a problem",
    [Schema.Struct({
      prompt: Schema.Union([Schema.Json, Schema.String]),
      max_tokens: Schema.Json,
      model: Schema.NullOr(Schema.String),
      content_type: Schema.NullOr(Schema.String),
      locale: Schema.NullOr(Schema.String)
    })],
    ([body]) => answered(JSON.stringify(body), json),
    { arbitrary: { runs: 100 } }
  )

  it.effect.prop(
    "answers any JSON with a problem",
    [Schema.Json],
    ([body]) => Effect.map(answered(JSON.stringify(body), json), (status) => assert.strictEqual(status, 400)),
    { arbitrary: { runs: 50 } }
  )

  it.effect.prop(
    "answers any bytes, under any content type, with a problem",
    [Schema.Uint8Array, Schema.Literals(["application/json", "text/plain", "application/json; charset=utf-16"])],
    ([bytes, type]) =>
      Effect.map(answered(bytes, { "content-type": type }), (status) => assert.include([400, 415], status)),
    { arbitrary: { runs: 100 } }
  )

  it.effect.prop(
    "takes any Cache-Control that a header can hold",
    [Schema.String],
    ([text]) => {
      const value = text.replaceAll(/[^\t\x20-\x7e]/g, "")
      return answered("{\"prompt\":\"Tea\"}", {
        ...json,
        "cache-control": `${value}, no-store, stale-if-error=${value}`
      })
    },
    { arbitrary: { runs: 50 } }
  )
})
