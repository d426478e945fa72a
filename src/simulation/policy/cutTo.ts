/** A scenario that ends earlier. */
import { Result } from "effect"
import type { Scenario } from "../Scenario.ts"
import { readDuration, showDuration } from "./durations.ts"

/** The first "6 hours" of it; or what is wrong with the text, and what to write. */
export const cutTo = (scenario: Scenario, text: string): Result.Result<Scenario, string> =>
  Result.flatMap(readDuration(text), (durationMillis) =>
    durationMillis > 0 && durationMillis <= scenario.durationMillis
      ? Result.succeed({ ...scenario, durationMillis })
      : Result.fail(
        `${text.trim()} cannot be cut out of ${scenario.name}: write more than 0 and at most ${
          showDuration(scenario.durationMillis)
        }`
      ))
