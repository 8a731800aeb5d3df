import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Schema, TestClock } from "effect"
import { DomainApi, EntitySet, ErpNetError } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import {
  apiJournal,
  Customers,
  emulated,
  failureOf,
  fakeDomain,
  page,
  type Reply,
  rows,
  turn
} from "../support/domain.ts"
import { leaks, needlesOf } from "../support/leaks.ts"

const list = DomainApi.list(Customers)

/** Runs an effect while so many seconds pass, one by one, and tells what it has come to by then, if to anything. */
const within = <A, E, R>(seconds: number, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* Effect.yieldNow()
    if (seconds > 0) yield* TestClock.adjust(Duration.seconds(seconds))
    const exit = fiber.unsafePoll()
    yield* Fiber.interruptFork(fiber)
    return exit
  })

const licence = (status: number, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers,
  body: JSON.stringify({
    error: { message: "Zu viele Benutzer", code: 8, type: "Aloe.SystemFrameworks.E1LicenseException", info: "trace" }
  })
})

/** Answers these in turn, and then a page. */
const answering = (...replies: ReadonlyArray<Reply>) => fakeDomain((_, index) => replies[index - 1] ?? page(rows(0, 1)))

describe("DomainApi: what is tried again", () => {
  const date = (seconds: number) => new Date(seconds * 1000).toUTCString()
  // TestClock begins at the epoch.
  const waits: ReadonlyArray<readonly [string, ReadonlyArray<Reply>, ReadonlyArray<number>]> = [
    ["429 without Retry-After: 1 s, then 2 s", [{ status: 429 }, { status: 429 }], [1, 2]],
    ["429 with seconds", [{ status: 429, headers: { "retry-after": "7" } }], [7]],
    ["429 with zero seconds", [{ status: 429, headers: { "retry-after": "0" } }], [0]],
    ["429 with a date", [{ status: 429, headers: { "retry-after": date(9) } }], [9]],
    ["429 with a date that is over", [{ status: 429, headers: { "retry-after": date(-9) } }], [0]],
    ["429 with nonsense", [{ status: 429, headers: { "retry-after": "soon" } }], [1]],
    ["503", [{ status: 503 }, { status: 503 }], [1, 2]],
    ["503 of a proxy", [{ status: 503, body: "<html>busy</html>", headers: { "retry-after": "3" } }], [3]],
    ["503 whose body breaks off", [{ status: 503, body: "x", cut: true }], [1]],
    ["503 without a licence", [licence(503, { "retry-after": "60" }), licence(503, { "retry-after": "60" })], [60, 60]],
    ["429, then 503", [{ status: 429 }, { status: 503 }], [1, 2]]
  ]
  for (const [name, replies, seconds] of waits) {
    it.effect(name, () => {
      const fake = answering(...replies)
      const total = seconds.reduce((sum, wait) => sum + wait, 0)
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(list)
        for (const [index, wait] of seconds.entries()) {
          if (wait > 0) yield* TestClock.adjust(Duration.millis(wait * 1000 - 1))
          else yield* Effect.repeatN(Effect.yieldNow(), 50)
          assert.lengthOf(fake.calls, index + (wait > 0 ? 1 : 2))
          if (wait > 0) yield* TestClock.adjust(1)
        }
        assert.deepStrictEqual(yield* Fiber.join(fiber), rows(0, 1), `after ${total} s`)
        assert.lengthOf(fake.calls, replies.length + 1)
        assert.strictEqual(new Set(fake.calls.map((call) => call.sent)).size, 1)
      }).pipe(Effect.provide(fake.layer))
    })
  }

  const givenUp: ReadonlyArray<readonly [string, Reply, ErpNetError.ErpNetError["_tag"]]> = [
    ["429", { status: 429, headers: { "retry-after": "5" } }, "RateLimited"],
    ["503", { status: 503, headers: { "retry-after": "5" } }, "ServerError"],
    ["503 without a licence", licence(503, { "retry-after": "5" }), "LicenseUnavailable"]
  ]
  for (const [name, reply, tag] of givenUp) {
    it.effect(`${name} a third time: the error, with the wait that the server asks for`, () => {
      const fake = fakeDomain(() => reply)
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(Effect.exit(list))
        yield* TestClock.adjust("5 seconds")
        yield* TestClock.adjust("5 seconds")
        const error = failureOf(yield* Fiber.join(fiber))
        assert.strictEqual(error._tag, tag)
        assert.deepStrictEqual(Reflect.get(error, "retryAfter"), Duration.seconds(5))
        assert.isTrue(ErpNetError.isTransient(error))
        assert.lengthOf(fake.calls, 3)
      }).pipe(Effect.provide(fake.layer))
    })

    it.effect(`${name} with more than 60 s to wait: the error at once`, () => {
      const fake = fakeDomain(() => ({ ...reply, headers: { "retry-after": "61" } }))
      return Effect.gen(function* () {
        const error = failureOf(yield* Effect.exit(list))
        assert.strictEqual(error._tag, tag)
        assert.deepStrictEqual(Reflect.get(error, "retryAfter"), Duration.seconds(61))
        assert.lengthOf(fake.calls, 1)
      }).pipe(Effect.provide(fake.layer))
    })
  }
})

