import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Redacted, TestClock } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose"
import { callApi, type Got, getApi, json, layer, postToken, send } from "./support.ts"

const origin = "https://testdb.my.erp.net"
const verifier = "v".repeat(64)
const challenge = createHash("sha256").update(verifier).digest("base64url")
const web = ErpNetEmulator.demoWebApplication
const redirectUri = "http://localhost:3000/signin-callback"
const login = ErpNetEmulator.demoUser.login

const client = { client_id: web.applicationUri, client_secret: Redacted.value(web.secret ?? Redacted.make("")) }
const publicClient = { client_id: ErpNetEmulator.demoPublicApplication.applicationUri }
const publicRedirect = "http://127.0.0.1:53177/callback"

const authorizeUrl = (patch: Readonly<Record<string, string | undefined>> = {}): URL => {
  const url = new URL("/id/connect/authorize", origin)
  const fields = {
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid profile read update offline_access",
    state: "state-of-the-client",
    nonce: "nonce-of-the-client",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...patch
  }
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) url.searchParams.set(name, value)
  return url
}

const emulator = ErpNetEmulator.ErpNetEmulator

const steer = (
  patch: Readonly<Record<string, string | undefined>> = {},
  options: Partial<ErpNetEmulator.AuthorizeOptions> = {}
) => Effect.flatMap(emulator, (erp) => erp.authorize(authorizeUrl(patch), { login, ...options }))

const exchange = (code: string, patch: Readonly<Record<string, string>> = {}) =>
  postToken({
    grant_type: "authorization_code",
    ...client,
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...patch
  })

const refresh = (token: string, patch: Readonly<Record<string, string>> = {}) =>
  postToken({ grant_type: "refresh_token", ...client, refresh_token: token, ...patch })

interface TokenAnswer {
  readonly id_token: string
  readonly access_token: string
  readonly refresh_token: string
}

const tokens = (got: Got): TokenAnswer => {
  assert.strictEqual(got.status, 200, got.body)
  return JSON.parse(got.body)
}

const code = (url: URL): string => url.searchParams.get("code") ?? ""

const signIn = (patch: Readonly<Record<string, string | undefined>> = {}) =>
  Effect.flatMap(steer(patch), (url) => Effect.map(exchange(code(url)), tokens))

const error = (got: Got): unknown => {
  assert.strictEqual(got.status, 400, got.body)
  return JSON.parse(got.body).error
}

