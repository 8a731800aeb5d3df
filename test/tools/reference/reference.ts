/** The API reference: one Markdown page for each public module, from the declarations and their doc comments. */
import {
  argumentsOf,
  basesOf,
  bodyOf,
  type Declaration,
  type Declarations,
  type Export,
  type Placed,
  resultOf,
  splitAt,
  withoutComments
} from "./declarations.ts"

/** The modules as the house is laid out. A new public module goes into one of these. */
const groups: ReadonlyArray<readonly [title: string, modules: ReadonlyArray<string>]> = [
  ["Front door", ["ErpNet"]],
  [
    "Reading and writing",
    [
      "DomainApi",
      "DomainRequest",
      "EntitySet",
      "EntityModel",
      "Query",
      "Filter",
      "EntityInput",
      "Operation",
      "Batch",
      "Import",
      "IncrementalPull"
    ]
  ],
  ["Tokens", ["TokenProvider", "TokenSource", "AuthorizedClient", "TokenEndpoint", "AccessToken"]],
  ["People who sign in", ["SignIn", "UserTokens", "RefreshTokenStore", "InteractiveApplication"]],
  ["Values", ["Instance", "TrustedApplication", "ComplexType", "EntityId"]],
  ["Errors", ["ErpNetError"]],
  ["Node.js", ["NodeTransport"]],
  ["Testing", ["ErpNetEmulator"]]
]

const categories = [
  "services",
  "layers",
  "constructors",
  "combinators",
  "configuration",
  "options",
  "errors",
  "models",
  "schemas",
  "guards",
  "testing",
  "type IDs"
]

/** A public module, with the page that it has. */
export interface Module {
  readonly name: string
  /** Where it is declared, such as `testing/ErpNetEmulator.d.ts`. */
  readonly path: string
  readonly page: string
  readonly specifier: string
  readonly exports: ReadonlyArray<Export>
}

/** All public modules, in the order of the house. */
export const modulesOf = (declarations: Declarations): ReadonlyArray<Module> => {
  const found = new Map(
    [
      ...declarations
        .namespaces("index.d.ts")
        .map(([name, path]) => ({ name, path, page: name, specifier: "effect-erpnet" })),
      ...declarations
        .namespaces("node/index.d.ts")
        .map(([name, path]) => ({ name, path, page: name, specifier: "effect-erpnet/node" })),
      ...declarations
        .namespaces("testing/index.d.ts")
        .map(([name, path]) => ({ name, path, page: "testing", specifier: "effect-erpnet/testing" }))
    ].map((module) => [module.name, { ...module, exports: declarations.exportsOf(module.path) }])
  )
  const placed = groups.flatMap(([, modules]) => modules)
  const missing = [...found.keys()].filter((name) => !placed.includes(name))
  if (missing.length > 0) throw new Error(`Give ${missing.join(", ")} a group in test/tools/reference/reference.ts`)
  return placed.flatMap((name) => found.get(name) ?? [])
}

/** The anchors of a page, as GitHub makes them from its headings. */
export const anchorsOf = (page: string): ReadonlyArray<string> => {
  const seen = new Map<string, number>()
  const prose = page.replace(/^```[\s\S]*?^```$/gm, "")
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-")
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  })
}

// --- doc comments ---------------------------------------------------------------------------------------------------

/** A doc comment in its parts. */
export interface Doc {
  /** Without the tags and the example. */
  readonly text: string
  readonly example: string | undefined
  readonly default: string | undefined
  readonly category: string | undefined
  readonly since: string | undefined
  readonly internal: boolean
}

export const parseDoc = (doc: string | undefined): Doc => {
  const [text = "", ...tags] = (doc ?? "").split(/^(?=@(?:category|since|default|example|internal)\b)/m)
  const start = text.startsWith("@") ? "" : text
  const all = text.startsWith("@") ? [text, ...tags] : tags
  const tag = (name: string): string | undefined =>
    all
      .find((one) => one.startsWith(`@${name}`))
      ?.slice(name.length + 1)
      .trim()
  return {
    text: start.trim(),
    example: tag("example"),
    default: tag("default"),
    category: tag("category"),
    since: tag("since"),
    internal: all.some((one) => one.startsWith("@internal"))
  }
}

