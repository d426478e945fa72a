import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { longestWaitSeconds, noPreferences, parsePrefer } from "../../src/domain/Prefer.ts"

const cases: ReadonlyArray<readonly [header: string, expected: Partial<typeof noPreferences>]> = [
  ["respond-async", { respondAsync: true }],
  ["Respond-Async", { respondAsync: true }],
  [" \trespond-async\t ", { respondAsync: true }],
  ["respond-async, wait=10", { respondAsync: true, waitSeconds: 10 }],
  ["wait=10,respond-async", { respondAsync: true, waitSeconds: 10 }],
  ["WAIT = 10", { waitSeconds: 10 }],
  ["wait=\"10\"", { waitSeconds: 10 }],
  ["wait=\"1\\0\"", { waitSeconds: 10 }],
  ["wait=0", { waitSeconds: 0 }],
  ["wait=007", { waitSeconds: 7 }],
  ["wait=600", { waitSeconds: longestWaitSeconds }],
  ["wait=99999999999999999999999", { waitSeconds: longestWaitSeconds }],
  ["upgrade", { upgrade: true }],
  ["upgrade=\"\"", { upgrade: true }],
  ["respond-async; foo=bar; wait=3", { respondAsync: true }],
  ["handling=lenient, return=minimal; upgrade, upgrade", { upgrade: true }],
  // The first of two counts, whatever it is.
  ["wait=5, wait=10", { waitSeconds: 5 }],
  ["wait=soon, wait=10", {}],
  ["WAIT=5, wait=10", { waitSeconds: 5 }],
  // A value that it cannot have.
  ["wait", {}],
  ["wait=", {}],
  ["wait=-1", {}],
  ["wait=1.5", {}],
  ["wait=1e3", {}],
  ["wait=1 0", {}],
  ["respond-async=1", {}],
  ["upgrade=yes", {}],
  // What stands in quotes is no preference, and a quote without an end takes the rest with it.
  ["note=\"respond-async, wait=10, upgrade\"", {}],
  ["note=\"a\\\", upgrade\", wait=1", { waitSeconds: 1 }],
  ["upgrade, note=\"respond-async, wait=10", { upgrade: true }],
  ["note=\"wait=10, respond-async,\\", {}],
  ["", {}],
  [",,;=\",", {}]
]

const Preference = Schema.Literals([
  "respond-async",
  "Wait=12",
  "wait=x",
  "wait=900",
  "upgrade",
  "return=minimal",
  "note=\"a, respond-async; \\\" wait=1\"",
  "foo; wait=3; bar=\"upgrade, upgrade\""
])

describe("the preferences of a request", () => {
  for (const [header, expected] of cases) {
    it(`are read from ${JSON.stringify(header)}`, () => {
      assert.deepStrictEqual(parsePrefer(header), { ...noPreferences, ...expected })
    })
  }

  it.prop("are the same whatever stands between them, and the first of a kind counts", [
    Schema.Array(Preference),
    Schema.Literals([",", ", ", " ,\t", ",,"])
  ], ([preferences, between]) => {
    const first = (name: string) => preferences.find((preference) => preference.toLowerCase().startsWith(name))
    const wait = first("wait")
    assert.deepStrictEqual(parsePrefer(preferences.join(between)), {
      respondAsync: first("respond-async") !== undefined,
      waitSeconds: wait === "Wait=12" ? 12 : wait === "wait=900" ? longestWaitSeconds : undefined,
      upgrade: first("upgrade") !== undefined
    })
  }, { arbitrary: { runs: 300 } })

  it.prop("are found after whatever else there is, as long as its quotes are closed", [Schema.String], ([text]) => {
    const noise = JSON.stringify(text.replaceAll(/[^\t\x20-\x7e]/g, ""))
    assert.isTrue(parsePrefer(`note=${noise}, respond-async`).respondAsync)
    assert.isTrue(parsePrefer(`note=${noise}; more=${noise}, respond-async`).respondAsync)
  })

  it.prop("can be read from any text, with a wait in its bounds", [Schema.String], ([text]) => {
    const { waitSeconds = 0 } = parsePrefer(`${text},${text}`)
    assert.isTrue(Number.isInteger(waitSeconds) && waitSeconds >= 0 && waitSeconds <= longestWaitSeconds)
  })

  it("are read in time that grows with their length only", () => {
    for (const piece of ["\"", ",", "a=\"\\", "a;", " ", "a\"b\"", "\\", "\"\\\"", "="]) {
      const began = performance.now()
      parsePrefer(piece.repeat(16_000 / piece.length))
      assert.isBelow(performance.now() - began, 500, piece)
    }
  })
})
