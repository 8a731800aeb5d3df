/** The documentation held to the code: every export is documented, and every example compiles. */
import { execFileSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8")

const publicModules = ["src", "src/testing", "src/node"].flatMap((folder) =>
  readdirSync(`${root}${folder}`)
    .filter((name) => /^[A-Z]\w*\.ts$/.test(name))
    .map((name) => `${folder}/${name}`)
)

/** The private files of the public modules, and the ground: what a public module exports may be written down there. */
const internalModules = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
  .filter((name) => /^(?:internal|[A-Z]\w*)\/\w+\.ts$/.test(name))
  .map((name) => `src/${name}`)

const categories = new Set(
  "errors models options services layers constructors combinators guards schemas configuration testing type IDs"
    .replace("type IDs", "type-IDs")
    .split(" ")
    .map((name) => name.replace("-", " "))
)

/** The doc comment right above each `export`, with the text that is exported. */
const exportsOf = (source: string): ReadonlyArray<{ readonly head: string; readonly doc: string | undefined }> =>
  [...source.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export (?!\*|\{|type \{)(.*)$/gm)].map((match) => ({
    doc: match[1],
    head: match[2] ?? ""
  }))

const examplesIn = (source: string): ReadonlyArray<string> =>
  [...source.matchAll(/^ \* ```ts\n([\s\S]*?)^ \* ```$/gm)].map((match) => (match[1] ?? "").replace(/^ \* ?/gm, ""))

const readmePrograms = (): ReadonlyArray<string> =>
  [...read("README.md").matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "")

describe("documentation", () => {
  it("every export has a doc comment with a known category and a version", () => {
    const faults = publicModules.flatMap((path) =>
      exportsOf(read(path)).flatMap(({ doc, head }) => {
        const category = /@category (.+)/.exec(doc ?? "")?.[1]
        if (doc === undefined) return [`${path}: ${head}: no doc comment`]
        if (category === undefined || !categories.has(category)) return [`${path}: ${head}: category ${category}`]
        return doc.includes("@since ") ? [] : [`${path}: ${head}: no @since`]
      })
    )
    assert.deepStrictEqual(faults, [])
  })

  it("every module starts with what it is for, and an example", () => {
    const faults = publicModules.filter((path) => {
      const [header] = /^\/\*\*[\s\S]*?\*\//.exec(read(path)) ?? []
      return header === undefined || !header.includes("```ts")
    })
    assert.deepStrictEqual(faults, [])
  })

  it("every example in a doc comment, and every program of the README, compiles", { timeout: 60_000 }, () => {
    const folder = `${root}test/.examples`
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    const programs = [
      ...[...publicModules, ...internalModules].flatMap((path) =>
        examplesIn(read(path)).map((code, index) => [`${path.replace(/\W+/g, "-")}-${index}`, code] as const)
      ),
      ...readmePrograms().map((code, index) => [`readme-${index}`, code] as const)
    ]
    for (const [name, code] of programs) writeFileSync(`${folder}/${name}.ts`, code)
    const compilerOptions = { noUnusedLocals: false }
    writeFileSync(
      `${folder}/tsconfig.json`,
      JSON.stringify({ extends: "../../tsconfig.json", compilerOptions, files: programs.map(([name]) => `${name}.ts`) })
    )
    try {
      execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", folder], { encoding: "utf8" })
    } catch (error) {
      assert.fail(error instanceof Error && "stdout" in error ? String(error.stdout) : String(error))
    }
    assert.isAbove(programs.length, publicModules.length)
    rmSync(folder, { recursive: true, force: true })
  })
})
