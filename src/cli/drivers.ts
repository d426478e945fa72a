/**
 * The packages that the process needs besides `effect`, which the published package leaves to its user. Loads nothing, so
 * that it can say what is missing. The versions are those that Understudy is tested with.
 */
export const drivers = {
  "@effect/platform-node": "4.1.0",
  "@effect/sql-pg": "4.0.5",
  "@electric-sql/pglite": "0.5.14",
  "@electric-sql/pglite-pgvector": "0.0.15",
  undici: "8.12.4"
} as const

export type Driver = keyof typeof drivers

const embedded: ReadonlyArray<Driver> = ["@electric-sql/pglite", "@electric-sql/pglite-pgvector"]

/** What commands need beyond `@effect/platform-node`; one that is not named here, all. */
const needs: ReadonlyMap<string, ReadonlyArray<Driver>> = new Map<string, ReadonlyArray<Driver>>([
  ["simulate", []],
  ["keys", []],
  ["calibrate", ["undici"]],
  ["templates", ["@effect/sql-pg", ...embedded]],
  // Has nothing to do without a server.
  ["work", ["@effect/sql-pg", "undici"]]
])

const information = new Set(["--help", "-h", "--version", "-v", "--completions"])

/** With a PostgreSQL server the embedded database is not needed. */
export const driversFor = (args: ReadonlyArray<string>, databaseUrl: string | undefined): ReadonlyArray<Driver> => {
  const name = args.find((arg, index) => !arg.startsWith("-") && args[index - 1] !== "--log-level") ?? ""
  const others = args.some((arg) => information.has(arg))
    ? []
    : needs.get(name) ?? ["@effect/sql-pg", "undici", ...embedded]
  return ["@effect/platform-node", ...others.filter((driver) => !(databaseUrl && embedded.includes(driver)))]
}

/** What to tell whoever started it; `undefined` when all are there. `resolve` throws for what is not. */
export const missingDrivers = (
  needed: ReadonlyArray<Driver>,
  resolve: (specifier: string) => unknown
): string | undefined => {
  const missing = needed.filter((driver) => !isThere(driver, resolve))
  if (missing.length === 0) return undefined
  return `understudy cannot start: ${list(missing)} ${missing.length === 1 ? "is" : "are"} not installed; `
    + `npm install ${missing.map((driver) => `${driver}@${drivers[driver]}`).join(" ")}`
    + (missing.every((driver) => embedded.includes(driver)) ? ", or set DATABASE_URL to a PostgreSQL server" : "")
}

const isThere = (driver: Driver, resolve: (specifier: string) => unknown): boolean => {
  try {
    resolve(driver)
    return true
  } catch {
    return false
  }
}

const list = (names: ReadonlyArray<string>): string =>
  names.length === 1 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.slice(-1).join()}`
