/** When the provider or the database was in trouble, for pictures and lists. */
import { shortened } from "../../domain/similarity/Subject.ts"
import type { Scenario } from "../Scenario.ts"
import { line, moment } from "./Figures.ts"

export interface Trouble {
  readonly what: string
  readonly of: "provider" | "database"
  readonly times: ReadonlyArray<{ readonly fromMillis: number; readonly toMillis: number }>
}

/** By name, in the order in which each first comes; what begins after the end is left out. */
export const troublesOf = ({ database, durationMillis, provider }: Scenario): ReadonlyArray<Trouble> => {
  const windows = [
    ...provider.windows.map((window) => ({ ...window, of: "provider" as const })),
    ...(database?.down ?? []).map((window) => ({ ...window, what: "database down", of: "database" as const }))
  ]
    .map(({ fromMillis, of, toMillis, what }) => ({
      of,
      what: shortened(line(what), 80),
      fromMillis: Math.max(0, fromMillis),
      toMillis: Math.min(toMillis, durationMillis)
    }))
    .filter(({ fromMillis, toMillis }) => fromMillis < toMillis)
    .toSorted((a, b) => a.fromMillis - b.fromMillis)
  const groups = Map.groupBy(windows, ({ of, what }) => `${of} ${what}`)
  return [...groups.values()].flatMap((times) =>
    times.slice(0, 1).map(({ of, what }) => ({
      of,
      what,
      times: times.map(({ fromMillis, toMillis }) => ({ fromMillis, toMillis }))
    }))
  )
}

const listed = 6

/** "outage, 10:00 to 10:30". */
export const inWords = ({ times, what }: Trouble): string => {
  const more = times.length - listed
  return `${what}, ${
    times.slice(0, listed).map(({ fromMillis, toMillis }) => `${moment(fromMillis)} to ${moment(toMillis)}`).join(", ")
  }${more > 0 ? ` and ${more} times more` : ""}`
}

export interface Label {
  readonly text: string
  /** The middle. */
  readonly x: number
}

export interface Place {
  readonly name: string
  /** Stands for the name where there is no room for it. */
  readonly number: number
  readonly x: number
}

/**
 * Names for places on a line, none on top of another; each touches its place. Where a name finds no room, it and the one
 * that took its room become numbers. What stands somewhere is not repeated where it has no room.
 */
export const labelsOf = (
  places: ReadonlyArray<Place>,
  from: number,
  to: number,
  widthOf: (text: string) => number
): ReadonlyArray<Label> => {
  const sorted = places.toSorted((a, b) => a.x - b.x)
  const numbered = new Set<number>()
  for (;;) {
    const { crowded, labels } = placed(sorted, numbered, from, to, widthOf)
    const more = crowded.filter((number) => !numbered.has(number))
    if (more.length === 0) return labels
    for (const number of more) numbered.add(number)
  }
}

const gap = 4

/** From left to right; `crowded` are the numbers of those that stand nowhere, and of those before them. */
const placed = (
  places: ReadonlyArray<Place>,
  numbered: ReadonlySet<number>,
  from: number,
  to: number,
  widthOf: (text: string) => number
): { readonly labels: ReadonlyArray<Label>; readonly crowded: ReadonlyArray<number> } => {
  const labels: Array<{ text: string; x: number; readonly half: number; readonly place: Place }> = []
  const conflicts: Array<ReadonlyArray<number>> = []
  for (const place of places) {
    const { name, number, x } = place
    const text = numbered.has(number) ? String(number) : name
    const half = widthOf(text) / 2
    const before = labels.at(-1)
    const end = (label: typeof before) => label === undefined ? from : label.x + label.half + gap
    // The furthest that it can be pushed to the right: to where it still touches its place.
    const latest = Math.min(x, to - 2 * half)
    const lack = end(before) - latest
    // The one before is pushed to the left as far.
    const room = before === undefined || before.place.number === number
      ? 0
      : before.x - Math.max(end(labels.at(-2)) + before.half, before.place.x - before.half)
    if (latest < from || lack > Math.max(0, room)) {
      conflicts.push(before === undefined ? [number] : [number, before.place.number])
      continue
    }
    if (before !== undefined && lack > 0) before.x -= lack
    labels.push({ text, half, place, x: Math.min(Math.max(x, end(before) + half), to - half) })
  }
  const stands = new Set(labels.map(({ place }) => place.number))
  return { labels, crowded: conflicts.filter(([number = 0]) => !stands.has(number)).flat() }
}
