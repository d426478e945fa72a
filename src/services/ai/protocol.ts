/** What is particular to one way of speaking with a provider. */
import type { Result } from "effect"
import type { AiAnswer, AiPart, AiRequest } from "../../domain/Ai.ts"
import type { ProviderLimits } from "../../domain/limits/RateLimitHeaders.ts"
import type { Json } from "./json.ts"

/** Why a success holds no answer: unusable, or a refusal that the user must hear. */
export type NoAnswer =
  /** `words`: the provider's own, which may quote the prompt. */
  | { readonly _tag: "Malformed"; readonly detail: string; readonly words?: string }
  | { readonly _tag: "Refused"; readonly message: string }

export interface Protocol {
  readonly url: string
  /** `true`: more than text cannot be put into this protocol's words. */
  readonly takesTextOnly?: boolean | undefined
  readonly encode: (request: AiRequest) => unknown
  /** Decodes the JSON body of a success, strictly. */
  readonly decode: (body: Json, request: AiRequest) => Result.Result<AiAnswer, NoAnswer>
  /** Absent: it answers in one piece only. */
  readonly streaming?: Streaming | undefined
}

export interface Streaming {
  readonly encode: (request: AiRequest) => unknown
  readonly read: (request: AiRequest, limits: ProviderLimits | undefined) => StreamReader
  /** The parts of an answer that came as a whole although a stream was asked for. */
  readonly piecesOf: (body: Json, answer: AiAnswer, request: AiRequest) => ReadonlyArray<AiPart>
}

/** Bytes in, parts out. Where the bytes are cut makes no difference. */
export interface StreamReader {
  readonly feed: (bytes: Uint8Array) => void
  /** The body has ended, properly. */
  readonly end: () => void
  /** The parts that are new since the last time. */
  readonly take: () => ReadonlyArray<AiPart>
  /** Absent while there is more to come. It holds after what `take` still gives. */
  readonly outcome: "ended" | NoAnswer | undefined
}
