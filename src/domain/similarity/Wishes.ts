/** Wishes for the text: its length, its tone, where it will stand. */
import { determiners, gapless, marked, says, subjectKeys, words, written } from "./RequestMarks.ts"
import { Gap, type Token } from "./Tokens.ts"

const units = words(
  `word character paragraph sentence wort wörter wörtern worte worten zeichen absätze absätzen mots mot
  caractères palabras palabra caracteres parole palavras woorden`
)

const bounds = words(
  "no not more less than under over up to at least most max maximum about around roughly longer shorter fewer exceed exceeding of mindestens höchstens maximal unter über plus moins más menos de unas about circa rund"
)

/** Between the two numbers of a range; "in 1990 around 600 words" is none. */
const ranges = /^(?:to|or|bis|oder|à|a|ou|o)$/u

/** "500 words", "a 300- to 400-word post", "no more than 900 words", "Words: 600". */
export const markLengths = (tokens: ReadonlyArray<Token>): number | undefined => {
  let length: number | undefined
  const wish = (unit: Token, number: Token) => {
    const value = Number(number.stem.slice(1))
    if (
      length === undefined && value > 0 && Number.isFinite(value) &&
      /^(?:w[oö]r|woord|mot$|palabra|parol|palavr)/u.test(unit.stem)
    ) {
      length = value
    }
  }
  tokens.forEach((token, index) => {
    // "A two-page article"; "two pages" alone may be what it is about.
    const pages = token.word === "page" && gapless(tokens, index + 1)?.role === "text"
    if (token.number || !pages && !units.has(token.stem)) return
    const after = tokens[index + 1]
    if (after?.number === true && after.gap === Gap.colon) {
      wish(token, after)
      return marked(tokens, index, index + 2)
    }
    // "A paragraph or two"
    if (tokens[index + 1]?.word === "or" && tokens[index + 2]?.number === true) return marked(tokens, index, index + 3)
    let from = index
    for (let at = index - 1; at >= Math.max(index - 4, 0) && tokens[at + 1]?.gap === Gap.none; at--) {
      const before = tokens[at]
      if (before?.number === true) {
        from = at
        wish(token, before)
      } else if (from < index ? !ranges.test(before?.word ?? "") : before?.role !== "grammar") break
    }
    if (from === index) return
    for (
      let steps = 0;
      steps < 5 && bounds.has(tokens[from - 1]?.stem ?? "") && tokens[from]?.gap === Gap.none;
      steps++
    ) from--
    marked(tokens, from, index + 1)
  })
  return length
}

const wishKeys = words(
  "tone style voice mood register length format language ton stil tonfall länge sprache tono estilo longueur style"
)

/** "Tone: playful", "Length: around 700 words". */
export const markWishes = (tokens: ReadonlyArray<Token>): void => {
  let keyed = false
  for (let index = 0; index + 1 < tokens.length; index++) {
    const key = tokens[index]
    if (key === undefined || tokens[index + 1]?.gap !== Gap.colon) continue
    // "Learning sign language: a blog post" has no key.
    if (key.gap === Gap.none && !keyed && !subjectKeys.has(key.stem)) continue
    keyed = true
    const wish = wishKeys.has(key.stem)
    if (subjectKeys.has(key.stem)) key.mark = "asking"
    // Lines that a prompt was made of: the normal form knows none.
    if (wish || subjectKeys.has(key.stem) || units.has(key.stem)) key.gap = Gap.sentence
    if (!wish) continue
    let end = index + 2
    for (; end < tokens.length && end < index + 6; end++) {
      const token = tokens[end]
      if (token === undefined || token.gap >= Gap.colon || subjectKeys.has(token.stem)) break
      if (tokens[end + 1]?.gap === Gap.colon) break
    }
    marked(tokens, index, end)
  }
}

const wishPrepositions = words(
  "in with using without no avoid mit im ohne avec dans sans con en sin und and of nel com met"
)

const placePrepositions = words(
  "for on to tell inform give show explain help teach remind für auf an pour sur para en voor per"
)

