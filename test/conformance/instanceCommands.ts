/** What an instance of the shared circuit is told to do, in this process or in one of its own. */
import { Effect } from "effect"
import { callsOf } from "./circuits.ts"

export interface Command {
  readonly id: number
  /** `calls FFS` one after the other; `burst 50` at once, each taking a second if it gets through; `tag`. */
  readonly line: string
}

export interface Reply {
  readonly id: number
  readonly result: string
}

export const run = (key: string, { line }: Command) => {
  const { calls, protect, tag } = callsOf(key)
  const [what, argument = ""] = line.split(" ")
  switch (what) {
    case "calls":
      return calls(argument)
    case "burst": {
      const call = Effect.match(protect(Effect.sleep("1 second")), { onSuccess: () => 1, onFailure: () => 0 })
      return Effect.map(
        Effect.forEach(Array.from({ length: Number(argument) }), () => call, { concurrency: "unbounded" }),
        (reached) => String(reached.filter((one) => one === 1).length)
      )
    }
    default:
      return tag
  }
}
