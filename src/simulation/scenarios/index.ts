/** The scenarios that ship. */
import type { Scenario } from "../Scenario.ts"
import { story } from "./story.ts"
import { troubles } from "./troubles.ts"

export { story }

/** The story first. */
export const scenarios: ReadonlyArray<Scenario> = [story, ...troubles]
