/** What the compiler's declarations need before they are published. None of it moves a line, so the maps stay right. */

/** `.ts` becomes `.js`: no such `.ts` file is in dist, and not every tool looks for the `.d.ts` behind it. */
export const withJavaScriptImports = (declarations: string): string =>
  declarations.replace(/(\bfrom |\bimport\()"(\.[^"]*)\.ts"/gu, "$1\"$2.js\"")

const endpoint = "HttpApiEndpoint.HttpApiEndpoint<"

/**
 * The endpoints of a group stand in a union, whose members the compiler writes in an order that changes from build to
 * build. Here they are sorted, so that the same sources make the same package.
 */
export const withSortedEndpoints = (declarations: string): string => {
  let [text, at] = ["", 0]
  for (let start = declarations.indexOf(endpoint); start !== -1; start = declarations.indexOf(endpoint, at)) {
    const members = unionAt(declarations, start)
    text += declarations.slice(at, start) + members.toSorted().join(" | ")
    at = start + members.join(" | ").length
  }
  return text + declarations.slice(at)
}

const unionAt = (text: string, start: number): ReadonlyArray<string> => {
  const end = endOfArguments(text, start + endpoint.length)
  const member = text.slice(start, end)
  return text.startsWith(` | ${endpoint}`, end) ? [member, ...unionAt(text, end + " | ".length)] : [member]
}

/** Behind the `>` that closes what was opened before `start`. */
const endOfArguments = (text: string, start: number): number => {
  let depth = 1
  for (const { 0: found, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|=>|<|>/gu)) {
    depth += found === "<" ? 1 : found === ">" ? -1 : 0
    if (depth === 0) return start + index + 1
  }
  throw new Error("a declaration ends within its type arguments")
}
