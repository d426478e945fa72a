/** What holds for every conversation that can be sent. */
import { assert, describe, it } from "@effect/vitest"
import { Predicate, Schema } from "effect"
import { type ChatMessage, type JsonObject, maxTokensOf, readChat } from "../../src/domain/Chat.ts"

const Others = Schema.Record(Schema.String, Schema.Json)
const Message = Schema.StructWithRest(Schema.Struct({ role: Schema.String }), [Others])
const Spoken = Schema.Struct({
  role: Schema.Literals(["system", "developer", "user", "assistant"]),
  content: Schema.Union([
    Schema.String,
    Schema.Array(Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }))
  ])
})
const Messages = Schema.Array(Schema.Union([Spoken, Message])).check(Schema.isMinLength(1), Schema.isMaxLength(5))
const runs = { arbitrary: { runs: 300 } }

const read = (messages: ReadonlyArray<ChatMessage>, more: JsonObject = {}) =>
  readChat({ ...more, messages: [...messages] }, messages)

/** The same with the keys of every object the other way round. */
const turned = (value: Schema.Json): Schema.Json => {
  if (Array.isArray(value)) return value.map(turned)
  return Predicate.isObject(value) ? turnedObject(value) : value
}
const turnedObject = (value: object): JsonObject =>
  Object.fromEntries(Object.entries(value).toReversed().map(([key, inner]) => [key, turned(inner)]))

describe("any conversation", () => {
  it.prop("is read, and passed on as it came", [Messages, Others], ([messages, more]) => {
    const request = { ...more, messages: [...messages], stream: true, model: "m" }
    const { chat, context, prompt } = readChat(request, messages)
    const { model: _, stream: __, stream_options: ___, ...passedOn } = request as JsonObject
    assert.deepStrictEqual(chat.body, passedOn)
    assert.include(chat.transcript, prompt)
    assert.isString(context)
    if (!chat.isTextOnly) assert.notStrictEqual(context, "", "nothing else stands in for it")
    assert.isAtLeast(maxTokensOf(request), 1)
    assert.isAtMost(maxTokensOf(request), 1_000_000)
  }, runs)

  it.prop("is the same with its keys in another order", [Messages, Others], ([messages, more]) => {
    const others = messages.map((message) => ({ ...turnedObject(message), role: message.role }))
    const [one, other] = [read(messages, more), read(others, turnedObject(more))]
    assert.deepStrictEqual([other.prompt, other.context], [one.prompt, one.context])
    assert.strictEqual(other.chat.isTextOnly, one.chat.isTextOnly)
  }, runs)

  it.prop(
    "is another one with another earlier turn, instruction or unknown parameter",
    [Schema.Array(Spoken), Schema.String, Schema.String, Schema.Json],
    ([earlier, one, other, json]) => {
      const tea = { role: "user", content: "Tea" }
      const said = (text: string) => read([...earlier, { role: "assistant", content: text }, tea]).context
      assert.strictEqual(said(one) === said(other), one === other)
      if (json !== null) assert.notStrictEqual(read([tea], { house_style: json }).context, read([tea]).context)
    },
    runs
  )
})

describe("names that objects have by themselves", () => {
  const parsed = Schema.decodeUnknownSync(Schema.fromJsonString(Others))
  const tea = { role: "user", content: "Tea" }

  it("are parameters like any other", () => {
    const contexts = ["__proto__", "constructor", "toString", "toJSON", "hasOwnProperty", "then"].map((name) => {
      const request = parsed(`{"${name}":{"stream":true},"messages":[]}`)
      const { chat, context } = readChat(request, [tea])
      assert.deepStrictEqual(Object.keys(chat.body).sort(), [name, "messages"].sort())
      assert.include(JSON.stringify(chat.body), `"${name}":{"stream":true}`)
      return context
    })
    assert.strictEqual(new Set([...contexts, read([tea]).context]).size, contexts.length + 1)
  })
})

describe("the longest request", () => {
  const most = 20 * 1024 * 1024
  const words = "tea and ".repeat(most / 8)
  const nested = (levels: number): Schema.Json => levels === 0 ? 1 : [{ a: nested(levels - 1) }]
  const cases: Record<string, () => unknown> = {
    "a text": () => read([{ role: "user", content: words }]),
    "an instruction": () => read([{ role: "system", content: words }, { role: "user", content: "Tea" }]),
    "a parameter": () => read([{ role: "user", content: "Tea" }], { house_style: words }),
    "messages": () => read(Array.from({ length: 30_000 }, () => ({ role: "user", content: "Tea" }))),
    "parts": () =>
      read([{ role: "user", content: Array.from({ length: 30_000 }, () => ({ type: "text", text: "Tea" })) }]),
    "names": () =>
      read(
        [{ role: "user", content: "Tea" }],
        Object.fromEntries(Array.from({ length: 90_000 }, (_, n) => [`${n}x`, n]))
      ),
    "the deepest": () => read([{ role: "user", content: "Tea" }], { tools: nested(100), house_style: nested(100) })
  }
  for (const [what, look] of Object.entries(cases)) {
    it(`${what}: is read in linear time`, () => {
      const before = performance.now()
      look()
      // A second would be much; what is quadratic would take hours.
      assert.isBelow(performance.now() - before, 5_000)
    })
  }
})
