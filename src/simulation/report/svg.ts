/**
 * What the small pictures have in common. Each is as wide as a phone, so that its text is as large as the page's there;
 * on a wide page several stand next to one another.
 */
import { escaped } from "../../domain/text/Html.ts"
import { duration } from "./Figures.ts"

const width = 360
export const left = 48
export const right = 334

export interface Picture {
  /** Unique on the page. */
  readonly id: string
  readonly height: number
  readonly title: string
  /** What is to be seen, for those who do not see it. */
  readonly description: string
  readonly body: string
}

export const picture = ({ body, description, height, id, title }: Picture): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
${named(id, title, description)}
${body}
</svg>`

export const named = (id: string, title: string, description: string): string =>
  `<title id="${id}-title">${escaped(title)}</title><desc id="${id}-desc">${escaped(description)}</desc>`

/** A number in an attribute: short, and the same everywhere. */
export const at = (value: number): string => String(Math.round(value * 10) / 10)

export type Anchor = "start" | "middle" | "end"

export const text = (className: string, x: number, y: number, anchor: Anchor, content: string): string =>
  `<text class="${className}" x="${at(x)}" y="${at(y)}" text-anchor="${anchor}">${escaped(content)}</text>`

export const lineOf = (className: string, x1: number, y1: number, x2: number, y2: number): string =>
  `<line class="${className}" x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"/>`

export const rect = (className: string, x: number, y: number, wide: number, high: number): string =>
  `<rect class="${className}" x="${at(x)}" y="${at(y)}" width="${at(Math.max(0, wide))}" height="${
    at(Math.max(0, high))
  }"/>`

/** At most as wide as it is, in a system font of 12 pixels. */
export const textWidth = (content: string): number => content.length * 7

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes
const steps = [1, 2, 5, 10, 15, 30].flatMap((step) => [step * seconds, step * minutes])
  .concat([1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720].map((step) => step * hours)).toSorted((a, b) => a - b)

/** Round times from 0 to the end, at most six steps. */
const timesUpTo = (endMillis: number): ReadonlyArray<number> => {
  if (!(endMillis > 0) || !Number.isFinite(endMillis)) return [0]
  const step = steps.find((step) => endMillis / step <= 6) ?? endMillis / 4
  return Array.from({ length: Math.floor(endMillis / step + 1e-9) + 1 }, (_, index) => index * step)
}

/** The axis of time below a picture; the line at `y`, its words below. */
export const timeAxis = (endMillis: number, y: number): string =>
  timesUpTo(endMillis).map((time) => {
    const x = placeOf(time, endMillis)
    return lineOf("axis", x, y, x, y + 4) + text("tick", x, y + 16, "middle", duration(time))
  }).join("")

/** Where a time stands, cut to the picture. */
export const placeOf = (millis: number, endMillis: number): number =>
  left + Math.min(1, Math.max(0, endMillis > 0 ? millis / endMillis : 0)) * (right - left)
