/** The name of a generation in the background. */
import { Schema } from "effect"

/** Unique over all namespaces, such as "job_…". */
export const JobId = Schema.String.pipe(Schema.brand("understudy/JobId"))
export type JobId = typeof JobId.Type
