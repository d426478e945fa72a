/** One attempt at a provider: what is asked and what comes back. */
import type { Effect, Stream } from "effect"
import type { Chat, JsonObject } from "./Chat.ts"
import type { AiError } from "./errors.ts"
import type { Usage } from "./Generation.ts"
import type { ProviderLimits } from "./limits/RateLimitHeaders.ts"

/** What a provider is asked. */
export interface AiRequest {
  readonly prompt: string
  /** Upper bound of the answer, in the provider's tokens. */
  readonly maxTokens: number
  /** Overrides the provider's configured model. */
  readonly model?: string | undefined
  /** The conversation whose last message is the prompt: a provider that can is sent this instead of it. */
  readonly chat?: Chat | undefined
  /** The call itself, for the one client that is there to make it; every other goes by the prompt. */
  readonly call?: AiCall | undefined
}

/** One attempt, as whoever asks would make it without the ladder. */
export interface AiCall {
  /** `true`: a failed attempt must not be followed by another, for it may have done something beside the answer. */
  readonly isOnce?: boolean | undefined
  readonly generate: Effect.Effect<AiAnswer, AiError>
  readonly stream: Stream.Stream<AiPart, AiError>
}

/** An answer: decoded, finished by the provider, and with text, or else with what a conversation's request asked for. */
export interface AiAnswer {
  readonly text: string
  /** As the provider names it. */
  readonly model: string
  /** Absent when the provider does not say. */
  readonly usage: Usage | undefined
  /**
   * `false`: the text is not the whole answer. It ends where `maxTokens` cut it, or there is more than it, such as the
   * call of a tool. Good enough to show now, and not to be remembered.
   */
  readonly isComplete: boolean
  /** Why the provider ended, in OpenAI's words; absent: "stop", or "length" when it is not complete. */
  readonly finishReason?: string | undefined
  /** To a conversation: the provider's own words, for whoever speaks them too. */
  readonly native?: NativeAnswer | undefined
  /** What the provider says of its limits; absent when it says nothing. */
  readonly limits?: ProviderLimits | undefined
}

/** What OpenAI's chat completions have beside the text. */
export interface NativeAnswer {
  /** The whole completion; absent after a stream. */
  readonly completion?: JsonObject | undefined
  /** The usage with all its details. */
  readonly usage?: JsonObject | undefined
}

/**
 * An answer in pieces: `Begin`, then any number of `Delta`, then `End`, which repeats the whole. One without an `End` is
 * no answer.
 */
export type AiPart = AiBegin | AiDelta | AiEnd

/** The provider has begun to answer; nothing can be seen yet. */
export interface AiBegin {
  readonly _tag: "Begin"
  readonly model: string
  /** To a conversation: what the provider says in every chunk beside its choices. */
  readonly frame?: JsonObject | undefined
}

/** The next piece. */
export interface AiDelta {
  readonly _tag: "Delta"
  /** What this adds to the text. Empty and without `chunk`: a sign of life, and nothing to show. */
  readonly text: string
  /** To a conversation: the provider's own chunk, when there is more in it than text. */
  readonly chunk?: JsonObject | undefined
}

/** The provider has ended properly; `answer` holds every piece. */
export interface AiEnd {
  readonly _tag: "End"
  readonly answer: AiAnswer
}

/** A guess of a text's tokens without the provider's tokenizer: four characters each, as English has on average. */
export const estimateTokens = (text: string): number => Math.ceil(text.length / 4)
