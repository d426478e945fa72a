/** The table of templates, a namespace's own ones: all SQL about it stands here. */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import type { Namespace } from "../../domain/Generation.ts"

/** A template as it was imported. */
export interface TemplateSource {
  readonly name: string
  /** Front matter and Markdown. */
  readonly source: string
}

export interface StoredTemplate extends TemplateSource {
  readonly namespace: string
  /** When it was imported, in milliseconds since the epoch. */
  readonly importedAt: number
  /** New with every write, and never used again. */
  readonly revision: string
}

interface Row {
  readonly namespace: string
  readonly name: string
  readonly source: string
  readonly imported_at: number
  readonly revision: string
}

export const makeTemplateStore = (sql: SqlClient.SqlClient) => {
  const columns = sql`namespace, name, source, revision::text AS revision,
    floor(extract(epoch FROM imported_at) * 1000)::float8 AS imported_at`

  return {
    /** Changes with every import and removal. */
    version: Effect.map(
      sql<{ readonly version: string }>`
        SELECT md5(coalesce(string_agg(revision::text, ',' ORDER BY revision), '')) AS version
        FROM understudy_templates`,
      (rows) => rows[0]?.version ?? ""
    ),

    /** Of all namespaces, for the snapshot that answers are made from. */
    all: Effect.map(
      sql<Row>`SELECT ${columns} FROM understudy_templates ORDER BY namespace, name`,
      (rows) => rows.map(toStored)
    ),

    of: (namespace: Namespace) =>
      Effect.map(
        sql<Row>`SELECT ${columns} FROM understudy_templates WHERE namespace = ${namespace} ORDER BY name`,
        (rows) => rows.map(toStored)
      ),

    /** All of them or none; one of the same name is replaced. */
    import: (namespace: Namespace, templates: ReadonlyArray<TemplateSource>) =>
      sql`
        INSERT INTO understudy_templates (namespace, name, source)
        SELECT ${namespace}::text, name, source
        FROM json_to_recordset(${JSON.stringify(templates)}::json) AS template (name text, source text)
        ON CONFLICT (namespace, name) DO UPDATE SET
          source = EXCLUDED.source, imported_at = EXCLUDED.imported_at, revision = DEFAULT`,

    /** `false`: the namespace has no such template of its own. */
    remove: (namespace: Namespace, name: string) =>
      Effect.map(
        sql`DELETE FROM understudy_templates WHERE namespace = ${namespace} AND name = ${name} RETURNING 1`,
        (rows) => rows.length > 0
      ),

    /** How many there were. */
    erase: (namespace: Namespace) =>
      Effect.map(
        sql`DELETE FROM understudy_templates WHERE namespace = ${namespace} RETURNING 1`,
        (rows) => rows.length
      )
  }
}

const toStored = (row: Row): StoredTemplate => ({
  namespace: row.namespace,
  name: row.name,
  source: row.source,
  importedAt: row.imported_at,
  revision: row.revision
})
