import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Generation, GenerationId } from "../../../src/domain/Generation.ts"
import { makeSubjects } from "../../../src/simulation/run/subjects.ts"
import { subjectPrompt } from "../../../src/simulation/traffic/Wordings.ts"
import { aScenario } from "../policy/aScenario.ts"

const Subject = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))

const showing = (text: string): Generation => ({
  source: "live",
  id: GenerationId.make("1"),
  text,
  attempts: 1,
  provider: "p",
  model: "m",
  usage: undefined,
  isRemembered: false,
  finishReason: "stop"
})

const template = (text: string): Generation => ({
  source: "template",
  id: GenerationId.make("1"),
  text,
  attempts: 1,
  template: "t",
  reason: "unavailable"
})

describe("subjects", () => {
  it.prop("tell an answer on another subject by its text", [Subject, Subject], ([subject, other]) => {
    const { answer, isWrong, learn } = makeSubjects(aScenario)
    learn("a prompt", subject)
    const text = answer({ prompt: "a prompt" })
    assert.isFalse(isWrong(showing(text), subject))
    assert.strictEqual(isWrong(showing(text), other), other !== subject)
  })

  it("take a template for an answer on whatever was asked for, and an unknown prompt for one on nothing", () => {
    const { answer, isWrong } = makeSubjects(aScenario)
    assert.isFalse(isWrong(template("# Anything"), 3))
    assert.isTrue(isWrong(showing(answer({ prompt: "never heard of" })), 0))
  })

  it("warm a cache with the commonest ones, the commonest one last", () => {
    const { isWrong, warm } = makeSubjects({ ...aScenario, warmSubjects: 20 })
    assert.deepStrictEqual(
      warm.map(({ prompt }) => prompt),
      Array.from({ length: 20 }, (_, n) => subjectPrompt(19 - n))
    )
    assert.isTrue(warm.every(({ text }, index) => !isWrong(showing(text), 19 - index)))
    assert.strictEqual(new Set(warm.map(({ id }) => id)).size, 20)
  })

  it("are no more than there are", () => {
    const few = { ...aScenario, warmSubjects: 100, traffic: { ...aScenario.traffic } }
    const prompts = { ...aScenario.traffic.prompts, subjects: 7 }
    assert.strictEqual(makeSubjects({ ...few, traffic: { ...few.traffic, prompts } }).warm.length, 7)
    assert.deepStrictEqual(makeSubjects({ ...few, warmSubjects: 0 }).warm, [])
  })
})
