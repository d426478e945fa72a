/** Decodes UTF-8 as it comes, wherever it is cut. Pure. */

export interface Utf8 {
  readonly text: string
  /** `false`: the text ends before the first byte that is not UTF-8, and so must the reading. */
  readonly isValid: boolean
}

export const makeUtf8Decoder = (): (bytes: Uint8Array) => Utf8 => {
  const decoder = new TextDecoder("utf-8", { fatal: true })
  let last: Uint8Array = new Uint8Array()
  return (bytes) => {
    try {
      const text = decoder.decode(bytes, { stream: true })
      last = bytes.length >= 3 ? bytes.subarray(-3) : joined(last, bytes).subarray(-3)
      return { text, isValid: true }
    } catch {
      // What the decoder has kept is gone: the character whose beginning came before.
      return { text: validPart(joined(unfinished(last), bytes)), isValid: false }
    }
  }
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

const decodeStart = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}

/** The beginning of a character, whose other bytes have not come yet. */
const unfinished = (last: Uint8Array): Uint8Array => {
  for (let length = 1; length <= last.length; length++) {
    const end = last.subarray(-length)
    if (decodeStart(end) === "") return end
  }
  return new Uint8Array()
}

/** The text of the longest beginning that is UTF-8, by bisection: every beginning of valid bytes is valid. */
const validPart = (bytes: Uint8Array): string => {
  let valid = 0
  let invalid = bytes.length
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1
    if (decodeStart(bytes.subarray(0, middle)) === undefined) invalid = middle
    else valid = middle
  }
  return decodeStart(bytes.subarray(0, valid)) ?? ""
}
