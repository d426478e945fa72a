/** How a simulated provider behaves: how long it takes, what goes wrong, and what it allows. Times in milliseconds. */
import type { FaultKind } from "../../domain/FaultKind.ts"

export { type FaultKind, faultKinds } from "../../domain/FaultKind.ts"

/** Shares of calls by kind, together at most 1. */
export type FaultShares = { readonly [kind in FaultKind]?: number | undefined }

/** Log-normal, and a share of calls that takes much longer. */
export interface LatencyModel {
  readonly medianMillis: number
  /** Standard deviation of the logarithm: 0.5 is usual, 0 always takes the median. */
  readonly sigma: number
  /** `share` of the calls takes `factor` times as long. */
  readonly tail?: { readonly share: number; readonly factor: number } | undefined
}

/** What the provider allows, and what it does to whoever asks for more. */
export interface LimitModel {
  /** Calls within any minute; what comes beyond them gets 429. */
  readonly requestsPerMinute: number
  /** What a 429 says in `Retry-After`, in milliseconds; absent: nothing. */
  readonly retryAfterMillis?: number | undefined
  /** Who keeps sending beyond the limit is not served at all for a while. */
  readonly ban?:
    | {
      /** So many 429s within a minute. */
      readonly rejections: number
      readonly millis: number
      /** `true`: so many 429s within a minute of a ban begin it again, so it lasts as long as somebody keeps pushing. */
      readonly renews?: boolean | undefined
    }
    | undefined
}

/** A time in which it is worse than usual. */
export interface TroubleWindow {
  /** For pictures and tables, such as "outage". */
  readonly what: string
  /** From the beginning of the simulation. */
  readonly fromMillis: number
  readonly toMillis: number
  /** In place of the usual shares; absent: as usual. */
  readonly faults?: FaultShares | undefined
  /** Everything takes so many times as long. Default 1. */
  readonly latencyFactor?: number | undefined
  /** How long it takes after its end until all is as usual: the trouble fades evenly. Default 0. */
  readonly recoveryMillis?: number | undefined
}

/** A provider that is made up: its times, its faults, its limits and its bad hours. */
export interface ProviderModel {
  readonly latency: LatencyModel
  readonly faults: FaultShares
  /** How long a failure takes that is told at once (all but `timeout`). Default 200. */
  readonly failureMillis?: number | undefined
  readonly limits?: LimitModel | undefined
  readonly windows: ReadonlyArray<TroubleWindow>
}

/** What one call comes to. */
export interface CallOutcome {
  /** From the call to its end; infinite when it hangs. */
  readonly afterMillis: number
  readonly outcome: "answer" | FaultKind
  /** Of a 429. */
  readonly retryAfterMillis?: number | undefined
  /** A 429 of the limits, of a ban, or of a random fault; absent for all else. */
  readonly limitedBy?: "limit" | "ban" | "fault" | undefined
  /** This call has brought the ban about. */
  readonly bans?: boolean | undefined
}

/** Decides what each call comes to; called in the order of the calls. `atMillis` from the beginning. */
export interface ProviderScript {
  readonly next: (atMillis: number) => CallOutcome
}
