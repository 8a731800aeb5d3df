/**
 * Makes the published package of what the compiler wrote: one copy of each thing.
 *
 * - `*.js`: the modules one by one, for bundlers (condition `module`), which drop what is not used.
 * - `bundle/`: the client in one file for Node's own loader, and a small file for each module. Node spends some half a
 *   millisecond on every file that it imports, which is most of what importing the package costs.
 * - `testing/index.js`, `node/index.js`: one file each. They import the client by the package's own name, so that there
 *   is one client in a program, whichever of the two forms it loads.
 * - `testing/standardModel.txt`: data of the embedded instance.
 * - `*.d.ts`: those that a public module reaches.
 *
 * The few functions that other packages give are put in (`internal/lossless-json.js`), with their licences beside them.
 *
 *   tsx test/tools/build/package.ts [directory of the compiled package]
 */
import { existsSync } from "node:fs"
import { copyFile, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises"
import { basename, dirname, join, posix, relative, resolve } from "node:path"
import { type BuildOptions, build, type Metafile } from "esbuild"
import { writeLicences } from "./licences.ts"

const dist = resolve(process.argv[2] ?? "dist")
const bundle = join(dist, "bundle")
/** The subpaths that are no client module: one folder and one file each. */
const extras = ["testing", "node"]

const options = {
  absWorkingDir: join(import.meta.dirname, "../../.."),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  external: ["effect", "@effect/*", "undici"],
  legalComments: "none",
  metafile: true as const,
  logLevel: "error"
} satisfies BuildOptions

const licenceNote = (path: string) => ({ js: `// Contains other packages; their licences are in ${path}.` })

const filesIn = async (folder: string, suffix: string): Promise<ReadonlyArray<string>> =>
  (await readdir(folder, { recursive: true }))
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(suffix))
    .sort()

/** Replaces imports of other packages by files that hold what is imported of them. */
const putIn = async (paths: ReadonlyArray<string>): Promise<ReadonlyArray<Metafile>> => {
  const imports = /^import \{([^}]+)\} from "((?!effect["/]|@effect\/|node:)[@\w][^"]*)"/gm
  const taken = new Map<string, Set<string>>()
  const nameOf = (specifier: string): string => `internal/${specifier.replace(/^@/, "").replaceAll("/", "-")}.js`
  for (const path of paths) {
    const code = await readFile(join(dist, path), "utf8")
    const changed = code.replace(imports, (_, names: string, specifier: string) => {
      const known = taken.get(specifier) ?? new Set<string>()
      for (const name of names.split(",")) known.add(name.trim().replace(/ as .*/, ""))
      taken.set(specifier, known)
      const target = posix.relative(posix.dirname(path), nameOf(specifier))
      return `import {${names}} from "${target.startsWith(".") ? target : `./${target}`}"`
    })
    if (changed !== code) await writeFile(join(dist, path), changed)
  }
  return Promise.all(
    [...taken].map(async ([specifier, names]) => {
      const { metafile } = await build({
        ...options,
        stdin: {
          contents: `export { ${[...names].sort().join(", ")} } from "${specifier}"`,
          resolveDir: options.absWorkingDir
        },
        outfile: join(dist, nameOf(specifier)),
        banner: licenceNote("LICENSES.txt")
      })
      return metafile
    })
  )
}

/** The client in one file, and a small file for each module. */
const writeBundle = async (modules: ReadonlyArray<string>): Promise<void> => {
  const { metafile } = await build({
    ...options,
    entryPoints: modules.map((name) => join(dist, `${name}.js`)),
    outdir: bundle,
    write: false
  })
  const exportsOf = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [basename(path, ".js"), output.exports])
  )
  const names = (module: string, each: (name: string) => string): string =>
    (exportsOf.get(module) ?? []).map(each).join(", ")
  // The modules share names such as `make`, so that the one file gives them out as `Instance_make`; and each module as a
  // whole for the index, which would otherwise have to load all the small ones.
  await build({
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
    outfile: join(bundle, "library.js"),
    // The map leads to the modules, which are in the package.
    sourcemap: true,
    sourcesContent: false,
    banner: licenceNote("../LICENSES.txt")
  })
  for (const module of modules) {
    const own = names(module, (name) => `${module}_${name} as ${name}`)
    await writeFile(join(bundle, `${module}.js`), `export { ${own} } from "./library.js"\n`)
  }
  await writeFile(join(bundle, "index.js"), `export { ${modules.join(", ")} } from "./library.js"\n`)
}

/** One file for a folder of its own, which imports the client by the package's name. */
const writeExtra = async (folder: string): Promise<Metafile> => {
  const index = join(dist, folder, "index.js")
  const { metafile, outputFiles } = await build({
    ...options,
    entryPoints: [index],
    outfile: index,
    allowOverwrite: true,
    write: false,
    banner: licenceNote("../LICENSES.txt"),
    plugins: [
      {
        name: "the client by its name",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.\.\/(?:\.\.\/)*[A-Z]\w*\.js$/ }, ({ importer, path }) =>
            dirname(resolve(dirname(importer), path)) === dist
              ? { path: `effect-erpnet/${basename(path, ".js")}`, external: true }
              : undefined
          )
      }
    ]
  })
  for (const path of await filesIn(join(dist, folder), ".js")) await rm(join(dist, folder, path))
  for (const file of outputFiles) await writeFile(index, file.contents)
  return metafile
}

/** Removes the declarations that no public module reaches, and the folders that this leaves empty. */
const removeUnreached = async (entries: ReadonlyArray<string>): Promise<void> => {
  const reached = new Set<string>()
  const visit = async (path: string): Promise<void> => {
    if (reached.has(path)) return
    reached.add(path)
    const text = await readFile(path, "utf8")
    for (const [, target = ""] of text.matchAll(/(?:from |import\()"(\.[^"]+)\.[jt]s"/g)) {
      await visit(resolve(dirname(path), `${target}.d.ts`))
    }
  }
  for (const entry of entries) await visit(join(dist, entry))
  const folders = new Set<string>()
  for (const path of await filesIn(dist, ".d.ts")) {
    if (reached.has(join(dist, path))) continue
    await rm(join(dist, path))
    folders.add(dirname(join(dist, path)))
  }
  for (const folder of folders) {
    for (let path = folder; relative(dist, path) !== "" && (await readdir(path)).length === 0; path = dirname(path)) {
      await rmdir(path)
    }
  }
}

const modules = (await readdir(dist)).flatMap((name) => /^([A-Z]\w*)\.js$/.exec(name)?.[1] ?? []).sort()
const isExtra = (path: string): boolean => extras.some((folder) => path.startsWith(`${folder}/`))
const metafiles = [...(await putIn((await filesIn(dist, ".js")).filter((path) => !isExtra(path))))]
await writeBundle(modules)
for (const folder of extras.filter((name) => existsSync(join(dist, name)))) metafiles.push(await writeExtra(folder))
// The data that the embedded instance reads when it first needs it.
if (existsSync(join(dist, "testing"))) {
  await copyFile(
    join(options.absWorkingDir, "src/testing/model/standardModel.txt"),
    join(dist, "testing/standardModel.txt")
  )
}
await removeUnreached(["index", ...modules, ...extras.map((name) => `${name}/index`)].map((name) => `${name}.d.ts`))
await writeLicences(metafiles, join(dist, "LICENSES.txt"))