describe("authorize without a browser", () => {
  it.effect("gives a callback with code, scope, state and session_state in order", () =>
    Effect.gen(function* () {
      const url = yield* steer()
      assert.strictEqual(url.origin + url.pathname, redirectUri)
      assert.deepStrictEqual([...url.searchParams.keys()], ["code", "scope", "state", "session_state"])
      assert.match(code(url), /^[0-9A-F]{64}$/)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("sends iss where it is told to", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* steer()).searchParams.get("iss"), `${origin}/id`)
    }).pipe(Effect.provide(layer({ issParameter: true })))
  )

  for (const decision of ["deny", "cancel"] as const) {
    it.effect(`${decision}: access_denied, with the fragment of IdentityServer`, () =>
      Effect.gen(function* () {
        const url = yield* steer({}, { decision })
        assert.deepStrictEqual(
          [...url.searchParams],
          [
            ["error", "access_denied"],
            ["state", "state-of-the-client"]
          ]
        )
        assert.strictEqual(url.hash, "#_=_")
      }).pipe(Effect.provide(layer({ consent: "always" })))
    )
  }

  it.effect("prompt=none: login_required, then a code of the same session, then consent_required", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* steer({ prompt: "none" })).searchParams.get("error"), "login_required")
      const first = decodeJwt((yield* signIn()).id_token)
      yield* TestClock.adjust("1 minute")
      const second = decodeJwt((yield* signIn({ prompt: "none" })).id_token)
      assert.strictEqual(second["sid"], first["sid"])
      assert.strictEqual(second["auth_time"], first["auth_time"])
      const again = decodeJwt((yield* signIn({ prompt: "login" })).id_token)
      assert.strictEqual(again["sid"], first["sid"])
      assert.strictEqual(Number(again["auth_time"]), Number(first["auth_time"]) + 60)
      // 61 seconds later the sign-in is older than max_age allows
      yield* TestClock.adjust("61 seconds")
      const old = yield* steer({ prompt: "none", max_age: "60" })
      assert.strictEqual(old.searchParams.get("error"), "login_required")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("asks for consent once", () =>
    Effect.gen(function* () {
      yield* steer()
      assert.isTrue((yield* steer({ prompt: "none" })).searchParams.has("code"))
      assert.strictEqual(
        (yield* steer({ prompt: "none", scope: "openid read" })).searchParams.get("error"),
        "consent_required"
      )
    }).pipe(Effect.provide(layer({ consent: "once" })))
  )

  const faults: ReadonlyArray<readonly [string, Readonly<Record<string, string | undefined>>]> = [
    ["no client", { client_id: undefined }],
    ["an unknown client", { client_id: "other" }],
    ["a service application", { client_id: "my.trusted.app/service" }],
    ["a redirect address with a slash more", { redirect_uri: `${redirectUri}/` }],
    ["a relative redirect address", { redirect_uri: "/signin-callback" }],
    ["the implicit flow", { response_type: "token" }],
    ["form_post", { response_mode: "form_post" }],
    ["a plain challenge", { code_challenge_method: "plain" }],
    ["a challenge without a method", { code_challenge_method: undefined }],
    ["a short challenge", { code_challenge: "short" }],
    [
      "a Public client without a challenge",
      { ...publicClient, redirect_uri: publicRedirect, code_challenge: undefined }
    ],
    ["no scope", { scope: undefined }],
    ["a scope of another application", { scope: "openid sec" }],
    ["profile without openid", { scope: "profile read" }],
    ["prompt=none with another", { prompt: "none login" }],
    ["a long nonce", { nonce: "n".repeat(301) }]
  ]
  for (const [name, patch] of faults) {
    it.effect(`${name}: a page with status 400, no redirect; without a browser a defect`, () =>
      Effect.gen(function* () {
        const got = yield* send(HttpClientRequest.get(authorizeUrl(patch).href))
        assert.strictEqual(got.status, 400)
        assert.match(got.headers["content-type"] ?? "", /^text\/html/)
        assert.include(got.headers["content-security-policy"], "frame-ancestors 'none'")
        const exit = yield* Effect.exit(steer(patch))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      }).pipe(Effect.provide(layer()))
    )
  }
})

const cookieOf = (got: Got): string => (got.headers["set-cookie"] ?? "").split(";")[0] ?? ""
const fieldOf = (page: string, name: string): string =>
  (new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? "").replaceAll("&#38;", "&")

const submit = (page: Got, path: string, cookie: string, fields: Readonly<Record<string, string>>) =>
  send(
    HttpClientRequest.post(path).pipe(
      HttpClientRequest.setHeader("cookie", cookie),
      HttpClientRequest.bodyUrlParams({
        request: fieldOf(page.body, "request"),
        __RequestVerificationToken: fieldOf(page.body, "__RequestVerificationToken"),
        ...fields
      })
    )
  )

const getPage = (url: string, cookie = "") =>
  send(HttpClientRequest.get(url, cookie === "" ? {} : { headers: { cookie } }))

const password = Redacted.value(ErpNetEmulator.demoUser.password)

