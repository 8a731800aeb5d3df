import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { createLocalJWKSet, jwtVerify } from "jose"
import { secretHash, secretMatches } from "../../src/testing/identity/application.ts"
import { demo, issueToken, json, layer, postToken, send } from "./support.ts"

const service: ErpNetEmulator.Application = { ...ErpNetEmulator.demoApplication }

const applications: ReadonlyArray<ErpNetEmulator.Application> = [
  service,
  { ...service, applicationUri: "disabled", isEnabled: false },
  { ...service, applicationUri: "none", clientType: "None" },
  { ...service, applicationUri: "public", clientType: "Public", secret: undefined },
  { ...service, applicationUri: "no-hash", secret: undefined },
  { ...service, applicationUri: "bad-hash", secret: undefined, applicationSecretHash: "dZ4Y" },
  { ...service, applicationUri: "no-system-user", systemUser: undefined },
  { ...service, applicationUri: "not-allowed", systemUserAllowed: false },
  { ...service, applicationUri: "no-scope", scope: undefined },
  { ...service, applicationUri: "a".repeat(101) },
  { ...service, applicationUri: "interactive", impersonateAsInternalUserAllowed: true },
  { ...service, applicationUri: "long-secret", secret: Redacted.make("s".repeat(101)) }
]

/** A request, and the OAuth error expected for it; the rows stand in the order of IdentityServer's checks. */
const refusals: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, string]> = [
  ["no client id", { grant_type: "client_credentials", client_secret: demo.client_secret }, "invalid_client"],
  ["no client secret", { grant_type: "client_credentials", client_id: demo.client_id }, "invalid_client"],
  ["an unknown client", { ...demo, client_id: "unknown" }, "invalid_client"],
  ["a client id in another case", { ...demo, client_id: demo.client_id.toUpperCase() }, "invalid_client"],
  ["a disabled client", { ...demo, client_id: "disabled" }, "invalid_client"],
  ["a client of type None", { ...demo, client_id: "none" }, "invalid_client"],
  ["a wrong secret", { ...demo, client_secret: "wrong" }, "invalid_client"],
  ["the hash in place of the secret", { ...demo, client_secret: secretHash(demo.client_secret) }, "invalid_client"],
  ["a public client that sends a secret", { ...demo, client_id: "public" }, "invalid_client"],
  ["a client without a hash", { ...demo, client_id: "no-hash" }, "invalid_client"],
  ["a client whose hash has another length", { ...demo, client_id: "bad-hash" }, "invalid_client"],
  ["a client id of 101 characters", { ...demo, client_id: "a".repeat(101) }, "invalid_client"],
  [
    "a secret of 101 characters",
    { ...demo, client_id: "long-secret", client_secret: "s".repeat(101) },
    "invalid_client"
  ],
  ["a wrong secret and an unknown grant", { ...demo, client_secret: "x", grant_type: "x" }, "invalid_client"],
  ["no grant type", { client_id: demo.client_id, client_secret: demo.client_secret }, "unsupported_grant_type"],
  ["an unknown grant type", { ...demo, grant_type: "password" }, "unsupported_grant_type"],
  ["a grant type of 101 characters", { ...demo, grant_type: "g".repeat(101) }, "unsupported_grant_type"],
  ["an unknown grant and a wrong scope", { ...demo, grant_type: "x", scope: "x" }, "unsupported_grant_type"],
  ["a client without a system user", { ...demo, client_id: "no-system-user" }, "unauthorized_client"],
  ["a client with SystemUserAllowed off", { ...demo, client_id: "not-allowed" }, "unauthorized_client"],
  ["a public client", { grant_type: "client_credentials", client_id: "public" }, "unauthorized_client"],
  [
    "a grant not allowed and a wrong scope",
    { ...demo, client_id: "not-allowed", scope: "nonsense" },
    "unauthorized_client"
  ],
  ["a scope outside the application", { ...demo, scope: "read exec" }, "invalid_scope"],
  ["a scope in another case", { ...demo, scope: "Read" }, "invalid_scope"],
  ["openid", { ...demo, scope: "read openid" }, "invalid_scope"],
  ["offline_access", { ...demo, scope: "offline_access" }, "invalid_scope"],
  ["a scope of 301 characters", { ...demo, scope: `read${" ".repeat(297)}` }, "invalid_scope"],
  ["an application without any scope", { ...demo, client_id: "no-scope" }, "invalid_scope"],
  ["a code of a service application", { ...demo, grant_type: "authorization_code" }, "unauthorized_client"],
  ["no code", { ...demo, client_id: "interactive", grant_type: "authorization_code" }, "invalid_grant"],
  [
    "a code without redirect_uri",
    { ...demo, client_id: "interactive", grant_type: "authorization_code", code: "c" },
    "unauthorized_client"
  ],
  [
    "an unknown code",
    { ...demo, client_id: "interactive", grant_type: "authorization_code", code: "c", redirect_uri: "https://x" },
    "invalid_grant"
  ],
  ["no refresh token", { ...demo, client_id: "interactive", grant_type: "refresh_token" }, "invalid_request"],
  [
    "an unknown refresh token",
    { ...demo, client_id: "interactive", grant_type: "refresh_token", refresh_token: "r" },
    "invalid_grant"
  ]
]

