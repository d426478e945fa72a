/** The command line on Node. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { run } from "../cli/Understudy.ts"

export const understudy = (args: ReadonlyArray<string>) => Effect.provide(run(args), NodeServices.layer)
