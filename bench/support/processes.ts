/** Starts the benchmark's processes and ends every one of them, by its pid, however the benchmark ends. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { availableParallelism } from "node:os"

const children = new Set<ChildProcess>()

const endAll = () => children.forEach((child) => child.kill("SIGKILL"))
process.on("exit", endAll)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130))

/** What is measured has a core to itself, load and provider share another: their speed is not part of the result. */
export const canPin = availableParallelism() > 1 && spawnSync("taskset", ["-p", `${process.pid}`]).status === 0
export type Core = 0 | 1

export interface Options {
  readonly core: Core
  readonly env?: Record<string, string>
}

/** `node script …args`, with a channel for messages; its output is shown only when it fails. */
export const start = (script: string, args: ReadonlyArray<string>, options: Options): ChildProcess => {
  const command = [process.execPath, new URL(`../../${script}`, import.meta.url).pathname, ...args]
  const [file = "", ...rest] = canPin ? ["taskset", "-c", `${options.core}`, ...command] : command
  const child = spawn(file, rest, {
    env: { ...process.env, NODE_ENV: "production", ...options.env },
    stdio: ["ignore", "pipe", "pipe", "ipc"]
  })
  children.add(child)
  let output = ""
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000))
  child.stdout?.on("data", keep)
  child.stderr?.on("data", keep)
  child.on("exit", (code) => {
    if (!children.delete(child)) return
    process.stderr.write(`${script} ${args.join(" ")} ended with ${code}\n${output}\n`)
    process.exit(1)
  })
  return child
}

/** Ends one process and waits for it. */
export const stop = async (child: ChildProcess): Promise<void> => {
  if (!children.delete(child)) return
  const ended = once(child, "exit")
  child.kill("SIGKILL")
  await ended
}

/** The next message of a child. */
export const message = async <A>(child: ChildProcess): Promise<A> => {
  const [value] = await once(child, "message")
  return value
}

/** For a server that cannot say which port it got. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

export interface Cpu {
  /** Of all threads. */
  readonly process: number
  readonly mainThread: number
}

/** Seconds of CPU that a process has used; `NaN` where there is no /proc. */
export const cpuSeconds = (child: ChildProcess): Cpu => ({
  process: ticks(`/proc/${child.pid}/stat`) / 100,
  mainThread: ticks(`/proc/${child.pid}/task/${child.pid}/stat`) / 100
})

/** User and system time; the fields are counted from behind the command's name, which may hold anything. */
const ticks = (file: string): number => {
  try {
    const fields = readFileSync(file, "utf8").replace(/^.*\) /s, "").split(" ")
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return Number.NaN
  }
}
