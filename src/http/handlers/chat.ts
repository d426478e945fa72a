/** Translates OpenAI's chat completions between the contract and the ladder. */
import { Clock, Effect } from "effect"
import { HttpServerRespondable } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { maxTokensOf, readChat } from "../../domain/Chat.ts"
import { Providers } from "../../services/Providers.ts"
import { Api } from "../api/Api.ts"
import { CurrentNamespace } from "../api/Authorization.ts"
import { ChatCompletionRequest } from "../api/Chat.ts"
import { answering } from "./answers/answering.ts"
import { chatEvents, completionOf } from "./answers/chatAnswers.ts"
import { cacheWishes, modelWish, ourModel, scopeWishes } from "./answers/wishes.ts"
import { jsonBodyOf } from "./body.ts"

/** Images come inside the body. */
const maxBodyBytes = 20 * 1024 * 1024

export const ChatHandlers = HttpApiBuilder.group(
  Api,
  "chat",
  Effect.fnUntraced(function*(handlers) {
    const answer = yield* answering
    const readBody = yield* jsonBodyOf(ChatCompletionRequest, { maxBytes: maxBodyBytes })
    const { inOrder: [first] } = yield* Providers
    const startedAt = seconds(yield* Clock.currentTimeMillis)

    return handlers
      .handleRaw("completions", ({ request }) =>
        Effect.gen(function*() {
          const { body, text } = yield* readBody(request)
          const { chat, context, prompt } = readChat(withoutOurs(body), body.messages)
          const asked = {
            ...scopeWishes(request),
            ...yield* cacheWishes(request),
            namespace: yield* CurrentNamespace,
            prompt,
            context,
            chat,
            isExactOnly: !chat.isTextOnly,
            maxTokens: maxTokensOf(body),
            model: modelWish(body.model)
          }
          const created = seconds(yield* Clock.currentTimeMillis)
          const includeUsage = body.stream_options?.include_usage === true
          return yield* answer({ request, body, text }, asked, {
            form: "chat",
            inPieces: body.stream === true,
            whole: (generation) => completionOf(generation, created),
            events: (start) => chatEvents(start, { created, includeUsage })
          })
          // In OpenAI's words when they leave: see openAiErrors.ts.
        }).pipe(Effect.catch(HttpServerRespondable.toResponse)))
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

/** What is said to us alone. */
const withoutOurs = (body: ChatCompletionRequest): ChatCompletionRequest => {
  if (body.callback_url === undefined && body.upgrade === undefined) return body
  const { callback_url: _, upgrade: __, ...others } = body
  return others
}

const seconds = (millis: number): number => Math.floor(millis / 1_000)
