/** `understudy cache erase`: everything that is kept of a namespace. */
import { Console, Effect, Layer, Stdio } from "effect"
import { Prompt } from "effect/cli"
import { SqlClient } from "effect/sql"
import type { Namespace } from "../domain/Generation.ts"
import { counted } from "../domain/text/Table.ts"
import { load } from "../layers/AppConfig.ts"
import { idempotency, realAnswers, simulatedSpace } from "../layers/CacheLayers.ts"
import * as EmbedderLayers from "../layers/EmbedderLayers.ts"
import { jobs } from "../layers/JobLayers.ts"
import * as ProviderConfig from "../layers/ProviderConfig.ts"
import { FallbackCache } from "../services/FallbackCache.ts"
import { Idempotency } from "../services/Idempotency.ts"
import { Jobs } from "../services/Jobs.ts"
import { makeTemplateStore } from "../services/templates/TemplateStore.ts"
import { failed } from "./CommandFailed.ts"
import { database } from "./store.ts"

export const eraseNamespace = Effect.fnUntraced(function*({ namespace, yes }: {
  readonly namespace: Namespace
  readonly yes: boolean
}) {
  if (!yes) yield* confirm(namespace)
  const config = yield* load
  const answers = Layer.provide(
    realAnswers(config),
    EmbedderLayers.alone(config, yield* ProviderConfig.load(config))
  )
  const erase = Effect.flatMap(FallbackCache, (cache) => cache.erase(namespace))
  yield* Effect.gen(function*() {
    // Before the answers that they would become.
    const erasedJobs = yield* Effect.flatMap(Jobs, (jobs) => jobs.erase(namespace))
    const real = yield* erase
    const simulated = yield* Effect.provide(erase, simulatedSpace)
    const replays = yield* Effect.flatMap(Idempotency, (keys) => keys.erase(namespace))
    const templates = yield* makeTemplateStore(yield* SqlClient.SqlClient).erase(namespace)
    yield* Console.log(
      `Erased of namespace "${namespace}": ${counted(real, "answer")}, ${counted(simulated, "simulated answer")}, `
        + `${counted(replays, "answer")} under an Idempotency-Key, ${counted(erasedJobs, "job")}, `
        + `${counted(templates, "template")}.`
    )
  }).pipe(
    Effect.provide(Layer.provideMerge(Layer.mergeAll(answers, idempotency(config, false), jobs(config)), database))
  )
})

const confirm = Effect.fnUntraced(function*(namespace: Namespace) {
  const stdio = yield* Stdio.Stdio
  if (!(yield* stdio.stdinIsTerminal)) {
    return yield* failed("nothing is erased: say --yes where nobody can be asked")
  }
  const sure = yield* Prompt.run(Prompt.Confirm({
    message: `Erase all answers, jobs and templates of namespace "${namespace}"? This cannot be undone.`
  }))
  if (!sure) return yield* failed("nothing is erased")
})
