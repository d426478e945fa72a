/** What an answer looks like, in the words of either endpoint that generates. */
import { Schema } from "effect"
import { FallbackReason } from "../../domain/Generation.ts"
import { JobId } from "../../domain/jobs/JobId.ts"

const others = Schema.Record(Schema.String, Schema.Json)

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

/** Paths and not URLs: we do not know under which name we are reached. */
const upgrade = nullable(
  Schema.Struct({ job: JobId, location: Schema.String }),
  "The job that fetches the live answer meanwhile; null for a live answer, and where none was asked for"
)

/** Where an answer comes from. */
export const Provenance = Schema.Struct({ source, provider, attempts, fallback, upgrade })
export type Provenance = typeof Provenance.Type

/** 200 of `POST /generate`. */
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
  fallback,
  upgrade
})
export type GenerateResponse = typeof GenerateResponse.Type

/** 200 of `POST /v1/chat/completions`: what the provider said, and where it comes from. */
export const ChatCompletion = Schema.StructWithRest(
  Schema.Struct({
    id: Schema.String.annotate({ description: "Names the answer, as in /generations/{id}/quarantine" }),
    object: Schema.Literal("chat.completion"),
    created: Schema.Int.annotate({ description: "Seconds since the epoch" }),
    model: Schema.String.annotate({ description: "As the provider names it; `understudy` for a template" }),
    choices: Schema.Array(Schema.Json),
    understudy: Provenance
  }),
  [others]
).annotate({ identifier: "ChatCompletion" })

/** OpenAI's error shape. */
export const ChatError = Schema.Struct({
  error: Schema.Struct({
    message: Schema.String,
    type: Schema.String,
    param: Schema.NullOr(Schema.String),
    code: Schema.NullOr(Schema.String)
  })
})
export type ChatError = typeof ChatError.Type
