/** Names for generated texts. Pure: time and chance come in as arguments. */
import { GenerationId } from "./Generation.ts"

/**
 * "gen_", when the naming began, 60 random bits, and a number that counts up: unique without asking for chance each
 * time, and in the order of generation within one process.
 */
export const generationIds = (now: number, random1: number, random2: number): () => GenerationId => {
  const prefix = `gen_${now.toString(36)}${chars(random1)}${chars(random2)}`
  let count = 0
  return () => GenerationId.make(prefix + (count++).toString(36))
}

/** Six characters of base 36: 30 bits of the random integer. */
const chars = (random: number): string => (Math.abs(random) % 2 ** 30).toString(36).padStart(6, "0")
