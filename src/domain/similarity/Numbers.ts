/** Numbers as they are meant: "5 000", "5,000" and "five thousand" are one number. */

const list = (words: string) => words.trim().split(/\s+/u)

const cardinals: ReadonlyArray<ReadonlyArray<string>> = [
  list("two zwei deux dos"),
  list("three drei trois tres"),
  list("four vier quatre cuatro"),
  list("five fünf cinq cinco"),
  list("six sechs seis"),
  list("seven sieben sept siete"),
  list("eight acht huit ocho"),
  list("nine neun neuf nueve"),
  list("ten zehn dix diez"),
  list("eleven elf onze once"),
  list("twelve zwölf douze doce dozen dutzend"),
  list("thirteen dreizehn"),
  list("fourteen vierzehn"),
  list("fifteen fünfzehn quinze quince"),
  list("sixteen sechzehn"),
  list("seventeen siebzehn"),
  list("eighteen achtzehn"),
  list("nineteen neunzehn"),
  list("twenty zwanzig vingt veinte")
]
const tens = [
  list("thirty dreißig treinta"),
  list("forty fourty vierzig"),
  list("fifty fünfzig"),
  list("sixty sechzig"),
  list("seventy siebzig"),
  list("eighty achtzig"),
  list("ninety neunzig")
]
const ordinals = list("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")
const germanOrdinals = list("erste zweite dritte vierte fünfte sechste siebte achte neunte zehnte")
const factors: ReadonlyMap<string, number> = new Map([
  ["hundred", 100],
  ["thousand", 1000],
  ["million", 1e6],
  ["billion", 1e9],
  ["hundert", 100],
  ["tausend", 1000],
  ["millionen", 1e6],
  ["cent", 100],
  ["mille", 1000],
  ["mil", 1000]
])

const values: ReadonlyMap<string, string> = new Map([
  ...cardinals.flatMap((words, index) => words.map((word) => [word, String(index + 2)] as const)),
  ...tens.flatMap((words, index) =>
    words.map((word) => [word.replaceAll("ß", "ss"), String(30 + 10 * index)] as const)
  ),
  ...ordinals.map((word, index) => [word, `${index + 1}th`] as const),
  ...germanOrdinals.flatMap((word, index) =>
    ["", "n", "r", "s", "m"].map((ending) => [`${word}${ending}`, `${index + 1}th`] as const)
  )
])

/** The number that a word says ("six" is 6, "third" is 3th), `undefined` for other words. */
export const numberWord = (word: string): string | undefined => {
  const known = values.get(word)
  if (known !== undefined || !word.includes("-")) return known ?? ordinalIn(word)
  const [ten = "", unit = ""] = word.split("-")
  const [high, low] = [values.get(ten), values.get(unit)]
  return high === undefined || low === undefined || low.length > 1 || !high.endsWith("0")
    ? undefined
    : String(Number(high) + Number(low))
}

const ordinalIn = (word: string): string | undefined => {
  const found = /^(\p{N}+)(?:st|nd|rd|th)$/u.exec(word)
  return found === null ? undefined : `${found[1]}th`
}

/** What "hundred" and the like multiply the number before them by. */
export const factorWord = (word: string): number | undefined => factors.get(word)

/** Digits as they are written, without marks between thousands and without zeros that say nothing. */
export const numberWritten = (digits: string): string => {
  const plain = /^[-−]?\d{1,3}(?:[.,'’ ]\d{3})+(?:[.,]\d{1,2})?$/u.test(digits)
    ? digits.replace(/[.,'’ ](?=\d{3})/gu, "")
    : digits
  return plain.replace("−", "-").replace(",", ".").replace(/^(-?\d+)\.0+$/u, "$1")
}

/** "5" times "thousand"; a number that is none stays as it is. */
export const multiplied = (digits: string, factor: number): string => {
  const value = Number(digits)
  return Number.isFinite(value) ? String(value * factor) : digits
}
