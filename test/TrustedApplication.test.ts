import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { ConfigError, ConfigProvider, Effect, Either, FastCheck, Redacted } from "effect"
import { type ErpNetError, TrustedApplication } from "effect-erpnet"

const make = (options: {
  readonly clientId?: string
  readonly clientSecret?: string
  readonly scope?: string | ReadonlyArray<string>
}) =>
  TrustedApplication.make({
    clientId: options.clientId ?? "my.trusted.app/service",
    clientSecret: Redacted.make(options.clientSecret ?? "secret"),
    scope: options.scope
  })

const refused = (result: Either.Either<unknown, ErpNetError.InvalidApplication>): string =>
  Either.isLeft(result) ? `${result.left.field} ${result.left.reason}` : "accepted"

describe("TrustedApplication.make", () => {
  it("keeps id, secret and scopes as they are", () => {
    const application = Either.getOrThrow(
      make({ clientId: "ünï/x y", clientSecret: "p+ %&=ü", scope: ["read", "update"] })
    )
    assert.strictEqual(application.clientId, "ünï/x y")
    assert.strictEqual(Redacted.value(application.clientSecret), "p+ %&=ü")
    assert.deepStrictEqual(application.scopes, ["read", "update"])
  })

  const scopes: ReadonlyArray<readonly [string | ReadonlyArray<string> | undefined, ReadonlyArray<string>]> = [
    [undefined, []],
    ["", []],
    [[], []],
    ["read", ["read"]],
    ["read update", ["read", "update"]],
    ["read   update", ["read", "update"]],
    ["read update read", ["read", "update"]],
    [["read", "read"], ["read"]],
    ["Read read", ["Read", "read"]],
    ["urn:x:!#[]~", ["urn:x:!#[]~"]]
  ]
  for (const [scope, expected] of scopes) {
    it(`scope ${JSON.stringify(scope)} is ${JSON.stringify(expected)}`, () => {
      const result = TrustedApplication.make({ clientId: "a", clientSecret: Redacted.make("b"), scope })
      assert.deepStrictEqual(Either.getOrThrow(result).scopes, expected)
    })
  }

  const refusals: ReadonlyArray<readonly [Parameters<typeof make>[0], RegExp]> = [
    [{ clientId: "" }, /^clientId is empty/],
    [{ clientId: " " }, /^clientId is blank/],
    [{ clientId: "id " }, /^clientId has white space around it/],
    [{ clientId: "\tid" }, /^clientId has white space around it/],
    [{ clientId: "i\u0000d" }, /^clientId holds a control character/],
    [{ clientId: "\uD800" }, /^clientId is not well-formed/],
    [{ clientSecret: "" }, /^clientSecret is empty/],
    [{ clientSecret: "\n" }, /^clientSecret is blank/],
    [{ clientSecret: "hunter2\n" }, /^clientSecret has white space around it.*line break/],
    [{ clientSecret: " hunter2" }, /^clientSecret has white space around it/],
    [{ clientSecret: "hunter2\u00A0" }, /^clientSecret has white space around it/],
    [{ clientSecret: "\uFEFFhunter2" }, /^clientSecret has white space around it/],
    [{ clientSecret: "hun\r\nter2" }, /^clientSecret holds a control character/],
    [{ clientSecret: "hunter2\uDC00x" }, /^clientSecret is not well-formed/],
    [{ scope: " read" }, /^scope has white space around it/],
    [{ scope: "read " }, /^scope has white space around it/],
    [{ scope: " " }, /^scope has white space around it/],
    [{ scope: "read\tupdate" }, /^scope does not follow the grammar of RFC 6749: entry 1/],
    [{ scope: "read up\\date" }, /entry 2/],
    [{ scope: 'a "b"' }, /entry 2/],
    [{ scope: "é" }, /entry 1/],
    [{ scope: ["read", ""] }, /entry 2/],
    [{ scope: ["read update"] }, /entry 1/],
    [{ scope: ["read\n"] }, /entry 1/]
  ]
  for (const [options, expected] of refusals) {
    it(`${JSON.stringify(options)} is refused`, () => {
      const result = make(options)
      assert.match(refused(result), expected)
      assert.notInclude(inspect(result, { depth: 9 }) + JSON.stringify(result), "hunter2")
    })
  }

  it("no printer shows the secret", () => {
    const application = Either.getOrThrow(make({ clientSecret: "hunter2" }))
    for (const text of [
      inspect(application, { showHidden: true }),
      JSON.stringify(application),
      String(application.clientSecret)
    ]) {
      assert.notInclude(text, "hunter2")
    }
  })

  const isScopeCharacter = (character: string): boolean => {
    const code = character.codePointAt(0) ?? 0
    return code === 0x21 || (code >= 0x23 && code <= 0x5b) || (code >= 0x5d && code <= 0x7e)
  }
  const isScopeToken = (text: string): boolean => text !== "" && [...text].every(isScopeCharacter)

  it.prop(
    "a list of scopes is accepted where each follows RFC 6749 appendix A.4, and only then",
    [FastCheck.array(FastCheck.string({ unit: "binary-ascii" }), { maxLength: 4 })],
    ([scope]) => {
      const result = make({ scope })
      assert.strictEqual(Either.isRight(result), scope.every(isScopeToken))
      if (Either.isRight(result)) assert.deepStrictEqual(result.right.scopes, [...new Set(scope)])
    }
  )

  const token = FastCheck.string({
    unit: FastCheck.integer({ min: 0x21, max: 0x7e }).map(String.fromCharCode).filter(isScopeCharacter),
    minLength: 1,
    maxLength: 6
  })
  it.prop(
    "a scope text comes back as its distinct words, however many blanks stand between them",
    [FastCheck.array(FastCheck.tuple(token, FastCheck.integer({ min: 1, max: 3 })), { maxLength: 5 })],
    ([words]) => {
      const text = words
        .map(([word, blanks]) => word + " ".repeat(blanks))
        .join("")
        .trimEnd()
      assert.deepStrictEqual(Either.getOrThrow(make({ scope: text })).scopes, [...new Set(words.map(([word]) => word))])
    }
  )

  it.prop(
    "any secret is either refused, or sent as it is; it is in no message",
    [FastCheck.string({ unit: "binary", minLength: 6 })],
    ([clientSecret]) => {
      const result = make({ clientSecret })
      if (Either.isRight(result)) assert.strictEqual(Redacted.value(result.right.clientSecret), clientSecret)
      else assert.notInclude(result.left.message, clientSecret)
    }
  )
})