const noStore = (headers: Readonly<Record<string, string | undefined>>): void => {
  assert.strictEqual(headers["cache-control"], "no-store, no-cache, max-age=0")
  assert.strictEqual(headers["pragma"], "no-cache")
  assert.strictEqual(headers["content-type"], "application/json; charset=UTF-8")
}

const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`

describe("token endpoint", () => {
  it.effect("issues a token with the fields in order and the headers of IdentityServer", () =>
    Effect.gen(function* () {
      const got = yield* postToken({ ...demo, scope: "read update" })
      assert.strictEqual(got.status, 200)
      noStore(got.headers)
      assert.match(
        got.body,
        /^\{"access_token":"[\w-]+\.[\w-]+\.[\w-]+","expires_in":3600,"token_type":"Bearer","scope":"read update"\}$/
      )
    }).pipe(Effect.provide(layer()))
  )

  for (const [name, form, error] of refusals) {
    it.effect(`refuses ${name}: ${error}`, () =>
      Effect.gen(function* () {
        const got = yield* postToken(form)
        assert.strictEqual(got.status, 400)
        noStore(got.headers)
        assert.deepStrictEqual(json(got), { error })
      }).pipe(Effect.provide(layer({ applications })))
    )
  }

  it.effect("refuses other methods and bodies: invalid_request", () =>
    Effect.gen(function* () {
      const path = "/id/connect/token"
      const form = "grant_type=client_credentials"
      for (const request of [
        HttpClientRequest.get(`${path}?${form}`),
        HttpClientRequest.put(path).pipe(HttpClientRequest.bodyUrlParams(demo)),
        HttpClientRequest.post(path),
        HttpClientRequest.post(path).pipe(HttpClientRequest.bodyUnsafeJson(demo)),
        HttpClientRequest.post(path).pipe(HttpClientRequest.bodyFormDataRecord(demo))
      ]) {
        const got = yield* send(request)
        assert.strictEqual(got.status, 400)
        assert.deepStrictEqual(json(got), { error: "invalid_request" })
      }
    }).pipe(Effect.provide(layer()))
  )

  it.effect("accepts a form with a charset", () =>
    Effect.gen(function* () {
      const body = new URLSearchParams(demo).toString()
      const got = yield* send(
        HttpClientRequest.post("/id/connect/token").pipe(
          HttpClientRequest.bodyText(body, "application/x-www-form-urlencoded; charset=utf-8")
        )
      )
      assert.strictEqual(got.status, 200)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("refuses parameters that are sent twice", () =>
    Effect.gen(function* () {
      const got = yield* postToken(`${new URLSearchParams(demo)}&grant_type=client_credentials`)
      assert.deepStrictEqual(json(got), { error: "unsupported_grant_type" })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("accepts Basic credentials, form-encoded, and looks at them first", () =>
    Effect.gen(function* () {
      const secret = "p+ %:ü&="
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.rotateSecret(demo.client_id, Redacted.make(secret))
      const form = { grant_type: "client_credentials" }
      const good = yield* postToken(form, { authorization: basic(demo.client_id, secret) })
      assert.strictEqual(good.status, 200)
      const first = yield* postToken(
        { ...form, client_id: demo.client_id, client_secret: secret },
        { authorization: basic(demo.client_id, "wrong") }
      )
      assert.deepStrictEqual(json(first), { error: "invalid_client" })
      const raw = yield* postToken(form, {
        authorization: `Basic ${Buffer.from(`${demo.client_id}:${secret}`).toString("base64")}`
      })
      assert.deepStrictEqual(json(raw), { error: "invalid_client" }, "ids and secrets must be form-encoded")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("grants all scopes of the application when none is asked for, else what is asked for", () =>
    Effect.gen(function* () {
      assert.propertyVal(json(yield* postToken(demo)), "scope", "read update DomainApi")
      assert.propertyVal(json(yield* postToken({ ...demo, scope: " " })), "scope", "read update DomainApi")
      assert.propertyVal(json(yield* postToken({ ...demo, scope: " update  read update" })), "scope", "update read")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("never issues openid for client credentials, even where the application lists it", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.updateApplication(demo.client_id, { scope: "openid read offline_access" })
      assert.propertyVal(json(yield* postToken(demo)), "scope", "read")
      assert.deepStrictEqual(json(yield* postToken({ ...demo, scope: "openid" })), { error: "invalid_scope" })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("ignores openid in client credentials when told to", () =>
    Effect.gen(function* () {
      assert.propertyVal(json(yield* postToken({ ...demo, scope: "openid read" })), "scope", "read")
      assert.deepStrictEqual(json(yield* postToken({ ...demo, scope: "openid" })), { error: "invalid_scope" })
    }).pipe(Effect.provide(layer({ protocolScopes: "ignored" })))
  )

  it.effect("describes its errors, and names missing credentials, when told to", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(json(yield* postToken({ ...demo, scope: "exec" })), {
        error: "invalid_scope",
        error_description: "Invalid scope: exec"
      })
      assert.propertyVal(json(yield* postToken({ grant_type: "x" })), "error", "invalid_request")
    }).pipe(Effect.provide(layer({ errorDescriptions: true, missingCredentials: "invalid_request" })))
  )

  it.effect("rotates secrets, and switches applications off and on, at once", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.rotateSecret(demo.client_id, Redacted.make("next"))
      assert.strictEqual((yield* postToken(demo)).status, 400)
      assert.strictEqual((yield* postToken({ ...demo, client_secret: "next" })).status, 200)
      yield* erp.disable(demo.client_id)
      assert.strictEqual((yield* postToken({ ...demo, client_secret: "next" })).status, 400)
      yield* erp.enable(demo.client_id)
      assert.strictEqual((yield* postToken({ ...demo, client_secret: "next" })).status, 200)
      yield* erp.updateApplication(demo.client_id, { scope: "read" })
      assert.propertyVal(json(yield* postToken({ ...demo, client_secret: "next" })), "scope", "read")
      assert.strictEqual((yield* Effect.exit(erp.disable("unknown")))._tag, "Failure")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("signs with the key of its JWKS, as an independent library sees it", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken({ ...demo, scope: "read" })
      const keys = yield* send(HttpClientRequest.get("/id/.well-known/openid-configuration/jwks"))
      const verified = yield* Effect.promise(() =>
        jwtVerify(token, createLocalJWKSet(JSON.parse(keys.body)), {
          issuer: `${erp.origin}/id`,
          audience: "DomainAPI",
          typ: "at+jwt",
          currentDate: new Date(0)
        })
      )
      assert.deepStrictEqual(Object.keys(verified.protectedHeader).sort(), ["alg", "kid", "typ"])
      assert.match(verified.protectedHeader.kid ?? "", /^[0-9A-F]{32}$/)
      const { jti, ...claims } = verified.payload
      assert.match(jti ?? "", /^[0-9A-F]{32}$/)
      assert.deepStrictEqual(claims, {
        nbf: 0,
        exp: 3600,
        iss: "https://acme.my.erp.net/id",
        aud: ["DomainAPI", "TableAPI", "OLAP", "AppServer", "https://acme.my.erp.net/id/resources"],
        client_id: "my.trusted.app/service",
        client_system_user: "svc.integration",
        client_system_user_type: "InternalUser",
        client_db: "E1_ACME",
        iat: 0,
        scope: ["read"]
      })
    }).pipe(Effect.provide(layer({ name: "acme" })))
  )

  it.effect("issues the same tokens for the same seed, and never one twice", () =>
    Effect.gen(function* () {
      const three = Effect.all([issueToken(), issueToken(), issueToken()])
      const one = yield* Effect.provide(three, layer({ seed: 7 }))
      assert.deepStrictEqual(yield* Effect.provide(three, layer({ seed: 7 })), one)
      const other = yield* Effect.provide(three, layer({ seed: 8 }))
      assert.strictEqual(new Set([...one, ...other]).size, 6)
    })
  )
})

describe("secret hashes", () => {
  const vectors: ReadonlyArray<readonly [string, string]> = [
    ["DEMO", "T/AGymuI51LwjLeIFxRQXOs9IHnupDKs/ajhWODR2C4="],
    ["demo", "KpdRbDVLaISM29j1SiJqClWyHtE44getbFy7nACqWuo="],
    ["secret", "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="],
    ["mysecret", "ZSx9xofZjJiJME7S5AjHS2EehqQMqlHEtD8d1ZE8XNA="]
  ]

  for (const [secret, hash] of vectors) {
    it.effect(`of ${secret}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(secretHash(secret), hash)
        assert.isTrue(secretMatches(hash, secret))
        assert.isFalse(secretMatches(hash, `${secret} `))
        const helper = yield* send(HttpClientRequest.get(`/tools/sha256?secret=${secret}`))
        assert.deepStrictEqual(json(helper), { sha256: hash })
        const alias = yield* send(HttpClientRequest.get(`/sys/tools/sha256?secret=${secret}`))
        assert.deepStrictEqual(json(alias), { sha256: hash })
      }).pipe(Effect.provide(layer()))
    )
  }

  it("may be SHA-512, and nothing else", () => {
    const sha512 = "vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg=="
    assert.isTrue(secretMatches(sha512, "secret"))
    assert.isFalse(secretMatches(sha512, "other"))
    assert.isFalse(secretMatches(undefined, ""))
    assert.isFalse(secretMatches("", ""))
    assert.isFalse(secretMatches(Buffer.from("DEMO").toString("base64"), "DEMO"))
  })
})

