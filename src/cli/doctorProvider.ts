/** One short answer of each provider, in one piece and as a stream, through the service's own client. */
import { Array, Duration, Effect, Ref, Result, Stream } from "effect"
import type { AiAnswer, AiRequest } from "../domain/Ai.ts"
import { type AiError, AiTimeout } from "../domain/errors.ts"
import type { AppConfig } from "../layers/AppConfig.ts"
import type { ProviderConfig, ProviderConfigs } from "../layers/ProviderConfig.ts"
import * as ProviderLayers from "../layers/ProviderLayers.ts"
import type { AiClient } from "../services/AiClient.ts"
import { Providers } from "../services/Providers.ts"
import { adviceOnProvider } from "./doctorProviderAdvice.ts"
import { type Finding, findingsOf } from "./doctorReport.ts"

const { failed, notChecked, ok, warning } = findingsOf("provider")

/** Small enough to cost nothing worth speaking of, and long enough for a word. */
export const probe: AiRequest = { prompt: "Answer with the one word: ready", maxTokens: 16 }

type Client = AiClient["Service"]

export const checkProviders = (
  config: AppConfig,
  providers: ProviderConfigs,
  isOffline: boolean
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function*() {
    const { inOrder } = yield* Providers
    const pairs = Array.zip(providers, inOrder)
    const found = yield* Effect.forEach(
      pairs,
      ([provider, { client }]) => checkProvider(config, provider, client, isOffline),
      { concurrency: "unbounded" }
    )
    return found.flat()
  }).pipe(Effect.provide(ProviderLayers.providers(providers, config, undefined)))

const checkProvider = Effect.fnUntraced(function*(
  config: AppConfig,
  provider: ProviderConfig,
  client: Client,
  isOffline: boolean
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const { name, speech } = provider
  if (speech.protocol === "simulated") {
    return [warning(
      "SIMULATED: no AI is asked, the answers say so",
      "set AI_BASE_URL, AI_API_KEY and AI_MODEL for a real provider"
    )]
  }
  if (isOffline) return [notChecked(`${name} at ${speech.baseUrl}: --offline asks nobody`)]
  const whole = yield* Effect.result(Effect.timed(within(provider, client.generate(probe))))
  if (Result.isFailure(whole)) return [failureFinding(provider, whole.failure)]
  const [took, answer] = whole.success
  const findings = [
    ok(`${name} answered within ${millis(took)} as ${answer.model}${tokens(answer)}`),
    ...answer.usage === undefined && speech.protocol === "openai"
      ? [warning(
        `${name} does not say how many tokens an answer took`,
        config.limitTokensPerMinute === undefined
          ? "nothing has to be done: answers come without usage"
          : "answers come without usage, and LIMIT_TOKENS_PER_MINUTE goes by estimates"
      )]
      : []
  ]
  return speech.protocol === "plain"
    ? [...findings, ok(`${name} speaks plain, which has no streams: a stream gets its answer in one piece`)]
    : [...findings, yield* streamFinding(provider, client)]
})

const streamFinding = Effect.fnUntraced(function*(provider: ProviderConfig, client: Client) {
  const { name } = provider
  const first = yield* Ref.make<Duration.Duration | undefined>(undefined)
  const read = Effect.clockWith((clock) => {
    const begin = clock.currentTimeMillisUnsafe()
    return Stream.runForEach(client.stream(probe), (part) =>
      part._tag === "Delta"
        ? Ref.update(first, (before) => before ?? Duration.millis(clock.currentTimeMillisUnsafe() - begin))
        : Effect.void)
  })
  const streamed = yield* Effect.result(Effect.timed(within(provider, read)))
  if (Result.isFailure(streamed)) {
    const { advice, found } = failureFinding(provider, streamed.failure)
    return failed(
      `as a stream: ${found}`,
      advice === undefined ? `look at ${name}` : `answers in one piece work; for the stream: ${advice}`
    )
  }
  const [took] = streamed.success
  return ok(
    `${name} streams: the first piece after ${millis((yield* Ref.get(first)) ?? took)}, the whole after ${millis(took)}`
  )
})

const failureFinding = (provider: ProviderConfig, error: AiError): Finding => {
  const { advice, found, isWarning } = adviceOnProvider(provider, error)
  return isWarning ? warning(found, advice) : failed(found, advice)
}

/** The client has no timeout of its own: it is the ladder's. */
const within = <A>({ attemptTimeout: after, name }: ProviderConfig, call: Effect.Effect<A, AiError>) =>
  Effect.timeoutOrElse(call, {
    duration: after,
    orElse: () => Effect.fail(new AiTimeout({ provider: name, after, shortened: false }))
  })

const millis = (duration: Duration.Duration): string => `${Math.ceil(Duration.toMillis(duration))} ms`

const tokens = ({ usage }: AiAnswer): string =>
  usage === undefined ? "" : ` (${usage.inputTokens} + ${usage.outputTokens} tokens)`
