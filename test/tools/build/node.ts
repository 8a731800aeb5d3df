/**
 * Puts the compiled package together for Node's own loader, in dist/node: one file for the client, one for testing, and
 * a small one for each module. Node spends some half a millisecond on every file that it imports, which is most of what
 * importing the package costs. Bundlers take the modules one by one (condition `module`), and drop what is not used.
 *
 *   tsx test/tools/build/node.ts [directory of the compiled package]
 */
import { readdir, writeFile } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import { type BuildOptions, build } from "esbuild"
import { writeLicences } from "./licences.ts"

const dist = resolve(process.argv[2] ?? "dist")
const out = join(dist, "node")

const modules = (await readdir(dist))
  .filter((name) => /^[A-Z]\w*\.js$/.test(name))
  .map((name) => basename(name, ".js"))
  .sort()

const options = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  external: ["effect", "@effect/*"],
  sourcemap: true,
  sourcesContent: false,
  legalComments: "none",
  banner: { js: "// Contains other packages; their licences are in LICENSES.txt." },
  metafile: true as const,
  logLevel: "error"
} satisfies BuildOptions

const { metafile } = await build({
  ...options,
  entryPoints: modules.map((name) => join(dist, `${name}.js`)),
  outdir: out,
  write: false
})
const exportsOf = new Map(
  Object.entries(metafile.outputs).map(([path, output]) => [basename(path, ".js"), output.exports])
)
const names = (module: string, each: (name: string) => string): string =>
  (exportsOf.get(module) ?? []).map(each).join(", ")

// The modules share names such as `make`, so that the one file gives them out as `Instance_make`; and each module as a
// whole for the index, which would otherwise have to load the twenty small ones.
const library = await build({
  ...options,
  stdin: {
    contents: modules
      .flatMap((module) => [
        `export { ${names(module, (name) => `${name} as ${module}_${name}`)} } from "./${module}.js"`,
        `export * as ${module} from "./${module}.js"`
      ])
      .join("\n"),
    resolveDir: dist,
    sourcefile: "library.js"
  },
  outfile: join(out, "library.js")
})
await writeLicences(library.metafile, join(out, "LICENSES.txt"))
for (const module of modules) {
  const own = names(module, (name) => `${module}_${name} as ${name}`)
  await writeFile(join(out, `${module}.js`), `export { ${own} } from "./library.js"\n`)
}
await writeFile(join(out, "index.js"), `export { ${modules.join(", ")} } from "./library.js"\n`)

await build({
  ...options,
  entryPoints: [join(dist, "testing/index.js")],
  outfile: join(out, "testing.js"),
  plugins: [
    {
      name: "the client's modules are those of library.js",
      setup: ({ onResolve }) =>
        onResolve({ filter: /^(?:\.\.\/)+[A-Z]\w*\.js$/ }, ({ path }) => ({
          path: `./${basename(path)}`,
          external: true
        }))
    }
  ]
})
