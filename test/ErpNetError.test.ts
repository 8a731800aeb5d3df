import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Data, Duration, Effect, Either, FastCheck, JSONSchema, Predicate, Schema, SchemaAST } from "effect"
import { ErpNetError } from "effect-erpnet"
import { serverText } from "../src/internal/redaction.ts"
import { echoes } from "./support/hostile.ts"
import { find, needlesOf } from "./support/leaks.ts"

const tokenEndpoint = "https://testdb.my.erp.net/id/connect/token"
const oauth = { error: "some_error", status: 400, clientId: "my.trusted.app/service", tokenEndpoint }
const call = { method: "GET", path: "/api/domain/odata/Crm_Customers" }
const answer = { ...call, status: 500 }
const wide = { ...answer, code: 7, type: "Some.Exception", detail: "what the server says" }
const rejected = new ErpNetError.Unauthorized({
  ...call,
  status: 401,
  error: "invalid_token",
  errorDescription: "The signature is invalid"
})
const described = { ...oauth, errorDescription: "what the server says", rejected }
const unavailable = new ErpNetError.TokenEndpointUnavailable({ tokenEndpoint, reason: "transport" })
const wait = Duration.seconds(30)
const signIn = { instance: "https://testdb.my.erp.net", clientId: "my.trusted.app/web" }
const idTokenInvalid = new ErpNetError.IdTokenInvalid({ claim: "nonce", reason: "it is not that of this sign-in" })

