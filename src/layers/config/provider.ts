/** How the provider is spoken to, from the variables that say so. */
import { Effect } from "effect"
import { ConfigInvalid } from "./ConfigInvalid.ts"

/** How the provider is spoken to: by the variables, by a file for several, or not at all. */
export type AiConfig =
  | { readonly protocol: "simulated" }
  | { readonly protocol: "file"; readonly path: string }
  | { readonly protocol: "openai" | "plain"; readonly baseUrl: string; readonly model: string }

/** As the variables have it. */
interface ProviderValues {
  readonly protocol: "openai" | "plain" | "simulated" | undefined
  readonly baseUrl: string | undefined
  readonly model: string | undefined
  readonly providersFile: string | undefined
}

/** Settles the protocol, and sees to it that what it needs is there. */
export const aiConfig = (
  values: ProviderValues
): Effect.Effect<AiConfig, ConfigInvalid> => {
  const { baseUrl, model, providersFile: path } = values
  if (path !== undefined) {
    return baseUrl === undefined && model === undefined && values.protocol === undefined
      ? Effect.succeed({ protocol: "file", path })
      : Effect.fail(
        new ConfigInvalid({
          problems: [
            "AI_PROVIDERS_FILE is set together with AI_PROTOCOL, AI_BASE_URL or AI_MODEL; expected one or the other"
          ]
        })
      )
  }
  const protocol = values.protocol ?? (baseUrl === undefined ? "simulated" : "openai")
  if (protocol === "simulated") return Effect.succeed({ protocol })
  const problems: Array<string> = []
  if (baseUrl === undefined) problems.push(`AI_BASE_URL is not set; AI_PROTOCOL=${protocol} needs it`)
  if (protocol === "openai" && model === undefined) {
    problems.push("AI_MODEL is not set; expected the name of a model as the provider knows it")
  }
  return baseUrl === undefined || problems.length > 0
    ? Effect.fail(new ConfigInvalid({ problems }))
    : Effect.succeed({ protocol, baseUrl, model: model ?? protocol })
}
