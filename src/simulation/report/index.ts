/** A simulation's result for a terminal, for machines and for a browser. */
export { reportHtml } from "./reportHtml.ts"
export { reportJson } from "./reportJson.ts"
export { reportText } from "./reportText.ts"
