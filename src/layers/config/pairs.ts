/** Lists as OpenTelemetry's variables have them: `name=value,name=value`, percent-encoded. */

export type Pairs = Readonly<Record<string, string>>

/** None for a list that is none. */
export const pairsOf = (list: string): Pairs | undefined => {
  const pairs: Array<readonly [string, string]> = []
  for (const item of list.split(",")) {
    if (item.trim() === "") continue
    const at = item.indexOf("=")
    const [name, value] = [decoded(item.slice(0, Math.max(0, at))), decoded(item.slice(at + 1))]
    if (name === undefined || name === "" || value === undefined) return undefined
    pairs.push([name, value])
  }
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs)
}

/** Names and values that a request can carry. */
export const isHeaderList = (list: string): boolean =>
  Object.entries(pairsOf(list) ?? { "": "" }).every(([name, value]) =>
    /^[!#$%&'*+.^`|~\w-]+$/.test(name) && /^[\t\x20-\x7e]*$/.test(value)
  )

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return undefined
  }
}
