/** Reads the `Prefer` header of a request (RFC 7240), as far as it concerns answers in the background. Pure. */

export interface Preferences {
  /** `respond-async`: it would rather come back for the answer than wait for it. */
  readonly respondAsync: boolean
  /** `wait=N`: it waits for so many seconds, and comes back later if the answer takes longer. */
  readonly waitSeconds: number | undefined
  /** `upgrade`, our own: an answer that is not live shall be followed by a live one. */
  readonly upgrade: boolean
}

export const noPreferences: Preferences = { respondAsync: false, waitSeconds: undefined, upgrade: false }

/** Whoever wants to wait longer waits for so many seconds. */
export const longestWaitSeconds = 600

/**
 * Several headers are one, joined by commas. Of a preference that comes twice the first counts. Whatever is no preference
 * of ours is ignored, and so is one of ours with a value that it cannot have: a preference is never an error.
 */
export const parsePrefer = (header: string): Preferences => {
  const seen = new Map<string, string>()
  for (const preference of preferencesIn(header)) {
    const [, name = "", quoted, bare] = shape.exec(preference.trim()) ?? []
    const key = name.toLowerCase()
    // An empty value is none.
    if (!seen.has(key)) seen.set(key, quoted?.replaceAll(/\\(.)/gs, "$1") ?? bare ?? "")
  }
  const wait = seen.get("wait") ?? ""
  return {
    respondAsync: seen.get("respond-async") === "",
    waitSeconds: /^\d+$/.test(wait) ? Math.min(Number(wait), longestWaitSeconds) : undefined,
    upgrade: seen.get("upgrade") === ""
  }
}

/** Texts between commas that stand in no quotes. What follows a quote without an end is one piece. */
const preferencesIn = (header: string): ReadonlyArray<string> =>
  header.match(/(?:[^",]|"(?:[^"\\]|\\(?:.|$))*(?:"|$))+/gs) ?? []

/** A name, perhaps with a value, then perhaps parameters, of which we know none. */
const shape =
  /^([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*=(?:[ \t]*"((?:[^"\\]|\\.)*)"|[ \t]*([!#$%&'*+.^_`|~\w-]+))?)?[ \t]*(?:;.*)?$/s
