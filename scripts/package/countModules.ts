/**
 * `node --import …/countModules.ts PROGRAM` prints, as its last line, what Node loaded for the program: a list of
 * `[url, bytes of the source]`. It does not count itself.
 */
import { registerHooks } from "node:module"

const loaded = new Map<string, number>()

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context)
    // Node's own are not loaded through `load`.
    if (found.url.startsWith("node:")) loaded.set(found.url, 0)
    return found
  },
  load: (url, context, next) => {
    const module = next(url, context)
    loaded.set(url, module.source === undefined || module.source === null ? 0 : Buffer.byteLength(module.source))
    return module
  }
})

process.on("exit", () => process.stdout.write(`\n${JSON.stringify([...loaded])}\n`))
