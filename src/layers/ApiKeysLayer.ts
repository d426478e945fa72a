/** The configured keys, compared in constant time and kept as hashes only. */
import { Layer } from "effect"
import { hash, randomBytes, timingSafeEqual } from "node:crypto"
import { defaultNamespace } from "../domain/Generation.ts"
import { CallerLimits } from "../domain/limits/CallerLimits.ts"
import { ApiKeys } from "../services/ApiKeys.ts"
import type { KeyConfigs } from "./KeyConfig.ts"
import { sha256Of } from "./KeyForm.ts"

export const layer = ({ admins, anonymous, users }: KeyConfigs): Layer.Layer<ApiKeys> =>
  Layer.sync(ApiKeys, () => {
    const callers = lookup((users ?? []).map(({ limits, namespace, sha256 }) => ({
      sha256,
      means: { namespace, limits: CallerLimits.of(limits) }
    })))
    const operators = lookup(admins.map((sha256) => ({ sha256, means: true })))
    return {
      anonymous: users === undefined
        ? { namespace: defaultNamespace, limits: CallerLimits.of(anonymous) }
        : undefined,
      callerOf: callers,
      isAdmin: (key) => operators(key) ?? false
    }
  })

/**
 * Finds a key among thousands as fast as among two, and takes no time that says anything of the keys.
 *
 * A table by the key's SHA-256 alone would not do. Its timing could tell how much of a stored hash the hash of a guess
 * has in common with, which the guesser can work out as well; and who has learnt the hash of a weak key so can try
 * words against it at home. So the table is by a hash that also takes in a secret of this process: nobody outside can
 * work it out, and what its lookup takes is noise to him. What the table finds is compared with `timingSafeEqual`.
 */
const lookup = <A>(known: ReadonlyArray<{ readonly sha256: string; readonly means: A }>) => {
  const secret = randomBytes(32).toString("hex")
  const placeOf = (sha256: string) => hash("sha256", secret + sha256)
  const table = new Map(
    known.map(({ means, sha256 }) => [placeOf(sha256), { means, expected: Buffer.from(sha256, "hex") }])
  )
  return (key: string): A | undefined => {
    const sha256 = sha256Of(key)
    const found = table.get(placeOf(sha256))
    return found !== undefined && timingSafeEqual(Buffer.from(sha256, "hex"), found.expected) ? found.means : undefined
  }
}
