import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { type Generation, GenerationId, type StreamPart, type StreamStart } from "../../src/domain/Generation.ts"
import { generationCodec, makeRecording, streamCodec } from "../../src/domain/RecordedAnswer.ts"

const id = GenerationId.make("gen_1")

const live: Generation = {
  source: "live",
  id,
  text: "Hello \0 \ud800 🙂",
  attempts: 2,
  provider: "p",
  model: "m",
  usage: { inputTokens: 1, outputTokens: 2 },
  isRemembered: true,
  finishReason: "stop",
  native: { completion: { id: "c", choices: [{ index: 0, message: null }] }, usage: { prompt_tokens: 1 } }
}

const generations: ReadonlyArray<Generation> = [
  live,
  { ...live, usage: undefined, native: undefined, isRemembered: false },
  {
    source: "cache",
    id,
    text: "t",
    attempts: 0,
    model: "m",
    usage: undefined,
    reason: "timeout",
    match: "similar",
    similarity: 0.9312,
    ageMillis: 12.5
  },
  { source: "template", id, text: "t", attempts: 1, template: "generic", reason: "circuit_open" }
]

const start: StreamStart = { source: "live", id, attempts: 1, provider: "p", model: "m", frame: { created: 7 } }
const end: StreamPart = { _tag: "End", generation: live }

describe("an answer that is kept", () => {
  it("comes back as it was, whatever its source", () => {
    for (const generation of generations) {
      const back = Option.flatMap(generationCodec.encode(generation), generationCodec.decode)
      assert.deepEqual(withoutUndefined(Option.getOrThrow(back)), withoutUndefined(generation))
    }
  })

  it("is none when the text is something else", () => {
    for (
      const text of [
        "",
        "{}",
        "null",
        "{\"source\":\"live\"}",
        Option.getOrThrow(streamCodec.encode({ start, parts: [end] }))
      ]
    ) {
      assert.isTrue(Option.isNone(generationCodec.decode(text)), text)
    }
    assert.isTrue(Option.isNone(streamCodec.decode(Option.getOrThrow(generationCodec.encode(live)))))
  })
})

describe("a stream that is kept", () => {
  it("has its adjacent texts as one, and the provider's chunks as they were", () => {
    const recording = makeRecording(start)
    const chunk = { choices: [{ delta: { tool_calls: [] } }] }
    for (const text of ["a", "", "b"]) recording.add({ _tag: "Delta", text })
    recording.add({ _tag: "Delta", text: "", chunk })
    recording.add({ _tag: "Delta", text: "c", chunk })
    for (const text of ["d", "e"]) recording.add({ _tag: "Delta", text })
    const recorded = Option.getOrThrow(recording.end(live))
    assert.deepStrictEqual(recorded.parts, [
      { _tag: "Delta", text: "ab" },
      { _tag: "Delta", text: "", chunk },
      { _tag: "Delta", text: "c", chunk },
      { _tag: "Delta", text: "de" },
      end
    ])
    const back = Option.getOrThrow(Option.flatMap(streamCodec.encode(recorded), streamCodec.decode))
    assert.deepEqual(withoutUndefined(back), withoutUndefined(recorded))
  })

  it("is let go when it is too long", () => {
    const recording = makeRecording(start)
    for (let n = 0; n < 5; n++) recording.add({ _tag: "Delta", text: "x".repeat(1_000_000) })
    assert.isTrue(Option.isNone(recording.end(live)))
  })
})

/** A field that is not there, and one that is undefined, are the same to whoever reads it. */
const withoutUndefined = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
