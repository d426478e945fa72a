/** One instance of the shared circuit: `node breakerProcess.ts <database url> <key> <open for>`; commands over IPC. */
import { Effect, Layer } from "effect"
import { CircuitBreaker } from "../../src/services/CircuitBreaker.ts"
import { type Command, type Reply, run } from "../conformance/instanceCommands.ts"
import { layerServer } from "./databases.ts"

const [url = "", key = "", openFor = "30000"] = process.argv.slice(2)
const say = (reply: Reply) => process.send?.(reply)

const program = Effect.gen(function*() {
  const context = yield* Effect.context<CircuitBreaker>()
  process.on("message", (command: Command) => {
    Effect.runForkWith(context)(Effect.map(run(key, command), (result) => say({ id: command.id, result })))
  })
  process.on("disconnect", () => process.exit())
  say({ id: 0, result: "ready" })
  return yield* Effect.never
})

await Effect.runPromise(
  Effect.provide(program, Layer.provide(CircuitBreaker.layerPostgres({ openFor: Number(openFor) }), layerServer(url)))
)
