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

export const linkAfter = (tokens: ReadonlyArray<Token>, from: number): "strong" | "weak" | "none" => {
  for (let at = from; at < Math.min(tokens.length, from + 10); at++) {
    const token = tokens[at]
    if (token === undefined || token.gap === Gap.sentence) return "none"
    if (at === from && token.gap === Gap.colon && sayingRest(tokens, at) > 0) return "weak"
    const verb = /^(?:that|which)$/u.test(token.word) ? 1 : 0
    if (links.has(token.stem) && sayingRest(tokens, at + 1 + verb) > 0) return "strong"
    if (at === from && token.gap === Gap.none && token.word.endsWith("ing") && says(token)) return "strong"
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
