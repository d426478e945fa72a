/** Finds where a prompt asks and where it says what about: marks what belongs to the asking, or is an instruction. */
import { stem } from "./Stem.ts"
import { textKindAt } from "./TextKind.ts"
import { Gap, type Token } from "./Tokens.ts"

export interface Request {
  /** The kind of text asked for, where it is named and not just a text. */
  readonly kind: string | undefined
  /** How many words are wished for. */
  readonly length: number | undefined
}

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/u).map(stem))

/** Verbs that ask for a text, and that a text can be about: "how to write a will", "reading glasses". */
const doing =
  /^(?:writ|read|creat|mak|produc|prepar|generat|craft|develop|publish|provid|giv|deliver|send|show|tell|explain|help|put|turn|start|talk|speak|enjoy|follow|ask|order|receiv|get)(?:e|ing|ting)?$/u

const leading = /^(?:with|of|for|in|into|to)$/u

/** After "how to", and as a gerund where a subject begins, such a verb belongs to the subject. */
const freeVerbs = (tokens: ReadonlyArray<Token>): void => {
  tokens.forEach((token, index) => {
    if (token.role !== "request" || !doing.test(token.word)) return
    const before = tokens[index - 1]
    const taught = before?.word === "to" && tokens[index - 2]?.role === "question"
    const gerund = token.word.endsWith("ing")
      && (token.gap > 0 || before !== undefined && (links.has(before.stem) || leading.test(before.word)))
    if (!taught && !gerund) return
    for (let at = index + 1; at < Math.min(index + 5, tokens.length) && tokens[at]?.gap === Gap.none; at++) {
      if (tokens[at]?.role === "text" || tokens[at]?.word === "about") return
      if (textKindAt((place) => tokens[place]?.stem, at) !== undefined) return
    }
    token.role = undefined
  })
}

/** How far a phrase may reach; so that every look around is bounded, and the whole linear. */
const reach = 8

/** Changes `mark` of the tokens. */
export const markRequest = (tokens: ReadonlyArray<Token>): Request => {
  freeVerbs(tokens)
  const length = markLengths(tokens)
  markWishes(tokens)
  markPhrases(tokens)
  const starts = tokens.flatMap((token, index) => token.gap === Gap.sentence ? [index] : [])
  const sentences = starts.map((start, index) => ({ start, end: starts[index + 1] ?? tokens.length }))
  for (const { end, start } of sentences) {
    markPersona(tokens, start, end)
    markOpening(tokens, start, end)
  }
  const kind = markTexts(tokens)
  for (const { end, start } of sentences) markAddedInstruction(tokens, start, end)
  markInstructions(tokens, sentences)
  return { kind, length }
}

const says = (token: Token | undefined): boolean =>
  token !== undefined && token.mark === "none" && (token.role === undefined || token.number)

const marked = (tokens: ReadonlyArray<Token>, start: number, end: number, mark: Token["mark"] = "asking"): void => {
  for (let index = Math.max(start, 0); index < Math.min(end, tokens.length); index++) {
    const token = tokens[index]
    if (token !== undefined) token.mark = mark
  }
}

const units = words(
  `word character paragraph sentence wort wörter wörtern worte worten zeichen absätze absätzen mots mot
  caractères palabras palabra caracteres parole palavras woorden`
)

const bounds = words(
  "no not more less than under over up to at least most max maximum about around roughly mindestens höchstens maximal unter über plus moins más menos de unas about circa rund"
)

