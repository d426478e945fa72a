import { describe, layer, type Vitest } from "@effect/vitest"
import type { SqlClient } from "effect/sql"
import { layerEmbedded, layerFreshServer, withoutServer } from "../support/databases.ts"
import { cancelingTests } from "./jobs/canceling.contract.ts"
import { submittingTests } from "./jobs/submitting.contract.ts"
import { turnsTests } from "./jobs/turns.contract.ts"

const live = { excludeTestServices: true, timeout: "60 seconds" } as const

const jobsTests = (it: Vitest.MethodsNonLive<SqlClient.SqlClient>) => {
  describe("submitted", () => submittingTests(it))
  describe("going on", () => turnsTests(it))
  describe("canceled", () => cancelingTests(it))
}

layer(layerEmbedded("memory:"), live)("jobs in PostgreSQL, embedded", jobsTests)

describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
  layer(layerFreshServer, live)("jobs in PostgreSQL, on a server", jobsTests)
})
