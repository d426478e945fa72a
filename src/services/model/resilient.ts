/** A LanguageModel that goes down the ladder: what asks for a text has fallbacks, everything else the live step alone. */
import { Context, Effect, Option, Predicate, type Schema, Stream } from "effect"
import { type AiError, LanguageModel, Prompt, type Response, type Tool } from "effect/ai"
import type { NoExcessProperties } from "effect/Types"
import type { LiveError, StreamBroken } from "../../domain/errors.ts"
import type { Generation, GenerationRequest } from "../../domain/Generation.ts"
import { Generator } from "../Generator.ts"
import type { GenerationStream } from "../ladder/StreamedLadder.ts"
import type { Refusal } from "../ladder/StreamRelay.ts"
import { type CallOptions, CurrentCall, wishesOf } from "./CallOptions.ts"
import { readPrompt } from "./conversation.ts"
import { modelError } from "./errors.ts"
import { ModelCall } from "./ModelCall.ts"
import { ObjectCall } from "./ObjectCall.ts"
import { PartDelta } from "./pieces.ts"
import { fallbackFinish, liveFinish } from "./provenance.ts"

/** Reads `CurrentCall` around each call; `defaults` hold for what it leaves out. */
export const makeResilient = Effect.fnUntraced(function*(provider: string, defaults: CallOptions) {
  const inner = yield* LanguageModel.LanguageModel
  const generator = yield* Generator

  const requestOf = (options: LanguageModel.ProviderOptions, call: ModelCall, current: CallOptions): Asked => {
    const { chat, context: said, prompt } = readPrompt(options.prompt)
    const isText = chat.isTextOnly && (options.tools.length === 0 || options.toolChoice === "none")
    const { variant, ...wishes } = wishesOf(current, defaults)
    const context = variant === undefined ? said : JSON.stringify([variant, said])
    const request = { ...wishes, prompt, context, chat, call }
    return { isText, request: isText ? request : { ...request, ...nothingStandsIn } }
  }

  /** The model's own error where there is one, so that a program that knows it finds it. */
  const told = (method: string, call: ModelCall, error: LiveError | Refusal | StreamBroken): AiError.AiError => {
    const cause = error._tag === "GenerationUnavailable" || error._tag === "StreamBroken" ? error.cause : error
    return call.original(cause) ?? modelError(method, cause)
  }

  /**
   * effect/ai asks once more, in full, when a conversation that goes on by an id is refused. The inner model has done so
   * by itself, and nobody need hear of the refusal twice.
   */
  const refused = new WeakMap<object, AiError.AiError>()
  const refusedBefore = ({ incrementalFallback, span }: LanguageModel.ProviderOptions) =>
    incrementalFallback === true ? refused.get(span) : undefined
  const toldOnce = (options: LanguageModel.ProviderOptions, error: AiError.AiError): AiError.AiError => {
    if (options.incrementalPrompt !== undefined) refused.set(options.span, error)
    return error
  }

  const generateText = (options: LanguageModel.ProviderOptions) =>
    Effect.flatMap(CurrentCall, (current) => {
      const refusal = refusedBefore(options)
      if (refusal !== undefined) return Effect.fail(refusal)
      const call = new ModelCall(provider, inner, options)
      const { isText, request } = requestOf(options, call, current)
      const step: Effect.Effect<Generation, LiveError | Refusal> = isText
        ? generator.generate(request)
        : generator.live(request)
      return step.pipe(
        Effect.map((generation) => contentOf(generation, call)),
        Effect.mapError((error) => toldOnce(options, told("generateText", call, error)))
      )
    })

  const streamText = (options: LanguageModel.ProviderOptions) =>
    Stream.unwrap(Effect.flatMap(CurrentCall, (current) => {
      const refusal = refusedBefore(options)
      if (refusal !== undefined) return Effect.fail(refusal)
      const call = new ModelCall(provider, inner, options)
      return generator.stream(requestOf(options, call, current).request).pipe(
        Effect.map((stream) => Stream.mapError(partsOf(stream, call), (error) => told("streamText", call, error))),
        Effect.mapError((error) => toldOnce(options, told("streamText", call, error)))
      )
    }))

  const model = yield* LanguageModel.make({
    generateText,
    streamText,
    supportsSystemMessagesInHistory: inner.supportsSystemMessagesInHistory
  })

  /** The live step around a call of the model that has its own types. */
  const guarded = <A extends { readonly text: string; readonly usage: Response.Usage }, E, R>(
    made: Effect.Effect<A, E, R>,
    prompt: Prompt.Prompt,
    isOnce: boolean
  ): Effect.Effect<A, E | AiError.AiError, R> =>
    Effect.contextWith((context: Context.Context<R>) =>
      Effect.flatMap(CurrentCall, (current) => {
        // What the asker has, and over it what the attempt has, such as its span.
        const served = Effect.updateContext(made, (attempt: Context.Context<never>) => Context.merge(context, attempt))
        const call = new ObjectCall(provider, served, isOnce)
        const { chat } = readPrompt(prompt)
        const { variant: _, ...wishes } = wishesOf(current, defaults)
        return Effect.matchEffect(
          generator.live({ ...wishes, prompt: "", chat, call, ...nothingStandsIn }),
          {
            onFailure: (error): Effect.Effect<never, E | AiError.AiError> =>
              Effect.fail(Option.getOrElse(call.original(error), () => modelError("generateObject", error))),
            onSuccess: () => Effect.fromOption(call.answer).pipe(Effect.orDie)
          }
        )
      })
    )

  // The first signature is effect/ai's. Its errors always hold an AiError, which the compiler cannot see of a type that
  // depends on the options; the second one says so.
  function generateObject<
    ObjectEncoded extends Record<string, unknown>,
    StructuredOutputSchema extends Schema.Encoder<ObjectEncoded, unknown>,
    Options extends NoExcessProperties<
      LanguageModel.GenerateObjectOptions<AnyTools, StructuredOutputSchema>,
      Options
    >,
    Tools extends Record<string, Tool.Any> = {}
  >(
    options: Options & LanguageModel.GenerateObjectOptions<Tools, StructuredOutputSchema>
  ): ReturnType<typeof inner.generateObject<ObjectEncoded, StructuredOutputSchema, Options, Tools>>
  function generateObject<
    ObjectEncoded extends Record<string, unknown>,
    StructuredOutputSchema extends Schema.Encoder<ObjectEncoded, unknown>,
    Options extends NoExcessProperties<
      LanguageModel.GenerateObjectOptions<AnyTools, StructuredOutputSchema>,
      Options
    >,
    Tools extends Record<string, Tool.Any> = {}
  >(options: Options & LanguageModel.GenerateObjectOptions<Tools, StructuredOutputSchema>) {
    // Read once: it may be something that can be read only once.
    const prompt = Prompt.make(options.prompt)
    return guarded(
      inner.generateObject<ObjectEncoded, StructuredOutputSchema, Options, Tools>({ ...options, prompt }),
      prompt,
      mayCallTools(options)
    )
  }

  return LanguageModel.LanguageModel.of({ ...model, generateObject })
})

