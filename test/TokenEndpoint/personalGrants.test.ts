/** The grants of people, and revocation, as they go over the wire. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Fiber, Option, Redacted, TestClock } from "effect"
import { type ErpNetError, InteractiveApplication, TokenEndpoint } from "effect-erpnet"
import { instance } from "../support/fixtures.ts"
import { leaks, needlesOf } from "../support/leaks.ts"
import { type Answer, type FakeServer, fakeServer, json } from "../support/transport.ts"

const application = (clientSecret?: string) =>
  Either.getOrThrow(
    InteractiveApplication.make({
      clientId: "my.trusted.app/web",
      clientSecret: clientSecret === undefined ? undefined : Redacted.make(clientSecret),
      scope: "openid profile read offline_access",
      redirectUri: "https://app.example.com/callback"
    })
  )
const confidential = application("s3cret/+ &=%Hk81")
const publicOne = application()

const authorization = {
  code: Redacted.make("Zq7pXk29/+ &vTz"),
  codeVerifier: Redacted.make("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
  redirectUri: "https://app.example.com/callback"
}
const refreshToken = Redacted.make("9F8A7C00 D41E+/=B7")

const tokens = {
  access_token: "access-1",
  token_type: "Bearer",
  expires_in: 3600,
  scope: "openid read",
  refresh_token: "refresh 1",
  id_token: "a.b.c"
}

const exchangeCode = (server: FakeServer, app = confidential, options?: TokenEndpoint.Options) =>
  Effect.provide(TokenEndpoint.exchangeCode(instance, app, authorization, options), server.layer)
const refresh = (server: FakeServer, app = confidential, options?: TokenEndpoint.Options) =>
  Effect.provide(TokenEndpoint.refresh(instance, app, refreshToken, options), server.layer)
const revoke = (server: FakeServer, app = confidential, options?: TokenEndpoint.Options) =>
  Effect.provide(TokenEndpoint.revoke(instance, app, refreshToken, options), server.layer)

const formOf = (server: FakeServer) => [...(server.received[0]?.form ?? [])]

describe("TokenEndpoint: the forms", () => {
  for (const [name, app, own] of [
    [
      "Confidential",
      confidential,
      [
        ["client_id", "my.trusted.app/web"],
        ["client_secret", "s3cret/+ &=%Hk81"]
      ]
    ],
    ["Public", publicOne, [["client_id", "my.trusted.app/web"]]]
  ] as const) {
    it.effect(`of a ${name} application have each field in its place, and no other`, () =>
      Effect.gen(function* () {
        const server = fakeServer(() => json(200, tokens))
        yield* exchangeCode(server, app)
        assert.deepStrictEqual(formOf(server), [
          ["grant_type", "authorization_code"],
          ...own.map(([key, value]) => [key, value]),
          ["code", "Zq7pXk29/+ &vTz"],
          ["redirect_uri", "https://app.example.com/callback"],
          ["code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"]
        ])
        assert.strictEqual(server.received[0]?.url.href, "https://testdb.my.erp.net/id/connect/token")

        const second = fakeServer(() => json(200, tokens))
        yield* refresh(second, app)
        assert.deepStrictEqual(formOf(second), [
          ["grant_type", "refresh_token"],
          ...own.map(([key, value]) => [key, value]),
          ["refresh_token", "9F8A7C00 D41E+/=B7"]
        ])

        const third = fakeServer(() => new Response(""))
        yield* revoke(third, app)
        assert.deepStrictEqual(formOf(third), [
          ...own.map(([key, value]) => [key, value]),
          ["token", "9F8A7C00 D41E+/=B7"],
          ["token_type_hint", "refresh_token"]
        ])
        assert.strictEqual(third.received[0]?.url.href, "https://testdb.my.erp.net/id/connect/revocation")
      })
    )
  }

  it.effect("client_secret_basic puts id and secret into the header only; a Public application cannot", () =>
    Effect.gen(function* () {
      for (const clientAuthentication of ["basic", "client_secret_basic"] as const) {
        const server = fakeServer(() => json(200, tokens))
        yield* refresh(server, confidential, { clientAuthentication })
        assert.deepStrictEqual(
          formOf(server).map(([key]) => key),
          ["grant_type", "refresh_token"]
        )
        assert.match(server.received[0]?.headers["authorization"] ?? "", /^Basic /)
        const none = fakeServer(() => json(200, tokens))
        const exit = yield* Effect.exit(refresh(none, publicOne, { clientAuthentication }))
        assert.strictEqual(exit._tag === "Failure" && exit.cause._tag, "Die")
        assert.lengthOf(none.received, 0)
      }
    })
  )
})

describe("TokenEndpoint: the tokens of a person", () => {
  it.effect("are all that the answer has", () =>
    Effect.gen(function* () {
      for (const grant of [exchangeCode, refresh]) {
        const given = yield* grant(fakeServer(() => json(200, tokens)))
        assert.strictEqual(Redacted.value(given.accessToken.value), "access-1")
        assert.deepStrictEqual(given.accessToken.scopes, ["openid", "read"])
        assert.strictEqual(Option.getOrThrow(Option.map(given.refreshToken, Redacted.value)), "refresh 1")
        assert.strictEqual(Option.getOrThrow(Option.map(given.idToken, Redacted.value)), "a.b.c")
      }
    })
  )

  it.effect("may lack token_type, scope, refresh_token and id_token", () =>
    Effect.gen(function* () {
      for (const body of [
        { access_token: "access-1" },
        { access_token: "access-1", token_type: null, refresh_token: null, id_token: null }
      ]) {
        const given = yield* exchangeCode(fakeServer(() => json(200, body)))
        assert.isTrue(Option.isNone(given.refreshToken) && Option.isNone(given.idToken))
        assert.deepStrictEqual(given.accessToken.scopes, confidential.scopes)
      }
    })
  )

  it.effect("a refresh token or id_token that is empty or malformed is refused, and not repeated", () =>
    Effect.gen(function* () {
      for (const [member, value] of [
        ["refresh_token", ""],
        ["refresh_token", "line\nbreak"],
        ["refresh_token", "ünïcode"],
        ["refresh_token", 7],
        ["id_token", ""],
        ["id_token", "with blank"],
        ["id_token", {}]
      ] as const) {
        const error = yield* Effect.flip(exchangeCode(fakeServer(() => json(200, { ...tokens, [member]: value }))))
        assert(error._tag === "TokenResponseInvalid", `${member} ${String(value)}`)
        assert.strictEqual(error.path, member)
        if (typeof value === "string" && value !== "") assert.notInclude(error.message, value)
      }
    })
  )

  it.effect("client credentials do not look at what is for people", () =>
    Effect.gen(function* () {
      const service = { clientId: "a", clientSecret: Redacted.make("b"), scopes: [] }
      const server = fakeServer(() => json(200, { access_token: "access-1", refresh_token: "", id_token: 7 }))
      const token = yield* Effect.provide(TokenEndpoint.request(instance, service), server.layer)
      assert.strictEqual(Redacted.value(token.value), "access-1")
    })
  )
})

describe("TokenEndpoint: what is sent again", () => {
  /** How many requests go out where each is answered so. */
  const attempts = (
    grant: (server: FakeServer) => Effect.Effect<unknown, ErpNetError.TokenError>,
    answer: () => Answer | Effect.Effect<Answer>
  ) =>
    Effect.gen(function* () {
      const server = fakeServer(answer)
      const fiber = yield* Effect.fork(Effect.either(grant(server)))
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(fiber)
      return server.received.length
    })
  const status = (code: number) => () => new Response("", { status: code })

  it.effect("a code after 429 and 503, not where it may be spent", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* attempts(exchangeCode, status(429)), 3)
      assert.strictEqual(yield* attempts(exchangeCode, status(503)), 3)
      for (const code of [500, 502, 504, 408]) assert.strictEqual(yield* attempts(exchangeCode, status(code)), 1)
      assert.strictEqual(yield* attempts(exchangeCode, () => "reset"), 1)
      assert.strictEqual(yield* attempts(exchangeCode, () => Effect.never), 1)
    })
  )

  it.effect("a refresh token as client credentials are", () =>
    Effect.gen(function* () {
      for (const grant of [refresh, revoke]) {
        for (const code of [429, 500, 502, 503]) assert.strictEqual(yield* attempts(grant, status(code)), 3)
        assert.strictEqual(yield* attempts(grant, () => "reset"), 3)
        assert.strictEqual(yield* attempts(grant, () => Effect.never), 1)
      }
    })
  )
})

