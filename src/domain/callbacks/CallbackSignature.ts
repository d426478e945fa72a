/** What is signed and how it is said (https://www.standardwebhooks.com). Pure. */
import { Result } from "effect"
import { Base64 } from "effect/encoding"

const prefix = "whsec_"

/** The key in a secret, `whsec_` and the base64 of 24 to 64 bytes; `undefined` for anything else. */
export const signingKeyOf = (secret: string): Uint8Array | undefined => {
  if (!secret.startsWith(prefix) || /\s/.test(secret)) return undefined
  const key = Result.getOrUndefined(Base64.decode(secret.slice(prefix.length)))
  return key !== undefined && key.length >= 24 && key.length <= 64 ? key : undefined
}

export interface SignedMessage {
  readonly id: string
  /** Of this attempt, in seconds since the epoch: a receiver takes no old ones. */
  readonly timestamp: number
  readonly body: string
}

export const signedBytes = ({ body, id, timestamp }: SignedMessage): Uint8Array =>
  new TextEncoder().encode(`${id}.${timestamp}.${body}`)

/** `tags`: HMAC-SHA256 of the signed bytes, one for each secret that the receiver may have. */
export const signatureHeaders = ({ id, timestamp }: SignedMessage, tags: ReadonlyArray<Uint8Array>) => ({
  "webhook-id": id,
  "webhook-timestamp": String(timestamp),
  "webhook-signature": tags.map((tag) => `v1,${Base64.encode(tag)}`).join(" ")
})
