/** The public types of the package as one text, so that a change of them is seen in review. */
import { type Declaration, type Declarations, withoutComments } from "../reference/declarations.ts"

const entries: ReadonlyArray<readonly [index: string, specifier: string]> = [
  ["index.d.ts", "effect-erpnet"],
  ["node/index.d.ts", "effect-erpnet/node"],
  ["testing/index.d.ts", "effect-erpnet/testing"]
]

/** Every module of every entry with its exports by name, then the types that they mention and that have no export. */
export const renderSurface = (declarations: Declarations): string => {
  const textOf = (declaration: Declaration): string => {
    const base = declarations.baseOf(declaration)
    const text = base === "" ? declaration.text : declaration.text.replace(`${declaration.name}_base`, () => base)
    return withoutComments(text).trim()
  }
  const modules = entries.flatMap(([index, specifier]) =>
    declarations.namespaces(index).map(([name, path]) => ({
      title: `${specifier}: ${name}`,
      exports: [...declarations.exportsOf(path)].sort((a, b) => (a.name < b.name ? -1 : 1))
    }))
  )
  const seen = new Set<string>()
  const keyOf = ({ file, name }: Declaration): string => `${file}#${name}`
  const published = modules.flatMap((module) => module.exports.flatMap((one) => one.declarations))
  for (const declaration of published) seen.add(keyOf(declaration))

  const behind: Array<Declaration> = []
  const visit = (declaration: Declaration): void => {
    for (const mentioned of declarations.mentioned(declaration.file, textOf(declaration))) {
      if (seen.has(keyOf(mentioned))) continue
      seen.add(keyOf(mentioned))
      behind.push(...declarations.find(mentioned.file, mentioned.name))
      visit(mentioned)
    }
  }
  for (const declaration of published) visit(declaration)

  const sections = modules.map(({ exports, title }) =>
    [
      `## ${title}`,
      ...exports.flatMap(({ declarations: all, name }) =>
        all.map((one) => (one.name === name ? textOf(one) : `${textOf(one)}\nexport { ${one.name} as ${name} }`))
      )
    ].join("\n\n")
  )
  const hidden = behind
    .map((declaration) => `// ${declaration.file.replace(/\.d\.ts$/, "")}\n${textOf(declaration)}`)
    .sort()
  return `${["# Public types: npm run surface", ...sections, "## Not exported, but part of the above", ...hidden].join("\n\n")}\n`
}
