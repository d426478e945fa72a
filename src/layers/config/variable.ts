/** What a variable is, and how one is defined: how it reads, and what it may hold. */
import { Config, Duration, Option, Schema } from "effect"
import { exceptionsOf } from "../../domain/callbacks/CallbackExceptions.ts"
import { signingKeyOf } from "../../domain/callbacks/CallbackSignature.ts"
import { isHeaderList, pairsOf } from "./pairs.ts"

/** What stands in `.env.example` and in the README's table; a test holds the three together. */
export interface Variable {
  readonly name: string
  /** As one would write it; absent when the variable is optional and has no default. */
  readonly default?: string | undefined
  /** Completes "expected …" when the variable holds something else. */
  readonly expected: string
  readonly does: string
  /** A secret's value is never shown, not even when it is wrong. */
  readonly secret?: true | undefined
}

/** All of them so far, in the order of their definition. */
export const defined: Array<{ readonly variable: Variable; readonly config: Config.Config<unknown> }> = []

export const define = <A>(variable: Variable, config: Config.Config<A>): Config.Config<A> => {
  defined.push({ variable, config })
  return config
}

export const withDefault = <A>(variable: Variable & { readonly default: string }, schema: Schema.Codec<A, string>) =>
  define(
    variable,
    Config.withDefault(Config.schema(schema, variable.name), Schema.decodeSync(schema)(variable.default))
  )

export const optional = <A>(variable: Variable, schema: Schema.Codec<A, string>) =>
  define(variable, Config.map(Config.option(Config.schema(schema, variable.name)), Option.getOrUndefined))

export const Count = Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(1))
export const Share = Schema.FiniteFromString.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const PositiveDuration = Schema.DurationFromString.check(
  Schema.makeFilter((duration: Duration.Duration) => Duration.toMillis(duration) > 0 && Duration.isFinite(duration))
)
export const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)

/** Without a user, a password, a query or a fragment: they would end up in logs, or in the middle of a longer URL. */
export const isPlainHttpUrl = (value: string): boolean => {
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) return false
  const { hash, password, search, username } = new URL(value)
  return hash === "" && password === "" && search === "" && username === ""
}

const HttpUrl = Schema.String.check(Schema.makeFilter(isPlainHttpUrl))
const listOf = (isItem: (text: string) => boolean) =>
  Schema.RedactedFromValue(Schema.String.check(
    Schema.makeFilter((list: string) => list.split(",").every((text) => isItem(text.trim())))
  ))
const matches = (pattern: RegExp) => (text: string) => pattern.test(text)

// What is meant for a hash must not pass for a key: the hash itself would open the door.
export const ApiKeyList = listOf(matches(/^(?!sha256:)[\w.-]+:(?:sha256:[\da-fA-F]{64}|[^\s,:]{8,})$/))
export const AdminKeyList = listOf(matches(/^(?:sha256:[\da-fA-F]{64}|(?!sha256:)[^\s,]{8,})$/))
export const WebhookSecretList = listOf((item) => {
  const [, secret = ""] = /^[\w.-]+:(.+)$/.exec(item) ?? []
  return signingKeyOf(secret) !== undefined
})
export const WebhookExceptions = Schema.String.check(
  Schema.makeFilter((list: string) => exceptionsOf(list) !== undefined)
)

export const PairList = Schema.String.check(Schema.makeFilter((list: string) => pairsOf(list) !== undefined))
export const HeaderList = Schema.RedactedFromValue(Schema.String.check(Schema.makeFilter(isHeaderList)))

const aDuration = "a duration such as \"1500 millis\", \"30 seconds\" or \"2 minutes\""

export const duration = (name: string, standard: string, does: string) =>
  withDefault({ name, default: standard, expected: aDuration, does }, PositiveDuration)

export const optionalDuration = (name: string, does: string) =>
  optional({ name, expected: aDuration, does }, PositiveDuration)

export const count = (name: string, standard: string, does: string) =>
  withDefault({ name, default: standard, expected: "a whole number from 1", does }, Count)

/** Whether one of OpenTelemetry's signals is sent. */
export const exporter = (signal: "TRACES" | "METRICS" | "LOGS") =>
  withDefault({
    name: `OTEL_${signal}_EXPORTER`,
    default: "otlp",
    expected: "otlp or none",
    does: `\`none\` sends no ${signal.toLowerCase()}`
  }, Schema.Literals(["otlp", "none"]))

export const url = (name: string, does: string) =>
  optional(
    { name, expected: "a URL such as https://host/path, without a user, a password or a query", does },
    HttpUrl
  )