/** Each error with only what it must have, and with all that it can have. */
const samples = {
  InvalidInstance: [new ErpNetError.InvalidInstance({ reason: "the name or URL is empty" })],
  InvalidApplication: (["clientId", "clientSecret", "scope", "redirectUri", "postLogoutRedirectUri"] as const).map(
    (field) => new ErpNetError.InvalidApplication({ field, reason: "is empty" })
  ),
  RefreshTokenStoreError: (["get", "set", "remove", "exclusive"] as const).map(
    (operation) => new ErpNetError.RefreshTokenStoreError({ operation, detail: "SystemError" })
  ),
  InvalidTransport: [
    new ErpNetError.InvalidTransport({ option: "HTTPS_PROXY", reason: "is not the address of a proxy" })
  ],
  Unauthorized: [new ErpNetError.Unauthorized({}), rejected],
  SignInRequired: [
    ...(["noRefreshToken", "refused", "signedOut", "noSession", "crossSite"] as const).map(
      (reason) => new ErpNetError.SignInRequired({ ...signIn, reason })
    ),
    new ErpNetError.SignInRequired({
      ...signIn,
      reason: "refused",
      cause: new ErpNetError.InvalidGrant({ ...described, grantType: "refresh_token" }),
      rejected
    }),
    new ErpNetError.SignInRequired({ ...signIn, reason: "refused", cause: idTokenInvalid })
  ],
  StateMismatch: (["missing", "different", "doubled", "expired", "otherInstance"] as const).map(
    (reason) => new ErpNetError.StateMismatch({ reason })
  ),
  AuthorizationDenied: [
    new ErpNetError.AuthorizationDenied({ error: "access_denied" }),
    new ErpNetError.AuthorizationDenied({ error: "access_denied", errorDescription: "what the server says" })
  ],
  InteractionRequired: [
    new ErpNetError.InteractionRequired({ error: "login_required" }),
    new ErpNetError.InteractionRequired({ error: "login_required", errorDescription: "what the server says" })
  ],
  AuthorizationFailed: [
    ...(["error", "issuer", "response"] as const).map((reason) => new ErpNetError.AuthorizationFailed({ reason })),
    new ErpNetError.AuthorizationFailed({
      reason: "error",
      error: "server_error",
      errorDescription: "what the server says"
    })
  ],
  IdTokenInvalid: [idTokenInvalid, new ErpNetError.IdTokenInvalid({ claim: "id_token", reason: "it is missing" })],
  SignInTimeout: [new ErpNetError.SignInTimeout({ after: wait })],
  ListenFailed: [
    new ErpNetError.ListenFailed({ host: "127.0.0.1", port: 8401, ports: [8400, 8401], reason: "EADDRINUSE" })
  ],
  TokenEndpointUnavailable: [
    ...ErpNetError.UnavailableReason.literals.map(
      (reason) => new ErpNetError.TokenEndpointUnavailable({ tokenEndpoint, reason })
    ),
    new ErpNetError.TokenEndpointUnavailable({
      tokenEndpoint,
      reason: "status",
      status: 503,
      detail: "the site starts",
      retryAfter: wait,
      rejected
    })
  ],
  InvalidClient: [new ErpNetError.InvalidClient(oauth), new ErpNetError.InvalidClient(described)],
  UnauthorizedClient: [new ErpNetError.UnauthorizedClient(oauth), new ErpNetError.UnauthorizedClient(described)],
  InvalidScope: [
    new ErpNetError.InvalidScope({ ...oauth, scopes: [] }),
    new ErpNetError.InvalidScope({ ...described, scopes: ["read", "update"] })
  ],
  InvalidGrant: [
    new ErpNetError.InvalidGrant(oauth),
    new ErpNetError.InvalidGrant(described),
    ...(["client_credentials", "authorization_code", "refresh_token"] as const).map(
      (grantType) => new ErpNetError.InvalidGrant({ ...described, grantType })
    )
  ],
  TokenRequestRejected: [
    new ErpNetError.TokenRequestRejected(oauth),
    new ErpNetError.TokenRequestRejected({ ...described, error: "invalid_request" }),
    new ErpNetError.TokenRequestRejected({ ...described, error: "unsupported_grant_type" })
  ],
  TokenResponseInvalid: [
    new ErpNetError.TokenResponseInvalid({ tokenEndpoint, reason: "the body is not a JSON object" }),
    new ErpNetError.TokenResponseInvalid({
      tokenEndpoint,
      reason: "it is missing",
      path: "access_token",
      status: 200,
      rejected
    })
  ],
  Expired: [
    new ErpNetError.Expired({}),
    new ErpNetError.Expired({ cause: unavailable }),
    new ErpNetError.Expired({ ...call, status: 401, error: "invalid_token", errorDescription: "expired", rejected })
  ],
  ForeignOrigin: [
    new ErpNetError.ForeignOrigin({ origin: "https://evil.example", expected: "https://testdb.my.erp.net" })
  ],
  InvalidQuery: [new ErpNetError.InvalidQuery({ option: "top", reason: "it must be a whole number" })],
  InvalidValue: [
    new ErpNetError.InvalidValue({ entitySet: "Crm_Customers", path: "", reason: "expected an object" }),
    new ErpNetError.InvalidValue({ entitySet: "Crm_Customers", path: "Number", reason: "expected string, found null" })
  ],
  ConcurrencyConflict: [new ErpNetError.ConcurrencyConflict(answer), new ErpNetError.ConcurrencyConflict(wide)],
  OutcomeUnknown: [
    ...(["transport", "timeout", "status"] as const).map(
      (reason) => new ErpNetError.OutcomeUnknown({ ...call, reason })
    ),
    new ErpNetError.OutcomeUnknown({ ...call, reason: "status", status: 502 }),
    new ErpNetError.OutcomeUnknown({ ...call, reason: "transport", detail: "ECONNRESET" })
  ],
  TransactionLost: [
    ...(["unknown to the server", "session ended"] as const).flatMap((reason) => [
      new ErpNetError.TransactionLost({ reason }),
      new ErpNetError.TransactionLost({ reason, detail: "what the server says" })
    ])
  ],
  ImportFailure: [
    new ErpNetError.ImportFailure({ detail: "Object not found" }),
    new ErpNetError.ImportFailure({ detail: "The validation R27159 failed", code: 2029, type: "SomeException" })
  ],
  ChangesetFailed: [
    new ErpNetError.ChangesetFailed({ error: new ErpNetError.ServerError(answer) }),
    new ErpNetError.ChangesetFailed({ operation: "order", error: new ErpNetError.DuplicateKey(answer) })
  ],
  Unreachable: [
    ...(["transport", "timeout", "status", "invalidRequest"] as const).map(
      (reason) => new ErpNetError.Unreachable({ ...call, reason })
    ),
    new ErpNetError.Unreachable({ ...call, reason: "status", status: 503, detail: "the site starts" })
  ],
  Forbidden: [new ErpNetError.Forbidden(answer), new ErpNetError.Forbidden(wide)],
  NotFound: [new ErpNetError.NotFound(answer), new ErpNetError.NotFound(wide)],
  RateLimited: [new ErpNetError.RateLimited(answer), new ErpNetError.RateLimited({ ...wide, retryAfter: wait })],
  LicenseUnavailable: [
    new ErpNetError.LicenseUnavailable(answer),
    new ErpNetError.LicenseUnavailable({ ...wide, retryAfter: wait })
  ],
  EntityRenamed: [new ErpNetError.EntityRenamed({ ...wide, oldName: "Old_Set", newName: "New_Set" })],
  ValidationFailed: [
    new ErpNetError.ValidationFailed(answer),
    new ErpNetError.ValidationFailed({ ...wide, ruleId: "R27159" })
  ],
  DuplicateKey: [new ErpNetError.DuplicateKey(answer), new ErpNetError.DuplicateKey(wide)],
  ServerError: [
    new ErpNetError.ServerError(answer),
    new ErpNetError.ServerError({ ...wide, status: 302 }),
    new ErpNetError.ServerError({ ...wide, type: "System.NotSupportedException" })
  ],
  ResponseInvalid: [
    new ErpNetError.ResponseInvalid({ entitySet: "Crm_Customers", path: "", reason: "the body is not JSON" }),
    new ErpNetError.ResponseInvalid({
      entitySet: "Crm_Customers",
      path: "value[12].Number",
      reason: "expected a text, found null",
      row: 12
    })
  ],
  TooManyRows: [new ErpNetError.TooManyRows({ entitySet: "Crm_Customers", maxRows: 100_000 })],
  PagingLoop: [new ErpNetError.PagingLoop({ entitySet: "Crm_Customers", page: 3 })],
  SweepIncomplete: [new ErpNetError.SweepIncomplete({ entitySet: "Crm_Customers", expected: 10, received: 9 })]
} satisfies {
  readonly [Tag in ErpNetError.ErpNetError["_tag"]]: ReadonlyArray<Extract<ErpNetError.ErpNetError, { _tag: Tag }>>
}

