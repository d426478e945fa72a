/** A fallback that is followed by a live answer: the job that fetches that one, named in what is shown meanwhile. */
import { Effect, Stream } from "effect"
import type { FallbackGeneration, Generation, GenerationRequest, StreamPart } from "../../../domain/Generation.ts"
import type { JobForm } from "../../../domain/jobs/Job.ts"
import type { GenerationStream } from "../../../services/Generator.ts"
import { Jobs } from "../../../services/Jobs.ts"

/** Whose answer it is, and whom the job tells. */
export interface Upgrading {
  readonly form: JobForm
  readonly asked: GenerationRequest
  readonly callbackUrl: string | undefined
}

export const makeUpgrades = Effect.map(Jobs, (jobs) => {
  /** Whatever becomes of the job, what there is to show is shown. */
  const upgraded = (
    generation: FallbackGeneration,
    { asked, callbackUrl, form }: Upgrading
  ): Effect.Effect<FallbackGeneration> =>
    Effect.matchEffect(
      Effect.uninterruptible(jobs.submit({ form, request: asked, callbackUrl, upgradeOf: generation.id })),
      {
        onSuccess: ({ id }) => Effect.succeed({ ...generation, upgrade: id }),
        onFailure: (error) =>
          Effect.as(Effect.logWarning(`an answer is not followed by a live one: ${error.message}`), generation)
      }
    )

  return {
    whole: (generation: Generation, upgrading: Upgrading): Effect.Effect<Generation> =>
      generation.source === "live" ? Effect.succeed(generation) : upgraded(generation, upgrading),
    stream: (stream: GenerationStream, upgrading: Upgrading): Effect.Effect<GenerationStream> =>
      stream.start.source === "live"
        ? Effect.succeed(stream)
        : Effect.map(upgraded(stream.start, upgrading), (start) => ({ start, parts: named(stream.parts, start) }))
  }
})

/** At its end too, where the whole answer is said once more. */
const named = (parts: GenerationStream["parts"], { upgrade }: FallbackGeneration): GenerationStream["parts"] =>
  Stream.map(parts, (part): StreamPart =>
    part._tag === "Delta" || part.generation.source === "live"
      ? part
      : { ...part, generation: { ...part.generation, upgrade } })
