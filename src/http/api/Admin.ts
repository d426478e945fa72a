/** For operators with an admin key: look at the circuits, and take them in hand. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { AdminAuthorization, needsKey } from "./Authorization.ts"
import { BodyTooLarge, InternalError, InvalidRequest, NotFound, UnsupportedMediaType } from "./Problems.ts"

const CircuitStatus = Schema.Struct({
  key: Schema.String.annotate({ description: "The provider's name, or the embedder's after `embedder:`" }),
  state: Schema.Literals(["closed", "open", "half_open", "forced_open", "forced_closed"]),
  since: Schema.String.annotate({ description: "When it came into this state, ISO 8601" }),
  remaining_seconds: Schema.Finite.annotate({ description: "Until an open circuit lets a probe through; else 0" }),
  openings: Schema.Int.annotate({ description: "Consecutive openings, which the backoff goes by" }),
  recent_failures: Schema.Array(Schema.Struct({ at: Schema.String, reason: Schema.String }))
})
/** A circuit, as an operator sees it. */
export type CircuitStatus = typeof CircuitStatus.Type

/** What an operator tells a circuit. */
export const CircuitCommand = Schema.Struct({
  action: Schema.Literals(["force-open", "force-close", "reset"]).annotate({
    description:
      "force-open: nothing passes until reset. force-close: everything passes, and outcomes change nothing. " +
      "reset: closed, with nothing counted"
  })
}).annotate({ identifier: "CircuitCommand" })

/** The endpoints for circuits. */
export class AdminApi extends HttpApiGroup.make("admin").add(
  HttpApiEndpoint.get("circuits", "/admin/circuits", {
    success: Schema.Struct({ circuits: Schema.Array(CircuitStatus) }),
    error: InternalError
  }).annotateMerge(OpenApi.annotations({ summary: "The circuits" })).annotateMerge(needsKey),
  HttpApiEndpoint.post("controlCircuit", "/admin/circuits/:key", {
    params: { key: Schema.String },
    payload: CircuitCommand,
    success: CircuitStatus,
    error: [InvalidRequest, NotFound, BodyTooLarge, UnsupportedMediaType, InternalError]
  }).annotateMerge(OpenApi.annotations({ summary: "Force a circuit open or closed, or reset it" }))
    .annotateMerge(needsKey)
).middleware(AdminAuthorization) {}
