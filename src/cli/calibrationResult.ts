/** What the forms of a calibration (text, JSON, HTML) are made of. */
import { type Outcome, pickOutcomes, type Recommendation, type ScoredPair } from "../domain/similarity/Calibration.ts"

export interface Calibration {
  readonly file: string
  readonly embedder: string
  readonly pairs: ReadonlyArray<ScoredPair>
  /** Lowest threshold first. */
  readonly outcomes: ReadonlyArray<Outcome>
  readonly recommendation: Recommendation
  readonly wrongRate: number
  /** `FALLBACK_MIN_SIMILARITY` as it is now. */
  readonly current: number
}

export const recommended = ({ recommendation }: Calibration): number | undefined =>
  recommendation.basis === "none" ? undefined : recommendation.outcome.threshold

/** The thresholds that people want to see, and what is special about them. */
export const rowsOf = (calibration: Calibration) => {
  const { current, outcomes } = calibration
  const best = recommended(calibration)
  return pickOutcomes(outcomes, [current, ...best === undefined ? [] : [best]]).map((outcome) => ({
    outcome,
    note: [
      ...outcome.threshold === best ? ["recommended"] : [],
      ...outcome.threshold === current ? ["set now"] : []
    ].join(", ")
  }))
}

/** Whether the guard refuses any of the pairs: else there is nothing to say of it. */
export const guardMatters = ({ pairs }: Calibration): boolean => pairs.some(({ objection }) => objection !== undefined)

/** Two digits, and more only where a threshold has more. */
export const shown = (threshold: number): string =>
  String(threshold).length > 4 ? String(threshold) : threshold.toFixed(2)
