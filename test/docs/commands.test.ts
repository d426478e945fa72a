/**
 * What the documents tell people to type is typed: in a folder that looks like the repository, against the service as
 * they start it. A command is run or has a reason in test/support/shellBlocks.ts; what follows a request is compared
 * with what really comes.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { cpSync } from "node:fs"
import { join } from "node:path"
import { documentFolder, runBash, startBash } from "../support/documentFolder.ts"
import { type Block, blocksOf, placeOf, shownPages } from "../support/documents.ts"
import type { Environment } from "../support/service.ts"
import { differences } from "../support/shapes.ts"
import { type Answer, answersOf, stepsOf, tellingCurl } from "../support/shellBlocks.ts"

/** What a page's commands expect of the service, beside its defaults. */
const settings: Readonly<Record<string, Environment>> = {
  "docs/embedders.md": { EMBEDDER: "openai", EMBEDDING_BASE_URL: "http://127.0.0.1:9/v1" },
  "docs/providers.md": { AI_PROVIDERS_FILE: "providers.json", OPENAI_API_KEY: "none" }
}

const everywhere: Environment = {
  ADMIN_KEYS: "an-admin-key-of-the-documents",
  ADMIN_KEY: "an-admin-key-of-the-documents",
  KEY: "none-is-needed",
  WEBHOOK_SECRETS: "default:whsec_c2VjcmV0IG9mIHRoZSBkb2N1bWVudHMsIDI0IGJ5dGVz"
}

/** Commands that are shown although they do not succeed here, by a part of them. */
const otherwise: ReadonlyArray<{ readonly part: string; readonly status?: number; readonly code?: number }> = [
  // Only a callback that was given up, a day after its first attempt, is sent again.
  { part: "/callback -H", status: 404 },
  // It asks before it erases, and there is nobody to ask.
  { part: "cache erase NAMESPACE", code: 1 }
]

/** Answers that are shown for another case than the command meets here. */
const notCompared = ["prefer: upgrade"]

const shellBlocks = (page: string) => blocksOf(page).filter(({ language }) => language === "sh" || language === "bash")
const pages = shownPages.filter((page) => shellBlocks(page).length > 0)

/** The same command on another page does the same. */
const done = new Set<string>()

const compare = (block: Block, answer: Answer | undefined) => {
  const { next } = block
  if (next === undefined || answer === undefined || notCompared.some((part) => block.text.includes(part))) return
  const place = placeOf({ page: block.page, line: next.line })
  if (next.language === "json" && next.text.startsWith("{")) {
    assert.deepStrictEqual(differences(JSON.parse(next.text), JSON.parse(answer.body)), [], place)
  } else if (next.language === "" && next.text.startsWith("HTTP/")) {
    const [head = ""] = next.text.split("\n\n")
    const [status = "", ...fields] = head.split("\n")
    assert.strictEqual(answer.status, Number(status.split(" ")[1]), place)
    for (const field of fields) assert.include(answer.headers, field.slice(0, field.indexOf(":")).toLowerCase(), place)
  } else if (next.language === "" && next.text.startsWith("event: ")) {
    const names = (text: string) => new Set([...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name))
    assert.deepStrictEqual([...names(next.text)].filter((name) => !names(answer.body).has(name)), [], place)
  }
}

/** A database as the first start leaves it, which costs seconds: the README makes its own, the other pages begin with it. */
class Started extends Context.Service<Started, { readonly data: string }>()("understudy/test/Started") {
  static readonly layer = Layer.effect(
    Started,
    Effect.gen(function*() {
      const { folder } = yield* documentFolder
      const { code, stderr } = yield* runBash(folder, "understudy templates list")
      assert.strictEqual(code, 0, stderr)
      return { data: join(folder, "data") }
    })
  )
}

