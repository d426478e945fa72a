/** A calibration for a terminal, and for programs. */
import {
  kindsOf,
  type Outcome,
  pairsNeeded,
  type Recommendation,
  type Share
} from "../domain/similarity/Calibration.ts"
import { table } from "../domain/text/Table.ts"
import { type Calibration, guardMatters, recommended, rowsOf, shown } from "./calibrationResult.ts"

export const percent = (share: number): string => {
  const points = share * 100
  return `${points > 0 && points < 1 ? points.toFixed(2) : points.toFixed(1)} %`
}

export const interval = ({ high, low }: Share): string => `${percent(low)} to ${percent(high)}`

export const calibrationText = (calibration: Calibration): string => {
  const { embedder, file, pairs } = calibration
  const withGuard = guardMatters(calibration)
  const kinds = kindsOf(pairs)
  const head = [
    "threshold",
    "served",
    "right",
    "wrong",
    "wrong, 95 % interval",
    ...withGuard ? ["right unguarded", "wrong unguarded"] : [],
    ...kinds,
    ""
  ]
  const rows = rowsOf(calibration).map(({ note, outcome }) => [
    shown(outcome.threshold),
    percent(outcome.served.share),
    percent(outcome.right.share),
    percent(outcome.wrong.share),
    interval(outcome.wrong),
    ...withGuard ? [percent(outcome.unguarded.right.share), percent(outcome.unguarded.wrong.share)] : [],
    ...kinds.map((_, index) => counted(outcome.kinds[index]?.served)),
    note
  ])
  const numbers = new Set(head.keys())
  numbers.delete(head.length - 1)
  return [
    `${pairs.length} pairs of ${file}, ${countOf(pairs, true)} the same wish, ${countOf(pairs, false)} not; `
    + `embedder ${embedder}, with the guard${withGuard ? "" : ", which refuses none of them"}`,
    "",
    table([head, ...rows], numbers),
    "",
    "right: of the pairs that are the same wish, the share that is served; wrong: of the others.",
    "",
    ...adviceOn(calibration)
  ].join("\n")
}

const countOf = (pairs: Calibration["pairs"], same: boolean): number =>
  pairs.filter((pair) => pair.same === same).length

const counted = (share: Share | undefined): string => share === undefined ? "" : `${share.count}/${share.of}`

/** The recommendation in sentences, and how far it can be trusted. */
export const adviceOn = ({ current, outcomes, recommendation, wrongRate }: Calibration): ReadonlyArray<string> => {
  const wanted = percent(wrongRate)
  const most = outcomes[0]?.wrong.of ?? 0
  if (recommendation.basis === "none") return [noneBecause(recommendation, outcomes, wanted)]
  const { outcome } = recommendation
  const { right, threshold, wrong } = outcome
  const figures = `there ${counted(wrong)} different pairs are served (95 % interval: ${interval(wrong)}) and `
    + `${right.of === 0 ? "there are no pairs of one wish to tell what is right" : `${counted(right)} same ones`}`
  const needed = pairsNeeded(wrongRate)
  return [
    recommendation.basis === "interval"
      ? `Recommended: FALLBACK_MIN_SIMILARITY=${
        shown(threshold)
      }. It serves what the lowest threshold does whose whole interval `
        + `stays within a wrong rate of ${wanted}: ${figures}.`
      : `Recommended, but not proven: FALLBACK_MIN_SIMILARITY=${
        shown(threshold)
      }. It serves what the lowest threshold does at `
        + `which the wrong rate that was seen stays within ${wanted}: ${figures}. `
        + (most < needed
          ? Number.isFinite(needed)
            ? `To prove ${wanted} takes at least ${needed} different pairs, none of them served; here are ${most}.`
            : "No number of pairs proves a rate of zero."
          : "At no threshold does the whole interval: too many different pairs are served even at the highest."),
    ...right.of > 0 && right.count === 0
      ? ["But it serves none of the pairs that should be: this embedder does not fit."]
      : [],
    ...threshold === current ? ["That is what is set now."] : []
  ]
}

const noneBecause = (
  { reason }: Extract<Recommendation, { readonly basis: "none" }>,
  outcomes: ReadonlyArray<Outcome>,
  wanted: string
): string => {
  if (reason === "no different pairs") {
    return "No recommendation: without pairs that are not the same wish nothing can be said about wrong answers."
  }
  const last = outcomes.at(-1)
  return `No recommendation: no threshold keeps the wrong rate within ${wanted}; even at `
    + `${shown(last?.threshold ?? 1)} ${counted(last?.wrong)} different pairs are served.`
}

/** Every threshold, with the counts and intervals of each. */
export const calibrationJson = (calibration: Calibration): string => {
  const { current, embedder, file, outcomes, pairs, recommendation, wrongRate } = calibration
  return JSON.stringify(
    {
      file,
      pairs: pairs.length,
      embedder,
      wrong_rate: wrongRate,
      current,
      recommended: recommended(calibration) ?? null,
      basis: recommendation.basis,
      different_pairs_needed: Number.isFinite(pairsNeeded(wrongRate)) ? pairsNeeded(wrongRate) : null,
      thresholds: outcomes.map(({ kinds, right, served, threshold, unguarded, wrong }) => ({
        threshold,
        served,
        right,
        wrong,
        unguarded,
        kinds: Object.fromEntries(kinds.map(({ kind, served }) => [kind, served]))
      }))
    },
    null,
    2
  )
}
