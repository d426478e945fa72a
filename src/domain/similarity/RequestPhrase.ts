/** General request phrasing, English and German: data for finding where the request ends and the subject begins. */

/** A prompt, taken apart. `request` is absent where nothing was recognised as asking for a kind of text. */
export interface Request {
  readonly request: string | undefined
  readonly subject: string
}

/** `text` is clean: no control characters but line breaks, no surrounding white space. */
export const requestOf = (text: string): Request => {
  const sentences = sentencesOf(text)
  for (const { pattern, names } of phrases) {
    for (const sentence of sentences) {
      const found = pattern.exec(sentence)?.groups?.["subject"]
      const subject = found === undefined ? "" : trimTail(found)
      if (found === undefined || subject === "") continue
      return { request: names ? sentence.slice(0, sentence.length - found.length) : undefined, subject }
    }
  }
  return { request: undefined, subject: trimTail(sentences[0] ?? text.split("\n", 1)[0] ?? text) }
}

const maxSentences = 12
const maxSentence = 600

/** Sentences, and lines that do not go on in lower case; "Dr.", "St." and the like end none. */
const sentencesOf = (text: string): ReadonlyArray<string> =>
  text
    .split(/\n+(?!\p{Ll})|(?<=[\p{Ll}\p{N})"”]{3}[.!?]["”]?)(?<!\b(?:[Pp]rof|etc|Inc|Corp|approx)\.)\s+(?=[\p{Lu}"“])/u)
    .map((sentence) => sentence.replace(/\s+/g, " ").trim().replace(/^(?:[#>*-]+\s+)+/, "").slice(0, maxSentence))
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))
    .slice(0, maxSentences)

const greeting = "(?:(?:hi|hello|hey|dear|hallo|guten tag)(?: (?:there|team|all|everyone|assistant))?[,!.]? )?"
const polite = "(?:please,? |kindly |(?:can|could|would|will) you (?:please |kindly )?"
  + "|(?:i|we) (?:need|want|require)(?: (?:you )?to)? |(?:i|we)(?:['’]d| would) (?:like|love)(?: (?:you )?to(?: have)?)? "
  + "|(?:i['’]m|i am|we['’]re|we are) looking for |help (?:me|us)(?: to)? |let['’]s |your task is to |bitte "
  + "|(?:kannst|könntest|würdest) du |(?:können|könnten|würden) sie |(?:ich|wir) (?:brauchen?|benötigen?|möchten?) )"
const verb =
  "(?:write|draft|create|compose|generate|produce|prepare|craft|develop|make|do|give|send|provide|put together"
  + "|come up with|schreiben? sie|schreibe?|verfassen? sie|verfasse?|erstellen? sie|erstelle?|entwirf|formuliere|generiere) "
const whom = "(?:(?:up|out|me|us|mir|uns|bitte|doch|mal) ){0,3}"
const article =
  "(?:(?:an?|the|one|some|our|my|your|another|einen?|eine[rs]?|den|die|das|unsere[nrs]?) )?(?:about (?=\\d))?"

const kinds = "blog[ -]?(?:post|article|entry|text|beitrag|artikel|eintrag)|blog|post|article|press[ -]release"
  + "|(?:news|media) release|press statement|(?:email )?newsletter|beitrag|artikel|pressemitteilung|pressemeldung|rundbrief"
/** Kinds of text whose "for …" is the thing described, and not the audience. */
const descriptions = "product[ -](?:description|page|listing|text|copy)|description|listing|review|summary|announcement"
  + "|introduction|overview|advert|ad|produkt(?:beschreibung|text)|beschreibung|zusammenfassung"
const others =
  "e-?mail|text|copy|piece|story|essay|draft|landing page|web ?page|page|content|guide|tutorial|report|speech"
  + "|paragraph|letter|notice|caption|script|poem|column|case study|white ?paper|words|paragraphs|sentences|entwurf|absatz"
const wordCount = "(?:words?|characters?|paragraphs?|sentences?|wörtern?|worten|zeichen)"
const nouns = `(?:${descriptions}|${kinds}|${others})s?(?: (?:post|text|draft|idea|copy))?`
  + `(?: (?:of|in|with|mit|von) (?:\\p{L}+ ){0,2}\\d[\\d.,–-]*[ -]${wordCount})?`

const aboutWords =
  "about|covering|regarding|concerning|explaining|describing|discussing|announcing|introducing|exploring"
  + "|(?:that|which) (?:explains|describes|covers|discusses|announces|introduces|explores|is about|deals with)|über"
  + "|(?:zum|über das) thema|on the (?:topic|subject) of"
const otherLinks =
  "on|for|of|to (?:announce|introduce|explain|promote)|with the title|(?:en)?titled|called|für|zum|zur|zu|von"
const link = `(?: (?:${aboutWords}|${otherLinks}) |: ?| [:–—-] )`
/** Adjectives and the like: words that are no link themselves. */
const adjectives = `(?:(?!(?:${aboutWords}|${otherLinks}) )[\\p{L}\\p{N}'’-]+,? ){0,7}?`
/** "for our customers", "of about 500 words", "(short)" between the kind of text and "about". */
const aside =
  "(?: ?\\([^()]{0,60}\\)| (?:for|to|in|with|from|by|für|mit|of(?= (?:\\p{L}+ ){0,2}\\d))(?: [\\p{L}\\p{N}'’-]+){1,6}?)?"
const subject = "(?<subject>\\S.*)$"

const phrase = (source: string) => new RegExp(`^${source}${subject}`, "iu")

/** In the order in which they are tried; `names`: what precedes the subject names the kind of text asked for. */
const phrases: ReadonlyArray<{ readonly pattern: RegExp; readonly names: boolean }> = [
  // "Topic: X"
  { pattern: phrase("(?:topic|subject|theme|thema)(?: ?:| [–—-]) "), names: false },
  // "Write about X", "Tell me about X"
  {
    pattern: phrase(
      `${greeting}${polite}{0,3}(?:${verb}${whom}|tell (?:me|us) (?:more |something )?|talk )(?:about|on|über) (?!\\d+[ -]words?)`
    ),
    names: true
  },
  // "Write a newsletter for our customers about X"
  {
    pattern: phrase(
      `${greeting}(?:${polite}{1,3}(?:${verb}${whom})?|${verb}${whom})${article}${adjectives}`
        + `(?!(?:${descriptions}) )${nouns}${aside} (?:${aboutWords}) `
    ),
    names: true
  },
  // "Write a short product description for X", "I need an article on X"
  {
    pattern: phrase(
      `${greeting}(?:${polite}{1,3}(?:${verb}${whom})?|${verb}${whom})${article}${adjectives}${nouns}${link}`
    ),
    names: true
  },
  // "Blog post: X", "Product description for X"
  {
    pattern: phrase(
      `${article}(?:[\\p{L}-]+,? ){0,2}?(?:product description|produktbeschreibung|${kinds})(?: idea)?s?${link}`
    ),
    names: true
  },
  // "Explain X"
  {
    pattern: phrase(
      `${greeting}${polite}{0,3}(?:describe|explain|announce|introduce|discuss|outline|promote|summari[sz]e|beschreibe?|erkläre?) ${whom}`
    ),
    names: true
  },
  // "Write X"
  {
    pattern: phrase(`${greeting}(?:${polite}{1,3}(?:${verb}${whom})?|${verb}${whom})(?:an? |some |einen? )?`),
    names: false
  }
]

const amount = `(?:\\p{L}+ ){0,3}\\d[\\d.,]*(?: ?[–-] ?\\d+)?[ -]${wordCount}(?: (?:long|max|maximum|or less))?`

/** What may follow a subject without belonging to it. */
const tails: ReadonlyArray<RegExp> = [
  /[\s.!?,;:…。！？]+$/u,
  /[,\s]+(?:please|pls|thanks|thank you|bitte|danke)(?: (?:a lot|so much|very much|in advance|im voraus))?$/iu,
  / for (?:our|my|your|the)(?: [\p{L}-]+){0,2} (?:website|web ?site|site|homepage|home page|blog|cms|intranet)$/iu,
  / für (?:unsere[nr]?|meine[nr]?|die|den) (?:website|webseite|homepage|seite|blog|intranet)$/iu,
  / (?:in|with|using) an? (?:[\p{L}-]+,? ){1,5}(?:tone|style|voice|manner)(?: of voice)?$/iu,
  / (?:in|auf) (?:english|german|french|spanish|italian|dutch|deutsch|englisch)$/iu,
  / (?:schreiben|verfassen|erstellen|entwerfen|formulieren)$/iu,
  new RegExp(`(?:,| in| with| of| using|,? at most|,? max\\.?|,? mit|,? ca\\.) ?${amount}$`, "iu"),
  new RegExp(`\\s*\\((?:${amount}|[\\p{L} ]{0,20}(?:tone|style))\\)$`, "iu"),
  /(?:[,;]| and|[.!?]) (?:please |also |then )?(?:make (?:it|sure)|keep it|include|be sure to|it (?:should|must)|use an?) .*$/iu
]

const trimTail = (text: string): string => {
  let rest = text.trim()
  for (let again = true; again;) {
    const before = rest
    for (const tail of tails) {
      const cut = rest.replace(tail, "")
      if (/[\p{L}\p{N}]/u.test(cut)) rest = cut
    }
    again = rest !== before
  }
  return rest.replace(/^(["'“„«‘`])([^"'“”„«»‘’`]+)["'”“»’`]$/u, "$2").trim()
}
