/**
 * Everything that can go wrong on the way to an answer, as values in the types.
 * What each one leads to (retry, circuit, fallback) stands in `ErrorTable.ts`.
 */
import { Duration, Schema } from "effect"
import { toStringUnknown } from "effect/Inspectable"

const optionalDuration = Schema.optionalKey(Schema.Duration)

/** The attempt took longer than it may: no bytes, or a stalled body. */
export class AiTimeout extends Schema.TaggedError<AiTimeout>()("AiTimeout", {
  provider: Schema.String,
  after: Schema.Duration,
  /** Our own queue had left the attempt less than its configured time, so this is no evidence against the provider. */
  shortened: Schema.Boolean
}) {
  override get message() {
    return `${this.provider} did not answer within ${Duration.format(this.after)}`
  }
}

/** 429. */
export class AiRateLimited extends Schema.TaggedError<AiRateLimited>()("AiRateLimited", {
  provider: Schema.String,
  retryAfter: optionalDuration
}) {
  override get message() {
    const wait = this.retryAfter === undefined ? "" : `: it asks to wait ${Duration.format(this.retryAfter)}`
    return `${this.provider} limits our rate (429)${wait}`
  }
}

/** 408, 5xx, or no connection (refused, reset, TLS, DNS): `status` is absent when there was no response. */
export class AiUnavailable extends Schema.TaggedError<AiUnavailable>()("AiUnavailable", {
  provider: Schema.String,
  status: Schema.optionalKey(Schema.Int),
  detail: Schema.String,
  retryAfter: optionalDuration
}) {
  override get message() {
    return `${this.provider} is unavailable: ${this.detail}`
  }
}

/** A success that does not hold an answer: undecodable, empty, unfinished, cut or too large. */
export class AiMalformed extends Schema.TaggedError<AiMalformed>()("AiMalformed", {
  provider: Schema.String,
  detail: Schema.String,
  /** The provider's own words. They may quote the prompt: for its asker alone, and so not in the message. */
  words: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return `${this.provider} answered with something unusable: ${this.detail}`
  }
}

/** The request itself is wrong, or was refused on policy. The user must hear it. */
export class AiRejected extends Schema.TaggedError<AiRejected>()("AiRejected", {
  provider: Schema.String,
  status: Schema.Int,
  message: Schema.String
}) {}

/** 401 or 403: our key is wrong, and an operator must act. */
export class AiUnauthorized extends Schema.TaggedError<AiUnauthorized>()("AiUnauthorized", {
  provider: Schema.String,
  status: Schema.Int
}) {
  override get message() {
    return `${this.provider} refuses our key (${this.status}): check AI_API_KEY and the account behind it`
  }
}

/** One attempt at one provider can fail with these. */
export type AiError = AiTimeout | AiRateLimited | AiUnavailable | AiMalformed | AiRejected | AiUnauthorized

/** The circuit rejects calls for now. */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  key: Schema.String,
  retryAfter: Schema.Duration
}) {
  override get message() {
    return `the circuit of ${this.key} is open for another ${Duration.format(this.retryAfter)}`
  }
}

/** Our own limiter does not let the attempt go. */
export class LimitExceeded extends Schema.TaggedError<LimitExceeded>()("LimitExceeded", {
  key: Schema.String,
  reason: Schema.Literals(["queue_full", "would_miss_deadline", "cooling_down"]),
  retryAfter: Schema.Duration
}) {
  override get message() {
    return `no attempt at ${this.key} now (${this.reason}): try again in ${Duration.format(this.retryAfter)}`
  }
}

/** The total deadline left no useful time for an attempt. */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  total: Schema.Duration
}) {
  override get message() {
    return `no answer within the total deadline of ${Duration.format(this.total)}`
  }
}

/** What the live step can fail with. */
export type LiveError = AiError | CircuitOpen | LimitExceeded | DeadlineExceeded

/** What the fallback step takes away: everything but a refusal of the request itself. */
export type Recoverable = Exclude<LiveError, AiRejected>

/** The last rung is empty: no live answer, no cached one and no template. `retryAfter` says when to come back. */
export class GenerationUnavailable extends Schema.TaggedError<GenerationUnavailable>()("GenerationUnavailable", {
  cause: Schema.declare((error: unknown): error is Recoverable => error instanceof Error),
  retryAfter: Schema.Duration
}) {
  override get message() {
    return `nothing to show: ${this.cause.message}`
  }
}

/** Whoever asked for a stream does not read it. */
export class ReaderStalled extends Schema.TaggedError<ReaderStalled>()("ReaderStalled", { after: Schema.Duration }) {
  override get message() {
    return `its reader took nothing for ${Duration.format(this.after)}`
  }
}

/** The service stops, or has a bug; the log knows. */
export class StreamStopped extends Schema.TaggedError<StreamStopped>()("StreamStopped", {}) {
  override get message() {
    return "the service stopped it"
  }
}

/** What can end a stream that has begun. */
export type StreamBreak = LiveError | ReaderStalled | StreamStopped

/** A live answer broke off after its first piece: it is told as it is, for nothing else can take its place any more. */
export class StreamBroken extends Schema.TaggedError<StreamBroken>()("StreamBroken", {
  cause: Schema.declare((error: unknown): error is StreamBreak => error instanceof Error)
}) {
  override get message() {
    const words = "words" in this.cause && this.cause.words !== undefined ? `: ${this.cause.words}` : ""
    return `the answer broke off: ${this.cause.message}${words}`
  }
}

/** The store behind a service did not answer in time, or failed; the caller goes on without it. */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  operation: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `${this.operation} failed: ${this.cause instanceof Error ? this.cause.message : toStringUnknown(this.cause)}`
  }
}

/** The first request with this Idempotency-Key is still under way. */
export class IdempotencyInFlight extends Schema.TaggedError<IdempotencyInFlight>()("IdempotencyInFlight", {}) {
  override get message() {
    return "a request with this Idempotency-Key is still under way: wait for its answer, or send the same one again later"
  }
}

/** Another request has this Idempotency-Key. */
export class IdempotencyMismatch extends Schema.TaggedError<IdempotencyMismatch>()("IdempotencyMismatch", {}) {
  override get message() {
    return "this Idempotency-Key belongs to another request: send a new key with each new request"
  }
}

/** What kept an embedder from answering, in the words of the error table above. */
export const EmbeddingFailure = Schema.Literals([
  "timeout",
  "rate_limited",
  "unavailable",
  "malformed",
  /** The texts themselves are refused: too long, or against a policy. */
  "rejected",
  "unauthorized",
  "circuit_open"
])
export type EmbeddingFailure = typeof EmbeddingFailure.Type

/** No vector for a text: the embedder failed or was too slow. */
export class EmbeddingFailed extends Schema.TaggedError<EmbeddingFailed>()("EmbeddingFailed", {
  embedder: Schema.String,
  /** Absent: not known, which counts as unavailable. */
  reason: Schema.optionalKey(EmbeddingFailure),
  retryAfter: optionalDuration,
  cause: Schema.Defect()
}) {
  /** What went wrong, without the embedder's name. */
  get detail() {
    return this.cause instanceof Error ? this.cause.message : String(this.cause)
  }
  override get message() {
    return `${this.embedder} gave no vector: ${this.detail}`
  }
}
