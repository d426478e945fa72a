/** A stream for a provider that answers in one piece. */
import { Effect, Stream } from "effect"
import type { AiAnswer, AiPart, AiRequest } from "../../domain/Ai.ts"

export const inOnePiece =
  <E>(generate: (request: AiRequest) => Effect.Effect<AiAnswer, E>) => (request: AiRequest): Stream.Stream<AiPart, E> =>
    Stream.fromIterableEffect(
      Effect.map(generate(request), (answer): ReadonlyArray<AiPart> => [
        { _tag: "Begin", model: answer.model },
        { _tag: "Delta", text: answer.text },
        { _tag: "End", answer }
      ])
    )
