/** What keys look like: a key is random and shown once, its SHA-256 is what is kept, and a namespace is whose it is. */
import { Schema } from "effect"
import { hash, randomBytes } from "node:crypto"
import { Namespace } from "../domain/Generation.ts"

/** 64 hex digits in lower case. A fast hash will do: nobody guesses a random key. */
export const sha256Of = (key: string): string => hash("sha256", key)

/** 256 random bits behind a prefix by which a scanner for leaked secrets can know it. */
export const freshKey = (): string => `understudy_${randomBytes(32).toString("base64url")}`

/** What callbacks are signed with, in the form of https://www.standardwebhooks.com: 256 random bits. */
export const freshWebhookSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`

/** As far as the configuration can name one. */
export const KeyNamespace = Namespace.check(
  Schema.isPattern(/^[\w.-]{1,200}$/, { message: "Expected 1 to 200 letters, digits, '.', '_' and '-' only" })
)