const places = words("website site homepage web blog intranet page magazine newspaper channel portal cms web-site")

const times = words(
  "monday tuesday wednesday thursday friday saturday sunday tomorrow tonight noon end montag freitag morgen lundi vendredi lunes viernes"
)

const days = written("monday tuesday wednesday thursday friday saturday sunday")

/** "in a warm tone", "with a catchy headline", "for the travel section of our blog", "by Friday". */
export const markPhrases = (tokens: ReadonlyArray<Token>): void => {
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]
    if (token === undefined) continue
    if (nobody.has(token.stem) && !says(gapless(tokens, index + 1))) {
      const [before, first, second] = [1, 2, 3].map((steps) => tokens[index - steps]?.word ?? "")
      if (before === "for") marked(tokens, index - 1, index + 1)
      else if (before === "general" && first === "the" && second === "for") marked(tokens, index - 3, index + 1)
    }
    if (token.role === "form" && tokens[index + 1]?.gap !== Gap.colon && !says(gapless(tokens, index + 1))) {
      const counted = token.gap > 0
        ? undefined
        : tokens[index - 1]?.number === true
        ? 1
        : tokens[index - 1]?.gap === Gap.none && tokens[index - 2]?.number === true
        ? 2
        : undefined
      if (counted !== undefined) marked(tokens, index - counted, index + 1)
      const from = back(tokens, index, 6, 3, true, (one) => wishPrepositions.has(one.stem))
      if (from !== undefined && fits(tokens, from)) marked(tokens, from, index + 1)
    } else if (token.role === "own" && !says(gapless(tokens, index + 1))) {
      let determined = false
      const from = back(tokens, index, 8, 3, false, (one) => {
        if (determiners.has(one.stem)) determined = true
        return placePrepositions.has(one.stem)
      })
      if (/^(?:audience|readership)$/u.test(token.word)) markEveryone(tokens, index)
      const goesOn = tokens[index - 1]?.mark === "asking" && tokens[index - 1]?.role === "own" && token.gap === Gap.none
      if (goesOn) token.mark = "asking"
      else if (forReaders(tokens, index)) marked(tokens, from ?? index, index + 1)
      else if (from !== undefined && (determined || places.has(token.stem))) marked(tokens, from, index + 1)
    } else if (token.role === "text" && !says(gapless(tokens, index + 1))) {
      const from = back(tokens, index, 6, 3, true, (one) => /^(?:as|into|in)$/u.test(one.word))
      if (
        from !== undefined && /^(?:an?|one|some|the form|the shape)$/u.test(
          /^the$/u.test(tokens[from + 1]?.word ?? "")
            ? `the ${tokens[from + 2]?.word}`
            : tokens[from + 1]?.word ?? ""
        )
      ) marked(tokens, from, index)
      const home = token.word === "blog"
        ? back(tokens, index, 8, 3, false, (one) => placePrepositions.has(one.stem))
        : undefined
      if (home !== undefined && determiners.has(tokens[home + 1]?.stem ?? "")) {
        const owned = tokens[index + 1]?.word === "of" && determiners.has(tokens[index + 2]?.stem ?? "")
        marked(tokens, home, index + (owned ? 4 : 1))
      }
      if (/^(?:draft|version|entwurf)$/u.test(token.word) && tokens[index - 1]?.stem === "#1th") {
        marked(tokens, index - 1, index)
      }
    } else if (token.word === "after" && /^(?:are|am|re|m)$/u.test(tokens[index - 1]?.word ?? "")) {
      marked(tokens, index, index + 1)
    } else if (
      days.has(token.word) && /^(?:this|next)$/u.test(tokens[index - 1]?.word ?? "") &&
      (tokens[index + 1]?.gap ?? Gap.sentence) > 0 && asksBefore(tokens, index)
    ) {
      marked(tokens, index - 1, index + 1)
    } else if (
      times.has(token.stem) && /^(?:by|bis|until|till|para|pour|avant)$/u.test(tokens[index - 1]?.word ?? "")
    ) {
      marked(tokens, index - 1, index + 1)
    } else if (/^(?:draft|version|entwurf)$/u.test(token.word) && tokens[index - 1]?.stem === "#1th") {
      marked(tokens, index - 1, index)
    } else if (
      /^(?:week|month|time|tomorrow|today)$/u.test(token.word) &&
      (token.word.startsWith("to") || /^(?:next|this)$/u.test(tokens[index - 1]?.word ?? ""))
    ) {
      if (
        (tokens[index + 1]?.gap ?? Gap.sentence) > 0 &&
        (asksBefore(tokens, index) || token.word === "time" || subjectKeys.has(tokens[index - 2]?.stem ?? ""))
      ) {
        marked(tokens, token.word.startsWith("to") ? index : index - 1, index + 1)
      }
    }
  }
}

