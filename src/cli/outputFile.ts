/** A file that a command writes in the end. */
import { Effect, FileSystem, type PlatformError } from "effect"
import { failed } from "./CommandFailed.ts"

/** Fails when it could not be written; leaves everything as it was. For what takes long until it is written. */
export const checkWritable = Effect.fnUntraced(function*(file: string) {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.gen(function*() {
    const wasThere = yield* fs.exists(file)
    yield* Effect.scoped(fs.open(file, { flag: "a" }))
    if (!wasThere) yield* fs.remove(file)
  }).pipe(Effect.mapError(unwritable(file)))
})

export const writeText = Effect.fnUntraced(function*(file: string, text: string) {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.mapError(fs.writeFileString(file, text), unwritable(file))
})

const unwritable = (file: string) => (error: PlatformError.PlatformError) =>
  failed(`the report cannot be written to ${file}: ${reasonOf(error)}`)

const reasonOf = ({ message, reason }: PlatformError.PlatformError): string => {
  if (reason._tag === "NotFound") return "there is no such folder"
  if (reason._tag === "PermissionDenied") return "this user may not write there"
  // A folder, for example.
  return reason._tag === "BadResource" ? "it is no file that can be written" : message
}
