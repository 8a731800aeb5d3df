/** The API reference in src/reference held to the source, and its links to what they lead to. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { readDeclarations } from "../tools/reference/declarations.ts"
import { anchorsOf, renderReference } from "../tools/reference/reference.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = `${root}src/reference`
const read = (path: string): string => readFileSync(path, "utf8")
const pages = renderReference(readDeclarations())

/** The links of a page that stay in the repository, outside code. */
const linksOf = (text: string): ReadonlyArray<string> => {
  const prose = text.replace(/^\s*```[\s\S]*?^\s*```$/gm, "")
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => (/^[a-z]+:/.test(link) ? [] : [link]))
}

describe("API reference", () => {
  it("is what the source says; otherwise run npm run reference", () => {
    assert.deepStrictEqual(readdirSync(folder).sort(), [...pages.keys()].sort(), "run npm run reference")
    for (const [name, text] of pages) {
      assert.strictEqual(read(`${folder}/${name}`), text, `src/reference/${name} is out of date: run npm run reference`)
    }
  })

  it("has only links that lead somewhere, as has the README", () => {
    const paths = [...[...pages.keys()].map((name) => `${folder}/${name}`), `${root}README.md`]
    const links = paths.flatMap((path) => linksOf(read(path)).map((link) => ({ path, link })))
    assert.isAbove(links.length, 500)
    const faults = links.filter(({ link, path }) => {
      const [file = "", anchor] = link.split("#")
      const target = file === "" ? path : join(dirname(path), file)
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(read(target)).includes(anchor))
    })
    assert.deepStrictEqual(faults, [])
  })

  it("leaves no link of a doc comment as it was written", () => {
    for (const [name, text] of pages) assert.notInclude(text, "{@link", name)
  })
})
