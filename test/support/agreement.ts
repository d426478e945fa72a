/** Whether what was done for real is what simulations of it say, but for chance. */
import type { StrategyResult } from "../../src/simulation/index.ts"

export interface Comparison {
  readonly strategy: string
  readonly figure: string
  /** The mean of what was done for real. */
  readonly real: number
  /** The mean of the simulations. */
  readonly simulated: number
  /** Of the difference of the two. */
  readonly standardError: number
  /** The largest difference that is put down to chance. */
  readonly allowed: number
}

export interface Allowance {
  readonly standardErrors: number
  /** On top of them: a share, or calls per request. */
  readonly more: number
}

/** Each figure of one strategy. The runs differ in chance only: the same users come in all of them. */
export const compare = (
  real: ReadonlyArray<StrategyResult>,
  simulations: ReadonlyArray<StrategyResult>,
  allowance: Allowance
): ReadonlyArray<Comparison> =>
  figures.map(([figure, of]) => {
    const all = simulations.map(of)
    const standardError = Math.sqrt(varianceOf(all) * (1 / real.length + 1 / all.length))
    return {
      strategy: real[0]?.strategy ?? "",
      figure,
      real: meanOf(real.map(of)),
      simulated: meanOf(all),
      standardError,
      allowed: allowance.standardErrors * standardError + allowance.more
    }
  })

export const isApart = ({ allowed, real, simulated }: Comparison): boolean => !(Math.abs(real - simulated) <= allowed)

export const showComparison = ({ allowed, figure, real, simulated, standardError, strategy }: Comparison): string =>
  `${strategy.padEnd(11)} ${figure.padEnd(17)} real ${real.toFixed(4)}, simulated ${
    simulated.toFixed(4)
  }, standard error ${standardError.toFixed(4)}, allowed ${allowed.toFixed(4)}`

const figures: ReadonlyArray<readonly [name: string, of: (row: StrategyResult) => number]> = [
  ["failed", ({ failed, requests }) => failed / requests],
  ["live", ({ live, requests }) => live / requests],
  ["cache", ({ cache, requests }) => cache / requests],
  ["template", ({ requests, template }) => template / requests],
  ["calls per request", ({ providerCalls, requests }) => providerCalls / requests]
]

const meanOf = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

const varianceOf = (numbers: ReadonlyArray<number>): number => {
  const mean = meanOf(numbers)
  return numbers.reduce((sum, n) => sum + (n - mean) ** 2, 0) / (numbers.length - 1)
}
