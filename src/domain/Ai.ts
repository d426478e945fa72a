/** One attempt at a provider: what is asked and what comes back. */
import type { Usage } from "./Generation.ts"
import type { ProviderLimits } from "./RateLimitHeaders.ts"

export interface AiRequest {
  readonly prompt: string
  /** Upper bound of the answer, in the provider's tokens. */
  readonly maxTokens: number
  /** Overrides the provider's configured model. */
  readonly model?: string | undefined
}

/** An answer: decoded, with text, and finished by the provider. */
export interface AiAnswer {
  readonly text: string
  /** As the provider names it. */
  readonly model: string
  /** Absent when the provider does not say. */
  readonly usage: Usage | undefined
  /** `false`: the text ends where `maxTokens` cut it. Good enough to show now, and not to be remembered. */
  readonly isComplete: boolean
  /** What the provider says of its limits; absent when it says nothing. */
  readonly limits?: ProviderLimits | undefined
}

/** A guess of a text's tokens without the provider's tokenizer: four characters each, as English has on average. */
export const estimateTokens = (text: string): number => Math.ceil(text.length / 4)
