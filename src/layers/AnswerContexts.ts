/**
 * The migration that gives answers a context: what had shaped them beside the prompt. Kept is its SHA-256, '' for none.
 *
 * The hash of the prompt takes the context in, so that the unique key stays as it is. What the instances of before call
 * is still there, for the time that they run beside new ones: they see and write answers without a context.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export const answerContexts = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE understudy_answers ADD COLUMN context bytea NOT NULL DEFAULT ''`
  yield* sql`
    CREATE FUNCTION understudy_prompt_hash(context bytea, normalized_prompt text) RETURNS bytea LANGUAGE sql IMMUTABLE
    RETURN CASE
      WHEN context = '' THEN sha256(convert_to(normalized_prompt, 'UTF8'))
      ELSE sha256(context || sha256(convert_to(normalized_prompt, 'UTF8')))
    END`
  yield* findFunction
  yield* findWithoutContext
  yield* rememberFunction
})

/**
 * One lookup in one round trip, inside the row-level security of its namespace: the exact prompt, else, when there is a
 * question, the nearest of those vectors; both in the very same context. Vectors have length 1, so the inner product is
 * the cosine, and cheaper. Only the search itself is planned anew each time, because its plan depends on how many
 * entries the namespace and the context have.
 *
 * The search goes by the vectors' copy of the context, and the answers' own decides: an instance of before knows of none
 * and may have written such a vector.
 */
const findFunction = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`
    CREATE FUNCTION understudy_find(
      own text, exact_prompt text, vectors text, question text, min_similarity float8, max_age_millis float8,
      of_context text, of_type text, of_locale text, of_family text, nearest integer
    ) RETURNS TABLE (
      seq bigint, id text, text text, model text, input_tokens integer, output_tokens integer, traits text,
      age_millis float8, similarity float8, is_exact boolean
    ) LANGUAGE plpgsql AS $$
    #variable_conflict use_column
    DECLARE
      since timestamptz := now() - max_age_millis * interval '1 millisecond';
      within bytea := decode(of_context, 'hex');
      asked bytea := understudy_prompt_hash(within, exact_prompt);
      seqs bigint[];
      similarities float8[];
    BEGIN
      PERFORM set_config('understudy.namespace', own, true);
      IF exact_prompt IS NOT NULL THEN
        RETURN QUERY
          WITH same AS MATERIALIZED (
            SELECT * FROM understudy_answers a
            WHERE a.namespace = own AND a.prompt_hash = asked AND a.context = within
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
           WHERE v.namespace = $1 AND v.created_at > $3 AND v.context = $8%s%s%s
           ORDER BY v.embedding <#> $2 LIMIT $7
         ) AS near',
        vectors,
        CASE WHEN of_type = '' THEN '' ELSE ' AND v.content_type = $4' END,
        CASE WHEN of_locale = '' THEN '' ELSE ' AND v.locale = $5' END,
        CASE WHEN of_family = '' THEN '' ELSE ' AND v.model_family = $6' END
      ) INTO seqs, similarities
      USING own, question::vector, since, of_type, of_locale, of_family, nearest, within;
      RETURN QUERY
        SELECT a.seq, a.id, a.text, a.model, a.input_tokens, a.output_tokens, a.traits,
          greatest(0, extract(epoch FROM now() - a.created_at) * 1000)::float8, least(1, near.similarity), false
        FROM unnest(seqs, similarities) AS near (seq, similarity)
        JOIN understudy_answers a ON a.namespace = own AND a.seq = near.seq
        WHERE near.similarity >= min_similarity AND a.quarantined_at IS NULL AND a.context = within
        ORDER BY round(near.similarity::numeric, 3) DESC, a.created_at DESC, a.seq DESC;
    END $$`)

