/** Translates OpenAI's chat completions between the contract and the ladder. */
import { Clock, Effect } from "effect"
import { HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { maxTokensOf, readChat } from "../../domain/Chat.ts"
import { Generator } from "../../services/Generator.ts"
import { Providers } from "../../services/Providers.ts"
import { Api } from "../api/Api.ts"
import { CurrentNamespace } from "../api/Authorization.ts"
import { ChatCompletionRequest } from "../api/Chat.ts"
import { jsonBodyOf } from "./body.ts"
import { chatEvents, completionOf } from "./chatAnswers.ts"
import { eventStreams } from "./eventStream.ts"
import { provenanceHeaders } from "./provenance.ts"
import { cacheWishes, refusals, scopeWishes } from "./wishes.ts"

/** Images come inside the body. */
const maxBodyBytes = 20 * 1024 * 1024

/** Asks for the configured model, whatever that is. */
const ourModel = "understudy"

export const ChatHandlers = HttpApiBuilder.group(
  Api,
  "chat",
  Effect.fnUntraced(function*(handlers) {
    const generator = yield* Generator
    const respondInEvents = yield* eventStreams
    const readBody = yield* jsonBodyOf(ChatCompletionRequest, { maxBytes: maxBodyBytes })
    const { inOrder: [first] } = yield* Providers
    const startedAt = seconds(yield* Clock.currentTimeMillis)

    return handlers
      .handleRaw("completions", ({ request }) =>
        Effect.gen(function*() {
          const body = yield* readBody(request)
          const { chat, context, prompt } = readChat(body, body.messages)
          const asked = {
            ...scopeWishes(request),
            ...yield* cacheWishes(request),
            namespace: yield* CurrentNamespace,
            prompt,
            context,
            chat,
            isExactOnly: !chat.isTextOnly,
            maxTokens: maxTokensOf(body),
            model: modelIn(body)
          }
          const created = seconds(yield* Clock.currentTimeMillis)
          if (body.stream !== true) {
            const generation = yield* generator.generate(asked)
            return HttpServerResponse.jsonUnsafe(completionOf(generation, created), {
              headers: provenanceHeaders(generation)
            })
          }
          const includeUsage = body.stream_options?.include_usage === true
          const { parts, start } = yield* generator.stream(asked)
          return respondInEvents(parts, chatEvents(start, { created, includeUsage }), provenanceHeaders(start))
        }).pipe(
          Effect.catchTags(refusals),
          // In OpenAI's words when they leave: see openAiErrors.ts.
          Effect.catch(HttpServerRespondable.toResponse)
        ))
      .handle("models", () =>
        Effect.succeed({
          object: "list" as const,
          data: [ourModel, ...first.model === undefined ? [] : [first.model]].map((id) => ({
            id,
            object: "model" as const,
            created: startedAt,
            owned_by: id === ourModel ? ourModel : first.client.provider
          }))
        }))
  })
)

const modelIn = ({ model }: ChatCompletionRequest): string | undefined =>
  typeof model === "string" && model !== "" && model !== ourModel ? model : undefined

const seconds = (millis: number): number => Math.floor(millis / 1_000)
