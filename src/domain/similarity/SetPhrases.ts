/** Turns of phrase that ask for a text, or present its subject, as data: they begin a sentence, or end it. */

const openings = `
  any chance | why not | why dont we | how about | what about | up next | next up | coming up | up now
  shed some light on | shed light on | throw some light on | throw light on | cast some light on | cast light on
  shine a light on | shine some light on | turn the spotlight on | put the spotlight on | cast an eye over | run an eye over
  put pen to paper on | put pen to paper about | spread the word about | spread the word on | raise awareness of
  raise awareness for | raise awareness about | raise awareness on | take a tour of | go ahead and | feel free to | make sure to | be sure to
  when it comes to | as regards | with regard to | with regards to | in regard to | as far as | sum up | break down | boil down
  pick up | take up | take on | quick favour | quick favor | quick question | subject line | short and sweet | nice and short
  fancy | care to | feel like | ever thought of | ever thought about | go write | get going on | get cracking on
  get started on | get to work on | set to work on | put your mind to | try your hand at | have a stab at | have a crack at
  have a go at | have a shot at | take a stab at | take a crack at | take a shot at
  all you need to know about
  all there is to know about | the lowdown on | the ins and outs of | the long and short of
`

const closings = `
  right away | right now | straight away | as soon as possible | as soon as you can | when you get the chance
  when you get a chance | when you have a minute | when you have a moment | when you have time | if you can | if possible
  if you like | if you please | if you could | in the first person | in the second person | in the third person
  in first person | in third person | in the active voice | as if you were talking to a friend
  as if talking to a friend | like a journalist would | for publication | for immediate publication | with a call to action
  and finish with a call to action | ending with a call to action | that ranks well on google | that ranks well
  in language everyone understands | in words everyone understands | from start to finish | and so on | or something like that
  or something similar | at your earliest convenience | thank you in advance | thanks in advance
`

/** By first word; what needs a verb of asking after it to be one ("Why not write …", "Fancy writing …"). */
const needing = new Set(["why", "fancy", "pick", "take", "care", "feel", "go", "break", "sum", "boil"])

interface Opening {
  readonly words: ReadonlyArray<string>
  /** Only where a word of asking follows, or the text or the readers are named after it. */
  readonly needing: boolean
}

const byFirstWord = (phrases: string): ReadonlyMap<string, ReadonlyArray<Opening>> => {
  const found = new Map<string, Array<Opening>>()
  for (const phrase of phrases.trim().split(/\s*(?:\||\n)\s*/u)) {
    const words = phrase.split(" ")
    const first = words[0] ?? ""
    found.set(first, [...found.get(first) ?? [], { words, needing: needing.has(first) }])
  }
  return found
}

type WordAt = (index: number) => string | undefined

const starting = byFirstWord(openings)
const closing = byFirstWord(closings)

/** The set phrase that begins at a word. */
export const openingAt = (wordAt: WordAt, index: number): Opening | undefined => phraseAt(starting, wordAt, index)

/** The same for those that end a sentence: how many words it has. */
export const closingAt = (wordAt: WordAt, index: number): number => phraseAt(closing, wordAt, index)?.words.length ?? 0

const phraseAt = (
  table: ReadonlyMap<string, ReadonlyArray<Opening>>,
  wordAt: WordAt,
  index: number
): Opening | undefined =>
  table.get(wordAt(index) ?? "")?.find(({ words }) => words.every((word, offset) => wordAt(index + offset) === word))
