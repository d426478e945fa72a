/** One question to a model, as the ladder asks it: any number of attempts, the last of which gives the answer. */
import { Context, Effect, Inspectable, Predicate, type Result, Schema, Stream } from "effect"
import { AiError, type LanguageModel, Response, type Tool, type Toolkit } from "effect/ai"
import type { AiAnswer, AiCall, AiPart } from "../../domain/Ai.ts"
import { type AiError as AttemptError, AiMalformed } from "../../domain/errors.ts"
import { answerOf, hear, nothingHeard } from "./answer.ts"
import { attemptError } from "./errors.ts"
import { makePieces, type Pieces } from "./pieces.ts"

/** What of effect/ai's options a model is asked with. */
export type Question =
  & Pick<LanguageModel.GenerateTextOptions<Record<string, Tool.Any>>, "prompt">
  & Partial<Pick<LanguageModel.ProviderOptions, "tools" | "toolChoice" | "toolCallValidation">>

const encodePart = Schema.encodeUnknownEffect(Response.Part())
const encodePiece = Schema.encodeUnknownEffect(Response.StreamPart())

/** Parts of any tool encode but for its result, which only its own schema can write. It comes written, beside. */
const written = <A extends { readonly type: string }>(
  encode: (part: unknown) => Effect.Effect<A, Schema.SchemaError>
) =>
(part: unknown): Effect.Effect<A, Schema.SchemaError> =>
  Effect.map(encode(part), (encoded) =>
    encoded.type === "tool-result" && Predicate.hasProperty(part, "encodedResult")
      ? { ...encoded, result: part.encodedResult }
      : encoded)

export class ModelCall implements AiCall {
  readonly generate: Effect.Effect<AiAnswer, AttemptError>
  readonly stream: Stream.Stream<AiPart, AttemptError>
  private readonly provider: string
  private content: ReadonlyArray<Response.PartEncoded> = []
  private pieces: Pieces
  private failure: { readonly ours: AttemptError; readonly original: AiError.AiError } | undefined

  constructor(provider: string, model: LanguageModel.LanguageModel, question: Question) {
    this.provider = provider
    this.pieces = makePieces(provider)
    const check = makeCheck(question)
    this.generate = Effect.suspend(() => ask(model, question)).pipe(
      Effect.flatMap((content) => Effect.forEach(content, written((part) => encodePart(part)))),
      Effect.tap((content) => Effect.forEach(content, check, { discard: true })),
      Effect.flatMap((content) => Effect.fromResult(this.take(content))),
      Effect.mapError((error) => this.failed(error))
    )
    this.stream = Stream.suspend(() => {
      const pieces = makePieces(provider)
      this.pieces = pieces
      return askInPieces(model, question).pipe(
        Stream.mapEffect(written((part) => encodePiece(part))),
        Stream.tap(check),
        Stream.map((part) => pieces.take(part)),
        Stream.concat(Stream.fromEffect(Effect.suspend(() => Effect.fromResult(pieces.end())))),
        Stream.flattenIterable,
        Stream.mapError((error) => this.failed(error))
      )
    })
  }

  /** What the attempt that succeeded has come to. */
  get whole(): ReadonlyArray<Response.PartEncoded> {
    return this.content
  }

  /** What is left of its stream when all pieces have been read. */
  get rest(): ReturnType<Pieces["rest"]> {
    return this.pieces.rest()
  }

  /** The model's own error, where the ladder's stands for one. */
  original(error: unknown): AiError.AiError | undefined {
    const { failure } = this
    return failure?.ours === error ? failure?.original : undefined
  }

  private take(content: ReadonlyArray<Response.PartEncoded>): Result.Result<AiAnswer, AiMalformed> {
    this.content = content
    const heard = nothingHeard()
    for (const part of content) hear(heard, part)
    return answerOf(this.provider, heard)
  }

