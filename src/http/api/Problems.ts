/** Every error body of the HTTP contract: RFC 9457 problem details, `application/problem+json`. */
import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"

/** One wrong value in a request: where it stands and what is expected of it. */
const WrongValue = Schema.Struct({
  /** As in `body.max_tokens` or `header.cache-control`. */
  path: Schema.String,
  message: Schema.String
})

export class InvalidRequest extends HttpApiError.Problem<InvalidRequest>()("InvalidRequest", {
  type: "urn:understudy:problem:invalid-request",
  status: 400,
  title: "The request is not valid"
}, { errors: Schema.Array(WrongValue) }) {}

export class Unauthorized extends HttpApiError.Problem<Unauthorized>()("Unauthorized", {
  type: "urn:understudy:problem:unauthorized",
  status: 401,
  title: "A valid API key is needed"
}) {}

export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", {
  type: "urn:understudy:problem:not-found",
  status: 404,
  title: "There is nothing here"
}) {}

export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()("MethodNotAllowed", {
  type: "urn:understudy:problem:method-not-allowed",
  status: 405,
  title: "Wrong method for this path"
}) {}

export class BodyTooLarge extends HttpApiError.Problem<BodyTooLarge>()("BodyTooLarge", {
  type: "urn:understudy:problem:body-too-large",
  status: 413,
  title: "The body is too large"
}) {}

export class UnsupportedMediaType extends HttpApiError.Problem<UnsupportedMediaType>()("UnsupportedMediaType", {
  type: "urn:understudy:problem:unsupported-media-type",
  status: 415,
  title: "The body must be JSON"
}) {}

export class RequestRefused extends HttpApiError.Problem<RequestRefused>()("RequestRefused", {
  type: "urn:understudy:problem:request-refused",
  status: 422,
  title: "The AI provider refused this request"
}, { provider: Schema.String, provider_status: Schema.Int }) {}

export class RateLimited extends HttpApiError.Problem<RateLimited>()("RateLimited", {
  type: "urn:understudy:problem:rate-limited",
  status: 429,
  title: "Too many requests"
}, {
  /** Seconds until another try makes sense; the `Retry-After` header says the same. */
  retry_after: Schema.Int
}) {}

export class IdempotencyConflict extends HttpApiError.Problem<IdempotencyConflict>()("IdempotencyConflict", {
  type: "urn:understudy:problem:idempotency-conflict",
  status: 409,
  title: "The same request is still under way"
}, {
  /** Seconds until another try makes sense; the `Retry-After` header says the same. */
  retry_after: Schema.Int
}) {}

export class IdempotencyMismatch extends HttpApiError.Problem<IdempotencyMismatch>()("IdempotencyMismatch", {
  type: "urn:understudy:problem:idempotency-mismatch",
  status: 422,
  title: "This Idempotency-Key belongs to another request"
}) {}

export class InternalError extends HttpApiError.Problem<InternalError>()("InternalError", {
  type: "urn:understudy:problem:internal-error",
  status: 500,
  title: "Something went wrong on our side"
}) {}

export class Unavailable extends HttpApiError.Problem<Unavailable>()("Unavailable", {
  type: "urn:understudy:problem:unavailable",
  status: 503,
  title: "No answer, and nothing to show instead"
}, {
  /** Seconds until another try makes sense; the `Retry-After` header says the same. */
  retry_after: Schema.Int
}) {}

export class DatabaseUnavailable extends HttpApiError.Problem<DatabaseUnavailable>()("DatabaseUnavailable", {
  type: "urn:understudy:problem:database-unavailable",
  status: 503,
  title: "The database does not answer"
}, {
  /** Seconds until another try makes sense; the `Retry-After` header says the same. */
  retry_after: Schema.Int
}) {}
