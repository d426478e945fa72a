/** The table of circuits: one row per key, changed by compare-and-set, in the database's time. */
import { type Clock, Context, Effect, Option, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { CircuitState } from "../../domain/circuit/CircuitState.ts"

/**
 * Whose time shared circuits live in. Instances must agree on it, so it is the database's, and what paces the polls and
 * bounds the calls is the process's clock. Tests on a virtual clock say "process": the circuit's time is then the clock
 * of the process, while `io` paces what really takes time, polls and timeouts.
 */
export const CircuitClock = Context.Reference<{
  readonly time: "database" | "process"
  readonly io: Clock.Clock | undefined
}>("understudy/services/CircuitClock", { defaultValue: () => ({ time: "database", io: undefined }) })

export interface StoredCircuit {
  readonly version: number
  readonly state: CircuitState
}

interface Row {
  readonly now: number
  /** Null when no circuit was found: a row comes back all the same, for the time. */
  readonly key: string | null
  readonly version: number
  readonly state: string
}

const Json = Schema.fromJsonString(CircuitState)
const decode = Schema.decodeUnknownOption(Json)
const encode = Schema.encodeSync(Json)

/** `now` is the time in the mode "process". */
export const makeCircuitStore = (sql: SqlClient.SqlClient, now: Option.Option<() => number>) => {
  const time = Option.match(now, {
    onNone: () => sql`floor(extract(epoch FROM clock_timestamp()) * 1000)::float8`,
    onSome: () => sql`NULL::float8`
  })
  const timeOf = (row: Row | undefined): number => Option.isSome(now) ? now.value() : row?.now ?? 0

  /** These circuits, or all, and the time. A row that another release wrote and we cannot read is as none. */
  const read = (keys: ReadonlyArray<string> | undefined) => {
    const wanted = keys === undefined
      ? sql`true`
      : sql`circuit.key IN (SELECT jsonb_array_elements_text(${JSON.stringify(keys)}::text::jsonb))`
    return Effect.map(
      sql<Row>`
        SELECT ${time} AS now, circuit.key, circuit.version::float8 AS version, circuit.state::text AS state
        FROM (SELECT 1) AS one LEFT JOIN understudy_circuits AS circuit ON ${wanted}`,
      (rows) => {
        const circuits = new Map<string, StoredCircuit>()
        for (const { key, state, version } of rows) {
          const decoded = key === null ? Option.none() : decode(state)
          if (key !== null && Option.isSome(decoded)) circuits.set(key, { version, state: decoded.value })
        }
        return { now: timeOf(rows[0]), circuits }
      }
    )
  }

  /** The new version; none when somebody else was faster. */
  const write = (key: string, version: number | undefined, state: CircuitState, forgettableAt: number) => {
    const until = Number.isFinite(forgettableAt) ? forgettableAt : null
    const written = version === undefined
      ? sql<{ version: number }>`
        INSERT INTO understudy_circuits AS circuit (key, state, forgettable_at)
        VALUES (${key}, ${encode(state)}::text::jsonb, ${until}::float8)
        ON CONFLICT (key) DO NOTHING RETURNING version::float8 AS version`
      : sql<{ version: number }>`
        UPDATE understudy_circuits
        SET version = DEFAULT, state = ${encode(state)}::text::jsonb, forgettable_at = ${until}::float8
        WHERE key = ${key} AND version = ${version}::float8::bigint RETURNING version::float8 AS version`
    return Effect.map(written, (rows) => rows[0]?.version)
  }

  const forget = Option.match(now, {
    onNone: () => sql`DELETE FROM understudy_circuits WHERE forgettable_at < ${time}`,
    onSome: (current) =>
      Effect.suspend(() => sql`DELETE FROM understudy_circuits WHERE forgettable_at < ${current()}::float8`)
  })

  return { read, write, forget }
}
