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
          assert.isTrue(keysOf(responses).some((status) => status === "200" || status === "204"), path)
          for (const status of keysOf(responses)) {
            assert.isString(at(responses, status, "description"))
            const [media = ""] = keysOf(at(responses, status, "content"))
            if (Number(status) >= 400) assert.strictEqual(media, "application/problem+json", `${path} ${status}`)
          }
        }
      }
      const generate = at(paths, "/generate", "post")
      assert.includeMembers([...keysOf(at(generate, "responses"))], [
        "200",
        "400",
        "401",
        "413",
        "415",
        "422",
        "429",
        "500",
        "503"
      ])
      assert.isDefined(at(generate, "requestBody", "content", "application/json", "schema"))
      for (const reference of references(api)) {
        assert.match(reference, /^#\//)
        assert.isDefined(at(api, ...reference.slice(2).split("/")), reference)
      }
      assert.isAbove(references(api).length, 0)
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
  const json = { "content-type": "application/json", "cache-control": "no-store" }

  it.effect.prop(
    "answers every request that its schema allows",
    [GenerateRequest],
    ([request]) => Effect.map(answered(JSON.stringify(request), json), (status) => assert.strictEqual(status, 200)),
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
