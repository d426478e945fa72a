/** `POST /v1/chat/completions` and `GET /v1/models`, as OpenAI's clients know them. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, OpenApi } from "effect/http-api"
import { ChatCompletion, ChatError } from "./Answers.ts"
import { type CurrentNamespace, needsKey } from "./Authorization.ts"
import { describesGenerating, generatingHeaders } from "./Description.ts"
import { backgroundFields, JobResponse } from "./Job.ts"

const others = Schema.Record(Schema.String, Schema.Json)

const Message = Schema.StructWithRest(Schema.Struct({ role: Schema.String }), [others])

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** What we have to know of a request. Everything else, known or not, goes to the provider as it is. */
export const ChatCompletionRequest = Schema.StructWithRest(
  Schema.Struct({
    messages: Schema.Array(Message).check(
      Schema.isMinLength(1, { message: "Expected at least one message" })
    ).annotate({
      description: "Text parts stand in for one another; images, audio and files are passed on live"
    }),
    model: optional(Schema.String.check(Schema.isMaxLength(200))).annotate({
      description: "Overrides the configured model; `understudy`, or nothing, is the configured one"
    }),
    stream: optional(Schema.Boolean),
    stream_options: optional(
      Schema.StructWithRest(Schema.Struct({ include_usage: optional(Schema.Boolean) }), [others])
    ),
    ...backgroundFields
  }),
  [others]
).annotate({ identifier: "ChatCompletionRequest" })
export type ChatCompletionRequest = typeof ChatCompletionRequest.Type

const Models = Schema.Struct({
  object: Schema.Literal("list"),
  data: Schema.Array(Schema.Struct({
    id: Schema.String,
    object: Schema.Literal("model"),
    created: Schema.Int,
    owned_by: Schema.String
  }))
})

const chatError = (status: number) => ChatError.annotate({ httpApiStatus: status })

const errors = [400, 404, 409, 413, 415, 422, 500, 503].map(chatError)

/** As `Authorization`, with errors in OpenAI's shape. */
export class ChatAuthorization extends HttpApiMiddleware.Service<ChatAuthorization, {
  provides: CurrentNamespace
}>()("understudy/http/ChatAuthorization", { error: chatError(401) }) {}

/** As `Admission`, with errors in OpenAI's shape. */
export class ChatAdmission extends HttpApiMiddleware.Service<ChatAdmission, {
  provides: CurrentNamespace
}>()("understudy/http/ChatAdmission", { error: [401, 429].map(chatError) }) {}

const requestId = { "x-request-id": { description: "Names the request: your own name for it, or a new one" } }

/** The endpoints for OpenAI's clients. */
export class ChatApi extends HttpApiGroup.make("chat").add(
  HttpApiEndpoint.post("completions", "/v1/chat/completions", {
    payload: ChatCompletionRequest,
    success: [ChatCompletion, JobResponse.annotate({ httpApiStatus: 202 })],
    error: errors
  }).middleware(ChatAdmission).annotateMerge(describesGenerating({
    summary: "OpenAI's chat completions",
    description:
      "For any OpenAI client: change its base URL. Live when the provider can, else from the cache, else from a " +
      "template; `understudy` in the body and the header `Understudy-Source` say which. With `stream: true` the answer " +
      "comes as server-sent events. Requests with tools, images or a response format are passed on live, and only the " +
      "answer to the very same request stands in for them. A refusal has the provider's own status. With " +
      "`Prefer: respond-async` the answer is made in the background, by a job.",
    requestHeaders: {
      ...generatingHeaders,
      "Understudy-Content-Type": {
        description: "As `content_type` of POST /generate: narrows a fallback, and selects the template",
        example: "blog_post"
      },
      "Understudy-Locale": { description: "As `locale` of POST /generate", example: "de-AT" },
      "x-request-id": { description: "Your name for the request: at most 128 letters, digits and `_.:-`" }
    },
    statuses: {
      200: "The answer",
      202: "The answer is made in the background: the job",
      400: "The request is not valid, or the provider refuses it so",
      401: "A valid API key is needed",
      404: "The provider refuses the request so: there is no such model",
      409: "The same request is still under way",
      413: "The body is too large, or the provider finds it so",
      415: "The body must be JSON",
      422: "The provider refuses the request so, or this Idempotency-Key belongs to another request",
      429: "The key asks for more than it may",
      500: "Something went wrong on our side",
      503: "No answer, and nothing to show instead; or the database of a job does not answer"
    },
    everyResponse: requestId,
    unavailable: {
      "x-should-retry": {
        description: "`false`: everything has been tried, and OpenAI's SDK tries no more",
        schema: { type: "string", enum: ["false"] }
      }
    },
    example: {
      model: "understudy",
      messages: [{ role: "user", content: "Write a blog post about sourdough starters" }],
      stream: false
    },
    events: {
      description:
        "With `stream: true`: `chat.completion.chunk`s, the first of them with `understudy`, then `[DONE]`; " +
        "or `error` and no `[DONE]` when the answer broke off",
      example: "data: {\"id\":\"gen_1\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"m\"," +
        "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Bread\"},\"finish_reason\":null}]}\n\ndata: [DONE]\n\n"
    }
  })),
  HttpApiEndpoint.get("models", "/v1/models", { success: Models, error: chatError(500) }).middleware(ChatAuthorization)
    .annotateMerge(OpenApi.annotations({
      summary: "The models that can be asked for",
      description: "The configured model, by its name and as `understudy`. Others are passed on to the provider."
    })).annotateMerge(needsKey)
) {}
