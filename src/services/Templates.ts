/** The last rung: a template filled in from the prompt. */
import { Context, Effect, FileSystem, Layer, Option, Path, type PlatformError, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import type { StoreUnavailable } from "../domain/errors.ts"
import type { Namespace } from "../domain/Generation.ts"
import { parseTemplate, type Template, TemplateInvalid } from "../domain/templates/Template.ts"
import { candidate, chooseTemplate } from "../domain/templates/TemplateChoice.ts"
import { renderTemplate } from "../domain/templates/TemplateRender.ts"
import { makeTemplateSnapshot, type TemplateSnapshot } from "./templates/TemplateSnapshot.ts"

/** What a template is chosen by and filled in from. */
export interface TemplateRequest {
  readonly namespace: Namespace
  readonly prompt: string
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
}

/** A template, filled in. */
export interface RenderedTemplate {
  /** The template's name, for the response. */
  readonly name: string
  /** Markdown that says at its top that it is a template and not a draft. */
  readonly text: string
}

/** The templates' folder, or a file in it, cannot be read. */
export class TemplatesUnreadable extends Schema.TaggedError<TemplatesUnreadable>()("TemplatesUnreadable", {
  path: Schema.String,
  problem: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `cannot read the templates in ${this.path}: ${this.problem}`
  }
}

/** Chooses and fills in templates, from memory: no database is on its path. */
export class Templates extends Context.Service<Templates, {
  /** The best template for the request, filled in; none when there is no template at all. */
  readonly render: (request: TemplateRequest) => Effect.Effect<Option.Option<RenderedTemplate>>
  /** Deletes the templates that a namespace has of its own, and says how many there were. */
  readonly erase: (namespace: Namespace) => Effect.Effect<number, StoreUnavailable>
}>()("understudy/services/Templates") {
  /** No templates: the ladder ends with the cache. */
  static readonly layerNone: Layer.Layer<Templates> = Layer.sync(Templates, () => serve([]))

  /** Templates that are already at hand, for embedding and for tests. */
  static readonly layerList = (templates: ReadonlyArray<Template>): Layer.Layer<Templates> =>
    Layer.sync(Templates, () => serve(templates))

  /**
   * The `*.md` files of a folder (not of its subfolders, no `README.md`, no hidden files), read and checked once at
   * the start. An invalid file stops the start; an empty folder is allowed, with a warning.
   */
  static readonly layerDirectory = (
    path: string
  ): Layer.Layer<Templates, TemplateInvalid | TemplatesUnreadable, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(Templates, Effect.map(readTemplates(path), serve))

  /**
   * The seed for every namespace, and before it the templates that `understudy templates import` has put into the
   * database for the request's one. Seen within seconds; a database that is gone costs nothing but news.
   */
  static readonly layerPostgres = (
    seed: ReadonlyArray<Template>
  ): Layer.Layer<Templates, never, SqlClient.SqlClient> =>
    Layer.effect(Templates, Effect.map(makeTemplateSnapshot(seed), make))
}

const serve = (templates: ReadonlyArray<Template>): Templates["Service"] => {
  const candidates = templates.map((template) => candidate(template))
  return make({ candidatesOf: () => candidates, erase: () => Effect.succeed(0) })
}

const make = ({ candidatesOf, erase }: TemplateSnapshot): Templates["Service"] => ({
  erase,
  render: (request) =>
    Effect.sync(() =>
      Option.map(
        Option.fromUndefinedOr(chooseTemplate(candidatesOf(request.namespace), request)),
        (template) => ({ name: template.name, text: renderTemplate(template, request.prompt) })
      )
    )
})

/** The templates of a folder, by the rules of `Templates.layerDirectory`. */
export const readTemplates = Effect.fnUntraced(function*(folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const root = path.resolve(folder)
  const entries = yield* fs.readDirectory(root).pipe(Effect.mapError(unreadable(root)))
  const files = entries.filter(isTemplateFile).sort()
  const templates = yield* Effect.forEach(files, (name) => readTemplate(path.join(root, name)), { concurrency: 8 })
  const named = new Map<string, string>()
  for (const [index, { name }] of templates.entries()) {
    const file = path.join(root, files[index] ?? "")
    const other = named.get(name)
    if (other !== undefined) {
      const problem = `the name "${name}" is taken by ${other}: give one of the two another "name:"`
      return yield* new TemplateInvalid({ file, line: 1, problem })
    }
    named.set(name, file)
  }
  if (templates.length === 0) {
    yield* Effect.logWarning(`no templates: ${root} holds no *.md file, so there is no answer when the cache has none`)
  }
  return templates
})

/** By its name alone: `*.md`, but no hidden file and no README. */
export const isTemplateFile = (name: string): boolean => /^(?!\.|readme\.md$).*\.md$/i.test(name)

const readTemplate = Effect.fnUntraced(function*(file: string) {
  const fs = yield* FileSystem.FileSystem
  const source = yield* fs.readFileString(file).pipe(Effect.mapError(unreadable(file)))
  return yield* Effect.fromResult(parseTemplate(file, source))
})

const remedies: { readonly [tag: string]: string | undefined } = {
  NotFound: "it does not exist: create it, or set TEMPLATES_DIR to a folder of *.md templates, or to \"none\"",
  PermissionDenied: "this process may not read it: allow that, or set TEMPLATES_DIR to another folder",
  BadResource: "this is not what was expected there: TEMPLATES_DIR must be a folder, and each *.md in it a file"
}

const unreadable = (path: string) => (cause: PlatformError.PlatformError) =>
  new TemplatesUnreadable({ path, problem: remedies[cause.reason._tag] ?? cause.message, cause })
