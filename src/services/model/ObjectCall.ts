/** A call of a model that the ladder only makes again, counts and limits: what it gives is its asker's alone. */
import { Effect, Option, Stream } from "effect"
import { AiError, type Response } from "effect/ai"
import type { AiAnswer, AiCall, AiPart } from "../../domain/Ai.ts"
import { type AiError as AttemptError, AiRejected } from "../../domain/errors.ts"
import { usageOf } from "./answer.ts"
import { attemptError } from "./errors.ts"

interface Answer {
  readonly text: string
  readonly usage: Response.Usage
}

/** `E` beside effect/ai's own: what the handlers of a toolkit fail with. */
export class ObjectCall<A extends Answer, E> implements AiCall {
  readonly generate: Effect.Effect<AiAnswer, AttemptError>
  readonly stream: Stream.Stream<AiPart, AttemptError> = Stream.die("objects come in one piece")
  readonly isOnce: boolean
  private readonly provider: string
  private response: Option.Option<A> = Option.none()
  private failure: { readonly ours: AttemptError; readonly original: E } | undefined

  constructor(provider: string, call: Effect.Effect<A, E>, isOnce: boolean) {
    this.provider = provider
    this.isOnce = isOnce
    this.generate = Effect.mapBoth(call, {
      onSuccess: (response) => this.take(response),
      onFailure: (error) => this.failed(error)
    })
  }

  /** What the attempt that succeeded has come to. */
  get answer(): Option.Option<A> {
    return this.response
  }

  /** The call's own error, where the ladder's stands for one. */
  original(error: unknown): Option.Option<E> {
    const { failure } = this
    return failure?.ours === error ? Option.fromUndefinedOr(failure?.original) : Option.none()
  }

  private take(response: A): AiAnswer {
    this.response = Option.some(response)
    return { text: response.text, model: this.provider, usage: usageOf(response.usage), isComplete: true }
  }

  private failed(error: E): AttemptError {
    const ours = AiError.isAiError(error)
      ? attemptError(this.provider, error)
      // The model has done its part.
      : new AiRejected({ provider: this.provider, status: 400, message: "a tool has failed" })
    this.failure = { ours, original: error }
    return ours
  }
}
