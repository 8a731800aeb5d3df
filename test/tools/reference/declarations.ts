/**
 * A small reader of the declarations that the compiler emits. TypeScript 7 has no JavaScript API, so the public types
 * are read from the text of the `.d.ts` files: statements, their doc comments, members and references.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, posix } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))

// --- text -----------------------------------------------------------------------------------------------------------

/** Strings and comments as the reader meets them: what stands inside is no structure. */
const opaque = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/y

/** The end of a template literal type that starts here. */
const templateEnd = (text: string, start: number): number => {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === "\\") index++
    else if (text.startsWith("${", index)) index = closing(text, index + 1)
    else if (text[index] === "`") return index
  }
  throw new Error(`A template literal type does not end: ${text.slice(start, start + 80)}`)
}

/** Where the token at this place ends (inclusive), whole strings, comments and templates taken as one. */
const tokenEnd = (text: string, index: number): number => {
  if (text[index] === "`") return templateEnd(text, index)
  opaque.lastIndex = index
  const found = opaque.exec(text)
  // The arrow is one token, so that its `>` closes no type arguments.
  return found !== null ? index + found[0].length - 1 : text.startsWith("=>", index) ? index + 1 : index
}

/** The places of a text that are structure: single characters, those inside strings, comments and templates left out. */
function* structure(text: string, start = 0): Generator<number> {
  for (let index = start; index < text.length; index++) {
    const end = tokenEnd(text, index)
    if (end === index) yield index
    index = end
  }
}

/** What a character adds to the depth of brackets. */
const nesting = (text: string, index: number, open: string, close: string): number =>
  open.includes(text.charAt(index)) ? 1 : close.includes(text.charAt(index)) ? -1 : 0

/** The bracket that closes the one at this place. */
const closing = (text: string, start: number): number => {
  let depth = 0
  for (const index of structure(text, start)) {
    const step = nesting(text, index, "([{", ")]}")
    depth += step
    if (step < 0 && depth === 0) return index
  }
  throw new Error(`A bracket does not close: ${text.slice(start, start + 80)}`)
}

/** The parts of a text between separators that stand outside all brackets, type arguments included. */
export const splitAt = (text: string, separator: "," | "|" | ";"): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let depth = 0
  let from = 0
  for (const index of structure(text)) {
    depth += nesting(text, index, "([{<", ")]}>")
    if (depth === 0 && text[index] === separator) {
      parts.push(text.slice(from, index))
      from = index + 1
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim()).filter((part) => part !== "")
}

export const withoutComments = (text: string): string => {
  let result = ""
  for (let index = 0; index < text.length; index++) {
    const end = tokenEnd(text, index)
    if (!/^\/[*/]/.test(text.slice(index, index + 2))) result += text.slice(index, end + 1)
    index = end
  }
  return result.replace(/^[ \t]*\n/gm, "").replace(/[ \t]+$/gm, "")
}

interface Documented {
  /** The first doc comment before the text, without its stars. */
  readonly first: string | undefined
  /** The one right before it. */
  readonly doc: string | undefined
  readonly rest: string
}

const takeDoc = (text: string): Documented => {
  let rest = text.trimStart()
  let first: string | undefined
  let doc: string | undefined
  while (rest.startsWith("/*") || rest.startsWith("//")) {
    const comment = rest.slice(0, tokenEnd(rest, 0) + 1)
    if (comment.startsWith("/**")) {
      doc = comment
        .slice(3, -2)
        .replace(/^[ \t]*\* ?/gm, "")
        .trim()
      first ??= doc
    }
    rest = rest.slice(comment.length).trimStart()
  }
  return { first, doc, rest }
}

// --- statements -----------------------------------------------------------------------------------------------------

/** A declaration at the top level of a file. */
export interface Declaration {
  readonly file: string
  readonly name: string
  readonly kind: "const" | "class" | "interface" | "type" | "function"
  readonly doc: string | undefined
  /** From the keyword on, without `export` and `declare`. */
  readonly text: string
}

interface Binding {
  /** The file that it comes from. */
  readonly file: string
  /** Its name there; `*` is the whole module. */
  readonly name: string
}

interface SourceFile {
  readonly declarations: ReadonlyMap<string, ReadonlyArray<Declaration>>
  readonly imports: ReadonlyMap<string, Binding>
  /** In the order of the file. */
  readonly exports: ReadonlyMap<string, Binding & { readonly doc: string | undefined }>
}

