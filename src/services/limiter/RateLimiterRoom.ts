/** Who waits for one provider's permits: who is let in, whose turn it is, and when. */
import { Duration } from "effect"
import { LimitExceeded } from "../../domain/errors.ts"
import * as Patience from "../../domain/jobs/Patience.ts"
import type { Charge } from "../../domain/limits/MinuteWindow.ts"
import { PriorityRoom } from "../../domain/limits/PriorityRoom.ts"
import type { Place, WaitingRoom } from "../../domain/limits/WaitingRoom.ts"
import type { PermitRequest, RateLimiterOptions } from "./RateLimiterApi.ts"
import type { Gate } from "./RateLimiterGate.ts"

/**
 * Somebody in the room. Who is let go owns a permit and a charge from that moment on, whether it has noticed yet or
 * not: so nothing is lost when it is interrupted, or its patience ends, at that same time.
 */
export interface Waiter {
  readonly request: PermitRequest
  /** When it must have started, in milliseconds since the epoch. */
  readonly latest: number
  /** When its patience ends: that or before. After that it waits for a permit only, and not for any other limit. */
  readonly patientUntil: number
  outcome: { readonly charge: Charge | undefined } | LimitExceeded | undefined
  resume: (() => void) | undefined
}

/** Of the minute's requests and tokens, what the background leaves for the others while its turn has not come. */
const headroom = 0.2

/** What a job's queue takes, beyond the time at which the job is due. */
const queueMillis = 2_000

export const isBackground = ({ priority }: PermitRequest): boolean => priority === "background"

export class RateLimiterRoom {
  readonly #key: string
  readonly #gate: Gate
  readonly #queue: number
  readonly #share: number
  readonly #spared: { readonly requests: number; readonly tokens: number }
  readonly #room: PriorityRoom<Waiter>
  /** Permits that the background has. */
  #permits = 0