/** The docs of the declarations that share a name. */
export const docsOf = (one: Export): ReadonlyArray<Doc> =>
  one.declarations.map((declaration) => parseDoc(declaration.doc))

/** The category of a name; where a type and a value share it, that of the value. */
const categoryOf = (one: Export): string =>
  docsOf(one)
    .flatMap((doc) => doc.category ?? [])
    .at(-1) ?? "models"

const summaryOf = (text: string): string => {
  const [paragraph = ""] = text.split(/\n\n|\n(?=[-*] )/)
  const line = paragraph.replaceAll("\n", " ").trim()
  return (/^.*?[.](?= |$)/.exec(line)?.[0] ?? line).replace(/:$/, ".")
}

// --- errors ---------------------------------------------------------------------------------------------------------

export const alternatives = (union: string): ReadonlyArray<string> => splitAt(union, "|")

/** The type of a value that a schema of an error's field decodes to. */
const decodedType = (schema: string): string => {
  const [, name, inner = ""] = /^Schema\.(\w+)\$?<([\s\S]*)>$/.exec(schema) ?? []
  const entries = splitAt(inner.trim().replace(/^\[([\s\S]*)\]$/, "$1"), ",")
  switch (name) {
    case "tag":
    case "Literal":
      return entries.join(" | ")
    case "Union":
      return entries.map(decodedType).join(" | ")
    case "Schema":
      return alternatives(entries[0] ?? "").join(" | ")
    case "Array":
      return `ReadonlyArray<${decodedType(inner.trim())}>`
    case "optional":
      return `${decodedType(inner.trim())} | undefined`
    default: {
      const base = {
        "Schema.String": "string",
        "Schema.Number": "number",
        "Schema.DurationFromMillis": "Duration.Duration"
      }
      const plain = schema.replace(/^typeof /, "")
      return Object.entries(base).find(([key]) => key === plain)?.[1] ?? plain
    }
  }
}

const carriers = ["Effect.Effect", "Stream.Stream", "Layer.Layer", "Either.Either"]

/** The text of the error channel of what a declaration returns, or is; empty where it cannot fail. */
export const errorsOf = (declaration: Declaration): string => {
  if (declaration.kind !== "const" && declaration.kind !== "function") return ""
  const result = resultOf(declaration)
  const carrier = carriers.find((name) => result.startsWith(`${name}<`))
  const [types = []] = carrier === undefined ? [] : argumentsOf(result, carrier)
  return types[1] === undefined || types[1] === "never" ? "" : types[1]
}

// --- pages ----------------------------------------------------------------------------------------------------------

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const inline = (code: string): string => {
  const line = withoutComments(code)
    .replace(/;(?=\s*\})/g, "")
    .replace(/\s+/g, " ")
    .replace(/\( /g, "(")
    .replace(/ \)/g, ")")
    .replace(/^\| /, "")
  return line.includes("`") ? `\`\` ${line} \`\`` : `\`${line}\``
}

const block = (code: string): string => `\`\`\`ts\n${code.replace(/;$/gm, "")}\n\`\`\``

const isCode = (text: string): boolean =>
  /^(?:"[^"]*"|-?[\d_]+|true|false|[a-z]+[A-Z]\w*|[A-Z]\w*\.\w+\(.*\))$/.test(text)