/** The statements of a file, each with what stands before it. */
const statements = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let depth = 0
  let from = 0
  for (const index of structure(text)) {
    depth += nesting(text, index, "([{", ")]}")
    if (depth > 0) continue
    // Interfaces and classes end with their brace, everything else with a semicolon.
    const isBody = text[index] === "}" && (text[index + 1] ?? "\n") === "\n"
    const head = isBody ? takeDoc(text.slice(from, index + 1)).rest : ""
    if (text[index] === ";" || /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class) /.test(head)) {
      found.push(text.slice(from, index + 1))
      from = index + 1
    }
  }
  if (takeDoc(text.slice(from)).rest !== "") throw new Error(`Not a statement: ${text.slice(from, from + 80)}`)
  return found
}

const declarationPattern =
  /^(export )?(?:declare )?(?:abstract )?(const|class|interface|type|function) ([\p{L}_$][\p{L}\p{N}_$]*)/u

const clausePattern = /^(import|export)(?: type)? (?:\* as (\w+)|\{([\s\S]*)\}|(\w+))(?: from "([^"]+)")?;$/

const readFile = (path: string, text: string): SourceFile => {
  const declarations = new Map<string, Array<Declaration>>()
  const imports = new Map<string, Binding>()
  const exports = new Map<string, Binding & { readonly doc: string | undefined }>()
  for (const statement of statements(text)) {
    const { doc, rest } = takeDoc(statement)
    const [matched, exported, kind, name] = declarationPattern.exec(rest) ?? []
    if (matched !== undefined && name !== undefined) {
      const declaration: Declaration = {
        file: path,
        name,
        kind: kind as Declaration["kind"],
        doc,
        text: rest.replace(/^(?:export )?(?:declare )?/, "").replace(/;$/, "")
      }
      declarations.set(name, [...(declarations.get(name) ?? []), declaration])
      if (exported !== undefined) exports.set(name, { file: path, name, doc: undefined })
      continue
    }
    const [clause, word, namespace, names, single, from] = clausePattern.exec(rest) ?? []
    if (clause === undefined) throw new Error(`${path}: cannot read ${rest.slice(0, 80)}`)
    const target = from === undefined || !from.startsWith(".") ? from : posix.join(posix.dirname(path), from)
    const bindings = word === "import" ? imports : exports
    const file = target?.replace(/\.ts$/, ".d.ts") ?? path
    const whole = namespace ?? single
    if (whole !== undefined) bindings.set(whole, { file, name: "*" })
    for (const part of splitAt(names ?? "", ",")) {
      const own = takeDoc(part)
      const [outer = "", inner] = own.rest.replace(/^type /, "").split(" as ")
      exports === bindings
        ? exports.set(inner ?? outer, { file, name: outer, doc: own.doc })
        : imports.set(inner ?? outer, { file, name: outer })
    }
  }
  return { declarations, imports, exports }
}

// --- the whole package ----------------------------------------------------------------------------------------------

/** An export of a public module: its declarations under one name, such as a type and a constant. */
export interface Export {
  readonly name: string
  readonly declarations: ReadonlyArray<Declaration>
}

/** The emitted declarations of the package, by path, such as `internal/batch.d.ts`. */
export class Declarations {
  private readonly files: ReadonlyMap<string, SourceFile>

  constructor(files: ReadonlyMap<string, SourceFile>) {
    this.files = files
  }

  /** The comment at the top of a module. From its source: the compiler drops it with an import that it does not need. */
  header(path: string): string {
    return takeDoc(readFileSync(`${root}src/${path.replace(/\.d\.ts$/, ".ts")}`, "utf8")).first ?? ""
  }

  /** The names that an index file exports as namespaces, with the files behind them. */
  namespaces(path: string): ReadonlyArray<readonly [name: string, path: string]> {
    return [...this.file(path).exports].flatMap(([name, binding]) =>
      binding.name === "*" ? [[name, binding.file] as const] : []
    )
  }

  exportsOf(path: string): ReadonlyArray<Export> {
    return [...this.file(path).exports].map(([name, { doc }]) => {
      const found = this.exported(path, name)
      if (found.length === 0) throw new Error(`${path}: ${name} is declared nowhere`)
      return { name, declarations: found.map((one) => ({ ...one, doc: one.doc ?? doc })) }
    })
  }

  /** The declarations that a name, plain or dotted, stands for where it is written; none for what comes from elsewhere. */
  find(path: string, name: string): ReadonlyArray<Declaration> {
    const file = this.files.get(path)
    const [first = "", second] = name.split(".")
    const own = file?.declarations.get(first)
    if (own !== undefined) return own
    const binding = file?.imports.get(first)
    if (binding === undefined) return []
    if (binding.name !== "*") return this.exported(binding.file, binding.name)
    return second === undefined ? [] : this.exported(binding.file, second)
  }

