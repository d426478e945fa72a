/** Files of one JSON object per line, checked line by line. */
import { Effect, FileSystem, type PlatformError, Result, Schema, SchemaIssue } from "effect"
import { type CommandFailed, failed } from "./CommandFailed.ts"

export interface Line<A> {
  /** `file:line`, for messages. */
  readonly place: string
  readonly value: A
}

export interface Checked<A> {
  readonly lines: ReadonlyArray<Line<A>>
  /** `file:line: what is wrong with it`, one for each line that is not in `lines`. */
  readonly problems: ReadonlyArray<string>
}

/** Every line that is not blank; fields that the schema does not know are passed over. */
export const readJsonLines = Effect.fnUntraced(function*<A>(
  file: string,
  schema: Schema.Codec<A, unknown>,
  example: string
): Effect.fn.Return<Checked<A>, CommandFailed, FileSystem.FileSystem> {
  const text = yield* readText(file)
  const decode = Schema.decodeUnknownResult(schema)
  const lines: Array<Line<A>> = []
  const problems: Array<string> = []
  for (const [index, line] of text.replace(/^\uFEFF/, "").split(/\r?\n/).entries()) {
    if (line.trim() === "") continue
    const place = `${file}:${index + 1}`
    const value = Result.flatMap(parse(line), (value) => Result.mapError(decode(value), described))
    if (Result.isSuccess(value)) lines.push({ place, value: value.success })
    else problems.push(`${place}: ${value.failure}; expected ${example}`)
  }
  if (lines.length === 0 && problems.length === 0) {
    return yield* failed(`${file} is empty: expected lines like ${example}`)
  }
  return { lines, problems }
})

/** Says what the file is for when it cannot be read. */
export const readText = Effect.fnUntraced(function*(file: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.mapError(fs.readFileString(file), (error) => failed(`${file} ${unreadable(error)}`))
})

/** Completes a sentence that begins with the path. */
export const unreadable = ({ message, reason }: PlatformError.PlatformError): string => {
  if (reason._tag === "NotFound") return "does not exist: check the path"
  if (reason._tag === "PermissionDenied") return "may not be read by this user: change its permissions"
  return `cannot be read: ${message}`
}

/** At most this many problems are listed; whoever has mended these sees the rest. */
const shown = 20

export const listProblems = (problems: ReadonlyArray<string>): ReadonlyArray<string> =>
  problems.length <= shown
    ? problems
    : [...problems.slice(0, shown), `… and ${problems.length - shown} more`]

const parse = (line: string): Result.Result<unknown, string> =>
  Result.try({ try: (): unknown => JSON.parse(line), catch: () => "not JSON" })

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** The field and what is wrong with it, without what it holds. */
const described = ({ issue }: Schema.SchemaError): string => {
  const [first] = formatIssues(issue).issues
  const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".")
  if (path === "") return "not a JSON object of the right form"
  return first?.message.startsWith("Missing") ? `the field "${path}" is missing` : `the field "${path}" does not fit`
}
