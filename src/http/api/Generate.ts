/** `POST /generate`: the request and the answer. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { FallbackReason } from "../../domain/Generation.ts"
import { Admission } from "./Authorization.ts"
import { describesGenerating, generatingHeaders } from "./Description.ts"
import {
  BodyTooLarge,
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

export class GenerateRequest extends Schema.Class<GenerateRequest>("GenerateRequest")({
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
  locale: name("BCP 47, for example en or de-AT: narrows a fallback, and selects the template")
}) {}

const nullable = <S extends Schema.Constraint>(schema: S, description: string) =>
  Schema.NullOr(schema).annotate({ description })

const FallbackInfo = Schema.Struct({
  reason: FallbackReason.annotate({ description: "Why the answer is not live" }),
  match: nullable(Schema.Literals(["exact", "similar"]), "How a cached answer was found; null for a template"),
  similarity: nullable(Schema.Finite, "1 for an exact match; null for a template"),
  age_seconds: nullable(Schema.Int, "How old a cached answer is; null for a template"),
  template: nullable(Schema.String, "The template's name; null for a cached answer")
})

const source = Schema.Literals(["live", "cache", "template"])
const provider = nullable(Schema.String, "Who answered live; null otherwise")
const attempts = Schema.Int.annotate({ description: "Attempts that reached the provider for this request" })
const fallback = nullable(FallbackInfo, "null for a live answer")

/** Where an answer comes from. */
export const Provenance = Schema.Struct({ source, provider, attempts, fallback })
export type Provenance = typeof Provenance.Type

export const GenerateResponse = Schema.Struct({
  id: Schema.String.annotate({ description: "Names the text: a cached answer keeps the id it was generated under" }),
  text: Schema.String,
  source,
  model: nullable(Schema.String, "As the provider names it; null for a template"),
  provider,
  attempts,
  usage: nullable(
    Schema.Struct({ input_tokens: Schema.Int, output_tokens: Schema.Int }),
    "As the provider counts; of the original generation for a cached answer; null when unknown"
  ),
  fallback
})
export type GenerateResponse = typeof GenerateResponse.Type

export class GenerateApi extends HttpApiGroup.make("generate", { topLevel: true }).add(
  HttpApiEndpoint.post("generate", "/generate", {
    payload: GenerateRequest,
    success: GenerateResponse,
    error: [
      InvalidRequest,
      BodyTooLarge,
      UnsupportedMediaType,
      RequestRefused,
      IdempotencyConflict,
      IdempotencyMismatch,
      InternalError,
      Unavailable
    ]
  }).annotateMerge(describesGenerating({
    summary: "Generate a text",
    description:
      "Answers live when the provider can, else from the cache, else from a template; `source` says which, and so do " +
      "the headers `Understudy-Source`, `Cache-Status` and `Age`. With `Accept: text/event-stream` the answer comes as " +
      "server-sent events.",
    statuses: { 200: "The answer" },
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
        "\"fallback\":null}\n\nevent: delta\ndata: {\"text\":\"Bread\"}\n\nevent: done\ndata: {\"id\":\"gen_1\"," +
        "\"text\":\"Bread\",\"source\":\"live\",\"model\":\"m\",\"provider\":\"p\",\"attempts\":1," +
        "\"usage\":{\"input_tokens\":9,\"output_tokens\":1},\"fallback\":null}\n\n"
    }
  }))
).middleware(Admission) {}
