/** What a report looks like in Debian's Chromium, or in the browser that CHROMIUM names. */
import { Config, Context, Effect, Layer, Schema } from "effect"
import { accessSync, constants, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type BrowserContext, chromium } from "playwright-core"
import { freshDirectory } from "../../support/databases.ts"
import { lookScript } from "./lookScript.ts"

const debians = "/usr/bin/chromium"
const executablePath = Effect.runSync(Config.String("CHROMIUM").pipe(Config.withDefault("")))

/** A browser that is named and is not there is a mistake, and no reason to skip. */
export const withoutBrowser: boolean = executablePath === "" && (() => {
  try {
    accessSync(debians, constants.X_OK)
    return false
  } catch {
    return true
  }
})()

export class Browser extends Context.Service<Browser, { readonly context: BrowserContext; readonly folder: string }>()(
  "understudy/test/Browser"
) {
  static readonly layer = Layer.effect(
    Browser,
    Effect.gen(function*() {
      const folder = yield* freshDirectory
      const context = yield* Effect.acquireRelease(
        Effect.promise(() =>
          chromium.launchPersistentContext(join(folder, "profile"), {
            executablePath: executablePath === "" ? debians : executablePath,
            args: [
              "--headless",
              "--no-sandbox",
              "--disable-gpu",
              "--disable-quic",
              "--no-first-run",
              "--disable-background-networking",
              "--disable-component-update",
              "--disable-sync"
            ]
          })
        ),
        (context) => Effect.promise(() => context.close())
      )
      return { context, folder }
    })
  )
}

const Looks = Schema.Struct({
  /** How much wider the page is than its window, in pixels. */
  tooWide: Schema.Finite,
  pictures: Schema.Int,
  texts: Schema.Int,
  ground: Schema.String,
  /** The text's own size on the screen, at least. */
  smallest: Schema.Finite,
  /** Sentences: what is wrong. */
  wrong: Schema.Array(Schema.String)
})

export interface Window {
  readonly scheme: "light" | "dark"
  readonly width: number
}

/** What is to be seen, and whatever the page said or asked for. */
export const look = Effect.fnUntraced(function*(html: string, { scheme, width }: Window) {
  const { context, folder } = yield* Browser
  const file = join(folder, "report.html")
  writeFileSync(file, html)
  const address = pathToFileURL(file).href
  const page = yield* Effect.acquireRelease(
    Effect.promise(() => context.newPage()),
    (page) => Effect.promise(() => page.close())
  )
  const said: Array<string> = []
  const asked: Array<string> = []
  page.on("console", (message) => said.push(message.text()))
  page.on("pageerror", (error) => said.push(error.message))
  page.on("request", (request) => {
    if (request.url() !== address) asked.push(request.url())
  })
  const found = yield* Effect.promise(async () => {
    await page.route("**/*", (route) => route.request().url() === address ? route.continue() : route.abort())
    await page.emulateMedia({ colorScheme: scheme })
    await page.setViewportSize({ width, height: 900 })
    await page.goto(address)
    return page.evaluate(lookScript)
  })
  return { said, asked, ...yield* Schema.decodeUnknownEffect(Looks)(found) }
}, Effect.scoped)
