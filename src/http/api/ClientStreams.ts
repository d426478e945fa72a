/** What the contract answers in server-sent events, as streams of values. */
import { Context, Effect, Schema, Stream } from "effect"
import { Sse } from "effect/encoding"
import type { HttpClientResponse } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import type { JobId } from "../../domain/jobs/JobId.ts"
import { GenerateResponse, Provenance } from "./Answers.ts"
import { Api } from "./Api.ts"
import type { GenerateRequest } from "./Generate.ts"
import { JobResponse } from "./Job.ts"

/**
 * Headers for the requests of an effect or a stream: those of docs/http.md that have no place in a body, such as
 * `idempotency-key`, `prefer` and `cache-control`.
 */
export const RequestHeaders = Context.Reference<Readonly<Record<string, string>>>("understudy/http/RequestHeaders", {
  defaultValue: () => ({})
})

/** An answer in pieces: `Start`, any number of `Delta`, then `Done` with the whole; or one `Job`. */
export type AnswerPart =
  | { readonly _tag: "Start"; readonly id: string; readonly model: string | null } & Provenance
  | { readonly _tag: "Delta"; readonly text: string }
  | { readonly _tag: "Done"; readonly answer: GenerateResponse }
  /** With `prefer: respond-async`: it is made in the background. */
  | { readonly _tag: "Job"; readonly job: typeof JobResponse.Type }

/** The events broke off, by what the service says or by a lost connection: what has come is not the whole. */
export class EventsBroken extends Schema.TaggedError<EventsBroken>()("EventsBroken", {
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message() {
    return this.detail
  }
}

type Client = HttpApiClient.ForApi<typeof Api>
type Failure<Method extends (request: never) => unknown> = ReturnType<Method> extends
  Effect.Effect<infer _A, infer E, infer _R> ? E : never

/** All that can end an answer in pieces, before its first one or after. */
export type StreamErrors = Failure<Client["generate"]> | EventsBroken
/** All that can end the events of a job. */
export type FollowErrors = Failure<Client["jobs"]["events"]> | EventsBroken

const named = <Name extends string, S extends Schema.Constraint>(event: Name, data: S) =>
  Schema.Struct({ id: Schema.optional(Schema.String), event: Schema.Literal(event), data: Schema.fromJsonString(data) })

const AnswerEvents = Schema.Union([
  named("start", Schema.Struct({ id: Schema.String, model: Schema.NullOr(Schema.String), ...Provenance.fields })),
  named("delta", Schema.Struct({ text: Schema.String })),
  named("done", GenerateResponse),
  named("problem", Schema.Struct({ detail: Schema.String }))
])

const JobEvents = Schema.Union([named("job", JobResponse), named("done", Schema.Struct({ id: Schema.String }))])

const decodeAnswer = HttpApiClient.decodeResponse(Api, { group: "generate", endpoint: "generate" })
const decodeJob = HttpApiClient.decodeResponse(Api, { group: "jobs", endpoint: "events" })

export const makeStream = (client: Client) => (payload: GenerateRequest): Stream.Stream<AnswerPart, StreamErrors> =>
  Stream.unwrap(Effect.gen(function*() {
    const response = yield* asEvents(client.generate({ payload, responseMode: "response-only" }))
    if (isEvents(response)) return partsIn(response)
    const answer = yield* decodeAnswer(response)
    return Stream.succeed<AnswerPart>("object" in answer ? { _tag: "Job", job: answer } : { _tag: "Done", answer })
  }))

export const makeFollow = (client: Client) => (id: JobId): Stream.Stream<typeof JobResponse.Type, FollowErrors> =>
  Stream.unwrap(Effect.gen(function*() {
    const request = { params: { id }, responseMode: "response-only" } as const
    const response = yield* asEvents(client.jobs.events(request))
    const jobs: Stream.Stream<typeof JobResponse.Type, FollowErrors> = isEvents(response)
      ? jobsIn(response)
      : Stream.fromEffectDrain(decodeJob(response))
    return jobs
  }))

const asEvents = Effect.updateService(RequestHeaders, (headers) => ({ ...headers, accept: "text/event-stream" }))

const isEvents = ({ headers, status }: HttpClientResponse.HttpClientResponse): boolean =>
  status === 200 && headers["content-type"]?.startsWith("text/event-stream") === true

const partsIn = (response: HttpClientResponse.HttpClientResponse): Stream.Stream<AnswerPart, EventsBroken> =>
  Stream.mapEffect(eventsIn(response, AnswerEvents), (event): Effect.Effect<AnswerPart, EventsBroken> => {
    switch (event.event) {
      case "start":
        return Effect.succeed({ _tag: "Start", ...event.data })
      case "delta":
        return Effect.succeed({ _tag: "Delta", ...event.data })
      case "done":
        return Effect.succeed({ _tag: "Done", answer: event.data })
      case "problem":
        return Effect.fail(new EventsBroken({ detail: event.data.detail }))
    }
  })

const jobsIn = (
  response: HttpClientResponse.HttpClientResponse
): Stream.Stream<typeof JobResponse.Type, EventsBroken> =>
  eventsIn(response, JobEvents).pipe(
    Stream.filter((event) => event.event === "job"),
    Stream.map(({ data }) => data)
  )

/** Up to the event `done`. Events that end without it have not ended. */
const eventsIn = <Event extends { readonly event: string }>(
  response: HttpClientResponse.HttpClientResponse,
  schema: Schema.ConstraintCodec<
    Event,
    { readonly id?: string | undefined; readonly event: string; readonly data: string }
  >
): Stream.Stream<Event, EventsBroken> =>
  response.stream.pipe(
    Stream.decodeText,
    Stream.pipeThroughChannel(Sse.decodeSchema(schema)),
    Stream.mapError((cause) => new EventsBroken({ detail: "the connection to the service broke off", cause })),
    Stream.concat(Stream.fail(new EventsBroken({ detail: "the service ended the events before they were complete" }))),
    Stream.takeUntil(({ event }) => event === "done")
  )
