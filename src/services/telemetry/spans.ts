/**
 * Spans only where somebody reads them. A program that has a tracer sees ours in its traces without asking for them; one
 * that has none (Effect's native tracer keeps spans to itself) pays a look at two fields for each step, and no more.
 */
import { Clock, Effect, type Exit, type Fiber, Option, Tracer } from "effect"
import { errorTypeOfExit, tellable } from "./failures.ts"

/** Left out where a value is undefined. */
export type Attributes = Readonly<Record<string, unknown>>

export interface SpanShape<A, E> {
  readonly name: string
  readonly kind?: Tracer.SpanKind | undefined
  /** Begins a trace of its own. */
  readonly root?: boolean | undefined
  readonly links?: ReadonlyArray<Tracer.SpanLink> | undefined
  readonly attributes: Attributes
  /** What is known at the end. */
  readonly ended?: ((exit: Exit.Exit<A, E>) => Attributes) | undefined
}

/** Neither in a program without a tracer nor below a span that is not recorded. */
export const isTraced = ({ cache }: Fiber.Fiber<unknown, unknown>): boolean =>
  cache.tracer !== undefined && cache.tracerEnabled && cache.tracer !== Tracer.nativeTracer &&
  cache.span?.sampled !== false

/** The effect in a span, or as it is. `shape` is asked only when there is a span to be made. */
export const spanned = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  shape: () => SpanShape<A, E>
): Effect.Effect<A, E, R> => Effect.withFiber((fiber) => isTraced(fiber) ? inSpan(self, shape()) : self)

const inSpan = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  { attributes, ended, kind, links, name, root }: SpanShape<A, E>
): Effect.Effect<A, E, R> =>
  Effect.useSpan(
    name,
    { kind, root, links, attributes: present(attributes) },
    (span) =>
      Effect.onExit(
        Effect.provideService(self, Tracer.ParentSpan, span),
        (exit) => ended === undefined ? endSpan(span, exit) : endSpan(span, exit, ended(exit))
      )
  )

/** What ends it first says how it ended: `useSpan` would show the error as it is. */
export const endSpan = (
  span: Tracer.Span,
  exit: Exit.Exit<unknown, unknown>,
  attributes: Attributes = {}
): Effect.Effect<void> =>
  Clock.clockWith((clock) => {
    annotate(span, attributes)
    const errorType = errorTypeOfExit(exit)
    if (errorType !== undefined) span.attribute("error.type", errorType)
    span.end(clock.currentTimeNanosUnsafe(), tellable(exit))
    return Effect.void
  })

const annotate = (span: Tracer.Span, attributes: Attributes): void => {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) span.attribute(key, value)
  }
}

const present = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))

/** Something that happens at one moment of the step under way. */
export const spanEvent = (name: string, attributes: () => Attributes): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const { span } = fiber.cache
    if (span?._tag !== "Span" || !isTraced(fiber)) return Effect.void
    return Clock.clockWith((clock) => {
      span.event(name, clock.currentTimeNanosUnsafe(), present(attributes()))
      return Effect.void
    })
  })

/** The step under way is done elsewhere, perhaps in another trace. */
export const linkTo = (
  fiber: Fiber.Fiber<unknown, unknown>,
  other: Tracer.AnySpan | undefined,
  attributes: Attributes
): void => {
  const { span } = fiber.cache
  if (span?._tag !== "Span" || !isTraced(fiber)) return
  annotate(span, attributes)
  if (other !== undefined && other !== span) span.addLinks([{ span: other, attributes: {} }])
}

/** Says something of the request as a whole: on the span of the server that has taken it, if there is one above. */
export const annotateRequest = (fiber: Fiber.Fiber<unknown, unknown>, attributes: () => Attributes): void => {
  if (!isTraced(fiber)) return
  let span: Tracer.AnySpan | undefined = fiber.cache.span
  while (span?._tag === "Span" && span.kind !== "server") span = Option.getOrUndefined(span.parent)
  if (span?._tag === "Span") annotate(span, attributes())
}
