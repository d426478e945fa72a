/** TEMPORARY, until the real layers of `Jobs` and `CallbackSender` are there: no jobs are to be had. */
import { Effect, Layer, Stream } from "effect"
import { StoreUnavailable } from "../domain/errors.ts"
import { CallbackSender } from "../services/CallbackSender.ts"
import { Jobs } from "../services/Jobs.ts"

const away = Effect.suspend(() => Effect.fail(new StoreUnavailable({ operation: "Jobs", cause: "not there yet" })))

export const temporaryJobs = Layer.mergeAll(
  Layer.succeed(Jobs, {
    submit: () => away,
    get: () => away,
    list: () => away,
    cancel: () => away,
    sendAgain: () => away,
    watch: () => Stream.empty,
    erase: () => Effect.succeed(0)
  }),
  Layer.succeed(CallbackSender, { refusalOf: () => undefined, send: () => Effect.void })
)
