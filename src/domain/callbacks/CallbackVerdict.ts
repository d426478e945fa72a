/** What came of an attempt, in words for the receiver's owner. Pure. */

export interface Refusal {
  readonly detail: string
  /** `true`: another attempt would end the same. */
  readonly isFinal: boolean
  /** The receiver may say when to come again. */
  readonly mayAskForTime: boolean
}

/** What a status means; `undefined`: it was taken. Redirects are not followed, for they could lead anywhere. */
export const refusalOfStatus = (status: number): Refusal | undefined => {
  if (status >= 200 && status < 300) return undefined
  if (status >= 300 && status < 400) {
    return {
      detail: `it answers ${status}, and redirects are not followed: give the final address`,
      isFinal: false,
      mayAskForTime: false
    }
  }
  return {
    detail: status === 410 ? "it answers 410: it wants no more callbacks" : `it answers ${status}`,
    isFinal: status === 410,
    mayAskForTime: status === 429 || status === 503
  }
}

/** The same words for a name that nobody has, and for one that leads where callbacks must not go. */
export const noPublicAddress = "its name does not lead to a public address"

/** Why there was no answer, by the code of Node's or undici's error. */
export const wordsOfCode = (code: string | undefined): string => {
  switch (code) {
    case undefined:
      return "it cannot be reached"
    case "ECONNREFUSED":
      return "it cannot be reached: connection refused"
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
      return "it cannot be reached: no connection in time"
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "it cannot be reached: no route to it"
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return "it closed the connection without an answer"
  }
  if (code.startsWith("HPE_") || code === "UND_ERR_HEADERS_OVERFLOW") return "its answer is not HTTP as it should be"
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/.test(code)
    ? `no secure connection with it: ${code}`
    : "it cannot be reached"
}
