/** Durations as people type them: "30 seconds", "30s", "1500ms", "2m". */
import { Result } from "effect"

/** In the order in which the shortest form is looked for. */
const units = [
  { short: "d", long: /^(?:d|days?)$/, millis: 86_400_000 },
  { short: "h", long: /^(?:h|hours?)$/, millis: 3_600_000 },
  { short: "m", long: /^(?:m|min|mins|minutes?)$/, millis: 60_000 },
  { short: "s", long: /^(?:s|secs?|seconds?)$/, millis: 1_000 },
  { short: "ms", long: /^(?:ms|millis|milliseconds?)$/, millis: 1 }
] as const

/** In milliseconds; otherwise what is wrong, and what to write. A number without a unit could mean any of them. */
export const readDuration = (text: string): Result.Result<number, string> => {
  const [, number, word = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  if (number === undefined) return Result.fail(`"${text}" is no duration: write one such as 30s, 1500ms or "2 minutes"`)
  if (word === "") return Result.fail(`"${text}" has no unit: write ${number}s, ${number}ms or "${number} minutes"`)
  const unit = units.find(({ long }) => long.test(word.toLowerCase()))
  if (unit === undefined) return Result.fail(`"${word}" is no unit of time: write ms, s, m, h or d, such as ${number}s`)
  // Nanoseconds: 1.1 seconds are 1100 milliseconds, and not one more or less in the 13th digit.
  return Result.succeed(Number((Number(number) * unit.millis).toFixed(6)))
}

/** The shortest form that is whole: 90000 is "90s", 120000 is "2m". */
export const showDuration = (millis: number): string => {
  const unit = units.find((unit) => millis >= unit.millis && millis % unit.millis === 0)
  return unit === undefined ? `${millis}ms` : `${millis / unit.millis}${unit.short}`
}
