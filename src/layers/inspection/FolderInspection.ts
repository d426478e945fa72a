/** What there is to know of an embedded database's folder before the service is started on it. Changes nothing there. */
import { Effect } from "effect"
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { isBusy, readHolder } from "../DataDirLock.ts"

/** Of the PostgreSQL that PGlite is; the files of another one it cannot open. */
export const embeddedMajor = "18"

export interface FolderFacts {
  readonly folder: string
  readonly state:
    /** Not there yet, and it can be made. */
    | { readonly _tag: "ToBeMade" }
    /** `major`: of the PostgreSQL whose files are in it; absent: none yet. */
    | { readonly _tag: "Free"; readonly major: string | undefined }
    /** Another process has its database open. */
    | { readonly _tag: "InUse"; readonly holder: string | undefined }
    | { readonly _tag: "Unusable"; readonly why: string }
  /** Of the disk, as far as this user may fill it. */
  readonly freeBytes: number | undefined
}

export const inspectFolder = (dataDir: string): Effect.Effect<FolderFacts> =>
  Effect.sync(() => {
    const folder = resolve(dataDir)
    const existing = nearest(folder)
    return { folder, state: stateOf(folder, existing), freeBytes: freeIn(existing) }
  })

const stateOf = (folder: string, existing: string): FolderFacts["state"] => {
  try {
    if (!statSync(existing).isDirectory()) return { _tag: "Unusable", why: `${existing} is no folder` }
    if (existing === folder) {
      const user = holderOf(folder)
      if (user !== undefined) return { _tag: "InUse", holder: user.holder }
    }
    accessSync(existing, constants.R_OK | constants.W_OK | constants.X_OK)
    if (existing !== folder) return { _tag: "ToBeMade" }
    const database = join(folder, "pglite")
    if (!existsSync(database)) return { _tag: "Free", major: undefined }
    accessSync(database, constants.R_OK | constants.W_OK | constants.X_OK)
    const version = join(database, "PG_VERSION")
    // The service starts on a folder without it, and makes its database there.
    return { _tag: "Free", major: existsSync(version) ? readFileSync(version, "utf8").trim() : undefined }
  } catch (cause) {
    return { _tag: "Unusable", why: cause instanceof Error ? cause.message : String(cause) }
  }
}

/** The folder itself, or what is there of the way to it. */
const nearest = (folder: string): string => {
  const above = dirname(folder)
  return existsSync(folder) || above === folder ? folder : nearest(above)
}

/**
 * Asks for a lock that goes with all but the one of a running service, and gives it back at once. There is no way to see
 * the lock without asking: a service that starts in that very millisecond would take us for another one.
 */
const holderOf = (folder: string): { readonly holder: string | undefined } | undefined => {
  const file = join(folder, "understudy.lock")
  if (!existsSync(file)) return undefined
  const lock = new DatabaseSync(file, { readOnly: true, timeout: 0 })
  try {
    lock.exec("SELECT count(*) FROM sqlite_schema")
    return undefined
  } catch (cause) {
    if (isBusy(cause)) return { holder: readHolder(folder) }
    throw cause
  } finally {
    lock.close()
  }
}

const freeIn = (folder: string): number | undefined => {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return undefined
  }
}