describe("credentials", () => {
  const exchange = ErpNetEmulator.ErpNetEmulator.pipe(
    Effect.flatMap(({ credentials }) =>
      postToken({
        grant_type: "client_credentials",
        client_id: credentials.clientId,
        client_secret: Redacted.value(credentials.clientSecret)
      })
    )
  )

  it.effect("of the service are those of the demo application, with all its scopes", () =>
    Effect.gen(function* () {
      const { credentials } = yield* ErpNetEmulator.ErpNetEmulator
      assert.deepStrictEqual(credentials, ErpNetEmulator.demoCredentials)
      assert.notInclude(JSON.stringify(credentials), demo.client_secret)
      const got = yield* exchange
      assert.strictEqual(got.status, 200)
      assert.include(got.body, `"scope":"read update DomainApi"`)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("are those of the first application with a secret, where the options name others", () =>
    Effect.gen(function* () {
      const { credentials } = yield* ErpNetEmulator.ErpNetEmulator
      assert.strictEqual(credentials.clientId, "other")
      assert.strictEqual((yield* exchange).status, 200)
    }).pipe(
      Effect.provide(
        layer({
          applications: [
            { ...service, applicationUri: "public", clientType: "Public", secret: undefined },
            { ...service, applicationUri: "other", secret: Redacted.make("of the other") }
          ]
        })
      )
    )
  )
})
