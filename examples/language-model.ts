/** An effect/ai program made resilient by one layer: text, tools and a stream. Run: node examples/language-model.ts */
import { Console, Effect, Layer, Option, Result, Schema, Stream } from "effect"
import { AiError, LanguageModel, Tool, Toolkit } from "effect/ai"
import { parseTemplate, Understudy } from "understudy"

/** Stands for the layer of a provider's package. It answers twice, and is down from then on. */
const Model = Layer.effect(
  LanguageModel.LanguageModel,
  Effect.suspend(() => {
    let calls = 0
    const usage = { inputTokens: { total: 12 }, outputTokens: { total: 9 } }
    const down = AiError.make({
      module: "Acme",
      method: "generateText",
      reason: new AiError.InternalProviderError({ description: "status 503" })
    })
    return LanguageModel.make({
      generateText: ({ tools }) =>
        Effect.suspend(() => {
          calls += 1
          if (calls > 2) return Effect.fail(down)
          return Effect.succeed(
            tools.length === 0
              ? [{ type: "text", text: "A starter is flour, water and time." }, {
                type: "finish",
                reason: "stop",
                usage
              }]
              : [
                { type: "tool-call", id: "1", name: "Stock", params: { item: "rye flour" } },
                { type: "finish", reason: "tool-calls", usage }
              ]
          )
        }),
      streamText: () => Stream.fail(down)
    })
  })
)

/** The one layer. Options: its circuit, limits, times, templates, and whose answers may stand in. */
const Resilient = Understudy.layerLanguageModel(Model, {
  name: "acme",
  retryBaseDelay: "100 millis",
  templates: [
    Result.getOrThrow(
      parseTemplate("draft.md", "---\ncontent_type: generic\ntitle: About {{subject}}\n---\n\n# {{title}}\n")
    )
  ]
})

const toolkit = Toolkit.make(
  Tool.make("Stock", { parameters: Schema.Struct({ item: Schema.String }), success: Schema.Finite })
)
const Handlers = toolkit.toLayer({ Stock: ({ item }) => Effect.as(Console.log(`looking for ${item}`), 4) })

/** From here on there is nothing of Understudy but the word where an answer comes from. */
const program = Effect.gen(function*() {
  const say = (provenance: Option.Option<Understudy.ModelProvenance>, text: string) =>
    Console.log(`${Option.getOrThrow(provenance).source}: ${text}`)

  const first = yield* LanguageModel.generateText({ prompt: "Write about sourdough starters" })
  yield* say(Understudy.provenance(first.content), first.text)

  const stock = yield* LanguageModel.generateText({ prompt: "Is there rye flour?", toolkit })
  yield* say(Understudy.provenance(stock.content), `${stock.toolResults[0]?.result} bags`)

  // The model is down. Other words for the same wish find the earlier answer; what is new gets a template.
  const again = yield* LanguageModel.generateText({ prompt: "Please write on sourdough starters" })
  yield* say(Understudy.provenance(again.content), again.text)

  const parts = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Write about folding bicycles" }))
  const text = parts.map((part) => part.type === "text-delta" ? part.delta : "").join("")
  yield* say(Understudy.provenance(parts), text.split("\n\n").at(-1)?.trim() ?? "")
}).pipe(Effect.catchTag("AiError", (error) => Console.log(`Nothing to show: ${error.message}`)))

await Effect.runPromise(Effect.provide(program, Layer.merge(Resilient, Handlers)))
