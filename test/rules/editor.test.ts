/** What an editor offers and says while a query is written, measured with the language service of TypeScript 5.9. */
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const require = createRequire(`${root}node_modules/@arethetypeswrong/core/package.json`)
const ts: typeof import("../../node_modules/@arethetypeswrong/core/node_modules/typescript/lib/typescript.js") =
  require("typescript")

const file = `${root}test/editorProgram.ts`
const preamble = `import { Schema } from "effect"
import { ComplexType, DomainApi, EntityModel, EntitySet, Filter } from "effect-erpnet"
const Orders = EntitySet.make("Crm_Sales_SalesOrders", Schema.Struct({
  Id: Schema.UUID,
  DocumentNo: Schema.NullOr(Schema.String),
  DocumentDate: Schema.DateTimeUtc,
  State: ComplexType.Enum("New", "Released"),
  Kind: Schema.Literal("Retail", "Wholesale"),
  Total: ComplexType.Amount,
  Void: Schema.Boolean,
  Customer: EntitySet.expand(Schema.Struct({ Number: Schema.String, Active: Schema.Boolean }))
}))
const Model = EntityModel.make({ State: ["New", "Released"] } as const)("Crm_Sales_SalesOrders", {
  Id: "guid eq", No: "text eq like order", State: "#State eq", Note: "text",
  Customer: "@Crm_Customers eq path", "Customer/Number": "text eq", Lines: "*Crm_Sales_SalesOrderLines"
})
const Picked = Model.pick("No", "Customer")
const list = (from?: Date) => `

let text = ""
let version = 0
const config = ts.getParsedCommandLineOfConfigFile(
  `${root}tsconfig.json`,
  {},
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} }
)
const service = ts.createLanguageService({
  getCompilationSettings: () => ({ ...config?.options, noUnusedLocals: false, noUnusedParameters: false }),
  getScriptFileNames: () => [file],
  getScriptVersion: (name) => (name === file ? String(version) : "0"),
  getScriptSnapshot: (name) => {
    const content = name === file ? text : ts.sys.readFile(name)
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
  },
  getCurrentDirectory: () => root,
  getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
  fileExists: (name) => name === file || ts.sys.fileExists(name),
  readFile: (name) => (name === file ? text : ts.sys.readFile(name)),
  directoryExists: ts.sys.directoryExists,
  getDirectories: ts.sys.getDirectories
})

const write = (code: string): void => {
  text = `${preamble}${code}`
  version++
}

/** The names that the editor offers at the mark `^`. */
const offered = (code: string): ReadonlyArray<string> => {
  write(code.replace("^", ""))
  return (
    service.getCompletionsAtPosition(file, preamble.length + code.indexOf("^"), {})?.entries.map((one) => one.name) ??
    []
  )
}

/** The faults that the editor shows: the text that is underlined, and the lines of the message. */
const shown = (code: string): ReadonlyArray<{ readonly word: string; readonly lines: ReadonlyArray<string> }> => {
  write(code)
  return service.getSemanticDiagnostics(file).map((fault) => ({
    word: text.slice(fault.start, (fault.start ?? 0) + (fault.length ?? 0)),
    lines: ts.flattenDiagnosticMessageText(fault.messageText, "\n").split("\n")
  }))
}

const fields = ["Id", "DocumentNo", "DocumentDate", "State", "Kind", "Total", "TotalValue", "Void", "Customer"]

