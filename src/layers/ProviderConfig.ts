/** Which providers there are: one from the `AI_*` variables, or several, in order, from a file. */
import {
  type Array,
  Config,
  type Duration,
  Effect,
  FileSystem,
  Option,
  type Redacted,
  Schema,
  SchemaIssue
} from "effect"
import type { CircuitBreakerOptions } from "../services/CircuitBreaker.ts"
import type { RateLimiterOptions } from "../services/RateLimiter.ts"
import { type AppConfig, isPlainHttpUrl } from "./AppConfig.ts"

/** How a provider is spoken to. */
export type Speech =
  | { readonly protocol: "simulated"; readonly failures: number }
  | { readonly protocol: "openai" | "plain"; readonly baseUrl: string; readonly model: string }

/** One provider, with its circuit and its limits. */
export interface ProviderConfig {
  /** In responses, logs and metrics, and the key of its circuit and limits. */
  readonly name: string
  readonly speech: Speech
  readonly apiKey: Redacted.Redacted | undefined
  readonly attemptTimeout: Duration.Duration
  readonly circuit: CircuitBreakerOptions
  readonly limits: RateLimiterOptions
}

/** In the order in which they are asked. */
export type ProviderConfigs = Array.NonEmptyReadonlyArray<ProviderConfig>

/** The providers file cannot be used; each problem names the place in the file. */
export class ProvidersInvalid extends Schema.TaggedError<ProvidersInvalid>()("ProvidersInvalid", {
  path: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `AI_PROVIDERS_FILE ${this.path} cannot be used:\n${
      this.problems.map((problem) => `  - ${problem}`).join("\n")
    }`
  }
}

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
const Name = Schema.String.check(
  Schema.isPattern(/^[\w.:-]{1,100}$/, { message: "Expected letters, digits, '.', ':', '_' and '-' only" })
)

const FileProvider = Schema.Struct({
  name: Name,
  protocol: Schema.optionalKey(Schema.Literals(["openai", "plain"])),
  base_url: Schema.String.check(
    Schema.makeFilter((value: string) =>
      isPlainHttpUrl(value) || "Expected a URL such as https://host/path, without a user, a password or a query"
    )
  ),
  model: Schema.NonEmptyString,
  api_key_env: Schema.optionalKey(Schema.String.check(
    Schema.isPattern(/^[A-Za-z_]\w*$/, { message: "Expected the name of an environment variable, not a key" })
  )),
  attempt_timeout: Schema.optionalKey(Schema.DurationFromString),
  circuit: Schema.optionalKey(Schema.Struct({
    failures: Schema.optionalKey(Count),
    window: Schema.optionalKey(Schema.DurationFromString),
    cooldown: Schema.optionalKey(Schema.DurationFromString)
  })),
  limits: Schema.optionalKey(Schema.Struct({
    concurrency: Schema.optionalKey(Count),
    queue: Schema.optionalKey(Count),
    requests_per_minute: Schema.optionalKey(Count),
    tokens_per_minute: Schema.optionalKey(Count)
  }))
})

/** `{"providers": [ … ]}`: what is left out is as the variables say. Keys stand in the environment, never in the file. */
const ProvidersFile = Schema.fromJsonString(Schema.Struct({ providers: Schema.NonEmptyArray(FileProvider) }))

const decodeFile = Schema.decodeUnknownEffect(ProvidersFile, { errors: "all", onExcessProperty: "error" })
const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const describe = ({ issue }: Schema.SchemaError): ReadonlyArray<string> =>
  formatIssues(issue).issues.map(({ message, path = [] }) => {
    const place = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
    return place === "" ? message : `${place}: ${message}`
  })

/** Reads the providers' file, or makes the one provider of the variables. */
export const load = (
  config: AppConfig
): Effect.Effect<ProviderConfigs, ProvidersInvalid, FileSystem.FileSystem> =>
  config.ai.protocol === "file" ? fromFile(config, config.ai.path) : Effect.succeed([fromVariables(config, config.ai)])

const fromVariables = (
  config: AppConfig,
  ai: Exclude<AppConfig["ai"], { readonly protocol: "file" }>
): ProviderConfig => ({
  ...shared(config),
  ...ai.protocol === "simulated"
    ? { name: "simulated", speech: { protocol: ai.protocol, failures: config.simulatedFailures } }
    : { name: new URL(ai.baseUrl).host, speech: ai },
  apiKey: config.apiKey
})

/** What holds for every provider unless the file says otherwise. */
const shared = (config: AppConfig) => ({
  attemptTimeout: config.attemptTimeout,
  circuit: {
    failures: config.breakerFailures,
    window: config.breakerWindow,
    openFor: config.breakerCooldown
  },
  limits: {
    concurrency: config.limitConcurrency,
    queue: config.limitQueue,
    requestsPerMinute: config.limitRequestsPerMinute,
    tokensPerMinute: config.limitTokensPerMinute
  }
})

const fromFile = Effect.fnUntraced(function*(
  config: AppConfig,
  path: string
): Effect.fn.Return<ProviderConfigs, ProvidersInvalid, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const invalid = (problems: ReadonlyArray<string>) => new ProvidersInvalid({ path, problems })
  const text = yield* Effect.mapError(fs.readFileString(path), ({ message }) => invalid([message]))
  const { providers } = yield* Effect.mapError(decodeFile(text), (error) => invalid(describe(error)))
  const names = new Set(providers.map(({ name }) => name))
  if (names.size < providers.length) return yield* invalid(["providers: two of them have the same name"])
  return yield* Effect.forEach(providers, (provider) =>
    Effect.gen(function*() {
      const variable = provider.api_key_env
      const apiKey = variable === undefined ? Option.none() : yield* secretOf(variable)
      if (variable !== undefined && Option.isNone(apiKey)) {
        return yield* invalid([`provider ${provider.name}: the environment variable ${variable} is not set`])
      }
      const { attemptTimeout, circuit, limits } = shared(config)
      return {
        name: provider.name,
        speech: { protocol: provider.protocol ?? "openai", baseUrl: provider.base_url, model: provider.model },
        apiKey: Option.getOrUndefined(apiKey),
        attemptTimeout: provider.attempt_timeout ?? attemptTimeout,
        circuit: {
          failures: provider.circuit?.failures ?? circuit.failures,
          window: provider.circuit?.window ?? circuit.window,
          openFor: provider.circuit?.cooldown ?? circuit.openFor
        },
        limits: {
          concurrency: provider.limits?.concurrency ?? limits.concurrency,
          queue: provider.limits?.queue ?? limits.queue,
          requestsPerMinute: provider.limits?.requests_per_minute ?? limits.requestsPerMinute,
          tokensPerMinute: provider.limits?.tokens_per_minute ?? limits.tokensPerMinute
        }
      }
    }))
})

const secretOf = (variable: string): Effect.Effect<Option.Option<Redacted.Redacted>> =>
  Effect.orElseSucceed(Config.option(Config.Redacted(variable)), () => Option.none())
