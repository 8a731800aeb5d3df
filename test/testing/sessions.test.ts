import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FiberId, Redacted, TestClock } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { callApi, demo, issueToken, json, layer, layerWith } from "./support.ts"

const sessions = Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) =>
  Effect.map(erp.counters, (counters) => counters.sessions)
)

describe("sessions", () => {
  it.effect("open with the first call of a token, not with the token", () =>
    Effect.gen(function* () {
      const first = yield* issueToken()
      const second = yield* issueToken()
      assert.strictEqual(yield* sessions, 0)
      yield* callApi(first)
      yield* callApi(first)
      assert.strictEqual(yield* sessions, 1)
      yield* callApi(second)
      assert.strictEqual(yield* sessions, 2)
      yield* callApi("nonsense")
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      assert.deepStrictEqual(yield* erp.counters, {
        tokenRequests: 2,
        apiRequests: 4,
        sessions: 2,
        licencesUsed: 2,
        transactions: 0
      })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("close 20 minutes after the last request", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      yield* callApi(token)
      yield* TestClock.adjust("19 minutes")
      yield* callApi(token)
      yield* TestClock.adjust("1199999 millis")
      assert.strictEqual(yield* sessions, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* sessions, 0)
      assert.strictEqual((yield* callApi(token)).status, 200, "the token is still good and opens another session")
      assert.strictEqual(yield* sessions, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("of services close after an hour even when busy, those of users do not", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const issue = (kind: "PAT" | "SAT") =>
        Effect.map(erp.issueReferenceToken({ clientId: demo.client_id, kind }), Redacted.value)
      const user = yield* issue("PAT")
      const service = yield* issue("SAT")
      for (let i = 0; i < 6; i++) {
        yield* callApi(user)
        yield* callApi(service)
        yield* TestClock.adjust("10 minutes")
      }
      assert.strictEqual(yield* sessions, 1)
      yield* callApi(service)
      assert.strictEqual(yield* sessions, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("outlive their token until nobody has asked for 20 minutes", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      yield* callApi(token)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* callApi(token)).status, 401)
      assert.strictEqual(yield* sessions, 1)
    }).pipe(Effect.provide(layer({ lifetime: "1 minute" })))
  )
})

describe("licences", () => {
  const licenceAnswer = (options: ErpNetEmulator.Options) =>
    Effect.gen(function* () {
      const first = yield* issueToken()
      const second = yield* issueToken()
      assert.strictEqual((yield* callApi(first)).status, 200)
      return yield* callApi(second)
    }).pipe(Effect.provide(layer({ licences: 1, ...options })))

  it.effect("run out with 500 and code 8 before version 27.1", () =>
    Effect.gen(function* () {
      const got = yield* licenceAnswer({ version: "26.2.0.76" })
      assert.strictEqual(got.status, 500)
      assert.isUndefined(got.headers["retry-after"])
      assert.nestedPropertyVal(json(got), "error.code", 8)
      assert.nestedPropertyVal(json(got), "error.type", "Aloe.SystemFrameworks.E1LicenseException")
    })
  )

  it.effect("run out with 503 and Retry-After since version 27.1", () =>
    Effect.gen(function* () {
      for (const options of [{ version: "27.1.0.0" }, { licenceError: 503 }] as const) {
        const got = yield* licenceAnswer(options)
        assert.strictEqual(got.status, 503)
        assert.strictEqual(got.headers["retry-after"], "60")
        assert.strictEqual(got.headers["cache-control"], "no-store")
        assert.nestedPropertyVal(json(got), "error.code", 8)
      }
      assert.strictEqual((yield* licenceAnswer({ version: "28.0.0.0" })).status, 503)
      assert.strictEqual((yield* licenceAnswer({ version: "27.1.0.0", licenceError: 500 })).status, 500)
      assert.propertyVal(json(yield* licenceAnswer({ errorBody: "bare" })), "code", 8)
    })
  )

  it.effect("are free again when a session closes, and can be set", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const first = yield* issueToken()
      const second = yield* issueToken()
      yield* callApi(first)
      assert.strictEqual((yield* callApi(second)).status, 500)
      yield* TestClock.adjust("20 minutes")
      assert.strictEqual((yield* callApi(second)).status, 200)
      assert.strictEqual((yield* callApi(first)).status, 500, "the same token needs a licence again")
      yield* erp.setLicences(2)
      assert.strictEqual((yield* callApi(first)).status, 200)
      yield* erp.setLicences(0)
      assert.strictEqual((yield* callApi(first)).status, 200, "an open session keeps its licence")
    }).pipe(Effect.provide(layer({ licences: 1 })))
  )
})

describe("rate limits", () => {
  it.effect("are off by default", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      const statuses = yield* Effect.replicateEffect(
        Effect.map(callApi(token), (got) => got.status),
        700
      )
      assert.deepStrictEqual([...new Set(statuses)], [200])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("count the requests of a session in the last minute", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      const other = yield* issueToken()
      const status = Effect.map(callApi(token), (got) => got.status)
      assert.deepStrictEqual(yield* Effect.replicateEffect(status, 4), [200, 200, 200, 429])
      assert.strictEqual((yield* callApi(other)).status, 200)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Effect.replicateEffect(status, 4), [200, 200, 200, 429])
      const got = yield* callApi(token)
      assert.strictEqual(got.headers["retry-after"], "7")
      assert.strictEqual(got.body, "")
    }).pipe(Effect.provide(layer({ rateLimits: { sessionRpm: 3, retryAfter: 7 } })))
  )

  it.effect("run one request at a time, let five wait, and refuse the next", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      const fibers = yield* Effect.replicateEffect(Effect.fork(Effect.map(callApi(token), (got) => got.status)), 7)
      yield* Effect.yieldNow()
      yield* TestClock.adjust("1 second")
      const done = yield* Effect.forEach(fibers, (fiber) => Fiber.poll(fiber))
      assert.strictEqual(done.filter((exit) => exit._tag === "Some").length, 2, "the first, and the one too many")
      yield* TestClock.adjust("5 seconds")
      const statuses = yield* Fiber.join(Fiber.all(fibers))
      assert.deepStrictEqual(statuses, [200, 200, 200, 200, 200, 200, 429])
      assert.strictEqual((yield* erp.counters).sessions, 1)
    }).pipe(Effect.provide(layer({ rateLimits: {}, latency: { api: "1 second" } })))
  )

  it.effect("give the place of a request that was interrupted to the next", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      const call = Effect.fork(Effect.map(callApi(token), (got) => got.status))
      const running = yield* call
      const waiting = yield* call
      const last = yield* call
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(waiting)
      yield* Fiber.interrupt(running)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(last), 200)
      const next = yield* call
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), 200)
    }).pipe(Effect.provide(layer({ rateLimits: { queue: 2 }, latency: { api: "1 second" } })))
  )

  it.effect("pass a turn on that comes to a request just interrupted", () => {
    const waiting: Array<Fiber.RuntimeFiber<number, unknown>> = []
    const engine = layerWith(
      () => {
        for (const fiber of waiting.splice(0)) fiber.unsafeInterruptAsFork(FiberId.none)
        return { status: 200, headers: {}, body: "" }
      },
      { rateLimits: {}, latency: { api: "1 second" } }
    )
    return Effect.gen(function* () {
      const token = yield* issueToken()
      const call = Effect.fork(Effect.map(callApi(token), (got) => got.status))
      const first = yield* call
      yield* Effect.yieldNow()
      waiting.push(yield* call)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(first), 200)
      const next = yield* call
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), 200)
    }).pipe(Effect.provide(engine))
  })
})
