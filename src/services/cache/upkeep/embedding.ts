/** Vectors for entries that have none of the present embedder: it was changed, or had failed. */
import { Effect, Metric } from "effect"
import { EmbeddingFailed, type StoreUnavailable } from "../../../domain/errors.ts"
import type { Namespace } from "../../../domain/Generation.ts"
import { encodeTraits, promptTraits, traitsVersion } from "../../../domain/similarity/PromptTraits.ts"
import type { Embedder } from "../../Embedder.ts"
import { spaceName, vectorTable, vectorText } from "../VectorSpace.ts"
import { batch, inBatches, rested, type UpkeepCalls } from "./UpkeepCalls.ts"

/** Whoever embeds again holds this lease, so that instances do not all do the same work. */
const leaseSeconds = 60

/** Prompts that the embedder refuses, remembered so that they are not tried again for as long as this process lives. */
const maxRefused = 10_000
const embedTimeout = "15 seconds"
const isRefusal = ({ reason }: EmbeddingFailed): boolean => reason === "rejected"

const waiting = Metric.gauge("understudy_cache_unembedded", {
  description: "Remembered answers without a vector of the present embedder: found by the exact prompt only"
})

interface Row {
  readonly seq: string
  readonly prompt: string
}

export const makeEmbedding = ({ call, sql, within }: UpkeepCalls, embedder: Embedder["Service"]) => {
  const table = sql(vectorTable(embedder))
  const space = spaceName(embedder)
  const refused = new Set<string>()
  let left = 0
  let announced = 0

  /** Refused ones are left out, and so are those whose prompts are not kept, exact-only ones among them. */
  const pending = () =>
    sql`a.quarantined_at IS NULL AND a.prompt IS NOT NULL
      AND a.seq <> ALL (ARRAY(SELECT json_array_elements_text(${JSON.stringify([...refused])}::json)::bigint))
      AND (
        a.traits IS NULL OR NOT starts_with(a.traits, ${`${traitsVersion} `})
        OR NOT EXISTS (
          SELECT FROM ${table} v
          WHERE v.namespace = a.namespace AND v.seq = a.seq AND v.created_at = a.created_at AND v.context = a.context
        )
      )`

  const countPending = (namespace: Namespace) =>
    Effect.map(
      within(
        "countUnembedded",
        namespace,
        sql<{ readonly count: number }>`
          SELECT count(*)::integer AS count FROM understudy_answers a WHERE a.namespace = ${namespace} AND ${pending()}`
      ),
      ([row]) => row?.count ?? 0
    )

  /** Bounded, so that an embedder that hangs stops nothing else. */
  const embedAll = (texts: ReadonlyArray<string>) =>
    Effect.timeoutOrElse(embedder.embedMany(texts), {
      duration: embedTimeout,
      orElse: () =>
        Effect.fail(new EmbeddingFailed({ embedder: embedder.name, reason: "timeout", cause: "too slow for upkeep" }))
    })

  /** A batch fails as a whole: where the embedder refuses a text, the others are asked about one by one. */
  const embedRows = (rows: ReadonlyArray<Row>) =>
    embedAll(rows.map(({ prompt }) => prompt)).pipe(
      Effect.map((vectors): ReadonlyArray<Float32Array | undefined> => vectors),
      Effect.catchIf(isRefusal, () =>
        Effect.forEach(rows, ({ prompt }) =>
          embedAll([prompt]).pipe(
            Effect.catchIf(isRefusal, () => Effect.succeed([])),
            Effect.map(([vector]) => vector)
          )))
    )

  const embedBatch = Effect.fnUntraced(function*(namespace: Namespace) {
    const rows = yield* within(
      "unembedded",
      namespace,
      sql<Row>`
        SELECT seq::text, prompt FROM understudy_answers a WHERE a.namespace = ${namespace} AND ${pending()}
        ORDER BY created_at DESC LIMIT ${batch}`
    )
    if (rows.length === 0) return 0
    const vectors = yield* embedRows(rows)
    const made = rows.map(({ prompt, seq }, index) => {
      const vector = vectors[index]
      if (vector === undefined && refused.size < maxRefused) refused.add(seq)
      return {
        seq,
        traits: encodeTraits(promptTraits(prompt)),
        embedding: vector === undefined ? undefined : vectorText(vector)
      }
    })
    yield* within(
      "embed",
      namespace,
      sql`
        WITH made AS (
          SELECT * FROM json_to_recordset(${
        JSON.stringify(made)
      }::json) AS made (seq bigint, traits text, embedding text)
        ), known AS (
          UPDATE understudy_answers a SET traits = made.traits FROM made
          WHERE a.namespace = ${namespace} AND a.seq = made.seq AND a.traits IS DISTINCT FROM made.traits
        )
        INSERT INTO ${table} (namespace, seq, context, content_type, locale, model_family, created_at, embedding)
        SELECT a.namespace, a.seq, a.context, a.content_type, a.locale, a.model_family, a.created_at,
          made.embedding::vector
        FROM understudy_answers a JOIN made USING (seq)
        WHERE a.namespace = ${namespace} AND a.quarantined_at IS NULL AND made.embedding IS NOT NULL
        ON CONFLICT (namespace, seq) DO UPDATE SET created_at = EXCLUDED.created_at, context = EXCLUDED.context`
    )
    yield* noteProgress(rows.length)
    // Where nothing could be done, the same rows would come again.
    return made.some(({ embedding }) => embedding !== undefined) ? rows.length : 0
  })

  const noteProgress = (embedded: number) =>
    Effect.suspend(() => {
      const tenths = (count: number) => Math.ceil(count / Math.max(1, announced) * 10)
      const before = tenths(left)
      left = Math.max(0, left - embedded)
      return Effect.andThen(
        Metric.update(waiting, left),
        tenths(left) < before
          ? Effect.logInfo(`embedded for ${embedder.name}: ${announced - left} of ${announced} answers`)
          : Effect.void
      )
    })

  const hold = sql`leased_until = now() + ${leaseSeconds} * interval '1 second', used_at = now()`
  const claim = Effect.map(
    call(
      "claimSpace",
      sql`UPDATE understudy_spaces SET ${hold}
        WHERE name = ${space} AND (leased_until IS NULL OR leased_until <= now()) RETURNING 1`
    ),
    (rows) => rows.length > 0
  )
  const renew = call("renewSpace", sql`UPDATE understudy_spaces SET ${hold} WHERE name = ${space}`)
  const release = call("releaseSpace", sql`UPDATE understudy_spaces SET leased_until = NULL WHERE name = ${space}`)

  return {
    /** How many had no vector at the last look. */
    unembedded: Effect.sync(() => left),
    embedMissing: Effect.fnUntraced(function*(
      namespaces: ReadonlyArray<Namespace>
    ): Effect.fn.Return<void, StoreUnavailable | EmbeddingFailed> {
      const counts = yield* Effect.forEach(namespaces, (namespace) => rested(countPending(namespace)))
      left = counts.reduce((sum, count) => sum + count, 0)
      yield* Metric.update(waiting, left)
      if (left === 0 || !(yield* claim)) return
      announced = left
      yield* Effect.logInfo(
        `${announced} answers get vectors of ${embedder.name} in the background: until then they are found by their exact prompt only`
      )
      yield* Effect.forEach(
        namespaces.filter((_, index) => counts[index] !== 0),
        (namespace) => inBatches(Effect.tap(embedBatch(namespace), renew)),
        { discard: true }
      ).pipe(Effect.ensuring(Effect.ignore(release)))
    })
  }
}
