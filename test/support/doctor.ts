/** Runs `understudy doctor`, and looks at what it finds. */
import { assert } from "@effect/vitest"
import { ConfigProvider, Console, Effect, Exit, Schema } from "effect"
import { execFile } from "node:child_process"
import { Report } from "../../src/cli/doctorReport.ts"
import { understudy } from "../../src/layers/CommandLine.ts"
import type { Environment } from "./service.ts"
import { main, runCommand } from "./serviceProcess.ts"

export const live = { excludeTestServices: true, timeout: "60 seconds" } as const

export const decodeReport = Schema.decodeUnknownEffect(Schema.fromJsonString(Report), { onExcessProperty: "error" })

/** Everything that must stand in no output, whatever happens. */
const secrets = ["s3cret", "provider-key-0123456789"]

interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command in this process, which is much faster than a process of its own: sees these variables and no others. */
const runHere = (args: ReadonlyArray<string>, env: Environment): Effect.Effect<Said> =>
  Effect.suspend(() => {
    const [out, err]: [Array<string>, Array<string>] = [[], []]
    const console: Console.Console = {
      ...globalThis.console,
      log: (...words) => void out.push(words.join(" ")),
      error: (...words) => void err.push(words.join(" "))
    }
    return Effect.exit(understudy(args)).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord({ ...env })),
      Effect.map((exit) => ({ code: Exit.isSuccess(exit) ? 0 : 1, stdout: out.join("\n"), stderr: err.join("\n") }))
    )
  })

/** What it says to programs, with the exit code that belongs to it. */
const examineWith = (run: (args: ReadonlyArray<string>, env: Environment) => Effect.Effect<Said>) =>
  Effect.fnUntraced(function*(env: Environment, ...args: ReadonlyArray<string>) {
    const { code, stderr, stdout } = yield* run(["doctor", "--json", ...args], {
      PORT: "0",
      DATA_DIR: "memory:",
      ...env
    })
    for (const secret of secrets) assert.notInclude(stdout + stderr, secret)
    assert.notMatch(stdout + stderr, /\n\s+at |node_modules/, "a message, not a stack")
    const report = yield* decodeReport(stdout)
    assert.strictEqual(code, report.ok ? 0 : 1, stdout)
    assert.strictEqual(report.ok, !stderr.includes(" failed"))
    const of = (check: string) => report.findings.filter((finding) => finding.check === check)
    return { report, stderr, of }
  })

export const examine = examineWith(runHere)
export const examineInProcess = examineWith(runCommand)

type Examined = Effect.Success<ReturnType<typeof examine>>

/** What it prints when it is bound by the modes of files, which a superuser is not. */
export const withoutPowers = (args: ReadonlyArray<string>, env: Environment) => {
  const node = [process.execPath, main, ...args]
  const [file = "", ...rest] = process.getuid?.() === 0
    ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", ...node]
    : node
  return Effect.callback<string>((resume) => {
    execFile(file, rest, { env: { PATH: process.env["PATH"], ...env } }, (_, stdout) => resume(Effect.succeed(stdout)))
  })
}

/** The finding of a check that has this status and says this, with what to do. */
export const finds = ({ of, report }: Examined, check: string, status: string, found: RegExp, advice?: RegExp) => {
  const finding = of(check).find((finding) => finding.status === status && found.test(finding.found))
  if (finding === undefined) {
    return assert.fail(`no ${status} ${String(found)} among ${JSON.stringify(report.findings, null, 1)}`)
  }
  if (advice !== undefined) assert.match(finding.advice ?? "", advice)
  return finding
}
