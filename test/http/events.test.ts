/** Answers in events: whatever text they hold, it arrives as it was. */
import { assert, describe, it } from "@effect/vitest"
import { Predicate, Schema } from "effect"
import type { LiveGeneration, StreamPart } from "../../src/domain/Generation.ts"
import { GenerationId } from "../../src/domain/Generation.ts"
import { chatEvents } from "../../src/http/handlers/answers/chatAnswers.ts"
import { generateEvents } from "../../src/http/handlers/answers/generateEvents.ts"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Json))

/** What arrives as data; fails on anything that is no whole event. */
const dataIn = (written: string): ReadonlyArray<unknown> =>
  written.split("\n\n").slice(0, -1).map((block) => {
    const [, data] = /^(?:event: \w+\n)?data: ([^\r\n]+)$/.exec(block) ?? []
    return data === "[DONE]" ? data : decode(data)
  })

const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce(
    (inner, key) => (Predicate.isObject(inner) || Array.isArray(inner) ? Reflect.get(inner, key) : undefined),
    value
  )

const Texts = Schema.Array(
  Schema.Union([Schema.String, Schema.Literals(["\0", "\n\n", "data: [DONE]", "\u2028", "\\"])])
)
const Model = Schema.Union([Schema.String, Schema.Literals(["\0", "\"\\u0000\""])])

describe("an answer in events", () => {
  it.prop("arrives as it was, in any pieces and from any model", [Texts, Texts, Model], ([one, other, model]) => {
    const text = [...one, ...other].join("")
    const live = { source: "live", id: GenerationId.make("gen_1"), attempts: 1, provider: "p", model } as const
    const generation: LiveGeneration = { ...live, text, usage: undefined, isRemembered: false, finishReason: "stop" }
    const deltas = (texts: ReadonlyArray<string>) => texts.map((text): StreamPart => ({ _tag: "Delta", text }))
    const batches = [deltas(one), [...deltas(other), { _tag: "End", generation } as const]]

    const chat = chatEvents({ ...live, frame: { system_fingerprint: model } }, { created: 1, includeUsage: true })
    const chunks = dataIn(chat.start + batches.map(chat.parts).join(""))
    assert.strictEqual(chunks.at(-1), "[DONE]")
    assert.strictEqual(chunks.map((chunk) => at(chunk, "choices", "0", "delta", "content") ?? "").join(""), text)
    assert.isTrue(chunks.slice(0, -1).every((chunk) => at(chunk, "model") === model))

    const plain = generateEvents(live)
    const events = dataIn(plain.start + batches.map(plain.parts).join(""))
    assert.strictEqual(events.slice(1, -1).map((event) => at(event, "text")).join(""), text)
    assert.strictEqual(at(events.at(-1), "text"), text)
  }, { arbitrary: { runs: 300 } })
})
