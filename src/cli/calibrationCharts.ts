/** The pictures of a calibration: inline SVG, its colours from the page's style, its meaning also in words and shapes. */
import { kindsOf, type Outcome, type ScoredPair, type Share } from "../domain/similarity/Calibration.ts"
import { escaped } from "../domain/text/Html.ts"
import { type Calibration, guardMatters, recommended, shown } from "./calibrationResult.ts"
import { percent } from "./calibrationText.ts"

const width = 720
const left = 56
const right = width - 16
const top = 48

interface Frame {
  readonly bottom: number
  readonly from: number
  /** The share at the top. */
  readonly yMax: number
}

const x = ({ from }: Frame, threshold: number): number => left + (threshold - from) / (1 - from || 1) * (right - left)

const y = ({ bottom, yMax }: Frame, share: number): number => bottom - share / yMax * (bottom - top)

const at = (...numbers: ReadonlyArray<number>): string => numbers.map((number) => number.toFixed(1)).join(",")

/** A picture with a name and a description, for those who do not see it. */
const svg = (id: string, height: number, title: string, description: string, body: string): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${escaped(title)}</title>
<desc id="${id}-desc">${escaped(description)}</desc>
<clipPath id="${id}-clip"><rect x="${left}" y="${top}" width="${right - left}" height="${height}"/></clipPath>
${body}
</svg>`

/** The lowest similarity that is worth showing. */
const firstThreshold = (pairs: ReadonlyArray<ScoredPair>): number =>
  Math.max(0, Math.min(0.9, Math.floor(Math.min(1, ...pairs.map(({ similarity }) => similarity)) * 10) / 10))

/** Where a marker's words stand: left of it in the right half. */
const marker = (frame: Frame, threshold: number, className: string, label: string, line: number): string => {
  const place = x(frame, threshold)
  const isRight = place > (left + right) / 2
  return `<line class="${className}" x1="${place.toFixed(1)}" x2="${place.toFixed(1)}" y1="${
    top - 34 + line * 15
  }" y2="${frame.bottom}"/>`
    + `<text class="label" x="${(place + (isRight ? -5 : 5)).toFixed(1)}" y="${top - 25 + line * 15}" text-anchor="${
      isRight ? "end" : "start"
    }">${escaped(label)}</text>`
}

const markers = (frame: Frame, calibration: Calibration): string => {
  const best = recommended(calibration)
  const { current } = calibration
  const isOne = best === current
  return [
    ...best === undefined || best < frame.from
      ? []
      : [marker(frame, best, "best", `${shown(best)} recommended${isOne ? ", and set now" : ""}`, 0)],
    ...isOne || current < frame.from ? [] : [marker(frame, current, "now", `${shown(current)} set now`, 1)]
  ].join("")
}

const axes = (frame: Frame): string => {
  const steps = frame.from >= 0.8 ? 20 : 10
  const xs = Array.from({ length: steps + 1 }, (_, index) => index / steps).filter((value) => value >= frame.from)
  const ys = [0, 0.25, 0.5, 0.75, 1].map((part) => part * frame.yMax)
  return [
    ...ys.map((share) => {
      const height = y(frame, share).toFixed(1)
      return `<line class="grid" x1="${left}" x2="${right}" y1="${height}" y2="${height}"/>`
        + `<text class="tick" x="${left - 6}" y="${(Number(height) + 4).toFixed(1)}" text-anchor="end">${
          percent(share).replace(".0 %", " %")
        }</text>`
    }),
    ...xs.map((value) =>
      `<text class="tick" x="${x(frame, value).toFixed(1)}" y="${frame.bottom + 16}" text-anchor="middle">${
        String(value)
      }</text>`
    ),
    `<text class="tick" x="${(left + right) / 2}" y="${
      frame.bottom + 34
    }" text-anchor="middle">similarity from which an answer is served</text>`
  ].join("")
}

const curve = (
  frame: Frame,
  outcomes: ReadonlyArray<Outcome>,
  pick: (outcome: Outcome) => Share,
  className: string
) => {
  const seen = outcomes.filter(({ threshold }) => threshold >= frame.from)
  const upper = seen.map((outcome) => at(x(frame, outcome.threshold), y(frame, pick(outcome).high)))
  const lower = seen.toReversed().map((outcome) => at(x(frame, outcome.threshold), y(frame, pick(outcome).low)))
  const line = seen.map((outcome) => at(x(frame, outcome.threshold), y(frame, pick(outcome).share)))
  return `<polygon class="band ${className}" points="${[...upper, ...lower].join(" ")}"/>`
    + `<polyline class="curve ${className}" points="${line.join(" ")}"/>`
}

const legend = (height: number, entries: ReadonlyArray<readonly [className: string, label: string]>): string =>
  entries.map(([className, label], index) => {
    const start = left + index * 215
    return `<line class="curve ${className}" x1="${start}" x2="${start + 30}" y1="${height}" y2="${height}"/>`
      + `<text class="label" x="${start + 36}" y="${height + 4}">${escaped(label)}</text>`
  }).join("")

