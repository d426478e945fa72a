/** Translates `POST /generate` between the contract and the ladder. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { CurrentNamespace } from "../api/Authorization.ts"
import { defaultMaxTokens, GenerateRequest } from "../api/Generate.ts"
import { answering } from "./answers/answering.ts"
import { toResponse } from "./answers/generateAnswers.ts"
import { generateEvents } from "./answers/generateEvents.ts"
import { cacheWishes, modelWish, wantsEvents } from "./answers/wishes.ts"
import { jsonBodyOf } from "./body.ts"

export const GenerateHandlers = HttpApiBuilder.group(
  Api,
  "generate",
  Effect.fnUntraced(function*(handlers) {
    const answer = yield* answering
    const readBody = yield* jsonBodyOf(GenerateRequest)
    return handlers.handleRaw("generate", ({ request }) =>
      Effect.gen(function*() {
        const { body, text } = yield* readBody(request)
        const { maxAgeMillis, remember } = yield* cacheWishes(request)
        const asked = {
          namespace: yield* CurrentNamespace,
          prompt: body.prompt,
          maxTokens: body.max_tokens ?? defaultMaxTokens,
          model: modelWish(body.model),
          contentType: body.content_type ?? undefined,
          locale: body.locale ?? undefined,
          maxAgeMillis,
          remember
        }
        return yield* answer({ request, body, text }, asked, {
          form: "generate",
          inPieces: wantsEvents(request),
          whole: toResponse,
          events: generateEvents
        })
      }))
  })
)
