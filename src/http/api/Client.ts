/** A typed client of the contract. Names no platform: the `HttpClient` is the browser's, Node's or any other. */
import { Context, Effect, Layer, type Redacted, type Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import type { JobId } from "../../domain/jobs/JobId.ts"
import { Api } from "./Api.ts"
import {
  type AnswerPart,
  type FollowErrors,
  makeFollow,
  makeStream,
  RequestHeaders,
  type StreamErrors
} from "./ClientStreams.ts"
import type { GenerateRequest } from "./Generate.ts"
import type { JobResponse } from "./Job.ts"

export { type AnswerPart, EventsBroken, type FollowErrors, RequestHeaders, type StreamErrors } from "./ClientStreams.ts"

/** Which service, and as whom. */
export interface UnderstudyClientOptions {
  /** Where the service is, without a path of the contract; in a browser it may be the page's own: `""`. */
  readonly baseUrl: string
  /** Sent as a bearer token. */
  readonly apiKey?: Redacted.Redacted | undefined
}

/** Every endpoint of the contract, and what it answers in pieces. */
export interface UnderstudyClientMethods extends HttpApiClient.ForApi<typeof Api> {
  /**
   * `POST /generate` in pieces. Fails with `EventsBroken` when an answer breaks off after its first piece; up to then as
   * `generate` does. Whoever ends it ends the provider's call too.
   */
  readonly stream: (request: GenerateRequest) => Stream.Stream<AnswerPart, StreamErrors>
  /** The job now, and whenever something of it has changed, until it has ended. */
  readonly follow: (id: JobId) => Stream.Stream<typeof JobResponse.Type, FollowErrors>
}

/** Every endpoint of the contract as a method, with its errors in the type, and what comes in events as streams. */
// The type of a method depends on how its response is wanted, and the rule takes that condition for a requirement.
// @effect-diagnostics-next-line leakingRequirements:off
export class UnderstudyClient extends Context.Service<UnderstudyClient, UnderstudyClientMethods>()(
  "understudy/http/UnderstudyClient"
) {
  static readonly layer = (
    options: UnderstudyClientOptions
  ): Layer.Layer<UnderstudyClient, never, HttpClient.HttpClient> => Layer.effect(UnderstudyClient, make(options))
}

/** Whether the answer is made in the background: a 202, which only comes to who asked for one with `prefer`. */
export const isJob = <A extends object>(
  answer: A | typeof JobResponse.Type
): answer is typeof JobResponse.Type => "object" in answer && answer.object === "job"

const make = Effect.fnUntraced(function*({ apiKey, baseUrl }: UnderstudyClientOptions) {
  const client = yield* HttpApiClient.make(Api, {
    baseUrl,
    transformClient: (http) =>
      HttpClient.mapRequestEffect(
        http,
        (request) =>
          Effect.map(RequestHeaders, (headers) =>
            HttpClientRequest.setHeaders(
              apiKey === undefined ? request : HttpClientRequest.bearerToken(request, apiKey),
              headers
            ))
      )
  })
  return UnderstudyClient.of({ ...client, stream: makeStream(client), follow: makeFollow(client) })
})
