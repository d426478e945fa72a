/** Joins lookups that come at the same time into one request. */
import { Duration, Effect, Exit, Request, RequestResolver } from "effect"
import type { EmbeddingFailed } from "../../domain/errors.ts"
import { batchesOf, type BatchLimits } from "../../domain/similarity/Embedding.ts"
import { failedAs } from "./EmbedderApi.ts"

class EmbedText extends Request.TaggedClass("EmbedText")<{ readonly text: string }, Float32Array, EmbeddingFailed> {}

type Waiting = ReadonlyArray<Request.Entry<EmbedText>>

interface GatheringOptions {
  readonly name: string
  readonly limits: BatchLimits
  /** How long a lookup waits for others to go with it; five times as long while two requests are under way. */
  readonly gather: Duration.Duration
  /** One request, bounded in time: it runs on when those who wait for it have left. */
  readonly request: (texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Float32Array>, EmbeddingFailed>
}

export const makeGathering = (
  { gather, limits, name, request }: GatheringOptions
): (text: string) => Effect.Effect<Float32Array, EmbeddingFailed> => {
  const failed = failedAs(name)
  const busyGather = Duration.times(gather, 5)
  let running = 0

  const counted = (self: Effect.Effect<void>): Effect.Effect<void> =>
    Effect.acquireUseRelease(
      Effect.sync(() => void (running += 1)),
      () => self,
      () => Effect.sync(() => void (running -= 1))
    )

  /**
   * Those who wait have nothing to do with each other, so a text that the endpoint refuses must not cost the others
   * their vectors: a refused group is asked again in halves.
   */
  const serve = (group: ReadonlyArray<readonly [text: string, waiting: Waiting]>): Effect.Effect<void> =>
    Effect.matchEffect(request(group.map(([text]) => text)), {
      onFailure: (error) => {
        if (error.reason !== "rejected" || group.length < 2) {
          return Effect.sync(() => group.forEach(([, waiting]) => complete(waiting, Exit.fail(error))))
        }
        const middle = Math.ceil(group.length / 2)
        return Effect.forEach([group.slice(0, middle), group.slice(middle)], serve, { concurrency: 2, discard: true })
      },
      onSuccess: (vectors) =>
        Effect.sync(() =>
          group.forEach(([, waiting], index) => {
            const vector = vectors[index]
            complete(
              waiting,
              vector === undefined ? Exit.fail(failed("malformed", "a text has no embedding")) : Exit.succeed(vector)
            )
          })
        )
    })

  const resolver = RequestResolver.make<EmbedText>((entries) => {
    const byText = Map.groupBy(entries, (entry) => entry.request.text)
    return counted(Effect.forEach(
      batchesOf([...byText.keys()], limits),
      (texts) => serve(texts.map((text) => [text, byText.get(text) ?? []])),
      { concurrency: "unbounded", discard: true }
    ))
  }).pipe(RequestResolver.setDelayEffect(Effect.suspend(() => Effect.sleep(running < 2 ? gather : busyGather))))

  return (text) => Effect.request(new EmbedText({ text }), resolver)
}

const complete = (waiting: Waiting, exit: Exit.Exit<Float32Array, EmbeddingFailed>): void => {
  for (const entry of waiting) entry.completeUnsafe(exit)
}
