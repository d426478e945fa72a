/** The keys that this process knows of: those under way here, and answers that are kept here. */
import { Clock, Effect, Random } from "effect"
import { Digest } from "effect/crypto"
import { IdempotencyInFlight, IdempotencyMismatch } from "../../domain/errors.ts"
import type { Namespace } from "../../domain/Generation.ts"
import { decide, type IdempotencyDecision, type IdempotencyRecord } from "../../domain/Idempotency.ts"
import type { IdempotencyRequest } from "../Idempotency.ts"

/** A request as it is kept: hashes, and the name of its attempt. */
export interface Claim {
  readonly namespace: Namespace
  /** SHA-256 in hex of the key, within its namespace and space. */
  readonly id: string
  /** SHA-256 in hex. */
  readonly fingerprint: string
  readonly attempt: string
}

interface Entry extends IdempotencyRecord {
  readonly namespace: Namespace
}

/** Characters of answers that are kept here. */
const maxKept = 32_000_000

/** Every attempt ends itself; should a bug keep one from it, its key is free after this. */
const maxAttemptMillis = 3_600_000

export const makeBook = (ttlMillis: number) => {
  const entries = new Map<string, Entry>()
  let kept = 0

  const remove = (id: string, entry: Entry | undefined = entries.get(id)): void => {
    if (entry === undefined) return
    entries.delete(id)
    kept -= entry.answer?.length ?? 0
  }
  const isOf = ({ attempt, id }: Claim): boolean => entries.get(id)?.attempt === attempt

  /** Answers stand in the order of their completion, which is that of their expiry. */
  const makeRoom = (now: number): void => {
    for (const [id, entry] of entries) {
      if (entry.until > now && kept <= maxKept && entry.answer !== undefined) return
      if (entry.until <= now || (entry.answer !== undefined && kept > maxKept)) remove(id, entry)
    }
  }

  return {
    /** Takes the key's place when it is free; whose it is is known from {@link confirm} on. */
    begin: ({ attempt, fingerprint, id, namespace }: Claim, now: number): IdempotencyDecision => {
      const decision = decide(entries.get(id), fingerprint, now)
      if (decision._tag === "Start") {
        remove(id)
        entries.set(id, {
          namespace,
          attempt,
          fingerprint: undefined,
          answer: undefined,
          until: now + maxAttemptMillis
        })
      }
      return decision
    },
    confirm: (claim: Claim): void => {
      const entry = entries.get(claim.id)
      if (entry?.attempt === claim.attempt) entries.set(claim.id, { ...entry, fingerprint: claim.fingerprint })
    },
    complete: (claim: Claim, answer: string, now: number): void => {
      if (!isOf(claim)) return
      const { attempt, fingerprint, id, namespace } = claim
      remove(id)
      entries.set(id, { namespace, attempt, fingerprint, answer, until: now + ttlMillis })
      kept += answer.length
      makeRoom(now)
    },
    /** Forgets the claim, if it is still the one that holds the key. */
    release: (claim: Claim): void => {
      if (isOf(claim)) remove(claim.id)
    },
    discard: ({ id }: Claim, answer: string): void => {
      if (entries.get(id)?.answer === answer) remove(id)
    },
    erase: (namespace: Namespace): number => {
      const ids = [...entries].filter(([, entry]) => entry.namespace === namespace && entry.answer !== undefined)
      for (const [id, entry] of ids) remove(id, entry)
      return ids.length
    }
  }
}

/** Makes a claim of a request. */
export const makeClaiming = Effect.fnUntraced(function*(space: string) {
  const { digestHex } = yield* Digest.Digest
  const utf8 = new TextEncoder()
  const hash = (parts: ReadonlyArray<string>) => digestHex(Digest.sha256, utf8.encode(JSON.stringify(parts)))
  const process = `${(yield* Clock.currentTimeMillis).toString(36)}-${yield* Random.nextInt}-${yield* Random.nextInt}`
  let count = 0
  return ({ fingerprint, key, namespace }: IdempotencyRequest): Effect.Effect<Claim> =>
    Effect.zipWith(hash([space, namespace, key]), hash([fingerprint]), (id, fingerprint) => ({
      namespace,
      id,
      fingerprint,
      attempt: `${process}-${count++}`
    }))
})

/** The two decisions that are refusals. */
export const refuse = ({ _tag }: { readonly _tag: "InFlight" | "Mismatch" }) =>
  Effect.fail(_tag === "InFlight" ? new IdempotencyInFlight() : new IdempotencyMismatch())
