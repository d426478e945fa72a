/** One runtime for a process whose host knows nothing of Effect; express.ts, fastify.ts and next-route.ts stand on it. Run: node examples/runtime.ts "Write about tea" */
import { Cause, Config, Duration, Effect, Exit, Layer, ManagedRuntime } from "effect"
import { FetchHttpClient } from "effect/http"
import { AiClient, defaultNamespace, type GenerationRequest, Generator, Providers, Understudy } from "understudy"

/** The provider of AI_BASE_URL, AI_API_KEY and AI_MODEL; none of them: a simulated one. */
const Client = Layer.unwrap(Effect.gen(function*() {
  const baseUrl = yield* Config.String("AI_BASE_URL").pipe(Config.withDefault(""))
  if (baseUrl === "") return AiClient.layerSimulated()
  const apiKey = yield* Config.Redacted("AI_API_KEY")
  const model = yield* Config.String("AI_MODEL")
  return AiClient.layerOpenAi({ provider: "openai", baseUrl, apiKey, model }).pipe(Layer.provide(FetchHttpClient.layer))
}))

const makeRuntime = () =>
  ManagedRuntime.make(
    Understudy.layer({ totalTimeout: "20 seconds", limits: { concurrency: 8 } }).pipe(
      Layer.provide(Providers.layer),
      Layer.provide(Client),
      Layer.orDie
    )
  )

// A development server that reloads changed modules (Next.js, Vite) runs this file again and again: one runtime, with one
// circuit and one cache, stays for all of them. Nothing is built before it is used.
declare global {
  var understudyRuntime: ReturnType<typeof makeRuntime> | undefined
}
export const runtime = globalThis.understudyRuntime ??= makeRuntime()

/** `undefined`: whoever asked has gone, which has ended the provider's call too. A bug rejects. */
export const run = async <A>(
  effect: Effect.Effect<A, never, Generator>,
  signal: AbortSignal
): Promise<A | undefined> => {
  const exit = await runtime.runPromiseExit(effect, { signal })
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) return undefined
  throw Cause.squash(exit.cause)
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

/**
 * All visitors share one namespace here: what one has been given may stand in for another's similar wish. Where that must
 * not be, take a namespace from who is logged in, never from the body.
 */
export const requestFor = (prompt: string): GenerationRequest => ({
  namespace: defaultNamespace,
  prompt,
  maxTokens: 500,
  remember: true
})

/** What is left to fail once the fallback has been tried, in HTTP's words. */
export const problems = {
  AiRejected: ({ message }: { readonly message: string }) =>
    Effect.succeed<Reply>({ status: 422, headers: {}, body: { error: message } }),
  GenerationUnavailable: ({ retryAfter }: { readonly retryAfter: Duration.Duration }) =>
    Effect.succeed<Reply>({
      status: 503,
      headers: { "retry-after": String(Math.max(1, Math.ceil(Duration.toSeconds(retryAfter)))) },
      body: { error: "No answer, and nothing to show instead" }
    })
}

/** An answer with its source, for any host. */
export const draft = (prompt: string, signal: AbortSignal): Promise<Reply | undefined> =>
  run(
    Generator.use((generator) => generator.generate(requestFor(prompt))).pipe(
      Effect.map(({ source, text }): Reply => ({
        status: 200,
        headers: { "understudy-source": source },
        body: { source, text }
      })),
      Effect.catchTags(problems)
    ),
    signal
  )

/** Of a body that has been parsed. */
export const promptOf = (body: unknown): string | undefined =>
  typeof body === "object" && body !== null && "prompt" in body && typeof body.prompt === "string" &&
    body.prompt.trim() !== ""
    ? body.prompt
    : undefined

export const noPrompt: Reply = { status: 400, headers: {}, body: { error: "Send JSON with a prompt" } }

if (import.meta.main) {
  const reply = await draft(process.argv[2] ?? "Write about tea", new AbortController().signal)
  process.stdout.write(`${JSON.stringify(reply, null, 2)}\n`)
  await runtime.dispose()
}
