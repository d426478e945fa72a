import { Schema } from "effect"

/** The configuration cannot be used; the message names each wrong variable, what it holds and what is expected. */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("ConfigInvalid", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `the configuration cannot be used:\n${this.problems.map((problem) => `  - ${problem}`).join("\n")}`
  }
}
