/** What the reference needs of the doc comments, as far as it can be checked without reading them. */
import { assert, describe, it } from "@effect/vitest"
import { type Declaration, type Placed, readDeclarations } from "../tools/reference/declarations.ts"
import { alternatives, docsOf, errorsOf, modulesOf, parseDoc } from "../tools/reference/reference.ts"

const declarations = readDeclarations()
const modules = modulesOf(declarations)

interface Audited {
  readonly where: string
  readonly declaration: Declaration
  readonly members: ReadonlyArray<Placed>
}

/** The exports of a category that have members of their own. */
const withMembers = (...categories: ReadonlyArray<string>): ReadonlyArray<Audited> =>
  modules.flatMap((module) =>
    module.exports.flatMap(({ declarations: all, name }) =>
      all
        .filter(({ doc, kind }) => kind !== "class" && categories.includes(parseDoc(doc).category ?? ""))
        .map((declaration) => ({
          where: `${module.name}.${name}`,
          declaration,
          members: declarations
            .membersOf(declaration.file, declaration.name)
            .filter(({ member }) => !member.name.startsWith("["))
        }))
    )
  )

const membersOf = (
  ...categories: ReadonlyArray<string>
): ReadonlyArray<{ readonly where: string; readonly member: Placed["member"]; readonly text: string }> =>
  withMembers(...categories).flatMap(({ where, members }) =>
    members.map(({ member }) => ({ where: `${where}.${member.name}`, member, text: member.doc ?? "" }))
  )

describe("documentation of the public types", () => {
  it("says of every export what it is", () => {
    const faults = modules.flatMap((module) =>
      module.exports
        .filter((one) => docsOf(one).every(({ text }) => text === ""))
        .map((one) => `${module.name}.${one.name}: no text`)
    )
    assert.deepStrictEqual(faults, [])
  })

  it("describes every member of options, services and the like", () => {
    const members = membersOf("options", "services", "constructors", "testing")
    assert.isAbove(members.length, 100)
    const faults = members.filter(({ member }) => parseDoc(member.doc).text === "").map(({ where }) => where)
    assert.deepStrictEqual(faults, [])
  })

  it("names the default of every option that is a number, a duration, a choice or a switch", () => {
    const options = membersOf("options").filter(
      ({ member }) =>
        member.optional && /^(?:number|boolean|"|\d|Duration\.|Schedule\.)/.test(member.type.replace(/^\|\s*/, ""))
    )
    assert.isAbove(options.length, 30)
    const faults = options.filter(({ text }) => !/@default|default|Without|As in/.test(text)).map(({ where }) => where)
    assert.deepStrictEqual(faults, [])
  })

  it("gives every duration a default with its unit, zero, or words", () => {
    const durations = membersOf("options").flatMap(({ member, where }) => {
      const value = parseDoc(member.doc).default
      return value !== undefined && member.type.startsWith("Duration.") ? [{ where, value }] : []
    })
    assert.isAbove(durations.length, 8)
    const faults = durations.filter(({ value }) => !/^(?:0|"\d+ (?:millis|seconds?|minutes?|hours?)")$/.test(value))
    assert.deepStrictEqual(faults, [])
  })

  it("says of every number of an option or a model what it counts, and of every moment its unit", () => {
    const numbers = membersOf("options", "models").filter(({ member }) =>
      /^number(?: \| undefined)?$/.test(member.type)
    )
    assert.isAbove(numbers.length, 20)
    const faults = numbers.flatMap(({ member, text, where }) =>
      /(?:^at|[a-z]At|[a-z]Time)$/.test(member.name) && !/millisecond|second/i.test(text) ? [`${where}: no unit`] : []
    )
    assert.deepStrictEqual(faults, [])
  })

  it("leads from everything that can fail to its errors", () => {
    const failing = modules.flatMap((module) =>
      module.exports.flatMap(({ declarations: all, name }) =>
        all.flatMap((declaration) =>
          alternatives(errorsOf(declaration)).map((error) => ({ where: `${module.name}.${name}`, declaration, error }))
        )
      )
    )
    assert.isAbove(failing.length, 30)
    // Errors of this package have a page; those of the platform, and the type parameters of the caller, have not.
    const elsewhere = /^(?:[A-Z]\w?|ConfigError\.ConfigError|ParseResult\.ParseError)$/
    const published = new Set(
      modules.flatMap((module) =>
        module.exports.flatMap((one) => one.declarations.map(({ file, name }) => `${file}#${name}`))
      )
    )
    const faults = failing.flatMap(({ declaration, error, where }) => {
      const found = declarations.find(declaration.file, error)
      const isPublished = found.some(({ file, name }) => published.has(`${file}#${name}`))
      return isPublished || elsewhere.test(error) ? [] : [`${where}: ${error}`]
    })
    assert.deepStrictEqual(faults, [])
  })

  it("names every field of an error in its text, or in that of the module where several have it", () => {
    const page = modules.find(({ name }) => name === "ErpNetError")
    const header = declarations.header("ErpNetError.d.ts")
    const fields = (page?.exports ?? []).flatMap((one) =>
      one.declarations
        .filter(({ kind }) => kind === "class")
        .flatMap((declaration) =>
          (declarations.errorOf(declaration)?.fields ?? []).map(({ name }) => ({
            error: one.name,
            name,
            doc: declaration.doc
          }))
        )
    )
    assert.isAbove(fields.length, 80)
    const faults = fields
      .filter(({ doc, name }) => ![header, doc].some((text) => text?.includes(`\`${name}\``)))
      .map(({ error, name }) => `${error}.${name}`)
    assert.deepStrictEqual(faults, [])
  })
})
