/** What facts of a database mean that no server of a test has. */
import { assert, describe, it } from "@effect/vitest"
import { folderFindings, serverFindings } from "../../src/cli/doctorDatabase.ts"
import type { ServerFacts } from "../../src/layers/inspection/ServerInspection.ts"

const good: ServerFacts = {
  server: "db:5432",
  version: "17.5",
  roundTripMillis: 0.4,
  clockAheadMillis: 12,
  timeZone: "UTC",
  isReplica: false,
  schema: "public",
  user: { name: "app", isSuper: false, bypassesRls: false, mayCreateTables: true, mayCreateExtension: false },
  pgvector: { installed: "0.8.0", available: "0.8.0", isTrusted: false },
  connections: { max: 97, used: 20 },
  migrations: { applied: 8, latest: 8, foreignTables: 0 }
}

/** What is said beyond what a good one gets. */
const beyond = (facts: Partial<ServerFacts>) =>
  serverFindings({ ...good, ...facts }).filter(({ status }) => status !== "ok")

const only = (facts: Partial<ServerFacts>, status: string, found: RegExp, advice: RegExp) => {
  const findings = beyond(facts)
  assert.deepStrictEqual(findings.map((finding) => finding.status), [status])
  assert.match(findings[0]?.found ?? "", found)
  assert.match(findings[0]?.advice ?? "", advice)
}

describe("a server", () => {
  it("that is good gets no advice, and says for how many instances it has room", () => {
    assert.deepStrictEqual(beyond({}), [])
    assert.include(serverFindings(good).map(({ found }) => found).join("\n"), "room for 7 more instances")
  })

  it("that takes no writes is no database to start on", () => {
    only({ isReplica: true }, "failed", /replica/, /primary/)
  })

  it("behind a pooler that drops what is asked for is found out by its time zone", () => {
    only({ timeZone: "Europe/Vienna" }, "warning", /Europe\/Vienna although UTC/, /pooler/)
  })

  it("whose clock goes otherwise than ours is warned of, either way", () => {
    only({ clockAheadMillis: 61_000 }, "warning", /61 seconds ahead of ours/, /synchronise/)
    only({ clockAheadMillis: -61_000 }, "warning", /61 seconds behind ours/, /synchronise/)
  })

  it("that is far away, or has no connections left, is warned of", () => {
    only({ roundTripMillis: 180 }, "warning", /180 ms/, /near its database/)
    only({ connections: { max: 97, used: 95 } }, "warning", /room for 0 more instances/, /max_connections/)
  })

  it("without pgvector switched on says who may do that: an owner only where it is trusted", () => {
    const pgvector = { ...good.pgvector, installed: null }
    only({ pgvector }, "failed", /app may not switch it on/, /as a superuser: to this server it is not trusted/)
    only({ pgvector: { ...pgvector, isTrusted: true } }, "failed", /may not/, /as its owner or a superuser$/)
  })

  it("whose user has no schema is told how to make one", () => {
    const user = { ...good.user, mayCreateTables: false }
    const migrations = { ...good.migrations, applied: 0 }
    only({ schema: null, user, migrations }, "failed", /names no schema/, /CREATE SCHEMA/)
  })
})

describe("a folder", () => {
  it("on a disk that is nearly full is warned of", () => {
    const findings = folderFindings({ folder: "/data", state: { _tag: "ToBeMade" }, freeBytes: 5 * 1024 * 1024 })
    assert.deepStrictEqual(findings.map(({ status }) => status), ["ok", "warning"])
    assert.match(findings[1]?.found ?? "", /5 MiB left/)
  })
})
