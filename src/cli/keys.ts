/** `understudy keys …`: keys for callers and secrets for callbacks, of which nothing is kept. */
import { Console, Effect } from "effect"
import type { Namespace } from "../domain/Generation.ts"
import { freshKey, freshWebhookSecret, sha256Of } from "../layers/KeyForm.ts"

/** A caller's key for a namespace. */
export const newKey = ({ namespace }: { readonly namespace: Namespace }) =>
  Effect.suspend(() => {
    const key = freshKey()
    const sha256 = sha256Of(key)
    return Console.log([
      `Key for namespace "${namespace}", shown this once:`,
      `  ${key}`,
      "What the service is told of it, one of the two:",
      `  in API_KEYS:       ${namespace}:sha256:${sha256}`,
      `  in API_KEYS_FILE:  ${JSON.stringify({ namespace, sha256 })}`
    ].join("\n"))
  })

/** An operator's key. */
export const newAdminKey = Effect.suspend(() => {
  const key = freshKey()
  return Console.log([
    "Admin key, shown this once:",
    `  ${key}`,
    "What the service is told of it:",
    `  in ADMIN_KEYS:  sha256:${sha256Of(key)}`
  ].join("\n"))
})

/** A secret that a namespace's callbacks are signed with. */
export const newWebhookSecret = ({ namespace }: { readonly namespace: Namespace }) =>
  Effect.suspend(() => {
    const secret = freshWebhookSecret()
    return Console.log([
      `Secret for the callbacks of namespace "${namespace}", shown this once; its receiver verifies with it:`,
      `  ${secret}`,
      "What the service is told of it, beside those that are there:",
      `  in WEBHOOK_SECRETS:  ${namespace}:${secret}`
    ].join("\n"))
  })
