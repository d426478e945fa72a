/** Answers as texts, to be given again as they were. Pure. */
import { Option, Schema } from "effect"
import {
  FallbackReason,
  type Generation,
  GenerationId,
  type StreamDelta,
  type StreamPart,
  type StreamStart
} from "./Generation.ts"
import { maxAnswerLength } from "./Idempotency.ts"
import { JobId } from "./jobs/JobId.ts"

const Frame = Schema.Record(Schema.String, Schema.Json)
const usage = Schema.UndefinedOr(Schema.Struct({ inputTokens: Schema.Finite, outputTokens: Schema.Finite }))
const answer = { id: GenerationId, text: Schema.String, attempts: Schema.Finite }

/** Of a fallback. */
const upgrade = Schema.optional(JobId)

const Cached = Schema.Struct({
  ...answer,
  upgrade,
  source: Schema.Literal("cache"),
  model: Schema.String,
  usage,
  reason: FallbackReason,
  match: Schema.Literals(["exact", "similar"]),
  similarity: Schema.Finite,
  ageMillis: Schema.Finite
})

const FromTemplate = Schema.Struct({
  ...answer,
  upgrade,
  source: Schema.Literal("template"),
  template: Schema.String,
  reason: FallbackReason
})

const Live = Schema.Struct({
  ...answer,
  source: Schema.Literal("live"),
  provider: Schema.String,
  model: Schema.String,
  usage,
  isRemembered: Schema.Boolean,
  finishReason: Schema.String,
  native: Schema.optional(Schema.Struct({ completion: Schema.optional(Frame), usage: Schema.optional(Frame) }))
})

const LiveStart = Schema.Struct({
  source: Schema.Literal("live"),
  id: GenerationId,
  attempts: Schema.Finite,
  provider: Schema.String,
  model: Schema.String,
  frame: Schema.optional(Frame)
})

export const AnyGeneration = Schema.Union([Live, Cached, FromTemplate])

const Recorded = Schema.Struct({
  start: Schema.Union([Cached, FromTemplate, LiveStart]),
  parts: Schema.Array(Schema.Union([
    Schema.TaggedStruct("Delta", { text: Schema.String, chunk: Schema.optional(Frame) }),
    Schema.TaggedStruct("End", { generation: AnyGeneration })
  ]))
})

/** A stream that has ended: adjacent texts are one, and the provider's own chunks are kept each. */
export interface RecordedStream {
  readonly start: StreamStart
  readonly parts: ReadonlyArray<StreamPart>
}

/** How one kind of answer becomes a text and comes back; none: it does not. */
export interface AnswerCodec<A> {
  readonly encode: (answer: A) => Option.Option<string>
  readonly decode: (text: string) => Option.Option<A>
}

export const codecOf = <A, I>(schema: Schema.Codec<A, I>): AnswerCodec<A> => {
  const json = Schema.fromJsonString(Schema.toCodecJson(schema))
  return { encode: Schema.encodeOption(json), decode: Schema.decodeOption(json) }
}

export const generationCodec: AnswerCodec<Generation> = codecOf(AnyGeneration)
export const streamCodec: AnswerCodec<RecordedStream> = codecOf(Recorded)

/** What a chunk of the provider's counts as, beside its text. */
const chunkLength = 500

/** Gathers a stream's parts; what is longer than an answer may be to be kept is let go at once. */
export const makeRecording = (start: StreamStart) => {
  let parts: Array<StreamPart> = []
  let texts: Array<string> = []
  let length = 0

  const mergeTexts = () => {
    if (texts.length > 0) parts.push({ _tag: "Delta", text: texts.join("") })
    texts = []
  }

  const add = (delta: StreamDelta): void => {
    length += delta.text.length + (delta.chunk === undefined ? 0 : chunkLength)
    if (length > maxAnswerLength) {
      parts = []
      texts = []
    } else if (delta.chunk === undefined) {
      if (delta.text !== "") texts.push(delta.text)
    } else {
      mergeTexts()
      parts.push(delta)
    }
  }

  /** The whole; none when it was too long. */
  const end = (generation: Generation): Option.Option<RecordedStream> => {
    if (length > maxAnswerLength) return Option.none()
    mergeTexts()
    return Option.some({ start, parts: [...parts, { _tag: "End", generation }] })
  }

  return { add, end }
}