/** "For curious readers", "for busy visitors": words of style alone make no other audience. */
const forReaders = (tokens: ReadonlyArray<Token>, index: number): boolean => {
  if (!/^(?:readers?|visitors?|subscribers|followers|audience)$/u.test(tokens[index]?.word ?? "")) return false
  let at = index - 1
  while (at > index - 4 && (tokens[at]?.role === "style" || tokens[at]?.role === "request")) at--
  return tokens[at]?.word === "for" && tokens[at + 1]?.gap === Gap.none
}

/** "for everyone", "for laypeople", "for the general public": no reader in particular. */
const nobody = words("everyone everybody anyone laypeople layperson layman public non-experts non-specialists")

/** "for a general audience" is everyone, and so says nothing; "for an older audience" does. */
const markEveryone = (tokens: ReadonlyArray<Token>, index: number): void => {
  const [width, article, link] = [1, 2, 3].map((steps) => tokens[index - steps]?.word ?? "")
  if (
    /^(?:general|wide|wider|broad|broader|mixed|lay)$/u.test(width ?? "") && /^(?:an?|the)$/u.test(article ?? "") &&
    link === "for"
  ) {
    marked(tokens, index - 3, index + 1)
  }
}

/** "in English" is a wish only at the end or before a break; "in the style of Hemingway" is one wherever it stands. */
const fits = (tokens: ReadonlyArray<Token>, from: number): boolean => {
  const first = tokens[from]
  return first !== undefined && (first.word !== "of" && first.word !== "and" && first.word !== "und")
}

const asksBefore = (tokens: ReadonlyArray<Token>, index: number): boolean => {
  for (let at = index - 1; at >= Math.max(index - 20, 0); at--) {
    const token = tokens[at]
    if (token !== undefined && /^(?:publish|need|want|post|run|planning|get)$/u.test(token.word)) return true
    if (token?.gap === Gap.sentence) return false
  }
  return false
}

/** Words of grammar that a phrase of style or place may hold. */
const inner = words(
  "a an the our my your its and or of some one unsere unserer unseren unser eine einem einen einer der die das den dem notre un une des le la nuestra nuestro el una und y et très muy as"
)

/** Back from a word to the preposition of its phrase, over at most `strangers` words of no known role. */
const back = (
  tokens: ReadonlyArray<Token>,
  index: number,
  most: number,
  strangers: number,
  commas: boolean,
  found: (token: Token) => boolean
): number | undefined => {
  let unknown = 0
  let last: number | undefined
  for (let at = index; at > Math.max(index - most, 0); at--) {
    const token = tokens[at]
    const before = tokens[at - 1]
    if (token === undefined || before === undefined) return last
    if (token.gap > (commas && before.role === "style" ? Gap.comma : Gap.none)) return last
    if (before.mark !== "none") return last ?? (before.mark === "asking" && before.role === "own" ? at : undefined)
    if (found(before)) {
      if (before.word !== "of" && before.word !== "and" && before.word !== "und") return at - 1
      last = at - 1
    }
    if (says(before) && ++unknown > strangers) return undefined
    if (before.role === "text" && token.word !== "of" || before.role === "request" && !found(before)) return undefined
    if (before.role === "question" || before.role === "grammar" && !inner.has(before.word) && !found(before)) {
      return last
    }
  }
  return last
}
