/** The live step of the ladder: the providers in order, the next one when the one before it is out. */
import { Array, Clock, Effect } from "effect"
import type { AiAnswer } from "../../domain/Ai.ts"
import type { LiveError } from "../../domain/errors.ts"
import { isRecoverable } from "../../domain/ladder/ErrorTable.ts"
import { beyondText, isBeyondText } from "../../domain/TextOnly.ts"
import type { Providers } from "../Providers.ts"
import { type Call, type Gates, type LivePolicy, makeProviderStep, type ProviderStep } from "./ProviderStep.ts"

/** A live answer, and who gave it. */
export interface LiveAnswer {
  readonly answer: AiAnswer
  readonly provider: string
}

/**
 * An open circuit, a limit or a failure sends the call on to the next provider as long as the deadline leaves time for
 * an attempt; a refusal of the request itself does not. What it fails with is what the last provider asked failed with.
 */
export const makeLive = (providers: Providers["Service"]["inOrder"], gates: Gates, policy: LivePolicy) => {
  const steps = Array.map(providers, (provider, n) => makeProviderStep(provider, gates, policy, n === 0))

  const ask = (
    call: Call,
    step: ProviderStep,
    rest: ReadonlyArray<ProviderStep>
  ): Effect.Effect<LiveAnswer, LiveError> => {
    const { provider } = step
    const asked = Effect.map(step.ask(call, rest.length > 0), (answer) => ({ answer, provider }))
    const [next, ...others] = rest
    if (next === undefined) return asked
    return Effect.catchIf(asked, isRecoverable, (error) =>
      Clock.clockWith((clock) => {
        if (call.sink?.hasBegun() === true) return Effect.fail(error)
        const { live, minAttemptMillis } = call.deadlines
        return clock.currentTimeMillisUnsafe() + minAttemptMillis > live ? Effect.fail(error) : ask(call, next, others)
      }))
  }

  /** Those that the request can be put to. Nobody's circuit or limits hear of a request that could not be. */
  const ableFor = ({ request }: Call): ReadonlyArray<ProviderStep> =>
    isBeyondText(request) ? steps.filter(({ takesTextOnly }) => !takesTextOnly) : steps

  return {
    live: (call: Call): Effect.Effect<LiveAnswer, LiveError> => {
      const [first, ...rest] = ableFor(call)
      return first === undefined ? Effect.fail(beyondText(steps[0].provider)) : ask(call, first, rest)
    },
    /** What the last attempts at the providers failed with; those that succeeded are left out. */
    lastErrors: Effect.map(
      Effect.forEach(steps, (step) => step.lastError),
      (errors) => errors.filter((error) => error !== undefined)
    )
  }
}
