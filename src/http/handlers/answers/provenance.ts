/** Where an answer comes from, in words and in headers. */
import type { FallbackGeneration, Generation, StreamStart } from "../../../domain/Generation.ts"
import type { JobId } from "../../../domain/jobs/JobId.ts"
import { fallbackInfoOf, wholeSeconds } from "../../../domain/Provenance.ts"
import type { Provenance } from "../../api/Answers.ts"

export const provenanceOf = (generation: Generation | StreamStart): Provenance => {
  const { attempts, source } = generation
  return generation.source === "live"
    ? { source, provider: generation.provider, attempts, fallback: null, upgrade: null }
    : { source, provider: null, attempts, fallback: fallbackInfoOf(generation), upgrade: upgradeOf(generation) }
}

/** Where a job is found. */
export const locationOf = (id: JobId): string => `/jobs/${encodeURIComponent(id)}`

const upgradeOf = ({ upgrade }: FallbackGeneration): Provenance["upgrade"] =>
  upgrade === undefined ? null : { job: upgrade, location: locationOf(upgrade) }

const upgradeHeader = ({ upgrade }: FallbackGeneration): Record<string, string> | undefined =>
  upgrade === undefined ? undefined : { "understudy-upgrade": locationOf(upgrade) }

const liveHeaders = { "understudy-source": "live", "cache-status": "understudy; fwd=bypass; stored" }
const liveUnstoredHeaders = { "understudy-source": "live", "cache-status": "understudy; fwd=bypass" }

/** For whoever looks at headers only. `Cache-Status` is RFC 9211; whether a stream is stored shows at its end only. */
export const provenanceHeaders = (generation: Generation | StreamStart): Record<string, string> => {
  switch (generation.source) {
    case "live":
      return "isRemembered" in generation && generation.isRemembered ? liveHeaders : liveUnstoredHeaders
    case "cache":
      return {
        "understudy-source": "cache",
        "cache-status": `understudy; hit; detail=${generation.match}`,
        age: String(wholeSeconds(generation.ageMillis)),
        ...upgradeHeader(generation)
      }
    case "template":
      return {
        "understudy-source": "template",
        "cache-status": "understudy; fwd=miss; detail=template",
        ...upgradeHeader(generation)
      }
  }
}
