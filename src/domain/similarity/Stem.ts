/** One form for the forms of a word: plural, -ing, -ed, British and American spelling. Light, and never a dictionary. */

const vowel = /[aeiouyäöüáéíóúàèìòùâêîôû]/u

/** "bak", "danc", "cycl", "nurs": an e went with the ending. */
const lostE = /^[^aeiou]*[aeiouy][^aeiouwxy]$|(?:[cvu]|[^aeioul]l|[rn]s|[aeiou]{2}s|[rd]g)$/u

/** Forms that no rule reaches, and words that a rule would take for another's form. */
const irregular: ReadonlyMap<string, string> = new Map(
  `children:child women:woman men:man teeth:tooth feet:foot mice:mouse geese:goose knives:knife wolves:wolf
  leaves:leaf shelves:shelf loaves:loaf wives:wife halves:half calves:calf scarves:scarf analyses:analysis
  licence:licens license:licens licences:licens licenses:licens licensing:licens programme:program programmes:program
  centre:center centres:center metre:meter metres:meter litre:liter litres:liter theatre:theater theatres:theater
  fibre:fiber fibres:fiber grey:gray cheque:check cheques:check tyre:tire tyres:tire aluminium:aluminum
  jewellery:jewelry mould:mold moulds:mold plough:plow practise:practic practising:practic catalogue:catalog
  dialogue:dialog defence:defens defense:defens offence:offens offense:offens kerb:curb pyjamas:pajama
  pajamas:pajama paediatric:pediatric diarrhoea:diarrhea anaemia:anemia oestrogen:estrogen foetus:fetus
  warden:warden maiden:maiden listen:listen listening:listen listened:listen listener:listener garden:garden
  gardens:garden gardening:garden kitchen:kitchen kitchens:kitchen dying:die lying:lie tying:tie chose:choos
  chosen:choos bought:buy sold:sell taught:teach made:make making:make wrote:writ written:writ begun:begin
  began:begin grown:grow grew:grow built:build kept:keep lost:lose losing:lose left:left news:news series:series
  species:species always:always yes:yes less:less unless:unless`
    .trim().split(/\s+/u).map((pair) => [pair.slice(0, pair.indexOf(":")), pair.slice(pair.indexOf(":") + 1)] as const)
)

/**
 * Takes common endings off. Words of other languages may lose a final s, e or -en, always the same way; a German plural
 * meets its singular thereby. Of a word with hyphens each part is stemmed, and the hyphens go: "stand-ups" is "standup".
 */
export const stem = (word: string): string => word.includes("-") ? joined(word.split("-")) : stemPart(word)

const joined = (parts: ReadonlyArray<string>): string => {
  const together = parts.map(stemPart).join("")
  // "ups" is too short for a rule of its own.
  return (parts.at(-1)?.length ?? 0) < 4 ? stemPart(together) : together
}

const stemPart = (word: string): string => {
  const known = irregular.get(word)
  if (known !== undefined) return known
  let base = word
  if (base.length < 4) return base
  if (base.endsWith("ies") && base.length > 4) base = `${base.slice(0, -3)}y`
  else if (/(?:ss|zz|ch|sh|x|[^aeo]us)es$/u.test(base) && base.length > 4) base = base.slice(0, -2)
  else if (/[^sui]s$/u.test(base)) base = base.slice(0, -1)
  const cut = base.endsWith("ing") ? 3 : base.endsWith("ed") && !base.endsWith("eed") ? 2 : 0
  if (cut > 0 && base.length - cut >= 3 && vowel.test(base.slice(0, -cut))) {
    const rest = base.slice(0, -cut)
    base = /([bdgmnprt])\1$/u.test(rest) ? rest.slice(0, -1) : lostE.test(rest) ? `${rest}e` : rest
  } else if (base.length > 5 && base.endsWith("en")) base = base.slice(0, -2)
  if (base.endsWith("ll")) base = base.slice(0, -1)
  // "plane" is no plan; in longer words the e distinguishes little.
  if (base.length > 5 && base.endsWith("e")) base = base.slice(0, -1)
  if (base.length > 4 && /[^aeiou](?:is|ys|yze?)e?$/u.test(base)) return base.replace(/[iy][sz]e?$/u, "iz")
  if (base.length > 5 && base.includes("our")) return base.replace("our", "or")
  return base
}
