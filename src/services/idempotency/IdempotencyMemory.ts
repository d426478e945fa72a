/** Keys of a process without a database: lost with it. */
import { Clock, Duration, Effect } from "effect"
import { maxAnswerLength } from "../../domain/Idempotency.ts"
import type { Idempotency, IdempotencyBegun, IdempotencyOptions } from "../Idempotency.ts"
import { makeBook, makeClaiming, refuse } from "./IdempotencyBook.ts"

export const makeMemory = Effect.fnUntraced(function*({ space = "", ttl = "1 day" }: IdempotencyOptions) {
  const claimOf = yield* makeClaiming(space)
  const book = makeBook(Duration.toMillis(ttl))

  const begin: Idempotency["Service"]["begin"] = Effect.fn("Idempotency.begin")(function*(request) {
    const claim = yield* claimOf(request)
    const decision = book.begin(claim, yield* Clock.currentTimeMillis)
    switch (decision._tag) {
      case "InFlight":
      case "Mismatch":
        return yield* refuse(decision)
      case "Stored": {
        const { answer } = decision
        const stored: IdempotencyBegun = {
          _tag: "Stored",
          answer,
          discard: Effect.sync(() => book.discard(claim, answer))
        }
        return stored
      }
      case "Start": {
        book.confirm(claim)
        let isEnded = false
        const once = (end: (now: number) => void) =>
          Effect.clockWith((clock) =>
            Effect.sync(() => {
              if (!isEnded) end(clock.currentTimeMillisUnsafe())
              isEnded = true
            })
          )
        const attempt: IdempotencyBegun = {
          _tag: "Started",
          complete: (answer) =>
            once((now) => answer.length > maxAnswerLength ? book.release(claim) : book.complete(claim, answer, now)),
          abandon: once(() => book.release(claim))
        }
        return attempt
      }
    }
  }, Effect.uninterruptible)

  return {
    begin,
    erase: (namespace: Parameters<Idempotency["Service"]["erase"]>[0]) => Effect.sync(() => book.erase(namespace))
  }
})
