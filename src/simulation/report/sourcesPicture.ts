/** Where the answers of one strategy came from: a bar as wide as the page is, whose words do not grow with it. */
import type { StrategyResult } from "../run/Result.ts"
import { fullTitle, percent, shareOf } from "./Figures.ts"
import { named, textWidth } from "./svg.ts"

export const sources = ["live", "cache", "template", "failed"] as const
export type Source = (typeof sources)[number]

const height = 26
/** As wide as a bar is at least, in pixels: a word that has room there has it everywhere. */
const leastWidth = 280
/** Of a bar: what is there can be seen, however little it is. */
const leastShare = 0.008

export const sourcesPicture = (row: StrategyResult, id: string): string => {
  const shares = sources.map((source) => ({ source, share: shareOf(row[source], row.requests) ?? 0 }))
  const wrong = shareOf(row.wrongSubject, row.requests) ?? 0
  return `<svg class="sources" role="img" aria-labelledby="${id}-title ${id}-desc">
${named(id, `Where the answers of ${fullTitle(row)} came from`, described(row))}
${row.requests > 0 ? bar(shares) : nothing}${wrong > 0 ? strip(wrong, shareOf(row.live, row.requests) ?? 0) : ""}
</svg>`
}

const described = (row: StrategyResult): string =>
  [...sources.map((source) => [source, row[source]] as const), ["on the wrong subject", row.wrongSubject] as const]
    .map(([what, count]) => `${what} ${percent(shareOf(count, row.requests))}`).join(", ")

const nothing =
  `<rect class="empty" x="0" y="0" width="100%" height="${height}"/><text class="tick" x="8" y="17">no requests</text>`

const bar = (shares: ReadonlyArray<{ readonly source: Source; readonly share: number }>): string => {
  let from = 0
  return shares.map(({ share, source }) => {
    const start = from
    from += share
    if (share === 0) return ""
    const wide = Math.max(share, leastShare)
    const x = Math.min(start, 1 - wide)
    const shape = (className: string) =>
      `<rect class="${className}" x="${points(x)}" y="0" width="${points(wide)}" height="${height}"/>`
    const label = `${source} ${percent(share)}`
    return shape(`${source} ground`) + shape(`${source} pattern`)
      + (textWidth(label) + 12 <= share * leastWidth
        ? `<text class="on ${source}" x="${points(x + wide / 2)}" y="17" text-anchor="middle">${label}</text>`
        : "")
  }).join("")
}

/** Below the bar, from where the stored answers begin, as they are what can be about something else. */
const strip = (wrong: number, live: number): string => {
  const wide = Math.max(wrong, leastShare)
  const x = Math.min(live, 1 - wide)
  return `<rect class="wrong" x="${points(x)}" y="${height + 3}" width="${points(wide)}" height="9"/>`
}

const points = (share: number): string => `${Math.round(share * 10_000) / 100}%`
