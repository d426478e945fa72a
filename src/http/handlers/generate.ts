/** Translates `POST /generate` between the contract and the ladder. */
import { Effect } from "effect"
import { HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { parseCacheControl } from "../../domain/CacheControl.ts"
import type { AiRejected, GenerationUnavailable } from "../../domain/errors.ts"
import { fallbackReasonOf } from "../../domain/ErrorTable.ts"
import type { Generation } from "../../domain/Generation.ts"
import { formatRetryAfter } from "../../domain/RetryAfter.ts"
import { Generator } from "../../services/Generator.ts"
import { Api } from "../api/Api.ts"
import { CurrentNamespace } from "../api/Authorization.ts"
import { defaultMaxTokens, GenerateRequest, type GenerateResponse } from "../api/Generate.ts"
import { RequestRefused, Unavailable } from "../api/Problems.ts"
import { invalid, jsonBodyOf } from "./body.ts"
import { claimOf, idempotencyProblems, makeIdempotent, replayed } from "./idempotency.ts"

export const GenerateHandlers = HttpApiBuilder.group(
  Api,
  "generate",
  Effect.fnUntraced(function*(handlers) {
    const generator = yield* Generator
    const { answered } = yield* makeIdempotent
    const readBody = yield* jsonBodyOf(GenerateRequest)
    return handlers.handleRaw("generate", ({ request }) =>
      Effect.gen(function*() {
        const { body, text } = yield* readBody(request)
        const control = parseCacheControl(request.headers["cache-control"])
        if (control._tag === "Failure") return yield* invalid("header.cache-control", control.failure)
        const { maxAgeMillis, noStore } = control.success
        const namespace = yield* CurrentNamespace
        const claim = yield* claimOf(request, namespace, text)
        const { answer, isReplay } = yield* answered(
          claim,
          generator.generate({
            namespace,
            prompt: body.prompt,
            maxTokens: body.max_tokens ?? defaultMaxTokens,
            model: body.model ?? undefined,
            contentType: body.content_type ?? undefined,
            locale: body.locale ?? undefined,
            maxAgeMillis,
            remember: !noStore
          })
        )
        const headers = provenance(answer)
        return HttpServerResponse.jsonUnsafe(toResponse(answer), {
          headers: isReplay ? { ...headers, ...replayed } : headers
        })
      }).pipe(Effect.catchTags({
        ...idempotencyProblems,
        AiRejected: refused,
        GenerationUnavailable: unavailable
      })))
  })
)

const refused = (error: AiRejected) =>
  Effect.fail(
    new RequestRefused({ detail: error.message, provider: error.provider, provider_status: error.status })
  )

const unavailable = (error: GenerationUnavailable) => {
  const seconds = formatRetryAfter(error.retryAfter)
  const problem = new Unavailable({
    detail: `No live answer (${fallbackReasonOf(error.cause)}), nothing like it in the cache, and no template`,
    retry_after: Number(seconds)
  })
  return Effect.map(HttpServerRespondable.toResponse(problem), HttpServerResponse.setHeader("retry-after", seconds))
}

const wholeSeconds = (millis: number): number => Math.max(0, Math.floor(millis / 1_000))

const toResponse = (generation: Generation): GenerateResponse => {
  const { attempts, id, source, text } = generation
  switch (generation.source) {
    case "live":
      return {
        id,
        text,
        source,
        model: generation.model,
        provider: generation.provider,
        attempts,
        usage: usageOf(generation.usage),
        fallback: null
      }
    case "cache":
      return {
        id,
        text,
        source,
        model: generation.model,
        provider: null,
        attempts,
        usage: usageOf(generation.usage),
        fallback: {
          reason: generation.reason,
          match: generation.match,
          similarity: Math.round(generation.similarity * 1_000) / 1_000,
          age_seconds: wholeSeconds(generation.ageMillis),
          template: null
        }
      }
    case "template":
      return {
        id,
        text,
        source,
        model: null,
        provider: null,
        attempts,
        usage: null,
        fallback: {
          reason: generation.reason,
          match: null,
          similarity: null,
          age_seconds: null,
          template: generation.template
        }
      }
  }
}

const usageOf = (usage: { readonly inputTokens: number; readonly outputTokens: number } | undefined) =>
  usage === undefined ? null : { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens }

const liveHeaders = { "understudy-source": "live", "cache-status": "understudy; fwd=bypass; stored" }
const liveUnstoredHeaders = { "understudy-source": "live", "cache-status": "understudy; fwd=bypass" }

/** Where the text comes from, for whoever looks at headers only. `Cache-Status` is RFC 9211. */
const provenance = (generation: Generation): Record<string, string> => {
  switch (generation.source) {
    case "live":
      return generation.isRemembered ? liveHeaders : liveUnstoredHeaders
    case "cache":
      return {
        "understudy-source": "cache",
        "cache-status": `understudy; hit; detail=${generation.match}`,
        age: String(wholeSeconds(generation.ageMillis))
      }
    case "template":
      return { "understudy-source": "template", "cache-status": "understudy; fwd=miss; detail=template" }
  }
}
