/** Sentences, and ends of sentences, that say how to write or why, and not what about. */
import {
  determiners,
  isText,
  linkAfter,
  marked,
  sayingRest,
  says,
  type Sentence,
  staying,
  subjectKeys,
  verbs,
  words,
  written
} from "./RequestMarks.ts"
import { closingAt } from "./SetPhrases.ts"
import { Gap, type Token } from "./Tokens.ts"

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

/** Sentences that say how to write, or why, where another sentence says what about. */
export const markInstructions = (tokens: ReadonlyArray<Token>, sentences: ReadonlyArray<Sentence>): void => {
  const saying = sentences.filter(({ end, start }) => tokens.slice(start, end).some(says))
  const asking = tokens.some(isText)
  for (const { end, start } of saying) markReason(tokens, start, end, asking)
  const announcing = new Set(saying.filter((sentence) => announces(tokens, sentence)))
  for (const { end, start } of announcing.size > 0 ? sentences : []) {
    if (!tokens.slice(start, end).some(says)) marked(tokens, start, end)
  }
  if (saying.length < 2) return
  const marks = saying.map((sentence): Token["mark"] => markFor(tokens, sentence))
  const announced = saying.some((sentence, index) => marks[index] === "none" && announcing.has(sentence))
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
  const near = tokens.slice(start + 1, Math.min(end, start + 10))
  const about = start + 1 + near.findIndex(({ word }) => word === "about")
  if (about <= start || sayingRest(tokens, about + 1) === 0) return
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

const tails = written(
  `please written write make keep use add include avoid ideally preferably possibly maybe roughly nothing would
  should must but so we i it that which do don't thanks thank cheers regards optimised optimized aimed
  geschrieben bitte idealerweise gerne écrit écrite idéalement escrito escrita preferiblemente`
)

const tailPairs =
  /^(?:make (?:it|sure)|keep (?:it|the)|include an?|use an?|be sure|written in|aimed at|that's it|so that)$/u

const facts = /^(?:it|that|which|but|so|we|i|would|should|must)$/u

const imperatives = written(
  `use add include avoid mention quote cite end close finish start write insert highlight format structure explain give`
)
const people = /^(?:people|everyone|anyone|everybody|they)$/u

const greetings = written("cheers regards greetings sincerely thanks merci gracias danke grüsse")

/** "…, and make it funny", "; please keep it short", "… that our readers will enjoy", "Cheers, Tom". */
export const markAddedInstruction = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  let said = false
  for (let at = start; at < end; at++) {
    const token = tokens[at]
    if (token === undefined) return
    const next = tokens[at + 1]
    const signed = token.word === "best" && token.gap === Gap.sentence && next?.gap === Gap.comma
    if (signed && end - at <= 4) return marked(tokens, at, end)
    if (said && token.word === "would" && next?.word === "be" && end - at <= 5) return marked(tokens, at, end)
    const explained = token.gap > 0 && token.word.endsWith("ed") && /^(?:for|to|in)$/u.test(next?.word ?? "")
      && tokens.slice(at + 2, Math.min(at + 6, end)).some(({ mark, role }) => mark !== "none" || role === "own")
    if (said && token.word === "go" && end - at === 1) return marked(tokens, at, end)
    if (said && token.word === "due" && tokens[at - 1]?.word === "is") marked(tokens, at, at + 1)
    const closes = said ? closingAt((place) => tokens[place]?.word, at) : 0
    if (closes > 0 && (tokens[at + closes]?.gap ?? Gap.sentence) > 0) marked(tokens, at, at + closes)
    if (said && appears(tokens, at)) marked(tokens, at, at + 3)
    if (said && closesAsTold(tokens, at, end)) marked(tokens, at, at + 1 + Number(next?.word.endsWith("ly") === true))
    if (said && anaphoric(tokens, at, end)) return marked(tokens, at, end, "instruction")
    if (said && explained && end - at <= 6) return marked(tokens, at, at + 1)
    if (greetings.has(token.word) && at > 0 && end - at <= 5) return marked(tokens, at, end)
    const paired = tailPairs.test(`${token.word} ${next?.word}`) &&
      (token.gap > 0 || /^(?:and|please)$/u.test(tokens[at - 1]?.word ?? ""))
    const apart = token.gap > 0 && token.gap < Gap.sentence && tails.has(token.word)
    // "…, and use short paragraphs", where what follows is a matter of form.
    const wished = (token.gap === Gap.comma || tokens[at - 1]?.word === "and") && imperatives.has(token.word)
      && tokens.slice(at + 1, Math.min(at + 8, end)).some(({ mark, role }) =>
        mark !== "none" || role === "form" || role === "style"
      )
    const relative = /^(?:that|which)$/u.test(token.word) && next?.gap === Gap.none
      && (isPeople(tokens, at + 1) ||
        /^(?:is|are|feels|sounds|reads)$/u.test(next.word) && tokens[at + 2]?.role === "style")
    if (said && (paired || apart || wished || relative)) {
      // What is told of the subject may hold facts: numbers and names count there.
      const mark = paired || wished || apart && !facts.test(token.word) ? "instruction" : "context"
      for (let rest = at; rest < end; rest++) {
        const left = tokens[rest]
        if (left?.mark === "none" && left.role !== "text") left.mark = mark
      }
      return
    }
    if (says(token)) said = true
  }
}

const appearing = written("published posted used shared placed put go appear run publish post share use")

/** "… to be published on our website": before the place, which is marked. */
const appears = (tokens: ReadonlyArray<Token>, at: number): boolean => {
  if (tokens[at]?.word !== "to") return false
  const verb = tokens[at + 1]?.word === "be" ? at + 2 : at + 1
  const place = tokens[verb + 1]
  return appearing.has(tokens[verb]?.word ?? "") && place?.mark === "asking" && /^(?:on|in|for|to)$/u.test(place.word)
}

const told = written(
  "explained covered described discussed presented summarised summarized featured unpacked demystified"
)

/** "… explained", "… covered on our blog": at the end, or before what is asking. */
const closesAsTold = (tokens: ReadonlyArray<Token>, at: number, end: number): boolean => {
  if (!told.has(tokens[at]?.word ?? "")) return false
  const next = at + 1 + Number(tokens[at + 1]?.word.endsWith("ly") === true)
  return next >= end || tokens[next]?.mark === "asking" || (tokens[next]?.gap ?? 0) > 0
}

/** "… for people who have never heard of it": what refers back to the subject only says for whom it is. */
const anaphoric = (tokens: ReadonlyArray<Token>, at: number, end: number): boolean => {
  if (tokens[at]?.word !== "for" || end - at > 14 || end - at < 4) return false
  const who = tokens.slice(at + 1, at + 3)
  return who.some(({ role, word }) => people.test(word) || role === "own" || /^(?:those|someone|somebody)$/u.test(word))
    && /^(?:it|this|that|them)$/u.test(tokens[end - 1]?.word ?? "")
    // "For people who love it" and "for people who fear it" are two audiences.
    && tokens.slice(at + 2, end).some(({ word }) => /^(?:new|never|unfamiliar|know|little|nothing)$/u.test(word))
}

/** "our readers will", "people can": who shall like the text. */
const isPeople = (tokens: ReadonlyArray<Token>, at: number): boolean => {
  const own = determiners.has(tokens[at]?.stem ?? "") ? at + 1 : at
  const who = tokens[own]
  return who !== undefined && (who.role === "own" || people.test(who.word))
    && /^(?:will|would|can|could|should|love|enjoy|want|like|find|may)$/u.test(tokens[own + 1]?.word ?? "")
}
