import { describe, layer } from "@effect/vitest"
import { Layer } from "effect"
import { layerEmbedded, layerFreshServer, withoutServer } from "../support/databases.ts"
import { breakerCases } from "./breaker.contract.ts"
import { memory, postgres } from "./circuits.ts"

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(Layer.empty, live)("in memory", (it) => breakerCases(it, memory))

layer(layerEmbedded("memory:"), live)("in PostgreSQL, embedded", (it) => breakerCases(it, postgres))

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("in PostgreSQL, on a server", (it) => breakerCases(it, postgres))
})
