/**
 * Compiles what the processes run: measured is plain JavaScript as a user runs it, not what a loader makes of the
 * sources on the way.
 */
import { execFile } from "node:child_process"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { build } from "esbuild"

const root = join(import.meta.dirname, "../../..")

/** Inside node_modules, where the packages are found and nothing is committed. */
const directory = join(root, "node_modules/.cache/effect-erpnet-bench")

/** Where everything was compiled to. */
export interface Built {
  readonly root: string
  /** Of `server.mjs` and `client.mjs`. */
  readonly directory: string
  /** The package as it is published, module by module. */
  readonly packageDirectory: string
}

/** Compiles the package and the processes. */
export const compile = async (): Promise<Built> => {
  await rm(directory, { recursive: true, force: true })
  const packageDirectory = join(directory, "package")
  await mkdir(packageDirectory, { recursive: true })
  await writeFile(join(packageDirectory, "package.json"), '{"type":"module","sideEffects":false}')
  await promisify(execFile)(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", "src", "--noCheck", "--outDir", packageDirectory],
    { cwd: root }
  )
  await promisify(execFile)(
    process.execPath,
    [join(root, "node_modules/tsx/dist/cli.mjs"), join(root, "test/tools/build/package.ts"), packageDirectory],
    { cwd: root }
  )
  await build({
    absWorkingDir: root,
    entryPoints: { server: "test/tools/bench/server.ts", client: "test/tools/bench/client.ts" },
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    alias: { "effect-erpnet": join(packageDirectory, "index.js") },
    logLevel: "error"
  })
  return { root, directory, packageDirectory }
}
