/** Which models count as one when an earlier answer is looked for. */

/**
 * Dates and builds that providers put behind a name: "-2024-08-06", "-20250101", "@20250101", "-0613", "-001", "-v2",
 * ":0", "-latest", "-preview".
 */
const release = /(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{3})|@[\w.-]+|-v\d+|:\d+|[-:](?:latest|preview))$/u

/** The model's name in lower case without what says which release of it: "gpt-4o-2024-08-06" is "gpt-4o". */
export const modelFamily = (model: string): string => {
  const name = model.trim().toLowerCase()
  const shorter = name.replace(release, "")
  return shorter === name || shorter === "" ? name : modelFamily(shorter)
}
