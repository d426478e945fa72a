/** A job's parts as texts, to be read again by another process or release. Pure. */
import { Schema } from "effect"
import {
  AiMalformed,
  AiRateLimited,
  AiTimeout,
  AiUnauthorized,
  AiUnavailable,
  CircuitOpen,
  DeadlineExceeded,
  LimitExceeded,
  type Recoverable
} from "../errors.ts"
import { FallbackReason, type GenerationRequest, Namespace } from "../Generation.ts"
import { type AnswerCodec, AnyGeneration, codecOf } from "../RecordedAnswer.ts"
import type { JobOutcome } from "./Job.ts"

const text = Schema.optional(Schema.String)

const Request = Schema.Struct({
  namespace: Namespace,
  prompt: Schema.String,
  maxTokens: Schema.Finite,
  model: text,
  contentType: text,
  locale: text,
  context: text,
  isExactOnly: Schema.optional(Schema.Boolean),
  chat: Schema.optional(Schema.Struct({
    body: Schema.Record(Schema.String, Schema.Json),
    transcript: Schema.String,
    isTextOnly: Schema.Boolean
  })),
  maxAgeMillis: Schema.optional(Schema.Finite),
  remember: Schema.Boolean
})

const Outcome = Schema.Union([
  Schema.TaggedStruct("Answered", { generation: AnyGeneration }),
  Schema.TaggedStruct("Refused", { provider: Schema.String, status: Schema.Finite, message: Schema.String }),
  Schema.TaggedStruct("Unanswered", { reason: FallbackReason })
])

const Failure = Schema.Union([
  AiTimeout,
  AiRateLimited,
  AiUnavailable,
  AiMalformed,
  AiUnauthorized,
  CircuitOpen,
  LimitExceeded,
  DeadlineExceeded
])

export const requestCodec: AnswerCodec<GenerationRequest> = codecOf(Request)
export const outcomeCodec: AnswerCodec<JobOutcome> = codecOf(Outcome)
/** Why a job could not go live: what its fallback will say, if it comes to that. */
export const failureCodec: AnswerCodec<Recoverable> = codecOf(Failure)
