import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^effect-erpnet$/, replacement: source("index.ts") },
      { find: /^effect-erpnet\/(testing|node)$/, replacement: `${source("")}$1/index.ts` },
      { find: /^effect-erpnet\/(\w+)$/, replacement: `${source("")}$1.ts` }
    ]
  },
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    testTimeout: 30_000,
    coverage: { include: ["src/**/*.ts"] }
  }
})