/** "500 words", "a 300- to 400-word post", "no more than 900 words", "Words: 600". */
const markLengths = (tokens: ReadonlyArray<Token>): number | undefined => {
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
    if (token.number || !units.has(token.stem)) return
    const after = tokens[index + 1]
    if (after?.number === true && after.gap === Gap.colon) {
      wish(token, after)
      return marked(tokens, index, index + 2)
    }
    let from = index
    for (let back = index - 1; back >= Math.max(index - 4, 0); back--) {
      const before = tokens[back]
      if (before?.number === true) {
        from = back
        wish(token, before)
      } else if (before?.role !== "grammar") break
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
const subjectKeys = words("topic subject theme thema sujet tema keyword keywords audience title title")

/** "Tone: playful", "Length: around 700 words". */
const markWishes = (tokens: ReadonlyArray<Token>): void => {
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
const determiners = words(
  "our my your the unsere unseren unser unserem meine mein meinen die den das notre nos votre nuestra nuestro nuestros la el le nostro nossa onze ons"
)
const places = words("website site homepage web blog intranet page magazine newspaper channel portal cms web-site")
const times = words(
  "monday tuesday wednesday thursday friday saturday sunday tomorrow tonight noon end montag freitag morgen lundi vendredi lunes viernes"
)

/** "in a warm tone", "with a catchy headline", "for the travel section of our blog", "by Friday". */
const markPhrases = (tokens: ReadonlyArray<Token>): void => {
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]
    if (token === undefined) continue
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
      const goesOn = tokens[index - 1]?.mark === "asking" && tokens[index - 1]?.role === "own" && token.gap === Gap.none
      if (goesOn) token.mark = "asking"
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
      times.has(token.stem) && /^(?:by|bis|until|till|para|pour|avant)$/u.test(tokens[index - 1]?.word ?? "")
    ) {
      marked(tokens, index - 1, index + 1)
    } else if (/^(?:draft|version|entwurf)$/u.test(token.word) && tokens[index - 1]?.stem === "#1th") {
      marked(tokens, index - 1, index)
    } else if (
      /^(?:week|month|tomorrow|today)$/u.test(token.word) &&
      (token.word.startsWith("to") || /^(?:next|this)$/u.test(tokens[index - 1]?.word ?? ""))
    ) {
      if ((tokens[index + 1]?.gap ?? Gap.sentence) > 0 && asksBefore(tokens, index)) {
        marked(tokens, token.word.startsWith("to") ? index : index - 1, index + 1)
      }
    }
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

const gapless = (tokens: ReadonlyArray<Token>, index: number): Token | undefined => {
  const token = tokens[index]
  return token !== undefined && token.gap === Gap.none ? token : undefined
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

const verbs = words(`write draft create compose produce prepare generate craft make publish deliver provide explain tell
  describe schreibe schreib verfasse erstelle formuliere écris rédige rédigez écrivez escribe redacta scrivi escreva`)

/** "You are an experienced editor.", "As a vet, …", "Act as a copywriter and …". */
const markPersona = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  const [first, second, third] = [0, 1, 2].map((offset) => tokens[start + offset]?.word ?? "")
  const opening = `${first} ${second}`
  const whole =
    /^(?:act as|you are|you re|you an?|imagine you|pretend you|pretend to|du bist|sie sind|tu es|vous êtes|eres un|eres una|actúa como|agis comme)$/u
      .test(opening)
    || `${opening} ${third}` === "take the role"
  const clause =
    /^(?:as an?|as our|as your|as the|als ein|als eine|als erfahrener|als erfahrene|como un|como una|en tant)$/u.test(
      opening
    )
  if (!whole && !clause) return
  let at = start + 2
  for (; at < end; at++) {
    const token = tokens[at]
    if (token === undefined || verbs.has(token.stem) || clause && token.gap > 0) break
  }
  if (at < end || end < tokens.length) marked(tokens, start, at)
}

const politeBefore = words("please you us kindly to bitte")
const opensPolitely = words("please can could would will let lets kindly help i we i'd we'd bitte")

/** The unknown verb of "could you whip up a post about …". */
const markOpening = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  if (!opensPolitely.has(tokens[start]?.word ?? "")) return
  for (let at = start + 1; at < Math.min(end, start + reach); at++) {
    const token = tokens[at]
    if (token === undefined || token.role === "text") return
    if (!says(token)) continue
    const next = gapless(tokens, at + 1)
    const asks = tokens.slice(at + 1, at + 1 + 10).some((one) => one.role === "text" || one.word === "about")
    if (asks && politeBefore.has(tokens[at - 1]?.word ?? "") && next !== undefined && next.role !== undefined) {
      token.mark = "asking"
    }
    return
  }
}

/** "about" and the like: the subject follows. */
const links = words(
  `about regarding concerning covering on exploring explaining describing discussing announcing introducing
  topic subject theme titled entitled called dealing deal that which summarising summarizing presenting outlining
  über zum zur thema sobre acerca sur propos concernant su sulla sul про о об`
)
const weakLinks = words("for of to für von pour de para")
const staying = words("in for at from during in für aus en pour dans para from under")

/** Marks the words before "… article about", and the name of the text; finds its kind. */
const markTexts = (tokens: ReadonlyArray<Token>): string | undefined => {
  const stemAt = (index: number) => tokens[index]?.role === "negation" ? undefined : tokens[index]?.stem
  let said = 0
  let announced = false
  let clause = 0
  let asked: string | undefined
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]
    if (token === undefined) continue
    if (token.gap > 0) clause = 0
    if (token.gap === Gap.sentence && said > 0 && asked !== undefined) return named(asked)
    const phrase = token.mark === "none" ? textKindAt(stemAt, index) : undefined
    const kind = phrase?.kind ?? (token.role === "text" && token.mark === "none" ? "" : undefined)
    if (kind !== undefined) {
      const last = index + (phrase?.words.length ?? 1)
      const after = tokens[last]
      const follows = linkAfter(tokens, last)
      const closed = after === undefined || after.gap > 0 || !says(after)
      const first = asked === undefined && !announced
      const leads = first && follows !== "none" && closed && strangersBefore(tokens, index, follows)
      const told = phrase !== undefined && [1, 2, 3].some((steps) =>
        /^(?:writing|how)$/u.test(tokens[index - steps]?.word ?? "")
      )
        && !tokens.slice(Math.max(index - 6, 0), index).some(({ word }) => word === "mind")
      if (told) {
        said++
        clause++
        continue
      }
      const trails = first && clause === 0 && closed && (said === 0 || sayingRest(tokens, last) === 0)
      if (leads || trails && (kind !== "" || said > 0 || closed)) {
        if (leads && (follows === "strong" || kind !== "" || after?.gap === Gap.colon && startsAsking(tokens, index))) {
          const before = markBefore(tokens, index)
          said -= before
          const participle = gapless(tokens, last)
          if (says(participle) && participle?.word.endsWith("ing") === true) participle.mark = "asking"
          if (/^(?:that|which)$/u.test(after?.word ?? "") && says(gapless(tokens, last + 1))) {
            marked(tokens, last + 1, last + 2)
          }
        }
        marked(tokens, index, last)
        const upTo = leads && follows === "strong" ? last + 4 : last
        for (let at = last; at < upTo; at++) {
          const between = tokens[at]
          if (between === undefined || between.gap > 0 || links.has(between.stem)) {
            break
          }
          if (between.role === "negation" || between.role === "own") between.mark = "asking"
        }
        if (kind !== "" || asked === undefined) asked = kind
        index = last - 1
        continue
      }
    }
    if (links.has(token.stem) && (said > 0 || asked !== undefined || token.word === "about")) {
      announced ||= asked !== undefined
    }
    if (says(token)) {
      said++
      clause++
    }
  }
  return named(asked)
}

