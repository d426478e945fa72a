/** What of a live answer is remembered, and which entries a question may be answered with. Pure. */
import type { GenerationId, Namespace, Usage } from "./Generation.ts"
import { modelFamily } from "./similarity/ModelFamily.ts"
import { normalizePrompt } from "./similarity/Prompt.ts"
import { encodeTraits, promptTraits } from "./similarity/PromptTraits.ts"

/** Names longer than this are nobody's content type or locale, and would not fit into an index. */
const maxNameLength = 200

/** The scopes of an entry; '' stands for none. */
export interface CacheScope {
  readonly contentType: string
  readonly locale: string
  readonly modelFamily: string
}

/** An answer as it is stored. One entry per namespace, normalised prompt, context and scope: the newest. */
export interface CacheEntry extends CacheScope {
  readonly id: GenerationId
  readonly namespace: Namespace
  readonly prompt: string
  readonly normalizedPrompt: string
  /** What shaped the answer beside the prompt; '' for nothing. Only its hash is kept. */
  readonly context: string
  /** `true`: found by the same prompt and context only, so there is neither a vector nor traits, nor a prompt kept. */
  readonly isExactOnly: boolean
  /** What the guard compares, as `encodeTraits` writes it; absent where nothing similar is looked for. */
  readonly traits: string | undefined
  readonly model: string
  readonly text: string
  readonly usage: Usage | undefined
}

interface Scoped {
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
  readonly model?: string | undefined
}

type Answer =
  & Omit<CacheEntry, "normalizedPrompt" | "context" | "isExactOnly" | "traits" | keyof CacheScope>
  & Scoped
  & {
    readonly context?: string | undefined
    readonly isExactOnly?: boolean | undefined
    readonly askedModel?: string | undefined
  }

/** Characters of one answer that is worth storing, with what it answered. */
export const maxRemembered = 4_000_000

/** The context counts: until it is stored as a hash it is held as it came. */
export const lengthOf = ({ context, prompt, text }: Pick<Answer, "context" | "prompt" | "text">): number =>
  prompt.length + text.length + (context?.length ?? 0)

/** Those worth keeping, and of each key the last one, in order. */
export const toCacheEntries = (answers: ReadonlyArray<Answer>): ReadonlyArray<CacheEntry> =>
  newestOfEach(answers.map(toCacheEntry).filter((entry) => entry !== undefined))

/** Undefined when there is nothing worth keeping: a blank answer, or names that nothing could be found by. */
export const toCacheEntry = (answer: Answer): CacheEntry | undefined => {
  const text = storable(answer.text)
  // A request that names a model is to find what it got for that name.
  const scope = toCacheScope({ ...answer, model: answer.askedModel ?? answer.model })
  const names = [answer.id, answer.namespace, answer.model, scope.contentType, scope.locale, scope.modelFamily]
  if (text.trim() === "" || names.some((name) => name.length > maxNameLength || name !== storable(name))) {
    return undefined
  }
  const { id, model, namespace, usage } = answer
  const prompt = storable(answer.prompt)
  const isExactOnly = answer.isExactOnly === true
  return {
    id,
    namespace,
    model,
    usage,
    text,
    prompt,
    normalizedPrompt: normalizePrompt(prompt),
    // As its hash takes it: two that differ in halves of surrogate pairs only are one.
    context: (answer.context ?? "").toWellFormed(),
    isExactOnly,
    traits: isExactOnly ? undefined : encodeTraits(promptTraits(prompt)),
    ...scope
  }
}

export const toCacheScope = ({ contentType, locale, model }: Scoped): CacheScope => ({
  contentType: contentType ?? "",
  locale: locale ?? "",
  modelFamily: model === undefined ? "" : modelFamily(model)
})

/** A scope that the question leaves open matches every entry. */
export const inScope = (asked: CacheScope, entry: CacheScope): boolean =>
  (asked.contentType === "" || asked.contentType === entry.contentType)
  && (asked.locale === "" || asked.locale === entry.locale)
  && (asked.modelFamily === "" || asked.modelFamily === entry.modelFamily)

/** Two entries with one key are one entry. */
export const cacheKey = (entry: CacheEntry): string =>
  JSON.stringify([
    entry.namespace,
    entry.normalizedPrompt,
    entry.context,
    entry.contentType,
    entry.locale,
    entry.modelFamily
  ])

/** The last one of each key, in order. */
const newestOfEach = (entries: ReadonlyArray<CacheEntry>): ReadonlyArray<CacheEntry> => {
  const newest = new Map<string, CacheEntry>()
  for (const entry of entries) {
    const key = cacheKey(entry)
    newest.delete(key)
    newest.set(key, entry)
  }
  return [...newest.values()]
}

/** PostgreSQL stores no NUL and no half of a surrogate pair, and one of them must not lose a whole batch. */
export const storable = (text: string): string => text.replaceAll("\0", "").toWellFormed()
