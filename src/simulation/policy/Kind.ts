/** What a value may be: how it is typed, shown and bounded. Every value is a number underneath. */
import { Result } from "effect"
import { readDuration, showDuration } from "./durations.ts"

export type Kind =
  | { readonly _tag: "integer"; readonly minimum: number; readonly maximum: number }
  /** Mostly between 0 and 1. */
  | { readonly _tag: "share"; readonly minimum: number; readonly maximum: number }
  /** In milliseconds. */
  | { readonly _tag: "duration"; readonly minimum: number; readonly maximum: number }
  /** 1 and 0. */
  | { readonly _tag: "on/off" }

/** Fails with what is wrong with the text, and what to write. */
export const readValue = (kind: Kind, text: string): Result.Result<number, string> =>
  Result.flatMap(
    readAny(kind, text),
    (value) =>
      kind._tag === "on/off" || (value >= kind.minimum && value <= kind.maximum)
        ? Result.succeed(value)
        : Result.fail(`${showValue(kind, value)} is out of bounds: write ${expected(kind)}`)
  )

/** Of a kind, but within no bounds: also the step of a sweep. */
export const readAny = (kind: Kind, text: string): Result.Result<number, string> => {
  const value = text.trim()
  switch (kind._tag) {
    case "integer":
      return /^-?\d+$/.test(value) ? Result.succeed(Number(value)) : notOne(kind, text)
    case "share":
      return /^-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?$/i.test(value) ? Result.succeed(Number(value)) : notOne(kind, text)
    case "duration":
      return readDuration(text)
    case "on/off":
      return value === "on" ? Result.succeed(1) : value === "off" ? Result.succeed(0) : notOne(kind, text)
  }
}

const notOne = (kind: Kind, text: string): Result.Result<never, string> =>
  Result.fail(`"${text}" does not fit: write ${expected(kind)}`)

/** As `readValue` reads it. */
export const showValue = (kind: Kind, value: number): string => {
  switch (kind._tag) {
    case "integer":
      return String(value)
    case "share":
      // Sums of shares are not quite what they are meant to be.
      return String(Number(value.toPrecision(12)))
    case "duration":
      return showDuration(value)
    case "on/off":
      return value === 0 ? "off" : "on"
  }
}

/** Completes "write …". */
export const expected = (kind: Kind): string => {
  if (kind._tag === "on/off") return "on or off"
  const bounds = `from ${showValue(kind, kind.minimum)} to ${showValue(kind, kind.maximum)}`
  return kind._tag === "integer" ? `a whole number ${bounds}` : `a ${kind._tag} ${bounds}`
}
