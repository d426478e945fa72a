/** A row of the table, and the job that it is. */
import { Option } from "effect"
import { FallbackReason, GenerationId, type Namespace } from "../../domain/Generation.ts"
import type { CallbackStatus, Job, JobForm, JobStatus, JobSummary } from "../../domain/jobs/Job.ts"
import { JobId } from "../../domain/jobs/JobId.ts"
import { outcomeCodec } from "../../domain/jobs/JobRecord.ts"

/** As the statements select it; times are milliseconds since the epoch, as text where a driver would round them. */
export interface SummaryRow {
  readonly seq: string
  readonly id: string
  readonly form: JobForm
  readonly status: JobStatus
  readonly version: number
  readonly attempts: number
  readonly waiting_for: string | null
  readonly next_try_at: number | null
  readonly created_at: number
  readonly started_at: number | null
  readonly ended_at: number | null
  readonly deadline: number
  readonly expires_at: number | null
  readonly upgrade_of: string | null
  readonly callback_url: string | null
  readonly callback_status: CallbackStatus | null
  readonly callback_attempts: number
  readonly callback_error: string | null
}

export interface JobRow extends SummaryRow {
  readonly position: number | null
  readonly outcome: string | null
}

export const summaryOf = (namespace: Namespace, row: SummaryRow): JobSummary => ({
  id: JobId.make(row.id),
  namespace,
  form: row.form,
  status: row.status,
  attempts: row.attempts,
  waitingFor: isReason(row.waiting_for) ? row.waiting_for : undefined,
  nextTryAt: row.next_try_at ?? undefined,
  createdAt: row.created_at,
  startedAt: row.started_at ?? undefined,
  endedAt: row.ended_at ?? undefined,
  deadline: row.deadline,
  expiresAt: row.expires_at ?? undefined,
  version: row.version,
  callback: row.callback_url === null ? undefined : {
    url: row.callback_url,
    status: row.callback_status ?? "pending",
    attempts: row.callback_attempts,
    lastError: row.callback_error ?? undefined
  },
  upgradeOf: row.upgrade_of === null ? undefined : GenerationId.make(row.upgrade_of)
})

/** An outcome that cannot be read, as one of another release may be, is as one that never came. */
export const jobOf = (namespace: Namespace, row: JobRow): Job => ({
  ...summaryOf(namespace, row),
  position: row.position ?? undefined,
  outcome: row.outcome === null
    ? undefined
    : Option.getOrElse(outcomeCodec.decode(row.outcome), () => ({ _tag: "Unanswered", reason: "malformed" } as const))
})

const reasons: ReadonlySet<string> = new Set(FallbackReason.literals)
const isReason = (text: string | null): text is FallbackReason => text !== null && reasons.has(text)
