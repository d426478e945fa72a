/** Text for a terminal. */

/** Columns as wide as their widest cell, two spaces apart; `right` are the columns of numbers. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>, right: ReadonlySet<number> = new Set()): string => {
  const widths: Array<number> = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row.map((cell, column) => right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))
      .join("  ").trimEnd()
  ).join("\n")
}

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`
