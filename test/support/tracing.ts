/** A tracer that keeps its spans for a test to look at. */
import { Exit, Layer, Option, Tracer } from "effect"

export interface Kept {
  readonly layer: Layer.Layer<never>
  /** All that were made, in the order of their beginning. */
  readonly spans: () => ReadonlyArray<Tracer.NativeSpan>
}

export const keepingTracer = (): Kept => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { layer: Layer.succeed(Tracer.Tracer, tracer), spans: () => spans }
}

/** A line for each span, those below others further in: `name key=value`, `!` before those that failed. */
export const treeOf = (spans: ReadonlyArray<Tracer.NativeSpan>, keys: ReadonlyArray<string> = []) => {
  const parentOf = (span: Tracer.NativeSpan) => Option.getOrUndefined(span.parent)?.spanId
  const line = (span: Tracer.NativeSpan, depth: number): ReadonlyArray<string> => {
    const failed = span.status._tag === "Ended" && Exit.isFailure(span.status.exit) ? "!" : ""
    const shown = keys.filter((key) => span.attributes.has(key)).map((key) => ` ${String(span.attributes.get(key))}`)
    return [
      `${"  ".repeat(depth)}${failed}${span.name}${shown.join("")}`,
      ...spans.filter((other) => parentOf(other) === span.spanId).flatMap((child) => line(child, depth + 1))
    ]
  }
  return spans.filter((span) => Option.isNone(span.parent)).flatMap((root) => line(root, 0))
}
