/** One entry per step, in order. A released step is never changed. */
import { Effect } from "effect"
import { PersistedQueue } from "effect/persistence"
import { Migrator, SqlClient } from "effect/sql"
import { queueTable } from "../services/jobs/JobQueues.ts"
import { answerContexts } from "./AnswerContexts.ts"

/** Each runs in the migration's transaction, which holds a lock that the other instances wait for. */
export const steps = Migrator.fromRecord({
  "0001_answers": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // '' stands for an absent content type, locale or model family: it takes part in the unique key, NULL would not.
    yield* sql`
      CREATE TABLE understudy_answers (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text NOT NULL,
        namespace text NOT NULL,
        prompt_hash bytea NOT NULL,
        content_type text NOT NULL,
        locale text NOT NULL,
        model_family text NOT NULL,
        prompt text NOT NULL,
        model text NOT NULL,
        text text NOT NULL,
        input_tokens integer,
        output_tokens integer,
        embedder text,
        embedding vector,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (namespace, prompt_hash, content_type, locale, model_family)
      )`
  }),
  "0002_circuits": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // Every write takes a new version, which no other row ever has: a row that went and came back is another one.
    // `forgettable_at` is milliseconds since the epoch; NULL: never.
    yield* sql`
      CREATE TABLE understudy_circuits (
        key text PRIMARY KEY,
        version bigint GENERATED ALWAYS AS IDENTITY,
        state jsonb NOT NULL,
        forgettable_at double precision
      )`
  }),
  "0003_limits": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // One book of leases per provider, written by compare-and-set on its version.
    yield* sql`
      CREATE TABLE understudy_limits (
        key text PRIMARY KEY,
        version bigint NOT NULL,
        book jsonb NOT NULL
      )`
  }),
  "0004_governed_answers": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // Vectors move to a table per vector space (services/cache/VectorSpace.ts); those of before are made again from the
    // prompts. `prompt` and `traits` are NULL where they are not kept or not known yet.
    yield* sql`ALTER TABLE understudy_answers DROP COLUMN embedding, DROP COLUMN embedder`
    yield* sql`
      ALTER TABLE understudy_answers
        ALTER COLUMN prompt DROP NOT NULL,
        ADD COLUMN traits text,
        ADD COLUMN uses integer NOT NULL DEFAULT 0,
        ADD COLUMN last_used_at timestamptz,
        ADD COLUMN quarantined_at timestamptz`
    yield* sql`ALTER TABLE understudy_answers DROP CONSTRAINT understudy_answers_pkey, ADD PRIMARY KEY (namespace, seq)`
    yield* sql`CREATE INDEX understudy_answers_by_id ON understudy_answers (namespace, id)`
    yield* sql`CREATE INDEX understudy_answers_by_age ON understudy_answers (namespace, created_at)`
    // Room in each page, so that counting a use rewrites no index.
    yield* sql`ALTER TABLE understudy_answers SET (fillfactor = 90)`
    // Which namespaces there are: row-level security lets nobody look for them in the answers.
    yield* sql`CREATE TABLE understudy_namespaces (namespace text PRIMARY KEY)`
    yield* sql`INSERT INTO understudy_namespaces SELECT DISTINCT namespace FROM understudy_answers`
    yield* sql`
      CREATE TABLE understudy_spaces (
        name text PRIMARY KEY,
        vectors text NOT NULL,
        used_at timestamptz NOT NULL DEFAULT now(),
        leased_until timestamptz
      )`
    yield* sql`ALTER TABLE understudy_answers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`
    yield* sql`
      CREATE POLICY own_namespace ON understudy_answers
        USING (namespace = current_setting('understudy.namespace', true))`
    yield* findFunction
    yield* rememberFunction
  }),
  "0005_templates": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // The source as it was imported: it is parsed when it is read, so that a better parser needs no migration. Every
    // write takes a new revision, so that the set of them tells one state of the table from every other.
    yield* sql`
      CREATE TABLE understudy_templates (
        namespace text NOT NULL,
        name text NOT NULL,
        source text NOT NULL,
        imported_at timestamptz NOT NULL DEFAULT now(),
        revision bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        PRIMARY KEY (namespace, name)
      )`
  }),
  "0006_contexts": answerContexts,
  "0007_idempotency": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // `answer` is NULL while the attempt that has taken the key is under way, and `expires_at` is then the end of its
    // lease. Every attempt has a name of its own, so that a late one changes nothing of its successor's.
    yield* sql`
      CREATE TABLE understudy_idempotency (
        namespace text NOT NULL,
        key_hash bytea NOT NULL,
        fingerprint_hash bytea NOT NULL,
        attempt text NOT NULL,
        answer text,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (namespace, key_hash)
      )`
    yield* sql`CREATE INDEX understudy_idempotency_by_age ON understudy_idempotency (namespace, expires_at)`
    yield* sql`ALTER TABLE understudy_idempotency ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`
    yield* sql`
      CREATE POLICY own_namespace ON understudy_idempotency
        USING (namespace = current_setting('understudy.namespace', true))`
  }),
  "0008_jobs": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // `turn` counts what has been done for a job, and errands in the queue name the turn that they are for. `request`
    // and `failure` are gone once it has ended.
    yield* sql`
      CREATE TABLE understudy_jobs (
        namespace text NOT NULL,
        seq bigint GENERATED ALWAYS AS IDENTITY,
        id text NOT NULL,
        form text NOT NULL,
        status text NOT NULL,
        version integer NOT NULL DEFAULT 1,
        turn integer NOT NULL DEFAULT 0,
        attempts integer NOT NULL DEFAULT 0,
        request text,
        failure text,
        outcome text,
        waiting_for text,
        next_try_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        ended_at timestamptz,
        deadline timestamptz NOT NULL,
        expires_at timestamptz,
        upgrade_of text,
        callback_url text,
        callback_status text,
        callback_attempts integer NOT NULL DEFAULT 0,
        callback_error text,
        PRIMARY KEY (namespace, id)
      )`
    yield* sql`CREATE UNIQUE INDEX understudy_jobs_by_age ON understudy_jobs (namespace, seq)`
    yield* sql`CREATE INDEX understudy_jobs_under_way ON understudy_jobs (namespace) WHERE ended_at IS NULL`
    yield* sql`CREATE INDEX understudy_jobs_by_status ON understudy_jobs (namespace, status, seq)`
    yield* sql`CREATE INDEX understudy_jobs_by_end ON understudy_jobs (namespace, expires_at)
      WHERE expires_at IS NOT NULL`
    yield* sql`CREATE INDEX understudy_jobs_by_callback ON understudy_jobs (namespace, callback_status, seq)
      WHERE callback_status IS NOT NULL`
    yield* sql`ALTER TABLE understudy_jobs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`
    yield* sql`
      CREATE POLICY own_namespace ON understudy_jobs
        USING (namespace = current_setting('understudy.namespace', true))`
    // The queue brings its own table; here, so that several instances that start at once do not all try to create it.
    yield* Effect.scoped(PersistedQueue.makeStoreSql({ tableName: queueTable }))
  })
})

