/** Names for generated texts. Pure: time and chance come in as arguments. */
import { GenerationId } from "./Generation.ts"

/** "gen_", the time in base 36 so that names sort by age, and about 100 random bits from two random integers. */
export const newGenerationId = (now: number, random1: number, random2: number): GenerationId =>
  GenerationId.make(`gen_${now.toString(36)}${chars(random1)}${chars(random2)}`)

/** Random integers are anywhere among the safe ones, so their sign goes into the name too. */
const chars = (random: number): string => (random < 0 ? "z" : "y") + Math.abs(random).toString(36).padStart(11, "0")
