/** What a caller's key stands for: a namespace, or the right to operate the service. */
import { Context, Layer } from "effect"
import { defaultNamespace, type Namespace } from "../domain/Generation.ts"

export class ApiKeys extends Context.Service<ApiKeys, {
  /** The key's namespace, or `undefined` for a key that nobody configured. Compares in constant time. */
  readonly namespaceOf: (key: string) => Namespace | undefined
  /** Whether it is one of the operators' keys. Compares in constant time. */
  readonly isAdmin: (key: string) => boolean
}>()("understudy/services/ApiKeys") {
  /** No keys: everybody is the default namespace, and nobody an operator. */
  static readonly layerOpen: Layer.Layer<ApiKeys> = Layer.succeed(ApiKeys, {
    namespaceOf: () => defaultNamespace,
    isAdmin: () => false
  })
}