describe("TokenEndpoint: refusals of people's grants", () => {
  const errors = [
    "invalid_client",
    "unauthorized_client",
    "invalid_scope",
    "invalid_grant",
    "invalid_request",
    "unsupported_grant_type"
  ]

  it.effect("carry their grant, and no code, verifier, token or secret in any rendering", () =>
    Effect.gen(function* () {
      const ofCode = ["Zq7pXk29/+ &vTz", Redacted.value(authorization.codeVerifier)]
      const ofRefresh = [Redacted.value(refreshToken)]
      for (const [grant, grantType, own] of [
        [exchangeCode, "authorization_code", ofCode],
        [refresh, "refresh_token", ofRefresh],
        [revoke, "refresh_token", ofRefresh]
      ] as const) {
        const secrets = [...own, "s3cret/+ &=%Hk81", "QW88ZX71PLM02K"]
        const needles = secrets.flatMap((secret, index) => needlesOf(`secret ${index}`, secret))
        for (const error of errors) {
          const body = { error, error_description: secrets.join(" "), refresh_token: "QW88ZX71PLM02K" }
          const failure = yield* Effect.flip(grant(fakeServer(() => json(400, body))))
          assert("grantType" in failure, error)
          assert.strictEqual(failure.grantType, grantType)
          assert.deepStrictEqual(yield* leaks(failure, needles), [], `${grantType} ${error}`)
        }
        const redirected = yield* Effect.flip(
          grant(fakeServer(() => new Response(null, { status: 307, headers: { location: "https://evil.example/" } })))
        )
        assert(redirected._tag === "TokenEndpointUnavailable")
        assert.strictEqual(redirected.reason, "redirect")
      }
    })
  )

  it.effect("a server without revocation is none", () =>
    Effect.gen(function* () {
      for (const code of [200, 204, 404, 405]) {
        yield* revoke(fakeServer(() => new Response(code === 204 ? null : "", { status: code })))
      }
    })
  )
})
