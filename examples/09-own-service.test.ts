/**
 * How do I test my own service against ERP.net? `effect-erpnet/testing` is the instance, in memory: each test breaks it
 * in its own way, and the hour of a token passes under TestClock.
 *
 *   npm run own-test
 */
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Context, Effect, Fiber, Layer, Option, Schema, TestClock } from "effect"
import { ComplexType, DomainApi, DomainRequest, EntitySet, ErpNet, Filter } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"

// --- the service under test ---

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({ Number: Schema.NullOr(Schema.String), CreditLimit: Schema.NullOr(ComplexType.Amount) })
)

class NotNow extends Schema.TaggedError<NotNow>()("NotNow", {}) {}

/** Tells how far a customer may buy on credit. */
class Credit extends Context.Tag("example/Credit")<
  Credit,
  { readonly limit: (number: string) => Effect.Effect<BigDecimal.BigDecimal, NotNow | DomainApi.DomainApiError> }
>() {
  static readonly layer = Layer.effect(
    Credit,
    Effect.map(DomainApi.DomainApi, (api) => ({
      limit: (number: string) =>
        api.execute(DomainRequest.first(Customers, { filter: Filter.eq("Number", number) })).pipe(
          Effect.map((found) => Option.getOrUndefined(found)?.CreditLimit?.Value ?? BigDecimal.fromNumber(0)),
          Effect.catchTag("LicenseUnavailable", "RateLimited", () => new NotNow())
        )
    }))
  )
}

// --- its tests ---

/** The service on an instance of its own, so that no test sees what another one did. */
const withInstance = (options: ErpNetEmulator.Options = {}) => {
  const ErpNetLive = Layer.unwrapEffect(
    Effect.map(ErpNetEmulator.ErpNetEmulator, ({ instance }) =>
      ErpNet.layer({
        instance,
        credentials: { ...ErpNetEmulator.demoCredentials, scopes: ["read"] }
      })
    )
  )
  return Effect.provide(
    Credit.layer.pipe(
      Layer.provide(ErpNetLive),
      Layer.provideMerge(ErpNetEmulator.layer({ customers: 20, ...options }))
    )
  )
}

const limit = Effect.flatMap(Credit, (credit) => credit.limit("000001"))

const statuses = Effect.gen(function* () {
  const erp = yield* ErpNetEmulator.ErpNetEmulator
  return (yield* erp.journal).map(({ method, status }) => `${method} ${status}`)
})

describe("Credit", () => {
  it.effect("an unknown customer has no credit", () =>
    Effect.gen(function* () {
      const credit = yield* Credit
      assert.isTrue(BigDecimal.isZero(yield* credit.limit("no such number")))
    }).pipe(withInstance())
  )

  it.effect("the limit is the one that stands in ERP.net", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const data = yield* erp.data
      const changed = { Number: "C-1", CreditLimit: { Value: "1250.50", Currency: "EUR" } }
      const [id] = data.ids(Customers.name)
      assert.isDefined(id)
      data.update(Customers.name, String(id), changed)
      const credit = yield* Credit
      assert.strictEqual(BigDecimal.format(yield* credit.limit("C-1")), "1250.5")
    }).pipe(withInstance())
  )

  it.effect("a token that was revoked is replaced without an error", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const before = yield* limit
      yield* erp.revokeTokens
      yield* erp.clearJournal
      assert.deepStrictEqual(yield* limit, before)
      assert.deepStrictEqual(yield* statuses, ["GET 401", "POST 200", "GET 200"])
    }).pipe(withInstance())
  )

  it.effect("a server that asks to wait 5 seconds gets them", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.failNext("api", ErpNetEmulator.Fault.status(503, { headers: { "retry-after": "5" } }))
      const fiber = yield* Effect.fork(limit)
      yield* TestClock.adjust("4999 millis")
      assert.deepStrictEqual(yield* statuses, ["POST 200", "GET 503"])
      yield* TestClock.adjust("1 milli")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* statuses, ["POST 200", "GET 503", "GET 200"])
    }).pipe(withInstance())
  )

  it.effect("without a free licence it says so, after two more attempts", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.flip(limit))
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "NotNow")
      assert.deepStrictEqual(yield* statuses, ["POST 200", "GET 503", "GET 503", "GET 503"])
    }).pipe(withInstance({ licences: 0, licenceError: 503 }))
  )

  it.effect("the token is renewed ahead of its expiry, and no call waits for that", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* limit
      yield* TestClock.adjust("58 minutes")
      yield* erp.setLatency({ token: "3 seconds" })
      yield* erp.clearJournal
      yield* limit
      assert.deepStrictEqual(yield* statuses, ["GET 200", "POST undefined"], "served while the renewal is pending")
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* statuses, ["GET 200", "POST 200"])
    }).pipe(withInstance())
  )
})
