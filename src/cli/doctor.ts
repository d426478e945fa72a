/** `understudy doctor`: looks at everything that the service stands on, and says what to do. Changes nothing. */
import { Cause, Console, Effect, type FileSystem, Logger, type Path, Redacted, Result, Schema } from "effect"
import { counted } from "../domain/text/Table.ts"
import type { AppConfig } from "../layers/AppConfig.ts"
import * as ProviderConfig from "../layers/ProviderConfig.ts"
import { failed as commandFailed } from "./CommandFailed.ts"
import { readConfiguration } from "./doctorConfiguration.ts"
import { checkDatabase } from "./doctorDatabase.ts"
import { checkEmbedder } from "./doctorEmbedder.ts"
import { checkProviders, probe } from "./doctorProvider.ts"
import { type Check, type Finding, findingsOf, Report, reportOf, reportText, withoutSecrets } from "./doctorReport.ts"
import { checkAddress, checkCallbacks, checkKeys, checkTemplates, checkTrace } from "./doctorSettings.ts"
import { checkTelemetry, telemetrySecrets } from "./doctorTelemetry.ts"

export const doctor = Effect.fnUntraced(function*(input: { readonly offline: boolean; readonly json: boolean }) {
  const { config, findings: configuration, wrong } = yield* readConfiguration
  const providers = yield* Effect.result(ProviderConfig.load(config))
  const isReadable = wrongAmong(wrong, /^AI_|^SIMULATED_/) === undefined
  if (!input.offline && isReadable && Result.isSuccess(providers)) yield* sayWhatIsSent(config, providers.success)

  const checks: ReadonlyArray<readonly [Check, RegExp, Checking]> = [
    ["address", /^(?:HOST|PORT)$/, checkAddress(config)],
    ["keys", /^(?:API|ADMIN|KEY)_/, checkKeys(config)],
    ["callbacks", /^(?:WEBHOOK_|API_)/, checkCallbacks(config)],
    ["templates", /^TEMPLATES_/, checkTemplates(config)],
    ["trace", /^RECORD_/, checkTrace(config)],
    ["telemetry", /^OTEL_/, checkTelemetry(config, input.offline)],
    ["database", /^DATA/, checkDatabase(config)],
    [
      "provider",
      /^(?:AI|SIMULATED)_|^ATTEMPT_TIMEOUT$/,
      Result.isSuccess(providers)
        ? checkProviders(config, providers.success, input.offline)
        : Effect.succeed([
          findingsOf("provider").failed(providers.failure.message, "docs/providers.md says what the file holds")
        ])
    ],
    [
      "embedder",
      config.embedder === "local" ? /^EMBEDDER$/ : /^(?:EMBED|AI_)/,
      Result.isSuccess(providers)
        ? checkEmbedder(config, providers.success, input.offline)
        : Effect.succeed([findingsOf("embedder").notChecked("the file of providers cannot be used")])
    ]
  ]
  const found = yield* Effect.forEach(
    checks,
    ([check, variables, checking]) => {
      const cause = wrongAmong(wrong, variables)
      return cause === undefined
        ? Effect.catchCause(checking, (defect) => Effect.succeed([brokenDown(check, defect)]))
        : Effect.succeed([findingsOf(check).notChecked(`${cause} is wrong`)])
    },
    { concurrency: "unbounded" }
  ).pipe(Effect.provide(Logger.layer([])))

  const report = reportOf([...configuration, ...found.flat()].map(withoutSecrets(secretsOf(config, providers))))
  yield* Console.log(
    input.json ? JSON.stringify(yield* Schema.encodeEffect(Report)(report), null, 2) : reportText(report)
  )
  if (!report.ok) return yield* commandFailed(`${counted(report.failed, "check")} failed`)
})

type Checking = Effect.Effect<ReadonlyArray<Finding>, never, FileSystem.FileSystem | Path.Path>

const wrongAmong = (wrong: ReadonlySet<string>, variables: RegExp): string | undefined =>
  [...wrong].find((name) => variables.test(name))

const brokenDown = (check: Check, cause: Cause.Cause<never>): Finding =>
  findingsOf(check).failed(
    `the check itself broke down: ${String(Cause.squash(cause))}`,
    "this is a bug of Understudy: report it with this line"
  )

/** Before it goes: whoever pays for it, or whose network it leaves, may want to know. */
const sayWhatIsSent = Effect.fnUntraced(function*(config: AppConfig, providers: ProviderConfig.ProviderConfigs) {
  const asked = providers.flatMap(({ name, speech }) => speech.protocol === "simulated" ? [] : [name])
  const sent = [
    ...asked.length === 0
      ? []
      : [`${asked.join(", ")} for one or two answers of at most ${probe.maxTokens} tokens each`],
    ...config.embedder === "local" ? [] : [`${config.embeddingModel} for the vectors of two short texts`]
  ]
  if (sent.length > 0) yield* Console.error(`understudy: asks ${sent.join(", and ")} (--offline asks for none)`)
})

/** As it stands in the URL, and as it is. */
const passwordIn = (url: string): ReadonlyArray<Redacted.Redacted> => {
  if (!URL.canParse(url)) return []
  const { password } = new URL(url)
  return [Redacted.make(password), Redacted.make(Result.getOrElse(decoded(password), () => password))]
}

const decoded = (text: string) => Result.try(() => decodeURIComponent(text))

const secretsOf = (
  config: AppConfig,
  providers: Result.Result<ProviderConfig.ProviderConfigs, ProviderConfig.ProvidersInvalid>
): ReadonlyArray<Redacted.Redacted> => {
  const keys = Result.isSuccess(providers) ? providers.success.map(({ apiKey }) => apiKey) : []
  const password = config.databaseUrl === undefined ? [] : passwordIn(Redacted.value(config.databaseUrl))
  return [
    config.apiKey,
    config.embeddingApiKey,
    config.databaseUrl,
    ...password,
    ...keys,
    ...telemetrySecrets(config)
  ].filter((secret) => secret !== undefined)
}
