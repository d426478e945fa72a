/** Every environment variable of the service: its name, what it may hold, its default and what it does. */
import { Config, Effect, Exit, Schema } from "effect"
import { defaultMinSimilarity } from "../domain/similarity/TextVector.ts"
import { ConfigInvalid } from "./config/ConfigInvalid.ts"
import { type AiConfig, aiConfig } from "./config/provider.ts"
import {
  AdminKeyList,
  ApiKeyList,
  Count,
  count,
  define,
  defined,
  duration,
  exporter,
  HeaderList,
  optional,
  optionalDuration,
  PairList,
  Secret,
  Share,
  url,
  type Variable,
  WebhookExceptions,
  WebhookSecretList,
  withDefault
} from "./config/variable.ts"

export { ConfigInvalid } from "./config/ConfigInvalid.ts"
export type { AiConfig } from "./config/provider.ts"
export { isPlainHttpUrl, type Variable } from "./config/variable.ts"

const config = Config.all({
  host: withDefault({
    name: "HOST",
    default: "127.0.0.1",
    expected: "an address or host name to listen on",
    does: "Address to listen on; `0.0.0.0` for all"
  }, Schema.NonEmptyString),
  port: withDefault({
    name: "PORT",
    default: "3000",
    expected: "a port from 0 (any free one) to 65535",
    does: "Port to listen on; 0 takes any free one"
  }, Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 65_535 }))),

  databaseUrl: optional({
    name: "DATABASE_URL",
    expected: "a URL such as postgres://user:password@host:5432/database",
    does: "PostgreSQL with pgvector; without it an embedded database is used",
    secret: true
  }, Schema.RedactedFromValue(Schema.String.check(Schema.isPattern(/^postgres(?:ql)?:\/\/\S+$/)))),
  dataDir: withDefault({
    name: "DATA_DIR",
    default: "./data",
    expected: "a folder, or memory:",
    does: "Where the embedded database keeps its data; `memory:` keeps nothing"
  }, Schema.NonEmptyString),

  protocol: optional({
    name: "AI_PROTOCOL",
    expected: "openai, plain or simulated",
    does: "How the provider is spoken to; `openai` when `AI_BASE_URL` is set, else `simulated`"
  }, Schema.Literals(["openai", "plain", "simulated"])),
  baseUrl: url("AI_BASE_URL", "openai: up to and including `/v1`; plain: the full URL"),
  apiKey: optional({
    name: "AI_API_KEY",
    expected: "the provider's key",
    does: "Sent to the provider as a bearer token",
    secret: true
  }, Secret),
  model: optional({
    name: "AI_MODEL",
    expected: "the name of a model as the provider knows it",
    does: "The model; needed with `openai`"
  }, Schema.NonEmptyString),

  providersFile: optional({
    name: "AI_PROVIDERS_FILE",
    expected: "the path of a JSON file",
    does: "Several providers, in order (docs/providers.md); instead of the other `AI_` variables"
  }, Schema.NonEmptyString),
  simulatedFailures: withDefault({
    name: "SIMULATED_FAILURES",
    default: "0",
    expected: "a number from 0 to 1",
    does: "The share of attempts that the simulated provider fails; 1 to see what a dead provider leads to"
  }, Share),

  attemptTimeout: duration("ATTEMPT_TIMEOUT", "30 seconds", "The longest that one attempt may take, its body included"),
  totalTimeout: duration("TOTAL_TIMEOUT", "60 seconds", "From the request to the answer, waiting included"),
  firstTokenTimeout: optionalDuration(
    "FIRST_TOKEN_TIMEOUT",
    "The longest that a stream may take to its first piece; `ATTEMPT_TIMEOUT` when left out"
  ),
  stallTimeout: duration(
    "STALL_TIMEOUT",
    "20 seconds",
    "The longest silence within a stream, and the longest that its reader may take nothing of it"
  ),
  keepAlive: duration("STREAM_KEEP_ALIVE", "15 seconds", "The longest silence before a stream sends a comment"),
  maxAttempts: count("MAX_ATTEMPTS", "2", "Attempts per request, the first included"),
  retryBaseDelay: duration("RETRY_BASE_DELAY", "1 second", "Upper bound of the random wait before the second attempt"),

  retryShare: withDefault({
    name: "RETRY_BUDGET",
    default: "0.2",
    expected: "a number from 0 to 1",
    does: "Retries per provider and minute, as a share of its calls"
  }, Share),
  retryFloor: withDefault({
    name: "RETRY_BUDGET_FLOOR",
    default: "10",
    expected: "a whole number from 0",
    does: "Retries per provider and minute that are allowed however few calls there are"
  }, Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))),

  breakerFailures: count("BREAKER_FAILURES", "3", "Failed calls, with no success between them, that open the circuit"),
  breakerWindow: duration("BREAKER_WINDOW", "1 minute", "The time within which they count"),
  breakerCooldown: duration("BREAKER_COOLDOWN", "30 seconds", "How long the circuit stays open before it probes"),

  limitConcurrency: count("LIMIT_CONCURRENCY", "8", "Attempts at the provider at the same time"),
  limitQueue: count("LIMIT_QUEUE", "64", "Requests that may wait for their turn; the next one falls back at once"),
  limitRequestsPerMinute: optional({
    name: "LIMIT_REQUESTS_PER_MINUTE",
    expected: "a whole number from 1",
    does: "Attempts per minute, retries included; no limit when left out"
  }, Count),
  limitTokensPerMinute: optional({
    name: "LIMIT_TOKENS_PER_MINUTE",
    expected: "a whole number from 1",
    does: "Estimated tokens per minute, prompt and answer; no limit when left out"
  }, Count),

  fallbackMinSimilarity: withDefault({
    name: "FALLBACK_MIN_SIMILARITY",
    default: String(defaultMinSimilarity),
    expected: "a number from 0 to 1",
    does: "How alike two prompts must be for the answer of the one to stand in for the other's (docs/similarity.md)"
  }, Share),
  fallbackMaxAge: duration(
    "FALLBACK_MAX_AGE",
    "30 days",
    "The oldest answer that may stand in; older ones are deleted"
  ),
  fallbackMaxEntries: count(
    "FALLBACK_MAX_ENTRIES",
    "20000",
    "Answers kept per namespace; the least useful make room"
  ),
  fallbackStorePrompts: define({
    name: "FALLBACK_STORE_PROMPTS",
    default: "true",
    expected: "true or false",
    does: "`false` keeps hashes and vectors of prompts, and no prompt (docs/operations.md)"
  }, Config.withDefault(Config.Boolean("FALLBACK_STORE_PROMPTS"), true)),
  idempotencyTtl: duration(
    "IDEMPOTENCY_TTL",
    "1 day",
    "How long the answer to a request with an `Idempotency-Key` is kept for the same request again (docs/http.md)"
  ),
  jobWorkers: withDefault({
    name: "JOB_WORKERS",
    default: "4",
    expected: "a whole number from 0",
    does: "Jobs that this process works on at a time; 0 leaves them to other processes (docs/jobs.md)"
  }, Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))),
  jobDeadline: duration(
    "JOB_DEADLINE",
    "15 minutes",
    "How long a job waits to go live before it ends with the fallback"
  ),
  jobTtl: duration("JOB_TTL", "3 days", "How long a job that has ended can be asked for"),
  jobLimit: count("JOB_LIMIT", "1000", "Jobs of one namespace that may be under way"),
  shadowShare: withDefault({
    name: "SHADOW_SHARE",
    default: "0.05",
    expected: "a number from 0 to 1",
    does: "The share of live answers that measure what the cache would have served (docs/operations.md); 0 for none"
  }, Share),

  embedder: withDefault({
    name: "EMBEDDER",
    default: "local",
    expected: "local or openai",
    does: "What turns prompts into vectors: `local` needs no network"
  }, Schema.Literals(["local", "openai"])),
  embeddingBaseUrl: url("EMBEDDING_BASE_URL", "openai: up to and including `/v1`; `AI_BASE_URL` when left out"),
  embeddingApiKey: optional({
    name: "EMBEDDING_API_KEY",
    expected: "the embedding provider's key",
    does: "`AI_API_KEY` when both this and `EMBEDDING_BASE_URL` are left out",
    secret: true
  }, Secret),
  embeddingModel: withDefault({
    name: "EMBEDDING_MODEL",
    default: "text-embedding-3-small",
    expected: "the name of an embedding model",
    does: "The embedding model, with `EMBEDDER=openai`"
  }, Schema.NonEmptyString),
  embeddingDimensions: count("EMBEDDING_DIMENSIONS", "1536", "The length of that model's vectors"),
  embeddingTimeout: duration(
    "EMBEDDING_TIMEOUT",
    "250 millis",
    "openai: the longest that a fallback waits for the vector of its prompt; without one only the exact match works"
  ),
  embeddingBatchTimeout: duration(
    "EMBEDDING_BATCH_TIMEOUT",
    "10 seconds",
    "openai: the longest that a request for many vectors may take, off the answer's path"
  ),
  embeddingBatchSize: count("EMBEDDING_BATCH_SIZE", "96", "openai: texts in one request, at most"),

  templatesDir: withDefault({
    name: "TEMPLATES_DIR",
    default: "templates",
    expected: "a folder of Markdown templates, or none",
    does: "The last rung (docs/templates.md); `templates` are the shipped ones, `none` switches them off"
  }, Schema.NonEmptyString),

  apiKeys: optional({
    name: "API_KEYS",
    expected:
      "namespace:key pairs with commas between them, the keys at least 8 characters long or sha256: and 64 hex digits",
    does: "`namespace:key,…`: when set, every call needs one of the keys, and sees its own namespace only. "
      + "`sha256:HEX` may stand for a key",
    secret: true
  }, ApiKeyList),
  apiKeysFile: optional({
    name: "API_KEYS_FILE",
    expected: "the path of a JSON file",
    does: "More keys, as hashes, with limits of their own (docs/operations.md)"
  }, Schema.NonEmptyString),
  adminKeys: optional({
    name: "ADMIN_KEYS",
    expected: "keys of at least 8 characters, or sha256: and 64 hex digits, with commas between them",
    does: "`key,…`: for the operator's endpoints under `/admin`; without it they refuse everybody. "
      + "`sha256:HEX` may stand for a key",
    secret: true
  }, AdminKeyList),
  keyRequestsPerMinute: optional({
    name: "KEY_REQUESTS_PER_MINUTE",
    expected: "a whole number from 1",
    does: "Requests per minute and key to generate a text (docs/http.md); no limit when left out"
  }, Count),
  keyConcurrency: optional({
    name: "KEY_CONCURRENCY",
    expected: "a whole number from 1",
    does: "Requests in flight per key to generate a text; no limit when left out"
  }, Count),

  webhookSecrets: optional({
    name: "WEBHOOK_SECRETS",
    expected: "namespace:secret pairs with commas between them, the secrets whsec_ and the base64 of 24 to 64 bytes",
    does: "`namespace:whsec_…,…`: what callbacks are signed with; a namespace needs one (docs/callbacks.md)",
    secret: true
  }, WebhookSecretList),
  webhookAllow: optional({
    name: "WEBHOOK_ALLOW",
    expected: "networks such as 10.1.2.0/24, addresses and host names, with commas between them",
    does: "Where callbacks may go although it is not public, also without TLS (docs/callbacks.md)"
  }, WebhookExceptions),
  webhookTimeout: duration("WEBHOOK_TIMEOUT", "15 seconds", "The longest that one attempt at a callback may take"),

  recordTrace: optional({
    name: "RECORD_TRACE",
    expected: "the path of a file, in a folder that exists",
    does: "Appends a line about each call of a provider: when, how long, what it came to (docs/traces.md); "
      + "nothing when left out"
  }, Schema.NonEmptyString),
  otlpEndpoint: url(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "Where traces, metrics and logs go, as OTLP over HTTP (docs/observability.md); nowhere when left out"
  ),
  otlpHeaders: optional({
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    expected: "name=value pairs with commas between them, percent-encoded where they must",
    does: "Sent along with them, such as a backend's key: `name=value,…`",
    secret: true
  }, HeaderList),
  tracesExporter: exporter("TRACES"),
  metricsExporter: exporter("METRICS"),
  logsExporter: exporter("LOGS"),
  tracesShare: withDefault({
    name: "OTEL_TRACES_SAMPLER_ARG",
    default: "1",
    expected: "a number from 0 to 1",
    does:
      "The share of traces that is kept; a request that comes with a `traceparent` is kept when its caller's trace is"
  }, Share),
  serviceName: optional({
    name: "OTEL_SERVICE_NAME",
    expected: "a name",
    does: "`service.name`; `understudy` when it stands nowhere else"
  }, Schema.NonEmptyString),
  resourceAttributes: optional({
    name: "OTEL_RESOURCE_ATTRIBUTES",
    expected: "name=value pairs with commas between them, percent-encoded where they must",
    does: "What all of it says of this process: `deployment.environment.name=prod,…`"
  }, PairList)
})