const all: ReadonlyArray<ErpNetError.ErpNetError> = Object.values(samples).flat()

type ErrorClass = Schema.Schema<ErpNetError.ErpNetError, unknown> & (abstract new (...options: never) => unknown)

const isErrorClass = (entry: [string, unknown]): entry is [string, ErrorClass] =>
  typeof entry[1] === "function" && entry[1].prototype instanceof Error && Schema.isSchema(entry[1])

/** The error classes that the module exports. */
const classes = new Map(Object.entries<unknown>(ErpNetError).filter(isErrorClass))

describe("every error", () => {
  it("is in this table", () => {
    // A kind of OutcomeUnknown, with its tag.
    const kinds = ["ImportOutcomeUnknown"]
    assert.deepStrictEqual([...classes.keys()].sort(), [...Object.keys(samples), ...kinds].sort())
  })

  it("OutcomeUnknown of an import names its rows", () => {
    const error = new ErpNetError.ImportOutcomeUnknown({ ...call, reason: "timeout", firstRow: 100, lastRow: 199 })
    assert.strictEqual(error._tag, "OutcomeUnknown")
    assert.instanceOf(error, ErpNetError.OutcomeUnknown)
    assert.isTrue(ErpNetError.isErpNetError(error))
    assert.match(error.message, /^Rows 100 to 199 of the import: .* its answer is lost: timeout/)
  })

  it("is a Schema that others build on: annotations, unions, pipes, JSON Schema and the errors of an HttpApi", () => {
    const gone = HttpApiEndpoint.get("customer", "/customer").addError(ErpNetError.NotFound, { status: 404 })
    const endpoint = gone.addError(ErpNetError.InvalidClient, { status: 502 }).addError(ErpNetError.TokenError)
    const api = HttpApi.make("shop").add(HttpApiGroup.make("customers").add(endpoint))
    const { responses } = OpenApi.fromApi(api).paths["/customer"]?.get ?? {}
    assert.containsAllKeys(responses, ["404", "502"])
    const { required } = JSONSchema.make(ErpNetError.EntityRenamed) as { readonly required?: ReadonlyArray<string> }
    assert.deepStrictEqual([...(required ?? [])].sort(), ["_tag", "method", "newName", "oldName", "path", "status"])
    const named = ErpNetError.Forbidden.annotations({ description: "no right" })
    assert.deepStrictEqual(named.ast.annotations[SchemaAST.DescriptionAnnotationId], "no right")
    assert.isTrue(ErpNetError.Forbidden.pipe(Schema.is)(new ErpNetError.Forbidden(answer)))
    assert.isTrue(Schema.is(ErpNetError.TokenError)(unavailable))
    assert.isFalse(Schema.is(ErpNetError.TokenError)(rejected))
    assert.isFalse(Schema.is(ErpNetError.Forbidden)(new ErpNetError.NotFound(answer)))
    assert.throws(() => Schema.decodeUnknownSync(ErpNetError.Forbidden)({ _tag: "Forbidden", ...answer, status: "x" }))
    const lost = new ErpNetError.ImportOutcomeUnknown({ ...call, reason: "timeout", firstRow: 100, lastRow: 199 })
    const again = Schema.decodeUnknownSync(ErpNetError.ImportOutcomeUnknown)(
      JSON.parse(JSON.stringify(Schema.encodeSync(ErpNetError.ImportOutcomeUnknown)(lost)))
    )
    assert.instanceOf(again, ErpNetError.ImportOutcomeUnknown)
    assert.strictEqual(again.message, lost.message)
  })

  it("has its name for a tag, is an Error, and is named after its tag", () => {
    for (const [tag, errors] of Object.entries(samples)) {
      for (const error of errors) {
        assert.strictEqual(error._tag, tag)
        assert.instanceOf(error, Error)
        assert.strictEqual(error.name, tag)
        assert.include(String(error.stack), tag)
      }
    }
  })

  it("says what happened and what to do, in one line", () => {
    for (const error of all) {
      const { message } = error
      assert.isAtLeast(message.length, 60, message)
      assert.isAtMost(message.length, 800, message)
      assert.notMatch(message, /undefined|null,|NaN|\[object|Infinity|[\r\n]| {2}|\.\.|\(\)|""/, message)
      assert.match(message, /^[A-Zh].*\.$/, message)
      assert.isAtLeast(message.split(/[.!?](?= |$)/).filter((sentence) => sentence.trim() !== "").length, 1, message)
    }
  })

  it("repeats what the server said, and where", () => {
    for (const error of all) {
      for (const field of ["errorDescription", "detail", "path", "clientId", "ruleId", "newName"] as const) {
        const value = Predicate.hasProperty(error, field) ? error[field] : undefined
        const isLeftOut = error._tag === "EntityRenamed" && field === "detail"
        if (typeof value === "string" && !isLeftOut) assert.include(error.message, value, error._tag)
      }
    }
    const [, limited] = samples.RateLimited
    assert.include(limited?.message, "30 s")
    assert.include(samples.Expired[1]?.message, unavailable.message)
  })

  it("goes through its Schema, and JSON, and comes back the same", () => {
    for (const error of all) {
      const schema = classes.get(error._tag)
      if (schema === undefined) return assert.fail(error._tag)
      const encoded = Schema.encodeUnknownSync(schema)(error)
      const decoded = Schema.decodeUnknownSync(schema)(JSON.parse(JSON.stringify(encoded)))
      assert.isTrue(decoded instanceof schema)
      assert.strictEqual(decoded.message, error.message)
      assert.deepStrictEqual(Schema.encodeUnknownSync(schema)(decoded), encoded)
      assert.isTrue(ErpNetError.isErpNetError(decoded))
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(schema)({ ...Object(encoded), _tag: "Other" })))
    }
  })

  it.effect("is caught by its tag", () =>
    Effect.gen(function* () {
      for (const error of all) {
        const failing: Effect.Effect<never, ErpNetError.ErpNetError> = Effect.fail(error)
        const caught = yield* Effect.catchAll(failing, (failure) =>
          Effect.catchTag(Effect.fail(failure), failure._tag, (again) => Effect.succeed(again))
        )
        assert.strictEqual(caught, error)
        // An error is also an Effect that fails with itself.
        assert.strictEqual(yield* Effect.flip(error as Effect.Effect<never, ErpNetError.ErpNetError>), error)
      }
      const program: Effect.Effect<never, ErpNetError.TokenError> = new ErpNetError.InvalidClient(oauth)
      const handled = program.pipe(
        Effect.catchTags({
          InvalidClient: (error) => Effect.succeed(error.clientId),
          TokenEndpointUnavailable: (error) => Effect.succeed(error.reason)
        })
      )
      assert.strictEqual(yield* handled, oauth.clientId)
    })
  )
})

