/** The database, for commands: the service's own, which an embedded one must not be running on. */
import { Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { load } from "../layers/AppConfig.ts"
import * as Database from "../layers/Database.ts"
import { failed } from "./CommandFailed.ts"

/** The database of the configuration, with its tables up to date. */
export const database = Layer.unwrap(Effect.gen(function*() {
  const { dataDir, databaseUrl } = yield* load
  if (databaseUrl === undefined && dataDir.startsWith("memory:")) {
    return yield* failed(
      "DATA_DIR is memory:, which keeps nothing: set DATA_DIR or DATABASE_URL to what the service uses"
    )
  }
  return Database.layer({ url: Option.fromUndefinedOr(databaseUrl), dataDir })
})).pipe(
  Layer.catchTag("DataDirLocked", ({ directory, holder }) => {
    const inUse = failed(
      `the data directory ${directory} is in use by ${holder ?? "another process"}. A running service has its `
        + "embedded database to itself: stop the service, run this command again, and start the service; or set "
        + "DATABASE_URL to a PostgreSQL server, which both can use at the same time"
    )
    return Layer.effect(SqlClient.SqlClient, inUse)
  })
)
