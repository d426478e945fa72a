/** Instances of the circuit breaker that share one database, in this process or each in one of its own. */
import { Context, Effect, Layer, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { CircuitBreaker } from "../../src/services/CircuitBreaker.ts"
import { type Reply, run } from "./instanceCommands.ts"

export interface Instance {
  readonly tell: (line: string) => Effect.Effect<string>
}

/** Starts one more instance of this key's circuit. */
export type Start = (key: string, openMillis?: number) => Effect.Effect<Instance, never, Scope.Scope>

export const inThisProcess = Effect.map(SqlClient.SqlClient, (sql): Start => (key, openMillis = 30_000) =>
  Effect.map(
    Layer.build(Layer.fresh(CircuitBreaker.layerPostgres({ openFor: openMillis }, { storeTimeout: "2 seconds" }))).pipe(
      Effect.provideService(SqlClient.SqlClient, sql)
    ),
    (context) => ({
      tell: (line) =>
        Effect.provideService(run(key, { id: 0, line }), CircuitBreaker, Context.get(context, CircuitBreaker))
    })
  ))

const program = fileURLToPath(new URL("../support/breakerProcess.ts", import.meta.url))

export const inOwnProcess = (url: string): Start => (key, openMillis = 30_000) =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        fork(program, [url, key, String(openMillis)], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let id = 0
    yield* reply(child, id)
    return {
      tell: (line) =>
        Effect.suspend(() => {
          id += 1
          const answer = reply(child, id)
          child.send({ id, line })
          return answer
        })
    }
  })

const reply = (child: ChildProcess, id: number): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const done = (result: Effect.Effect<string>) => {
      child.off("message", listen).off("exit", ended)
      resume(result)
    }
    const listen = (message: Reply) => {
      if (message.id === id) done(Effect.succeed(message.result))
    }
    const ended = (code: number | null) => done(Effect.die(new Error(`the instance ended with ${code}`)))
    child.on("message", listen).on("exit", ended)
  })