  constructor(key: string, options: RateLimiterOptions, gate: Gate) {
    this.#key = key
    this.#gate = gate
    this.#queue = options.queue ?? 64
    this.#share = options.backgroundShare ?? 0.5
    this.#spared = {
      requests: Math.floor((options.requestsPerMinute ?? 0) * headroom),
      tokens: Math.floor((options.tokensPerMinute ?? Number.POSITIVE_INFINITY) * headroom)
    }
    this.#room = new PriorityRoom(options.backgroundReserve ?? 0.1)
  }

  get size(): number {
    return this.#room.size
  }

  get backgroundSize(): number {
    return this.#room.background.size
  }

  /** How many of those in the room may start soon. */
  get pressing(): number {
    return Math.max(1, this.#room.interactive.size)
  }

  /** Whether nobody's claim is to be looked at before somebody interactive starts. */
  isFree(now: number): boolean {
    return !this.#room.isWanted(now) && this.#room.size === 0
  }

  refusal(reason: LimitExceeded["reason"], millis: number): LimitExceeded {
    return new LimitExceeded({ key: this.#key, reason, retryAfter: Duration.millis(Math.max(1, Math.ceil(millis))) })
  }

  /** Of somebody who could start at this time, as far as is known, but must have started before. */
  tooLate(now: number, at: number): LimitExceeded {
    const { coolingUntil, typicalMillis } = this.#gate.status()
    return this.refusal(
      coolingUntil > now && coolingUntil >= at ? "cooling_down" : "would_miss_deadline",
      at > now ? at - now : Math.max(typicalMillis, coolingUntil - now)
    )
  }

  /** When somebody who comes now could start. */
  foresee(request: PermitRequest, now: number): number {
    const { namespace, tokens } = request
    const background = isBackground(request)
    const mayRun = this.#mayRun()
    const { count, weight } = background
      ? this.#room.aheadOfBackground(namespace)
      : this.#room.aheadOfInteractive(namespace, mayRun)
    const at = this.#gate.foresee(now, tokens, count, weight)
    if (!background) return Math.max(at, this.#leavingAt(request, now))
    return Math.max(
      at,
      mayRun ? now : this.#gate.backgroundFreeAt(now, this.#room.background.ahead(namespace)),
      // Those who wait for an answer are ahead; that its reserve lets it go before they are gone is in their number.
      this.#room.interactive.size > 0 && !this.#isPassed(request) ? now : this.#leavingAt(request, now)
    )
  }

  /** Who may enter, or why it is refused at once. */
  admit(request: PermitRequest, now: number): Waiter | LimitExceeded {
    const { deadline, minAttemptMillis, patienceMillis = Number.POSITIVE_INFINITY } = request
    if (isBackground(request)) this.#room.arrives(now)
    const at = this.foresee(request, now)
    const needed = at > now ? Math.max(minAttemptMillis, this.#gate.status().typicalMillis) : minAttemptMillis
    if (at + needed > deadline) return this.tooLate(now, at)
    const patientUntil = Math.min(deadline - minAttemptMillis, now + patienceMillis)
    const latest = this.#isNext(request, now) ? deadline - minAttemptMillis : patientUntil
    if (at > latest) return this.tooLate(now, at)
    const refused = this.#crowdedOut(request, now, at)
    return refused ?? { request, latest, patientUntil, outcome: undefined, resume: undefined }
  }

  /** Makes a place where there is none, if somebody has to give way. */
  #crowdedOut(request: PermitRequest, now: number, at: number): LimitExceeded | undefined {
    const { namespace } = request
    const background = isBackground(request)
    if (this.#hasPlace(background, now) || (this.#room.size === 0 && at <= now)) return undefined
    const crowder = background
      ? this.#room.background.crowder(namespace)
      : this.#displaced(now) ?? this.#room.interactive.crowder(namespace)
    if (crowder === undefined) return this.refusal("queue_full", at - now)
    this.leave(crowder)
    dismiss(crowder.value, this.refusal("queue_full", this.foresee(crowder.value.request, now) - now))
    return undefined
  }

  enter(waiter: Waiter): Place<Waiter> {
    const { request } = waiter
    return this.#lineOf(request).enter(request.namespace, waiter, this.#isPassed(request) ? 0 : request.tokens)
  }

  leave(place: Place<Waiter>): boolean {
    return this.#lineOf(place.value.request).leave(place)
  }

  dismissAll(outcome: LimitExceeded): void {
    for (const line of [this.#room.interactive, this.#room.background]) {
      for (let head = line.shift(); head !== undefined; head = line.shift()) dismiss(head.value, outcome)
    }
  }

  /** For whom the budget's store is to be asked. Nobody while the background waits alone, and has all that it may have. */
  head(): Waiter | undefined {
    const line = this.#room.next(this.#mayRun())
    const passing = line === undefined ? undefined : this.#passing(line)
    return (passing ?? line)?.peek()?.value
  }

  /**
   * With a permit in hand: gives it to whose turn it is. Answers when to try again if it cannot yet; `NaN` if there is
   * nobody to give it to.
   */
  serve(now: number): number | undefined {
    const line = this.#room.next(this.#mayRun())
    if (line === undefined) return Number.NaN
    const at = this.#serveLine(line, now)
    // All of this line have learned that they are too late.
    if (Number.isNaN(at)) return this.serve(now)
    const passing = at === undefined ? undefined : this.#passing(line)
    if (at === undefined || passing === undefined) return at
    const passingAt = this.#serveLine(passing, now)
    if (Number.isNaN(passingAt)) return at
    // Whom the store must be asked for cannot wait until a time.
    return passingAt === undefined || passingAt === Number.POSITIVE_INFINITY ? passingAt : Math.min(at, passingAt)
  }

  /** Lets the first of this line start, of those whom it is of use to. If it cannot yet, answers when it can. */
  #serveLine(line: WaitingRoom<Waiter>, now: number): number | undefined {
    for (let waiter = line.peek()?.value; waiter !== undefined; waiter = line.peek()?.value) {
      const { latest, patientUntil, request } = waiter
      const at = this.#earliest(request, now)
      // The typical call was asked for on admission. Who has waited longer than foreseen still gets what is left of its
      // time, if that is worth anything; who cannot start in time any more learns it now.
      const isHeldBack = at > now && Number.isFinite(at)
      const isTooLate = isHeldBack ? at > patientUntil : now > latest
      if (!isTooLate && at > now) return at
      line.shift()
      if (isTooLate) {
        dismiss(waiter, this.tooLate(now, isHeldBack ? at : now))
        continue
      }
      const background = isBackground(request)
      this.#room.started(now, background)
      if (background) this.#permits += 1
      dismiss(waiter, { charge: this.#gate.charge(now, request.tokens) })
      return undefined
    }
    return Number.NaN
  }

  /** Somebody of the background gives its permit back. */
  returned(): void {
    this.#permits -= 1
  }

  /** One of the background was refused: a job that stays in its queue, and is tried again. */
  comesAgain(request: PermitRequest, now: number, retryAfterMillis: number): void {
    const until = now + Patience.waitMillis(retryAfterMillis, 1) + queueMillis
    this.#room.comesAgain(now, until, this.#isPassed(request) ? undefined : request.tokens)
  }

  /**
   * The background's turn has come, and nothing is missing but a permit, which this one waits for, however long the
   * attempts last that are under way: on its way back to its queue and here again it would always miss it.
   */
  #isNext(request: PermitRequest, now: number): boolean {
    const isDue = isBackground(request) && this.#room.background.size === 0 && this.#room.isDue(now)
    return isDue && this.#mayRun() && this.#earliest(request, now) <= now
  }

  /**
   * Of the background, one too large for the part of the minute that the classes leave to each other. Nothing is kept
   * for it, and nobody waits behind it: it would stop everybody until the minute is empty.
   */
  #isPassed(request: PermitRequest): boolean {
    return isBackground(request) && request.tokens > this.#spared.tokens
  }

  /** Who goes past the first of this line while that one cannot start. */
  #passing(line: WaitingRoom<Waiter>): WaitingRoom<Waiter> | undefined {
    const { background, interactive } = this.#room
    const head = line === background && interactive.size > 0 ? line.peek() : undefined
    return head !== undefined && this.#isPassed(head.value.request) ? interactive : undefined
  }

  /** Beyond the bound there is one seat for the background whose turn has come: a room that is always full keeps nobody out. */
  #hasPlace(background: boolean, now: number): boolean {
    const { background: line, size } = this.#room
    if (!background) return size < this.#queue
    if (line.size === 0 && this.#queue > 0 && this.#room.isDue(now)) return true
    return size < this.#queue && line.size < this.#shareOf(this.#queue)
  }

  /** Who of the background gives way to somebody who waits for an answer; not the only one when its turn has come. */
  #displaced(now: number): Place<Waiter> | undefined {
    const line = this.#room.background
    return line.size === 1 && this.#room.isDue(now) ? undefined : line.last()
  }

  #earliest(request: PermitRequest, now: number): number {
    const leaving = this.#leavingAt(request, now)
    // A store is not asked for what could not be used yet.
    return leaving > now ? leaving : this.#gate.earliest(now, request.tokens)
  }

  /** When it leaves of the minute what it has to leave to the other class. */
  #leavingAt(request: PermitRequest, now: number): number {
    if (isBackground(request)) {
      const { requests, tokens } = this.#spared
      const isDue = this.#room.isDue(now) && !this.#isPassed(request)
      return isDue ? now : this.#gate.sparing(now, request.tokens, requests, tokens)
    }
    const kept = this.#room.kept(now)
    return kept === undefined ? now : Math.min(kept.until, this.#gate.sparing(now, request.tokens, 1, kept.weight))
  }

  #mayRun(): boolean {
    return this.#permits < this.#shareOf(this.#gate.status().limit)
  }

  #shareOf(all: number): number {
    return Math.max(1, Math.floor(all * this.#share))
  }

  #lineOf(request: PermitRequest) {
    return isBackground(request) ? this.#room.background : this.#room.interactive
  }
}

const dismiss = (waiter: Waiter, outcome: NonNullable<Waiter["outcome"]>): void => {
  waiter.outcome = outcome
  waiter.resume?.()
}
