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
 * Names for places on a line, none on top of another. Where a name finds no room, it and the one that took its room
 * become numbers. What stands somewhere is not repeated where it has no room.
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
    const labels: Array<Label> = []
    const said = new Set<number>()
    const crowded: Array<ReadonlyArray<number>> = []
    let free = from
    let before: number | undefined
    for (const { name, number, x } of sorted) {
      const text = numbered.has(number) ? String(number) : name
      const half = widthOf(text) / 2
      // Pushed aside as far as it still touches its place.
      const middle = Math.min(Math.max(x, free + half), to - half)
      if (middle - half >= free && Math.abs(middle - x) <= half) {
        labels.push({ text, x: middle })
        said.add(number)
        free = middle + half + 4
        before = number
      } else {
        crowded.push(before === undefined ? [number] : [number, before])
      }
    }
    const more = crowded.filter(([number = 0]) => !said.has(number)).flat().filter((number) => !numbered.has(number))
    if (more.length === 0) return labels
    for (const number of more) numbered.add(number)
  }
}
