/** Which keys there are, as hashes: from `API_KEYS` and `ADMIN_KEYS`, and from a file that holds nothing but hashes. */
import { Effect, FileSystem, Redacted, Schema, SchemaIssue } from "effect"
import { Namespace } from "../domain/Generation.ts"
import type { CallerPolicy } from "../domain/limits/CallerLimits.ts"
import type { AppConfig } from "./AppConfig.ts"
import { KeyNamespace, sha256Of } from "./KeyForm.ts"

export interface UserKey {
  readonly namespace: Namespace
  /** 64 hex digits in lower case. */
  readonly sha256: string
  readonly limits: CallerPolicy
}

export interface KeyConfigs {
  /** Absent: no key is needed. */
  readonly users: ReadonlyArray<UserKey> | undefined
  /** Hashes of the operators' keys. */
  readonly admins: ReadonlyArray<string>
  /** What everybody together may ask for when no key is needed. */
  readonly anonymous: CallerPolicy
}

/** The keys cannot be used; each problem names a place, and none a key. */
export class KeysInvalid extends Schema.TaggedError<KeysInvalid>()("KeysInvalid", {
  what: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `${this.what} cannot be used:\n${this.problems.map((problem) => `  - ${problem}`).join("\n")}`
  }
}

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** `[{"namespace", "sha256", "requests_per_minute"?, "concurrency"?}, …]` */
const KeysFile = Schema.NonEmptyArray(Schema.Struct({
  namespace: KeyNamespace,
  sha256: Schema.String.check(
    Schema.isPattern(/^[\da-f]{64}$/i, { message: "Expected the 64 hex digits of a key's SHA-256, not the key itself" })
  ),
  requests_per_minute: Schema.optionalKey(Count),
  concurrency: Schema.optionalKey(Count)
}))

const decodeFile = Schema.decodeUnknownEffect(KeysFile, { errors: "all", onExcessProperty: "error" })
const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** A key, and what a message calls it. */
interface Placed<A> {
  readonly place: string
  readonly sha256: string
  readonly key: A
}

export const load = Effect.fnUntraced(function*(
  config: Pick<AppConfig, "apiKeys" | "apiKeysFile" | "adminKeys" | "keyRequestsPerMinute" | "keyConcurrency">
): Effect.fn.Return<KeyConfigs, KeysInvalid, FileSystem.FileSystem> {
  const anonymous = { requestsPerMinute: config.keyRequestsPerMinute, concurrency: config.keyConcurrency }
  const listed = itemsOf(config.apiKeys).map((entry, index): Placed<UserKey> => {
    const colon = entry.indexOf(":")
    const sha256 = hashIn(entry.slice(colon + 1))
    const namespace = Namespace.make(entry.slice(0, colon))
    return { place: `API_KEYS, key ${index + 1}`, sha256, key: { namespace, sha256, limits: anonymous } }
  })
  const filed = config.apiKeysFile === undefined ? [] : yield* fromFile(config.apiKeysFile, anonymous)
  const operators = itemsOf(config.adminKeys).map((entry, index): Placed<undefined> => ({
    place: `ADMIN_KEYS, key ${index + 1}`,
    sha256: hashIn(entry),
    key: undefined
  }))
  const users = [...listed, ...filed]
  const problems = [
    ...sameKeys(users, users, "a key stands for one namespace, and is listed once"),
    ...sameKeys(operators, operators, "list it once"),
    ...sameKeys(users, operators, "keep admin keys apart from user keys")
  ]
  if (problems.length > 0) return yield* new KeysInvalid({ what: "the configured keys", problems })
  return {
    users: config.apiKeys === undefined && config.apiKeysFile === undefined ? undefined : users.map(({ key }) => key),
    admins: operators.map(({ sha256 }) => sha256),
    anonymous
  }
})

const itemsOf = (list: Redacted.Redacted | undefined): ReadonlyArray<string> =>
  list === undefined ? [] : Redacted.value(list).split(",").map((item) => item.trim())

/** Of a key, or of a hash that stands in its place. */
const hashIn = (text: string): string =>
  text.startsWith("sha256:") ? text.slice("sha256:".length).toLowerCase() : sha256Of(text)

const fromFile = Effect.fnUntraced(function*(
  path: string,
  standard: CallerPolicy
): Effect.fn.Return<ReadonlyArray<Placed<UserKey>>, KeysInvalid, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const invalid = (...problems: ReadonlyArray<string>) => new KeysInvalid({ what: `API_KEYS_FILE ${path}`, problems })
  const text = yield* Effect.mapError(fs.readFileString(path), ({ message }) => invalid(message))
  // Not with the parser's own message: it quotes the file, in which a key may stand by mistake.
  const json = yield* Effect.try({ try: (): unknown => JSON.parse(text), catch: () => invalid("it is not valid JSON") })
  const entries = yield* Effect.mapError(
    decodeFile(json),
    ({ issue }) =>
      invalid(
        ...formatIssues(issue).issues.map(({ message, path = [] }) => {
          const place = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
          return place === "" ? message : `${place}: ${message}`
        })
      )
  )
  return entries.map((entry, index) => {
    const sha256 = entry.sha256.toLowerCase()
    const limits = {
      requestsPerMinute: entry.requests_per_minute ?? standard.requestsPerMinute,
      concurrency: entry.concurrency ?? standard.concurrency
    }
    return {
      place: `API_KEYS_FILE, entry ${index}`,
      sha256,
      key: { namespace: entry.namespace, sha256, limits }
    }
  })
})

/** Of a list with itself, or with another one. */
const sameKeys = <A, B>(
  list: ReadonlyArray<Placed<A>>,
  others: ReadonlyArray<Placed<A | B>>,
  rule: string
): ReadonlyArray<string> => {
  const places = new Map<string, string>()
  // The first of each: in a list with itself every later one is a repetition.
  for (const { place, sha256 } of list) if (!places.has(sha256)) places.set(sha256, place)
  return others.flatMap(({ place, sha256 }) => {
    const first = places.get(sha256)
    return first === undefined || first === place ? [] : [`${place} is the same as ${first}: ${rule}`]
  })
}
