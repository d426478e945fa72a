/** A command that cannot do what it was asked to. */
import { Runtime, Schema } from "effect"

/** The message is all that its user sees: what failed, and what to do. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.problems.join("\n")
  }
}

export const failed = (...problems: ReadonlyArray<string>): CommandFailed => new CommandFailed({ problems })

/** What was typed is wrong: nothing has been done. */
export class WrongInput extends Schema.TaggedError<WrongInput>()("WrongInput", {
  problems: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return this.problems.join("\n")
  }
}
