/** Runs one suite on PGlite and, where there is one, on a server; each time on an empty database of its own. */
import { describe, layer, type Vitest } from "@effect/vitest"
import type { SqlClient } from "effect/sql"
import { layerEmbedded, layerFreshServer, withoutServer } from "./databases.ts"

/** Live: a database has its own time. */
const live = { excludeTestServices: true, timeout: "60 seconds" } as const

export const onBothDatabases = (
  what: string,
  tests: (it: Vitest.MethodsNonLive<SqlClient.SqlClient>) => void
): void => {
  layer(layerEmbedded("memory:"), live)(`${what} in PostgreSQL, embedded`, tests)
  describe.skipIf(withoutServer)("with TEST_DATABASE_URL", () => {
    layer(layerFreshServer, live)(`${what} in PostgreSQL, on a server`, tests)
  })
}
