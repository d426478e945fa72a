/** The configured `API_KEYS`, compared in constant time and kept as hashes only. */
import { Layer, Redacted } from "effect"
import { createHash, timingSafeEqual } from "node:crypto"
import { Namespace } from "../domain/Generation.ts"
import { ApiKeys } from "../services/ApiKeys.ts"

const hash = (key: string): Buffer => createHash("sha256").update(key).digest()

/** `namespace:key,…`, already checked to be of that form. A namespace may have several keys. */
export const layer = (list: Redacted.Redacted): Layer.Layer<ApiKeys> =>
  Layer.sync(ApiKeys, () => {
    const known = Redacted.value(list).split(",").map((pair) => {
      const [namespace = "", key = ""] = pair.trim().split(":", 2)
      return { namespace: Namespace.make(namespace), hash: hash(key) }
    })
    return {
      namespaceOf: (key) => {
        const given = hash(key)
        let found: Namespace | undefined
        // All of them, always: the time taken says nothing of which one matched.
        for (const { hash: expected, namespace } of known) {
          if (timingSafeEqual(given, expected)) found = namespace
        }
        return found
      }
    }
  })
