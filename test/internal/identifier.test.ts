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

describe("uri", () => {
  it("quotes so that the text comes back", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.string(), (text) => {
        const quoted = quote(text)
        assert.strictEqual(quoted.slice(1, -1).replaceAll("''", "'"), text)
      })
    )
  })

  it("encodes so that the text comes back, without a character that means something in a query", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.string({ unit: "binary" }).filter((text) => isWellFormed(text)),
        (text) => {
          const encoded = encodeValue(text)
          assert.strictEqual(decodeURIComponent(encoded), text)
          assert.notMatch(encoded, /[&=#?+'\s"]/)
        }
      )
    )
  })
})
