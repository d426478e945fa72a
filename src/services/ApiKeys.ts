/** Which namespace a caller's key stands for. */
import { Context, Layer } from "effect"
import { defaultNamespace, type Namespace } from "../domain/Generation.ts"

export class ApiKeys extends Context.Service<ApiKeys, {
  /** The key's namespace, or `undefined` for a key that nobody configured. Compares in constant time. */
  readonly namespaceOf: (key: string) => Namespace | undefined
}>()("understudy/services/ApiKeys") {
  /** No keys: everybody is the default namespace. */
  static readonly layerOpen: Layer.Layer<ApiKeys> = Layer.succeed(ApiKeys, { namespaceOf: () => defaultNamespace })
}
