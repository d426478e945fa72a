/** The service's typed client, in a browser as in Node, with promises for callers without Effect. Run: npm start, then node examples/client.ts */
import { Effect, Layer, ManagedRuntime, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import { isJob, UnderstudyClient } from "understudy/http"

/** What a page shows: a text and where it comes from, or what to tell the user. */
export type Shown =
  | { readonly source: "live" | "cache" | "template"; readonly text: string }
  | { readonly source: "none"; readonly text: string; readonly retryAfterSeconds?: number }

const draft = Effect.fn("draft")(function*(prompt: string): Effect.fn.Return<Shown, never, UnderstudyClient> {
  const client = yield* UnderstudyClient
  return yield* client.generate({ payload: { prompt, content_type: "blog_post" } }).pipe(
    Effect.map((answer): Shown => isJob(answer) ? { source: "none", text: `Under way: ${answer.id}` } : answer),
    Effect.catchTags({
      RequestRefused: ({ detail }) => Effect.succeed<Shown>({ source: "none", text: detail ?? "Refused" }),
      RateLimited: ({ retry_after }) => Effect.succeed(later("Too many at once", retry_after)),
      Unavailable: ({ retry_after }) => Effect.succeed(later("Nothing to show yet", retry_after))
    }),
    // What is left is nobody's to repair: our own mistake, or no connection.
    Effect.catch((error) => Effect.succeed<Shown>({ source: "none", text: error.message }))
  )
})

const later = (text: string, retryAfterSeconds: number): Shown => ({ source: "none", text, retryAfterSeconds })

/** Everything behind promises. `close` when nobody asks any more. */
export const connect = (baseUrl: string) => {
  const runtime = ManagedRuntime.make(Layer.provide(UnderstudyClient.layer({ baseUrl }), FetchHttpClient.layer))
  return {
    draft: (prompt: string, signal?: AbortSignal): Promise<Shown> => runtime.runPromise(draft(prompt), { signal }),
    /** Rejects when the answer breaks off. */
    stream: (prompt: string, onText: (text: string) => void, signal?: AbortSignal): Promise<void> =>
      runtime.runPromise(
        UnderstudyClient.use((client) =>
          Stream.runForEach(
            client.stream({ prompt }),
            (part) => Effect.sync(() => part._tag === "Delta" && onText(part.text))
          )
        ),
        { signal }
      ),
    close: (): Promise<void> => runtime.dispose()
  }
}

if (import.meta.main) {
  const { close, draft, stream } = connect(process.env["UNDERSTUDY_URL"] ?? "http://127.0.0.1:3000")
  const { source, text } = await draft("Write a blog post about sourdough starters")
  process.stdout.write(`${source}: ${text}\n\n`)
  await stream("Write a blog post about rye bread", (piece) => process.stdout.write(piece))
  process.stdout.write("\n")
  await close()
}
