/** A process that uses a data directory: `node databaseProcess.ts <directory> <once | hold | write>`. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { defaultNamespace } from "../../src/domain/Generation.ts"
import { withinNamespace } from "../../src/services/store/withinNamespace.ts"
import { layerEmbedded } from "./databases.ts"

const [directory = "memory:", mode] = process.argv.slice(2)
const say = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const within = withinNamespace(sql, defaultNamespace)
  const [count] = yield* within(sql<{ n: number }>`SELECT count(*)::int AS n FROM understudy_answers`)
  yield* say(`open ${count?.n}`)
  if (mode === "hold") return yield* Effect.never
  if (mode !== "write") return
  for (let n = 0;; n++) {
    yield* within(sql`
      INSERT INTO understudy_answers (id, namespace, prompt_hash, content_type, locale, model_family, prompt, model, text)
      VALUES (${String(n)}, ${defaultNamespace}, sha256(${`${process.pid} ${n}`}::bytea), '', '', '', '', '', ${
      "x".repeat(n % 3000)
    })`)
    yield* say(`wrote ${n}`)
  }
})

// No process.exit: when the database closes cleanly, nothing keeps the process alive.
process.exitCode = await Effect.runPromise(
  program.pipe(
    Effect.provide(layerEmbedded(directory)),
    Effect.as(0),
    Effect.catch((error) => Effect.as(say(`${error._tag}: ${error.message}`), 1))
  )
)
