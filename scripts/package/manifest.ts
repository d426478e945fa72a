/** The package.json that is published, made from the one that is worked with. */

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly keywords: ReadonlyArray<string>
  readonly license: string
  readonly exports: Readonly<Record<string, string>>
  readonly bin: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly engines: Readonly<Record<string, string>>
}

/** What stands in the package beside its package.json and what npm always takes along. */
export const files = ["dist", "src", "templates", "CHANGELOG.md"]

/** Effect is its user's own, and so are the drivers: whoever needs one installs it. */
export const publishedManifest = (root: Manifest) => {
  const { effect, ...drivers } = rangesOf(root.dependencies)
  return {
    name: root.name,
    version: root.version,
    description: root.description,
    keywords: root.keywords,
    license: root.license,
    type: "module",
    // Only these two do something when they are loaded.
    sideEffects: ["./dist/main.js", "./dist/layers/pgliteWorker.js"],
    exports: {
      ...mapValues(root.exports, (source) => ({
        types: built(source, ".d.ts"),
        default: built(source, ".js")
      })),
      "./package.json": "./package.json"
    },
    bin: mapValues(root.bin, (source) => built(source, ".js").slice("./".length)),
    files,
    engines: root.engines,
    peerDependencies: { effect, ...drivers },
    peerDependenciesMeta: mapValues(drivers, () => ({ optional: true })),
    publishConfig: { access: "public" }
  }
}

/** From the version that we test with on, as far as a version number promises that nothing breaks. */
const rangesOf = (dependencies: Manifest["dependencies"]): Record<string, string> =>
  mapValues(dependencies, (version) => {
    if (!/^\d+\.\d+\.\d+$/u.test(version)) throw new Error(`a dependency of package.json is not exact: ${version}`)
    // `^0.0.15` would be 0.0.15 alone.
    return version.startsWith("0.0.") ? `~${version}` : `^${version}`
  })

const built = (source: string, extension: string): string =>
  source.replace(/^\.\/src\//u, "./dist/").replace(/\.ts$/u, extension)

const mapValues = <A, B>(record: Readonly<Record<string, A>>, f: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]))