describe("TrustedApplication.config", () => {
  const read = (settings: Record<string, string>) =>
    Effect.withConfigProvider(TrustedApplication.config, ConfigProvider.fromMap(new Map(Object.entries(settings))))
  const complete = { ERPNET_CLIENT_ID: "id", ERPNET_CLIENT_SECRET: "hunter2", ERPNET_SCOPE: "read update" }

  it.effect("reads the three settings", () =>
    Effect.gen(function* () {
      const application = yield* read(complete)
      assert.strictEqual(application.clientId, "id")
      assert.strictEqual(Redacted.value(application.clientSecret), "hunter2")
      assert.deepStrictEqual(application.scopes, ["read", "update"])
    })
  )

  it.effect("the scope may be missing or empty", () =>
    Effect.gen(function* () {
      const { ERPNET_SCOPE: _, ...settings } = complete
      assert.deepStrictEqual((yield* read(settings)).scopes, [])
      assert.deepStrictEqual((yield* read({ ...settings, ERPNET_SCOPE: "" })).scopes, [])
    })
  )

  for (const name of ["ERPNET_CLIENT_ID", "ERPNET_CLIENT_SECRET"]) {
    it.effect(`without ${name} it is a ConfigError that names it`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          read(Object.fromEntries(Object.entries(complete).filter(([key]) => key !== name)))
        )
        assert.isTrue(ConfigError.isMissingData(error))
        assert.include(String(error), name)
        assert.notInclude(String(error), "hunter2")
      })
    )
  }

  for (const [name, value] of [
    ["ERPNET_CLIENT_ID", " id"],
    ["ERPNET_CLIENT_ID", ""],
    ["ERPNET_CLIENT_SECRET", "hunter2\n"],
    ["ERPNET_CLIENT_SECRET", ""],
    ["ERPNET_SCOPE", " "],
    ["ERPNET_SCOPE", "read\tupdate"]
  ] as const) {
    it.effect(`${name} = ${JSON.stringify(value)} is a ConfigError that names it`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(read({ ...complete, [name]: value }))
        assert.isTrue(ConfigError.isInvalidData(error))
        assert.include(String(error), name)
        assert.notInclude(String(error), "hunter2")
      })
    )
  }
})

describe("TrustedApplication.secretHash", () => {
  for (const [secret, hash] of [
    ["DEMO", "T/AGymuI51LwjLeIFxRQXOs9IHnupDKs/ajhWODR2C4="],
    ["demo", "KpdRbDVLaISM29j1SiJqClWyHtE44getbFy7nACqWuo="],
    ["secret", "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="],
    ["mysecret", "ZSx9xofZjJiJME7S5AjHS2EehqQMqlHEtD8d1ZE8XNA="]
  ] as const) {
    it.effect(`of ${secret}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* TrustedApplication.secretHash(Redacted.make(secret)), hash)
      })
    )
  }

  it.effect.prop(
    "is base64(sha256(utf8(secret))), 44 characters",
    [FastCheck.string({ unit: "grapheme" })],
    ([secret]) =>
      Effect.gen(function* () {
        const hash = yield* TrustedApplication.secretHash(Redacted.make(secret))
        assert.strictEqual(hash, createHash("sha256").update(secret, "utf8").digest("base64"))
        assert.strictEqual(hash.length, 44)
      })
  )
})
