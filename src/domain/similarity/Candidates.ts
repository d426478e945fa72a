/** Which of the nearest entries may be shown. Pure. */
import { type Objection, objectionTo } from "./Guard.ts"
import type { PromptTraits } from "./PromptTraits.ts"

/** Why a candidate was passed over; `unknown`: nothing is known of its prompt, so nothing vouches for it. */
export interface Refusal<C> {
  readonly candidate: C
  readonly kind: Objection["kind"] | "unknown"
  readonly detail: string
}

export interface Choice<C> {
  readonly chosen: C | undefined
  /** Those that were nearer than the chosen one. */
  readonly refused: ReadonlyArray<Refusal<C>>
}

/** The first one that the guard has nothing against; `candidates` come nearest first. */
export const chooseCandidate = <C extends { readonly traits: PromptTraits | undefined }>(
  asked: PromptTraits,
  candidates: ReadonlyArray<C>
): Choice<C> => {
  const refused: Array<Refusal<C>> = []
  for (const candidate of candidates) {
    if (candidate.traits === undefined) {
      refused.push({ candidate, kind: "unknown", detail: "its traits are not known yet" })
      continue
    }
    const objection = objectionTo(asked, candidate.traits)
    if (objection === undefined) return { chosen: candidate, refused }
    refused.push({ candidate, ...objection })
  }
  return { chosen: undefined, refused }
}

const millisOfADay = 24 * 60 * 60 * 1_000
const countedUses = 30

/**
 * What an entry is worth keeping for, in milliseconds since the epoch: when it was last given or shown, and each use
 * makes it a day younger, thirty at most. The least useful make room.
 */
export const usefulness = (entry: {
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
  readonly uses: number
}): number =>
  Math.max(entry.createdAt, entry.lastUsedAt ?? entry.createdAt) + Math.min(entry.uses, countedUses) * millisOfADay
