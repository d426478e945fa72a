/** The progress of a simulation on stderr, redrawn in place: only where somebody can see it. */
import { Clock, Effect, Schedule, Stdio, Stream, Terminal } from "effect"
import type { Progress } from "../simulation/run/simulate.ts"
import { progressLine } from "./progressLine.ts"

/** Of a terminal that says nothing of its width. */
const usualColumns = 80
const betweenDrawings = "100 millis"

/**
 * What is run calls `onProgress` on the virtual clock: that only notes how far it is, and what draws it runs beside it,
 * in real time. So nothing that is simulated can tell whether anybody watches.
 */
export const watching = Effect.fnUntraced(function*<A, E, R>(
  first: Progress,
  run: (onProgress: (progress: Progress) => Effect.Effect<void>) => Effect.Effect<A, E, R>
) {
  const stdio = yield* Stdio.Stdio
  if (!(yield* stdio.stderrIsTerminal)) return yield* run(() => Effect.void)
  const terminal = yield* Terminal.Terminal
  const begin = yield* Clock.currentTimeMillis
  let latest = first
  // A terminal that is gone is no reason to stop.
  const write = (text: string) => Effect.ignore(Stream.run(Stream.make(text), stdio.stderr()))
  const draw = Effect.gen(function*() {
    const elapsed = (yield* Clock.currentTimeMillis) - begin
    const columns = (yield* terminal.columns) || usualColumns
    yield* write(`\r${progressLine(latest, elapsed, columns)}${clearToEnd}`)
  })
  const note = (progress: Progress) =>
    Effect.sync(() => {
      latest = progress
    })
  return yield* Effect.andThen(
    draw,
    Effect.raceFirst(
      run(note),
      Effect.andThen(Effect.repeat(draw, Schedule.spaced(betweenDrawings)), Effect.never)
    )
  ).pipe(Effect.ensuring(write(`\r${clearToEnd}`)))
})

const clearToEnd = "\u001B[K"
