/** When two prompts are the same prompt. */

/** Written, but invisible and without meaning: soft hyphen, zero-width space, word joiner, byte order mark. */
const invisible = /[\u00AD\u200B\u2060\uFEFF]+/gu

/** NFKC would make 105 of 10⁵, and 11⁄2 of 1½: what is raised gets a sign, other numbers that would merge a space. */
const raised = /[⁺⁻]?[⁰¹²³⁴-⁹]+/gu
const raisedDigits = (digits: string) => `^${digits}`
const mergingNumber = /(?<=\p{N})(?![⁰¹²³⁴-⁹₀-₉])\p{No}/gu

/** What `toLowerCase` leaves: ß, and the final sigma, which it chooses by its neighbours. */
const unfolded = /[ßς]/gu

const blank = /[\s\p{Cc}]+/gu

const strippable = /^[\s\p{P}]$/u

/** One sign that clings to a word can be a part of it: ".NET", "-5 degrees", "#tags", "@home"; "C#", "100%", "A*". */
const beforeWord = /^[.\-#@&/\\%]$/u
const afterWord = /^[#%‰*]$/u

/**
 * The form in which prompts are compared for the exact match: Unicode NFKC, case-folded, white space collapsed,
 * punctuation and white space stripped from both ends. A lone surrogate becomes U+FFFD, so that the result is always
 * valid UTF-8. A prompt of nothing but punctuation keeps it: "?" is no other prompt's twin. Idempotent; never throws;
 * linear in the length.
 */
export const normalizePrompt = (prompt: string): string =>
  stripped(
    prompt
      .toWellFormed()
      .replace(invisible, "")
      .replace(raised, raisedDigits)
      .replace(mergingNumber, " $&")
      .normalize("NFKC")
      .toLowerCase()
      .replace(unfolded, (letter) => letter === "ß" ? "ss" : "σ")
      .normalize("NFKC")
      .replace(blank, " ")
      .trim()
  )

/** By hand and not by a regular expression: those need quadratic time on a long run of punctuation. */
const stripped = (text: string): string => {
  let start = 0
  while (start < text.length && strippable.test(text.charAt(start))) start++
  if (start === text.length) return text
  let end = text.length
  while (strippable.test(text.charAt(end - 1))) end--
  if (clings(beforeWord, text.charAt(start - 1), text.charAt(start - 2))) start--
  if (clings(afterWord, text.charAt(end), text.charAt(end + 1))) end++
  return text.slice(start, end)
}

/** Twice the same sign is an ornament: "...", "--", "**". */
const clings = (signs: RegExp, sign: string, beyond: string): boolean => signs.test(sign) && sign !== beyond
