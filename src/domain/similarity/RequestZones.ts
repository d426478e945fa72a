/** Finds where a prompt asks and where it says what about: marks what belongs to the asking, or is an instruction. */
import { markAddedInstruction, markInstructions } from "./Instructions.ts"
import { markCircumstances, nameShapes } from "./LeadPlaces.ts"
import { markLead } from "./Leads.ts"
import {
  gapless,
  linkAfter,
  linkAt,
  links,
  marked,
  sayingRest,
  says,
  staying,
  verbs,
  words,
  written
} from "./RequestMarks.ts"
import { textKindAt } from "./TextKind.ts"
import { Gap, type Token } from "./Tokens.ts"
import { markLengths, markPhrases, markWishes } from "./Wishes.ts"

export interface Request {
  /** The kind of text asked for, where it is named and not just a text. */
  readonly kind: string | undefined
  /** How many words are wished for. */
  readonly length: number | undefined
}

/** How far a phrase may reach; so that every look around is bounded, and the whole linear. */
const reach = 8

/** Changes `mark` of the tokens. */
export const markRequest = (tokens: ReadonlyArray<Token>): Request => {
  freeVerbs(tokens)
  nameShapes(tokens)
  const length = markLengths(tokens)
  markWishes(tokens)
  markPhrases(tokens)
  const starts = tokens.flatMap((token, index) => token.gap === Gap.sentence ? [index] : [])
  const sentences = starts.map((start, index) => ({ start, end: starts[index + 1] ?? tokens.length }))
  for (const { end, start } of sentences) {
    markPersona(tokens, start, end)
    markOpening(tokens, start, end)
    markCircumstances(tokens, start, end)
    markLead(tokens, start, end)
  }
  const kind = markTexts(tokens)
  for (const { end, start } of sentences) markAddedInstruction(tokens, start, end)
  markInstructions(tokens, sentences)
  return { kind, length }
}

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
    const piece = token.word === "writing" && before?.word === "of" && tokens[index - 2]?.role === "text"
    if (!taught && !gerund || piece) return
    for (let at = index + 1; at < Math.min(index + 5, tokens.length) && tokens[at]?.gap === Gap.none; at++) {
      if (tokens[at]?.role === "text" || tokens[at]?.word === "about") return
      if (textKindAt((place) => tokens[place]?.stem, at) !== undefined) return
    }
    token.role = undefined
  })
}

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
    if (token === undefined || token.role === "text" || token.role === "question" || token.word === "about") return
    if (!says(token)) continue
    const next = gapless(tokens, at + 1)
    const asks = tokens.slice(at + 1, at + 1 + 10).some((one) => one.role === "text" || one.word === "about")
    if (asks && politeBefore.has(tokens[at - 1]?.word ?? "") && next !== undefined && next.role !== undefined) {
      token.mark = "asking"
    }
    return
  }
}

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
    const found = token.mark === "none" ? singular(tokens, index, textKindAt(stemAt, index)) : undefined
    // "A story dealing with …": its place has made it a text.
    const phrase = found?.words.length === 1 && token.role === "text" ? undefined : found
    const kind = phrase?.kind ?? (token.role === "text" && token.mark === "none" ? "" : undefined)
    if (kind !== undefined) {
      const last = index + (phrase?.words.length ?? 1)
      const after = tokens[last]
      const follows = linkAfter(tokens, last)
      const closed = after === undefined || after.gap > 0 || !says(after) || linkAt(tokens, last) !== undefined
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
          marked(tokens, last, linkAt(tokens, last) ?? last)
          const participle = gapless(tokens, last)
          if (says(participle) && participle?.word.endsWith("ing") === true) participle.mark = "asking"
          if (/^(?:that|which)$/u.test(after?.word ?? "") && says(gapless(tokens, last + 1))) {
            marked(tokens, last + 1, last + 2)
          }
        }
        marked(tokens, index, last)
        const upTo = leads && follows === "strong" ? linkAt(tokens, last) ?? last + 4 : last
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
  return role === "grammar" || role === "request" || role === "own" && !tokens.slice(at, index).some(says)
}

/** "Recipes" and "short stories" are subjects, where nothing asks for them: "write tweets". */
const singular = <A extends { readonly words: ReadonlyArray<string> }>(
  tokens: ReadonlyArray<Token>,
  index: number,
  phrase: A | undefined
): A | undefined => {
  const word = tokens[index + (phrase?.words.length ?? 1) - 1]?.word ?? ""
  if (!word.endsWith("s") || /^(?:faqs|notes|questions|lyrics)$/u.test(word)) return phrase
  return [1, 2, 3].some((steps) => verbs.has(tokens[index - steps]?.stem ?? "")) ? phrase : undefined
}

const named = (asked: string | undefined): string | undefined => asked === "" ? undefined : asked

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

/** "a German article" is another text than one in the language of the prompt. */
const languages = written(
  `german french spanish italian dutch polish portuguese russian ukrainian turkish arabic chinese japanese korean greek
  swedish danish norwegian finnish czech hungarian romanian hindi latin welsh irish catalan`
)

/** "Looking for", "in need of": what follows is the text. */
const soughtFor = (tokens: ReadonlyArray<Token>, at: number): boolean =>
  tokens[at]?.word === "for" &&
  /^(?:look|looking|ask|asking|asked|hoping|request|searching)$/u.test(tokens[at - 1]?.word ?? "")

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
      staying.has(tokens[at - steps]?.stem ?? "") && !soughtFor(tokens, at - steps) &&
      !tokens.slice(at - steps + 1, at + 1).some((one) => one.gap > 0)
    )
    if (brought || token.number || languages.has(token.word)) continue
    token.mark = "asking"
    count++
  }
  return count
}