/** All of them, in the order of their definition. */
export const variables: ReadonlyArray<Variable> = defined.map(({ variable }) => variable)

type Values = Config.Success<typeof config>

/** The values, with the protocol settled and what it needs in place. */
export type AppConfig = Omit<Values, "protocol" | "baseUrl" | "model" | "providersFile"> & { readonly ai: AiConfig }

/** A variable that does not hold what it may. */
export interface WrongVariable {
  readonly name: string
  /** What it holds, unless that is a secret, and what is expected. */
  readonly problem: string
}

/** Each variable that cannot be read by itself; how they fit together is `load`'s. */
export const wrongVariables: Effect.Effect<ReadonlyArray<WrongVariable>> = Effect.gen(function*() {
  const wrong: Array<WrongVariable> = []
  for (const { config, variable } of defined) {
    if (Exit.isSuccess(yield* Effect.exit(config))) continue
    const held = variable.secret ? "a secret that does not fit" : yield* Effect.orElseSucceed(
      Effect.map(Config.String(variable.name), (value) => JSON.stringify(withoutSecrets(value))),
      () => "nothing readable"
    )
    wrong.push({ name: variable.name, problem: `${variable.name} holds ${held}; expected ${variable.expected}` })
  }
  return wrong
})

/** Reads all variables from the current `ConfigProvider`, and reports every wrong one at once. */
export const load: Effect.Effect<AppConfig, ConfigInvalid> = Effect.gen(function*() {
  const problems = (yield* wrongVariables).map(({ problem }) => problem)
  if (problems.length > 0) return yield* new ConfigInvalid({ problems })
  const { baseUrl, model, protocol, providersFile, ...values } = yield* Effect.orDie(config)
  if (values.jobWorkers === 0 && values.databaseUrl === undefined) {
    return yield* new ConfigInvalid({ problems: [nobodyWorks] })
  }
  return { ...values, ai: yield* aiConfig({ baseUrl, model, protocol, providersFile }) }
})

const nobodyWorks = "JOB_WORKERS holds 0, and nobody else can work on the jobs in an embedded database; expected 1 or "
  + "more, or a DATABASE_URL"

/** A URL without what may be secret in it: user, password and query. Other values as they are. */
const withoutSecrets = (value: string): string =>
  value.includes("://") ? value.replace(/:\/\/[^/]*@/, "://…@").replace(/\?.*$/, "?…") : value