describe("guards", () => {
  class Foreign extends Data.TaggedError("InvalidClient")<{ readonly message: string }> {}
  const strangers = [
    null,
    undefined,
    0,
    "InvalidClient",
    {},
    new Error("x"),
    { _tag: "InvalidClient" },
    new Foreign({ message: "x" })
  ]

  it("isErpNetError", () => {
    for (const error of all) assert.isTrue(ErpNetError.isErpNetError(error), error._tag)
    for (const stranger of strangers) assert.isFalse(ErpNetError.isErpNetError(stranger))
  })

  it("isTokenError", () => {
    const tokenErrors = [
      "InvalidClient",
      "UnauthorizedClient",
      "InvalidScope",
      "InvalidGrant",
      "TokenRequestRejected",
      "TokenEndpointUnavailable",
      "TokenResponseInvalid",
      "Expired",
      "SignInRequired"
    ]
    for (const error of all)
      assert.strictEqual(ErpNetError.isTokenError(error), tokenErrors.includes(error._tag), error._tag)
    for (const stranger of strangers) assert.isFalse(ErpNetError.isTokenError(stranger))
  })

  it("with makes a copy that has other fields, of the same class", () => {
    for (const error of all) {
      const copy = error.with({})
      assert.deepStrictEqual(copy, error, error._tag)
      assert.notStrictEqual(copy, error)
      assert.strictEqual(copy.constructor, error.constructor)
      assert.strictEqual(copy.message, error.message)
    }
    const expired = new ErpNetError.Expired({ cause: unavailable })
    assert.strictEqual(expired.with({ rejected }).cause, unavailable)
    assert.strictEqual(expired.with({ rejected }).rejected, rejected)
    assert.isUndefined(expired.rejected)
  })

  it("what an OAuth error advises follows its grant", () => {
    const advice = (grantType?: "client_credentials" | "authorization_code" | "refresh_token") => ({
      grant: new ErpNetError.InvalidGrant({ ...oauth, grantType }).message,
      client: new ErpNetError.UnauthorizedClient({ ...oauth, grantType }).message,
      scope: new ErpNetError.InvalidScope({ ...oauth, grantType, scopes: [] }).message
    })
    for (const grantType of ["authorization_code", "refresh_token"] as const) {
      const { client, grant, scope } = advice(grantType)
      assert.include(grant, "Sign in again")
      assert.include(client, "ImpersonateAsInternalUserAllowed")
      assert.notInclude(client, "SystemUser")
      assert.notInclude(scope, "service applications")
    }
    const { client, grant, scope } = advice("client_credentials")
    assert.notInclude(grant, "Sign in")
    assert.include(client, "SystemUserAllowed")
    assert.include(scope, "not for service applications")
    assert.deepStrictEqual(advice(), { client, grant, scope })
  })

  it("isTransient", () => {
    const unavailableFor = (reason: ErpNetError.UnavailableReason, status?: number) =>
      new ErpNetError.TokenEndpointUnavailable({ tokenEndpoint, reason, status })
    const table: ReadonlyArray<readonly [boolean, unknown]> = [
      [true, unavailableFor("transport")],
      [true, unavailableFor("timeout")],
      [true, unavailableFor("credentials")],
      [true, unavailableFor("store")],
      [false, new ErpNetError.SignInRequired({ ...signIn, reason: "refused" })],
      [true, unavailableFor("status", 429)],
      [true, unavailableFor("status", 500)],
      [true, unavailableFor("status", 503)],
      [false, unavailableFor("status", 404)],
      [false, unavailableFor("status", 499)],
      [false, unavailableFor("status")],
      [false, unavailableFor("redirect", 302)],
      [false, unavailableFor("tooLarge")],
      [false, unavailableFor("closed")],
      [true, new ErpNetError.Expired({ cause: unavailable })],
      [false, new ErpNetError.Expired({})],
      [false, new ErpNetError.Expired({ ...call, status: 401 })],
      [true, new ErpNetError.Unreachable({ ...call, reason: "transport" })],
      [true, new ErpNetError.Unreachable({ ...call, reason: "timeout" })],
      [true, new ErpNetError.Unreachable({ ...call, reason: "status", status: 503 })],
      [false, new ErpNetError.Unreachable({ ...call, reason: "invalidRequest" })],
      [true, new ErpNetError.RateLimited(answer)],
      [true, new ErpNetError.LicenseUnavailable(answer)],
      [false, new ErpNetError.ServerError(answer)],
      [true, new ErpNetError.ServerError({ ...answer, status: 502 })],
      [true, new ErpNetError.ServerError({ ...answer, status: 503 })],
      [true, new ErpNetError.ServerError({ ...answer, status: 504 })],
      [false, new ErpNetError.ServerError({ ...answer, status: 302 })],
      ...strangers.map((stranger) => [false, stranger] as const),
      ...all
        .filter(
          ({ _tag }) =>
            !["TokenEndpointUnavailable", "Expired", "Unreachable", "RateLimited", "LicenseUnavailable"].includes(_tag)
        )
        .map((error) => [false, error] as const)
    ]
    for (const [expected, value] of table) {
      assert.strictEqual(ErpNetError.isTransient(value), expected, String(value))
    }
  })
})