describe("the pages", () => {
  it.effect("sign in, ask for consent, and end the session, without script", () =>
    Effect.gen(function* () {
      const page = yield* getPage(authorizeUrl({ login_hint: '"><script>' }).href)
      assert.strictEqual(page.status, 200)
      assert.notInclude(page.body, "<script")
      assert.match(page.headers["set-cookie"] ?? "", /HttpOnly; SameSite=None; Secure/)
      const guard = cookieOf(page)
      const wrong = yield* submit(page, "/id/account/login", guard, {
        username: login,
        password: "no",
        button: "login"
      })
      assert.include(wrong.body, "Invalid login or password")
      const done = yield* submit(page, "/id/account/login", guard, { username: login, password, button: "login" })
      assert.strictEqual(done.status, 302)
      const cookies = `${guard}; ${cookieOf(done)}`
      const consent = yield* getPage(done.headers["location"] ?? "", cookies)
      assert.include(consent.body, "Demo web application")
      const denied = yield* submit(consent, "/id/consent", cookies, { button: "no" })
      assert.include(denied.headers["location"], "error=access_denied")
      const allowed = yield* submit(consent, "/id/consent", cookies, { button: "yes" })
      const answer = tokens(yield* exchange(code(new URL(allowed.headers["location"] ?? ""))))
      // from now on the browser is known: no page comes up
      const silent = yield* getPage(authorizeUrl().href, cookies)
      assert.strictEqual(silent.status, 302)

      const unsure = yield* getPage("/id/connect/endsession", cookies)
      assert.include(unsure.body, "Do you want to sign out?")
      const end = `/id/connect/endsession?id_token_hint=${answer.id_token}&post_logout_redirect_uri=http://localhost:3000/&state=s`
      const out = yield* getPage(end, cookies)
      assert.strictEqual(out.headers["location"], "http://localhost:3000/?state=s")
      assert.match(out.headers["set-cookie"] ?? "", /^idsrv=;.*Max-Age=0/)
      assert.strictEqual(error(yield* refresh(answer.refresh_token)), "invalid_grant")
      assert.include((yield* getPage(authorizeUrl().href, cookies)).body, "Sign in")
      assert.notInclude(inspect(yield* Effect.flatMap(emulator, (erp) => erp.journal)), password)
    }).pipe(Effect.provide(layer({ consent: "once" })))
  )

  it.effect("take no form from elsewhere", () =>
    Effect.gen(function* () {
      const page = yield* getPage(authorizeUrl().href)
      const guard = cookieOf(page)
      const fields = { username: login, password, button: "login" }
      const forged = { ...fields, __RequestVerificationToken: "x" }
      assert.strictEqual((yield* submit(page, "/id/account/login", "", fields)).status, 400)
      assert.strictEqual((yield* submit(page, "/id/account/login", "idsrv.antiforgery=other", fields)).status, 400)
      assert.strictEqual((yield* submit(page, "/id/account/login", guard, forged)).status, 400)
      assert.strictEqual((yield* submit(page, "/id/account/logout", guard, forged)).status, 400)
    }).pipe(Effect.provide(layer()))
  )

  it.effect(
    "end of session: no redirect without a hint or to an address that is not listed, none for another person",
    () =>
      Effect.gen(function* () {
        const { id_token } = yield* signIn()
        const unlisted = yield* getPage(
          `/id/connect/endsession?id_token_hint=${id_token}&post_logout_redirect_uri=https://evil/`
        )
        assert.strictEqual(unlisted.status, 200)
        assert.strictEqual(
          (yield* getPage("/id/connect/endsession?post_logout_redirect_uri=http://localhost:3000/")).status,
          200
        )
        assert.strictEqual((yield* getPage(`/id/connect/endsession?id_token_hint=${id_token}x`)).status, 400)
      }).pipe(Effect.provide(layer()))
  )
})