  /** The members of an interface or of an object type, without those of its bases. */
  ownMembers(declaration: Declaration): ReadonlyArray<Placed> {
    const members = bodyOf(declaration)?.members.map((member) => ({ file: declaration.file, member }))
    const alias = /^type [\w$]+ = ((?:Pick|Omit)<[\s\S]*>)$/.exec(declaration.text)?.[1]
    return members ?? (alias === undefined ? [] : this.membersOf(declaration.file, alias))
  }

  /** All members of a type as it is written in a file: a name, or `Pick` and `Omit` of one. */
  membersOf(path: string, type: string): ReadonlyArray<Placed> {
    const [, utility, inner = ""] = /^(Pick|Omit)<([\s\S]*)>$/.exec(type) ?? []
    if (utility !== undefined) {
      const [of = "", keys = ""] = splitAt(inner, ",")
      return this.membersOf(path, of).filter(
        ({ member }) => splitAt(keys, "|").includes(JSON.stringify(member.name)) === (utility === "Pick")
      )
    }
    return this.find(path, type.replace(/<[\s\S]*$/, "")).flatMap((declaration) => [
      ...this.ownMembers(declaration),
      ...basesOf(declaration).flatMap((base) => this.membersOf(declaration.file, base))
    ])
  }

  /** What a class extends, in place of the name that the compiler gave it. */
  baseOf(declaration: Declaration): string {
    const [base] = this.find(declaration.file, `${declaration.name}_base`)
    return base?.text.replace(/^const [\w$]+: /, "") ?? ""
  }

  /** The tag of an error class, and its fields with their schemas; none where the class is something else. */
  errorOf(declaration: Declaration): { readonly tag: string; readonly fields: ReadonlyArray<Member> } | undefined {
    const [generic] = argumentsOf(this.baseOf(declaration), "TaggedErrorClass")
    if (generic !== undefined) {
      const fields = objectsIn(generic[2] ?? "").filter(({ name }) => name !== "_tag")
      return { tag: generic[1] ?? "", fields }
    }
    // A class that extends another one of ours says itself what all its fields are.
    const [, parent = ""] = /^class [\w$]+ extends ([\w$]+) \{/.exec(withoutComments(declaration.text)) ?? []
    const [base] = this.find(declaration.file, parent).flatMap((one) => this.errorOf(one) ?? [])
    const own = /static readonly fields: \(\) =>([\s\S]*)/.exec(declaration.text)?.[1] ?? ""
    const open = own.indexOf("{")
    return base === undefined || open === -1
      ? base
      : { tag: base.tag, fields: objectsIn(own.slice(open, closing(own, open) + 1)) }
  }

  /** The package's own declarations that a text mentions, in the order in which it does. */
  mentioned(path: string, text: string): ReadonlyArray<Declaration> {
    // Neither the members of something nor what stands in quotes.
    const imported = [...text.matchAll(/import\("(\.[^"]+)\.ts"\)\.([\w$]+)/g)].flatMap(([, from = "", name = ""]) =>
      this.exported(`${posix.join(posix.dirname(path), from)}.d.ts`, name)
    )
    const bare = withoutComments(text).replace(/"(?:[^"\\]|\\.)*"/g, "")
    const names = [...bare.matchAll(/(?<![\w$.])[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)?(?!\??:(?!:))/g)].map(
      ([name]) => name
    )
    return [...new Set([...imported, ...names.flatMap((name) => this.find(path, name))])]
  }

  /** The declarations that a file exports under a name. */
  private exported(path: string, name: string): ReadonlyArray<Declaration> {
    const file = this.files.get(path)
    const binding = file?.exports.get(name)
    if (file === undefined || binding === undefined) return []
    return binding.file === path
      ? (file.declarations.get(binding.name) ?? [])
      : this.exported(binding.file, binding.name)
  }

  private file(path: string): SourceFile {
    const file = this.files.get(path)
    if (file === undefined) throw new Error(`There are no declarations of ${path}`)
    return file
  }
}

const format = {
  root: true,
  formatter: { indentStyle: "space", indentWidth: 2, lineWidth: 100 },
  javascript: { formatter: { semicolons: "always", trailingCommas: "none" } }
}