describe("the text of a server", () => {
  const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
  const anyText = FastCheck.oneof(
    FastCheck.string({ unit: "binary", maxLength: 700 }),
    FastCheck.string({
      unit: FastCheck.constantFrom(..."a \n\r\t\0\u202E\u2066\u061C\u200B\uFEFF\u00AD\uD83D\uDE00é"),
      maxLength: 900
    })
  )

  it("is one line of at most 512 characters that show", () => {
    void FastCheck.assert(
      FastCheck.property(anyText, (text) => {
        const line = serverText(text)
        assert.isAtMost(line.length, 512)
        assert.notMatch(line, unseen)
        assert.notMatch(line, /\s\s|^\s|\s$/)
        assert.strictEqual(serverText(line), line)
      })
    )
    assert.strictEqual(serverText("  a\r\n\tb\u0000c\u202Ed\u061Ce "), "a bcde")
    assert.strictEqual(serverText("x".repeat(512)), "x".repeat(512))
    assert.strictEqual(serverText("x".repeat(513)), `${"x".repeat(511)}…`)
    assert.strictEqual(serverText(`\uD800${"x".repeat(510)}\u{1F600}`), `${"x".repeat(510)}\u{1F600}`)
    assert.strictEqual(serverText(`${"x".repeat(510)}\u{1F600}x`), `${"x".repeat(510)}…`)
  })

  it("keeps an honest text as it is", () => {
    const honest = "Invalid scope: 'update' (50% of 100+1 & more), see C:\\logs\\a.txt — Грешка"
    assert.strictEqual(serverText(honest), honest)
    assert.strictEqual(serverText(honest, ["an0ther-secret"]), honest)
  })

  // What surrounds a secret shares no character with it, so that a piece found is a piece of the secret.
  const filler = FastCheck.string({ unit: FastCheck.constantFrom(..."xyz ,;"), maxLength: 30 })
  const character = FastCheck.constantFrom(..."ABCDEFGHabcdefgh0123456789+/%&=\"\\'#!~*() é€\u{1F600}u")
  const secret = FastCheck.string({ unit: character, minLength: 12, maxLength: 40 }).filter(
    (text) => !/^[\s+]|[\s+]$/.test(text) && text.replace(/[\s+]/g, "").length >= 12
  )
  const gap = FastCheck.constantFrom(
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u001B",
    "\u007F",
    "\u0085",
    "\u00AD",
    "\u200B",
    "\u2028",
    "\u202E",
    "\uFEFF",
    " "
  )

  it("holds no secret, however it is spelled and torn", () => {
    void FastCheck.assert(
      FastCheck.property(
        secret,
        FastCheck.constantFrom(...Object.entries(echoes)),
        FastCheck.array(FastCheck.tuple(FastCheck.nat(400), gap), { maxLength: 12 }),
        FastCheck.tuple(filler, filler),
        (hidden, [, echo], gaps, [before, after]) => {
          let told = echo(hidden)
          for (const [at, text] of gaps) {
            const position = at % (told.length + 1)
            // A gap between the halves of a character would not be a text any more.
            if (/[\uD800-\uDBFF]/.test(told[position - 1] ?? "")) continue
            told = told.slice(0, position) + text + told.slice(position)
          }
          const line = serverText(`${before}${told}${after}`, [hidden])
          assert.include(line, "<redacted>")
          assert.deepStrictEqual(find(line, needlesOf("secret", hidden)), [], line)
        }
      ),
      { numRuns: 1000 }
    )
  })

  it("holds no secret at its end, where it is cut", () => {
    void FastCheck.assert(
      FastCheck.property(secret, FastCheck.integer({ min: 460, max: 520 }), (hidden, length) => {
        assert.deepStrictEqual(find(serverText("x".repeat(length) + hidden, [hidden]), needlesOf("secret", hidden)), [])
      })
    )
  })

  it("holds no beginning of a secret where a very long text is no longer looked at", () => {
    const token = `t0ken.${"Ab3dE6gH9".repeat(170)}`
    for (const blanks of [0, 1, 7]) {
      for (const start of [0, 1, 500]) {
        const line = serverText("y".repeat(start) + (token + " ".repeat(blanks)).repeat(200), [token])
        assert.isAtMost(line.length, 512)
        assert.deepStrictEqual(find(line, needlesOf("token", token)), [], line)
      }
    }
    const torn = [...token].join("\uD800\u0000\n\u200B")
    assert.deepStrictEqual(find(serverText(torn.repeat(60), [token]), needlesOf("token", token)), [])
    assert.deepStrictEqual(find(serverText("\uD800".repeat(64_000) + token, [token]), needlesOf("token", token)), [])
    assert.strictEqual(serverText("\uD800".repeat(100_000)), "")
  })

  it("is made in reasonable time, whatever the server sends", () => {
    const long = "s3cret".repeat(10_000)
    const texts = ["a".repeat(400_000), "%41".repeat(100_000), "&#65;".repeat(50_000), "\\u0041".repeat(50_000)]
    for (const text of texts) {
      assert.isAtMost(serverText(text, [long, "s3cr3t-kernel"]).length, 512)
    }
    // A secret of the size of an answer is no reason to fail.
    assert.include(serverText(`x ${long}`, [long]), "<redacted>")
  })
})
