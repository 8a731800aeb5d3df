import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, TestClock } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { generateKeyPair, SignJWT } from "jose"
import { sign, verify } from "../../src/testing/identity/signing.ts"
import { callApi, customers, demo, type Got, getApi, issueToken, json, layer, layerWith, send } from "./support.ts"

const issuer = "https://testdb.my.erp.net/id"

/** 2025-11-03 15:56:00 UTC, the moment of ERP.net's own sample token. */
const nbf = 1_762_185_360

const claims = {
  nbf,
  exp: nbf + 3600,
  iss: issuer,
  aud: ["DomainAPI", "TableAPI"],
  client_id: demo.client_id,
  jti: "1B79C24AB25E0F675DF2233CDE371244",
  scope: ["read"]
}

const { aud: _aud, ...withoutAudience } = claims
const { exp: _exp, ...withoutExpiration } = claims

const described = (description: string): string => `Bearer error="invalid_token", error_description="${description}"`

/** A token, and the challenge expected for it in the middle of its life. */
const rows: ReadonlyArray<readonly [string, string, string]> = [
  ["no JWT", "abc", `Bearer error="invalid_token"`],
  ["three parts that are no JSON", "a.b.c", `Bearer error="invalid_token"`],
  ["an unknown reference token", `enrt_${"A".repeat(64)}`, `Bearer error="invalid_token"`],
  [
    "an expired token",
    sign({ ...claims, nbf: nbf - 3600, exp: nbf }),
    described("The token expired at '11/03/2025 15:56:00'")
  ],
  [
    "a token not valid yet",
    sign({ ...claims, nbf: nbf + 3600, exp: nbf + 7200 }),
    described("The token is not valid before '11/03/2025 16:56:00'")
  ],
  [
    "another audience",
    sign({ ...claims, aud: `${issuer}/resources` }),
    described("The audience 'https://testdb.my.erp.net/id/resources' is invalid")
  ],
  [
    "several other audiences",
    sign({ ...claims, aud: ["TableAPI", "OLAP"] }),
    described("The audience 'TableAPI, OLAP' is invalid")
  ],
  ["no audience", sign(withoutAudience), described("The audience '(null)' is invalid")],
  [
    "another issuer",
    sign({ ...claims, iss: "https://demodb.my.erp.net/id" }),
    described("The issuer 'https://demodb.my.erp.net/id' is invalid")
  ],
  ["no expiration", sign(withoutExpiration), described("The token has no expiration")],
  [
    "an end before its beginning",
    sign({ ...claims, nbf: nbf + 1, exp: nbf }),
    described("The token lifetime is invalid; NotBefore: '11/03/2025 15:56:01', Expires: '11/03/2025 15:56:00'")
  ],
  [
    "several faults",
    sign({ ...claims, iss: "https://demodb.my.erp.net/id", aud: "X", nbf: nbf - 3600, exp: nbf }),
    described(
      "The token expired at '11/03/2025 15:56:00'; The audience 'X' is invalid; " +
        "The issuer 'https://demodb.my.erp.net/id' is invalid"
    )
  ],
  [
    "a text that would end the quoted string",
    sign({ ...claims, aud: 'a"b' }),
    described("The audience 'a'b' is invalid")
  ]
]

const refused = (got: Got, challenge: string): void => {
  assert.strictEqual(got.status, 401)
  assert.strictEqual(got.headers["www-authenticate"], challenge)
  assert.strictEqual(got.body, "")
  assert.strictEqual(got.headers["content-length"], "0")
}

const at = (seconds: number) => TestClock.setTime(seconds * 1000)

