/** `POST /generate`: the request and the answer. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { GenerateResponse } from "./Answers.ts"
import { Admission } from "./Authorization.ts"
import { describesGenerating, generatingHeaders } from "./Description.ts"
import { backgroundFields, JobResponse } from "./Job.ts"
import {
  BodyTooLarge,
  DatabaseUnavailable,
  IdempotencyConflict,
  IdempotencyMismatch,
  InternalError,
  InvalidRequest,
  RequestRefused,
  Unavailable,
  UnsupportedMediaType
} from "./Problems.ts"

/** The default of `max_tokens`. */
export const defaultMaxTokens = 200

const name = (description: string) =>
  Schema.optionalKey(Schema.NullOr(
    Schema.String.check(
      Schema.isMinLength(1, { message: "Expected at least one character, or leave it out" }),
      Schema.isMaxLength(200, { message: "Expected at most 200 characters" })
    ).annotate({ description })
  ))

/** The body of `POST /generate`. */
export const GenerateRequest = Schema.Struct({
  prompt: Schema.String.check(
    Schema.isPattern(/\S/u, { message: "Expected a text that is not blank" }),
    Schema.isMaxLength(200_000, { message: "Expected at most 200000 characters" })
  ).annotate({ description: "What to write", examples: ["Write a blog post about sourdough starters"] }),
  max_tokens: Schema.optionalKey(Schema.NullOr(
    Schema.Int.check(
      Schema.isBetween({ minimum: 1, maximum: 1_000_000 }, { message: "Expected a whole number from 1 to 1000000" })
    ).annotate({ description: `The longest answer, in the provider's tokens; ${defaultMaxTokens} when left out` })
  )),
  model: name("Overrides the configured model, and narrows a fallback to answers of the same model family"),
  content_type: name("For example blog_post: narrows a fallback, and selects the template"),
  locale: name("BCP 47, for example en or de-AT: narrows a fallback, and selects the template"),
  ...backgroundFields
}).annotate({ identifier: "GenerateRequest" })
export type GenerateRequest = typeof GenerateRequest.Type

/** The endpoint `POST /generate`. */
export class GenerateApi extends HttpApiGroup.make("generate", { topLevel: true }).add(
  HttpApiEndpoint.post("generate", "/generate", {
    payload: GenerateRequest,
    success: [GenerateResponse, JobResponse.annotate({ httpApiStatus: 202 })],
    error: [
      InvalidRequest,
      BodyTooLarge,
      UnsupportedMediaType,
      RequestRefused,
      IdempotencyConflict,
      IdempotencyMismatch,
      InternalError,
      Unavailable,
      DatabaseUnavailable
    ]
  }).annotateMerge(describesGenerating({
    summary: "Generate a text",
    description:
      "Answers live when the provider can, else from the cache, else from a template; `source` says which, and so do " +
      "the headers `Understudy-Source`, `Cache-Status` and `Age`. With `Accept: text/event-stream` the answer comes as " +
      "server-sent events. With `Prefer: respond-async` it is made in the background, by a job.",
    statuses: {
      200: "The answer",
      202: "The answer is made in the background: the job",
      503: "No answer, and nothing to show instead; or the database of a job does not answer"
    },
    requestHeaders: {
      ...generatingHeaders,
      traceparent: { description: "W3C trace context: the request's spans join that trace" }
    },
    example: { prompt: "Write a blog post about sourdough starters", max_tokens: 500, content_type: "blog_post" },
    events: {
      description: "With `Accept: text/event-stream`: `start`, any number of `delta`, then `done` with the whole " +
        "answer, or `problem` when it broke off",
      example:
        "event: start\ndata: {\"id\":\"gen_1\",\"model\":\"m\",\"source\":\"live\",\"provider\":\"p\",\"attempts\":1," +
        "\"fallback\":null,\"upgrade\":null}\n\nevent: delta\ndata: {\"text\":\"Bread\"}\n\nevent: done\ndata: {\"id\":\"gen_1\"," +
        "\"text\":\"Bread\",\"source\":\"live\",\"model\":\"m\",\"provider\":\"p\",\"attempts\":1," +
        "\"usage\":{\"input_tokens\":9,\"output_tokens\":1},\"fallback\":null,\"upgrade\":null}\n\n"
    }
  }))
).middleware(Admission) {}
