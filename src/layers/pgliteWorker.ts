/**
 * The thread that runs PGlite: WASM in the main thread would block the event loop for every statement.
 * It knows nothing of Effect; `Pglite.ts` is its other end.
 */
import { PGlite } from "@electric-sql/pglite"
import { vector } from "@electric-sql/pglite-pgvector"
import { existsSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { parentPort, workerData } from "node:worker_threads"
import { type DataDirLock, lockDataDir } from "./DataDirLock.ts"
import {
  flowClosed,
  flowLimit,
  flowUnread,
  type FromWorker,
  type PgliteWorkerData,
  type ToWorker
} from "./pgliteMessages.ts"
import { PgliteSession } from "./PgliteSession.ts"

const chunkBytes = 64 * 1024
const extensions = { vector }

const port = parentPort
if (port === null) throw new Error("pgliteWorker.ts runs in a worker thread only")
const say = (message: FromWorker) =>
  port.postMessage(message, message.type === "data" ? [message.bytes.buffer] : undefined)

/** Collects an answer's bytes and sends them in pieces; waits while the other side does not read. */
class Answers {
  #length = 0
  #chunk = new Uint8Array(chunkBytes)
  readonly #session: number
  readonly #flow: Int32Array

  constructor(session: number, flow: Int32Array) {
    this.#session = session
    this.#flow = flow
  }

  readonly write = (bytes: Uint8Array): void => {
    for (let offset = 0; offset < bytes.length;) {
      const part = bytes.subarray(offset, offset + chunkBytes - this.#length)
      this.#chunk.set(part, this.#length)
      this.#length += part.length
      offset += part.length
      if (this.#length === chunkBytes) this.flush()
    }
  }

  flush(): void {
    if (this.#length === 0) return
    const bytes = this.#chunk.slice(0, this.#length)
    this.#length = 0
    Atomics.add(this.#flow, flowUnread, bytes.length)
    say({ type: "data", session: this.#session, bytes })
    // PGlite is in the middle of a statement and cannot be suspended, so the whole thread waits, like a server's
    // backend on a full socket.
    while (Atomics.load(this.#flow, flowClosed) === 0) {
      const unread = Atomics.load(this.#flow, flowUnread)
      if (unread <= flowLimit) return
      Atomics.wait(this.#flow, flowUnread, unread)
    }
  }
}

const open = async (directory: string | undefined): Promise<{ readonly db: PGlite; readonly release: () => void }> => {
  const lock: DataDirLock = directory === undefined ? { held: true, release: () => {} } : lockDataDir(directory)
  if (!lock.held) {
    say({ type: "locked", holder: lock.holder })
    return process.exit()
  }
  return {
    db: await (directory === undefined ? PGlite.create({ extensions }) : openIn(directory)),
    release: lock.release
  }
}

/**
 * A first start that is killed halfway leaves files that PGlite would take for a database. So a new one is made under
 * another name, and counts once it is renamed. It has a directory of its own: nothing of ours among PostgreSQL's files.
 */
const openIn = async (directory: string): Promise<PGlite> => {
  const dataDir = join(directory, "pglite")
  if (!existsSync(dataDir)) {
    const unfinished = `${dataDir}.new`
    rmSync(unfinished, { recursive: true, force: true })
    await (await PGlite.create({ dataDir: unfinished, extensions })).close()
    renameSync(unfinished, dataDir)
  }
  return PGlite.create({ dataDir, extensions })
}

const serve = ({ db, release }: { readonly db: PGlite; readonly release: () => void }): void => {
  const sessions = new Map<number, { readonly session: PgliteSession; readonly answers: Answers }>()

  const handle = async (message: ToWorker): Promise<void> => {
    switch (message.type) {
      case "open": {
        const answers = new Answers(message.session, message.flow)
        sessions.set(message.session, { session: new PgliteSession(db, answers.write), answers })
        return
      }
      case "data": {
        const found = sessions.get(message.session)
        if (found === undefined) return
        const goesOn = await found.session.receive(message.bytes)
        found.answers.flush()
        say({ type: "taken", session: message.session })
        if (!goesOn && sessions.delete(message.session)) say({ type: "closed", session: message.session })
        return
      }
      case "close": {
        if (sessions.delete(message.session)) say({ type: "closed", session: message.session })
        return
      }
      case "shutdown": {
        await db.close()
        release()
        process.exit()
      }
    }
  }

  let work = Promise.resolve()
  port.on("message", (message: ToWorker) => {
    // An error here is a crash of the database itself (statements fail inside the protocol): end the thread, so that
    // nobody waits for an answer.
    work = work.then(() => handle(message)).catch((cause: unknown) => {
      queueMicrotask(() => {
        throw cause
      })
    })
  })
  say({ type: "ready" })
}

const { directory }: PgliteWorkerData = workerData
open(directory).then(serve, (cause: unknown) => {
  say({ type: "unusable", detail: cause instanceof Error ? cause.message : String(cause) })
  process.exit()
})
