/** What a provider's failure means, and what to do about it. Pure. */
import { Duration } from "effect"
import type { AiError, AiRejected, AiUnauthorized, AiUnavailable } from "../domain/errors.ts"
import type { ProviderConfig } from "../layers/ProviderConfig.ts"

export interface Advice {
  readonly found: string
  readonly advice: string
  /** The service works with it. */
  readonly isWarning?: true
}

export const adviceOnProvider = (provider: ProviderConfig, error: AiError): Advice => {
  const { attemptTimeout, name } = provider
  switch (error._tag) {
    case "AiTimeout":
      return {
        found: `${name} at ${urlOf(provider)} gave no answer within ${Duration.format(attemptTimeout)}`,
        advice: "is the provider up, and this slow by nature (a model that has to be loaded first)? Then raise "
          + "ATTEMPT_TIMEOUT, and TOTAL_TIMEOUT with it"
      }
    case "AiRateLimited":
      return {
        found: error.message,
        advice: "wait, or ask the provider for more: the key works, but its quota or the account's credit is used up; "
          + "LIMIT_REQUESTS_PER_MINUTE keeps the service below a limit"
      }
    case "AiUnauthorized":
      return { found: refusedKey(provider, error), advice: keyAdvice(provider, error) }
    case "AiRejected":
      return rejected(provider, error)
    case "AiUnavailable":
      return { found: `${error.message} (${urlOf(provider)})`, advice: unavailable(provider, error) }
    case "AiMalformed":
      return malformed(provider, error.detail)
  }
}

const urlOf = ({ speech }: ProviderConfig): string => speech.protocol === "simulated" ? "" : speech.baseUrl

const refusedKey = ({ apiKey, name }: ProviderConfig, { status }: AiUnauthorized): string =>
  apiKey === undefined
    ? `${name} wants a key (${status}), and none is configured`
    : `${name} refuses our key (${status})`

const keyAdvice = ({ apiKey }: ProviderConfig, { status }: AiUnauthorized): string => {
  if (apiKey === undefined) {
    return "set AI_API_KEY (in a file of providers: api_key_env, and the variable that it names)"
  }
  if (status === 402) return "look at the account's credit at the provider"
  return status === 401
    ? "is AI_API_KEY (or the variable that api_key_env names) whole, without quotes and spaces, and not withdrawn?"
    : "the key is known and not allowed this: look at its rights, its project and the model's access at the provider"
}

const rejected = (provider: ProviderConfig, { message, status }: AiRejected): Advice => {
  const { name } = provider
  const found = `${name} refuses the request (${status}): ${message}`
  if (status !== 404 && status !== 405) {
    return {
      found,
      advice: /max_tokens/.test(message)
        ? "this model takes no max_tokens: choose another AI_MODEL, or put a gateway before it that translates"
        : "each request would be refused like this: correct AI_MODEL, or what the message names"
    }
  }
  if (/model/i.test(message)) {
    return { found, advice: "is AI_MODEL spelt as the provider lists it, and is it allowed to this key?" }
  }
  return { found: `${name} has nothing at ${urlOf(provider)} (${status})`, advice: pathAdvice(provider) }
}

const pathAdvice = ({ speech }: ProviderConfig): string => {
  if (speech.protocol !== "openai") return "AI_BASE_URL has to be the full URL that is posted to"
  const path = new URL(speech.baseUrl).pathname.replace(/\/+$/, "")
  const usual = "https://api.openai.com/v1"
  if (path.endsWith("/chat/completions")) {
    return `take /chat/completions off AI_BASE_URL: it goes up to and with /v1, such as ${usual}`
  }
  if (path.endsWith("/v1/v1")) return "AI_BASE_URL has /v1 twice: take one off"
  if (!/\/v\d+\w*$/.test(path)) {
    return `is /v1 missing at the end of AI_BASE_URL? It goes up to and with it, such as ${usual}`
  }
  return "correct AI_BASE_URL (host and path), and see that AI_MODEL is one that is served there"
}

const unavailable = (provider: ProviderConfig, { detail, status }: AiUnavailable): string => {
  if (status !== undefined) {
    return status < 400
      ? "it redirects, and the key is sent nowhere else: set AI_BASE_URL to where it leads (https:// in place of http://?)"
      : "the provider is reached and has trouble of its own: see its status page, and try again"
  }
  const known = causes.find(([pattern]) => pattern.test(detail))
  return known?.[1] ??
    `can this machine reach ${hostOf(provider)}? Try it with curl; a firewall or a proxy may stand between`
}

const hostOf = (provider: ProviderConfig): string => {
  const url = urlOf(provider)
  return URL.canParse(url) ? new URL(url).host : url
}

/** By the codes of the system, of OpenSSL and of the HTTP client. */
const causes: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /ECONNREFUSED/,
    "nobody listens there: is the provider started, and are host and port of AI_BASE_URL right? (In a container, localhost is the container)"
  ],
  [/ENOTFOUND|EAI_AGAIN|EAI_NODATA/, "the name is not found: correct the host in AI_BASE_URL, or this machine's DNS"],
  [/CERT_HAS_EXPIRED/, "its certificate has expired: renew it, or set this machine's clock right"],
  [/ALTNAME/, "its certificate is for another name: correct the host in AI_BASE_URL"],
  [
    /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
    "its certificate is signed by nobody we know: give Node the authority's with NODE_EXTRA_CA_CERTS=file.pem"
  ],
  [
    /ERR_SSL|EPROTO|WRONG_VERSION/,
    "it speaks no TLS there: http:// in AI_BASE_URL in place of https://, or another port"
  ],
  [/HPE_/, "it speaks no HTTP there: https:// in AI_BASE_URL in place of http://, or another port"],
  [/TIMEOUT|ETIMEDOUT/, "no connection in time: a firewall that drops packets, or a wrong address in AI_BASE_URL"],
  [
    /ECONNRESET|EPIPE|UND_ERR_SOCKET|other side closed/,
    "it hangs up: a proxy or a firewall between, or http:// where https:// is meant"
  ],
  [/EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL/, "there is no way to that address from this machine: look at its network"]
]

const malformed = (provider: ProviderConfig, detail: string): Advice => {
  const { name } = provider
  if (detail === "the answer is empty") {
    return {
      found: `${name} answered without a text within 16 tokens`,
      advice:
        "a reasoning model spends them on its thoughts: let requests have a max_tokens that leaves room for an answer",
      isWarning: true
    }
  }
  if (/could not be read/.test(detail)) {
    const isCut = /closed|aborted|terminated|reset|UND_ERR|ECONN/i.test(detail)
    return isCut
      ? {
        found: `${name} breaks off in the middle of its answer`,
        advice: "look at the provider, or at the proxy before it"
      }
      : {
        found: `${name} answers with something that is no JSON${
          /<!doctype|<html|'<'/i.test(detail) ? " but a web page" : ""
        }`,
        advice: `AI_BASE_URL leads to a web site, a login or a proxy: ${pathAdvice(provider)}`
      }
  }
  return {
    found: `${name} answers with something unusable: ${detail}`,
    advice: "does it speak the protocol of AI_PROTOCOL? openai: chat completions; plain: {prompt, max_tokens} -> {text}"
  }
}
