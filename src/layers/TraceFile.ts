/** The file of `RECORD_TRACE`. */
import { Effect, FileSystem, type PlatformError, Predicate, Schema, Stream } from "effect"
import { makeTraceRecorder } from "../services/ai/TraceRecorder.ts"

/** `RECORD_TRACE` names a file that cannot be written. */
export class TraceUnwritable extends Schema.TaggedError<TraceUnwritable>()("TraceUnwritable", {
  path: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `RECORD_TRACE ${this.path} cannot be written: ${this.problem}`
  }
}

/** Only part of what was to be written found room. */
class TraceCut extends Schema.TaggedError<TraceCut>()("TraceCut", {}) {
  override readonly message = "the last append was cut short: is the disk full?"
}

/**
 * Appends to what the file holds. Each append is one write, so that several processes may have the same file; a line
 * that was cut off stays alone.
 */
export const traceFile = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const file = yield* Effect.mapError(
    fs.open(path, { flag: "a" }),
    (error) => new TraceUnwritable({ path, problem: problemOf(error) })
  )
  let isCut = yield* endsWithinLine(fs, path)
  yield* Effect.logInfo(`Recording a trace of all calls of a provider in ${path} (RECORD_TRACE)`)
  return yield* makeTraceRecorder(Effect.fnUntraced(function*(lines: string) {
    const bytes = new TextEncoder().encode(isCut ? `\n${lines}` : lines)
    const written = yield* Effect.mapError(
      file.write(bytes),
      (error) => new TraceUnwritable({ path, problem: problemOf(error) })
    )
    if (written > 0) isCut = written < bytes.length
    if (written < bytes.length) return yield* new TraceCut()
  }))
})

/** A process that was killed, or a full disk, may have left the beginning of a line. */
const endsWithinLine = (fs: FileSystem.FileSystem, path: string): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    const { size, type } = yield* fs.stat(path)
    const length = Number(size)
    if (type !== "File" || length === 0) return false
    const last = yield* Stream.runLast(fs.stream(path, { offset: length - 1, bytesToRead: 1 }))
    return last._tag === "Some" && last.value.at(-1) !== 10
  }).pipe(Effect.orElseSucceed(() => false))

const problemOf = ({ message, reason }: PlatformError.PlatformError): string => {
  if (reason._tag === "NotFound") return "its folder does not exist; create it, or name another file"
  if (reason._tag === "PermissionDenied") return "this user may not; change the permissions, or name another file"
  return hasCode(reason.cause, "ENOSPC") ? "the disk is full" : `${message}; name another file`
}

const hasCode = (cause: unknown, code: string): boolean => Predicate.hasProperty(cause, "code") && cause.code === code
