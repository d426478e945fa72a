import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // One worker per core would start two embedded databases at once on a two-core machine: files run in parallel,
    // but a test that needs longer than this is stuck.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    typecheck: { enabled: false }
  }
})
