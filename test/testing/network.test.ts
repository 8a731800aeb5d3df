import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib"
import { HttpClient, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { callApi, issueToken, json, layer, send } from "./support.ts"

const { Fault } = ErpNetEmulator

const ver = HttpClientRequest.get("/tools/ver")

const raw = (encoding?: string) =>
  Effect.gen(function* () {
    const erp = yield* ErpNetEmulator.ErpNetEmulator
    const client = yield* HttpClient.HttpClient
    const headers = encoding === undefined ? {} : { "accept-encoding": encoding }
    const response = yield* client.get(`${erp.origin}/tools/ver`, { headers })
    return { headers: response.headers, body: new Uint8Array(yield* response.arrayBuffer) }
  })

const text = (body: Uint8Array) => new TextDecoder().decode(body)

describe("the clock of the instance", () => {
  it.effect("is in every answer, and can be another than the client's", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 0, 2, 3, 4, 5))
      assert.strictEqual((yield* send(ver)).headers["date"], "Fri, 02 Jan 2026 03:04:05 GMT")
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* TestClock.setTime(Date.UTC(2024, 0, 8))
      assert.strictEqual((yield* send(ver)).headers["date"], "Mon, 08 Jan 2024 00:00:00 GMT")
      yield* TestClock.setTime(Date.UTC(2026, 0, 2, 3, 4, 5))
      yield* erp.setClockOffset(-3_600_000)
      assert.strictEqual((yield* send(ver)).headers["date"], "Fri, 02 Jan 2026 02:04:05 GMT")
      yield* erp.failNext("any", Fault.status(500, { headers: { date: "yesterday" } }))
      assert.strictEqual((yield* send(ver)).headers["date"], "yesterday")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("does not precede the seeded rows, where a test clock begins at the epoch", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* send(ver)).headers["date"], "Wed, 01 Jul 2026 00:00:00 GMT")
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual((yield* send(ver)).headers["date"], "Wed, 01 Jul 2026 00:01:30 GMT")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("moves tokens with it, and the header can be left out", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      assert.strictEqual((yield* callApi(token)).status, 200)
      yield* erp.setClockOffset(0)
      // a token of the instance's future
      assert.strictEqual((yield* callApi(token)).status, 401)
      assert.strictEqual((yield* send(ver)).headers["date"], undefined)
    }).pipe(Effect.provide(layer({ clockOffset: 60_000, dateHeader: false })))
  )
})

describe("addresses that are too long", () => {
  const path = `/api/domain/odata/Crm_Sales_Customers?$filter=${"x".repeat(2_000)}`

  for (const status of [404, 414, 431] as const) {
    it.effect(`${status}: a page of the web server, nothing of the API`, () =>
      Effect.gen(function* () {
        const token = yield* issueToken()
        const got = yield* callApi(token, path)
        assert.strictEqual(got.status, status)
        assert.match(got.headers["content-type"] ?? "", /^text\/html/)
        assert.strictEqual(got.headers["odata-version"], undefined)
        assert.strictEqual(got.body.includes("404.15"), status === 404)
        assert.strictEqual((yield* callApi(token)).status, 200)
      }).pipe(Effect.provide(layer({ maxUrlLength: 500, longUrlStatus: status })))
    )
  }
})

describe("compression", () => {
  it.effect("happens where the client accepts it", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* raw()).headers["content-encoding"], undefined)
      assert.strictEqual((yield* raw("identity, gzip;q=0")).headers["content-encoding"], undefined)
      const gzip = yield* raw("deflate;q=0.5, gzip")
      assert.strictEqual(gzip.headers["content-encoding"], "gzip")
      assert.strictEqual(text(gunzipSync(gzip.body)), "26.2.0.76")
      assert.strictEqual(text(inflateSync((yield* raw("deflate")).body)), "26.2.0.76")
      assert.strictEqual(text(brotliDecompressSync((yield* raw("*")).body)), "26.2.0.76")
    }).pipe(Effect.provide(layer({ compression: "accepted" })))
  )

  it.effect("can be forced on one answer", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.failNext("any", Fault.compressed("br"))
      const got = yield* raw("identity")
      assert.strictEqual(got.headers["content-encoding"], "br")
      assert.strictEqual(text(brotliDecompressSync(got.body)), "26.2.0.76")
    }).pipe(Effect.provide(layer()))
  )
})

describe("more faults", () => {
  it.effect("page: what a gateway answers", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.failNext("any", Fault.page(502, { "retry-after": "3" }))
      const got = yield* send(ver)
      assert.strictEqual(got.status, 502)
      assert.strictEqual(got.headers["content-type"], "text/html; charset=utf-8")
      assert.strictEqual(got.headers["retry-after"], "3")
      assert.include(got.body, "Bad Gateway")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("onlyFirst: fewer rows than there are, with every digit", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      const path = "/api/domain/odata/Crm_Sales_Customers?$top=2&$count=true&$select=Number,CreditLimit&$orderby=Number"
      yield* erp.failNext("api", Fault.onlyFirst(1))
      const got = yield* callApi(token, path)
      assert.include(got.body, "1234567890123456.78")
      assert.include(got.body, '"@odata.count":2')
      assert.notInclude(got.body, "000002")
      assert.include((yield* callApi(token, path)).body, "000002")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("edit: any other answer", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      yield* erp.failNext(
        "api",
        Fault.edit(({ body, headers }) => ({ status: 203, headers: { ...headers, "x-edited": "1" }, body: `${body} ` }))
      )
      const got = yield* callApi(token)
      assert.strictEqual(got.status, 203)
      assert.strictEqual(got.headers["x-edited"], "1")
      assert.strictEqual(got.headers["content-length"], String(new TextEncoder().encode(got.body).length))
      assert.isObject(json(got))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("after: the first requests go well", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.failNext("any", Fault.status(500), 2, { after: 2 })
      yield* erp.failNext("any", Fault.status(502), 1, { after: 1 })
      const statuses = yield* Effect.replicateEffect(
        Effect.map(send(ver), (got) => got.status),
        5
      )
      assert.deepStrictEqual(statuses, [200, 502, 500, 500, 200])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("failWhen: chosen for each request, after the planned ones, until cleared", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const seen: Array<ErpNetEmulator.FaultRequest> = []
      yield* erp.failWhen((request) => {
        seen.push(request)
        return request.before % 2 === 1 ? Fault.status(504) : undefined
      })
      yield* erp.failNext("any", Fault.status(500))
      const status = Effect.map(send(HttpClientRequest.get("/sys/auto-discovery?a=b")), (got) => got.status)
      assert.deepStrictEqual(yield* Effect.replicateEffect(status, 4), [500, 504, 200, 504])
      assert.deepStrictEqual(seen[0], {
        endpoint: "discovery",
        method: "GET",
        path: "/sys/auto-discovery",
        query: "a=b",
        before: 1
      })
      yield* erp.clearFaults
      assert.deepStrictEqual(yield* Effect.replicateEffect(status, 2), [200, 200])
    }).pipe(Effect.provide(layer()))
  )
})
