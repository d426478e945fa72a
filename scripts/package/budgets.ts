/**
 * What the package may weigh: about a tenth more than it did when this was written. A change that needs more says so
 * here, and why in its commit.
 */

/** Bytes of what npm sends. */
export const tarballBytes = 1_250_000

/** A program as a bundler makes it for a small or a cold place, in bytes, minified and compressed. */
export interface Program {
  readonly name: string
  readonly source: string
  /** Without `effect`. */
  readonly own: number
  /** With it. */
  readonly whole: number
}

export const programs: ReadonlyArray<Program> = [
  {
    name: "the ladder in a program (Understudy.layer)",
    source: `
      import { Effect, Layer } from "effect"
      import { AiClient, defaultNamespace, Generator, Providers, Understudy } from "understudy"
      const ladder = Understudy.layer().pipe(Layer.provide(Providers.layer), Layer.provide(AiClient.layerSimulated()))
      const request = { namespace: defaultNamespace, prompt: "tea", maxTokens: 50, remember: true }
      const program = Effect.flatMap(Generator, (generator) => generator.generate(request))
      Effect.runPromise(Effect.provide(program, ladder)).then(({ text }) => console.log(text))`,
    own: 93_000,
    whole: 306_000
  },
  {
    name: "the contract for a typed client (Api)",
    source: `
      import { Api } from "understudy/http"
      console.log(Api.identifier)`,
    own: 9_000,
    whole: 141_000
  }
]

/** What Node loads for something: the modules, and the bytes of their sources. */
export interface Load {
  readonly name: string
  /** Arguments for Node in the folder of the package. */
  readonly run: ReadonlyArray<string>
  readonly own: Amount
  readonly effect: Amount
  /** Everything else, Node's own modules among it. None: it runs where `effect` runs, with nothing else installed. */
  readonly others: Amount
}

export interface Amount {
  readonly modules: number
  readonly bytes: number
}

const none: Amount = { modules: 0, bytes: 0 }

const importing = (entry: string): ReadonlyArray<string> => ["--input-type=module", "--eval", `import "${entry}"`]

export const loads: ReadonlyArray<Load> = [
  {
    name: "understudy",
    run: importing("understudy"),
    own: { modules: 180, bytes: 645_000 },
    effect: { modules: 420, bytes: 8_050_000 },
    others: none
  },
  {
    name: "understudy/http",
    run: importing("understudy/http"),
    own: { modules: 200, bytes: 670_000 },
    effect: { modules: 455, bytes: 8_400_000 },
    others: none
  },
  {
    name: "understudy/simulation",
    run: importing("understudy/simulation"),
    own: { modules: 186, bytes: 625_000 },
    effect: { modules: 410, bytes: 7_900_000 },
    others: none
  },
  {
    name: "understudy/layers",
    run: importing("understudy/layers"),
    own: { modules: 261, bytes: 895_000 },
    effect: { modules: 457, bytes: 8_450_000 },
    others: { modules: 220, bytes: 1_970_000 }
  },
  {
    name: "understudy --version",
    run: ["dist/main.js", "--version"],
    own: { modules: 13, bytes: 25_000 },
    effect: { modules: 310, bytes: 6_430_000 },
    others: { modules: 32, bytes: 97_000 }
  }
]

/** How much longer it may take than importing `effect`. Wide: a machine that others use measures badly. */
export const startup = { understudy: 5, version: 3 }
