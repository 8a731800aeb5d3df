/** The API reference in src/reference held to the source, and its links to what they lead to. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { filesAddress, toAbsolute, toRelative } from "../tools/links/links.ts"
import { readDeclarations } from "../tools/reference/declarations.ts"
import { anchorsOf, renderReference } from "../tools/reference/reference.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = `${root}src/reference`
const read = (path: string): string => readFileSync(path, "utf8")
const address = filesAddress(JSON.parse(read(`${root}package.json`)))
const readme = read(`${root}README.md`)
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
    const texts = [
      ...[...pages.keys()].map((name) => [`${folder}/${name}`, read(`${folder}/${name}`)] as const),
      [`${root}README.md`, address === undefined ? readme : toRelative(readme, address)] as const
    ]
    const links = texts.flatMap(([path, text]) => linksOf(text).map((link) => ({ path, link })))
    assert.isAbove(links.length, 500)
    const faults = links.filter(({ link, path }) => {
      const [file = "", anchor] = link.split("#")
      const target = file === "" ? path : join(dirname(path), file)
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(read(target)).includes(anchor))
    })
    assert.deepStrictEqual(faults, [])
  })

  it("has links in the README that work on the page of the package, once the project has an address", () => {
    if (address !== undefined) assert.strictEqual(readme, toAbsolute(readme, address), "run npm run links")
    const there = filesAddress({ repository: { url: "git+https://github.com/owner/name.git" } })
    assert.strictEqual(there, "https://github.com/owner/name/blob/main/")
    for (const repository of ["owner/name", "github:owner/name", "git@github.com:owner/name.git"]) {
      assert.strictEqual(filesAddress({ repository }), there, repository)
    }
    assert.isUndefined(filesAddress({}))
    const text = "[a](./src/A.md#b) [b](LICENSE) [c](#c) [d](https://erp.net)\n```ts\nx[0](y)\n```\n"
    const absolute = toAbsolute(text, there ?? "")
    assert.strictEqual(
      absolute,
      `[a](${there}src/A.md#b) [b](${there}LICENSE) [c](#c) [d](https://erp.net)\n\`\`\`ts\nx[0](y)\n\`\`\`\n`
    )
    assert.strictEqual(toAbsolute(absolute, there ?? ""), absolute, "twice changes nothing")
    assert.strictEqual(toAbsolute(toRelative(absolute, there ?? ""), there ?? ""), absolute)
    assert.deepStrictEqual(linksOf(absolute), ["#c"])
  })

  it("leaves no link of a doc comment as it was written", () => {
    for (const [name, text] of pages) assert.notInclude(text, "{@link", name)
  })
})
