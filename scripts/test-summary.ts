/**
 * Sums up vitest's JSON report for `.ci/run`: prints "passed failed skipped". Arguments: the report, and the exit status
 * of the run. A file that did not load, and a run that failed without a failed test, count as a failure each.
 */
import { readFileSync } from "node:fs"

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly status: string
    readonly assertionResults: ReadonlyArray<{ readonly status: string }>
  }>
}

/** Undefined when there is no report: the run did not get so far. */
const summarize = (report: Report | undefined, exitStatus: number) => {
  const files = report?.testResults ?? []
  const tests = files.flatMap(({ assertionResults }) => assertionResults)
  const passed = tests.filter(({ status }) => status === "passed").length
  const failedTests = tests.filter(({ status }) => status === "failed").length
  const unloaded =
    files.filter(({ assertionResults, status }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed")
    ).length
  const failed = failedTests + unloaded
  return {
    passed,
    failed: failed === 0 && (exitStatus !== 0 || report === undefined) ? 1 : failed,
    skipped: tests.length - passed - failedTests
  }
}

const read = (path: string): Report | undefined => {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  const [path = "", exitStatus = "0"] = process.argv.slice(2)
  const { failed, passed, skipped } = summarize(read(path), Number(exitStatus))
  process.stdout.write(`${passed} ${failed} ${skipped}\n`)
}
