/** Translates `POST /generate` between the contract and the ladder. */
import { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Generator } from "../../services/Generator.ts"
import { Api } from "../api/Api.ts"
import { CurrentNamespace } from "../api/Authorization.ts"
import { defaultMaxTokens, GenerateRequest } from "../api/Generate.ts"
import { toResponse } from "./answers.ts"
import { jsonBodyOf } from "./body.ts"
import { eventStreams } from "./eventStream.ts"
import { generateEvents } from "./generateEvents.ts"
import { provenanceHeaders } from "./provenance.ts"
import { cacheWishes, refusals } from "./wishes.ts"

export const GenerateHandlers = HttpApiBuilder.group(
  Api,
  "generate",
  Effect.fnUntraced(function*(handlers) {
    const generator = yield* Generator
    const respondInEvents = yield* eventStreams
    const readBody = yield* jsonBodyOf(GenerateRequest)
    return handlers.handleRaw("generate", ({ request }) =>
      Effect.gen(function*() {
        const body = yield* readBody(request)
        const { maxAgeMillis, remember } = yield* cacheWishes(request)
        const asked = {
          namespace: yield* CurrentNamespace,
          prompt: body.prompt,
          maxTokens: body.max_tokens ?? defaultMaxTokens,
          model: body.model ?? undefined,
          contentType: body.content_type ?? undefined,
          locale: body.locale ?? undefined,
          maxAgeMillis,
          remember
        }
        if (wantsEvents(request)) {
          const { parts, start } = yield* generator.stream(asked)
          return respondInEvents(parts, generateEvents(start), provenanceHeaders(start))
        }
        const generation = yield* generator.generate(asked)
        return HttpServerResponse.jsonUnsafe(toResponse(generation), { headers: provenanceHeaders(generation) })
      }).pipe(Effect.catchTags(refusals)))
  })
)

const wantsEvents = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  headers["accept"] !== undefined && eventStreamType.test(headers["accept"])

/** Refused where its weight is 0. */
const eventStreamType = /(?:^|,)\s*text\/event-stream\s*(?:;(?!\s*q=0(?:\.0*)?\s*(?:,|$))|,|$)/i