/** A reader of one page: types its commands in order, and keeps the service that the page has started. */
const makeReader = Effect.fnUntraced(function*(page: string) {
  const { folder, write } = yield* documentFolder
  const { data } = yield* Started
  if (page !== "README.md") cpSync(data, join(folder, "data"), { recursive: true })
  const scope = yield* Effect.scope
  const env = { ...everywhere, ...settings[page] }
  const known = new Map<string, string>()
  let service: { readonly address: string; readonly scope: Scope.Closeable } | undefined

  const providers = blocksOf(page).find(({ language, text }) => language === "json" && text.includes("\"providers\""))
  if (providers !== undefined) write("providers.json", providers.text)

  const stop = Effect.suspend(() => {
    const running = service
    service = undefined
    return running === undefined ? Effect.void : Scope.close(running.scope, Exit.void)
  })

  const start = Effect.fnUntraced(function*(command: string) {
    yield* stop
    const own = yield* Scope.fork(scope)
    const address = yield* Scope.provide(startBash(folder, command, env), own)
    service = { address, scope: own }
    return address
  })

  /** The ids of a page are those of another day. */
  const renewed = (command: string) =>
    command.replaceAll(/\b(job|gen)_\w+/g, (id, kind: string) => known.get(kind) ?? id)

  /** An answer whose place no job's newer answer to the same prompt takes meanwhile. */
  const answerOfItsOwn = Effect.fnUntraced(function*(address: string, prompt: string) {
    const { stdout } = yield* runBash(
      folder,
      `curl -s --max-time 60 ${address}/generate -H 'content-type: application/json' -d '${
        JSON.stringify({ prompt })
      }'`,
      env
    )
    const [, id] = /^\{\s*"id": ?"(gen_\w+)"/.exec(stdout) ?? []
    assert.isDefined(id, stdout)
    if (id !== undefined) known.set("gen", id)
  })

  const ask = Effect.fnUntraced(function*(block: Block, command: string) {
    const address = service?.address ?? (yield* start("npm start"))
    if (command.includes("/generations/gen_")) {
      yield* answerOfItsOwn(address, `Write about line ${block.line} of the page`)
    }
    const script = renewed(command).replaceAll(/(localhost|127\.0\.0\.1):3000/g, address)
    const { code, stderr, stdout } = yield* runBash(folder, `${tellingCurl}\n${script}`, env)
    assert.strictEqual(code, 0, `${placeOf(block)}: ${script}\n${stderr}`)
    const answers = answersOf(stdout)
    for (const { body, status } of answers) {
      const expected = otherwise.find(({ part }) => command.includes(part))?.status
      assert.isTrue(expected === undefined ? status < 400 : status === expected, `${placeOf(block)}: ${status} ${body}`)
      // Its own, not one of an answer within a job: that may have made room for a newer one.
      const [, id, kind] = /^\{\s*"id": ?"((job|gen)_\w+)"/.exec(body) ?? []
      if (id !== undefined && kind !== undefined) known.set(kind, id)
    }
    return answers.at(-1)
  })

  const run = Effect.fnUntraced(function*(block: Block, command: string) {
    const { code, stderr } = yield* runBash(folder, command, env)
    const expected = otherwise.find(({ part }) => command.includes(part))?.code ?? 0
    assert.strictEqual(code, expected, `${placeOf(block)}: ${command}\n${stderr}`)
  })

  return Effect.fnUntraced(function*(block: Block) {
    let last: Answer | undefined
    for (const step of stepsOf(block)) {
      if (step._tag === "Ask") last = yield* ask(block, step.command)
      else if (step._tag === "Start" && page === "README.md") yield* start(step.command)
      else if (step._tag !== "Skip" && !done.has(step.command)) {
        done.add(step.command)
        // The embedded database belongs to one process.
        yield* stop
        yield* step._tag === "Run"
          ? run(block, step.command)
          : Effect.scoped(startBash(folder, step.command, everywhere))
      }
    }
    compare(block, last)
  })
})

layer(Started.layer, { excludeTestServices: true, timeout: "2 minutes" })("the documents' commands", (it) => {
  for (const page of pages) {
    it.effect(`of ${page} do what it says`, () =>
      Effect.gen(function*() {
        const read = yield* makeReader(page)
        for (const block of shellBlocks(page)) yield* read(block)
      }), 300_000)
  }
})

describe("the documents' commands", () => {
  it("are found", () => {
    const steps = pages.flatMap((page) => shellBlocks(page).flatMap(stepsOf))
    assert.isAbove(steps.filter(({ _tag }) => _tag === "Ask").length, 15)
    assert.isAbove(steps.filter(({ _tag }) => _tag === "Start").length, 7)
    assert.isAbove(steps.filter(({ _tag }) => _tag === "Run").length, 12)
  })
})
