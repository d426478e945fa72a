/** Servers on loopback that speak PostgreSQL's protocol, badly. */
import { PGlite } from "@electric-sql/pglite"
import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"
import { PgliteSession } from "../../src/layers/PgliteSession.ts"

const listen = (onConnection: (socket: Socket) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
        const sockets = new Set<Socket>()
        const server = createServer((socket) => {
          sockets.add(socket)
          socket.on("error", () => {})
          onConnection(socket)
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          const close = () => {
            for (const socket of sockets) socket.destroy()
            server.close()
          }
          resume(Effect.succeed({ port, close }))
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ port }) => port
  )

const pgliteServer = (onBytes: (bytes: Buffer, from: Socket) => void) =>
  Effect.flatMap(
    Effect.acquireRelease(Effect.promise(() => PGlite.create()), (db) => Effect.promise(() => db.close())),
    (db) =>
      listen((socket) => {
        const session = new PgliteSession(db, (bytes) => socket.write(bytes.slice()))
        let work = Promise.resolve()
        socket.on("data", (bytes) => {
          onBytes(bytes, socket)
          work = work.then(async () => {
            if (!(await session.receive(bytes))) socket.end()
          })
        })
      })
  )

/** A real PostgreSQL without pgvector. Answers its port. */
export const serverWithoutPgvector = pgliteServer(() => {})

/** The same, with all that it is sent, by connection: a character for each byte. */
export const listeningServer = Effect.suspend(() => {
  const heard = new Map<Socket, string>()
  const listening = pgliteServer((bytes, from) => {
    heard.set(from, (heard.get(from) ?? "") + bytes.toString("latin1"))
  })
  return Effect.map(listening, (port) => ({ port, heard: () => [...heard.values()] }))
})

/** Accepts connections and says nothing. */
export const silentServer = listen(() => {})

/** Accepts connections and hangs up. */
export const rudeServer = listen((socket) => socket.destroy())

/** Asks for a password and refuses it. */
export const refusingServer = listen((socket) => {
  socket.once("data", () => {
    socket.write(Uint8Array.of(82, 0, 0, 0, 8, 0, 0, 0, 3))
    socket.once("data", () => {
      const fields = Buffer.from("SFATAL\0C28P01\0Mpassword authentication failed for user \"app\"\0\0")
      const head = Buffer.alloc(5)
      head.write("E")
      head.writeInt32BE(4 + fields.length, 1)
      socket.end(Buffer.concat([head, fields]))
    })
  })
})

/** Stands before a server and can stop passing bytes on, in both directions, without closing anything. */
export const freezableProxy = (target: { readonly host: string; readonly port: number }) =>
  Effect.suspend(() => {
    const pairs: Array<readonly [Socket, Socket]> = []
    let frozen = false
    const apply = (pair: readonly [Socket, Socket]) => {
      for (const socket of pair) {
        if (frozen) socket.pause()
        else socket.resume()
      }
    }
    const port = listen((client) => {
      const server = connect(target)
      server.on("error", () => client.destroy())
      server.on("close", () => client.destroy())
      client.on("close", () => server.destroy())
      client.on("data", (bytes) => server.write(bytes))
      server.on("data", (bytes) => client.write(bytes))
      pairs.push([client, server])
      apply([client, server])
    })
    const freeze = (on: boolean) =>
      Effect.sync(() => {
        frozen = on
        pairs.forEach(apply)
      })
    return Effect.map(port, (number) => ({ port: number, freeze }))
  })
