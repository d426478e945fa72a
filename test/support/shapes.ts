/** Whether an answer looks as a document shows it. */

/** What has to be the very same; of all other fields the kind counts. */
const told = new Set(["source", "reason", "match", "template", "type", "title", "status", "state", "object"])

/** Where the two differ in what they have, or in kind. What is null in one of them may be anything in the other. */
export const differences = (shown: unknown, real: unknown, path = "answer"): ReadonlyArray<string> => {
  if (shown === null || real === null) return []
  if (Array.isArray(shown) && Array.isArray(real)) {
    return shown.length === 0 || real.length === 0 ? [] : differences(shown[0], real[0], `${path}[0]`)
  }
  if (typeof shown !== typeof real || Array.isArray(shown) !== Array.isArray(real)) {
    return [`${path} is shown as ${kindOf(shown)} and is ${kindOf(real)}`]
  }
  if (typeof shown !== "object" || typeof real !== "object") {
    const name = path.slice(path.lastIndexOf(".") + 1)
    return told.has(name) && shown !== real ? [`${path} is shown as ${String(shown)} and is ${String(real)}`] : []
  }
  const there = new Map<string, unknown>(Object.entries(real))
  const listed = new Map<string, unknown>(Object.entries(shown))
  return [
    ...[...listed].flatMap(([name, value]) =>
      there.has(name) ? differences(value, there.get(name), `${path}.${name}`) : [`${path}.${name} is not there`]
    ),
    ...[...there.keys()].filter((name) => !listed.has(name)).map((name) => `${path}.${name} is not shown`)
  ]
}

const kindOf = (value: unknown): string => Array.isArray(value) ? "a list" : typeof value
