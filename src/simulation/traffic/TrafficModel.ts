/** Who asks, when, for what, and how long they wait. Times in milliseconds from the beginning of the simulation. */

export interface TrafficModel {
  /** Requests per day on average, bursts not counted. */
  readonly perDay: number
  /** How much the rate swings over a day, 0 (always the same) to 1 (from nothing to twice the mean). */
  readonly dailySwing: number
  /** The hour of the day at which most ask; a simulation begins at hour 0. Default 14. */
  readonly peakHour?: number | undefined
  /** Times in which so many times as many ask. */
  readonly bursts: ReadonlyArray<{
    readonly fromMillis: number
    readonly toMillis: number
    readonly factor: number
  }>
  readonly prompts: PromptModel
  readonly patience: PatienceModel
}

/** What is asked for: how many subjects, and how unequally. */
export interface PromptModel {
  /** How many different subjects there are. */
  readonly subjects: number
  /** Zipf's exponent: the n-th subject is asked for `1 / n ** exponent` times as often as the first. About 1 is usual. */
  readonly exponent: number
  /** Share of the requests that put their subject in one of its other wordings, 0 to 1; the others use its first. */
  readonly paraphrased: number
}

/** Nobody leaves before `atLeastMillis`; from then on they leave at random, `meanExtraMillis` later on average. */
export interface PatienceModel {
  readonly atLeastMillis: number
  readonly meanExtraMillis: number
}

/** One request of one user. */
export interface Visit {
  readonly atMillis: number
  readonly prompt: string
  /** What the prompt is about: two prompts of the same subject may be answered with the same text. */
  readonly subject: number
  /** When they give up, from their request on. */
  readonly patienceMillis: number
}
