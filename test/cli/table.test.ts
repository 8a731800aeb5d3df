/** Tables on a terminal: widths, cuts and columns. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import stringWidth from "string-width"
import { withoutColours } from "../../src/cli/style.ts"
import { parse, type TableOptions, tableOf } from "../../src/cli/table.ts"

const table = (rows: ReadonlyArray<object>, options: TableOptions = {}) => {
  const body = parse(JSON.stringify({ value: rows }))
  const { notes, text } = tableOf(body._tag === "Some" ? body.value : [], options)
  return { notes, coloured: text, text: withoutColours(text), lines: withoutColours(text).split("\n") }
}

const id = "c8a65f60-26d0-4c3a-81c9-f367dd811908"

describe("a table", () => {
  it("lines up wide characters, combining marks and emoji", () => {
    const { lines } = table([
      { A: "日本語", B: "x" },
      { A: "e\u0301a", B: "y" },
      { A: "👨‍👩‍👧", B: "z" }
    ])
    for (const [line, mark] of [
      [lines[2], "x"],
      [lines[3], "y"],
      [lines[4], "z"]
    ] as const) {
      assert.strictEqual(stringWidth((line ?? "").slice(0, (line ?? "").indexOf(mark))), 8, line)
    }
  })

  it("leaves columns out from the right where they have no room, and says so", () => {
    const row = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`Column${at}`, "some text of a row"]))
    const { lines, notes } = table([row], { width: 60 })
    for (const line of lines) assert.isAtMost(line.length, 60)
    assert.match(lines[0] ?? "", /^Column0 +Column1 +Column2$/)
    assert.match(notes.join("\n"), /^6 of 9 columns have no room: Column3, .*Column8\.\nChoose with --columns/)
    assert.match(table([row], { width: 60, columns: ["Column8"] }).lines[0] ?? "", /^Column8$/)
  })

  it("cuts ids in the middle, texts at the end, and numbers not at all", () => {
    const row = { Ref: { "@odata.id": `Crm_Sales_Customers(${id})` }, Text: "t".repeat(90), Number: 123456789012345 }
    const { lines } = table([row], { width: 60 })
    assert.match(lines[2] ?? "", /^Crm_Sales\S*…\S*811908\) {2}t+… {2}123456789012345$/)
    for (const line of lines) assert.isAtMost(line.length, 60)
  })

  it("shows dates and texts as people read them, and colours by type", () => {
    const { coloured, text } = table([
      { D: "2020-05-08T00:00:00Z", T: "2020-05-08T13:45:10Z", M: { BG: "а", EN: "a" }, B: true, N: 1 }
    ])
    assert.include(text, "2020-05-08  2020-05-08 13:45:10  a  true  1")
    for (const code of [36, 33, 35]) assert.include(coloured, `\u001B[${code}m`)
  })

  it("never takes more than the width, whatever the rows are", () => {
    const cell = fc.oneof(fc.string({ unit: "grapheme" }), fc.boolean(), fc.constant(null), fc.constant(id))
    const rows = fc.array(fc.record({ A: cell, B: cell, C: cell, D: cell }), { minLength: 1, maxLength: 5 })
    void fc.assert(
      fc.property(rows, fc.integer({ min: 20, max: 120 }), (rows, width) => {
        for (const line of table(rows, { width }).lines) assert.isAtMost(stringWidth(line), width)
      })
    )
  })
})
