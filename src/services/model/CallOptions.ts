/** What the ladder is to know of one call of a resilient model, beside its prompt. */
import { Context, Duration } from "effect"
import { usualMaxTokens } from "../../domain/Chat.ts"
import { defaultNamespace, type Namespace } from "../../domain/Generation.ts"

/** Of one call, or as a default of all calls of a layer. */
export interface CallOptions {
  /** Whose answers may stand in, and who may see this one. Default: the default namespace. */
  readonly namespace?: Namespace | undefined
  /** For example "blog_post": narrows a fallback, and selects the template. */
  readonly contentType?: string | undefined
  /** BCP 47: narrows a fallback, and selects the template. */
  readonly locale?: string | undefined
  /**
   * What shapes the answer beside the conversation, such as a format or a model that an override of the provider's package
   * asks for: an answer stands in only for the same variant. Default none.
   */
  readonly variant?: string | undefined
  /** The oldest answer that may stand in; zero: none. Default: the cache's own maximum. */
  readonly maxAge?: Duration.Input | undefined
  /** `false`: this answer must not be remembered. */
  readonly remember?: boolean | undefined
  /** What the limits count the answer as, in tokens. effect/ai has no bound of its own. Default 1,024. */
  readonly maxTokens?: number | undefined
}

/** Around a call: `Effect.provideService(CurrentCall, { namespace })`, or for a stream `Stream.provideService`. */
export const CurrentCall: Context.Reference<CallOptions> = Context.Reference("understudy/services/CurrentCall", {
  defaultValue: () => ({})
})

/** The call's own, else the layer's: what a call leaves open, or sets to undefined, never widens what it may see. */
export const wishesOf = (current: CallOptions, defaults: CallOptions) => {
  const maxAge = current.maxAge ?? defaults.maxAge
  return {
    namespace: current.namespace ?? defaults.namespace ?? defaultNamespace,
    contentType: current.contentType ?? defaults.contentType,
    locale: current.locale ?? defaults.locale,
    variant: current.variant ?? defaults.variant,
    maxAgeMillis: maxAge === undefined ? undefined : Duration.toMillis(maxAge),
    remember: current.remember ?? defaults.remember ?? true,
    maxTokens: current.maxTokens ?? defaults.maxTokens ?? usualMaxTokens
  }
}
