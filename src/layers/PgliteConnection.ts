import { Duplex } from "node:stream"
import { flowClosed, flowUnread, type ToWorker } from "./pgliteMessages.ts"

/** The service's end of one connection, with back-pressure in both directions. */
export class PgliteConnection extends Duplex {
  readonly #session: number
  readonly #post: (message: ToWorker, transfer?: Array<ArrayBuffer>) => void
  readonly #flow = new Int32Array(new SharedArrayBuffer(8))
  readonly #unread: Array<Uint8Array> = []
  #reads = false
  #written: (() => void) | undefined

  constructor(session: number, post: (message: ToWorker, transfer?: Array<ArrayBuffer>) => void) {
    super()
    this.#session = session
    this.#post = post
  }

  open(): void {
    this.#post({ type: "open", session: this.#session, flow: this.#flow })
  }

  receive(bytes: Uint8Array): void {
    this.#unread.push(bytes)
    this.#deliver()
  }

  taken(): void {
    const written = this.#written
    this.#written = undefined
    written?.()
  }

  /** Nobody will read any more: lets a waiting thread go on. */
  abandon(): void {
    Atomics.store(this.#flow, flowClosed, 1)
    Atomics.notify(this.#flow, flowUnread)
  }

  override _read(): void {
    this.#reads = true
    this.#deliver()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    // A copy of its own: the driver's buffer is part of Node's pool, and transferring would take the pool away.
    const bytes = new Uint8Array(chunk)
    this.#written = done
    this.#post({ type: "data", session: this.#session, bytes }, [bytes.buffer])
  }

  override _final(done: () => void): void {
    this.#post({ type: "close", session: this.#session })
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.abandon()
    this.#post({ type: "close", session: this.#session })
    done(error)
  }

  #deliver(): void {
    while (this.#reads) {
      const bytes = this.#unread.shift()
      if (bytes === undefined) return
      Atomics.sub(this.#flow, flowUnread, bytes.length)
      Atomics.notify(this.#flow, flowUnread)
      this.#reads = this.push(bytes)
    }
  }
}
