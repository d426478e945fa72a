/**
 * One process per data directory.
 *
 * The lock is SQLite's own lock on an empty file, because that is the one operating-system file lock which Node reaches
 * without a native dependency. The kernel holds it, so it is gone when the process is, kill -9 included: no stale pid
 * files, no guess whether a pid is still the same process, no race to take a dead lock over. It also holds between
 * containers that share a volume, where neither pids nor abstract sockets can be seen.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

const SQLITE_BUSY = 5

export type DataDirLock =
  | { readonly held: true; readonly release: () => void }
  | { readonly held: false; readonly holder: string | undefined }

/** Creates the directory when it is missing. Throws the file system's error when it cannot be used. */
export const lockDataDir = (directory: string): DataDirLock => {
  mkdirSync(directory, { recursive: true })
  const lock = new DatabaseSync(join(directory, "understudy.lock"), { timeout: 0 })
  try {
    // Nothing is ever written through SQLite, so a rollback journal would only litter the directory.
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE")
  } catch (cause) {
    lock.close()
    if (isBusy(cause)) return { held: false, holder: readHolder(directory) }
    throw cause
  }
  // Only for people: the lock does not depend on it.
  writeFileSync(holderFile(directory), `process ${process.pid} on ${hostname()}\n`)
  return { held: true, release: () => lock.close() }
}

/** Another process has the lock. */
export const isBusy = (cause: unknown): boolean =>
  cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY

const holderFile = (directory: string): string => join(directory, "understudy.pid")

/** Who has written down that it holds the lock. */
export const readHolder = (directory: string): string | undefined => {
  try {
    return readFileSync(holderFile(directory), "utf8").trim() || undefined
  } catch {
    return undefined
  }
}
