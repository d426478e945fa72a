/** What each command needs besides Effect. */
import { assert, describe, it } from "@effect/vitest"
import { type Driver, driversFor, missingDrivers } from "../../src/cli/drivers.ts"

const always: ReadonlyArray<Driver> = ["@effect/platform-node"]
const embedded: ReadonlyArray<Driver> = ["@electric-sql/pglite", "@electric-sql/pglite-pgvector"]
const service: ReadonlyArray<Driver> = [...always, "@effect/sql-pg", "undici"]
const url = "postgres://127.0.0.1/understudy"

const absent = () => {
  throw new Error("not found")
}

describe("driversFor", () => {
  it("asks for the embedded database only without a server", () => {
    assert.deepStrictEqual(driversFor([], undefined), [...service, ...embedded])
    assert.deepStrictEqual(driversFor(["serve"], ""), [...service, ...embedded])
    assert.deepStrictEqual(driversFor([], url), service)
    assert.deepStrictEqual(driversFor(["cache", "erase", "acme"], url), service)
    assert.deepStrictEqual(driversFor(["templates", "list"], undefined), [...always, "@effect/sql-pg", ...embedded])
    assert.deepStrictEqual(driversFor(["templates", "list"], url), [...always, "@effect/sql-pg"])
  })

  it("goes by the command, not by what the command is given", () => {
    for (const word of ["simulate", "keys", "calibrate", "templates", "work"]) {
      assert.deepStrictEqual(driversFor(["cache", "erase", word], undefined), [...service, ...embedded])
      assert.deepStrictEqual(driversFor(["cache", "warm", "x", "--namespace", word], url), service)
    }
    assert.deepStrictEqual(driversFor(["--log-level", "debug", "simulate"], undefined), always)
  })

  it("asks for little where little is done", () => {
    for (const args of [["simulate", "story"], ["keys", "new", "acme"], ["--version"], ["serve", "--help"]]) {
      assert.deepStrictEqual(driversFor(args, undefined), always)
    }
    assert.deepStrictEqual(driversFor(["calibrate", "pairs.jsonl"], undefined), [...always, "undici"])
  })
})

describe("missingDrivers", () => {
  it("says nothing when all are there", () => {
    assert.isUndefined(missingDrivers(driversFor([], undefined), () => "found"))
  })

  it("names a server as the other way only where that helps", () => {
    assert.notInclude(missingDrivers(driversFor([], undefined), absent), "DATABASE_URL")
    const message = missingDrivers(driversFor([], undefined), (name) => name.includes("pglite") ? absent() : name)
    assert.include(message, "or set DATABASE_URL")
  })
})
