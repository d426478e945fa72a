import { defineConfig } from "vitest/config"

/** These need the machine for themselves: processes that come and go by the second would starve every other test. */
const alone = "test/**/*.alone.test.ts"

export default defineConfig({
  test: {
    // Most tests wait for sockets, processes or databases rather than for the processor.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    typecheck: { enabled: false },
    projects: [
      {
        extends: true,
        test: {
          name: "tests",
          include: ["test/**/*.test.ts", "examples/*.test.ts"],
          exclude: ["**/node_modules/**", alone],
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: { name: "alone", include: [alone], fileParallelism: false, sequence: { groupOrder: 1 } }
      }
    ]
  }
})
