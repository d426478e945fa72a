/**
 * How several instances share a provider's requests and tokens per minute: each takes a small batch for a short time,
 * uses it up or gives the rest back. Pure; all times are the database's, in milliseconds since the epoch.
 *
 * A lease may be used at any moment until it ends, so it counts in full until a minute after that. Whatever falls into
 * one window was then leased while everything else in that window still counted: no window holds more than the limit.
 */
import { Schema } from "effect"
import { type MinutePolicy, windowMillis } from "./MinuteWindow.ts"

/** How long a lease may be used. The longer, the later its places come round again. */
export const leaseMillis = 1_000
/** Who has not been heard of for so long is gone. */
const goneMillis = 300_000
/** What was used is kept by the second, so that the book stays short. */
const bucketMillis = 1_000

const Amount = { requests: Schema.Finite, tokens: Schema.Finite }

export const LeaseBook = Schema.Struct({
  /** What may be in use, and until when. */
  leases: Schema.Array(Schema.Struct({ id: Schema.String, until: Schema.Finite, ...Amount })),
  /** What was used, and when at the latest. */
  spent: Schema.Array(Schema.Struct({ until: Schema.Finite, ...Amount })),
  instances: Schema.Array(Schema.Struct({ name: Schema.String, seenAt: Schema.Finite })),
  cooldownUntil: Schema.Finite
})
export type LeaseBook = typeof LeaseBook.Type

interface Amount {
  readonly requests: number
  readonly tokens: number
}

/** What an instance has to say when it comes to the book. */
export interface Entry {
  readonly instance: string
  /** Leases it uses no more, with what it used of them. */
  readonly settled: ReadonlyArray<Amount & { readonly id: string }>
  /** What attempts of settled leases used more (or less) than was said, by the `settledUntil` of then. */
  readonly corrections: ReadonlyArray<Amount & { readonly until: number }>
  /** Used without a lease, while the database was out of reach. */
  readonly unleased: Amount
  /** A new lease under this id; `first` is what the next attempt takes in tokens, without which it is of no use. */
  readonly wanted?: (Amount & { readonly id: string; readonly first: number }) | undefined
  /** After a 429. */
  readonly cooldownMillis: number
  /** It says goodbye. */
  readonly isLeaving: boolean
}

export interface Outcome {
  readonly lease: Amount | undefined
  /** When no lease could be had: how long until one can, if nothing is given back before. */
  readonly waitMillis: number
  /** Under which time the settled amounts stand. */
  readonly settledUntil: number
  readonly instances: number
  readonly cooldownMillis: number
}

export const empty: LeaseBook = { leases: [], spent: [], instances: [], cooldownUntil: 0 }

export const enter = (
  policy: MinutePolicy,
  book: LeaseBook,
  entry: Entry,
  now: number
): readonly [LeaseBook, Outcome] => {
  const counts = ({ until }: { readonly until: number }) => until + windowMillis > now
  const settledUntil = Math.ceil(now / bucketMillis) * bucketMillis
  const settled = new Map(entry.settled.map((lease) => [lease.id, lease]))
  const open = book.leases.filter((lease) => counts(lease) && !settled.has(lease.id))
  // Only what is still in the book: a settlement that was sent twice counts once.
  const ended = book.leases.flatMap((lease) => counts(lease) ? (settled.get(lease.id) ?? []) : [])
  const used = sum([...ended, entry.unleased])
  const corrected = book.spent.filter(counts).map((spent) =>
    plus(spent, sum(entry.corrections.filter(({ until }) => until === spent.until)))
  )
  const spent = used.requests === 0 && used.tokens === 0 ? corrected : addTo(corrected, settledUntil, used)
  const instances = [
    ...book.instances.filter(({ name, seenAt }) => name !== entry.instance && seenAt + goneMillis > now),
    ...entry.isLeaving ? [] : [{ name: entry.instance, seenAt: now }]
  ]
  const taken = [...open, ...spent]
  const lease = entry.wanted === undefined
    ? undefined
    : grant(policy, taken, entry.wanted, Math.max(1, instances.length))
  const cooldownUntil = Math.max(book.cooldownUntil, entry.cooldownMillis > 0 ? now + entry.cooldownMillis : 0)
  return [{
    leases: lease === undefined || entry.wanted === undefined
      ? open
      : [...open, { id: entry.wanted.id, until: now + leaseMillis, ...lease }],
    spent,
    instances,
    cooldownUntil
  }, {
    lease,
    waitMillis: lease === undefined && entry.wanted !== undefined ? wait(policy, taken, entry.wanted.first, now) : 0,
    settledUntil,
    instances: Math.max(1, instances.length),
    cooldownMillis: Math.max(0, cooldownUntil - now)
  }]
}

/** Whether the book need not be written: only the time at which this instance was last seen would change. */
export const isRead = (book: LeaseBook, entry: Entry, outcome: Outcome, now: number): boolean =>
  entry.settled.length === 0 && entry.corrections.length === 0 && entry.unleased.requests === 0 &&
  entry.cooldownMillis === 0 && !entry.isLeaving && outcome.lease === undefined &&
  book.instances.some(({ name, seenAt }) => name === entry.instance && seenAt + goneMillis / 10 > now)

const grant = (
  policy: MinutePolicy,
  taken: ReadonlyArray<Amount>,
  wanted: Amount & { readonly first: number },
  instances: number
): Amount | undefined => {
  const used = sum(taken)
  const free = (limit: number | undefined, use: number) => limit === undefined ? Number.MAX_SAFE_INTEGER : limit - use
  const requests = free(policy.requestsPerMinute, used.requests)
  const tokens = free(policy.tokensPerMinute, used.tokens)
  // An attempt that alone is over the limit can only go when nothing else is in the window.
  const first = Math.min(wanted.first, policy.tokensPerMinute ?? wanted.first)
  if (requests < 1 || tokens < first) return undefined
  // Not everything to whoever comes first.
  const share = (amount: number) => Math.ceil(amount / instances)
  return {
    requests: Math.max(1, Math.min(wanted.requests, share(requests))),
    tokens: Math.max(first, Math.min(wanted.tokens, share(tokens)))
  }
}

const wait = (
  policy: MinutePolicy,
  taken: ReadonlyArray<Amount & { readonly until: number }>,
  first: number,
  now: number
): number => {
  const left = [...taken].sort((a, b) => a.until - b.until)
  for (let gone = left.shift(); gone !== undefined; gone = left.shift()) {
    if (grant(policy, left, { requests: 1, tokens: first, first }, 1) !== undefined) {
      return gone.until + windowMillis - now
    }
  }
  return windowMillis
}

const sum = (amounts: ReadonlyArray<Amount>): Amount => ({
  requests: amounts.reduce((total, { requests }) => total + requests, 0),
  tokens: amounts.reduce((total, { tokens }) => total + tokens, 0)
})

/** Nothing can be corrected to less than nothing. */
const plus = <A extends Amount>(one: A, { requests, tokens }: Amount): A => ({
  ...one,
  requests: Math.max(0, one.requests + requests),
  tokens: Math.max(0, one.tokens + tokens)
})

const addTo = (spent: LeaseBook["spent"], until: number, used: Amount): LeaseBook["spent"] => {
  const rest = spent.filter((bucket) => bucket.until !== until)
  const bucket = spent.find((other) => other.until === until) ?? { until, requests: 0, tokens: 0 }
  return [...rest, plus(bucket, used)]
}
