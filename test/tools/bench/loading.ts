/** What it costs to load the package: time in fresh processes, and bytes in a bundle. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import type { Built } from "./build.ts"
import { digits } from "./statistics.ts"

/** How long imports took, one entry for each process. */
export interface ImportTime {
  readonly name: string
  readonly base: ReadonlyArray<number>
  readonly marginal: ReadonlyArray<number>
}

const modules: Readonly<Record<string, string>> = {
  "effect-erpnet": "bundle/index.js",
  "effect-erpnet/TokenProvider": "bundle/TokenProvider.js",
  "effect-erpnet/AuthorizedClient": "bundle/AuthorizedClient.js",
  "effect-erpnet, module by module (as for bundlers)": "index.js"
}

/** Imports the peers, then the package, in a process of its own; the modules in turn, so many times. */
export const importTimes = async (built: Built, runs: number): Promise<ReadonlyArray<ImportTime>> => {
  const base: Record<string, Array<number>> = {}
  const marginal: Record<string, Array<number>> = {}
  for (let run = 0; run <= runs; run += 1) {
    for (const [name, file] of Object.entries(modules)) {
      const url = pathToFileURL(join(built.packageDirectory, file)).href
      const script = `
        const begin = performance.now()
        await import("effect")
        await import("@effect/platform")
        const peers = performance.now()
        await import(${JSON.stringify(url)})
        console.log(JSON.stringify([peers - begin, performance.now() - peers]))
        process.exit(0)`
      const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
        cwd: built.root,
        timeout: 30_000
      })
      const [peers, own] = JSON.parse(stdout) as [number, number]
      // The first reads the files from the disk.
      if (run === 0) continue
      base[name] = [...(base[name] ?? []), peers]
      marginal[name] = [...(marginal[name] ?? []), own]
    }
  }
  return Object.keys(modules).map((name) => ({ name, base: base[name] ?? [], marginal: marginal[name] ?? [] }))
}

/** The size of a bundle. */
export interface BundleSize {
  readonly name: string
  readonly bytes: number
  readonly gzipped: number
  readonly parts: string
}

const entries: Readonly<Record<string, string>> = {
  TokenProvider: `export { TokenProvider, layer, layerConfig } from "./TokenProvider.js"`,
  AuthorizedClient: `export { TokenProvider, layer } from "./TokenProvider.js"; export { AuthorizedClient, layer as layerClient } from "./AuthorizedClient.js"`,
  "ErpNet (everything to read rows)": `export { layer } from "./ErpNet.js"; export { stream, list } from "./DomainApi.js"; export { make } from "./EntitySet.js"`,
  "effect-erpnet (all of it)": `export * from "./index.js"`
}

/** Bundles parts of the package without its peers. */
export const bundleSizes = (built: Built): Promise<ReadonlyArray<BundleSize>> =>
  Promise.all(
    Object.entries(entries).map(async ([name, contents]) => {
      const result = await build({
        stdin: { contents, resolveDir: built.packageDirectory },
        bundle: true,
        minify: true,
        treeShaking: true,
        format: "esm",
        target: "es2022",
        external: ["effect", "effect/*", "@effect/platform", "@effect/platform/*"],
        write: false,
        metafile: true,
        logLevel: "error"
      })
      const contentsOut = result.outputFiles[0]!.contents
      const [output] = Object.values(result.metafile.outputs)
      const parts = Object.entries(output?.inputs ?? {})
        .map(([path, { bytesInOutput }]) => ({
          path: path.replace(/^.*\/(package|node_modules)\//, ""),
          bytesInOutput
        }))
        .sort((a, b) => b.bytesInOutput - a.bytesInOutput)
        .slice(0, 5)
      return {
        name,
        bytes: contentsOut.length,
        gzipped: gzipSync(contentsOut).length,
        parts: parts.map(({ bytesInOutput, path }) => `${path} ${digits(bytesInOutput / 1000)}`).join(", ")
      }
    })
  )