/** The sentence begins with a word of asking and not with its subject. */
const startsAsking = (tokens: ReadonlyArray<Token>, index: number): boolean => {
  let at = index
  while (at > Math.max(index - 12, 0) && tokens[at]?.gap !== Gap.sentence) at--
  const role = tokens[at]?.role
  return role === "grammar" || role === "request"
}

const named = (asked: string | undefined): string | undefined => asked === "" ? undefined : asked

const linkAfter = (tokens: ReadonlyArray<Token>, from: number): "strong" | "weak" | "none" => {
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
const sayingRest = (tokens: ReadonlyArray<Token>, from: number): number => {
  let count = 0
  for (let at = from; at < Math.min(tokens.length, from + 12); at++) {
    const token = tokens[at]
    if (at > from && token?.gap === Gap.sentence) break
    if (says(token)) count++
  }
  return count
}

/** Nothing but asking stands before: no more than three words of no known role, and no break that ends a subject. */
const strangersBefore = (tokens: ReadonlyArray<Token>, index: number, follows: string): boolean => {
  let unknown = 0
  for (let at = index - 1; at >= Math.max(index - 16, 0); at--) {
    const token = tokens[at]
    const next = tokens[at + 1]
    if (token === undefined || next === undefined || next.gap >= Gap.colon) break
    if (says(token)) unknown++
  }
  return unknown <= (follows === "strong" ? 3 : 2)
}

/** The unknown words before the text's name are no subject, but for those that a preposition brings in. */
const markBefore = (tokens: ReadonlyArray<Token>, index: number): number => {
  let count = 0
  for (let at = index - 1; at >= Math.max(index - 16, 0); at--) {
    const token = tokens[at]
    const next = tokens[at + 1]
    if (token === undefined || next === undefined || next.gap >= Gap.colon) break
    if (token.role === "style" || token.role === "form" || token.role === "own") token.mark = "asking"
    if (!says(token)) continue
    const brought = [1, 2, 3].some((steps) =>
      staying.has(tokens[at - steps]?.stem ?? "") && !tokens.slice(at - steps + 1, at + 1).some((one) => one.gap > 0)
    )
    if (brought || token.number) continue
    token.mark = "asking"
    count++
  }
  return count
}

const starters = words(
  `use using keep include add avoid make mention end close finish link quote explain limit stick aim address target
  tone style length format structure no not never ensure be sure remember highlight emphasise emphasize refer cite insert
  propose suggest it the this maximum max write give put start begin close do apply follow adopt choose place
  verwende nutze achte vermeide füge baue halte der schließe beende utilise utilisez évite évitez ajoute ajoutez inclus termine
  usa utiliza evita añade incluye termina`
)
const textSubjects = words(
  "text article post piece copy tone style audience language reader draft blog it content length article text ton texte texto beitrag artikel estructura"
)
const courtesy = words("please also and then additionally finally bitte kindly")

interface Sentence {
  readonly start: number
  readonly end: number
}

/** Sentences that say how to write, or why, where another sentence says what about. */
const markInstructions = (tokens: ReadonlyArray<Token>, sentences: ReadonlyArray<Sentence>): void => {
  const saying = sentences.filter(({ end, start }) => tokens.slice(start, end).some(says))
  const asking = tokens.some(isText)
  for (const { end, start } of saying) markReason(tokens, start, end, asking)
  for (const sentence of sentences) {
    const others = saying.some((one) => one !== sentence && announces(tokens, one))
    if (!saying.includes(sentence) && others) marked(tokens, sentence.start, sentence.end)
  }
  if (saying.length < 2) return
  const marks = saying.map((sentence): Token["mark"] => markFor(tokens, sentence))
  const announced = saying.some((sentence, index) => marks[index] === "none" && announces(tokens, sentence))
  if (marks.every((mark) => mark !== "none")) return
  saying.forEach(({ end, start }, index) => {
    const sentence = { start, end }
    const mark = marks[index] === "none" && announced && !announces(tokens, sentence)
      ? "context"
      : marks[index] ?? "none"
    for (let at = start; at < end; at++) {
      const token = tokens[at]
      if (token?.mark === "none") token.mark = mark
    }
  })
}

const isText = (token: Token): boolean => token.role === "text" && token.mark === "asking"

/** "Time for a new blog post!" asks, and says no more; "Use short sentences." instructs. */
const markFor = (tokens: ReadonlyArray<Token>, { end, start }: Sentence): Token["mark"] => {
  if (instruction(tokens, start, end)) return "instruction"
  const some = tokens.slice(start, end)
  if (
    /^(?:can|could|will|would) you$/u.test(`${some[0]?.word} ${some[1]?.word}`) && some.filter(says).length <= 1 &&
    !announces(tokens, { start, end }) && !some.some(({ word }) => word === "about")
  ) return "asking"
  const brought = some.some((token, index) => says(token) && staying.has(some[index - 1]?.stem ?? ""))
  return some.some(({ role }) => role === "text") && !brought && some.filter(says).length <= 2 &&
      !announces(tokens, { start, end })
    ? "asking"
    : "none"
}

/** The sentence names the text and what it is to be about. */
const announces = (tokens: ReadonlyArray<Token>, { end, start }: Sentence): boolean => {
  for (let at = start; at < Math.min(end, start + 24); at++) {
    const token = tokens[at]
    if (token === undefined) return false
    if (subjectKeys.has(token.stem) && tokens[at + 1]?.gap === Gap.colon) return true
    if ((isText(token) || verbs.has(token.stem)) && linkAfter(tokens, at + 1) !== "none") return true
  }
  return false
}

/** "Our readers keep asking about …": where another sentence asks, what precedes "about" only says why. */
const markReason = (tokens: ReadonlyArray<Token>, start: number, end: number, asking: boolean): void => {
  const role = tokens[start]?.role
  if (!asking || role !== "grammar" && role !== "own" && role !== "request") return
  const about = tokens.findIndex(({ word }, index) =>
    index > start && index < Math.min(end, start + 10) && word === "about"
  )
  if (about < 0 || sayingRest(tokens, about + 1) === 0) return
  const before = tokens.slice(start, about)
  if (before.some(isText) || before.filter(says).length > 3) return
  for (let at = start; at < about; at++) {
    const token = tokens[at]
    if (token?.mark === "none" && !token.number) token.mark = "context"
  }
}

const instruction = (tokens: ReadonlyArray<Token>, start: number, end: number): boolean => {
  let at = start
  while (at < end && courtesy.has(tokens[at]?.stem ?? "")) at++
  const first = tokens[at]
  if (first === undefined || !starters.has(first.stem)) return false
  if (/^(?:the|der|die)$/u.test(first.word) && !textSubjects.has(tokens[at + 1]?.stem ?? "")) return false
  // "It is in Davos" tells of the subject, "it should be short" of the text.
  if (
    /^(?:it|this)$/u.test(first.word) &&
    !/^(?:should|must|has|needs|can|shall|may|ought)$/u.test(tokens[at + 1]?.word ?? "")
  ) return false
  for (let next = at; next < Math.min(end, at + 16); next++) {
    const token = tokens[next]
    const text = token?.role === "text" || verbs.has(token?.stem ?? "")
    if (text && linkAfter(tokens, next + 1) === "strong") return false
    if (
      verbs.has(token?.stem ?? "") && token?.mark === "none" &&
      tokens.slice(next + 1, next + 8).some((one) => one.mark === "asking" && one.role === "text")
    ) return false
  }
  return true
}

const written = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/u))
const tails = written(
  `please written write make keep use add include avoid ideally preferably possibly maybe roughly nothing would
  should must but so we i it that which do don't thanks thank cheers regards optimised optimized aimed
  geschrieben bitte idealerweise gerne écrit écrite idéalement escrito escrita preferiblemente`
)
const tailPairs =
  /^(?:make (?:it|sure)|keep (?:it|the)|include an?|use an?|be sure|written in|aimed at|that's it|so that)$/u
const facts = /^(?:it|that|which|but|so|we|i|would|should|must)$/u
const people = /^(?:people|everyone|anyone|everybody|they)$/u
const greetings = written("cheers regards greetings sincerely thanks merci gracias danke grüsse")

/** "…, and make it funny", "; please keep it short", "… that our readers will enjoy", "Cheers, Tom". */
const markAddedInstruction = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  let said = false
  for (let at = start; at < end; at++) {
    const token = tokens[at]
    if (token === undefined) return
    const next = tokens[at + 1]
    if (greetings.has(token.word) && at > 0 && end - at <= 5) return marked(tokens, at, end)
    const paired = tailPairs.test(`${token.word} ${next?.word}`) &&
      (token.gap > 0 || /^(?:and|please)$/u.test(tokens[at - 1]?.word ?? ""))
    const apart = token.gap > 0 && token.gap < Gap.sentence && tails.has(token.word)
    const relative = /^(?:that|which)$/u.test(token.word) && next?.gap === Gap.none
      && (isPeople(tokens, at + 1) ||
        /^(?:is|are|feels|sounds|reads)$/u.test(next.word) && tokens[at + 2]?.role === "style")
    if (said && (paired || apart || relative)) {
      // What is told of the subject may hold facts: numbers and names count there.
      const mark = paired || apart && !facts.test(token.word) ? "instruction" : "context"
      for (let rest = at; rest < end; rest++) {
        const left = tokens[rest]
        if (left?.mark === "none" && left.role !== "text") left.mark = mark
      }
      return
    }
    if (says(token)) said = true
  }
}

/** "our readers will", "people can": who shall like the text. */
const isPeople = (tokens: ReadonlyArray<Token>, at: number): boolean => {
  const own = determiners.has(tokens[at]?.stem ?? "") ? at + 1 : at
  const who = tokens[own]
  return who !== undefined && (who.role === "own" || people.test(who.word))
    && /^(?:will|would|can|could|should|love|enjoy|want|like|find|may)$/u.test(tokens[own + 1]?.word ?? "")
}
