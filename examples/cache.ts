/** The fallback cache around any generator: when it fails, the closest earlier answer. Run: node examples/cache.ts */
import { Console, Data, Effect, Layer } from "effect"
import { defaultNamespace, Embedder, FallbackCache, fallbackCacheLayerMemory } from "understudy"

class ModelDown extends Data.TaggedError("ModelDown") {}
class Refused extends Data.TaggedError("Refused") {}

let isDown = false
/** Any effect that makes a text: your own client, a `LanguageModel` of `effect/ai`, a tool. */
const generate = (
  prompt: string
): Effect.Effect<{ readonly text: string; readonly model: string }, ModelDown | Refused> =>
  isDown ? Effect.fail(new ModelDown()) : Effect.succeed({ text: `Feed it daily. (${prompt})`, model: "baker-1" })

const withCache = (prompt: string) =>
  generate(prompt).pipe(
    // A refusal is for its asker to hear: nothing stands in for it.
    FallbackCache.around({ namespace: defaultNamespace, prompt, locale: "en" }, (error) => error._tag === "ModelDown")
  )

const show = (prompt: string) =>
  withCache(prompt).pipe(
    Effect.flatMap((answer) =>
      Console.log(
        answer.source === "live"
          ? `live: ${answer.text}`
          : `${answer.source}, ${answer.match} (${
            answer.similarity.toFixed(2)
          }), for ${answer.error._tag}: ${answer.text}`
      )
    ),
    Effect.catch((error) => Console.log(`nothing: ${error._tag}`))
  )

const program = Effect.gen(function*() {
  yield* show("Write a blog post about sourdough starters")
  // Answers are stored off the path of those who wait for them.
  yield* Effect.sleep("1 second")
  isDown = true
  yield* show("Write a blog post about sourdough starters")
  yield* show("Could you draft an article on sourdough starters, please?")
  yield* show("Write a blog post about rye bread")
})

await Effect.runPromise(
  Effect.provide(program, Layer.provide(fallbackCacheLayerMemory({ minSimilarity: 0.7 }), Embedder.layerLocal))
)
