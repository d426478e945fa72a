/** What of a prompt the guard compares: taken from it once, small, and storable without its text. */
import { normalizePrompt } from "./Prompt.ts"

/** Words stand here as hashes only, so that traits may be kept where prompts may not. */
export interface PromptTraits {
  readonly numbers: ReadonlyArray<string>
}

/** Linear in the length of the prompt; never throws. */
export const promptTraits = (prompt: string): PromptTraits => ({
  numbers: [...new Set(normalizePrompt(prompt).match(/\p{N}+/gu) ?? [])].sort()
})

/** Changes with what traits hold; entries of another version are taken anew from their prompts. */
export const traitsVersion = "1"

/** One line of text for the store, with the version of the traits in it. */
export const encodeTraits = (traits: PromptTraits): string => `1 ${traits.numbers.join(" ")}`

/** `undefined` for traits of another version, or none. */
export const decodeTraits = (text: string): PromptTraits | undefined =>
  text.startsWith("1 ") ? { numbers: text.slice(2).split(" ").filter((number) => number !== "") } : undefined
