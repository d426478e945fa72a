/** Why a job is not taken. */
import { Schema } from "effect"

/** The namespace has as many jobs under way as it may. */
export class JobsFull extends Schema.TaggedError<JobsFull>()("JobsFull", { limit: Schema.Int }) {
  override get message() {
    return `at most ${this.limit} jobs of a namespace may be under way: wait until some have ended`
  }
}