describe("codes", () => {
  it.effect("are exchanged once, for tokens in the order of IdentityServer", () =>
    Effect.gen(function* () {
      const url = yield* steer()
      const got = yield* exchange(code(url))
      assert.deepStrictEqual(Object.keys(JSON.parse(got.body)), [
        "id_token",
        "access_token",
        "expires_in",
        "token_type",
        "refresh_token",
        "scope"
      ])
      const answer = tokens(got)
      assert.match(answer.refresh_token, /^[0-9A-F]{64}$/)
      assert.strictEqual(error(yield* exchange(code(url))), "invalid_grant")
      const keys = JSON.parse((yield* getPage("/id/.well-known/openid-configuration/jwks")).body)
      const { payload } = yield* Effect.promise(() =>
        jwtVerify(answer.id_token, createLocalJWKSet(keys), {
          issuer: `${origin}/id`,
          audience: client.client_id,
          currentDate: new Date(0)
        })
      )
      assert.sameMembers(Object.keys(payload), [
        "nbf",
        "exp",
        "iss",
        "aud",
        "nonce",
        "iat",
        "at_hash",
        "s_hash",
        "sid",
        "sub",
        "auth_time",
        "idp",
        "amr"
      ])
      assert.strictEqual(payload["nonce"], "nonce-of-the-client")
      assert.strictEqual(
        payload["at_hash"],
        createHash("sha256").update(answer.access_token).digest().subarray(0, 16).toString("base64url")
      )
      assert.strictEqual((yield* callApi(answer.access_token)).status, 200)
    }).pipe(Effect.provide(layer()))
  )

  const spent: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
    ["a wrong verifier", { code_verifier: "w".repeat(64) }],
    ["no verifier", { code_verifier: "" }],
    ["another redirect address", { redirect_uri: "http://127.0.0.1:3000/signin-callback" }]
  ]
  for (const [name, patch] of spent) {
    it.effect(`are spent by ${name}`, () =>
      Effect.gen(function* () {
        const url = yield* steer()
        assert.strictEqual(error(yield* exchange(code(url), patch)), "invalid_grant")
        assert.strictEqual(error(yield* exchange(code(url))), "invalid_grant")
      }).pipe(Effect.provide(layer()))
    )
  }

  it.effect("are not spent by another client, and end after 300 seconds", () =>
    Effect.gen(function* () {
      const url = yield* steer()
      const other = { grant_type: "authorization_code", ...publicClient, code: code(url), redirect_uri: redirectUri }
      assert.strictEqual(error(yield* postToken(other)), "invalid_grant")
      tokens(yield* exchange(code(url)))
      const late = yield* steer()
      yield* TestClock.adjust("300 seconds")
      assert.strictEqual(error(yield* exchange(code(late))), "invalid_grant")
    }).pipe(Effect.provide(layer()))
  )
})

