/**
 * What the package may weigh, about a tenth above what it weighs. A change that needs more says so here, and why in its
 * commit.
 */

const kB = 1_000

/** Packed, as npm sends it. */
export const tarball = 1_150 * kB

/** Programs that are bundled for a small or a cold place, minified and compressed. */
export const bundles: ReadonlyArray<Program> = []

export interface Program {
  readonly name: string
  readonly source: string
  /** Bytes of Understudy alone. */
  readonly own: number
  /** Bytes with `effect` in it. */
  readonly whole: number
}