  private failed(error: AiError.AiError | Schema.SchemaError | AttemptError): AttemptError {
    if (Schema.isSchemaError(error)) {
      return new AiMalformed({ provider: this.provider, detail: "its parts do not encode" })
    }
    if (!AiError.isAiError(error)) return error
    const ours = attemptError(this.provider, error)
    this.failure = { ours, original: error }
    return ours
  }
}

/** What would not be failures of the model by themselves. */
const makeCheck = ({ toolCallValidation, tools = [] }: Question) => {
  const availableTools = tools.map(({ name }) => String(name))
  return (part: Response.PartEncoded | Response.StreamPartEncoded): Effect.Effect<void, AiError.AiError> => {
    if (part.type === "error") return Effect.fail(errorOf(part.error))
    // The model's package would find these, had it not been told that whoever asked does.
    return part.type !== "tool-call" || part.providerExecuted === true || toolCallValidation === "deferred"
        || availableTools.includes(part.name)
      ? Effect.void
      : Effect.fail(mistake(new AiError.ToolNotFoundError({ toolName: part.name, availableTools })))
  }
}

/** A part that says error, as an error: its words go to whoever asked. */
const errorOf = (error: unknown): AiError.AiError => {
  if (AiError.isAiError(error)) return error
  const description = error instanceof Error ? error.message : Inspectable.toStringUnknown(error)
  return mistake(new AiError.InternalProviderError({ description }))
}

const mistake = (reason: AiError.AiErrorReason): AiError.AiError =>
  AiError.make({ module: "Understudy", method: "generateText", reason })

/** Whose handlers nobody calls: they run where the ladder has ended, once, however often a model was asked. */
const withoutHandlers = (tools: ReadonlyArray<Tool.Any>): Toolkit.WithHandler<Record<string, Tool.Any>> => ({
  tools: Object.fromEntries(tools.map((tool) => [tool.name, tool])),
  handle: () => Effect.die("a resilient model calls no tools itself")
})

/**
 * Tools may need services to write their parameters down. They are in the context of whoever has asked, but effect/ai's
 * interface for providers does not say so in its types.
 */
const withAskersServices = <A>(
  use: (context: Context.Context<unknown>) => A
): Effect.Effect<A> =>
  Effect.contextWith((context: Context.Context<never>) =>
    Effect.succeed(use(Context.makeUnsafe<unknown>(context.mapUnsafe)))
  )

const optionsWith = ({ prompt, toolChoice, tools }: Question & { readonly tools: ReadonlyArray<Tool.Any> }) => ({
  prompt,
  toolChoice,
  toolkit: withoutHandlers(tools),
  disableToolCallResolution: true,
  // Whoever asked the resilient model checks what comes back, in the way that was asked for there.
  toolCallValidation: "deferred"
} as const)

/** Without tools there is nothing to resolve; that a call of one is left to whoever asked must be said all the same. */
const withoutTools = { disableToolCallResolution: true, toolCallValidation: "deferred" } as const

const ask = (model: LanguageModel.LanguageModel, { prompt, tools = [], ...others }: Question) =>
  tools.length === 0
    ? Effect.map(model.generateText({ prompt, ...withoutTools }), ({ content }): ReadonlyArray<unknown> => content)
    : Effect.flatten(withAskersServices((context) =>
      model.generateText(optionsWith({ prompt, tools, ...others })).pipe(
        Effect.map(({ content }): ReadonlyArray<unknown> => content),
        Effect.provideContext(context)
      )
    ))

const askInPieces = (
  model: LanguageModel.LanguageModel,
  { prompt, tools = [], ...others }: Question
): Stream.Stream<unknown, AiError.AiError> =>
  tools.length === 0
    ? model.streamText({ prompt, ...withoutTools })
    : Stream.unwrap(withAskersServices((context) =>
      Stream.provideContext(model.streamText(optionsWith({ prompt, tools, ...others })), context)
    ))
