/** Around the lead of a sentence: parts of a page that are texts, when and where a text appears, who asks and who writes. */
import { determiners, linkAt, marked, says, subjectKeys, written } from "./RequestMarks.ts"
import { Gap, type Token } from "./Tokens.ts"

/** How far into a sentence this looks. */
const reach = 12

/** Parts of a page, and amounts of text, that are the text itself where a link follows: "a column on …". */
const shapes = written(
  `column section page lines story stories read spot segment words word thoughts thought notes dive pager one-pager draft
  information info background`
)

/** "A page about …" asks for a text, "the page on my desk" does not. Changes the role of a token. */
export const nameShapes = (tokens: ReadonlyArray<Token>): void => {
  tokens.forEach((token, index) => {
    if (!shapes.has(token.word)) return
    const into = token.word === "dive" && /^(?:into|in)$/u.test(tokens[index + 1]?.word ?? "")
    const link = into ? index + 1 : linkAt(tokens, index + 1)
    const story = token.word.startsWith("stor")
    // "A story about a lost key" is made up, "a story dealing with coral reefs" is reported.
    if (link === undefined || story && /^(?:about|of|on)$/u.test(tokens[index + 1]?.word ?? "")) return
    let at = index - 1
    for (
      let steps = 0;
      steps < 3 && (tokens[at]?.role === "style" || tokens[at]?.role === "frame" || tokens[at]?.word === "background");
      steps++
    ) at--
    const before = tokens[at]
    if (into) marked(tokens, index + 1, index + 2)
    const opens = before === undefined || (tokens[at + 1]?.gap ?? 0) > 0
    if (opens || /^(?:an?|one|some|few|new|another|couple|of|with)$/u.test(before.word) || before.role === "request") {
      token.role = "text"
      if (/^(?:few|couple)$/u.test(before?.word ?? "")) marked(tokens, at, at + 1)
    }
  })
}

/** Changes `mark` of the tokens of one sentence. */
export const markCircumstances = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  markTimes(tokens, start, end)
  markPlace(tokens, start, end)
  markAnnouncement(tokens, start, end)
  markAgents(tokens, start, end)
  markBackground(tokens, start, end)
}

const times = written(
  `today tomorrow tonight week month monday tuesday wednesday thursday friday saturday sunday next upcoming coming latest
  weekly monthly daily`
)

/** "Today's post", "for next month's issue", "our upcoming article": when the text is to appear. */
const markTimes = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  for (let at = start; at < Math.min(end, start + reach * 2); at++) {
    const token = tokens[at]
    if (token === undefined || !times.has(token.word) || token.mark !== "none") continue
    const opens = at < start + 3
    for (let next = at + 1; next < Math.min(end, at + 4); next++) {
      const after = tokens[next]
      if (after === undefined || after.gap > 0) break
      const text = after.role === "text" || subjectKeys.has(after.stem) ||
        /^(?:issue|edition|newsletter)$/u.test(after.word)
      if (text && (opens || determiners.has(tokens[at - 1]?.stem ?? ""))) marked(tokens, at, next)
      if (text || !times.has(after.word) && after.role !== "style") break
    }
    const comma = (tokens[at + 1]?.gap ?? Gap.sentence) > 0 || tokens[at + 1]?.role === "grammar"
    if (at === start && token.word.startsWith("to") && comma) marked(tokens, at, at + 1)
  }
}

const homes = written("issue edition newsletter blog site website page magazine homepage section column")

/** "For this week's newsletter, …": where the text will stand, and no kind of text. */
const markPlace = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  if (!/^(?:for|in|on)$/u.test(tokens[start]?.word ?? "")) return
  for (let at = start + 1; at < Math.min(end, start + 6); at++) {
    const token = tokens[at]
    if (token === undefined || token.gap > 0) return
    const closes = at + 1 < end && (tokens[at + 1]?.gap ?? 0) > 0
    if (homes.has(token.word) && closes) return marked(tokens, start, at + 1)
    if (says(token) && !times.has(token.word)) return
  }
}

/** Alone before a colon, they say as little. */
const notices = written("reminder favour favor todo urgent next today tomorrow tonight ticket")

const plans = written(
  "reminder favour favor todo urgent ticket tonight agenda menu calendar schedule list docket pipeline plan queue next time week month today tomorrow now turn"
)

/** "On the agenda: …", "The topic this time is …": known words, and words of planning, up to a colon or "is". */
const markAnnouncement = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  let keyed = false
  let planned = false
  for (let at = start; at < Math.min(end, start + 8); at++) {
    const token = tokens[at]
    if (token === undefined) return
    const closes = token.gap === Gap.colon
      ? planned && (at - start > 1 || notices.has(tokens[start]?.word ?? ""))
      : keyed && /^(?:is|be|are)$/u.test(token.word)
    if (at > start && closes) return marked(tokens, start, at)
    if (at > start && token.gap > 0) return
    if (subjectKeys.has(token.stem)) keyed = true
    if (plans.has(token.word)) planned = true
    else if (token.number || token.role === undefined || token.role === "question" || token.role === "negation") return
  }
}

const agents = written("writer author copywriter blogger journalist editor ghostwriter columnist reporter")

/** "Looking for a writer to cover …": who is to write. */
const markAgents = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  for (let at = start + 1; at + 1 < Math.min(end, start + reach); at++) {
    if (tokens[at]?.role === "text" || linkAt(tokens, at) !== undefined) return
    const sought = agents.has(tokens[at]?.word ?? "") && /^(?:to|who|that|for)$/u.test(tokens[at + 1]?.word ?? "")
    if (sought && /^(?:for|need|want|seeking|find|hire)$/u.test(tokens[at - 2]?.word ?? "")) {
      marked(tokens, at - 1, at + 1)
    }
  }
}

/** "We run a bakery and need a post about …": who asks, before what is asked. Numbers and names in it still count. */
const markBackground = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  const ours = /^(?:i|we|our|my)$/u.test(tokens[start]?.word ?? "")
  for (let at = start + 2; at + 2 < Math.min(end, start + reach * 2); at++) {
    if (!(ours && tokens[at]?.word === "and") && !(tokens[at]?.word === "so" && (tokens[at]?.gap ?? 0) > 0)) continue
    const wants = tokens.slice(at + 1, at + 4).some(({ word }) =>
      /^(?:need|want|would|looking|like|please)$/u.test(word)
    )
    const asks = tokens.slice(at + 2, Math.min(end, at + reach)).some((_, offset) =>
      linkAt(tokens, at + 2 + offset) !== undefined
    )
    if (!wants || !asks || tokens.slice(start, at).some(({ role }) => role === "question")) continue
    if (
      tokens.slice(start, at).some((token, offset) =>
        token.role === "text" && linkAt(tokens, start + offset + 1) !== undefined &&
        !/^(?:have|run|own|keep|manage|edit)$/u.test(tokens[start + 1]?.word ?? "")
      )
    ) return
    return marked(tokens, start, at, "context")
  }
}
