/** What somebody may have meant who has mistyped a name. */

/** The closest of the names, best first: at most `count`, and none that has nothing to do with it. */
const nearest = (typed: string, names: ReadonlyArray<string>, count = 3): ReadonlyArray<string> =>
  names
    .map((name) => ({ name, distance: distanceTo(plain(typed), plain(name)) }))
    .filter(({ distance }) => distance < Infinity)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name)

/** Completes a sentence that says what was typed: "; did you mean …?", or nothing. */
export const didYouMean = (typed: string, names: ReadonlyArray<string>): string => {
  const found = nearest(typed, names)
  return found.length === 0 ? "" : `; did you mean ${found.join(" or ")}?`
}

const plain = (name: string): string => name.toLowerCase().replace(/[-_\s]/g, "")

/** Who types no dot means the part behind it, and who types a part of a name means the name. Infinite: neither. */
const distanceTo = (typed: string, name: string): number => {
  if (typed.length >= 4 && name.includes(typed)) return 1
  const last = name.slice(name.lastIndexOf(".") + 1)
  return Math.min(close(typed, name), typed.includes(".") ? Infinity : close(typed, last))
}

/** Two slips, or one in three characters of a long name. */
const close = (typed: string, name: string): number => {
  const distance = edits(typed, name)
  return distance <= Math.max(Math.min(2, name.length - 2), name.length / 3) ? distance : Infinity
}

/** Characters to put in, take out or exchange (Levenshtein). */
export const edits = (from: string, to: string): number => {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [row, a] of [...from].entries()) {
    const line = [row + 1]
    for (const [column, b] of [...to].entries()) {
      const exchanged = (above[column] ?? 0) + (a === b ? 0 : 1)
      line.push(Math.min(exchanged, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
}
