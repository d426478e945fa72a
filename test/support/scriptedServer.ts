/** A provider over real sockets that does what a script of the simulator says, when the real clock says so. */
import { Clock, Effect, Layer } from "effect"
import { layer as layerHttp } from "../../src/layers/UndiciHttpClient.ts"
import { AiClient } from "../../src/services/AiClient.ts"
import type { CallOutcome, PlayedProvider, ProviderScript } from "../../src/simulation/index.ts"
import { FaultServer, Mode } from "./FaultServer.ts"

/** Our own client of it. The script's time begins when the layer is built, as that of `layerScripted` does. */
export const layerScriptedServer = (
  script: ProviderScript,
  { answer, onCall, provider }: PlayedProvider
): Layer.Layer<AiClient> =>
  Layer.unwrap(Effect.gen(function*() {
    const server = yield* FaultServer.make
    const clock = yield* Clock.Clock
    const begin = clock.currentTimeMillisUnsafe()
    yield* server.respondWith((call) => {
      const outcome = script.next(clock.currentTimeMillisUnsafe() - begin)
      onCall(outcome)
      const end = modeOf(outcome, answer({ prompt: call.prompt, maxTokens: 0 }))
      return Number.isFinite(outcome.afterMillis) ? call.after(outcome.afterMillis, () => end(call)) : end(call)
    })
    return Layer.provide(
      AiClient.layerOpenAi({ provider, baseUrl: server.openAiUrl, model: "scripted" }),
      layerHttp()
    )
  }))

/** How it looks on the wire. `Retry-After` counts in whole seconds there. */
const modeOf = ({ outcome, retryAfterMillis }: CallOutcome, text: string): Mode => {
  const retryAfter = retryAfterMillis === undefined ? undefined : String(Math.ceil(retryAfterMillis / 1_000))
  switch (outcome) {
    case "answer":
      return Mode.say(text)
    case "timeout":
      return Mode.hangBeforeHeaders
    case "rate_limited":
      return Mode.rateLimited(retryAfter)
    case "unavailable":
      return Mode.status(503, retryAfter === undefined ? {} : { "retry-after": retryAfter })
    case "malformed":
      return Mode.garbage
    case "unauthorized":
      return Mode.status(401)
    case "rejected":
      return Mode.status(422)
  }
}
