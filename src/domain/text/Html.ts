/** Text in HTML. */
import { cleanText, shortened } from "../similarity/Subject.ts"

const entities: { readonly [char: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

/** In content and in quoted attributes. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => entities[char] ?? char)

/** Foreign text on one line: nothing in it is markup, and none of it turns the text around it. */
export const foreign = (text: string, length: number): string =>
  `<bdi>${escaped(shortened(cleanText(text).replace(/\s+/g, " "), length))}</bdi>`
