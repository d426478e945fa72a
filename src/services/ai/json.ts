/** Looks into JSON that a provider has sent. Pure. */
import { Predicate, type Schema } from "effect"
import type { JsonObject } from "../../domain/Chat.ts"

export type Json = Schema.Json

export const isObject = (json: Json | undefined): json is JsonObject => Predicate.isObject(json)
export const isArray = (json: Json | undefined): json is ReadonlyArray<Json> => Array.isArray(json)

/** `false` for what providers send where they have nothing to say: null, blank text, an empty list. */
export const isSomething = (json: unknown): boolean =>
  typeof json === "string"
    ? json.trim() !== ""
    : Array.isArray(json)
    ? json.length > 0
    : json !== null && json !== undefined

/** `undefined` when it is no JSON. */
export const parseJson = (text: string): Json | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
