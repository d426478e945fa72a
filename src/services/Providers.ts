/** The providers that the live step asks, in order: the next one when the one before it is out. */
import { Array, Context, type Duration, Effect, Layer } from "effect"
import { AiClient } from "./AiClient.ts"

/** One provider in the order. */
export interface Provider {
  readonly client: AiClient["Service"]
  /** The model it is asked for when a request names none; absent: not known. */
  readonly model?: string | undefined
  /** The longest that one attempt at this provider may take; absent: the generator's. */
  readonly attemptTimeout?: Duration.Duration | undefined
  /** Where it is, for traces. */
  readonly server?: ServerAddress | undefined
}

/** Where a provider listens, as spans name it. */
export interface ServerAddress {
  readonly address: string
  readonly port: number
}

/** Of a URL; none for what is no URL. */
export const serverOf = (url: string): ServerAddress | undefined => {
  if (!URL.canParse(url)) return undefined
  const { hostname, port, protocol } = new URL(url)
  return { address: hostname.replace(/^\[(.*)\]$/u, "$1"), port: Number(port || (protocol === "https:" ? 443 : 80)) }
}

/** Who is asked, in which order. */
export class Providers extends Context.Service<Providers, {
  /** First the one that is asked first. Their names differ. */
  readonly inOrder: Array.NonEmptyReadonlyArray<Provider>
}>()("understudy/services/Providers") {
  /** One provider: the `AiClient` at hand. */
  static readonly layer: Layer.Layer<Providers, never, AiClient> = Layer.effect(
    Providers,
    Effect.map(AiClient, (client) => ({ inOrder: [{ client }] }))
  )

  /** Several, in the order of preference. */
  static readonly layerList = (inOrder: Array.NonEmptyReadonlyArray<Provider>): Layer.Layer<Providers> =>
    Layer.succeed(Providers, { inOrder })

  /** Several clients that are layers, in the order of preference. */
  static readonly layerClients = <E, R>(
    ...clients: Array.NonEmptyReadonlyArray<Layer.Layer<AiClient, E, R>>
  ): Layer.Layer<Providers, E, R> =>
    Layer.effect(
      Providers,
      Effect.map(Effect.forEach(clients, (client) => Layer.build(client)), (contexts) => ({
        inOrder: Array.map(contexts, (context) => ({ client: Context.get(context, AiClient) }))
      }))
    )
}