describe("an editor offers", { timeout: 120_000 }, () => {
  it("the fields of the set in a callback, alone and inside an array of conditions", () => {
    for (const code of [
      "DomainApi.list(Orders, { filter: (o) => o.^ })",
      "DomainApi.list(Orders, { filter: (o) => [o.^] })",
      "DomainApi.list(Orders, { filter: (o) => [o.Void.eq(true), from === undefined ? undefined : o.^] })",
      "DomainApi.stream(Orders, { filter: (o) => [o.Void.eq(true), o.^] })",
      "DomainApi.count(Orders, { filter: (o) => [o.^] })"
    ]) {
      assert.sameMembers([...offered(code)], fields, code)
    }
  })

  it("the operators that the type of a field has, and the fields behind a reference", () => {
    const equality = ["eq", "equalNull", "in"]
    const order = ["ge", "le", "lessEqualNull", "greaterEqualNull"]
    const texts = ["contains", "startsWith", "endsWith"]
    for (const [path, names] of [
      ["Void", equality],
      ["Kind", [...equality, ...order]],
      ["State", [...equality, ...order]],
      ["Total", [...equality, ...order]],
      ["DocumentDate", [...equality, ...order]],
      ["DocumentNo", [...equality, ...order, ...texts]],
      ["Customer", [...equality, "contains", "Number", "Active"]],
      ["Customer.Active", equality]
    ] as const) {
      assert.sameMembers([...offered(`DomainApi.list(Orders, { filter: (o) => [o.${path}.^] })`)], [...names], path)
    }
  })

  it("the members of a literal and of an enum", () => {
    for (const [code, members] of [
      ['DomainApi.list(Orders, { filter: (o) => [o.Kind.eq("^")] })', ["Retail", "Wholesale"]],
      ['DomainApi.list(Orders, { filter: (o) => [o.Kind.in(["^"])] })', ["Retail", "Wholesale"]],
      ['DomainApi.list(Orders, { filter: (o) => [o.State.ge("^")] })', ["New", "Released"]],
      ['DomainApi.create(Orders, { State: "^" })', ["New", "Released"]]
    ] as const) {
      assert.sameMembers([...offered(code)], [...members], code)
    }
  })

  it("the fields of the set in Filter.eq, and in orderBy", () => {
    assert.includeMembers([...offered('DomainApi.list(Orders, { filter: Filter.eq("^", 1) })')], fields)
    assert.includeMembers([...offered('DomainApi.list(Orders, { filter: [Filter.eq("^", 1)] })')], fields)
    assert.includeMembers([...offered('DomainApi.list(Orders, { orderBy: ["^"] })')], ["DocumentNo", "State"])
  })
})

describe("an editor offers, for a model", { timeout: 120_000 }, () => {
  it("the fields in pick, the first and the next ones", () => {
    const readable = ["Id", "No", "State", "Note", "Customer"]
    assert.sameMembers([...offered('Model.pick("^")')], readable)
    assert.includeMembers([...offered('Model.pick("No", "^")')], readable)
    assert.sameMembers([...offered('Model.field("^")')], readable)
  })

  it("the references and children in include", () => {
    assert.sameMembers([...offered("Picked.include({ ^ })")], ["Customer", "Lines"])
  })

  it("in a callback the fields that may be filtered, their operators, steps and members", () => {
    for (const [condition, names] of [
      ["o.^", ["Id", "No", "State", "Customer"]],
      ["o.No.^", ["eq", "equalNull", "contains", "startsWith", "endsWith"]],
      ["o.Customer.^", ["eq", "equalNull", "Number"]],
      ['o.State.eq("^")', ["New", "Released"]]
    ] as const) {
      assert.sameMembers(
        [...offered(`DomainApi.list(Picked, { filter: (o) => [${condition}] })`)],
        [...names],
        condition
      )
    }
  })

  it("what may be ordered by", () => {
    assert.sameMembers([...offered('DomainApi.list(Picked, { orderBy: ["^"] })')], ["No"])
  })
})

describe("an editor says in at most two lines, on the word itself", { timeout: 120_000 }, () => {
  for (const [what, code, word, message] of [
    ["a misspelt field", "(o) => [o.Void.eq(true), o.Stat.eq('New')]", "Stat", /Did you mean 'State'/],
    ["a misspelt field behind a reference", "(o) => o.Customer.Numbr.eq('1')", "Numbr", /Did you mean 'Number'/],
    ["a misspelt member", "(o) => [o.Kind.eq('Retale')]", "'Retale'", /"Retail" \| "Wholesale"/],
    ["a misspelt member of an enum", "(o) => [o.State.ge('Relesed')]", "'Relesed'", /"Released"/],
    ["a wrong member in a list", "(o) => [o.Kind.in(['Retail', 'x'])]", "'x'", /"Retail" \| "Wholesale"/],
    ["a wrong value", "(o) => [o.Void.eq('true')]", "'true'", /boolean/],
    ["a text for an amount", "(o) => [o.Total.ge('1')]", "'1'", /Numeric/],
    ["an operator that the type lacks", "(o) => [o.Total.contains('1')]", "contains", /does not exist/]
  ] as const) {
    it(what, () => {
      const faults = shown(`DomainApi.list(Orders, { filter: ${code} })`)
      assert.deepStrictEqual(
        faults.map((fault) => fault.word),
        [word]
      )
      const [fault] = faults
      assert.isAtMost(fault?.lines.length ?? 0, 2)
      assert.match(fault?.lines.join("\n") ?? "", message)
    })
  }

  it("nothing about what is right", () => {
    assert.deepStrictEqual(shown("DomainApi.list(Orders, { filter: (o) => [o.State.eq('New'), undefined] })"), [])
  })
})
