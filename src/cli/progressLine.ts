/** How far a simulation is, in one line of a terminal. */
import type { Progress } from "../simulation/run/simulate.ts"

const barWidth = 24

/**
 * Shorter than the terminal is wide, so that it never breaks. The bar and the percentage are those of all rows together;
 * so is the time that is left, once it can be told.
 */
export const progressLine = (progress: Progress, elapsedMillis: number, columns: number): string => {
  const done = doneOf(progress)
  const filled = Math.round(barWidth * done)
  const bar = `[${"#".repeat(filled)}${".".repeat(barWidth - filled)}] ${String(Math.floor(100 * done)).padStart(3)} %`
  const row = `  row ${progress.row + 1} of ${progress.rows}: ${progress.what}`
  return `${bar}${timeLeft(done, elapsedMillis)}${row}`.slice(0, Math.max(0, columns - 1))
}

/** Of the whole, 0 to 1. */
const doneOf = ({ part, row, rows }: Progress): number => Math.min(1, Math.max(0, (row + part) / Math.max(1, rows)))

/** Before this nobody can tell. */
const sureAfterMillis = 1_000
const sureAfterShare = 0.001

const timeLeft = (done: number, elapsedMillis: number): string => {
  if (elapsedMillis < sureAfterMillis || done < sureAfterShare) return ""
  const seconds = Math.ceil(elapsedMillis * (1 - done) / done / 1_000)
  return seconds < 120 ? `, ${seconds} s left` : `, ${Math.ceil(seconds / 60)} min left`
}
