/** What is published follows from what is worked with, and what is written down twice is the same. */
import { assert, describe, it } from "@effect/vitest"
import { rootManifest } from "../../scripts/build.ts"
import { publishedManifest } from "../../scripts/package/manifest.ts"
import { drivers } from "../../src/cli/drivers.ts"
import { version } from "../../src/version.ts"

const root = rootManifest()
const published = publishedManifest(root)

describe("the published package.json", () => {
  it("has the version that the code knows of", () => {
    assert.strictEqual(published.version, version)
  })

  it("leaves Effect to its user, and every driver too, but as one that may be missing", () => {
    const { effect, ...optional } = root.dependencies
    assert.strictEqual(published.peerDependencies["effect"], `^${effect}`)
    assert.notProperty(published, "dependencies")
    assert.deepStrictEqual(Object.keys(published.peerDependenciesMeta), Object.keys(optional))
  })

  it("names the drivers that the command asks for, in the versions that are tested", () => {
    const { effect: _, ...optional } = root.dependencies
    assert.deepStrictEqual({ ...drivers }, optional)
  })

  it("cannot be the one that is worked with", () => {
    assert.propertyVal(root, "private", true)
    assert.notProperty(published, "private")
  })
})
