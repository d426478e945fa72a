/** Who the service is in the database: somebody whom row-level security binds. */
import { Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"

/** One name in the whole cluster; it may not log in. */
const role = "understudy_service"

/**
 * Row-level security does not bind superusers, and the embedded database has no other user. So for them there is a role
 * that owns the tables and that the service's connections take; everybody else stays who they are, since the policies
 * are forced on owners too. Answers the role to take, if any.
 */
export const prepare = Effect.fn("ServiceRole.prepare")(
  function*(): Effect.fn.Return<string | undefined, SqlError.SqlError, SqlClient.SqlClient> {
    const sql = yield* SqlClient.SqlClient
    const [user] = yield* sql<{ readonly is_super: boolean; readonly bypasses: boolean }>`
      SELECT rolsuper AS is_super, rolbypassrls AS bypasses FROM pg_roles WHERE rolname = current_user`
    if (user?.is_super !== true) {
      if (user?.bypasses === true) {
        yield* Effect.logWarning(
          "the database user has BYPASSRLS: row-level security, the second line between namespaces, does not bind it"
        )
      }
      return undefined
    }
    yield* sql.withTransaction(Effect.gen(function*() {
      yield* sql`SELECT pg_advisory_xact_lock(hashtext('understudy service role'))`
      yield* sql.unsafe(`
        DO $$ BEGIN
          CREATE ROLE ${role} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
      yield* sql.unsafe(`
        DO $$ DECLARE owned text; BEGIN
          EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO ${role}', current_schema());
          FOR owned IN SELECT format('%I.%I', current_schema(), relname) FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'understudy\\_%'
              AND relkind IN ('r', 'p') AND relowner <> '${role}'::regrole
          LOOP
            EXECUTE format('ALTER TABLE %s OWNER TO ${role}', owned);
          END LOOP;
        END $$`)
    }))
    return role
  }
)
