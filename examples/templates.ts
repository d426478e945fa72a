/** The last rung alone: a template filled in from the prompt, when there is nothing else to show. Run: node examples/templates.ts */
import { Console, Effect, Layer, Option, Result } from "effect"
import { defaultNamespace, parseTemplate, Templates } from "understudy"

const press = `---
content_type: press_release
locale: en
title: "[Organisation]: {{subject}}"
---

# {{title}}

**[City, date]** – [The news about {{subject}}, in one sentence.]
`

const anything = `---
title: "{{subject}}"
---

# {{title}}

[What is this about, and for whom?]
`

/** The first argument names the template, as a file's name would. A folder of files: `Templates.layerDirectory`. */
const Chosen = Layer.unwrap(
  Effect.fromResult(
    Result.map(
      Result.all([parseTemplate("press-release.md", press), parseTemplate("generic.md", anything)]),
      Templates.layerList
    )
  )
)

const program = Effect.gen(function*() {
  const templates = yield* Templates
  const show = Effect.fn(function*(prompt: string, contentType?: string) {
    const rendered = yield* templates.render({ namespace: defaultNamespace, prompt, contentType })
    yield* Console.log(Option.match(rendered, {
      onNone: () => "no template at all",
      onSome: ({ name, text }) => `--- ${name} ---\n${text}`
    }))
  })
  yield* show("Write a press release about our new tram line", "press_release")
  yield* show("Write something about rye bread")
}).pipe(Effect.provide(Chosen), Effect.catchTag("TemplateInvalid", ({ message }) => Console.log(message)))

await Effect.runPromise(program)
