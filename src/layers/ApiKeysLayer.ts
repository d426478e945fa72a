/** The configured keys, compared in constant time and kept as hashes only. */
import { Layer, Redacted } from "effect"
import { createHash, timingSafeEqual } from "node:crypto"
import { defaultNamespace, Namespace } from "../domain/Generation.ts"
import { ApiKeys } from "../services/ApiKeys.ts"

export interface ConfiguredKeys {
  /** `namespace:key,…`, already checked to be of that form; a namespace may have several keys. Absent: none is needed. */
  readonly apiKeys?: Redacted.Redacted | undefined
  /** `key,…`, already checked. */
  readonly adminKeys?: Redacted.Redacted | undefined
}

export const layer = ({ adminKeys, apiKeys }: ConfiguredKeys): Layer.Layer<ApiKeys> =>
  Layer.sync(ApiKeys, () => {
    const users = listOf(apiKeys).map((pair) => {
      const [namespace = "", key = ""] = pair.split(":", 2)
      return { means: Namespace.make(namespace), hash: hash(key) }
    })
    const operators = listOf(adminKeys).map((key) => ({ means: true, hash: hash(key) }))
    return {
      namespaceOf: (key) => apiKeys === undefined ? defaultNamespace : find(users, key),
      isAdmin: (key) => find(operators, key) ?? false
    }
  })

const listOf = (list: Redacted.Redacted | undefined): ReadonlyArray<string> =>
  list === undefined ? [] : Redacted.value(list).split(",").map((item) => item.trim())

const hash = (key: string): Buffer => createHash("sha256").update(key).digest()

/** Compares with all of them, always: the time taken says nothing of which one matched. */
const find = <A>(known: ReadonlyArray<{ readonly means: A; readonly hash: Buffer }>, key: string): A | undefined => {
  const given = hash(key)
  let found: A | undefined
  for (const { hash: expected, means } of known) {
    if (timingSafeEqual(given, expected)) found = means
  }
  return found
}
