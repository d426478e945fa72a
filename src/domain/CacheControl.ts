/** Reads the `Cache-Control` of a request (RFC 9111, RFC 5861), as far as it concerns a fallback. Pure. */
import { Result } from "effect"

export interface CacheControl {
  /** `stale-if-error=N`: how old a cached answer may be, in milliseconds. */
  readonly maxAgeMillis: number | undefined
  /** `no-store`: this answer must not be remembered. */
  readonly noStore: boolean
}

const none: CacheControl = { maxAgeMillis: undefined, noStore: false }

/** Other directives are ignored, as RFC 9111 asks; a `stale-if-error` without a whole number of seconds is refused. */
export const parseCacheControl = (header: string | undefined): Result.Result<CacheControl, string> => {
  if (header === undefined) return Result.succeed(none)
  let { maxAgeMillis, noStore } = none
  for (const directive of header.split(",")) {
    const [name = "", value] = directive.split("=", 2).map((part) => part.trim())
    switch (name.toLowerCase()) {
      case "no-store":
        noStore = true
        break
      case "stale-if-error": {
        const seconds = /^"?(\d{1,12})"?$/.exec(value ?? "")?.[1]
        if (seconds === undefined) return Result.fail("Expected stale-if-error=N with N in whole seconds")
        maxAgeMillis = Number(seconds) * 1_000
      }
    }
  }
  return Result.succeed({ maxAgeMillis, noStore })
}
