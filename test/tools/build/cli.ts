/**
 * Bundles the command line into one file, so that `npx effect-erpnet` needs no other package.
 *
 *   tsx test/tools/build/cli.ts [directory of the compiled package]
 */
import { chmod } from "node:fs/promises"
import { join, resolve } from "node:path"
import { build } from "esbuild"
import { writeLicences } from "./licences.ts"

const dist = resolve(process.argv[2] ?? "dist")
const outfile = join(dist, "cli.js")

const { metafile } = await build({
  absWorkingDir: join(import.meta.dirname, "../../.."),
  entryPoints: ["src/cli/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  metafile: true,
  banner: { js: "#!/usr/bin/env node\n// Contains other packages; their licences are in cli.LICENSES.txt." },
  logLevel: "warning"
})
await chmod(outfile, 0o755)
await writeLicences([metafile], join(dist, "cli.LICENSES.txt"))
