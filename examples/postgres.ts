/** Everything that lasts in PostgreSQL with pgvector, and a job in the background. Run: node examples/postgres.ts, with DATABASE_URL or with an embedded database in memory */
import { Config, Console, Effect, Layer, Stream } from "effect"
import {
  AiClient,
  CallbackSender,
  CircuitBreaker,
  defaultNamespace,
  Embedder,
  fallbackCacheLayerPostgres,
  type GenerationRequest,
  Generator,
  JobBook,
  JobQueues,
  Jobs,
  jobWorkersLayer,
  Providers,
  RateLimiter,
  Templates
} from "understudy"
import { Database } from "understudy/layers"

/** Connected, with its tables up to date. Several processes on one server share all that is below. */
const Sql = Layer.unwrap(
  Effect.map(Config.option(Config.Redacted("DATABASE_URL")), (url) => Database.layer({ url, dataDir: "memory:" }))
)

const Ladder = Generator.layer({ totalTimeout: "20 seconds" }).pipe(
  Layer.provide([
    Layer.provide(Providers.layer, AiClient.layerSimulated()),
    CircuitBreaker.layerPostgres({ failures: 3 }),
    RateLimiter.layerPostgres({ concurrency: 4, requestsPerMinute: 60 }),
    Layer.provide(fallbackCacheLayerPostgres({ maxEntries: 10_000 }), Embedder.layerLocal),
    Templates.layerPostgres([])
  ])
)

/** `CallbackSender.layer` tells a URL when a job has ended; this one tells nobody. */
const NoCallbacks = Layer.succeed(CallbackSender, { refusalOf: () => "no callbacks", send: () => Effect.void })

/** Jobs, and two workers of this process. A job outlives it: another one goes on with it. */
const Background = jobWorkersLayer({ workers: 2, bodyOf: () => "" }).pipe(
  Layer.provide(NoCallbacks),
  Layer.provideMerge(Jobs.layerPostgres()),
  Layer.provide(JobBook.layerPostgres({ patience: "15 minutes" })),
  Layer.provide(JobQueues.layerPostgres())
)

const Service = Background.pipe(Layer.provideMerge(Ladder), Layer.provide(Sql))

const asked = (prompt: string): GenerationRequest => ({
  namespace: defaultNamespace,
  prompt,
  maxTokens: 200,
  remember: true
})

const program = Effect.gen(function*() {
  const generator = yield* Generator
  const { source } = yield* generator.generate(asked("Write a blog post about sourdough starters"))
  yield* Console.log(`at once: ${source}`)

  const jobs = yield* Jobs
  const { id } = yield* jobs.submit({ form: "generate", request: asked("Write a blog post about rye bread") })
  yield* Stream.runForEach(
    jobs.watch(defaultNamespace, id),
    ({ outcome, status }) =>
      Console.log(`in the background: ${status}${outcome?._tag === "Answered" ? `, ${outcome.generation.source}` : ""}`)
  )
})

await Effect.runPromise(Effect.provide(program, Service))
