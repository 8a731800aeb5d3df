/**
 * Bundles the command line, so that `npx effect-erpnet` needs no other package. What a command needs is in files of its
 * own below dist/cli, which are loaded when it runs: help and mistakes need none of it.
 *
 *   tsx test/tools/build/cli.ts [directory of the compiled package]
 */
import { chmod, readFile, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { build } from "esbuild"
import { writeLicences } from "./licences.ts"

const dist = resolve(process.argv[2] ?? "dist")
const program = join(dist, "cli.js")

const { metafile } = await build({
  absWorkingDir: join(import.meta.dirname, "../../.."),
  entryPoints: { cli: "src/cli/main.ts" },
  outdir: dist,
  chunkNames: "cli/[name]-[hash]",
  splitting: true,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  metafile: true,
  // Packages in CommonJS call require for the modules of Node.
  banner: {
    js: [
      "// Contains other packages; their licences are in cli.LICENSES.txt.",
      'import { createRequire as makeRequire } from "node:module"',
      "const require = makeRequire(import.meta.url)"
    ].join("\n")
  },
  logLevel: "warning"
})
const entry = await readFile(program, "utf8")
await writeFile(program, `#!/usr/bin/env node\n${entry}`)
await chmod(program, 0o755)
await writeLicences([metafile], join(dist, "cli.LICENSES.txt"))