/** The pages by file name, the index as `README.md`. */
export const renderReference = (declarations: Declarations): ReadonlyMap<string, string> => {
  const modules = modulesOf(declarations)

  /** Where each declaration is shown: the module, and the name that it has there. */
  const homes = new Map<string, { readonly module: Module; readonly name: string }>()
  for (const module of modules) {
    for (const one of module.exports) {
      for (const declaration of one.declarations) {
        homes.set(`${declaration.file}#${declaration.name}`, { module, name: one.name })
      }
    }
  }
  const homeOf = (declaration: Declaration) => homes.get(`${declaration.file}#${declaration.name}`)

  const sortedExports = (module: Module): ReadonlyArray<readonly [category: string, exports: ReadonlyArray<Export>]> =>
    categories.flatMap((category) => {
      const members = module.exports.filter((one) => categoryOf(one) === category)
      return members.length === 0 ? [] : [[category, members] as const]
    })

  /** The anchors of the exports of each page, numbered where a heading before has the same text. */
  const anchors = new Map(
    modules.map((module) => {
      const headings = [
        { text: module.name, name: undefined },
        ...sortedExports(module).flatMap(([category, exports]) => [
          { text: capitalised(category), name: undefined },
          ...exports.map(({ name }) => ({ text: name, name }))
        ])
      ]
      const slugs = anchorsOf(headings.map(({ text }) => `# ${text}\n`).join(""))
      return [module, new Map(headings.map(({ name }, index) => [name, slugs[index]]))]
    })
  )

  const addressOf = (from: Module | undefined, module: Module, name: string): string =>
    `${from === module ? "" : `./${module.page}.md`}#${anchors.get(module)?.get(name) ?? ""}`

  const labelOf = (from: Module, module: Module, name: string): string =>
    from === module ? name : `${module.name}.${name}`

  /** Makes the links of a doc comment, as it stands in a file, work on a page. */
  const withLinks = (module: Module | undefined, file: string, text: string): string =>
    text.replace(/\{@link "?([\w.]+)"?\}/g, (whole, target: string) => {
      const page = modules.find(({ name }) => whole.includes('"') && name === target)
      if (page !== undefined) return `[\`${target}\`](./${page.page}.md)`
      const [name = ""] = target.split(".")
      const own = module?.exports.find((one) => one.name === name)
      const home =
        module !== undefined && own !== undefined
          ? { module, name }
          : declarations
              .find(file, target)
              .map(homeOf)
              .find((one) => one !== undefined)
      if (home === undefined) throw new Error(`${file}: {@link ${target}} leads to nothing public`)
      return `[\`${target}\`](${addressOf(module, home.module, home.name)})`
    })

  const linksTo = (module: Module, file: string, text: string, besides: string): ReadonlyArray<string> => [
    ...new Set(
      declarations.mentioned(file, text).flatMap((declaration) => {
        const home = homeOf(declaration)
        return home === undefined || (home.module === module && home.name === besides)
          ? []
          : [`[\`${labelOf(module, home.module, home.name)}\`](${addressOf(module, home.module, home.name)})`]
      })
    )
  ]

  const renderMember = ({ file, member }: Placed, module: Module): string => {
    const doc = parseDoc(member.doc)
    const fallback =
      doc.default === undefined ? "" : ` Default: ${isCode(doc.default) ? `\`${doc.default}\`` : doc.default}.`
    const text = withLinks(module, file, doc.text).replace(/\n(?!\n)/g, "\n  ")
    const body = `${text}${fallback}`.trim()
    return `- ${inline(`${member.name}${member.optional ? "?" : ""}: ${member.type}`)}${body === "" ? "" : `\\\n  ${body}`}`
  }

  /** Own members, those of bases that have no page, and where the rest is found. */
  const renderMembers = (
    module: Module,
    declaration: Declaration,
    own: ReadonlyArray<Placed>
  ): ReadonlyArray<string> => {
    const inherited = basesOf(declaration).flatMap((base) => {
      const home = declarations.find(declaration.file, base).map(homeOf)[0]
      const members = declarations.membersOf(declaration.file, base)
      if (home === undefined) return members.map((placed) => renderMember(placed, module))
      const names = members.map(({ member }) => `\`${member.name}\``).join(", ")
      return [
        `- Everything of [\`${labelOf(module, home.module, home.name)}\`](${addressOf(module, home.module, home.name)}): ${names}.`
      ]
    })
    const shown = own.filter(({ member }) => !parseDoc(member.doc).internal && !member.name.startsWith("["))
    return [...shown.map((placed) => renderMember(placed, module)), ...inherited]
  }

  const classSignature = (declaration: Declaration): string => {
    const error = declarations.errorOf(declaration)
    if (error === undefined) return `class ${declaration.name} extends ${declarations.baseOf(declaration)}`
    const fields = error.fields.map(({ name, type }) => {
      const optional = type.startsWith("Schema.optional<") ? "?" : ""
      return `  readonly ${name}${optional}: ${decodedType(type)}\n`
    })
    return `class ${declaration.name} extends Error {\n  readonly _tag: ${error.tag}\n${fields.join("")}}`
  }

  const renderDeclaration = (module: Module, name: string, declaration: Declaration): ReadonlyArray<string> => {
    const { file, kind } = declaration
    const doc = parseDoc(declaration.doc)
    const body = bodyOf(declaration)
    const signature =
      kind === "class"
        ? classSignature(declaration)
        : body === undefined
          ? declaration.text
          : `${body.head}${kind === "interface" ? "" : " { ... }"}`
    const shown = name === declaration.name ? signature : signature.replace(declaration.name, name)
    const members = kind === "class" ? [] : renderMembers(module, declaration, declarations.ownMembers(declaration))
    const failing = alternatives(errorsOf(declaration)).flatMap((error) => {
      const [link] = linksTo(module, file, error, "")
      // A single capital is a type parameter.
      return link !== undefined ? [link] : /^[A-Z]\w?$/.test(error) ? [] : [`\`${error}\``]
    })
    const text = [
      shown,
      ...(members.length === 0 ? [] : declarations.ownMembers(declaration).map(({ member }) => member.type))
    ].join("\n")
    const uses = linksTo(module, file, text, name).filter((link) => !failing.includes(link))
    return [
      block(shown),
      withLinks(module, file, doc.text),
      doc.example ?? "",
      members.join("\n"),
      failing.length === 0 ? "" : `Errors: ${failing.join(", ")}.`,
      uses.length === 0 ? "" : `See: ${uses.join(", ")}.`
    ].filter((part) => part !== "")
  }

  const renderExport = (module: Module, one: Export): ReadonlyArray<string> => {
    const since = docsOf(one)
      .map((doc) => doc.since)
      .find((version) => version !== undefined)
    const files = [...new Set(one.declarations.map(({ file }) => file.replace(/\.d\.ts$/, ".ts")))]
    const sources = files.map((file) => `[src/${file}](../${file})`)
    return [
      `### ${one.name}`,
      ...one.declarations.flatMap((declaration) => renderDeclaration(module, one.name, declaration)),
      `Since ${since ?? "0.1.0"}. Source: ${sources.join(", ")}.`
    ]
  }

  const renderPage = (module: Module): string => {
    const header = parseDoc(declarations.header(module.path))
    const example = header.example === undefined ? [] : [header.example]
    return `${[
      `# ${module.name}`,
      `\`import { ${module.name} } from "${module.specifier}"\`. [All modules](./README.md).`,
      withLinks(module, module.path, header.text),
      ...example,
      ...sortedExports(module).flatMap(([category, exports]) => [
        `## ${capitalised(category)}`,
        ...exports.flatMap((one) => renderExport(module, one))
      ])
    ].join("\n\n")}\n`
  }

  const renderIndex = (): string => {
    const lineOf = (module: Module, one: Export): string => {
      const texts = one.declarations.map(({ doc, file }) => withLinks(module, file, summaryOf(parseDoc(doc).text)))
      // Links of a summary are those of its page; here the name is link enough.
      const text = texts.find((found) => found !== "")?.replace(/\[(`[^\]]+`)\]\([^)]*\)/g, "$1")
      return `  - [\`${one.name}\`](${addressOf(undefined, module, one.name)})${text === undefined ? "" : `: ${text}`}`
    }
    const entries = groups.flatMap(([title, names]) => [
      `## ${title}`,
      modules
        .filter(({ name }) => names.includes(name))
        .map((module) => {
          const summary = summaryOf(parseDoc(declarations.header(module.path)).text)
          const lines = sortedExports(module).flatMap(([, exports]) => exports.map((one) => lineOf(module, one)))
          return [`- [\`${module.name}\`](./${module.page}.md): ${summary}`, ...lines].join("\n")
        })
        .join("\n")
    ])
    return `${[
      "# API reference",
      "Generated from the doc comments of the source by `npm run reference`; do not edit. " +
        "How to begin is in the [README](../../README.md).",
      ...entries
    ].join("\n\n")}\n`
  }

  return new Map([
    ["README.md", renderIndex()],
    ...modules.map((module) => [`${module.page}.md`, renderPage(module)] as const)
  ])
}
