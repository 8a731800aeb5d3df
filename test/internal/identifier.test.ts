import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { isIdentifier, isPath } from "../../src/internal/identifier.ts"
import { isWellFormed } from "../../src/internal/redaction.ts"
import { encodeValue, quote } from "../../src/internal/uri.ts"

describe("identifier", () => {
  it("knows the names of OData, letters of any alphabet included", () => {
    for (const name of ["Id", "_x", "CustomProperty_color_u002Ename", "Имя", "A1"])
      assert.isTrue(isIdentifier(name), name)
    for (const name of ["", "1a", "a b", "a/b", "a'b", "a@b", "a\n"]) assert.isFalse(isIdentifier(name), name)
  })

  it("a path is identifiers between slashes", () => {
    for (const path of ["Id", "Party/PartyName", "A/B/C"]) assert.isTrue(isPath(path), path)
    for (const path of ["", "/A", "A/", "A//B", "A/b c", "A/1"]) assert.isFalse(isPath(path), path)
  })
})

const wellFormed = FastCheck.string({ unit: "binary" }).filter(isWellFormed)

describe("uri", () => {
  it.prop("quotes so that the text comes back", [FastCheck.string()], ([text]) => {
    assert.strictEqual(quote(text).slice(1, -1).replaceAll("''", "'"), text)
  })

  it.prop("encodes so that the text comes back, without a character that means something", [wellFormed], ([text]) => {
    const encoded = encodeValue(text)
    assert.strictEqual(decodeURIComponent(encoded), text)
    assert.notMatch(encoded, /[&=#?+'\s"]/)
  })
})
