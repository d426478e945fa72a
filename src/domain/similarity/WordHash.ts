/** Short hashes of words that can be joined: the hash of a compound follows from those of its parts. */

/** The largest prime below 2^24: a hash is four characters of Base64. */
const modulus = 16_777_213
const base = 5_000_011

/** Longer words count as this long; their hashes do not join, and are otherwise as good. */
export const longestJoined = 63

const powers: ReadonlyArray<number> = (() => {
  const all = [1]
  for (let length = 1; length <= longestJoined; length++) all.push((all[length - 1] ?? 1) * base % modulus)
  return all
})()

/** At most 2^24; products stay below 2^53, so that the arithmetic is exact. */
export const wordHash = (word: string): number => {
  let hash = 0
  for (let index = 0; index < word.length; index++) hash = (hash * base + word.charCodeAt(index) + 1) % modulus
  return hash
}

/** `wordHash(left + right)`. */
export const joinedHash = (left: number, right: number, rightLength: number): number =>
  (left * (powers[rightLength] ?? 0) + right) % modulus

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
const digits: ReadonlyArray<number> = (() => {
  const all = Array.from({ length: 128 }, () => -1)
  for (let value = 0; value < alphabet.length; value++) all[alphabet.charCodeAt(value)] = value
  return all
})()

/** `characters` digits of Base64. */
export const encodeNumber = (value: number, characters: number): string => {
  let text = ""
  for (let left = value, count = 0; count < characters; count++) {
    text = alphabet.charAt(left % 64) + text
    left = Math.floor(left / 64)
  }
  return text
}

/** `NaN` where a character is none of the alphabet. */
export const decodeNumber = (text: string, from: number, characters: number): number => {
  let value = 0
  for (let index = from; index < from + characters; index++) {
    const digit = digits[text.charCodeAt(index)] ?? -1
    value = digit < 0 ? Number.NaN : value * 64 + digit
  }
  return value
}