describe("refresh tokens", () => {
  it.effect("rotate; the old one is refused; the end is that of the sign-in", () =>
    Effect.gen(function* () {
      const first = yield* signIn()
      yield* TestClock.adjust("29 days")
      const second = tokens(yield* refresh(first.refresh_token))
      assert.notStrictEqual(second.refresh_token, first.refresh_token)
      assert.isUndefined(decodeJwt(second.id_token)["nonce"])
      assert.strictEqual(decodeJwt(second.access_token)["sid"], decodeJwt(first.access_token)["sid"])
      assert.strictEqual(error(yield* refresh(first.refresh_token)), "invalid_grant")
      const third = tokens(yield* refresh(second.refresh_token))
      yield* TestClock.adjust("1 day")
      assert.strictEqual(error(yield* refresh(third.refresh_token)), "invalid_grant")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("of Public applications live for a day, or are not given", () =>
    Effect.gen(function* () {
      const get = Effect.flatMap(steer({ ...publicClient, redirect_uri: publicRedirect }), (url) =>
        postToken({
          grant_type: "authorization_code",
          ...publicClient,
          code: code(url),
          redirect_uri: publicRedirect,
          code_verifier: verifier
        })
      )
      const { refresh_token } = tokens(yield* Effect.provide(get, layer({ publicRefreshTokens: false })))
      assert.isUndefined(refresh_token)
      yield* Effect.gen(function* () {
        const first = tokens(yield* get)
        yield* TestClock.adjust("1 day")
        const form = { grant_type: "refresh_token", ...publicClient, refresh_token: first.refresh_token }
        assert.strictEqual(error(yield* postToken(form)), "invalid_grant")
      }).pipe(Effect.provide(layer()))
    })
  )

  it.effect("are kept or left out where the instance is told so", () =>
    Effect.gen(function* () {
      const renew = Effect.flatMap(signIn(), ({ refresh_token }) =>
        Effect.map(refresh(refresh_token), (got) => [refresh_token, tokens(got).refresh_token] as const)
      )
      const [kept, same] = yield* Effect.provide(renew, layer({ rotation: "keep" }))
      assert.strictEqual(kept, same)
      const [, none] = yield* Effect.provide(renew, layer({ rotation: "omit" }))
      assert.isUndefined(none)
    })
  )

  it.effect("used twice: the family is revoked, or some seconds are granted", () =>
    Effect.gen(function* () {
      const twice = Effect.gen(function* () {
        const first = yield* signIn()
        const second = tokens(yield* refresh(first.refresh_token))
        const again = yield* refresh(first.refresh_token)
        return [again.status, (yield* refresh(second.refresh_token)).status] as const
      })
      assert.deepStrictEqual(yield* Effect.provide(twice, layer()), [400, 200])
      assert.deepStrictEqual(yield* Effect.provide(twice, layer({ reuse: "revokesFamily" })), [400, 400])
      assert.deepStrictEqual(yield* Effect.provide(twice, layer({ reuse: { graceSeconds: 10 } })), [200, 200])
    })
  )

  it.effect("stop with the steering: revoked, another password, signed out, revoked by the application", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const revoke = (token: string) =>
        Effect.map(
          send(
            HttpClientRequest.post("/id/connect/revocation").pipe(HttpClientRequest.bodyUrlParams({ ...client, token }))
          ),
          (got) => assert.deepStrictEqual([got.status, got.body], [200, ""])
        )
      const ways: ReadonlyArray<(token: string) => Effect.Effect<unknown, unknown, never>> = [
        () => erp.revokeRefreshTokens(login),
        () => erp.changePassword(login),
        () => erp.signOutUser(login)
      ]
      for (const way of ways) {
        const { refresh_token } = yield* signIn()
        yield* way(refresh_token)
        assert.strictEqual(error(yield* refresh(refresh_token)), "invalid_grant")
      }
      const { refresh_token } = yield* signIn()
      yield* revoke("unknown")
      yield* revoke(refresh_token)
      assert.strictEqual(error(yield* refresh(refresh_token)), "invalid_grant")
      const form = HttpClientRequest.bodyUrlParams({ ...client, token: "x" })
      const none = send(form(HttpClientRequest.post("/id/connect/revocation")))
      assert.strictEqual((yield* Effect.provide(none, layer({ revocation: false }))).status, 404)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("loseNextAnswer executes the request", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const { refresh_token } = yield* signIn()
      yield* erp.loseNextAnswer("token")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(refresh(refresh_token))))
      assert.strictEqual(error(yield* refresh(refresh_token)), "invalid_grant")
    }).pipe(Effect.provide(layer()))
  )
})

describe("people and the API", () => {
  it.effect("a renewal keeps the session and its licence; signing out frees it", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const first = yield* signIn()
      yield* callApi(first.access_token)
      const second = tokens(yield* refresh(first.refresh_token))
      yield* callApi(second.access_token)
      assert.strictEqual((yield* erp.counters).licencesUsed, 1)
      yield* erp.signOutUser(login)
      assert.strictEqual((yield* erp.counters).licencesUsed, 0)
    }).pipe(Effect.provide(layer()))
  )

  const users: ReadonlyArray<ErpNetEmulator.User> = [
    { login, password: ErpNetEmulator.demoUser.password, type: "ExternalCommunityUser" },
    { login: "gone", password: Redacted.make("p"), active: false }
  ]

  it.effect("external users sign in and have no API; inactive ones do not sign in", () =>
    Effect.gen(function* () {
      const { access_token } = yield* signIn()
      assert.strictEqual((yield* callApi(access_token)).status, 401)
      assert.propertyVal(
        json(yield* getApi({ authorization: `Bearer ${access_token}` }, "/id/connect/userinfo")),
        "sub",
        login
      )
      assert.strictEqual((yield* steer({}, { login: "gone" })).searchParams.get("error"), "access_denied")
    }).pipe(Effect.provide(layer({ users })))
  )

  it.effect("userinfo and the profile tell who it is, and refuse services", () =>
    Effect.gen(function* () {
      const { access_token } = yield* signIn()
      const authorization = `Bearer ${access_token}`
      assert.deepStrictEqual(json(yield* getApi({ authorization }, "/id/connect/userinfo")), {
        name: "Maria Demo",
        email: "maria.demo@example.com",
        user_type: "InternalUser",
        sub: login
      })
      const profile = yield* getApi({ authorization }, "/profile/me")
      assert.strictEqual(profile.headers["cache-control"], "no-store")
      assert.propertyVal(json(profile), "login", login)
      assert.strictEqual((yield* getApi({}, "/profile/me")).status, 401)
      const service = JSON.parse((yield* postToken()).body).access_token
      assert.strictEqual((yield* getApi({ authorization: `Bearer ${service}` }, "/profile/me")).status, 403)
      const refused = yield* getApi({}, "/id/connect/userinfo")
      assert.strictEqual(refused.headers["www-authenticate"], 'Bearer realm="IdentityServer",error="invalid_token"')
    }).pipe(Effect.provide(layer()))
  )
})

