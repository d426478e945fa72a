/** A process of workers whose provider never answers: `node jobProcess.ts <database url>`; says what it is asked. */
import { Effect, Layer } from "effect"
import { Generator } from "../../src/services/Generator.ts"
import { layerServer } from "./databases.ts"
import { instance, makeReceiver, makeScript } from "./jobs.ts"

const [url = ""] = process.argv.slice(2)
const script = makeScript()
const generator = Layer.effect(
  Generator,
  Effect.map(Generator, (scripted) =>
    Generator.of({
      ...scripted,
      background: ({ prompt }) =>
        Effect.andThen(Effect.sync(() => process.stdout.write(`asked ${prompt}\n`)), Effect.never)
    }))
).pipe(Layer.provide(script.generator))

await Effect.runPromise(
  instance({ script: { ...script, generator }, receiver: makeReceiver(), pollInterval: "1 second" }).pipe(
    Effect.andThen(Effect.never),
    Effect.scoped,
    Effect.provide(layerServer(url))
  )
)
