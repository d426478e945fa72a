/** What a caller's key stands for: a namespace and what it may ask for, or the right to operate the service. */
import { Context, Layer } from "effect"
import { defaultNamespace, type Namespace } from "../domain/Generation.ts"
import type { CallerLimits } from "../domain/limits/CallerLimits.ts"

/** Who asks. */
export interface Caller {
  readonly namespace: Namespace
  /** Of its key, not of its namespace. Absent: it may ask for as much as it likes. */
  readonly limits?: CallerLimits | undefined
}

/** Tells callers by their keys, and operators by theirs. */
export class ApiKeys extends Context.Service<ApiKeys, {
  /** Who everybody is when no key is needed; absent when one is. */
  readonly anonymous: Caller | undefined
  /** Whose key it is; `undefined` for a key that nobody configured. Compares in constant time. */
  readonly callerOf: (key: string) => Caller | undefined
  /** Whether it is one of the operators' keys. Compares in constant time. */
  readonly isAdmin: (key: string) => boolean
}>()("understudy/services/ApiKeys") {
  /** No keys: everybody is the default namespace, and nobody an operator. */
  static readonly layerOpen: Layer.Layer<ApiKeys> = Layer.sync(ApiKeys, () => {
    const anonymous = { namespace: defaultNamespace }
    return { anonymous, callerOf: () => anonymous, isAdmin: () => false }
  })
}
