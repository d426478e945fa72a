/** What the queue's own fibers say, in words for an operator: they cry twice a second with every cause there is. */
import { Cause, Duration, Effect, Layer, Logger } from "effect"

const oncePer = Duration.toMillis("1 minute")

/** Instead of all they say one line a minute, without the stacks. */
export const layerQuiet: Layer.Layer<never> = Layer.effect(
  Logger.CurrentLoggers,
  Effect.map(Logger.CurrentLoggers, (loggers) => {
    let saidAt = Number.NEGATIVE_INFINITY
    const quiet = Logger.make((said) => {
      const now = said.date.getTime()
      if (now - saidAt < oncePer) return
      saidAt = now
      const message = ["the queues of jobs wait for the database, which does not answer as it should"]
      for (const logger of loggers) logger.log({ ...said, message, cause: Cause.empty })
    })
    return new Set([quiet])
  })
)
