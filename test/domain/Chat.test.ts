/** What of a conversation is the prompt, what its context, and which ones are more than text. */
import { assert, describe, it } from "@effect/vitest"
import { type JsonObject, maxTokensOf, readChat } from "../../src/domain/Chat.ts"

const user = (content: JsonObject[string]) => ({ role: "user", content })
const system = { role: "system", content: "Be brief" }

const read = (messages: ReadonlyArray<JsonObject & { readonly role: string }>, more: JsonObject = {}) =>
  readChat({ model: "m", messages, ...more }, messages)

describe("a single message", () => {
  it("is a prompt without a context, as one of POST /generate, however its text is written", () => {
    const parts = user([{ type: "text", text: "Write about" }, { type: "text", text: "tea" }])
    assert.deepInclude(read([user("Write about tea")]), { prompt: "Write about tea", context: "" })
    assert.deepInclude(read([parts]), { prompt: "Write about\ntea", context: "" })
  })

  it("stays one with parameters that say how to write and not what, and with those that ask for nothing", () => {
    const neutral = {
      temperature: 0.2,
      top_p: 0.9,
      seed: 7,
      max_tokens: 20,
      max_completion_tokens: 30,
      user: "u",
      metadata: { a: "b" },
      stream: true,
      stream_options: { include_usage: true },
      n: 1,
      response_format: { type: "text" },
      tools: [],
      tool_choice: "none",
      logprobs: false,
      modalities: ["text"],
      stop: null
    }
    const { chat, context } = read([user("Write about tea")], neutral)
    assert.strictEqual(context, "")
    assert.isTrue(chat.isTextOnly)
  })

  it("has a context with parameters that nobody here knows: they may change what the answer says", () => {
    const strict = read([user("Tea")], { stop: ["\n"], house_style: "strict" })
    assert.isTrue(strict.chat.isTextOnly)
    assert.notStrictEqual(strict.context, "")
    assert.notStrictEqual(strict.context, read([user("Tea")], { stop: ["\n"], house_style: "loose" }).context)
    assert.strictEqual(
      strict.context,
      read([user("Tea")], { house_style: "strict", stop: ["\n"] }).context,
      "in any order"
    )
  })
})

describe("a conversation", () => {
  it("asks by its last message, in the context of all others", () => {
    const tea = read([system, user("Write about tea")])
    assert.strictEqual(tea.prompt, "Write about tea")
    assert.isTrue(tea.chat.isTextOnly)
    assert.notStrictEqual(tea.context, "")
    assert.strictEqual(tea.context, read([system, user("Write about coffee")]).context)
    assert.notStrictEqual(tea.context, read([{ ...system, content: "Be long" }, user("Write about tea")]).context)
    assert.notStrictEqual(tea.context, read([{ ...system, role: "user" }, user("Write about tea")]).context)
    assert.notStrictEqual(tea.context, read([system, { ...user("Write about tea"), name: "Ann" }]).context)
  })

  it("reads the same turns alike, as a text or in parts", () => {
    const parts = { role: "system", content: [{ type: "text", text: "Be brief" }] }
    assert.strictEqual(read([system, user("Tea")]).context, read([parts, user("Tea")]).context)
  })

  it("is the same with the fields of an answer that say nothing, as whoever echoes one has them", () => {
    const said = { role: "assistant", content: "Tea is a drink." }
    const echoed = { ...said, refusal: null, annotations: [], tool_calls: [], audio: null, reasoning_content: "" }
    const { chat, context } = read([user("Tea"), echoed, user("Shorter")])
    assert.isTrue(chat.isTextOnly)
    assert.strictEqual(context, read([user("Tea"), said, user("Shorter")]).context)
    assert.isFalse(
      read([user("Tea"), { ...said, annotations: [{ type: "url_citation" }] }, user("Shorter")]).chat.isTextOnly
    )
  })

  it("is none the more for how tools are to be used when there are none", () => {
    const idle = read([user("Tea")], { tool_choice: "auto", parallel_tool_calls: false, function_call: "auto" })
    assert.isTrue(idle.chat.isTextOnly)
    assert.strictEqual(idle.context, "")
  })

  it("is one text for a provider that takes a prompt", () => {
    const said = { role: "assistant", content: "Tea is a drink." }
    assert.strictEqual(
      read([system, user("Write about tea"), said, user("Shorter")]).chat.transcript,
      "system: Be brief\n\nuser: Write about tea\n\nassistant: Tea is a drink.\n\nuser: Shorter"
    )
    assert.strictEqual(read([user("Write about tea")]).chat.transcript, "Write about tea")
  })

  it("is passed on as it came, but for what is ours to say", () => {
    const messages = [user("Tea")]
    const body = { messages, temperature: 0.5, unheard_of: { deep: [1, null] } }
    assert.deepStrictEqual(read(messages, { stream: true, stream_options: {}, ...body }).chat.body, body)
  })
})

describe("more than text", () => {
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }
  const tool = { type: "function", function: { name: "look_up" } }
  const called = { role: "assistant", content: null, tool_calls: [{ id: "1", type: "function" }] }
  const cases: Record<string, ReturnType<typeof read>> = {
    "an image": read([user([{ type: "text", text: "What is this?" }, image])]),
    "an image in an earlier turn": read([user([image]), { role: "assistant", content: "Tea" }, user("Sure?")]),
    "tools": read([user("Tea")], { tools: [tool] }),
    "functions": read([user("Tea")], { functions: [{ name: "look_up" }] }),
    "the answer of a tool": read([user("Tea"), called, { role: "tool", content: "42", tool_call_id: "1" }]),
    "a JSON schema": read([user("Tea")], { response_format: { type: "json_schema", json_schema: { name: "tea" } } }),
    "a JSON object": read([user("Tea")], { response_format: { type: "json_object" } }),
    "several answers": read([user("Tea")], { n: 2 }),
    "probabilities": read([user("Tea")], { logprobs: true }),
    "speech": read([user("Tea")], { modalities: ["text", "audio"], audio: { voice: "a", format: "wav" } }),
    "a last word that is not the user's": read([user("Tea"), { role: "assistant", content: "Tea is" }]),
    "nothing at all": read([user(" ")]),
    "a very long prompt": read([user("x".repeat(200_001))])
  }

  for (const [what, { chat, prompt }] of Object.entries(cases)) {
    it(`${what}: nothing similar stands in for it`, () => assert.isFalse(chat.isTextOnly))
    it(`${what}: its context says everything, and there is no prompt to compare`, () => assert.strictEqual(prompt, ""))
  }

  it("has everything in its context, so that only the very same is the same", () => {
    const one = read([user("Tea")], { tools: [tool] })
    assert.strictEqual(
      one.context,
      read([user("Tea")], { tools: [{ function: { name: "look_up" }, type: "function" }] }).context
    )
    assert.notStrictEqual(one.context, read([user("tea")], { tools: [tool] }).context)
    assert.notStrictEqual(one.context, read([user("Tea")], { tools: [tool, tool] }).context)
    assert.notStrictEqual(one.context, read([user("Tea")]).context)
  })
})

it("the limits count a request by the bound that it names, and by a usual one when it names none", () => {
  assert.strictEqual(maxTokensOf({ max_tokens: 20 }), 20)
  assert.strictEqual(maxTokensOf({ max_tokens: 20, max_completion_tokens: 30 }), 30)
  for (const max_tokens of [null, 0, -1, 1.5, "20"]) assert.strictEqual(maxTokensOf({ max_tokens }), 1_024)
  assert.strictEqual(maxTokensOf({}), 1_024)
})
