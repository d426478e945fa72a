/** The commands in the documents' shell blocks, and how each is tried. */
import type { Block } from "./documents.ts"

export type Step =
  /** Has a reason why it is not run. */
  | { readonly _tag: "Skip"; readonly command: string; readonly reason: string }
  /** Listens until it is stopped. */
  | { readonly _tag: "Start"; readonly command: string }
  /** Asks the service. */
  | { readonly _tag: "Ask"; readonly command: string }
  /** Runs to its end. */
  | { readonly _tag: "Run"; readonly command: string }

/** Why a command is not run here. The first that fits counts. */
const reasons: ReadonlyArray<readonly [RegExp, string]> = [
  [/^npm (install|ci|install-test)\b/, "installs; .ci/run does, and every `npm start` here stands on it"],
  [/\bdocker\b/, "needs Docker"],
  [/\b(psql|pg_dump|pg_restore|systemctl|apt)\b/, "needs a machine of its own"],
  [/^npm (run (build|bench)|pack|publish)\b/, "takes minutes, or is tried by test/package"],
  [
    /\bunderstudy work\b|\bJOB_WORKERS=0\b/,
    "needs a PostgreSQL server; test/conformance/jobsProcesses.alone.test.ts runs it"
  ]
]

/** One command per entry: continued lines together, comments away. */
const commandsOf = (text: string): ReadonlyArray<string> =>
  text.replaceAll(/\\\n\s*/g, "").split("\n")
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"))

export const stepsOf = ({ text }: Pick<Block, "text">): ReadonlyArray<Step> =>
  commandsOf(text).map((command): Step => {
    const reason = reasons.find(([pattern]) => pattern.test(command))?.[1]
    if (reason !== undefined) return { _tag: "Skip", command, reason }
    if (/\bnpm start$|\bunderstudy serve$|\bnode src\/main\.ts$/.test(command)) return { _tag: "Start", command }
    if (command.startsWith("curl ")) return { _tag: "Ask", command }
    if (/\bsimulate\b/.test(command) && !/--(duration|list|help)\b/.test(command)) {
      // What it is asked for is all read and planned; the whole of it takes minutes.
      return { _tag: "Run", command: `${command}${command.includes(" -- ") ? "" : " --"} --duration '5 minutes'` }
    }
    return { _tag: "Run", command }
  })

export interface Answer {
  readonly status: number
  /** Names in lower case; none unless the command shows them. */
  readonly headers: ReadonlyArray<string>
  readonly body: string
}

/** Put before commands with `curl`, so that each of its answers ends with its status. */
export const tellingCurl = "curl() { command curl --max-time 60 --write-out '\\n%{http_code}<end>\\n' \"$@\"; }"

/** What the commands behind `tellingCurl` have printed. */
export const answersOf = (output: string): ReadonlyArray<Answer> =>
  [...output.matchAll(/(.*?)\n(\d{3})<end>\n/gs)].map(([, text = "", status]) => {
    const [head = "", ...rest] = text.startsWith("HTTP/") ? text.split(/\r?\n\r?\n/) : ["", text]
    const headers = head.split(/\r?\n/).slice(1).map((line) => line.slice(0, line.indexOf(":")).toLowerCase())
    return { status: Number(status), headers, body: rest.join("\n\n") }
  })