/**
 * One lookup in one round trip, inside the row-level security of its namespace: the exact prompt, else, when there is a
 * question, the nearest of those vectors. Vectors have length 1, so the inner product is the cosine, and cheaper. Only
 * the search itself is planned anew each time, because its plan depends on how large the namespace is.
 */
const findFunction = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`
    CREATE FUNCTION understudy_find(
      own text, exact_prompt text, vectors text, question text, min_similarity float8, max_age_millis float8,
      of_type text, of_locale text, of_family text, nearest integer
    ) RETURNS TABLE (
      seq bigint, id text, text text, model text, input_tokens integer, output_tokens integer, traits text,
      age_millis float8, similarity float8, is_exact boolean
    ) LANGUAGE plpgsql AS $$
    #variable_conflict use_column
    DECLARE
      since timestamptz := now() - max_age_millis * interval '1 millisecond';
      seqs bigint[];
      similarities float8[];
    BEGIN
      PERFORM set_config('understudy.namespace', own, true);
      IF exact_prompt IS NOT NULL THEN
        RETURN QUERY
          WITH same AS MATERIALIZED (
            SELECT * FROM understudy_answers a
            WHERE a.namespace = own AND a.prompt_hash = sha256(convert_to(exact_prompt, 'UTF8'))
              AND a.created_at > since AND a.quarantined_at IS NULL
              AND (of_type = '' OR a.content_type = of_type) AND (of_locale = '' OR a.locale = of_locale)
              AND (of_family = '' OR a.model_family = of_family)
          )
          SELECT a.seq, a.id, a.text, a.model, a.input_tokens, a.output_tokens, a.traits,
            greatest(0, extract(epoch FROM now() - a.created_at) * 1000)::float8, 1::float8, true
          FROM same a ORDER BY a.created_at DESC, a.seq DESC LIMIT 1;
        IF FOUND THEN RETURN; END IF;
      END IF;
      IF question IS NULL OR to_regclass(vectors) IS NULL THEN RETURN; END IF;
      EXECUTE format(
        'SELECT array_agg(near.seq), array_agg(near.similarity) FROM (
           SELECT v.seq, -(v.embedding <#> $2) AS similarity FROM %I v
           WHERE v.namespace = $1 AND v.created_at > $3%s%s%s
           ORDER BY v.embedding <#> $2 LIMIT $7
         ) AS near',
        vectors,
        CASE WHEN of_type = '' THEN '' ELSE ' AND v.content_type = $4' END,
        CASE WHEN of_locale = '' THEN '' ELSE ' AND v.locale = $5' END,
        CASE WHEN of_family = '' THEN '' ELSE ' AND v.model_family = $6' END
      ) INTO seqs, similarities USING own, question::vector, since, of_type, of_locale, of_family, nearest;
      RETURN QUERY
        SELECT a.seq, a.id, a.text, a.model, a.input_tokens, a.output_tokens, a.traits,
          greatest(0, extract(epoch FROM now() - a.created_at) * 1000)::float8, least(1, near.similarity), false
        FROM unnest(seqs, similarities) AS near (seq, similarity)
        JOIN understudy_answers a ON a.namespace = own AND a.seq = near.seq
        WHERE near.similarity >= min_similarity AND a.quarantined_at IS NULL
        ORDER BY round(near.similarity::numeric, 3) DESC, a.created_at DESC, a.seq DESC;
    END $$`)

