/** What leads up to the subject by its place, though no word of it is listed: "Pen something on …", "Up next: …". */
import { determiners, linkAt, marked, says, staying, subjectKeys, words, written } from "./RequestMarks.ts"
import { openingAt } from "./SetPhrases.ts"
import { textKindAt } from "./TextKind.ts"
import { Gap, type Token } from "./Tokens.ts"

/** How far a lead may reach, and how many words of no known role it may hold. */
const reach = 12
const most = 4

/** Changes `mark` of the tokens of one sentence. */
export const markLead = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  let first = start
  while (
    first < end && first < start + 3 && /^(?:please|kindly|just|now|so|and|then)$/u.test(tokens[first]?.word ?? "")
  ) {
    first++
  }
  markSetPhrase(tokens, first, end)
  markImperative(tokens, first, end)
  markPresenting(tokens, first, end)
  markTreatment(tokens, first, end)
  markWriting(tokens, first, end)
}

/** "Any chance of …", "Why not write …", "Shed some light on …". */
const markSetPhrase = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  const opening = openingAt((at) => at < end ? tokens[at]?.word : undefined, start)
  if (opening === undefined) return
  const last = start + opening.words.length
  const next = tokens[last]
  if (next === undefined || last >= end && next.gap < Gap.colon) return
  if (
    opening.words.at(-1) === "about" && opening.words.length === 2 && !/^(?:an?|some|writing|we|you)$/u.test(next.word)
  ) return
  if (opening.needing && next.role !== "request" && !namesPlace(tokens, last, end)) return
  marked(tokens, start, last)
}

/** The sentence ends with the text that is asked for, or with whom it is for: "… in an article", "… for our readers". */
const namesPlace = (tokens: ReadonlyArray<Token>, start: number, end: number): boolean => {
  for (let at = start + 1; at < Math.min(end, start + reach * 2); at++) {
    const token = tokens[at]
    if (token?.role === "own" && token.mark === "asking" || token?.role === "form" && token.mark === "asking") {
      return true
    }
    const brought = tokens.slice(Math.max(at - 4, start), at).some(({ word }) => /^(?:in|into|as|with)$/u.test(word))
    if (token?.role === "text" && brought) return true
  }
  return false
}

const isGerund = (word: string): boolean => word.endsWith("ing") && !/^(?:br|s|sw|fl|spr)ing$/u.test(word)

const particles = /^(?:up|out|down|off|together|over|in|away)$/u
const amounts = /^(?:an?|some|something|anything|one|few|several|another)$/u
const opinions = words("thought view opinion insight knowledge expertise wisdom take perspective")

/** An unknown verb at the beginning: "Spin me a yarn about …", "Bang out 500 words on …", "Educate our visitors about …". */
const markImperative = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  const verb = tokens[start]
  if (
    verb === undefined || verb.number || verb.mark !== "none" || verb.role === "question" || isGerund(verb.word)
  ) {
    return
  }
  if (verb.role !== undefined && verb.role !== "request" && verb.role !== "own" && verb.role !== "text") return
  let at = start + 1
  const person = /^(?:me|us)$/u.test(tokens[at]?.word ?? "")
  if (person) at++
  const particle = particles.test(tokens[at]?.word ?? "")
  if (particle) at++
  const object = tokens[at]
  if (object === undefined || at >= end || object.gap > 0) return
  const link = leadLink(tokens, start, end)
  if (link === undefined) return
  if (determiners.has(object.stem)) {
    const after = tokens[at + 1]
    const told = after?.role === "own" || opinions.has(after?.stem ?? "")
    if (told && link <= at + 3) marked(tokens, start, link)
    return
  }
  const length = object.mark === "asking" && (object.number || tokens.slice(at, at + 4).some(({ number }) => number))
  if (!amounts.test(object.word) && !length) return
  let text = length
  let some = person || object.word.endsWith("thing")
  let kind = false
  for (let next = at; next < link; next++) {
    const token = tokens[next]
    if (token?.role === "text") text = true
    if (/^(?:lines|words|draft|bit)$/u.test(token?.word ?? "")) some = true
    if (textKindAt((place) => tokens[place]?.stem, next) !== undefined) kind = true
  }
  // "Find me a house on the coast" asks for no text, "Spin me a yarn about the coast" does.
  const place = person && tokens[link]?.word === "on"
  if (!text && !kind && (!some || place)) return
  marked(tokens, start, length ? link : text || kind ? at : link)
}

