/** A command that cannot do what it was asked to. */
import { Schema } from "effect"

/** The message is all that its user sees: what failed, and what to do. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.problems.join("\n")
  }
}

export const failed = (...problems: ReadonlyArray<string>): CommandFailed => new CommandFailed({ problems })
