/** SHA-256 of texts that must not be kept in the clear, or are too long to keep. */
import { Effect } from "effect"

/**
 * 64 hexadecimal digits; '' of '', at once. Lone surrogates count as U+FFFD. Web Crypto works on another thread: a
 * context can be a long conversation.
 */
export const hashText = (text: string): Effect.Effect<string> =>
  text === ""
    ? Effect.succeed("")
    : Effect.map(
      Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
      (digest) => Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")
    )
