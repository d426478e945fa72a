/** The colours of the page, in light and in dark, and the patterns that say the same without any. */
export const style = `
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --soft: #5a6370; --line: #d5d9df; --box: #eef3fa;
  --live: #0055b8; --cache: #00706a; --template: #5a6370; --failed: #a84300; --wrong: #1b1f24; --shade: #e3e6eb; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171c; --text: #e8eaed; --soft: #a9b1bd; --line: #3a414c; --box: #1f2733;
    --live: #7db4ff; --cache: #58cfc2; --template: #a9b1bd; --failed: #ffab5e; --wrong: #ffffff; --shade: #2a303a; }
}
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin: 2.5rem 0 .5rem; } h1, h2, p, li, figcaption { overflow-wrap: anywhere; }
p { margin: .5rem 0; max-width: 50rem; } figure { margin: 0; min-width: 0; }
.facts { color: var(--soft); font-size: .875rem; } figcaption { font-size: .875rem; }
figcaption b { font-size: 1rem; }
.bars { display: grid; gap: .75rem; } .bars figure { max-width: 60rem; }
.pictures { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
.pictures figure { display: flex; flex-direction: column; justify-content: space-between; max-width: 32rem; }
svg { display: block; width: 100%; height: auto; } svg.sources { height: 38px; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .tick { fill: var(--soft); } .grid { stroke: var(--line); } .axis { stroke: var(--soft); }
.label, .on { paint-order: stroke; stroke: var(--ground); stroke-width: 3px; stroke-linejoin: round; }
svg .on { fill: var(--ground); font-weight: 600; }
.live.ground { fill: var(--live); } .on.live { stroke: var(--live); } .live.pattern { fill: none; }
.cache.ground { fill: var(--cache); } .on.cache { stroke: var(--cache); } .cache.pattern { fill: url(#slanted); }
.template.ground { fill: var(--template); } .on.template { stroke: var(--template); }
.template.pattern { fill: url(#dotted); }
.failed.ground { fill: var(--failed); } .on.failed { stroke: var(--failed); } .failed.pattern { fill: url(#upright); }
.sources rect, .key rect { stroke: var(--ground); stroke-width: 1; } svg .empty { fill: none; stroke: var(--line); }
svg .wrong { fill: url(#crossed); stroke: var(--wrong); stroke-width: 1; }
.failed-area { fill: var(--failed); opacity: .35; } .failed-line { fill: none; stroke: var(--failed); stroke-width: 1.5; }
.trouble { stroke: var(--soft); stroke-width: .5; } .provider { fill: url(#provider); } .database { fill: url(#database); }
.open { fill: var(--text); } .half-open { fill: url(#half); stroke: var(--text); stroke-width: .5; }
.closed { fill: var(--soft); } .waited { fill: var(--live); }
.marker { stroke: var(--text); stroke-width: 1.5; } .marker.p95 { stroke-dasharray: 6 3; }
.marker.p99 { stroke-dasharray: 2 2; }
.on-fill { fill: var(--ground); } .on-line { stroke: var(--ground); stroke-width: 1.5; opacity: .45; }
.on-dot { fill: var(--ground); opacity: .55; } .shade-fill { fill: var(--shade); }
.shade-line { stroke: var(--soft); stroke-width: 1; opacity: .45; } .wrong-line { stroke: var(--wrong); stroke-width: 1.5; }
.half-line { stroke: var(--text); stroke-width: 2; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .5rem 0 1rem;
  font-size: .875rem; }
.legend li { display: flex; align-items: center; gap: .4rem; }
svg.key { flex: none; display: inline-block; width: 28px; height: 16px; } svg.patterns { position: absolute; width: 0; height: 0; }
ol.troubles { font-size: .875rem; padding-left: 1.5rem; margin: .5rem 0; }
.wide { overflow-x: auto; } #figures { margin-top: 1.5rem; } .wide:focus-visible { outline: 2px solid var(--live); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; vertical-align: bottom; }
td { font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--ground); min-width: 7rem;
  overflow-wrap: break-word; }
`

const pattern = (id: string, size: number, turn: number, body: string): string =>
  `<pattern id="${id}" width="${size}" height="${size}" patternUnits="userSpaceOnUse" patternTransform="rotate(${turn})">${body}</pattern>`

const stripe = (className: string, size: number): string =>
  `<line class="${className}" x1="0" x2="0" y1="0" y2="${size}"/>`

const ground = (className: string, size: number): string =>
  `<rect class="${className}" width="${size}" height="${size}"/>`

/** For all pictures of the page; a picture of nothing. */
export const patterns = `<svg class="patterns" aria-hidden="true"><defs>${
  [
    pattern("slanted", 8, 45, stripe("on-line", 8)),
    pattern("upright", 4, 0, stripe("on-line", 4)),
    pattern("dotted", 7, 0, `<circle class="on-dot" cx="3.5" cy="3.5" r="1.2"/>`),
    pattern("crossed", 4, 45, ground("on-fill", 4) + stripe("wrong-line", 4)),
    pattern("half", 4, 45, ground("on-fill", 4) + stripe("half-line", 4)),
    pattern("provider", 6, 45, ground("shade-fill", 6) + stripe("shade-line", 6)),
    pattern("database", 6, 90, ground("shade-fill", 6) + stripe("shade-line", 6))
  ].join("")
}</defs></svg>`
