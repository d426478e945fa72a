/**
 * One request on the wire: undici's handler on one side, the bytes of the response's body on the other.
 *
 * Nothing here runs a fiber from inside undici's parser, which is one for the whole process and must not be entered
 * twice: every wake-up is deferred to a microtask, by when a small response has arrived completely.
 */
import { Effect } from "effect"
import type { Dispatcher } from "undici"

/** The cause of the `DecodeError` of a body beyond the client's limit for how it is read. The transfer was aborted. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge"
  /** Bytes. */
  readonly limit: number
  constructor(limit: number) {
    super(`the response's body is larger than ${limit} bytes`)
    this.limit = limit
  }
}

/**
 * Bytes kept of a body that nobody reads, and of one that is streamed to a slow reader; then the socket is paused.
 * A smaller body drains by itself, so that a caller who only looks at the status gives its connection back.
 */
const highWaterMark = 64 * 1024

/** In bytes. A stream is not kept, so it may be longer than what has to fit into memory. */
export interface BodyLimits {
  readonly buffered: number
  readonly streamed: number
}

const unwanted = new Error("the request was interrupted, or its response is no longer wanted")
const microtask = Promise.resolve()

export class UndiciExchange implements Dispatcher.DispatchHandler {
  /** 0 until the response's headers are there. */
  status = 0
  headers: Record<string, string | Array<string> | undefined> = {}
  state: "running" | "ended" | "failed" = "running"
  /** Why the state is `failed`. */
  failure: unknown = undefined
  /** How the body is read: at first by nobody. */
  mode: "unclaimed" | "buffered" | "streamed" = "unclaimed"

  private controller: Dispatcher.DispatchController | undefined = undefined
  private chunks: Array<Uint8Array> = []
  private pending = 0
  private received = 0
  private waiters: Array<() => void> = []
  private settle: (() => void) | undefined
  private readonly limits: BodyLimits

  /** `settle` is called once, when the headers have arrived or can no longer arrive. */
  constructor(limits: BodyLimits, settle: () => void) {
    this.limits = limits
    this.settle = settle
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Interrupted while it waited for a connection: to throw takes the request out of undici's queue and keeps the
    // connection, where `controller.abort` would destroy it.
    if (this.state === "failed") throw unwanted
    this.controller = controller
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: UndiciExchange["headers"]): void {
    if (status < 200 || this.state === "failed") return
    this.status = status
    this.headers = headers
    this.wakeRequest()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.state === "failed") return
    this.received += chunk.length
    // As long as nobody reads it, nobody has said which limit is the one, and the high-water mark stops it.
    if (this.mode !== "unclaimed" && this.received > this.limits[this.mode]) {
      this.fail(new BodyTooLarge(this.limits[this.mode]))
      controller.abort(unwanted)
      return
    }
    this.chunks.push(chunk)
    this.pending += chunk.length
    if (this.mode === "buffered") return
    if (this.pending >= highWaterMark) controller.pause()
    if (this.mode === "streamed") this.wakeReaders()
  }

  onResponseEnd(): void {
    if (this.state === "failed") return
    this.state = "ended"
    this.wakeReaders()
  }

  onResponseError(_: Dispatcher.DispatchController | null, cause: Error): void {
    if (this.state === "running") this.fail(cause)
  }

  /** Stops the transfer at once. A connection in the middle of a response cannot be used again and is closed. */
  abort(): void {
    if (this.state !== "running") return
    this.fail(unwanted)
    this.controller?.abort(unwanted)
  }

  /** Reads on: as fast as the bytes come, or as fast as they are taken. Only the first claim counts. */
  claim(mode: "buffered" | "streamed"): void {
    if (this.mode !== "unclaimed") return
    this.mode = mode
    const limit = this.limits[mode]
    if (this.state !== "failed" && (this.received > limit || Number(this.headers["content-length"]) > limit)) {
      const isRunning = this.state === "running"
      this.fail(new BodyTooLarge(limit))
      // The connection of a response that has ended is somebody else's by now.
      if (isRunning) this.controller?.abort(unwanted)
    } else if (mode === "buffered") this.controller?.resume()
  }

  /** The chunks that have arrived, which makes room for more. Only in mode `streamed`. */
  take(): Array<Uint8Array> {
    const chunks = this.chunks
    this.chunks = []
    this.pending = 0
    this.controller?.resume()
    return chunks
  }

  /** The whole body. Only in mode `buffered` and state `ended`. */
  whole(): Uint8Array {
    const [first] = this.chunks
    if (first !== undefined && this.chunks.length === 1) return first
    const whole = Buffer.concat(this.chunks, this.pending)
    this.chunks = [whole]
    return whole
  }

  /**
   * Waits for the end or a failure, in mode `streamed` also for the next bytes. When its last reader is interrupted,
   * the transfer is aborted.
   */
  get changed(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const wake = () => resume(Effect.void)
      // The fiber may have given way since it looked.
      if (this.state !== "running" || (this.mode === "streamed" && this.chunks.length > 0)) return wake()
      this.waiters.push(wake)
      return Effect.sync(() => {
        this.waiters = this.waiters.filter((waiter) => waiter !== wake)
        if (this.waiters.length === 0) this.abort()
      })
    })
  }

  private fail(cause: unknown): void {
    this.state = "failed"
    this.failure = cause
    // A stream still gets what had arrived before the failure.
    if (this.mode === "buffered") this.chunks = []
    this.wakeRequest()
    this.wakeReaders()
  }

  private wakeRequest(): void {
    if (this.settle === undefined) return
    void microtask.then(this.settle)
    this.settle = undefined
  }

  private wakeReaders(): void {
    if (this.waiters.length === 0) return
    const waiters = this.waiters
    this.waiters = []
    void microtask.then(() => waiters.forEach((wake) => wake()))
  }
}
