/** The tests that mutants have to survive: those in memory, without the long random runs. */
import { defineConfig } from "vitest/config"
import base from "../../../vitest.config.ts"

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    root: new URL("../../..", import.meta.url).pathname,
    include: [
      "test/TokenProvider/*.test.ts",
      "test/TokenSource.test.ts",
      "test/TokenEndpoint/*.test.ts",
      "test/AuthorizedClient/*.test.ts"
    ],
    exclude: ["test/TokenProvider/model.test.ts", "test/TokenProvider/soak.test.ts"]
  }
})