describe("cross-origin requests", () => {
  const from = (origin: string, path: string) => getApi({ origin }, path)
  const allowed = "access-control-allow-origin"

  it.effect("are allowed from the origins of redirect addresses, but never to authorize and end of session", () =>
    Effect.gen(function* () {
      const page = "http://localhost:5173"
      assert.strictEqual((yield* from(page, "/id/connect/userinfo")).headers[allowed], page)
      assert.strictEqual((yield* from(page, "/api/domain/odata/Crm_Customers")).headers[allowed], page)
      assert.isUndefined((yield* from("https://evil.example", "/id/connect/userinfo")).headers[allowed])
      assert.isUndefined((yield* from(page, "/id/connect/authorize")).headers[allowed])
      assert.isUndefined((yield* from(page, "/id/connect/endsession")).headers[allowed])
      const preflight = HttpClientRequest.make("OPTIONS")("/api/domain/odata/Crm_Customers", {
        headers: {
          origin: page,
          "access-control-request-method": "GET",
          "access-control-request-headers": "authorization"
        }
      })
      const got = yield* send(preflight)
      assert.deepStrictEqual(
        [got.status, got.headers[allowed], got.headers["access-control-allow-headers"]],
        [204, page, "authorization"]
      )
    }).pipe(Effect.provide(layer()))
  )

  it.effect("a 401 is unreadable, headers are exposed, where the instance is told so", () =>
    Effect.gen(function* () {
      const got = yield* from("https://a.example", "/api/domain/odata/Crm_Customers")
      assert.strictEqual(got.status, 401)
      assert.isUndefined(got.headers[allowed])
      const other = yield* from("https://a.example", "/id/connect/userinfo")
      assert.strictEqual(other.headers["access-control-expose-headers"], "retry-after")
    }).pipe(Effect.provide(layer({ cors: { origins: ["https://a.example"], on401: false, expose: ["retry-after"] } })))
  )
})

it.effect("the journal holds no code, verifier, refresh token, hint, password or cookie", () =>
  Effect.gen(function* () {
    const erp = yield* emulator
    const url = yield* steer()
    const answer = tokens(yield* exchange(code(url)))
    yield* refresh(answer.refresh_token)
    yield* getPage(`/id/connect/endsession?id_token_hint=${answer.id_token}`, "idsrv=cookie-value")
    yield* send(HttpClientRequest.get(url.href.replace("http://localhost:3000", origin)))
    const page = yield* getPage(authorizeUrl().href)
    yield* submit(page, "/id/account/login", cookieOf(page), { username: login, password, button: "login" })
    const text = inspect(yield* erp.journal, { depth: 9, maxStringLength: null })
    const secrets = [
      code(url),
      verifier,
      answer.refresh_token,
      answer.id_token,
      "cookie-value",
      password,
      cookieOf(page)
    ]
    for (const secret of secrets) assert.notInclude(text, secret)
  }).pipe(Effect.provide(layer()))
)
