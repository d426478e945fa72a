/** What the checks of the documents need to know of Markdown. */

export interface Fence {
  /** The word after the three backticks; empty for none. */
  readonly language: string
  readonly text: string
  /** Of its opening line, from 1. */
  readonly line: number
}

/** The fenced blocks, in order. */
export const fences = (markdown: string): ReadonlyArray<Fence> => {
  const found: Array<Fence> = []
  let open: { language: string; line: number; lines: Array<string> } | undefined
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^\s*```(.*)$/.exec(line)
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1]?.trim() ?? "", line: index + 1, lines: [] }
    } else if (fence === null) {
      open.lines.push(line)
    } else {
      found.push({ language: open.language, line: open.line, text: open.lines.join("\n") })
      open = undefined
    }
  }
  return found
}

/** Without its fenced blocks: what is in them is no heading and no link. */
export const prose = (markdown: string): string => {
  let inside = false
  return markdown.split("\n").map((line) => {
    if (!/^\s*```/.test(line)) return inside ? "" : line
    inside = !inside
    return ""
  }).join("\n")
}

/** The anchors that GitHub gives to the headings of a page, a number after those that come again. */
export const anchors = (markdown: string): ReadonlySet<string> => {
  const slugger = makeSlugger()
  return new Set(
    prose(markdown).split("\n").flatMap((line) => {
      const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)
      return heading === null ? [] : [slugger(heading[1] ?? "")]
    })
  )
}

/** Lower case; letters, digits, `-` and `_` stay; a space becomes `-`. */
export const makeSlugger = (): (heading: string) => string => {
  const seen = new Map<string, number>()
  return (heading) => {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    const slug = shown.toLowerCase().replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-")
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    return times === 0 ? slug : `${slug}-${times}`
  }
}
