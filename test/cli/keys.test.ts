import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { signingKeyOf } from "../../src/domain/callbacks/CallbackSignature.ts"
import { runCommand } from "../support/serviceProcess.ts"

const sha256 = (key: string) => createHash("sha256").update(key).digest("hex")
const keyIn = (text: string) => /^ {2}(understudy_[\w-]{43})$/m.exec(text)?.[1] ?? ""

const printed = (...args: ReadonlyArray<string>) =>
  Effect.map(runCommand(["keys", ...args], {}), ({ code, stderr, stdout }) => {
    assert.deepStrictEqual([code, stderr], [0, ""])
    return stdout
  })

describe("understudy keys", () => {
  it.live("prints a new key once, and what the service is told of it", () =>
    Effect.gen(function*() {
      const text = yield* printed("new", "alpha")
      const key = keyIn(text)
      assert.strictEqual(text.split(key).length, 2)
      assert.include(text, `  in API_KEYS:       alpha:sha256:${sha256(key)}\n`)
      assert.include(text, `  in API_KEYS_FILE:  {"namespace":"alpha","sha256":"${sha256(key)}"}\n`)
      assert.notStrictEqual(keyIn(yield* printed("new", "alpha")), key)
    }), 60_000)

  it.live("prints an admin key in the same way", () =>
    Effect.gen(function*() {
      const text = yield* printed("new-admin")
      assert.include(text, `  in ADMIN_KEYS:  sha256:${sha256(keyIn(text))}\n`)
    }), 60_000)

  it.live("prints a secret for callbacks that the configuration takes", () =>
    Effect.gen(function*() {
      const text = yield* printed("new-webhook-secret", "alpha")
      const secret = /^ {2}(whsec_\S+)$/m.exec(text)?.[1] ?? ""
      assert.strictEqual(signingKeyOf(secret)?.length, 32)
      assert.include(text, `  in WEBHOOK_SECRETS:  alpha:${secret}\n`)
    }), 60_000)

  it.live("takes no namespace that the configuration could not name", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* runCommand(["keys", "new", "a:b"], {})
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.include(stderr, "Expected 1 to 200 letters, digits, '.', '_' and '-' only")
    }), 60_000)
})
