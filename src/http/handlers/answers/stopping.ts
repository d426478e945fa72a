/** Tells those who wait for nothing of ours that the service is about to stop. */
import { Context, Effect } from "effect"

/** Ends when the service begins to stop. Whoever only looks on leaves then, so that the stop need not wait for it. */
export const Stopping = Context.Reference<Effect.Effect<void>>("understudy/http/Stopping", {
  defaultValue: () => Effect.never
})
