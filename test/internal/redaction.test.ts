import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { formEncode, isWellFormed, maskSecrets, serverText, withoutQuery } from "../../src/internal/redaction.ts"

const secret = 's3cret/+ Ünïcode&=%"x'

describe("text", () => {
  it("form encoding is that of a form", () => {
    for (const [text, encoded] of [
      ["", ""],
      ["a b", "a+b"],
      ["a+b", "a%2Bb"],
      ["a=b&c", "a%3Db%26c"],
      ["~*-._", "%7E*-._"],
      ["é", "%C3%A9"]
    ] as const) {
      assert.strictEqual(formEncode(text), encoded)
    }
  })

  it.prop("form encoding can be undone", [FastCheck.string({ unit: "grapheme" })], ([text]) => {
    assert.strictEqual(new URLSearchParams(`x=${formEncode(text)}`).get("x"), text)
  })

  it("well-formed is what UTF-8 carries", () => {
    for (const text of ["", "a", "é", "😀"]) assert.isTrue(isWellFormed(text))
    for (const text of ["\uD83D", "\uDE00", "a\uDE00\uD83D", "\uD83Dx"]) assert.isFalse(isWellFormed(text))
  })

  it("a URL without its query", () => {
    assert.strictEqual(withoutQuery("https://a/b?c=d\n?e"), "https://a/b")
    assert.strictEqual(withoutQuery("https://a/b"), "https://a/b")
  })

  it("every spelling of a secret is masked", () => {
    const base64 = Buffer.from(secret).toString("base64")
    for (const spelling of [
      secret,
      encodeURIComponent(secret),
      encodeURIComponent(secret).toLowerCase().replace("s3cret", "s3cret"),
      formEncode(secret),
      base64,
      base64.replace(/=+$/, ""),
      Buffer.from(secret).toString("base64url"),
      JSON.stringify(secret).slice(1, -1)
    ]) {
      const masked = maskSecrets(`before ${spelling} after`, [secret])
      assert.notInclude(masked, spelling)
      assert.match(masked, /^before .*<redacted>.* after$/)
    }
  })

  it("an empty secret masks nothing", () => {
    assert.strictEqual(maskSecrets("abc", [""]), "abc")
    assert.strictEqual(serverText("abc", []), "abc")
  })

  it("a text of a server becomes one short line", () => {
    assert.strictEqual(serverText("  a\r\n\tb  c "), "a b c")
    assert.strictEqual(serverText("a\u0000b\u001b[31mc\u202Ed\u200Be"), "ab[31mcde")
    assert.strictEqual(serverText("x".repeat(512)), "x".repeat(512))
    assert.strictEqual(serverText("x".repeat(513)), `${"x".repeat(511)}…`)
    assert.strictEqual(serverText(`${"x".repeat(510)}😀😀`), `${"x".repeat(510)}…`)
  })

  it.prop(
    "whatever a server says around it, and wherever control characters split it, the secret does not get out",
    [
      FastCheck.string({ unit: "binary", maxLength: 20 }),
      FastCheck.string({ unit: "binary", maxLength: 20 }),
      FastCheck.constantFrom("", "\u0000", "\u200B", "\u202E", "\uFEFF", "\u0007\u0007"),
      FastCheck.integer({ min: 0, max: 12 })
    ],
    ([before, after, splitter, at]) => {
      const hidden = "hunter2hunter"
      const text = serverText(`${before}${hidden.slice(0, at)}${splitter}${hidden.slice(at)}${after}`, [hidden])
      assert.notInclude(text, hidden)
      assert.isAtMost(text.length, 512)
      assert.notMatch(text, /[\u0000-\u001F\u007F-\u009F\u202E]/)
    },
    { fastCheck: { numRuns: 1000 } }
  )
})
