/** What is configured and needs neither a database nor a provider to be looked at. */
import { Effect, FileSystem, Path, Result } from "effect"
import { defaultNamespace } from "../domain/Generation.ts"
import { counted } from "../domain/text/Table.ts"
import type { AppConfig } from "../layers/AppConfig.ts"
import { seedTemplates } from "../layers/CacheLayers.ts"
import { secretsIn } from "../layers/CallbackLayers.ts"
import { inspectAddress } from "../layers/inspection/AddressInspection.ts"
import * as KeyConfig from "../layers/KeyConfig.ts"
import { type Finding, findingsOf } from "./doctorReport.ts"

/** Where it listens, and who gets in there without a key. */
export const checkAddress = Effect.fnUntraced(function*(config: AppConfig) {
  const { failed, ok, warning } = findingsOf("address")
  const { host, port } = config
  const where = `HOST ${host}, PORT ${port}`
  const { exposure, state } = yield* inspectAddress(host, port)
  const needsNoKey = config.apiKeys === undefined && config.apiKeysFile === undefined
  return [
    addressFinding(),
    ...exposure !== undefined && needsNoKey
      ? [
        warning(
          exposure.replace(/\. Set .*$/, ""),
          "set API_KEYS or API_KEYS_FILE (understudy keys new), or HOST=127.0.0.1"
        )
      ]
      : []
  ]

  function addressFinding(): Finding {
    switch (state._tag) {
      case "Free":
        return ok(`${where} is free to listen on`)
      case "TakenByUnderstudy":
        return ok(`at ${where} an Understudy runs already (${state.status})`)
      case "TakenByOther":
        return failed(`${where} is taken by something that is no Understudy`, "end what listens there, or set PORT")
      case "Unusable":
        return failed(`${where} cannot be listened on (${state.code})`, adviceFor(state.code))
    }
  }
})

const adviceFor = (code: string): string => {
  if (code === "EACCES") return "ports below 1024 are the system's: set PORT to a higher one"
  return code === "EADDRNOTAVAIL"
    ? "this machine has no such address: set HOST to one of its own, or to 0.0.0.0 for all"
    : "set HOST to an address of this machine, or to a name that leads to one"
}

export const checkKeys = Effect.fnUntraced(function*(config: AppConfig) {
  const { failed, ok } = findingsOf("keys")
  const keys = yield* Effect.result(KeyConfig.load(config))
  if (Result.isFailure(keys)) {
    return [failed(keys.failure.message, "understudy keys new makes one, and says how it is listed")]
  }
  const { admins, users } = keys.success
  const namespaces = new Set(users?.map(({ namespace }) => namespace))
  return [ok(
    `${
      users === undefined
        ? "none is asked for"
        : `${counted(users.length, "key")} for ${counted(namespaces.size, "namespace")}`
    }; `
      + (admins.length === 0 ? "the operator's endpoints refuse everybody" : counted(admins.length, "admin key"))
  )]
})

export const checkCallbacks = Effect.fnUntraced(function*(config: AppConfig) {
  const { ok, warning } = findingsOf("callbacks")
  const secrets = secretsIn(config.webhookSecrets)
  if (secrets.size === 0) return [ok("no namespace has a secret, so no job can ask for a callback (WEBHOOK_SECRETS)")]
  const keys = yield* Effect.result(KeyConfig.load(config))
  const users = Result.isSuccess(keys) ? keys.success.users : undefined
  const known = new Set(users === undefined ? [defaultNamespace] : users.map(({ namespace }) => namespace))
  const strangers = Result.isFailure(keys) ? [] : [...secrets.keys()].filter((namespace) => !known.has(namespace))
  const without = [...known].filter((namespace) => !secrets.has(namespace))
  return [
    ok(
      `signed for ${[...secrets.keys()].join(", ")}${
        config.webhookAllow === undefined ? "" : `; besides public addresses they may go to ${config.webhookAllow}`
      }`
    ),
    ...strangers.length === 0 ? [] : [warning(
      `WEBHOOK_SECRETS has a secret for ${strangers.join(", ")}, which no key stands for`,
      "is the namespace spelt as in API_KEYS? Without keys it is \"default\""
    )],
    ...without.length === 0 || users === undefined || Result.isFailure(keys) ? [] : [ok(
      `${without.join(", ")}: no secret, so its jobs cannot ask for a callback (understudy keys new-webhook-secret)`
    )]
  ]
})

export const checkTemplates = Effect.fnUntraced(function*(config: AppConfig) {
  const { failed, ok, warning } = findingsOf("templates")
  if (config.templatesDir === "none") {
    return [ok("switched off (TEMPLATES_DIR=none): without a cached answer there is a 503")]
  }
  const templates = yield* Effect.result(seedTemplates(config))
  if (Result.isFailure(templates)) {
    return [failed(templates.failure.message, "correct it, or set TEMPLATES_DIR to another folder, or to none")]
  }
  const which = config.templatesDir === "templates" ? "shipped" : `in ${config.templatesDir}`
  return templates.success.length === 0
    ? [warning(`${config.templatesDir} holds no template`, "put *.md files there, or leave TEMPLATES_DIR out for ours")]
    : [ok(`${counted(templates.success.length, "template")} ${which}`)]
})

/** Without making the file. */
export const checkTrace = Effect.fnUntraced(function*({ recordTrace }: AppConfig) {
  const { failed, ok } = findingsOf("trace")
  if (recordTrace === undefined) return []
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const isThere = yield* Effect.orElseSucceed(fs.exists(recordTrace), () => false)
  const target = isThere ? recordTrace : path.dirname(recordTrace)
  const access = yield* Effect.result(fs.access(target, { writable: true }))
  return [
    Result.isSuccess(access)
      ? ok(`each call of a provider is recorded in ${recordTrace}`)
      : failed(`RECORD_TRACE ${recordTrace} cannot be written`, `${target} has to be there, and writable for this user`)
  ]
})
