/** `understudy templates …`: a namespace's own templates. */
import { Console, DateTime, Effect, FileSystem, Path, Result } from "effect"
import { SqlClient } from "effect/sql"
import type { Namespace } from "../domain/Generation.ts"
import { parseTemplate, templateProblems } from "../domain/templates/Template.ts"
import { table } from "../domain/text/Table.ts"
import { load } from "../layers/AppConfig.ts"
import { seedTemplates } from "../layers/CacheLayers.ts"
import { isTemplateFile } from "../services/Templates.ts"
import { makeTemplateStore, type TemplateSource } from "../services/templates/TemplateStore.ts"
import { failed } from "./CommandFailed.ts"
import { listProblems, readText, unreadable } from "./jsonLines.ts"
import { database } from "./store.ts"

const store = Effect.map(SqlClient.SqlClient, makeTemplateStore)

/** A name is shown and typed, and a source is kept in every instance's memory. */
const maxNameLength = 200
const maxSourceLength = 200_000

interface Named extends TemplateSource {
  readonly file: string
}

export const importTemplates = Effect.fnUntraced(function*(input: {
  readonly paths: ReadonlyArray<string>
  readonly namespace: Namespace
}) {
  const files = (yield* Effect.forEach(input.paths, templateFiles)).flat()
  const checked = yield* Effect.forEach([...new Set(files)], checkFile)
  const templates = checked.flatMap(({ template }) => template === undefined ? [] : [template])
  const problems = [...checked.flatMap(({ problems }) => problems), ...sameNames(templates)]
  if (problems.length > 0) return yield* failed("nothing is imported:", ...listProblems(problems))
  yield* Effect.provide(
    Effect.flatMap(store, (store) => store.import(input.namespace, templates)),
    database
  )
  yield* Console.log(
    `Imported into namespace "${input.namespace}": ${templates.map(({ name }) => name).join(", ")}.\n`
      + "Running services use them within 5 seconds."
  )
})

export const listTemplates = Effect.fnUntraced(function*({ namespace }: { readonly namespace: Namespace }) {
  const seed = yield* Effect.flatMap(load, seedTemplates)
  const imported = yield* Effect.provide(Effect.flatMap(store, (store) => store.of(namespace)), database)
  const names = new Set(imported.map(({ name }) => name))
  const rows = [
    ...imported.map(({ importedAt, name, source }) => {
      const parsed = parseTemplate(name, source)
      const origin = `imported ${DateTime.formatIso(DateTime.makeUnsafe(importedAt)).slice(0, 16)}Z`
      return Result.isSuccess(parsed)
        ? [name, parsed.success.contentType, parsed.success.locale ?? "any", origin]
        : [name, "?", "?", `${origin}, unusable: ${parsed.failure.problem}`]
    }),
    ...seed.filter(({ name }) => !names.has(name)).map(({ contentType, locale, name }) => [
      name,
      contentType,
      locale ?? "any",
      "seed"
    ])
  ]
  yield* Console.log(
    rows.length === 0
      ? `Namespace "${namespace}" has no templates: import some, or set TEMPLATES_DIR`
      : table([["name", "type", "locale", "from"], ...rows])
  )
})

export const removeTemplate = Effect.fnUntraced(function*({ name, namespace }: {
  readonly name: string
  readonly namespace: Namespace
}) {
  const removed = yield* Effect.provide(Effect.flatMap(store, (store) => store.remove(namespace, name)), database)
  if (!removed) {
    return yield* failed(
      `namespace "${namespace}" has no imported template "${name}": understudy templates list shows what it has `
        + "(a template of the seed goes with its file in TEMPLATES_DIR)"
    )
  }
  yield* Console.log(`Removed "${name}" from namespace "${namespace}".`)
})

/** The file itself, or the templates in the folder. */
const templateFiles = Effect.fnUntraced(function*(given: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const cannot = Effect.mapError((error: Parameters<typeof unreadable>[0]) => failed(`${given} ${unreadable(error)}`))
  if ((yield* cannot(fs.stat(given))).type !== "Directory") return [given]
  const files = (yield* cannot(fs.readDirectory(given))).filter(isTemplateFile).sort()
  if (files.length === 0) return yield* failed(`${given} holds no *.md file`)
  return files.map((file) => path.join(given, file))
})

const checkFile = Effect.fnUntraced(function*(file: string) {
  const source = yield* readText(file)
  const parsed = parseTemplate(file, source)
  if (Result.isFailure(parsed)) {
    return { template: undefined, problems: templateProblems(file, source).map(({ message }) => message) }
  }
  const template: Named = { file, source, name: parsed.success.name }
  const problems = [
    ...source.length > maxSourceLength ? [`${file}: longer than ${maxSourceLength} characters: shorten it`] : [],
    ...source.includes("\0") ? [`${file}: it holds a NUL character: save the file as UTF-8 text`] : [],
    ...template.name.length > maxNameLength ? [`${file}: its name is longer than ${maxNameLength} characters`] : []
  ]
  return { template, problems }
})

const sameNames = (templates: ReadonlyArray<Named>): ReadonlyArray<string> => {
  const files = new Map<string, string>()
  return templates.flatMap(({ file, name }) => {
    const other = files.get(name)
    files.set(name, file)
    return other === undefined
      ? []
      : [`${file}:1: the name "${name}" is taken by ${other}: give one of the two another "name:"`]
  })
}