const presenting = words(
  `tour speed scoop lowdown rundown story fact news word detail insight glimpse taste idea skinny in out low-down excited
  interested started look overview introduction knowledge picture`
)

/** "Give our readers the lowdown on …", "Bring our visitors up to speed on …", "Take us on a tour of …". */
const markPresenting = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  const verb = tokens[start]
  if (verb === undefined || verb.number || isGerund(verb.word) || verb.role === "question") return
  let at = start + 1
  if (determiners.has(tokens[at]?.stem ?? "") && tokens[at + 1]?.role === "own") at += 2
  else if (/^(?:me|us)$/u.test(tokens[at]?.word ?? "")) at++
  else return
  let presents = false
  let unknown = 0
  let link: number | undefined
  for (const last = Math.min(at + 6, end); at < last; at++) {
    const token = tokens[at]
    if (token === undefined || token.gap > 0 || token.number || token.role === "text" || token.role === "question") {
      break
    }
    if (textKindAt((place) => tokens[place]?.stem, at) !== undefined && token.word !== "story") return
    const direct = unknown === 0 && tokens[at - 1]?.role === "own"
    const about = /^(?:about|regarding)$/u.test(token.word)
    if (about || /^(?:on|of|in|into|through|to|with)$/u.test(token.word) && (presents || direct)) {
      link = at + 1
      // "Up to speed on", "on a tour of"
      const goes = about ? -1 : tokens.slice(at, at + 3).findIndex(({ word }) => word === "speed" || word === "tour")
      if (goes < 0) break
      presents = true
      at += goes
    } else if (presenting.has(token.stem)) presents = true
    else if (says(token) && ++unknown > 1) break
  }
  if (link !== undefined && link < end) marked(tokens, start, link)
}

const treats = written(
  `address tackle treat feature spotlight showcase highlight examine unpack consider present review demystify dissect
  unravel illuminate clarify dig dive delve break sum tell`
)

/** "Address … in an article", "Unpack … for our readers": where the end names the text or its readers, the verb asks. */
const markTreatment = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  const verb = tokens[start]
  // "Tackle the subject of …"
  if (says(verb) && tokens[start + 1]?.word === "the" && subjectKeys.has(tokens[start + 2]?.stem ?? "")) {
    return marked(tokens, start, start + 1)
  }
  if (!treats.has(tokens[start]?.word ?? "") || (tokens[start + 1]?.gap ?? Gap.sentence) > 0) return
  if (!namesPlace(tokens, start + 1, end)) return
  const particle = /^(?:into|down|up|in)$/u
  marked(tokens, start, start + (particle.test(tokens[start + 1]?.word ?? "") ? 2 : 1))
  for (let at = start + 2; at + 1 < Math.min(end, start + reach); at++) {
    if (particle.test(tokens[at]?.word ?? "") && tokens[at + 1]?.mark === "asking") marked(tokens, at, at + 1)
  }
}

const writes = written("write wrote written writing hear")
const knows = written("know say tell learn write understand share")
const everyone = /^(?:people|everyone|everybody|anyone|person|somebody|someone)$/u
const asker = written("i we us me you our editor boss let go")

/** "Any chance you could write about …", "What should people know about …": what stands before is asking. */
const markWriting = (tokens: ReadonlyArray<Token>, start: number, end: number): void => {
  const link = leadLink(tokens, start, end)
  if (link !== undefined && tokens[start]?.word === "what" && knows.has(tokens[link - 1]?.word ?? "")) {
    const all = tokens.slice(start, link)
    if (!all.some((token) => says(token) && !everyone.test(token.word))) return marked(tokens, start, link)
  }
  if (link === undefined || !writes.has(tokens[link - 1]?.word ?? "")) return
  const lead = tokens.slice(start, link)
  if (lead.some(({ word }) => asker.has(word)) && lead[0]?.word.endsWith("ing") !== true) marked(tokens, start, link)
}

/** Where the first "about", "on" or the like stands that a subject follows, when what precedes can be a lead. */
const leadLink = (tokens: ReadonlyArray<Token>, start: number, end: number): number | undefined => {
  let unknown = 0
  for (let at = start; at < Math.min(end, start + reach); at++) {
    const token = tokens[at]
    if (token === undefined || at > start && token.gap > Gap.comma) return undefined
    if (at > start && linkAt(tokens, at) !== undefined) return at
    if (token.role === "question" && at > start || token.role === "negation") return undefined
    if (token.number && token.mark === "none") return undefined
    if (says(token) && (++unknown > most || staying.has(tokens[at - 1]?.stem ?? ""))) return undefined
  }
  return undefined
}
