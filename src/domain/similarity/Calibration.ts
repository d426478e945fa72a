/** What a threshold of similarity would serve of labelled pairs of prompts, and which threshold to take. Pure. */

/** Two prompts, and whether an answer to the one answers the other. */
export interface LabelledPair {
  readonly a: string
  readonly b: string
  readonly same: boolean
  /** What sort of pair it is, for a figure of its own; any text. */
  readonly kind: string
}

export interface ScoredPair extends LabelledPair {
  /** Cosine of the two prompts' vectors; 1 when their normal forms are the same, as the exact match has no threshold. */
  readonly similarity: number
  /** What the guard has against it; such a pair is served at no threshold. */
  readonly objection: string | undefined
}

/** A share of a count, with its 95 % Wilson score interval. */
export interface Share {
  readonly count: number
  readonly of: number
  /** 0 when there is nothing to take a share of. */
  readonly share: number
  readonly low: number
  readonly high: number
}

/** What one threshold serves. */
export interface Outcome {
  readonly threshold: number
  /** Of all pairs. */
  readonly served: Share
  /** Of the pairs that are the same wish. */
  readonly right: Share
  /** Of the pairs that are not. */
  readonly wrong: Share
  /** The same without the guard. */
  readonly unguarded: { readonly right: Share; readonly wrong: Share }
  readonly kinds: ReadonlyArray<{ readonly kind: string; readonly served: Share }>
}

const z = 1.959964

/** The 95 % Wilson score interval of a share: honest for few cases and for shares of 0 and 1. */
export const shareOf = (count: number, of: number): Share => {
  if (of === 0) return { count, of, share: 0, low: 0, high: 1 }
  const share = count / of
  const spread = z * Math.sqrt(share * (1 - share) / of + z ** 2 / (4 * of ** 2))
  const centre = share + z ** 2 / (2 * of)
  const scale = 1 + z ** 2 / of
  return {
    count,
    of,
    share,
    // Exact at the ends, where rounding would leave a hair's breadth.
    low: count === 0 ? 0 : Math.max(0, (centre - spread) / scale),
    high: count === of ? 1 : Math.min(1, (centre + spread) / scale)
  }
}

/** Pairs of different wishes that are needed before "none of them is served" says that the rate is below this one. */
export const pairsNeeded = (rate: number): number => rate <= 0 ? Infinity : Math.ceil(z ** 2 * (1 - rate) / rate)

/** The kinds, in the order of their first pair. */
export const kindsOf = (pairs: ReadonlyArray<ScoredPair>): ReadonlyArray<string> => [
  ...new Set(pairs.map(({ kind }) => kind))
]

export const isServed = (pair: ScoredPair, threshold: number): boolean =>
  pair.objection === undefined && pair.similarity >= threshold

const shareWhere = (pairs: ReadonlyArray<ScoredPair>, is: (pair: ScoredPair) => boolean): Share =>
  shareOf(pairs.reduce((sum, pair) => is(pair) ? sum + 1 : sum, 0), pairs.length)

export const outcomeAt = (pairs: ReadonlyArray<ScoredPair>, threshold: number): Outcome => {
  const same = pairs.filter((pair) => pair.same)
  const different = pairs.filter((pair) => !pair.same)
  const served = (pair: ScoredPair) => isServed(pair, threshold)
  const isNear = (pair: ScoredPair) => pair.similarity >= threshold
  return {
    threshold,
    served: shareWhere(pairs, served),
    right: shareWhere(same, served),
    wrong: shareWhere(different, served),
    unguarded: { right: shareWhere(same, isNear), wrong: shareWhere(different, isNear) },
    kinds: kindsOf(pairs).map((kind) => ({
      kind,
      served: shareWhere(pairs.filter((pair) => pair.kind === kind), served)
    }))
  }
}

/** Hundredths: finer than any set of pairs can tell apart. */
export const thresholds: ReadonlyArray<number> = Array.from({ length: 101 }, (_, index) => index / 100)

export type Recommendation =
  /** The whole interval of the wrong rate is at most the wanted one. */
  | { readonly basis: "interval"; readonly outcome: Outcome }
  /** Only the rate as it was seen is: the pairs do not prove it. */
  | { readonly basis: "estimate"; readonly outcome: Outcome }
  /** No threshold is good enough for these pairs, or there are no pairs to say so. */
  | { readonly basis: "none"; readonly reason: "no different pairs" | "always exceeded" }

/**
 * The lowest threshold whose wrong rate stays at or below the wanted one: with its interval, or where the pairs do not
 * suffice for that at any threshold, as it was seen. Where the next higher ones serve just the same pairs, because a
 * guard does the work, it is the one in the middle of them: as far as can be from what would be served wrongly and from
 * what would be missed. `outcomes` in the order of their thresholds, lowest first.
 */
export const recommend = (outcomes: ReadonlyArray<Outcome>, wrongRate: number): Recommendation => {
  if ((outcomes[0]?.wrong.of ?? 0) === 0) return { basis: "none", reason: "no different pairs" }
  const proven = middleFrom(outcomes, outcomes.findIndex(({ wrong }) => wrong.high <= wrongRate))
  if (proven !== undefined) return { basis: "interval", outcome: proven }
  const seen = middleFrom(outcomes, outcomes.findIndex(({ wrong }) => wrong.share <= wrongRate))
  return seen === undefined ? { basis: "none", reason: "always exceeded" } : { basis: "estimate", outcome: seen }
}

/** Of those from this one on that serve the same. */
const middleFrom = (outcomes: ReadonlyArray<Outcome>, first: number): Outcome | undefined => {
  const lowest = outcomes[first]
  if (lowest === undefined) return undefined
  const other = outcomes.findIndex(({ right, wrong }, index) =>
    index > first && (right.count !== lowest.right.count || wrong.count !== lowest.wrong.count)
  )
  const last = (other === -1 ? outcomes.length : other) - 1
  return outcomes[first + Math.floor((last - first) / 2)]
}

/**
 * A dozen of the outcomes or so, for people: evenly spaced over the thresholds that anybody would think of, and those of
 * the marked ones in any case.
 */
export const pickOutcomes = (
  outcomes: ReadonlyArray<Outcome>,
  marked: ReadonlyArray<number>
): ReadonlyArray<Outcome> => {
  const told = outcomes.filter(({ right, unguarded, wrong }) =>
    unguarded.wrong.share <= 0.25 && right.count + wrong.count > 0
  ).map(({ threshold }) => hundredths(threshold))
  const [first, last] = [Math.min(...told), Math.max(...told)]
  const step = [1, 2, 5, 10].find((step) => (last - first) / step <= 16) ?? 10
  return outcomes.filter(({ threshold }) => {
    const place = hundredths(threshold)
    return marked.includes(threshold) || (place >= first && place <= last && place % step === 0)
  })
}

const hundredths = (threshold: number): number => Math.round(threshold * 10_000) / 100
