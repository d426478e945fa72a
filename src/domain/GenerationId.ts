/** Unique names. Pure: time and chance come in as arguments. */
import { GenerationId } from "./Generation.ts"

/** Names for generated texts. */
export const generationIds = (now: number, random1: number, random2: number): () => GenerationId => {
  const next = uniqueNames("gen", now, random1, random2)
  return () => GenerationId.make(next())
}

/**
 * The kind, when the naming began, 60 random bits, and a number that counts up: unique without asking for chance each
 * time, and in order within one process.
 */
export const uniqueNames = (kind: string, now: number, random1: number, random2: number): () => string => {
  const prefix = `${kind}_${now.toString(36)}${chars(random1)}${chars(random2)}`
  let count = 0
  return () => prefix + (count++).toString(36)
}

/** Six characters of base 36: 30 bits of the random integer. */
const chars = (random: number): string => (Math.abs(random) % 2 ** 30).toString(36).padStart(6, "0")
