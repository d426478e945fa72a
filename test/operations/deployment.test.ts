/** What the page on deployment has people type, as far as it can be tried without systemd. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { freshDirectory } from "../support/databases.ts"

const page = readFileSync(fileURLToPath(new URL("../../docs/deployment.md", import.meta.url)), "utf8")

/** Of the console block that holds this, continued lines together. */
const commandsWith = (part: string): ReadonlyArray<string> => {
  const block = [...page.matchAll(/```console\n([^]*?)```/g)].map(([, text = ""]) => text).find((text) =>
    text.includes(part)
  )
  return (block ?? "").replaceAll(/\\\n\s*/g, "").split("\n").filter((line) => line.startsWith("$ ")).map((line) =>
    line.slice(2)
  )
}

/** A machine's folders as systemd lays them out for the unit, and a shell in which they stand for the real ones. */
const machine = Effect.map(freshDirectory, (root) => {
  const data = join(root, "var/lib/private/understudy")
  mkdirSync(join(data, "pglite"), { recursive: true })
  symlinkSync("private/understudy", join(root, "var/lib/understudy"))
  const type = (commands: ReadonlyArray<string>): string => {
    const typed = commands.join("\n").replaceAll(/(?<=[ =])(?=\/(?:var|backup)\b)/g, root)
    const stubs = "systemctl() { echo \"$@\"; }; chown() { echo chown \"$@\"; }"
    return execFileSync("bash", ["-c", `${stubs}\n${typed}\ntrue`], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
  }
  const write = (version: string) => writeFileSync(join(data, "pglite", "PG_VERSION"), version)
  const read = (folder: string) => readFileSync(join(folder, "pglite", "PG_VERSION"), "utf8")
  return { backups: join(root, "backup"), data, read, root, type, write }
})

describe("the backup of an embedded database", () => {
  const backup = commandsWith("cp -a /var/lib/understudy")
  const restore = commandsWith("understudy-before")

  it.live("holds the data and not a link to it, each in a folder of its own, and can be restored", () =>
    Effect.gen(function*() {
      const { backups, data, read, root, type, write } = yield* machine
      write("first")
      assert.match(type(backup), /^stop understudy\nstart understudy\n.*PG_VERSION\n$/)
      const [name = ""] = readdirSync(backups)
      assert.match(name, /^understudy-\d{4}-\d\d-\d\dT\d{6}$/)
      assert.isTrue(lstatSync(join(backups, name)).isDirectory())
      write("second")
      assert.strictEqual(read(join(backups, name)), "first")

      const typed = restore.map((line) => line.replace(/understudy-\d{4}\S*/, name))
      assert.strictEqual(type(typed), `stop understudy\nchown -R root: ${data}\nstart understudy\n`)
      assert.deepStrictEqual([read(data), read(`${data}-before`)], ["first", "second"])
      assert.strictEqual(read(join(root, "var/lib/understudy")), "first", "where the service looks")
    }))

  it.live("starts the service again when the copy fails, and shows that there is none", () =>
    Effect.gen(function*() {
      const { data, root, type } = yield* machine
      writeFileSync(join(root, "backup"), "no folder")
      assert.strictEqual(type(backup), "stop understudy\nstart understudy\n")
      rmSync(join(root, "backup"))
      rmSync(data, { recursive: true })
      assert.strictEqual(type(backup), "stop understudy\nstart understudy\n")
    }))
})

describe("a command under systemd", () => {
  it("has the unit's user, folder and environment", () => {
    const [, unit = ""] = /```ini\n([^]*?)```/.exec(page) ?? []
    const setting = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? ""
    const [command = ""] = commandsWith("systemd-run")
    for (const name of ["DynamicUser", "StateDirectory", "EnvironmentFile"]) {
      assert.include(command, ` -p ${name}=${setting(name)} `)
    }
    for (const pair of setting("Environment").split(" ")) assert.include(command, ` -E ${pair} `)
    const [, file = ""] = /system\/(\w+)\.service/.exec(page) ?? []
    assert.include(command, ` -p User=${file} `)
    assert.isTrue(command.endsWith(` ${setting("ExecStart")} doctor`))
  })
})
