import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { type BearerChallenge, bearer, saysExpired } from "../../src/AuthorizedClient/challenge.ts"

const nothing: BearerChallenge = { error: undefined, errorDescription: undefined }

describe("WWW-Authenticate", () => {
  const table: ReadonlyArray<readonly [string | undefined, string | undefined, string | undefined]> = [
    [undefined, undefined, undefined],
    ["", undefined, undefined],
    [" ", undefined, undefined],
    ["Bearer", undefined, undefined],
    ["bearer", undefined, undefined],
    ["Bearer ", undefined, undefined],
    ['Bearer error="invalid_token"', "invalid_token", undefined],
    ["Bearer error=invalid_token", "invalid_token", undefined],
    ['BEARER ERROR="invalid_token"', "invalid_token", undefined],
    ['Bearer error = "invalid_token" , error_description = "d"', "invalid_token", "d"],
    [
      'Bearer error="invalid_token", error_description="The audience \'(null)\' is invalid"',
      "invalid_token",
      "The audience '(null)' is invalid"
    ],
    // Commas, equals signs and challenges inside quotes are text.
    ['Bearer error_description="a, b, error=c", error="e"', "e", "a, b, error=c"],
    ['Bearer error_description="x, Bearer error=\\"fake\\"", error="real"', "real", 'x, Bearer error="fake"'],
    ['Bearer realm="a,Basic realm=b", error="e"', "e", undefined],
    // Escapes.
    [String.raw`Bearer error_description="say \"no\" \\ \a"`, undefined, String.raw`say "no" \ a`],
    ['Bearer error_description=""', undefined, ""],
    // Several challenges, in any order, in one header.
    ['Basic realm="x", Bearer error="e"', "e", undefined],
    ['Bearer error="e", Basic realm="x"', "e", undefined],
    ['Bearer, Bearer error="e"', "e", undefined],
    ['Bearer realm="a", Bearer error="e", error_description="d"', "e", "d"],
    ['Basic error="basic"', undefined, undefined],
    ['Basic realm="x", error="of Basic", Bearer', undefined, undefined],
    ["Negotiate", undefined, undefined],
    ["Negotiate a87421000492aa874209af8bc028==", undefined, undefined],
    ['Negotiate dG9rZW4=, Bearer error="e"', "e", undefined],
    ['Bearer error="e", Negotiate dG9rZW4=', "e", undefined],
    ["NTLM, Negotiate, Bearer error=e", "e", undefined],
    // Parameters of RFC 6750 and others around the two that count.
    ['Bearer realm="IdentityServer",error="invalid_token"', "invalid_token", undefined],
    [
      'Bearer error="insufficient_scope", scope="update", error_uri="https://x/?a=1,2"',
      "insufficient_scope",
      undefined
    ],
    // The first of two equal parameters counts.
    ['Bearer error="a", error="b"', "a", undefined],
    // Malformed: what can be read is read, the rest is skipped.
    [",,,", undefined, undefined],
    [',, Bearer ,, error="e" ,,', "e", undefined],
    ['Bearer error="unterminated', "unterminated", undefined],
    ['Bearer error="ends in a backslash\\', "ends in a backslash", undefined],
    // A token68 may look like that.
    ["Bearer error=", undefined, undefined],
    ['Bearer error=, error_description="d"', undefined, "d"],
    ["Bearer error", undefined, undefined],
    ["Bearer =x", undefined, undefined],
    ['Bearer "stray", error="e"', "e", undefined],
    ['"Bearer error=\\"fake\\""', undefined, undefined],
    ['error="no scheme"', undefined, undefined],
    ['Bearer error="e" error_description="no comma"', "e", "no comma"],
    ['Bearer\terror="e"', "e", undefined],
    ['Bearer error="e"; error_description="semicolon"', "e", "semicolon"],
    ['Bearer @@@ error="e"', "e", undefined],
    ['Bearer __proto__="x", error="e"', "e", undefined]
  ]
  for (const [header, error, errorDescription] of table) {
    it(`${JSON.stringify(header)} says ${JSON.stringify(error)}, ${JSON.stringify(errorDescription)}`, () => {
      assert.deepStrictEqual(bearer(header), { error, errorDescription })
    })
  }

  it("every well-formed challenge is read back", () => {
    const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`
    const text = FastCheck.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,30}$/)
    const other = FastCheck.constantFrom(
      'Basic realm="a, Bearer error=\\"x\\""',
      "Negotiate",
      "Negotiate YWJj==",
      'Digest realm="r", nonce="n", qop="auth,auth-int"'
    )
    const separator = FastCheck.constantFrom(",", ", ", " , ", ",,", ", ,")
    void FastCheck.assert(
      FastCheck.property(
        text,
        text,
        FastCheck.array(other, { maxLength: 2 }),
        FastCheck.array(other, { maxLength: 2 }),
        separator,
        FastCheck.boolean(),
        (error, description, before, after, comma, swapped) => {
          const parameters = [`error=${quote(error)}`, `error_description=${quote(description)}`]
          const own = `Bearer ${(swapped ? parameters.reverse() : parameters).join(comma)}`
          const header = [...before, own, ...after].join(comma)
          assert.deepStrictEqual(bearer(header), { error, errorDescription: description }, header)
        }
      ),
      { numRuns: 1000 }
    )
  })

  it("no header makes it throw, hang, or say something else than a text", () => {
    const fragment = FastCheck.constantFrom(
      ...'Bearer,Basic,error,error_description,=,",\\,\\", ,\t,;,==,abc,@,\0,ü'.split(","),
      ",",
      "Bearer ",
      'error="'
    )
    const header = FastCheck.oneof(
      FastCheck.string({ maxLength: 200 }),
      FastCheck.string({ unit: "binary", maxLength: 50 }),
      FastCheck.array(fragment, { maxLength: 60 }).map((parts) => parts.join(""))
    )
    void FastCheck.assert(
      FastCheck.property(header, (text) => {
        const { error, errorDescription, ...rest } = bearer(text)
        assert.include(["string", "undefined"], typeof error)
        assert.include(["string", "undefined"], typeof errorDescription)
        assert.deepStrictEqual(rest, {})
        assert.isBoolean(saysExpired({ error, errorDescription }))
      }),
      { numRuns: 2000 }
    )
  })

  // Quadratic reading takes seconds at this length, linear reading milliseconds.
  for (const [name, part] of [
    ["quotes", '"'],
    ["escaped quotes", '\\"'],
    ["commas", ", "],
    ["blanks", " "],
    ["equals signs", "="],
    ["schemes", "Bearer "],
    ["parameters", "a=b "],
    ["tokens", "a"],
    ["unterminated texts", 'a="\\'],
    ["quoted commas", '",",']
  ] as const) {
    it(`200,000 characters of ${name} are read in a moment`, () => {
      const length = Math.ceil(200_000 / part.length)
      const started = performance.now()
      for (const header of [
        `Bearer x="${part.repeat(length)}\\`,
        `Bearer ${part.repeat(length)}!`,
        part.repeat(length)
      ]) {
        bearer(header)
      }
      assert.isBelow(performance.now() - started, 2000)
    })
  }
})

describe("saysExpired", () => {
  const table: ReadonlyArray<readonly [string | undefined, string | undefined, boolean]> = [
    ["invalid_token", "The token expired at '11/03/2025 16:56:00'", true],
    ["invalid_token", "The token is expired", true],
    ["invalid_token", "TOKEN EXPIRED", true],
    ["invalid_token", "The audience 'X' is invalid; The token expired at '11/03/2025 16:56:00'", true],
    ["invalid_token", "The token has no expiration", false],
    ["invalid_token", "The token lifetime is invalid; NotBefore: 'a', Expires: 'b'", false],
    ["invalid_token", "The token is unexpired", false],
    ["invalid_token", "The signature is invalid", false],
    ["invalid_token", undefined, false],
    ["insufficient_scope", "expired", false],
    [undefined, "The token expired", false]
  ]
  for (const [error, errorDescription, expected] of table) {
    it(`${error}, ${JSON.stringify(errorDescription)}: ${expected}`, () => {
      assert.strictEqual(saysExpired({ error, errorDescription }), expected)
    })
  }
  it("nothing at all", () => {
    assert.isFalse(saysExpired(nothing))
  })
})
