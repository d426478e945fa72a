/** The traces of what is done for a job: each begins on its own, with a link to where it was asked for. */
import { type Effect, type Fiber, Tracer } from "effect"
import { isTraced, spanned } from "./spans.ts"

interface TracedErrand {
  readonly namespace: string
  readonly id: string
  readonly turn: number
  readonly trace?: string | undefined
}

/** What of the step under way a queue can carry: a W3C `traceparent`; none where nothing is traced. */
export const traceOf = (fiber: Fiber.Fiber<unknown, unknown>): { readonly trace?: string } => {
  const { span } = fiber.cache
  return span === undefined || !isTraced(fiber) ? {} : { trace: `00-${span.traceId}-${span.spanId}-01` }
}

export const errandSpan = <A, E, R>(
  name: string,
  { id, namespace, trace, turn }: TracedErrand,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  spanned(self, () => ({
    name,
    kind: "consumer",
    root: true,
    links: linksOf(trace),
    attributes: { "understudy.job.id": id, "understudy.job.turn": turn, "understudy.namespace": namespace }
  }))

const linksOf = (trace: string | undefined): ReadonlyArray<Tracer.SpanLink> => {
  const [, traceId, spanId] = /^00-([\da-f]{32})-([\da-f]{16})-01$/.exec(trace ?? "") ?? []
  return traceId === undefined || spanId === undefined
    ? []
    : [{ span: Tracer.externalSpan({ traceId, spanId }), attributes: {} }]
}
