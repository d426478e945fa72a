/** `Idempotency-Key`: what handlers wrap around a generation, so that the same request again gets the same answer. */
import { Effect, Option, Schema, type Scope, Stream } from "effect"
import { type HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import type * as Errors from "../../../domain/errors.ts"
import type { Generation, Namespace, StreamPart } from "../../../domain/Generation.ts"
import { parseIdempotencyKey } from "../../../domain/Idempotency.ts"
import type { Job } from "../../../domain/jobs/Job.ts"
import { JobId } from "../../../domain/jobs/JobId.ts"
import { type AnswerCodec, generationCodec, makeRecording, streamCodec } from "../../../domain/RecordedAnswer.ts"
import type { GenerationStream } from "../../../services/Generator.ts"
import { Idempotency, type IdempotencyAttempt, type IdempotencyRequest } from "../../../services/Idempotency.ts"
import { IdempotencyConflict, IdempotencyMismatch, type InvalidRequest } from "../../api/Problems.ts"
import { invalid } from "../body.ts"

/** An answer, and whether it is one that was given before. */
export interface Replayable<A> {
  readonly answer: A
  readonly isReplay: boolean
}

type Refusal = Errors.IdempotencyInFlight | Errors.IdempotencyMismatch

export interface Idempotent {
  /** Without a claim the effect as it is. A failure or an interruption frees the key. */
  readonly answered: <E, R>(
    claim: IdempotencyRequest | undefined,
    effect: Effect.Effect<Generation, E, R>
  ) => Effect.Effect<Replayable<Generation>, E | Refusal, R>
  /** The same for a stream: kept once its `End` has passed; the key is free when it breaks or its scope closes before. */
  readonly streamed: <E, R>(
    claim: IdempotencyRequest | undefined,
    effect: Effect.Effect<GenerationStream, E, R>
  ) => Effect.Effect<Replayable<GenerationStream>, E | Refusal, R | Scope.Scope>
  /**
   * The same for a job: kept is which one it is, as soon as there is one. `undefined` where none could be submitted, or
   * where what is kept under the key is an answer and no job.
   */
  readonly submitted: <E, E2>(
    claim: IdempotencyRequest | undefined,
    ways: JobWays<E, E2>
  ) => Effect.Effect<Replayable<Job> | undefined, E | E2 | Refusal>
}

export interface JobWays<E, E2> {
  readonly submit: Effect.Effect<Job | undefined, E>
  /** None: it is not there any more, and another one takes its place. */
  readonly find: (id: JobId) => Effect.Effect<Option.Option<Job>, E2>
}

/** Said of a replay, in the words of Stripe's API: the draft has none. */
export const replayed = { "idempotent-replayed": "true" }

/**
 * The claim of a request with an `Idempotency-Key`: the same key with another method, path, body or one of
 * `shapingHeaders` is another request.
 */
export const claimOf = (
  request: HttpServerRequest.HttpServerRequest,
  namespace: Namespace,
  body: string
): Effect.Effect<IdempotencyRequest | undefined, InvalidRequest> => {
  const header = request.headers["idempotency-key"]
  if (header === undefined) return noClaim
  const key = parseIdempotencyKey(header)
  if (key._tag === "Failure") return Effect.fail(invalid("header.idempotency-key", key.failure))
  const { prefer } = request.headers
  const shaping = [
    ...shapingHeaders.map((name) => request.headers[name] ?? ""),
    // Only where it is: the keys of a release that did not know it must not become others.
    ...prefer === undefined ? [] : [prefer]
  ]
  const fingerprint = JSON.stringify([request.method, request.url, ...shaping, body])
  return Effect.succeed({ namespace, key: key.success, fingerprint })
}

/** What beside the body says what an answer has to be. */
const shapingHeaders = ["accept", "cache-control", "understudy-content-type", "understudy-locale"]

const noClaim: Effect.Effect<undefined> = Effect.undefined

/** For `Effect.catchTags`. */
export const idempotencyProblems = {
  IdempotencyInFlight: (error: Errors.IdempotencyInFlight) =>
    Effect.map(
      HttpServerRespondable.toResponse(new IdempotencyConflict({ detail: error.message, retry_after: 1 })),
      HttpServerResponse.setHeader("retry-after", "1")
    ),
  IdempotencyMismatch: (error: Errors.IdempotencyMismatch) =>
    Effect.fail(new IdempotencyMismatch({ detail: error.message }))
}

export const makeIdempotent: Effect.Effect<Idempotent, never, Idempotency> = Effect.map(Idempotency, (idempotency) => {
  const begin = beginWith(idempotency)
  return {
    answered: (claim, effect) =>
      claim === undefined
        ? Effect.map(effect, fresh)
        : Effect.acquireUseRelease(
          begin(claim, generationCodec),
          (begun) =>
            begun._tag === "Stored"
              ? Effect.succeed(replay(begun.answer))
              : Effect.map(Effect.tap(effect, (generation) => keep(begun, generationCodec, generation)), fresh),
          abandon
        ),
    streamed: (claim, effect) =>
      claim === undefined
        ? Effect.map(effect, fresh)
        : Effect.flatMap(
          Effect.acquireRelease(begin(claim, streamCodec), abandon),
          (begun) => {
            if (begun._tag === "Stored") {
              const { parts, start } = begun.answer
              return Effect.succeed(replay({ start, parts: Stream.fromIterable(parts) }))
            }
            return Effect.map(
              Effect.onError(effect, () => begun.abandon),
              (stream) => fresh({ ...stream, parts: recording(begun, stream) })
            )
          }
        ),
    submitted: submittedWith(idempotency)
  }
})

const fresh = <A>(answer: A): Replayable<A> => ({ answer, isReplay: false })
const replay = <A>(answer: A): Replayable<A> => ({ answer, isReplay: true })

/** What is under a key, read. */
type Begun<A> = IdempotencyAttempt | { readonly _tag: "Stored"; readonly answer: A }

/** An attempt that has been completed is not abandoned by this. */
const abandon = (begun: Begun<unknown>): Effect.Effect<void> => begun._tag === "Started" ? begun.abandon : Effect.void

/** Nobody else knows of an attempt that is none. */
const unkept: IdempotencyAttempt = { _tag: "Started", complete: () => Effect.void, abandon: Effect.void }

/** A stored text that cannot be read, as one of another release may be, is as none. */
const beginWith = (idempotency: Idempotency["Service"]) => {
  const begin = <A>(
    claim: IdempotencyRequest,
    codec: AnswerCodec<A>,
    isSecond = false
  ): Effect.Effect<Begun<A>, Refusal> =>
    Effect.flatMap(idempotency.begin(claim), (begun): Effect.Effect<Begun<A>, Refusal> => {
      if (begun._tag === "Started") return Effect.succeed(begun)
      const answer = codec.decode(begun.answer)
      if (Option.isSome(answer)) return Effect.succeed({ _tag: "Stored", answer: answer.value })
      return Effect.andThen(
        Effect.logWarning("an answer that was kept under an Idempotency-Key cannot be read: it is asked for again"),
        isSecond ? Effect.succeed(unkept) : Effect.andThen(begun.discard, begin(claim, codec, true))
      )
    })
  return begin
}

const submittedWith = (idempotency: Idempotency["Service"]): Idempotent["submitted"] => {
  const submitted = <E, E2>(
    claim: IdempotencyRequest | undefined,
    ways: JobWays<E, E2>,
    isSecond = false
  ): Effect.Effect<Replayable<Job> | undefined, E | E2 | Refusal> => {
    if (claim === undefined) return Effect.map(ways.submit, (job) => job === undefined ? undefined : fresh(job))
    return Effect.acquireUseRelease(
      idempotency.begin(claim),
      (begun): Effect.Effect<Replayable<Job> | undefined, E | E2 | Refusal> => {
        if (begun._tag === "Started") return Effect.uninterruptible(submitInto(begun, ways))
        const known = Option.getOrUndefined(jobCodec.decode(begun.answer))
        if (known === undefined) return Effect.undefined
        return Effect.flatMap(
          ways.find(known.job),
          (found): Effect.Effect<Replayable<Job> | undefined, E | E2 | Refusal> =>
            Option.isSome(found)
              ? Effect.succeed(replay(found.value))
              : Effect.andThen(begun.discard, submitted(isSecond ? undefined : claim, ways, true))
        )
      },
      (begun) => begun._tag === "Started" ? begun.abandon : Effect.void
    )
  }
  return submitted
}

/** A job that nobody can find under its key would be one too many. */
const submitInto = <E>(attempt: IdempotencyAttempt, { submit }: Pick<JobWays<E, never>, "submit">) =>
  Effect.flatMap(submit, (job) =>
    job === undefined
      ? Effect.undefined
      : Effect.as(keep(attempt, jobCodec, { job: job.id }), fresh(job)))

const JobText = Schema.fromJsonString(Schema.Struct({ job: JobId }))
const jobCodec: AnswerCodec<typeof JobText.Type> = {
  encode: Schema.encodeOption(JobText),
  decode: Schema.decodeOption(JobText)
}

const keep = <A>({ abandon, complete }: IdempotencyAttempt, codec: AnswerCodec<A>, answer: A): Effect.Effect<void> =>
  Option.match(codec.encode(answer), {
    onNone: () =>
      Effect.andThen(Effect.logWarning("an answer cannot be kept under its Idempotency-Key: a bug"), abandon),
    onSome: complete
  })

const recording = (attempt: IdempotencyAttempt, { parts, start }: GenerationStream): GenerationStream["parts"] =>
  Stream.suspend(() => {
    const recording = makeRecording(start)
    const record = (part: StreamPart): Effect.Effect<void> => {
      if (part._tag === "Delta") return Effect.sync(() => recording.add(part))
      return Option.match(recording.end(part.generation), {
        onNone: () => attempt.abandon,
        onSome: (recorded) => keep(attempt, streamCodec, recorded)
      })
    }
    return parts.pipe(
      // As many at once as come at once, so that they are written at once.
      Stream.mapArrayEffect((some) => Effect.as(Effect.forEach(some, record, { discard: true }), some)),
      // Whoever only stops reading closes the scope.
      Stream.tapError(() => attempt.abandon)
    )
  })
