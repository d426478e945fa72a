/** An errand is put back into its queue, and comes again within some seconds. */
import { Schema } from "effect"

export class NotNow extends Schema.TaggedError<NotNow>()("NotNow", {}) {}
