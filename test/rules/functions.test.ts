/** Functions stay short enough to be read at one look. Counted with the compiler's own parser. */
import { readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** The part of the compiler's API that is used here: version 7 offers none, so this is version 5.9. */
interface Node {
  readonly kind: number
  readonly pos: number
  readonly end: number
  readonly getStart: () => number
}
interface Compiler {
  readonly ScriptTarget: { readonly ES2022: number }
  readonly createSourceFile: (name: string, text: string, target: number, parents: boolean) => Node
  readonly forEachChild: (node: Node, visit: (child: Node) => void) => void
  readonly isFunctionLike: (node: Node) => boolean
}
const tools = createRequire(createRequire(import.meta.url).resolve("@arethetypeswrong/core"))
const compiler: Compiler = tools("typescript")

const most = 60

/** Lines of every function of a source, comments above it left out, as `name:line`. */
const lengths = (name: string, text: string): ReadonlyArray<readonly [place: string, lines: number]> => {
  const found: Array<readonly [string, number]> = []
  const lineOf = (position: number): number => text.slice(0, position).split("\n").length
  const visit = (node: Node): void => {
    if (compiler.isFunctionLike(node)) {
      const first = lineOf(node.getStart())
      found.push([`${name}:${first}`, lineOf(node.end) - first + 1])
    }
    compiler.forEachChild(node, visit)
  }
  visit(compiler.createSourceFile(name, text, compiler.ScriptTarget.ES2022, true))
  return found
}

const tooLong = (name: string, text: string): ReadonlyArray<string> =>
  lengths(name, text).flatMap(([place, lines]) => (lines > most ? [`${place} has ${lines} lines`] : []))

describe("functions", () => {
  it("a function of more lines is found, whatever surrounds it", () => {
    const body = "  void 0\n".repeat(most)
    assert.deepStrictEqual(tooLong("a.ts", `const outer = () => {\n${body}}\n`), [`a.ts:1 has ${most + 2} lines`])
    assert.deepStrictEqual(tooLong("a.ts", `/** Doc.\n */\nexport function* inner() {\n${body}}\n`), [
      `a.ts:3 has ${most + 2} lines`
    ])
    assert.deepStrictEqual(tooLong("a.ts", `const short = () => {\n${body.slice(0, -18)}}\n`), [])
  })

  it("of the library have at most 60 lines", () => {
    const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.startsWith("testing/")
    )
    assert.deepStrictEqual(
      sources.flatMap((name) => tooLong(name, readFileSync(`${root}src/${name}`, "utf8"))),
      []
    )
  })
})
