/** PostgreSQL inside this process: PGlite in a worker thread, reached through a byte stream like a server's socket. */
import type { PgClient } from "@effect/sql-pg"
import { Deferred, Effect, Fiber, Predicate, type Scope } from "effect"
import { resolve } from "node:path"
import type { Duplex } from "node:stream"
import { Worker } from "node:worker_threads"
import { DataDirLocked, DataDirUnusable, EmbeddedDatabaseMissing } from "./DatabaseError.ts"
import { PgliteConnection } from "./PgliteConnection.ts"
import type { FromWorker, PgliteWorkerData, ToWorker } from "./pgliteMessages.ts"

export interface Pglite {
  /** A new connection. PGlite is one session: open them one after the other (a pool of one). */
  readonly stream: () => Duplex
  /** Ends the thread without closing the database, for tests. */
  readonly kill: Effect.Effect<void>
}

export type OpenError = DataDirLocked | DataDirUnusable | EmbeddedDatabaseMissing

/**
 * Opens the database in a directory (`memory:` keeps nothing) and closes it with the scope.
 *
 * PGlite never calls fsync: a crash of the process loses nothing that was acknowledged, a crash of the machine may.
 */
export const make = Effect.fn("Pglite.make")(
  function*(dataDir: string): Effect.fn.Return<Pglite, OpenError, Scope.Scope> {
    const directory = dataDir.startsWith("memory:") ? undefined : resolve(dataDir)
    const thread = yield* Effect.acquireRelease(Effect.sync(() => new PgliteThread(directory)), stop)
    yield* Effect.callback<void, OpenError>((resume) => {
      thread.onOpened = (result) => resume(opened(directory ?? dataDir, result))
    })
    yield* Effect.forkScoped(Effect.flatMap(
      Deferred.await(thread.ended),
      (reason) => thread.stopping ? Effect.void : Effect.logError(reason.message)
    ))
    return { stream: thread.connect, kill: Effect.promise(() => thread.worker.terminate()) }
  }
)

/** How to reach it. */
export const clientConfig = ({ stream }: Pglite): PgClient.PgPoolConfig => ({
  stream,
  username: "postgres",
  database: "postgres",
  ssl: false,
  // One session: a second connection would be the first one again, in the middle of its transaction.
  minConnections: 1,
  maxConnections: 1,
  // A new connection may have to wait for the statement that the one before it left running.
  connectTimeout: "15 seconds"
})

const opened = (directory: string, result: FromWorker | Error): Effect.Effect<void, OpenError> => {
  if (result instanceof Error && isMissing(result.cause)) return new EmbeddedDatabaseMissing()
  if (result instanceof Error) return new DataDirUnusable({ directory, detail: result.message })
  switch (result.type) {
    case "locked":
      return new DataDirLocked({ directory, holder: result.holder })
    case "unusable":
      return new DataDirUnusable({ directory, detail: result.detail })
    default:
      return Effect.void
  }
}

/** The thread could not load what it runs. */
const isMissing = (cause: unknown): boolean =>
  Predicate.hasProperty(cause, "code") && cause.code === "ERR_MODULE_NOT_FOUND"

/** A statement that never ends cannot be asked to stop, so closing is bounded; killing it loses nothing committed. */
const stop = Effect.fnUntraced(function*(thread: PgliteThread) {
  thread.shutdown()
  const fiber = yield* Effect.forkDetach(Deferred.await(thread.ended))
  const ended = yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), "5 seconds")
  if (ended._tag === "None") yield* Effect.promise(() => thread.worker.terminate())
})

class PgliteThread {
  readonly worker: Worker
  readonly ended = Deferred.makeUnsafe<Error>()
  stopping = false
  onOpened: (result: FromWorker | Error) => void = () => {}
  readonly #connections = new Map<number, PgliteConnection>()
  #opened = 0
  #failure: Error | undefined
  #endedWith: Error | undefined

  constructor(directory: string | undefined) {
    const data: PgliteWorkerData = { directory }
    // In the published package this file is JavaScript, and so is its neighbour.
    const script = import.meta.url.endsWith(".ts")
      ? new URL("./pgliteWorker.ts", import.meta.url)
      : new URL("./pgliteWorker.js", import.meta.url)
    this.worker = new Worker(script, {
      workerData: data,
      name: "understudy-pglite",
      // Node 22 warns that its SQLite, which holds the lock, is experimental.
      execArgv: ["--disable-warning=ExperimentalWarning"]
    })
    this.worker.on("message", this.#receive)
    this.worker.on("messageerror", (cause) => this.#end(cause))
    this.worker.on("error", (cause) => {
      this.#failure = cause instanceof Error ? cause : new Error(String(cause))
    })
    this.worker.on("exit", (code) => this.#end(this.#failure ?? new Error(`exit code ${code}`)))
  }

  readonly connect = (): Duplex => {
    const session = ++this.#opened
    const connection = new PgliteConnection(session, this.#post)
    if (this.#endedWith !== undefined) {
      connection.destroy(this.#endedWith)
      return connection
    }
    this.#connections.set(session, connection)
    connection.once("close", () => this.#connections.delete(session))
    connection.open()
    return connection
  }

  shutdown(): void {
    this.stopping = true
    // Whoever still reads nothing must not keep the thread waiting.
    for (const connection of this.#connections.values()) connection.abandon()
    this.#post({ type: "shutdown" })
  }

  readonly #post = (message: ToWorker, transfer: Array<ArrayBuffer> = []): void => {
    this.worker.postMessage(message, transfer)
  }

  readonly #receive = (message: FromWorker): void => {
    switch (message.type) {
      case "ready":
      case "locked":
      case "unusable":
        return this.onOpened(message)
      case "data":
        return this.#connections.get(message.session)?.receive(message.bytes)
      case "taken":
        return this.#connections.get(message.session)?.taken()
      case "closed":
        return void this.#connections.get(message.session)?.destroy()
    }
  }

  #end(cause: Error): void {
    if (this.#endedWith !== undefined) return
    this.#endedWith = new Error(`the embedded database has stopped (${cause.message}): restart the service`, { cause })
    this.onOpened(this.#endedWith)
    for (const connection of this.#connections.values()) connection.destroy(this.#endedWith)
    Deferred.doneUnsafe(this.ended, Effect.succeed(this.#endedWith))
  }
}
