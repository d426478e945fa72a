/** What the parts that read a request share: small looks around in its tokens, every one bounded. */
import { stem } from "./Stem.ts"
import { Gap, type Token } from "./Tokens.ts"

export const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/u).map(stem))

export const written = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/u))

export const says = (token: Token | undefined): boolean =>
  token !== undefined && token.mark === "none" && (token.role === undefined || token.number)

export const marked = (
  tokens: ReadonlyArray<Token>,
  start: number,
  end: number,
  mark: Token["mark"] = "asking"
): void => {
  for (let index = Math.max(start, 0); index < Math.min(end, tokens.length); index++) {
    const token = tokens[index]
    if (token !== undefined) token.mark = mark
  }
}

export const gapless = (tokens: ReadonlyArray<Token>, index: number): Token | undefined => {
  const token = tokens[index]
  return token !== undefined && token.gap === Gap.none ? token : undefined
}

export const isText = (token: Token): boolean => token.role === "text" && token.mark === "asking"

export interface Sentence {
  readonly start: number
  readonly end: number
}

export const determiners = words(
  "our my your the unsere unseren unser unserem meine mein meinen die den das notre nos votre nuestra nuestro nuestros la el le nostro nossa onze ons"
)

export const subjectKeys = words("topic subject theme thema sujet tema keyword keywords audience title title")

export const verbs = words(
  `write draft create compose produce prepare generate craft make publish deliver provide explain tell
  describe schreibe schreib verfasse erstelle formuliere écris rédige rédigez écrivez escribe redacta scrivi escreva`
)

/** "about" and the like: the subject follows. */
export const links = words(
  `about regarding concerning covering on exploring explaining describing discussing announcing introducing
  topic subject theme titled entitled called dealing deal that which summarising summarizing presenting outlining
  über zum zur thema sobre acerca sur propos concernant su sulla sul про о об`
)

const weakLinks = words("for of to für von pour de para")

export const staying = words("in for at from during in für aus en pour dans para from under")

const participlePrepositions = /^(?:to|on|through|around|round|into|with|at|upon|about|over)$/u
const looks = words(
  "look dive glance peek view overview introduction insight understanding delve light deep deeper close closer"
)

/**
 * Past the words that lead from a text to its subject, be they listed or not: "about", "devoted entirely to", "that dives
 * deep into", "taking a closer look at", "that walks our readers through", "targeting the keyword"; `undefined` where none do. What ends in -ed or -ing and has no such preposition
 * may be the subject: "blog post buying a house".
 */
export const linkAt = (tokens: ReadonlyArray<Token>, after: number): number | undefined => {
  const from = after + (gapless(tokens, after)?.role === "text" ? 1 : 0)
  const first = tokens[from]
  if (first === undefined || first.gap > 0) return undefined
  if (aboutLinks.has(first.word)) return sayingRest(tokens, from + 1) > 0 ? from + 1 : undefined
  // "… under the heading", "… for the keyword"
  const keyed = /^(?:under|with|for|by|on)$/u.test(first.word) && /^(?:the|a|its)$/u.test(tokens[from + 1]?.word ?? "")
    && (subjectKeys.has(tokens[from + 2]?.stem ?? "") || tokens[from + 2]?.word === "heading")
    && tokens[from + 2]?.word !== "audience"
  if (keyed && tokens[from + 3]?.word !== "of") return sayingRest(tokens, from + 3) > 0 ? from + 3 : undefined
  const helps = first.word === "to" && isTold(tokens[from + 2])
  const relative = helps || /^(?:that|which)$/u.test(first.word)
  const verb = relative ? tokens[from + 1] : first
  if (verb === undefined || verb.gap > 0 || verb.number || !relative && !/(?:ed|ing)$/u.test(verb.word)) {
    return undefined
  }
  if (!relative && !participles.has(verb.stem) && !determined(tokens, after)) return undefined
  const start = from + (relative ? 2 : 1)
  for (let at = start; at < Math.min(tokens.length, start + 5); at++) {
    const token = tokens[at]
    if (token === undefined || token.gap > 0) return undefined
    if (participlePrepositions.test(token.word)) return sayingRest(tokens, at + 1) > 0 ? at + 1 : undefined
    if (subjectKeys.has(token.stem)) return sayingRest(tokens, at + 1) > 0 ? at + 1 : undefined
    if (teaching.test(token.word) && isTold(tokens[at - 1])) return sayingRest(tokens, at + 1) > 0 ? at + 1 : undefined
    if (token.word === "of" && looks.has(tokens[at - 1]?.stem ?? "")) {
      return sayingRest(tokens, at + 1) > 0
        ? at + 1
        : undefined
    }
    const passes = isTold(token) || determiners.has(token.stem) || token.role === "style" || token.role === "frame" ||
      /^(?:an?|the|some|up|in|down|out|better|common)$/u.test(token.word) || token.word.endsWith("ly") ||
      looks.has(token.stem)
    if (!passes) return undefined
  }
  return undefined
}

const teaching = /^(?:understand|grasp|discover|learn|explore|appreciate)$/u

/** Whom a text speaks to: "readers", "people". */
const isTold = (token: Token | undefined): boolean =>
  token?.role === "own" || /^(?:people|everyone|us|me)$/u.test(token?.word ?? "")

const participles = words(
  `focused focusing focussed centred centered centring centering based relating related devoted dedicated concentrating
  concentrated revolving touching diving delving digging looking dealing zooming geared tied pertaining`
)

/** "An article …", "Write two posts …": here a text is asked for; "blog post living on a boat" may name its subject. */
const determined = (tokens: ReadonlyArray<Token>, after: number): boolean => {
  for (let at = after - 1; at >= Math.max(after - 5, 0); at--) {
    const token = tokens[at]
    if (token?.role === "request" || /^(?:an?|the|our|my|your|another|one|some|this)$/u.test(token?.word ?? "")) {
      return true
    }
    if ((token?.gap ?? Gap.sentence) > Gap.comma) return false
  }
  return false
}

const aboutLinks = written("about around on regarding concerning covering explaining describing discussing exploring")

export const linkAfter = (tokens: ReadonlyArray<Token>, from: number): "strong" | "weak" | "none" => {
  for (let at = from; at < Math.min(tokens.length, from + 10); at++) {
    const token = tokens[at]
    if (token === undefined || token.gap === Gap.sentence) return "none"
    if (at === from && token.gap === Gap.colon && sayingRest(tokens, at) > 0) return "weak"
    if (at === from && linkAt(tokens, at) !== undefined) return "strong"
    const verb = /^(?:that|which)$/u.test(token.word) ? 1 : 0
    if (links.has(token.stem) && sayingRest(tokens, at + 1 + verb) > 0) return "strong"
    if (
      at === from && token.gap === Gap.none && token.word.endsWith("ing") && says(token) && determined(tokens, from)
    ) return "strong"
    if (at === from && weakLinks.has(token.stem) && sayingRest(tokens, at + 1) > 0) return "weak"
    if (token.gap === Gap.colon) return "none"
  }
  return "none"
}

/** How much is said from here to the end of the sentence. */
export const sayingRest = (tokens: ReadonlyArray<Token>, from: number): number => {
  let count = 0
  for (let at = from; at < Math.min(tokens.length, from + 12); at++) {
    const token = tokens[at]
    if (at > from && token?.gap === Gap.sentence) break
    if (says(token)) count++
  }
  return count
}