/** Stores the answers of one namespace, and their vectors where there are any. */
const rememberFunction = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`
    CREATE FUNCTION understudy_remember(own text, answers json, vectors text) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      statement text := '
        WITH answer AS MATERIALIZED (
          SELECT *, sha256(convert_to(normalized_prompt, ''UTF8'')) AS prompt_hash
          FROM json_to_recordset($2) AS answer (
            id text, normalized_prompt text, content_type text, locale text, model_family text, prompt text, traits text,
            model text, text text, input_tokens integer, output_tokens integer, embedding text
          )
        ), kept AS (
          INSERT INTO understudy_answers AS a (
            id, namespace, prompt_hash, content_type, locale, model_family, prompt, traits, model, text,
            input_tokens, output_tokens
          )
          SELECT id, $1, prompt_hash, content_type, locale, model_family, prompt, traits, model, text,
            input_tokens, output_tokens
          FROM answer
          ON CONFLICT (namespace, prompt_hash, content_type, locale, model_family) DO UPDATE SET
            id = EXCLUDED.id, prompt = EXCLUDED.prompt, traits = EXCLUDED.traits, model = EXCLUDED.model,
            text = EXCLUDED.text, input_tokens = EXCLUDED.input_tokens, output_tokens = EXCLUDED.output_tokens,
            created_at = EXCLUDED.created_at,
            -- The same answer stored again, as after a retry, stays out.
            quarantined_at = CASE WHEN a.id = EXCLUDED.id THEN a.quarantined_at END
          RETURNING seq, prompt_hash, content_type, locale, model_family, created_at
        )';
    BEGIN
      PERFORM set_config('understudy.namespace', own, true);
      INSERT INTO understudy_namespaces VALUES (own) ON CONFLICT DO NOTHING;
      IF to_regclass(vectors) IS NULL THEN
        EXECUTE statement || 'SELECT FROM kept' USING own, answers;
        RETURN;
      END IF;
      -- The same prompt has the same vector: only its time changes, which no index has to follow.
      EXECUTE statement || format('
        , renewed AS (
          UPDATE %1$I v SET created_at = kept.created_at FROM kept WHERE v.namespace = $1 AND v.seq = kept.seq
          RETURNING v.seq
        )
        INSERT INTO %1$I (namespace, seq, content_type, locale, model_family, created_at, embedding)
        SELECT $1, seq, content_type, locale, model_family, created_at, embedding::vector
        FROM kept JOIN answer USING (prompt_hash, content_type, locale, model_family)
        WHERE embedding IS NOT NULL AND seq NOT IN (SELECT seq FROM renewed)
        ON CONFLICT (namespace, seq) DO NOTHING', vectors) USING own, answers;
    END $$`)