/** As the instances of before ask. */
const findWithoutContext = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`
    CREATE OR REPLACE FUNCTION understudy_find(
      own text, exact_prompt text, vectors text, question text, min_similarity float8, max_age_millis float8,
      of_type text, of_locale text, of_family text, nearest integer
    ) RETURNS TABLE (
      seq bigint, id text, text text, model text, input_tokens integer, output_tokens integer, traits text,
      age_millis float8, similarity float8, is_exact boolean
    ) LANGUAGE plpgsql AS $$
    BEGIN
      RETURN QUERY SELECT * FROM understudy_find(
        own, exact_prompt, vectors, question, min_similarity, max_age_millis, '', of_type, of_locale, of_family, nearest
      );
    END $$`)

/**
 * Stores the answers of one namespace, and their vectors where there are any. An answer without traits is found by its
 * very prompt and context only; nothing of a prompt that was kept before may stay with it, a vector least of all.
 */
const rememberFunction = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`
    CREATE OR REPLACE FUNCTION understudy_remember(own text, answers json, vectors text) RETURNS void
    LANGUAGE plpgsql AS $$
    DECLARE
      statement text := '
        WITH answer AS MATERIALIZED (
          SELECT *, understudy_prompt_hash(of_context, normalized_prompt) AS prompt_hash
          FROM (
            SELECT *, decode(coalesce(context, ''''), ''hex'') AS of_context
            FROM json_to_recordset($2) AS answer (
              id text, normalized_prompt text, context text, content_type text, locale text, model_family text,
              prompt text, traits text, model text, text text, input_tokens integer, output_tokens integer,
              embedding text
            )
          ) AS answer
        ), kept AS (
          INSERT INTO understudy_answers AS a (
            id, namespace, prompt_hash, context, content_type, locale, model_family, prompt, traits, model, text,
            input_tokens, output_tokens
          )
          SELECT id, $1, prompt_hash, of_context, content_type, locale, model_family, prompt, traits, model, text,
            input_tokens, output_tokens
          FROM answer
          ON CONFLICT (namespace, prompt_hash, content_type, locale, model_family) DO UPDATE SET
            id = EXCLUDED.id, prompt = EXCLUDED.prompt, traits = EXCLUDED.traits, model = EXCLUDED.model,
            text = EXCLUDED.text, input_tokens = EXCLUDED.input_tokens, output_tokens = EXCLUDED.output_tokens,
            created_at = EXCLUDED.created_at,
            -- The same answer stored again, as after a retry, stays out.
            quarantined_at = CASE WHEN a.id = EXCLUDED.id THEN a.quarantined_at END
          RETURNING seq, prompt_hash, context, content_type, locale, model_family, created_at
        )';
    BEGIN
      PERFORM set_config('understudy.namespace', own, true);
      INSERT INTO understudy_namespaces VALUES (own) ON CONFLICT DO NOTHING;
      IF EXISTS (SELECT FROM json_array_elements(answers) AS answer WHERE answer ->> 'traits' IS NULL) THEN
        DELETE FROM understudy_answers a
        USING json_to_recordset(answers) AS answer (
          id text, normalized_prompt text, context text, content_type text, locale text, model_family text, traits text
        )
        WHERE answer.traits IS NULL AND a.namespace = own
          AND a.prompt_hash
            = understudy_prompt_hash(decode(coalesce(answer.context, ''), 'hex'), answer.normalized_prompt)
          AND a.content_type = answer.content_type AND a.locale = answer.locale
          AND a.model_family = answer.model_family
          AND a.id <> answer.id AND (a.prompt IS NOT NULL OR a.traits IS NOT NULL);
      END IF;
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
        INSERT INTO %1$I (namespace, seq, context, content_type, locale, model_family, created_at, embedding)
        SELECT $1, seq, kept.context, content_type, locale, model_family, created_at, embedding::vector
        FROM kept JOIN answer USING (prompt_hash, content_type, locale, model_family)
        WHERE embedding IS NOT NULL AND seq NOT IN (SELECT seq FROM renewed)
        ON CONFLICT (namespace, seq) DO NOTHING', vectors) USING own, answers;
    END $$`)
