/**
 * How deep and how rich JSON is, known before it is parsed: 20 MiB of brackets take seconds to parse, or more stack or
 * memory than there is, and nobody else is served meanwhile.
 */

export interface JsonBounds {
  /** Lists and objects in one another. */
  readonly levels: number
  /** All in all, those in lists and objects too; an empty list or object counts twice. */
  readonly values: number
}

/** Looks at a text that need not be JSON, and no further than to where it is beyond a bound. */
export const boundBroken = (text: string, { levels, values }: JsonBounds): keyof JsonBounds | undefined => {
  // So short a text has no room for either.
  if (text.length <= levels && text.length <= values) return undefined
  let depth = 0
  let count = 1
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at + 1)
        break
      case openList:
      case openObject:
        if (++depth > levels) return "levels"
        if (++count > values) return "values"
        break
      case closeList:
      case closeObject:
        depth--
        break
      case comma:
        if (++count > values) return "values"
    }
  }
  return undefined
}

const quote = 0x22
const comma = 0x2c
const openList = 0x5b
const backslash = 0x5c
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

/** Where its closing quote is. `indexOf` is many times faster than we are, and most of a request is strings. */
const endOfString = (text: string, from: number): number => {
  for (let end = text.indexOf("\"", from); end !== -1; end = text.indexOf("\"", end + 1)) {
    let escapes = 0
    while (end - escapes > from && text.charCodeAt(end - escapes - 1) === backslash) escapes++
    if (escapes % 2 === 0) return end
  }
  return text.length
}