/** effect/ai calls them within the call of the model. */
const mayCallTools = (
  { disableToolCallResolution, toolkit }: {
    readonly disableToolCallResolution?: boolean | undefined
    readonly toolkit?: object | undefined
  }
): boolean => {
  if (toolkit === undefined || disableToolCallResolution === true) return false
  return !("tools" in toolkit && Predicate.isObject(toolkit.tools) && Object.keys(toolkit.tools).length === 0)
}

type AnyTools = Record<string, Tool.Any>

interface Asked {
  /** It asks for one text and speaks of nothing else. */
  readonly isText: boolean
  readonly request: GenerationRequest
}

/** Neither an earlier answer nor a template is the call of a tool, or can speak of an image. */
const nothingStandsIn = { isExactOnly: true, maxAgeMillis: 0, remember: false } as const

const contentOf = (generation: Generation, call: ModelCall): Array<Response.PartEncoded> => {
  if (generation.source !== "live") return [{ type: "text", text: generation.text }, fallbackFinish(generation)]
  const finish = call.whole.find((part) => part.type === "finish")
  return [...call.whole.filter((part) => part.type !== "finish"), liveFinish(generation, finish)]
}

const partsOf = (
  { parts, start }: GenerationStream,
  call: ModelCall
): Stream.Stream<Response.StreamPartEncoded, StreamBroken> =>
  Stream.mapAccum(
    parts,
    () => undefined,
    (_, part): readonly [undefined, ReadonlyArray<Response.StreamPartEncoded>] => {
      if (part._tag === "End") return [undefined, lastParts(part.generation, call)]
      if (part instanceof PartDelta) return [undefined, part.parts]
      return [undefined, [
        { type: "text-start", id: start.id },
        { type: "text-delta", id: start.id, delta: part.text },
        { type: "text-end", id: start.id }
      ]]
    }
  )

const lastParts = (generation: Generation, call: ModelCall): ReadonlyArray<Response.StreamPartEncoded> => {
  if (generation.source !== "live") return [fallbackFinish(generation)]
  const { finish, parts } = call.rest
  return [...parts, liveFinish(generation, finish)]
}
