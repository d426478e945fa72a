/** Every error body of the HTTP contract: RFC 9457 problem details, `application/problem+json`. */
import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"

/** One wrong value in a request: where it stands and what is expected of it. */
const WrongValue = Schema.Struct({
  /** As in `body.max_tokens` or `header.cache-control`. */
  path: Schema.String,
  message: Schema.String
})

/** 400: `errors` names each wrong field by its path. */
export class InvalidRequest extends HttpApiError.Problem<InvalidRequest>()("InvalidRequest", {
  type: "urn:understudy:problem:invalid-request",
  status: 400,
  title: "The request is not valid"
}, { errors: Schema.Array(WrongValue) }) {}

/** 401: keys are configured, and the request has none of them. */
export class Unauthorized extends HttpApiError.Problem<Unauthorized>()("Unauthorized", {
  type: "urn:understudy:problem:unauthorized",
  status: 401,
  title: "A valid API key is needed"
}) {}

/** 404: no such path, or nothing of that name in the caller's namespace. */
export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", {
  type: "urn:understudy:problem:not-found",
  status: 404,
  title: "There is nothing here"
}) {}

/** 405: the header `Allow` has the others. */
export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()("MethodNotAllowed", {
  type: "urn:understudy:problem:method-not-allowed",
  status: 405,
  title: "Wrong method for this path"
}) {}

/** 413. */
export class BodyTooLarge extends HttpApiError.Problem<BodyTooLarge>()("BodyTooLarge", {
  type: "urn:understudy:problem:body-too-large",
  status: 413,
  title: "The body is too large"
}) {}

/** 415. */
export class UnsupportedMediaType extends HttpApiError.Problem<UnsupportedMediaType>()("UnsupportedMediaType", {
  type: "urn:understudy:problem:unsupported-media-type",
  status: 415,
  title: "The body must be JSON"
}) {}

/** 422: the provider refused this request, and the user must hear why. */
export class RequestRefused extends HttpApiError.Problem<RequestRefused>()("RequestRefused", {
  type: "urn:understudy:problem:request-refused",
  status: 422,
  title: "The AI provider refused this request"
}, { provider: Schema.String, provider_status: Schema.Int }) {}

/** 429: the caller's own limits, never the provider's. */
export class RateLimited extends HttpApiError.Problem<RateLimited>()("RateLimited", {
  type: "urn:understudy:problem:rate-limited",
  status: 429,
  title: "Too many requests"
}, {
  /** Seconds until another try makes sense; the `Retry-After` header says the same. */
  retry_after: Schema.Int
}) {}

/** 409: trying again helps, after `retry_after` seconds. */
export class IdempotencyConflict extends HttpApiError.Problem<IdempotencyConflict>()("IdempotencyConflict", {
  type: "urn:understudy:problem:idempotency-conflict",
  status: 409,
  title: "The same request is still under way"
}, {
  /** Seconds until another try makes sense; the `Retry-After` header says the same. */
  retry_after: Schema.Int
}) {}

/** 422: another request has this key. */
export class IdempotencyMismatch extends HttpApiError.Problem<IdempotencyMismatch>()("IdempotencyMismatch", {
  type: "urn:understudy:problem:idempotency-mismatch",
  status: 422,
  title: "This Idempotency-Key belongs to another request"
}) {}

/** 500: a bug; the log has it. */
export class InternalError extends HttpApiError.Problem<InternalError>()("InternalError", {
  type: "urn:understudy:problem:internal-error",
  status: 500,
  title: "Something went wrong on our side"
}) {}

/** 503: every rung is empty. `retry_after` is in seconds. */
export class Unavailable extends HttpApiError.Problem<Unavailable>()("Unavailable", {
  type: "urn:understudy:problem:unavailable",
  status: 503,
  title: "No answer, and nothing to show instead"
}, {
  /** Seconds until another try makes sense; the `Retry-After` header says the same. */
  retry_after: Schema.Int
}) {}

/** 503: it is not certain that anything was changed; doing it twice does no harm. */
export class DatabaseUnavailable extends HttpApiError.Problem<DatabaseUnavailable>()("DatabaseUnavailable", {
  type: "urn:understudy:problem:database-unavailable",
  status: 503,
  title: "The database does not answer"
}, {
  /** Seconds until another try makes sense; the `Retry-After` header says the same. */
  retry_after: Schema.Int
}) {}
