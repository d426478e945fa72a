/** Subjects by their popularity: what an answer may stand in for. Two of them are never the same wish. */
import { type Angle, angles, things } from "./SubjectWords.ts"

export interface Subject {
  readonly thing: string
  readonly angle: Angle
}

/** So many there are; each has a number below this one, and the commonest has 0. */
export const mostSubjects = things.length * angles.length

/** The subject of a number. A defect for a number that is none. */
export const subjectAt = (number: number): Subject => {
  const subject = subjects()[number]
  if (subject === undefined) throw new RangeError(`There is no subject ${number}: there are ${mostSubjects}`)
  return subject
}

/**
 * A popular thing has popular angles, so the commonest subjects are near misses of one another: the n-th angle of the
 * m-th thing stands where the product of the two numbers puts it. The first things and angles are not that much more
 * popular than the next ones.
 */
const subjects = (() => {
  let ranked: ReadonlyArray<Subject> | undefined
  return (): ReadonlyArray<Subject> => {
    ranked ??= things
      .flatMap((thing, m) => angles.map((angle, n) => ({ thing, angle, place: (m + 4) * (n + 3) })))
      .toSorted((a, b) => a.place - b.place)
      .map(({ angle, thing }) => ({ thing, angle }))
    return ranked
  }
})()