/** Emits the declarations of src into a temporary folder, in the form of the formatter, and reads them. */
export const readDeclarations = (): Declarations => {
  const folder = mkdtempSync(join(tmpdir(), "effect-erpnet-declarations-"))
  try {
    execFileSync(
      process.execPath,
      [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}test/tools/reference`, "--outDir", folder],
      { encoding: "utf8" }
    )
    writeFileSync(`${folder}/biome.json`, JSON.stringify(format))
    execFileSync(process.execPath, [`${root}node_modules/@biomejs/biome/bin/biome`, "format", "--write", "."], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"]
    })
    const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((path) => path.replaceAll("\\", "/"))
      .filter((path) => path.endsWith(".d.ts"))
    return new Declarations(
      new Map(paths.map((path) => [path, readFile(path, readFileSync(`${folder}/${path}`, "utf8"))]))
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// --- pieces of a declaration ----------------------------------------------------------------------------------------

/** A member of an interface or an object type. */
export interface Member {
  readonly name: string
  readonly optional: boolean
  readonly type: string
  readonly doc: string | undefined
}

/** The members between the braces of a body. */
const membersIn = (body: string): ReadonlyArray<Member> =>
  splitAt(body, ";").flatMap((part) => {
    const { doc, rest } = takeDoc(part)
    // A call signature is documented with its function.
    if (rest === "" || rest.startsWith("(") || rest.startsWith("<")) return []
    const [head, name, optional] = /^(?:readonly )?(\[[^\]]*\]|"[^"]*"|get [\w$]+\(\)|[\w$]+)(\?)?:\s*/.exec(rest) ?? []
    if (head === undefined || name === undefined) throw new Error(`Not a member: ${rest.slice(0, 80)}`)
    return [{ name: name.replace(/^"|"$/g, ""), optional: optional === "?", type: rest.slice(head.length), doc }]
  })

/** A member, and the file that it is written in. */
export interface Placed {
  readonly file: string
  readonly member: Member
}

/** The members of the object types that stand in an intersection, one after the other. */
export const objectsIn = (intersection: string): ReadonlyArray<Member> => {
  const open = intersection.indexOf("{")
  if (open === -1) return []
  const end = closing(intersection, open)
  return [...membersIn(intersection.slice(open + 1, end)), ...objectsIn(intersection.slice(end + 1))]
}

/** The text before the body of an interface, or of a constant of an object type, and its members. */
export const bodyOf = (
  declaration: Declaration
): { readonly head: string; readonly members: ReadonlyArray<Member> } | undefined => {
  const { kind, text } = declaration
  const isObject = kind === "interface" || /^(?:const [\w$]+:|type [^=]+=) \{\n/.test(text)
  if (!isObject || !text.endsWith("}")) return undefined
  for (let open = text.indexOf("{"); open !== -1; open = text.indexOf("{", closing(text, open))) {
    if (closing(text, open) === text.length - 1) {
      const body = text.slice(open + 1, -1)
      // A mapped type has no members, and overloads are shown as they are written.
      if (/^\s*(?:(?:readonly )?\[[^\]]+ in |[<(])/.test(body)) return undefined
      return { head: text.slice(0, open).trim(), members: membersIn(body) }
    }
  }
  return undefined
}

/** What an interface extends. */
export const basesOf = (declaration: Declaration): ReadonlyArray<string> => {
  if (declaration.kind !== "interface") return []
  const parts = splitAt((bodyOf(declaration)?.head ?? "").replace(/\bextends\b/g, "|extends"), "|")
  return splitAt(parts.find((part) => part.startsWith("extends"))?.slice(7) ?? "", ",")
}

/** The type arguments of every use of a generic type in a text, such as `Effect.Effect`. */
export const argumentsOf = (text: string, generic: string): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<ReadonlyArray<string>> = []
  for (let at = text.indexOf(`${generic}<`); at !== -1; at = text.indexOf(`${generic}<`, at + 1)) {
    const from = at + generic.length + 1
    let depth = 1
    let index = from
    for (; index < text.length && depth > 0; index++) {
      const end = tokenEnd(text, index)
      if (end > index) {
        index = end
        continue
      }
      if ("<([{".includes(text[index] ?? "")) depth++
      if (">)]}".includes(text[index] ?? "")) depth--
    }
    found.push(splitAt(text.slice(from, index - 1), ","))
  }
  return found
}

/** What a function returns, or the type of a constant. */
export const resultOf = (declaration: Declaration): string => {
  const type = declaration.text.replace(/^(?:const|function) [\w$]+:?\s*/, "")
  let depth = 0
  let at = 0
  for (let index = 0; index < type.length; index++) {
    const end = tokenEnd(type, index)
    if (depth === 0 && type.startsWith("=>", index)) {
      at = index + 2
      break
    }
    if (end === index) {
      if ("([{<".includes(type[index] ?? "")) depth++
      if (")]}>".includes(type[index] ?? "")) depth--
    }
    index = end
  }
  return type.slice(at).trim()
}
