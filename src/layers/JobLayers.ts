/** Background generations, from the configuration: what takes them in, and what works on them. */
import { Layer } from "effect"
import { callbackBody } from "../http/handlers/answers/jobAnswers.ts"
import { Jobs } from "../services/Jobs.ts"
import { JobBook } from "../services/jobs/JobBook.ts"
import { JobQueues } from "../services/jobs/JobQueues.ts"
import * as JobWorkers from "../services/jobs/JobWorkers.ts"
import type { AppConfig } from "./AppConfig.ts"

/** Takes jobs in, and knows them. */
export const jobs = ({ jobDeadline, jobLimit, jobTtl }: AppConfig) =>
  Jobs.layerPostgres({ limit: jobLimit }).pipe(
    Layer.provideMerge(JobBook.layerPostgres({ patience: jobDeadline, ttl: jobTtl })),
    Layer.provide(JobQueues.layerPostgres())
  )

/** Deadlines are kept and callbacks told by every process, also by one that leaves the jobs themselves to others. */
export const workers = ({ jobWorkers }: AppConfig) => JobWorkers.layer({ workers: jobWorkers, bodyOf: callbackBody })
