/** The package as its manifest describes it. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"))
const modules = readdirSync(`${root}src`)
  .filter((name) => name.endsWith(".ts") && name !== "index.ts")
  .map((name) => name.replace(/\.ts$/, ""))
  .sort()

describe("package", () => {
  it("has one subpath for each public module, the index, testing and node", () => {
    assert.deepStrictEqual(
      Object.keys(manifest.exports).sort(),
      [".", "./node", "./package.json", "./testing", ...modules.map((name) => `./${name}`)].sort()
    )
    for (const name of modules) {
      assert.deepStrictEqual(manifest.exports[`./${name}`], {
        types: `./dist/${name}.d.ts`,
        // For bundlers, which drop what is not used.
        module: `./dist/${name}.js`,
        // For Node's own loader.
        default: `./dist/bundle/${name}.js`
      })
    }
    for (const name of ["node", "testing"]) {
      assert.deepStrictEqual(manifest.exports[`./${name}`], {
        types: `./dist/${name}/index.d.ts`,
        default: `./dist/${name}/index.js`
      })
    }
  })

  it("declares no dependency but its peers, and no install script that is not decided on", () => {
    assert.isUndefined(manifest.dependencies)
    const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8"))
    const scripted = Object.entries(packages).flatMap(([path, entry]) =>
      typeof entry === "object" && entry !== null && "hasInstallScript" in entry
        ? [path.replace(/^.*node_modules\//, "")]
        : []
    )
    assert.deepStrictEqual([...new Set(scripted)].sort(), Object.keys(manifest.allowScripts).sort())
  })

  it("exports every public module from the index as a namespace, and does not reach testing", () => {
    const index = readFileSync(`${root}src/index.ts`, "utf8")
    assert.deepStrictEqual(
      [...index.matchAll(/^export (.*)$/gm)].map((match) => match[1]),
      modules.map((name) => `* as ${name} from "./${name}.ts"`)
    )
  })

  it("keeps testing independent of the client above Instance, TrustedApplication and ComplexType", () => {
    const allowed = new Set(["Instance", "TrustedApplication", "ComplexType", "ErpNetError"])
    const files = readdirSync(`${root}src/testing`, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".ts")
    )
    const reached = files.flatMap((name) => {
      const depth = name.split("/").length
      const up = "../".repeat(depth)
      return (
        [...readFileSync(`${root}src/testing/${name}`, "utf8").matchAll(/from "((?:\.\.\/)+)([\w/]+)\.ts"/g)]
          .filter((match) => match[1] === up)
          .map((match) => match[2] ?? "")
          // the face alone puts a client in front of the instance
          .filter((target) => !(name === "ErpNetEmulator.ts" && target === "ErpNet"))
      )
    })
    assert.deepStrictEqual(
      reached.filter((name) => !allowed.has(name)),
      []
    )
  })

  it("uses no node: module and no ambient clock or timer outside testing, node and the entry of the command line", () => {
    const files = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !/^(?:testing|node)\//.test(name) && !/^cli\/(?:main|process)\.ts$/.test(name)
    )
    const faults = files.filter((name) =>
      /from "node:|Date\.now|setTimeout|setInterval|\bprocess\.(?:env|argv|std|on|exit|next)|\bBuffer\b/.test(
        readFileSync(`${root}src/${name}`, "utf8")
      )
    )
    assert.deepStrictEqual(faults, [])
  })
})