describe("bearer tokens", () => {
  for (const [name, token, challenge] of rows) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function* () {
        yield* at(nbf + 60)
        assert.strictEqual((yield* callApi(sign(claims))).status, 200, "the same token without the fault works")
        refused(yield* callApi(token), challenge)
      }).pipe(Effect.provide(layer()))
    )
  }

  it.effect("asks for a token when there is none, or another scheme", () =>
    Effect.gen(function* () {
      refused(yield* getApi({}), "Bearer")
      refused(yield* getApi({ authorization: "Basic YTpi" }), "Bearer")
      refused(yield* getApi({ authorization: "Bearer" }), "Bearer")
      refused(yield* getApi({ authorization: "Bearer  " }), "Bearer")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("refuses a changed signature and changed claims", () =>
    Effect.gen(function* () {
      const token = yield* issueToken({ ...demo, scope: "read" })
      const [header = "", payload = "", signature = ""] = token.split(".")
      const flipped = signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
      refused(yield* callApi(`${header}.${payload}.${flipped}`), described("The signature is invalid"))
      const more = Buffer.from(JSON.stringify({ ...verify(token)?.claims, scope: ["read", "update"] })).toString(
        "base64url"
      )
      refused(yield* callApi(`${header}.${more}.${signature}`), described("The signature is invalid"))
      const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url")
      refused(yield* callApi(`${none}.${payload}.`), described("The signature is invalid"))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("refuses a token signed with another key, with and without a key id", () =>
    Effect.gen(function* () {
      yield* at(nbf)
      const { privateKey } = yield* Effect.promise(() => generateKeyPair("RS256"))
      const foreign = (header: { readonly kid?: string }) =>
        Effect.promise(() =>
          new SignJWT(claims).setProtectedHeader({ alg: "RS256", typ: "at+jwt", ...header }).sign(privateKey)
        )
      refused(yield* callApi(yield* foreign({ kid: "A".repeat(32) })), described("The signature key was not found"))
      refused(yield* callApi(yield* foreign({})), described("The signature is invalid"))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("expires by the clock, on the second", () =>
    Effect.gen(function* () {
      yield* at(nbf)
      const token = yield* issueToken()
      yield* TestClock.adjust("3599999 millis")
      assert.strictEqual((yield* callApi(token)).status, 200)
      yield* TestClock.adjust("1 millis")
      refused(yield* callApi(token), described("The token expired at '11/03/2025 16:56:00'"))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("allows for clock skew on both sides when told to", () =>
    Effect.gen(function* () {
      yield* at(nbf)
      const token = yield* issueToken()
      yield* at(nbf - 300)
      assert.strictEqual((yield* callApi(token)).status, 200)
      yield* at(nbf + 60 + 299)
      assert.strictEqual((yield* callApi(token)).status, 200)
      yield* at(nbf + 60 + 300)
      assert.strictEqual((yield* callApi(token)).status, 401)
      yield* at(nbf - 301)
      assert.strictEqual((yield* callApi(token)).status, 401)
    }).pipe(Effect.provide(layer({ clockSkew: "5 minutes", lifetime: "1 minute" })))
  )

  it.effect("revokes and expires what was issued so far, not what comes after", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* at(nbf)
      const first = yield* issueToken()
      yield* erp.revokeTokens
      const second = yield* issueToken()
      refused(yield* callApi(first), `Bearer error="invalid_token"`)
      assert.strictEqual((yield* callApi(second)).status, 200)
      yield* erp.expireTokens
      const third = yield* issueToken()
      refused(yield* callApi(second), described("The token expired at '11/03/2025 15:56:00'"))
      refused(yield* callApi(first), `Bearer error="invalid_token"`)
      assert.strictEqual((yield* callApi(third)).status, 200)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("revokes single tokens by fingerprint or choice", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const reading = yield* issueToken({ ...demo, scope: "read" })
      const updating = yield* issueToken({ ...demo, scope: "read update" })
      assert.strictEqual(yield* erp.revokeToken((token) => token.scopes.includes("update")), 1)
      assert.strictEqual((yield* callApi(updating)).status, 401)
      assert.strictEqual((yield* callApi(reading)).status, 200)
      const sent = (yield* erp.journal).at(-1)?.headers["authorization"] ?? ""
      assert.strictEqual(yield* erp.revokeToken(sent.replace("Bearer ", "")), 1)
      assert.strictEqual((yield* callApi(reading)).status, 401)
      assert.strictEqual(yield* erp.revokeToken("00000000"), 0)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("answers 401 to everything, or to some paths, while told to", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      yield* erp.alwaysUnauthorized(true)
      refused(yield* callApi(token), `Bearer error="invalid_token"`)
      yield* erp.alwaysUnauthorized((path) => path.endsWith("Crm_Customers"))
      refused(yield* callApi(token), `Bearer error="invalid_token"`)
      assert.strictEqual((yield* callApi(token, "/api/domain/odata/General_Products_Products")).status, 200)
      yield* erp.alwaysUnauthorized(false)
      assert.strictEqual((yield* callApi(token)).status, 200)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("keeps accepting tokens of a disabled application, unless told not to", () =>
    Effect.gen(function* () {
      const status = (options: ErpNetEmulator.Options) =>
        Effect.gen(function* () {
          const erp = yield* ErpNetEmulator.ErpNetEmulator
          const token = yield* issueToken()
          yield* erp.disable(demo.client_id)
          return (yield* callApi(token)).status
        }).pipe(Effect.provide(layer(options)))
      assert.strictEqual(yield* status({}), 200)
      assert.strictEqual(yield* status({ disabledApplicationTokens: "refused" }), 401)
    })
  )

  it.effect("adds a Basic challenge where an application switches Basic on", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.updateApplication(demo.client_id, { basicAuthenticationAllowed: true })
      refused(yield* getApi({}), `Bearer, Basic realm="testdb.my.erp.net"`)
    }).pipe(Effect.provide(layer()))
  )
})

describe("scopes", () => {
  it.effect("read needs read, a write needs update: 403 without a body", () =>
    Effect.gen(function* () {
      const reading = yield* issueToken({ ...demo, scope: "read" })
      const updating = yield* issueToken({ ...demo, scope: "update" })
      const statuses = (token: string) =>
        Effect.forEach(
          [HttpClientRequest.get, HttpClientRequest.post, HttpClientRequest.patch, HttpClientRequest.del],
          (method) => Effect.map(send(method(customers).pipe(HttpClientRequest.bearerToken(token))), (got) => got)
        )
      const readings = yield* statuses(reading)
      assert.strictEqual(readings[0]?.status, 200)
      for (const got of readings.slice(1)) {
        assert.strictEqual(got.status, 403)
        assert.strictEqual(got.body, "")
        assert.isUndefined(got.headers["www-authenticate"])
      }
      const updatings = yield* statuses(updating)
      assert.strictEqual(updatings[0]?.status, 403)
      for (const got of updatings.slice(1)) assert.notStrictEqual(got.status, 403)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("lets a batch through for the engine to judge", () => {
    const seen: Array<ReadonlyArray<string>> = []
    const engine = layerWith((request) => {
      seen.push(request.scopes)
      return { status: 200, headers: {}, body: "" }
    })
    return Effect.gen(function* () {
      const token = yield* issueToken({ ...demo, scope: "read" })
      for (const name of ["$batch", "%24batch"]) {
        const got = yield* send(
          HttpClientRequest.post(`/api/domain/odata/${name}`).pipe(HttpClientRequest.bearerToken(token))
        )
        assert.strictEqual(got.status, 200)
      }
      assert.deepStrictEqual(seen, [["read"], ["read"]])
    }).pipe(Effect.provide(engine))
  })

  it.effect("answers a forbidden write with a 500 and a text when told to", () =>
    Effect.gen(function* () {
      const token = yield* issueToken({ ...demo, scope: "read" })
      const got = yield* send(HttpClientRequest.post(customers).pipe(HttpClientRequest.bearerToken(token)))
      assert.strictEqual(got.status, 500)
      assert.nestedPropertyVal(json(got), "error.type", "System.Security.SecurityException")
    }).pipe(Effect.provide(layer({ readOnlyWrite: 500 })))
  )
})

describe("reference tokens", () => {
  it.effect("work as bearer and in the API-key headers, one at a time", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = Redacted.value(yield* erp.issueReferenceToken({ clientId: demo.client_id, scope: "read" }))
      assert.match(token, /^enrt_[0-9A-F]{64}$/)
      for (const headers of [{ authorization: `Bearer ${token}` }, { "x-api-key": token }, { "api-key": token }]) {
        assert.strictEqual((yield* getApi(headers)).status, 200)
      }
      refused(yield* getApi({ authorization: `Bearer ${token}`, "x-api-key": token }), `Bearer error="invalid_token"`)
      const access = yield* issueToken()
      refused(yield* getApi({ "x-api-key": access }), `Bearer error="invalid_token"`)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("can be revoked, expire, carry their own scopes, and end with their application", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const issue = (options: Partial<ErpNetEmulator.ReferenceTokenOptions> = {}) =>
        erp.issueReferenceToken({ clientId: demo.client_id, ...options })
      const revoked = yield* issue()
      const short = yield* issue({ lifetime: "1 minute", kind: "PAT" })
      const lasting = yield* issue()
      const updating = yield* issue({ scope: "update" })
      const call = (token: Redacted.Redacted) => callApi(Redacted.value(token))
      assert.strictEqual((yield* call(revoked)).status, 200)
      yield* erp.revokeReferenceToken(revoked)
      refused(yield* call(revoked), `Bearer error="invalid_token"`)
      assert.strictEqual((yield* call(updating)).status, 403)
      yield* TestClock.adjust("1 minute")
      refused(yield* call(short), described("The token expired at '01/01/1970 00:01:00'"))
      yield* TestClock.adjust("365 days")
      assert.strictEqual((yield* call(lasting)).status, 200)
      yield* erp.disable(demo.client_id)
      refused(yield* call(lasting), `Bearer error="invalid_token"`)
    }).pipe(Effect.provide(layer()))
  )
})
