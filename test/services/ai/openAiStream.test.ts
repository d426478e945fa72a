import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AiPart } from "../../../src/domain/Ai.ts"
import { maxTextKept } from "../../../src/services/ai/openAiChunks.ts"
import { makeOpenAiReader, maxEventSize } from "../../../src/services/ai/openAiStream.ts"

describe("a streamed chat completion", () => {
  it("begins with the first chunk, goes on with its text, and ends with all of it", () => {
    assert.deepStrictEqual(read(good), {
      outcome: "ended",
      parts: [
        { _tag: "Begin", model: "m" },
        { _tag: "Delta", text: "Grüße, " },
        { _tag: "Delta", text: "Welt 🌍!" },
        {
          _tag: "End",
          answer: {
            text: "Grüße, Welt 🌍!",
            model: "m",
            usage: { inputTokens: 3, outputTokens: 4 },
            isComplete: true,
            finishReason: "stop"
          }
        }
      ]
    })
  })

  it("gives a conversation the provider's frame and its own usage", () => {
    const { parts } = read(good, { isChat: true })
    assert.deepStrictEqual(parts[0], { _tag: "Begin", model: "m", frame: { system_fingerprint: "fp" } })
    assert.deepInclude(endOf(parts), { native: { usage: usageChunk.usage }, isComplete: true, finishReason: "stop" })
    assert.deepStrictEqual(parts.slice(1, 3), [
      { _tag: "Delta", text: "Grüße, " },
      { _tag: "Delta", text: "Welt 🌍!" }
    ])
  })

  it.prop(
    "is the same wherever its bytes are cut, also up to where it breaks",
    [
      Schema.Literals(["good", "crlf", "dressed", "broken", "notUtf8", "noEnd", "withTools"]),
      Schema.Boolean,
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1500 })))
    ],
    ([kind, isChat, cuts]) => {
      assert.deepStrictEqual(read(bodies[kind], { isChat, cuts }), read(bodies[kind], { isChat }))
    },
    { arbitrary: { runs: 500 } }
  )

  it("is the same byte by byte", () => {
    for (const body of Object.values(bodies)) {
      assert.deepStrictEqual(read(body, { cuts: Array.from(body, (_, n) => n) }), read(body))
    }
  })

  it("is the same with CRLF, comments, a byte order mark, retry, ids, several lines and no space", () => {
    assert.deepStrictEqual(read(crlf), read(good))
    assert.deepStrictEqual(read(dressed), read(good))
  })

  it("gives what came before it broke, and then says why", () => {
    const cases: ReadonlyArray<readonly [body: Uint8Array, detail: RegExp]> = [
      [broken, /no JSON/],
      [notUtf8, /not UTF-8/],
      [noEnd, /without a finish_reason/],
      [bytesOf(text("Grüße, "), { choices: [{ delta: { content: 42 } }] }), /content is no text/],
      [bytesOf(text("Grüße, "), { choices: "x" }), /no list/],
      [bytesOf(text("Grüße, "), { choices: [1] }), /no object/],
      [bytesOf(text("Grüße, "), [1]), /no object/],
      [bytesOf(text("Grüße, "), { error: { message: "overloaded" } }), /^it sent an error$/],
      [raw(event(text("Grüße, ")) + "event: error\ndata: {\"message\":\"x\"}\n\n"), /sent an error/],
      [bytesOf(text("Grüße, "), "[DONE]"), /without a finish_reason/],
      [bytesOf(text("Grüße, "), text("a".repeat(maxEventSize))), /larger than/],
      [raw(event(text("Grüße, ")) + "data: " + "a".repeat(maxEventSize + 100)), /larger than/]
    ]
    for (const [body, detail] of cases) {
      const { outcome, parts } = read(body)
      assert.deepStrictEqual(parts, [{ _tag: "Begin", model: "m" }, { _tag: "Delta", text: "Grüße, " }])
      assert.propertyVal(outcome, "_tag", "Malformed")
      assert.match(String(Reflect.get(Object(outcome), "detail")), detail)
    }
    assert.match(String(Reflect.get(Object(read(raw("")).outcome), "detail")), /before its first chunk/)
  })

  it("keeps the words of an error apart: they may quote the prompt", () => {
    const { outcome } = read(bytesOf({ error: { message: "flagged: my secret prompt" } }))
    assert.deepStrictEqual(outcome, { _tag: "Malformed", detail: "it sent an error", words: "words" })
  })

  it("is malformed when it is blank, or has no finish that means anything", () => {
    for (
      const body of [bytesOf(text(" \n"), finish("stop"), "[DONE]"), bytesOf(text("x"), finish("error"), "[DONE]")]
    ) {
      for (const isChat of [true, false]) assert.propertyVal(read(body, { isChat }).outcome, "_tag", "Malformed")
    }
  })

  it("is not complete without [DONE], nor where its length was cut, and nothing after [DONE] counts", () => {
    assert.deepInclude(endOf(read(bytesOf(text("x"), finish("stop"))).parts), { text: "x", isComplete: false })
    assert.deepInclude(endOf(read(bytesOf(text("x"), finish("length"), "[DONE]")).parts), { isComplete: false })
    const more = bytesOf(text("x"), finish("stop"), "[DONE]", text("y"), "garbage")
    assert.deepInclude(endOf(read(more).parts), { text: "x", isComplete: true, finishReason: "stop" })
    const unended = raw(event(text("x")) + event(finish("stop")) + "data: [DONE]")
    assert.deepInclude(endOf(read(unended).parts), { isComplete: true })
    const half = raw(event(text("x")) + event(finish("stop")) + "data: {\"choi")
    assert.deepInclude(endOf(read(half).parts), { isComplete: false })
  })

  it("keeps four million characters and passes on the rest", () => {
    const piece = "a".repeat(500_000)
    const { parts } = read(bytesOf(...Array.from({ length: 9 }, () => text(piece)), finish("stop"), "[DONE]"))
    assert.lengthOf(parts, 1 + 9 + 1)
    const answer = endOf(parts)
    assert.lengthOf(answer?.text ?? "", maxTextKept)
    assert.isFalse(answer?.isComplete)
  })

  describe("with more than text in it", () => {
    it("gives a conversation the provider's own chunks, without what the end says", () => {
      const { parts } = read(withTools, { isChat: true })
      assert.deepStrictEqual(
        parts.slice(1, 3),
        [call("{\"a\""), call(":1}")].map((chunk) => ({
          _tag: "Delta",
          text: "",
          chunk
        }))
      )
      assert.lengthOf(parts, 4)
      assert.deepInclude(endOf(parts), { text: "", isComplete: false, finishReason: "tool_calls" })
    })

    it("tells each text once, and the finish of the first choice at the end only", () => {
      const both = {
        choices: [{ index: 0, delta: { content: "x" }, logprobs: { content: [] }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1, completion_tokens: 1 }
      }
      const { parts } = read(bytesOf(both, "[DONE]"), { isChat: true })
      assert.deepStrictEqual(parts[1], {
        _tag: "Delta",
        text: "x",
        chunk: { choices: [{ index: 0, delta: { content: "x" }, logprobs: { content: [] }, finish_reason: null }] }
      })
      assert.lengthOf(parts, 3)
      assert.deepInclude(endOf(parts), {
        text: "x",
        finishReason: "stop",
        // Of the probabilities nothing would be left.
        isComplete: false,
        native: { usage: both.usage }
      })
    })

    it("keeps the other choices apart from the answer", () => {
      const second = { choices: [{ index: 1, delta: { content: "two" }, finish_reason: "stop" }] }
      const body = bytesOf(text("one"), second, finish("stop"), "[DONE]")
      const { parts } = read(body, { isChat: true })
      assert.deepStrictEqual(parts[2], { _tag: "Delta", text: "", chunk: second })
      assert.deepInclude(endOf(parts), { text: "one", isComplete: false })
    })

    it("lets a conversation hear a refusal or a filter, and rejects a prompt with it", () => {
      const refusal = (words: string) => ({ choices: [{ index: 0, delta: { refusal: words } }] })
      const refused = bytesOf(refusal("I "), refusal("won't"), finish("stop"), "[DONE]")
      assert.deepInclude(endOf(read(refused, { isChat: true }).parts), { text: "", isComplete: false })
      assert.deepStrictEqual(read(refused).outcome, { _tag: "Refused", message: "I won't" })
      const filtered = bytesOf(text("x"), finish("content_filter"), "[DONE]")
      assert.deepInclude(endOf(read(filtered, { isChat: true }).parts), { finishReason: "content_filter" })
      assert.propertyVal(read(filtered).outcome, "_tag", "Refused")
    })

    it("shows thinking as a sign of life to a prompt, and as it is to a conversation", () => {
      const thought = { choices: [{ index: 0, delta: { reasoning_content: " hm" }, finish_reason: null }] }
      const body = bytesOf(thought, text("x"), finish("stop"), "[DONE]")
      assert.deepStrictEqual(read(body).parts[1], { _tag: "Delta", text: "" })
      const { parts } = read(body, { isChat: true })
      assert.deepStrictEqual(parts[1], { _tag: "Delta", text: "", chunk: thought })
      assert.deepInclude(endOf(parts), { text: "x", isComplete: true })
    })

    it("begins with the first chunk that has a choice", () => {
      const azure = { model: "", choices: [], prompt_filter_results: [{}] }
      const { parts } = read(bytesOf(azure, text("x"), finish("stop"), "[DONE]"), { isChat: true })
      assert.deepStrictEqual(parts[0], { _tag: "Begin", model: "m" })
      const nameless = { choices: [{ index: 0, delta: { content: "x" } }] }
      assert.deepStrictEqual(read(bytesOf(nameless)).parts[0], { _tag: "Begin", model: "asked" })
    })

    it("says nothing for a chunk that says nothing, and passes on what is new in a later one", () => {
      const empty = {
        choices: [{ index: 0, delta: { content: "", tool_calls: [], reasoning: null } }],
        obfuscation: "ab"
      }
      const last = { choices: [], usage: usageChunk.usage, citations: ["https://example.org"] }
      const { parts } = read(bytesOf(text("x"), empty, finish("stop"), last, "[DONE]"), { isChat: true })
      assert.deepStrictEqual(parts.slice(1, -1), [
        { _tag: "Delta", text: "x" },
        { _tag: "Delta", text: "", chunk: { choices: [], citations: ["https://example.org"] } }
      ])
    })
  })
})

