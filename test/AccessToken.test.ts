import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import { AccessToken } from "effect-erpnet"

const make = (value: string): AccessToken.AccessToken =>
  AccessToken.make({ value: Redacted.make(value), scopes: ["read"], issuedAt: 1, expiresAt: 2 })

describe("AccessToken", () => {
  it.prop(
    "the fingerprint is the first 8 hexadecimal digits of the SHA-256",
    [FastCheck.string({ unit: "grapheme" })],
    ([value]) => {
      const expected = createHash("sha256").update(value, "utf8").digest("hex").slice(0, 8)
      assert.strictEqual(make(value).fingerprint, expected)
    }
  )

  it("keeps what it is given", () => {
    const { expiresAt, issuedAt, scopes, value } = make("abc")
    assert.deepStrictEqual([Redacted.value(value), scopes, issuedAt, expiresAt], ["abc", ["read"], 1, 2])
  })

  it("no printer shows the token", () => {
    const token = make("hunter2-hunter2")
    const renderings = [
      JSON.stringify(token),
      inspect(token, { depth: 9, showHidden: true }),
      String(token.value),
      `${token.value}`
    ]
    for (const rendering of renderings) assert.notInclude(rendering, "hunter2")
    assert.include(inspect(token), token.fingerprint)
  })

  it("two tokens are the same by value", () => {
    assert.isTrue(AccessToken.isSame(make("a"), make("a")))
    assert.isTrue(AccessToken.isSame(make("a"), { ...make("a"), scopes: [], expiresAt: 9 }))
    assert.isFalse(AccessToken.isSame(make("a"), make("b")))
  })

  it("can be sent where every character is visible ASCII", () => {
    for (const value of ["a", "eyJhbGciOi.x-_~+/=", "!~", "enrt_0"]) assert.isTrue(AccessToken.isSendable(value), value)
    for (const value of ["", " ", "a b", "a\n", "\na", "a\r", "a\u0000", "é", "\u007F", "a\u2028"]) {
      assert.isFalse(AccessToken.isSendable(value), JSON.stringify(value))
    }
  })

  it.prop("and only then", [FastCheck.string({ unit: "binary" })], ([value]) => {
    const visible = value.length > 0 && [...value].every((character) => character > " " && character < "\u007F")
    assert.strictEqual(AccessToken.isSendable(value), visible)
  })
})
