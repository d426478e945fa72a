/**
 * One connection's bytes, cut into the messages of PostgreSQL's wire protocol, inside the worker.
 *
 * PGlite has a single backend which outlives connections, so what a server does when a process starts for a connection
 * is done here: clean up after the previous one, and apply the settings of the startup packet (PGlite ignores them).
 */
import type { PGlite } from "@electric-sql/pglite"

const protocolCode = { ssl: 80877103, gssEncryption: 80877104, cancel: 80877102 } as const
const terminate = "X".charCodeAt(0)
const refusesEncryption = Uint8Array.of("N".charCodeAt(0))
/** Belong to the connection, not to its settings. */
const notSettings = new Set(["user", "database", "options", "replication", "application_name", "client_encoding"])

export class PgliteSession {
  #started = false
  #pending: Uint8Array = new Uint8Array(0)
  readonly #db: PGlite
  readonly #send: (bytes: Uint8Array) => void

  constructor(db: PGlite, send: (bytes: Uint8Array) => void) {
    this.#db = db
    this.#send = send
  }

  /** Answers false when the connection is over. */
  async receive(bytes: Uint8Array): Promise<boolean> {
    this.#pending = this.#pending.length === 0 ? bytes : concat(this.#pending, bytes)
    while (!this.#started) {
      const packet = this.#take(int32(this.#pending, 0) ?? 0)
      if (packet === undefined) return true
      const code = int32(packet, 4)
      if (code === protocolCode.cancel) return false // a statement cannot be reached from outside the running thread
      if (code === protocolCode.ssl || code === protocolCode.gssEncryption) this.#send(refusesEncryption)
      else await this.#start(packet)
    }
    const { end, over } = completeMessages(this.#pending)
    const messages = this.#take(end)
    if (messages !== undefined) await this.#run(messages, this.#send)
    return !over
  }

  async #start(packet: Uint8Array): Promise<void> {
    const settings = startupParameters(packet)
      .filter(([name]) => !notSettings.has(name))
      .map(([name, value]) => `SET ${name.split(".").map(identifier).join(".")} = ${literal(value)};`)
    for (const sql of ["ROLLBACK", "DISCARD ALL", ...settings]) {
      const answer: Array<Uint8Array> = []
      await this.#run(simpleQuery(sql), (bytes) => answer.push(bytes.slice()))
      const failed = answer.some((bytes) => bytes[0] === "E".charCodeAt(0))
      if (failed) throw new Error(`the embedded database refuses to start a session at: ${sql}`)
    }
    await this.#run(packet, this.#send)
    this.#started = true
  }

  #run(messages: Uint8Array, onRawData: (bytes: Uint8Array) => void): Promise<void> {
    return this.#db.execProtocolRawStream(messages, { onRawData })
  }

  #take(length: number): Uint8Array | undefined {
    if (length === 0 || this.#pending.length < length) return undefined
    const taken = this.#pending.subarray(0, length)
    this.#pending = this.#pending.subarray(length)
    return taken
  }
}

/** How far complete messages reach, and whether the client says good-bye after them. */
const completeMessages = (bytes: Uint8Array): { readonly end: number; readonly over: boolean } => {
  let end = 0
  while (true) {
    if (bytes[end] === terminate) return { end, over: true }
    const length = int32(bytes, end + 1)
    if (length === undefined || end + 1 + length > bytes.length) return { end, over: false }
    end += 1 + length
  }
}

const int32 = (bytes: Uint8Array, offset: number): number | undefined =>
  bytes.length < offset + 4 ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getInt32(offset)

const startupParameters = (packet: Uint8Array): ReadonlyArray<readonly [name: string, value: string]> => {
  const words = new TextDecoder().decode(packet.subarray(8)).split("\0")
  return words.flatMap((name, index) => index % 2 === 0 && name !== "" ? [[name, words[index + 1] ?? ""]] : [])
}

const simpleQuery = (sql: string): Uint8Array => {
  const text = new TextEncoder().encode(`${sql}\0`)
  const message = new Uint8Array(5 + text.length)
  message[0] = "Q".charCodeAt(0)
  new DataView(message.buffer).setInt32(1, 4 + text.length)
  message.set(text, 5)
  return message
}

const concat = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const identifier = (name: string) => `"${name.replaceAll("\"", "\"\"")}"`
const literal = (value: string) => `'${value.replaceAll("'", "''")}'`
