/** Every namespace's templates, in memory: nothing of the database is on an answer's path. */
import { Effect, Ref, Result, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import type { StoreUnavailable } from "../../domain/errors.ts"
import type { Namespace } from "../../domain/Generation.ts"
import { parseTemplate, type Template } from "../../domain/templates/Template.ts"
import { type Candidate, candidate } from "../../domain/templates/TemplateChoice.ts"
import { makeStoreCall } from "../store/StoreCall.ts"
import { makeTemplateStore, type StoredTemplate } from "./TemplateStore.ts"

/** A running service sees an import within this time. */
const pollInterval = "5 seconds"

/** Of each call; nobody waits for it but the first one of a start. */
const pollTimeout = "2 seconds"

interface Snapshot {
  readonly version: string
  readonly byNamespace: ReadonlyMap<string, ReadonlyArray<Candidate>>
}

export interface TemplateSnapshot {
  readonly candidatesOf: (namespace: Namespace) => ReadonlyArray<Candidate>
  /** Deletes a namespace's own ones, and says how many there were. */
  readonly erase: (namespace: Namespace) => Effect.Effect<number, StoreUnavailable>
}

/**
 * A namespace's templates: the seed, in which those of its own replace the ones of the same name. Refreshed in the
 * background; while the database is gone the last snapshot goes on, the seed at least.
 */
export const makeTemplateSnapshot = Effect.fnUntraced(function*(
  seed: ReadonlyArray<Template>
): Effect.fn.Return<TemplateSnapshot, never, SqlClient.SqlClient | Scope.Scope> {
  const store = makeTemplateStore(yield* SqlClient.SqlClient)
  const storeCall = yield* makeStoreCall
  const shared = seed.map((template) => candidate(template))
  /** What cannot be read is said once, not every time that the others are read again. */
  let unreadable: ReadonlySet<string> = new Set()
  let snapshot: Snapshot = { version: "", byNamespace: new Map() }

  const load = Effect.gen(function*() {
    const version = yield* store.version
    if (version === snapshot.version) return
    const [readable, broken] = parseAll(yield* store.all)
    snapshot = { version, byNamespace: merge(shared, readable) }
    const news = broken.filter(({ revision }) => !unreadable.has(revision))
    unreadable = new Set(broken.map(({ revision }) => revision))
    for (const { name, namespace, problem } of news) {
      yield* Effect.logWarning(
        `the template "${name}" of namespace "${namespace}" is passed over: ${problem}; import it again, or remove it`
      )
    }
  })

  const failing = yield* Ref.make(false)
  const refresh = storeCall("Templates.refresh", pollTimeout, load).pipe(
    Effect.andThen(Ref.set(failing, false)),
    Effect.catch((error) =>
      Effect.flatMap(Ref.getAndSet(failing, true), (before) =>
        before
          ? Effect.logDebug("templates are not read again", error)
          : Effect.logWarning(`templates stay as they are for now: ${error.message}`))
    )
  )
  yield* refresh
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(pollInterval), refresh)))

  return {
    candidatesOf: (namespace) => snapshot.byNamespace.get(namespace) ?? shared,
    erase: (namespace) => Effect.tap(storeCall("Templates.erase", pollTimeout, store.erase(namespace)), refresh)
  }
})

interface Parsed {
  readonly namespace: string
  readonly template: Template
}

interface Broken extends StoredTemplate {
  readonly problem: string
}

const parseAll = (
  stored: ReadonlyArray<StoredTemplate>
): readonly [readable: ReadonlyArray<Parsed>, broken: ReadonlyArray<Broken>] => {
  const readable: Array<Parsed> = []
  const broken: Array<Broken> = []
  for (const one of stored) {
    const parsed = parseTemplate(one.name, one.source)
    // The name is the key under which it can be removed, whatever another release made of its source.
    if (Result.isSuccess(parsed)) readable.push({ ...one, template: { ...parsed.success, name: one.name } })
    else broken.push({ ...one, problem: `line ${parsed.failure.line}: ${parsed.failure.problem}` })
  }
  return [readable, broken]
}

const merge = (
  shared: ReadonlyArray<Candidate>,
  imported: ReadonlyArray<Parsed>
): ReadonlyMap<string, ReadonlyArray<Candidate>> => {
  const byNamespace = new Map<string, Array<Candidate>>()
  for (const { namespace, template } of imported) {
    const own = byNamespace.get(namespace) ?? []
    byNamespace.set(namespace, own)
    own.push(candidate(template, true))
  }
  for (const own of byNamespace.values()) {
    const names = new Set(own.map(({ template }) => template.name))
    own.push(...shared.filter(({ template }) => !names.has(template.name)))
  }
  return byNamespace
}
