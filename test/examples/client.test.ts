/** The example for browsers: bundled as a user would, in the real Chromium against the real service; and run in Node. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { Browser, withoutBrowser } from "../simulation/report/looks.ts"
import { runExample } from "../support/examples.ts"
import { FaultServer, Mode } from "../support/FaultServer.ts"
import { Service } from "../support/service.ts"

/** Effect itself, with streams, schemas and fetch, is 146 KB of it. */
const budget = 190 * 1024

const bundled = Effect.map(
  Effect.promise(() =>
    build({
      stdin: {
        contents: "import { connect } from \"./examples/client.ts\"; globalThis.connect = connect",
        resolveDir: fileURLToPath(new URL("../..", import.meta.url))
      },
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      write: false
    })
  ),
  ({ outputFiles: [file] }) => file?.text ?? ""
)

const env = { TEMPLATES_DIR: "none", RETRY_BASE_DELAY: "10 millis", BREAKER_FAILURES: "1000" }
const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(Service.layer("openai", env), live)("examples/client.ts", (it) => {
  it.effect("prints an answer and a stream of the running service", () =>
    Effect.gen(function*() {
      const { url } = yield* Service
      const { output } = yield* runExample("client.ts", { UNDERSTUDY_URL: url })
      assert.include(output, "live: Answer to: Write a blog post about sourdough starters")
      assert.include(output, "Answer to: Write a blog post about rye bread")
    }))

  it.effect("is small enough for a page, and names nothing of Node", () =>
    Effect.gen(function*() {
      // A platform's module would already have failed the build.
      assert.isBelow(gzipSync(yield* bundled).length, budget)
    }))

  describe.skipIf(withoutBrowser)("with Chromium, at /usr/bin/chromium or where CHROMIUM says", () => {
    it.layer(Browser.layer)((it) => {
      it.effect("shows answers, pieces and problems, and ends the provider's call when the user leaves", () =>
        Effect.gen(function*() {
          const { url } = yield* Service
          const provider = yield* FaultServer
          const { context } = yield* Browser
          const script = yield* bundled
          const page = yield* Effect.acquireRelease(
            Effect.promise(() => context.newPage()),
            (page) => Effect.promise(() => page.close())
          )
          const said: Array<string> = []
          page.on("pageerror", (error) => said.push(error.message))
          const html = `<!doctype html><title>CMS</title><script type="module">${script}</script>`
          // From the service's own origin, for it allows no other.
          const inPage = <A>(expression: string) => Effect.promise(() => page.evaluate<A>(expression))
          yield* Effect.promise(async () => {
            await page.route(`${url}/page`, (route) => route.fulfill({ contentType: "text/html", body: html }))
            await page.goto(`${url}/page`)
          })
          yield* inPage("client = connect('')")

          const shown = yield* inPage<object>("client.draft('Write a blog post about tea')")
          assert.deepInclude(shown, { source: "live", text: "Answer to: Write a blog post about tea" })
          const pieces = yield* inPage<ReadonlyArray<string>>(
            "(async () => { const all = []; await client.stream('Write about rye', (text) => all.push(text)); return all })()"
          )
          assert.strictEqual(pieces.join(""), "Answer to: Write about rye")

          yield* provider.respondWith(Mode.status(500))
          const none = yield* inPage<object>("client.draft('Explain gluons to a dentist')")
          assert.deepInclude(none, { source: "none", text: "Nothing to show yet" })
          assert.property(none, "retryAfterSeconds")
          yield* provider.respondWith(Mode.status(422))
          assert.deepInclude(yield* inPage<object>("client.draft('Write about engines')"), { source: "none" })

          yield* provider.respondWith(Mode.wait(60_000))
          const { aborted, received } = provider.counts()
          yield* inPage(
            "void (leaving = new AbortController(), client.draft('Write of me', leaving.signal).catch(() => {}))"
          )
          yield* provider.until((counts) => counts.received > received)
          yield* inPage("leaving.abort()")
          yield* provider.until((counts) => counts.aborted === aborted + 1)
          assert.deepStrictEqual(said, [])
        }))
    })
  })
})
