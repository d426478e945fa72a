/** What a request says of the background: in its `Prefer` header, and in its body for clients that set no headers. */
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { Namespace } from "../../../domain/Generation.ts"
import { noPreferences, parsePrefer, type Preferences } from "../../../domain/Prefer.ts"
import { CallbackSender } from "../../../services/CallbackSender.ts"
import type { InvalidRequest } from "../../api/Problems.ts"
import { invalid } from "../body.ts"

/** As the body has it. */
export interface BackgroundFields {
  readonly callback_url?: string | null | undefined
  readonly upgrade?: boolean | null | undefined
}

export interface BackgroundWishes {
  readonly preferences: Preferences
  /** It may be answered with a job. */
  readonly isAsync: boolean
  readonly wantsUpgrade: boolean
  readonly callbackUrl: string | undefined
}

/** None of a request that has no such wishes, as most have not. */
export const makeBackgroundWishes = Effect.map(
  CallbackSender,
  ({ refusalOf }) =>
  (
    { headers: { prefer } }: HttpServerRequest.HttpServerRequest,
    namespace: Namespace,
    { callback_url, upgrade }: BackgroundFields
  ): Effect.Effect<BackgroundWishes | undefined, InvalidRequest> => {
    const callbackUrl = callback_url ?? undefined
    if (prefer === undefined && callbackUrl === undefined && upgrade !== true) return noWishes
    const preferences = prefer === undefined ? noPreferences : parsePrefer(prefer)
    const isAsync = preferences.respondAsync || preferences.waitSeconds !== undefined
    const wantsUpgrade = preferences.upgrade || upgrade === true
    if (callbackUrl !== undefined) {
      if (!isAsync && !wantsUpgrade) return Effect.fail(invalid("body.callback_url", needsJob))
      const refusal = refusalOf(namespace, callbackUrl)
      if (refusal !== undefined) return Effect.fail(invalid("body.callback_url", refusal))
    }
    // As it was read, for that is what was looked at.
    const url = callbackUrl === undefined ? undefined : URL.parse(callbackUrl)?.href
    return Effect.succeed({ preferences, isAsync, wantsUpgrade, callbackUrl: url })
  }
)

const noWishes: Effect.Effect<undefined> = Effect.undefined

const needsJob = "Only a job calls back: add Prefer: respond-async, Prefer: wait=N, or upgrade: true"