interface Reading {
  readonly isChat?: boolean
  readonly cuts?: ReadonlyArray<number>
}

const read = (body: Uint8Array, { cuts = [], isChat = false }: Reading = {}) => {
  const reader = makeOpenAiReader({ model: "asked", isChat, limits: undefined, wordsOf: () => "words" })
  const parts: Array<AiPart> = []
  const places = [...new Set([0, ...cuts.filter((cut) => cut < body.length), body.length])].sort((a, b) => a - b)
  for (const [n, place] of places.entries()) {
    reader.feed(body.subarray(place, places[n + 1] ?? body.length))
    parts.push(...reader.take())
  }
  reader.end()
  parts.push(...reader.take())
  return { outcome: reader.outcome, parts }
}

const endOf = (parts: ReadonlyArray<AiPart>) => {
  const last = parts.at(-1)
  return last?._tag === "End" ? last.answer : undefined
}

const raw = (body: string): Uint8Array => new TextEncoder().encode(body)
const event = (data: unknown): string => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`
const bytesOf = (...data: ReadonlyArray<unknown>): Uint8Array => raw(data.map(event).join(""))

const text = (content: string) => ({ model: "m", choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const finish = (reason: string) => ({ model: "m", choices: [{ index: 0, delta: {}, finish_reason: reason }] })
const call = (args: string) => ({
  model: "m",
  choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: args } }] }, finish_reason: null }]
})
const usageChunk = {
  model: "m",
  choices: [],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, completion_tokens_details: { reasoning_tokens: 1 } }
}

const chunks = [
  { ...text(""), choices: [{ index: 0, delta: { role: "assistant", content: "", refusal: null }, logprobs: null }] },
  text("Grüße, "),
  text("Welt 🌍!"),
  finish("stop"),
  usageChunk,
  "[DONE]"
].map((chunk) => typeof chunk === "string" ? chunk : { ...chunk, system_fingerprint: "fp", usage: null, ...chunk })

const good = bytesOf(...chunks)
const crlf = raw("\uFEFF" + chunks.map(event).join("").replaceAll("\n", "\r\n"))
const dressed = raw(
  chunks.map(event).map((one) =>
    `: comment\n\nretry: 3000\nid: 7\nevent: message\n${
      one.replace("data: ", "data:").replace("\"choices\"", "\ndata: \"choices\"")
    }data:\n\n`
  ).join("")
)
const broken = bytesOf(text("Grüße, "), "{\"choices\"", text("more"))
const notUtf8 = new Uint8Array([...bytesOf(text("Grüße, ")), 0xf0, 0x9f, 0x8c, 0x41, ...bytesOf(text("more"))])
const noEnd = bytesOf(text("Grüße, "))
const withTools = bytesOf(call("{\"a\""), call(":1}"), finish("tool_calls"), "[DONE]")
const bodies = { good, crlf, dressed, broken, notUtf8, noEnd, withTools }
