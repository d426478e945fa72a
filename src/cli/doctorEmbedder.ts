/** Real vectors: whether they are as configured, and come in time for a fallback. */
import { Duration, Effect, Result } from "effect"
import type { EmbeddingFailed } from "../domain/errors.ts"
import type { AppConfig } from "../layers/AppConfig.ts"
import * as EmbedderLayers from "../layers/EmbedderLayers.ts"
import type { ProviderConfigs } from "../layers/ProviderConfig.ts"
import { Embedder } from "../services/Embedder.ts"
import { type Finding, findingsOf } from "./doctorReport.ts"

const { failed, notChecked, ok, warning } = findingsOf("embedder")

const text = "Write about our bread"

export const checkEmbedder = (
  config: AppConfig,
  providers: ProviderConfigs,
  isOffline: boolean
): Effect.Effect<ReadonlyArray<Finding>> =>
  config.embedder !== "local" && isOffline
    ? Effect.succeed([notChecked(`${config.embeddingModel}: --offline asks nobody`)])
    : Effect.provide(ask(config), EmbedderLayers.alone(config, providers)).pipe(
      Effect.catchTag("ConfigInvalid", ({ problems }) =>
        Effect.succeed([failed(problems.join("\n"), "set it, or EMBEDDER=local, which needs no network")]))
    )

/** First without hurry, which also opens the connection; then as a fallback would. */
const ask = Effect.fnUntraced(function*({ embedder, embeddingTimeout }: AppConfig) {
  const { dimensions, embed, embedMany, name } = yield* Embedder
  const first = yield* Effect.result(Effect.timed(embedMany([text])))
  if (Result.isFailure(first)) return [failed(first.failure.message, adviceOn(first.failure))]
  if (embedder === "local") return [ok(`${name}: ${dimensions} numbers, without a network`)]
  const [took] = first.success
  const again = yield* Effect.result(Effect.timed(embed(text)))
  if (Result.isSuccess(again)) {
    return [ok(
      `${name}: ${dimensions} numbers, within ${millis(again.success[0])} of the ${
        Duration.format(embeddingTimeout)
      } that a fallback waits`
    )]
  }
  return [
    again.failure.reason === "timeout"
      ? warning(
        `${name}: ${dimensions} numbers, but not within EMBEDDING_TIMEOUT (${Duration.format(embeddingTimeout)}); `
          + `the first took ${millis(took)}`,
        "raise EMBEDDING_TIMEOUT, or use a nearer or faster model: fallbacks find exact prompts only when it is too slow"
      )
      : failed(again.failure.message, adviceOn(again.failure))
  ]
})

const adviceOn = ({ detail, reason }: EmbeddingFailed): string => {
  const sizes = /has (\d+) dimensions/.exec(detail)
  if (sizes !== null) return `set EMBEDDING_DIMENSIONS=${sizes[1]}, or EMBEDDING_MODEL to the model that is meant`
  switch (reason) {
    case "unauthorized":
      return "is EMBEDDING_API_KEY right? Left out, it is AI_API_KEY, unless EMBEDDING_BASE_URL is set"
    case "rate_limited":
      return "wait, or ask the provider for more: its quota or the account's credit is used up"
    case "rejected":
      return "is EMBEDDING_MODEL an embedding model that is served there?"
    case "timeout":
      return "is EMBEDDING_BASE_URL up? EMBEDDING_BATCH_TIMEOUT is the longest that it may take"
    case "malformed":
      return "EMBEDDING_BASE_URL goes up to and with /v1, and has to speak OpenAI's /embeddings"
    default:
      return "is EMBEDDING_BASE_URL right, up to and with /v1, and can this machine reach it? EMBEDDER=local needs no network"
  }
}

const millis = (duration: Duration.Duration): string => `${Math.ceil(Duration.toMillis(duration))} ms`
