/** Many requests against a provider that fails at random: everyone gets a text, and nothing is left behind. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { Agent } from "node:http"
import { withoutServer } from "../support/databases.ts"
import { type Counts, FaultServer, Mode } from "../support/FaultServer.ts"
import { ask, eventually, generationOf, metric, type Reply } from "../support/http.ts"
import { ownDatabase, providerOf } from "../support/service.ts"
import { heldBy, measuring, startProcess } from "../support/serviceProcess.ts"

const requests = 2_000
const clients = 64
const concurrency = 8
/** Connections that a quiet service may keep: its pools to the provider and to a database server. */
const pools = concurrency + (withoutServer ? 0 : 10)

const others: ReadonlyArray<Mode> = [
  Mode.hangBeforeHeaders,
  Mode.hangInBody,
  Mode.html,
  Mode.emptyObject,
  Mode.truncatedJson,
  Mode.cutBody,
  Mode.status(500),
  Mode.status(503),
  Mode.status(529),
  Mode.resetBeforeHeaders,
  Mode.resetInBody
]
// Few of these: after each one the limiter lets the attempts go one by one for a while, as it should.
const faults = [...others, ...others, ...others, Mode.rateLimited("0")]

/** 15 % of the calls fail, by a random sequence that is the same every time. */
const faulty = (seed: number): Mode => {
  let state = seed
  const random = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
  return (call) => {
    const mode = random() < 0.15 ? faults[Math.floor(random() * faults.length)] : Mode.wait(5)
    return mode?.(call)
  }
}

it.live(
  "2,000 requests, 64 at a time, 15 % faults: everyone gets a text, and memory and sockets come back to their level",
  () =>
    Effect.gen(function*() {
      const provider = yield* FaultServer.make
      const service = yield* startProcess({
        ...providerOf(provider),
        ...(yield* ownDatabase),
        ATTEMPT_TIMEOUT: "300 millis",
        TOTAL_TIMEOUT: "2 seconds",
        RETRY_BASE_DELAY: "20 millis",
        BREAKER_COOLDOWN: "200 millis",
        LIMIT_CONCURRENCY: String(concurrency)
      }, measuring)
      const { child, url } = service
      yield* provider.respondWith(faulty(7))

      /** All of them, by so many clients that each keep their connection; then the clients go. */
      const round = Effect.fnUntraced(function*(count: number) {
        const agent = new Agent({ keepAlive: true, maxSockets: clients })
        const one = Effect.fnUntraced(function*(n: number) {
          const begin = yield* Clock.currentTimeMillis
          const reply = yield* ask(url, `Write about subject number ${n % 50} of fifty`, { agent })
          return { reply, millis: (yield* Clock.currentTimeMillis) - begin }
        })
        return yield* Effect.ensuring(
          Effect.forEach(Array.from({ length: count }, (_, n) => n), one, { concurrency: clients }),
          Effect.sync(() => agent.destroy())
        )
      })

      const held = heldBy(child)
      /** Once it is quiet there are at most its pools. */
      const quiet = Effect.gen(function*() {
        yield* provider.until((counts: Counts) => counts.inFlight === 0)
        return yield* eventually(held, ({ sockets }) => sockets <= pools, "the sockets are back at their level")
      })

      yield* round(300)
      const before = yield* quiet
      const answers = yield* round(requests)
      const after = yield* quiet

      const sources = tally(answers.map(({ reply }) => reply))
      assert.strictEqual(sources.live + sources.cache + sources.template, requests)
      assert.isAbove(sources.live, requests / 2, JSON.stringify(sources))
      assert.isAbove(sources.cache, 0, JSON.stringify(sources))
      const counted = (labels: Readonly<Record<string, string>>) => metric(url, "understudy_answers_total", labels)
      assert.strictEqual(yield* counted({}), requests + 300)
      assert.strictEqual(
        (yield* counted({ source: "live" })) + (yield* counted({ source: "cache" })) +
          (yield* counted({ source: "template" })),
        requests + 300
      )

      assert.isBelow(after.heapUsed - before.heapUsed, 12 * 1024 * 1024, "bytes of heap that stayed")
      assert.isAtMost(provider.counts().openSockets, concurrency)
      // The total deadline, and room for a busy machine.
      assert.isBelow(Math.max(...answers.map(({ millis }) => millis)), 6_000)
      assert.isFalse(service.hasExited())
    }),
  90_000
)

const tally = (replies: ReadonlyArray<Reply>) => {
  const sources = { live: 0, cache: 0, template: 0 }
  for (const reply of replies) sources[generationOf(reply).source]++
  return sources
}