describe("DomainApi: what is not tried again", () => {
  const cases: ReadonlyArray<readonly [string, Reply | "reset", ErpNetError.ErpNetError["_tag"]]> = [
    ["500", { status: 500, headers: { "retry-after": "1" } }, "ServerError"],
    ["500 without a licence", licence(500, { "retry-after": "1" }), "LicenseUnavailable"],
    ["502", { status: 502 }, "ServerError"],
    ["504", { status: 504 }, "ServerError"],
    ["400", { status: 400 }, "ServerError"],
    ["403 without a body", { status: 403 }, "Forbidden"],
    ["404", { status: 404 }, "NotFound"],
    [
      "a redirect to a login page",
      { status: 302, headers: { location: "https://testdb.my.erp.net/id/login" } },
      "ServerError"
    ],
    ["an endless redirect", { status: 301, headers: { location: "Crm_Customers" } }, "ServerError"],
    ["304", { status: 304 }, "ServerError"],
    ["an error page longer than a megabyte", { status: 500, body: "x".repeat(2_000_000) }, "ServerError"],
    ["a broken connection", "reset", "Unreachable"],
    ["a body that breaks off", { body: '{"value":[', cut: true }, "Unreachable"]
  ]
  for (const [name, reply, tag] of cases) {
    it.effect(name, () => {
      const fake = fakeDomain(() => reply)
      return Effect.gen(function* () {
        const error = failureOf(yield* Effect.exit(list))
        assert.strictEqual(error._tag, tag)
        assert.lengthOf(fake.calls, 1)
        assert.strictEqual(Reflect.get(error, "method"), "GET")
        assert.strictEqual(Reflect.get(error, "path"), "/api/domain/odata/Crm_Customers")
      }).pipe(Effect.provide(fake.layer))
    })
  }

  it.effect("a fault of the transport tells its code, and no request", () => {
    const fake = fakeDomain(() => "reset")
    return Effect.gen(function* () {
      const error = failureOf(yield* Effect.exit(list))
      assert(error._tag === "Unreachable")
      assert.strictEqual(error.reason, "transport")
      assert.include(error.detail, "ECONNRESET")
      assert.deepStrictEqual(yield* leaks(error, needlesOf("token", "Bearer token-1")), [])
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("an answer that does not come within callTimeout", () => {
    const fake = fakeDomain(() => Effect.never, { callTimeout: "5 seconds" })
    return Effect.gen(function* () {
      assert.isNull(yield* within(4, list))
      const exit = yield* within(5, list)
      assert.isNotNull(exit)
      const error = failureOf(exit ?? assert.fail())
      assert(error._tag === "Unreachable")
      assert.strictEqual(error.reason, "timeout")
      assert.isTrue(ErpNetError.isTransient(error))
      assert.strictEqual(fake.inFlight(), 0)
      assert.strictEqual(fake.aborted(), 2)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("the bearer token that the API repeats is masked", () => {
    const token = "token-1"
    const message = `Refused ${token} here`
    const fake = fakeDomain(() => ({ status: 500, body: JSON.stringify({ message, code: 0, type: token }) }))
    return Effect.gen(function* () {
      const error = failureOf(yield* Effect.exit(list))
      assert(error._tag === "ServerError")
      assert.strictEqual(error.detail, "Refused <redacted> here")
      assert.strictEqual(error.type, "<redacted>")
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi: errors of the embedded instance", () => {
  for (const errorBody of ["wrapped", "bare"] as const) {
    describe(errorBody, () => {
      it.effect("a renamed entity set names the new one", () =>
        Effect.gen(function* () {
          const error = failureOf(yield* Effect.exit(list))
          assert(error._tag === "EntityRenamed")
          assert.strictEqual(error.oldName, "Crm_Customers")
          assert.strictEqual(error.newName, "Crm_Sales_Customers")
          const found = yield* DomainApi.list(EntitySet.make(error.newName, Customers.schema))
          assert.lengthOf(found, 3)
        }).pipe(Effect.provide(emulated({ errorBody, renamedNames: "byVersion" })))
      )

      it.effect("no licence, old and new servers", () =>
        Effect.gen(function* () {
          const erp = yield* ErpNetEmulator.ErpNetEmulator
          yield* erp.setLicences(0)
          const old = failureOf(yield* Effect.exit(list))
          assert(old._tag === "LicenseUnavailable")
          assert.strictEqual(old.status, 500)
          assert.lengthOf(yield* apiJournal, 1)
          yield* erp.setVersion("27.1.0.1")
          yield* erp.clearJournal
          const fiber = yield* Effect.fork(list)
          while ((yield* apiJournal).length < 1) yield* turn
          yield* turn
          yield* erp.setLicences(1)
          yield* TestClock.adjust("60 seconds")
          assert.lengthOf(yield* Fiber.join(fiber), 3)
          assert.deepStrictEqual(
            (yield* apiJournal).map((entry) => entry.status),
            [503, 200]
          )
        }).pipe(Effect.provide(emulated({ errorBody, licences: 0 })))
      )

      it.effect("a field that there is not", () =>
        Effect.gen(function* () {
          const Wrong = EntitySet.make("Crm_Customers", Schema.Struct({ Nonsense: Schema.String }))
          const error = failureOf(yield* Effect.exit(DomainApi.list(Wrong)))
          assert.strictEqual(error._tag, "ServerError")
          assert.include(error.message, "Could not find a property named 'Nonsense'")
        }).pipe(Effect.provide(emulated({ errorBody })))
      )
    })
  }

  it.effect("403 without a body is Forbidden", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.failNext("api", ErpNetEmulator.Fault.status(403))
      assert.strictEqual(failureOf(yield* Effect.exit(list))._tag, "Forbidden")
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("an API that refuses every token, and a secret that is wrong", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.alwaysUnauthorized(true)
      assert.strictEqual(failureOf(yield* Effect.exit(list))._tag, "Unauthorized")
      yield* erp.disable("my.trusted.app/service")
      yield* TestClock.adjust("2 hours")
      assert.strictEqual(failureOf(yield* Effect.exit(list))._tag, "InvalidClient")
    }).pipe(Effect.provide(emulated()))
  )
})

describe("DomainApi.currentName", () => {
  const renames = (...pairs: ReadonlyArray<readonly [string, string]>) =>
    fakeDomain(() => ({
      body: JSON.stringify({ value: pairs.map(([OldName, NewName]) => ({ OldName, NewName, Version: "24.1.5.35" })) })
    }))

  it.effect("follows chains in any order", () => {
    const fake = renames(["B", "C"], ["A", "B"], ["X", "Y"], ["C", "D"])
    return Effect.gen(function* () {
      const names = yield* Effect.forEach(["A", "B", "C", "D", "X", "Z"], DomainApi.currentName)
      assert.deepStrictEqual(names, ["D", "D", "D", "D", "Y", "Z"])
      assert.strictEqual(fake.calls[0]?.url.pathname, "/api/domain/odata/GetRenamedEntityTypes")
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("ends where names go round", () => {
    const fake = renames(["A", "B"], ["B", "C"], ["C", "A"], ["S", "S"])
    return Effect.gen(function* () {
      assert.include(["A", "B", "C"], yield* DomainApi.currentName("A"))
      assert.strictEqual(yield* DomainApi.currentName("S"), "S")
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("at the embedded instance", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* DomainApi.currentName("Crm_Customers"), "Crm_Sales_Customers")
      assert.strictEqual(yield* DomainApi.currentName("General_Products_Products"), "General_Products_Products")
    }).pipe(Effect.provide(emulated()))
  )
})
