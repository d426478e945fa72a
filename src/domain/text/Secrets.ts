/** Secrets in what others say. Pure. */

/** Shorter ones stand in other words too: they are found only where they are words of their own. */
const shortest = 8

/**
 * Finds a secret as it is, and with any of its characters escaped as in JSON or percent-encoded. One of fewer than 8
 * characters only where it is no part of a longer word: a key called `local` is not in `local-2`.
 */
export const secretPattern = (secret: string): RegExp => {
  const characters = [...secret].map(waysToWrite).join("")
  const [before, after] = secret.length >= shortest ? ["", ""] : [
    /^\w/.test(secret) ? String.raw`(?<![\w-])` : "",
    /\w$/.test(secret) ? String.raw`(?![\w-])` : ""
  ]
  return new RegExp(`${before}${characters}${after}`, "g")
}

const waysToWrite = (character: string): string => {
  const units = character.split("").map((unit) => hexOf(unit.charCodeAt(0), 4))
  const itself = units.map((unit) => String.raw`\u${unit}`).join("")
  const unicode = units.map((unit) => String.raw`\\u${inAnyCase(unit)}`).join("")
  const percent = [...new TextEncoder().encode(character)].map((byte) => `%${inAnyCase(hexOf(byte, 2))}`).join("")
  return String.raw`(?:\\?${itself}|${unicode}|${percent})`
}

const hexOf = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")

const inAnyCase = (hex: string): string => hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