/** Served of the same and of the different pairs, over all thresholds. */
export const shares = (calibration: Calibration): string => {
  const { outcomes, pairs } = calibration
  const frame: Frame = { bottom: 300, from: firstThreshold(pairs), yMax: 1 }
  const withGuard = guardMatters(calibration)
  const best = recommended(calibration)
  return svg(
    "shares",
    364,
    "What each threshold serves",
    `Two falling curves with their 95 % intervals: the share of the same pairs that is served, solid, and of the `
      + `different pairs, dashed${withGuard ? "; dotted: the different ones without the guard" : ""}. ${
        best === undefined ? "No threshold is recommended." : `Recommended is ${shown(best)}.`
      } The table below has the figures.`,
    axes(frame) + `<g clip-path="url(#shares-clip)">`
      + curve(frame, outcomes, ({ right }) => right, "right") + curve(frame, outcomes, ({ wrong }) => wrong, "wrong")
      + (withGuard ? unguarded(frame, outcomes) : "") + "</g>" + markers(frame, calibration)
      + legend(352, [
        ["right", "same wish: rightly served"],
        ["wrong", "different: wrongly served"],
        ...withGuard ? [["bare", "wrongly, without the guard"] as const] : []
      ])
  )
}

const unguarded = (frame: Frame, outcomes: ReadonlyArray<Outcome>): string => {
  const points = outcomes.filter(({ threshold }) => threshold >= frame.from).map((outcome) =>
    at(x(frame, outcome.threshold), y(frame, outcome.unguarded.wrong.share))
  )
  return `<polyline class="curve bare" points="${points.join(" ")}"/>`
}

/** The wrongly served once more, so near that the wanted rate can be seen. */
export const wrongs = (calibration: Calibration): string => {
  const { outcomes, pairs, wrongRate } = calibration
  const yMax = Math.min(1, Math.max(0.02, wrongRate * 4))
  // From where the curve comes into sight.
  const inSight = outcomes.find(({ wrong }) => wrong.low <= yMax)?.threshold ?? 1
  const from = Math.max(firstThreshold(pairs), Math.min(0.9, Math.floor(inSight * 10) / 10))
  const frame: Frame = { bottom: 240, from, yMax }
  const wanted = y(frame, wrongRate)
  return svg(
    "wrongs",
    284,
    "Wrongly served, enlarged",
    `The share of different pairs that is served, up to ${percent(yMax)}, with its 95 % interval and a line at the `
      + `wanted rate of ${percent(wrongRate)}.`,
    axes(frame) + `<g clip-path="url(#wrongs-clip)">` + curve(frame, outcomes, ({ wrong }) => wrong, "wrong")
      + (guardMatters(calibration) ? unguarded(frame, outcomes) : "") + "</g>"
      + `<line class="wanted" x1="${left}" x2="${right}" y1="${wanted.toFixed(1)}" y2="${wanted.toFixed(1)}"/>`
      + `<text class="label" x="${left + 6}" y="${(wanted - 5).toFixed(1)}">wanted: at most ${
        percent(wrongRate)
      }</text>`
      + markers(frame, calibration)
  )
}

const bins = 50

/** How similar the pairs of each kind are; what the guard refuses is hatched. */
export const distributions = (calibration: Calibration): string => {
  const { pairs } = calibration
  const kinds = kindsOf(pairs)
  const rowHeight = 74
  const bottom = top + kinds.length * rowHeight
  const frame: Frame = { bottom, from: firstThreshold(pairs), yMax: 1 }
  const rows = kinds.map((kind, row) => {
    const of = pairs.filter((pair) => pair.kind === kind)
    const base = top + (row + 1) * rowHeight
    const counts = countsOf(of)
    const most = Math.max(1, ...counts.map(({ free, refused }) => free + refused))
    const scale = (rowHeight - 26) / most
    const bar = (bin: number, count: number, below: number, className: string) =>
      count === 0 ?
        "" :
        `<rect class="${className}" x="${(x(frame, bin / bins) + 0.5).toFixed(1)}" y="${
          (base - (below + count) * scale).toFixed(1)
        }" width="${Math.max(1, (right - left) / ((1 - frame.from) * bins) - 1).toFixed(1)}" height="${
          (count * scale).toFixed(1)
        }"/>`
    const bars = counts.map(({ free, refused }, bin) =>
      bar(bin, free, 0, of.some(({ same }) => same) ? "bar right" : "bar wrong") +
      bar(bin, refused, free, "bar refused")
    )
    return `<line class="grid" x1="${left}" x2="${right}" y1="${base}" y2="${base}"/>`
      + `<g clip-path="url(#kinds-clip)">${bars.join("")}</g>`
      + `<text class="label" x="${left + 6}" y="${base - rowHeight + 20}">${escaped(kind)} (${of.length} pairs)</text>`
  })
  const ticks = Array.from({ length: 11 }, (_, index) => index / 10).filter((value) => value >= frame.from).map((
    value
  ) =>
    `<text class="tick" x="${x(frame, value).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${
      String(value)
    }</text>`
  )
  return svg(
    "kinds",
    bottom + 40,
    "How similar the pairs are, by kind",
    `A row of bars for each of ${kinds.join(", ")}: how many pairs have which similarity, each row by its own scale.${
      guardMatters(calibration) ? " Hatched: refused by the guard." : ""
    }`,
    `<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">`
      + `<rect class="hatch-ground" width="5" height="5"/><line class="hatch-line" x1="0" x2="0" y1="0" y2="5"/></pattern>`
      + rows.join("") + ticks.join("") + markers(frame, calibration)
      + `<text class="tick" x="${(left + right) / 2}" y="${bottom + 34}" text-anchor="middle">similarity</text>`
  )
}

const countsOf = (pairs: ReadonlyArray<ScoredPair>) => {
  const counts = Array.from({ length: bins }, () => ({ free: 0, refused: 0 }))
  for (const { objection, similarity } of pairs) {
    const bin = counts[Math.min(bins - 1, Math.max(0, Math.floor(similarity * bins)))]
    if (bin !== undefined) bin[objection === undefined ? "free" : "refused"]++
  }
  return counts
}
