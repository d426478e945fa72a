/** How callbacks leave: a port of its own, so that no client without the guard is taken for it by mistake. */
import { Context, Schema } from "effect"
import type { HttpClient } from "effect/http"

/**
 * The host has no address that callbacks may go to, or none at all: the cause of a `TransportError`. Which of the two it
 * is nobody is told.
 */
export class NoPublicAddress extends Schema.TaggedError<NoPublicAddress>()("NoPublicAddress", {}) {}

/**
 * An HTTP client that connects to nothing but addresses that callbacks may go to, looks a name up once and connects to
 * just what was found, verifies certificates, follows no redirects and keeps little of a body. Time is the caller's.
 */
export class CallbackHttp extends Context.Service<CallbackHttp, HttpClient.HttpClient>()(
  "understudy/services/callbacks/CallbackHttp"
) {}
