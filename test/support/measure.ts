/** Preloaded into a service process (`node --expose-gc --import`): answers each message with what the process holds. */
export interface Held {
  /** Bytes of the main thread's heap, after a full collection. */
  readonly heapUsed: number
  /** Bytes outside of it that belong to it: what waits for sockets. After a collection too. */
  readonly external: number
  /** Bytes of the whole process. */
  readonly rss: number
  /** TCP connections of the process, of clients and to the provider. */
  readonly sockets: number
}

process.on("message", () => {
  // Twice, with a turn of the loop between: finalizers free more.
  globalThis.gc?.()
  setImmediate(() => {
    globalThis.gc?.()
    const sockets = process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
    const { external, heapUsed, rss } = process.memoryUsage()
    const held: Held = { heapUsed, external, rss, sockets }
    process.send?.(held)
  })
})
// The channel to the test must not keep the service alive.
process.channel?.unref()
