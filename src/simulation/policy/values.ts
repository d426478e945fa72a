/** The names of all values that can be set and swept: those of the policy, and a few of the provider and the users. */
import type { Kind } from "./Kind.ts"
import type { NamedValue } from "./NamedValue.ts"
import type { Policy } from "./Policy.ts"
import { scenarioValues } from "./scenarioValues.ts"

/** One group of values of the policy, each of which is a number. */
const group = <Group extends { readonly [Key in keyof Group]: number }>(
  name: string,
  get: (policy: Policy) => Group,
  put: (policy: Policy, group: Group) => Policy
) =>
(key: keyof Group & string, word: string, kind: Kind, does: string): NamedValue => ({
  name: `${name}.${word}`,
  kind,
  does,
  get: ({ policy }) => get(policy)[key],
  put: (scenario, value) => ({
    ...scenario,
    policy: put(scenario.policy, { ...get(scenario.policy), [key]: value })
  })
})

const breaker = group("breaker", ({ breaker }) => breaker, (policy, breaker) => ({ ...policy, breaker }))
const retry = group("retry", ({ retry }) => retry, (policy, retry) => ({ ...policy, retry }))
const timeout = group("timeout", ({ timeout }) => timeout, (policy, timeout) => ({ ...policy, timeout }))
const limits = group("limits", ({ limits }) => limits, (policy, limits) => ({ ...policy, limits }))
const fallback = group("fallback", ({ fallback }) => fallback, (policy, fallback) => ({ ...policy, fallback }))

const integer = (minimum: number, maximum: number): Kind => ({ _tag: "integer", minimum, maximum })
const share: Kind = { _tag: "share", minimum: 0, maximum: 1 }
const day = 86_400_000
/** None that is nothing: the service takes none either. */
const duration = (maximum = day): Kind => ({ _tag: "duration", minimum: 1, maximum })

/** In the order in which they are listed. */
export const namedValues: ReadonlyArray<NamedValue> = [
  breaker(
    "failures",
    "failures",
    integer(1, 1_000),
    "Failed calls, with no success between them, that open the circuit"
  ),
  breaker("windowMillis", "window", duration(), "The time within which they count"),
  breaker("cooldownMillis", "cooldown", duration(), "How long the circuit stays open before it probes"),
  breaker("probes", "probes", integer(1, 100), "Probes at the same time when an opening is over"),
  breaker("successes", "successes", integer(1, 100), "Successful probes that close the circuit"),
  retry("attempts", "attempts", integer(1, 10), "Attempts per request, the first included"),
  retry("baseDelayMillis", "base-delay", duration(), "Upper bound of the random wait before the second attempt"),
  retry("share", "share", share, "Retries per minute, as a share of the calls"),
  retry("floor", "floor", integer(0, 100_000), "Retries per minute that are allowed however few calls there are"),
  timeout("attemptMillis", "attempt", duration(), "The longest that one attempt may take"),
  timeout("totalMillis", "total", duration(), "From the request to the answer, waiting included"),
  limits("concurrency", "concurrency", integer(1, 10_000), "Attempts at the provider at the same time"),
  limits("queue", "queue", integer(1, 1_000_000), "Requests that may wait for their turn"),
  limits("requestsPerMinute", "requests-per-minute", integer(0, 1_000_000), "Attempts per minute; 0 for no limit"),
  limits(
    "tokensPerMinute",
    "tokens-per-minute",
    integer(0, 1_000_000_000),
    "Estimated tokens per minute, prompt and answer; 0 for no limit"
  ),
  fallback("minSimilarity", "min-similarity", share, "How alike two prompts must be for one answer to serve both"),
  fallback("maxAgeMillis", "max-age", duration(3_650 * day), "The oldest answer that may stand in"),
  fallback("maxEntries", "max-entries", integer(1, 1_000_000), "Answers that are kept; the least useful make room"),
  fallback("templates", "templates", { _tag: "on/off" }, "Whether a template is the last resort"),
  ...scenarioValues
]
