import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, type Duration, Effect, Exit, Fiber, Layer, Option, Schema, Stream, TestClock } from "effect"
import { DomainApi, EntitySet, ErpNet, type ErpNetError } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { apiJournal, failureOf, fakeDomain, id, turn } from "../support/domain.ts"

const { Fault } = ErpNetEmulator

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({
    Id: Schema.UUID,
    GracePeriodDays: Schema.NullOr(Schema.Number),
    FromDate: Schema.NullOr(Schema.String),
    ThruDate: Schema.NullOr(Schema.String)
  })
)

const writer = ErpNetEmulator.demoCredentials

const emulated = (emulator: ErpNetEmulator.Options = {}, options: ErpNet.ServiceOptions = {}) =>
  Layer.unwrapEffect(
    Effect.map(ErpNetEmulator.ErpNetEmulator, (erp) =>
      Layer.orDie(ErpNet.layer({ ...options, instance: erp.instance, credentials: writer }))
    )
  ).pipe(Layer.provideMerge(ErpNetEmulator.layer({ customers: 3, products: 1, salesOrders: 1, ...emulator })))

const firstId = Effect.flatMap(DomainApi.list(Customers, { top: 1, orderBy: ["Id"] }), ([row]) =>
  Effect.fromNullable(row?.Id)
).pipe(Effect.orDie)

const days = (customer: string) => Effect.map(DomainApi.get(Customers, customer), (row) => row.GracePeriodDays)

const setDays = (customer: string, GracePeriodDays: number) =>
  DomainApi.update(Customers, customer, { GracePeriodDays })

/** The requests to the API so far: method, last part of the path, and whether they belong to a transaction. */
const requests = Effect.map(apiJournal, (entries) =>
  entries.map(({ headers, method, path }) => {
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/\(.*\)$/, "")
    return `${method} ${name}${headers["transactionid"] === undefined ? "" : " inside"}`
  })
)

/** What the requests that end a transaction say. */
const ends = Effect.map(apiJournal, (entries) =>
  entries.filter(({ path }) => path.endsWith("/EndTransaction")).map(({ body }) => body)
)

const erpnet = ErpNetEmulator.ErpNetEmulator

const fail = (fault: ErpNetEmulator.Fault, times?: number) =>
  Effect.flatMap(erpnet, (erp) => erp.failNext("api", fault, times))

/** Nothing holds the session any more: the next transaction begins, commits and is the only one. */
const assertFree = Effect.gen(function* () {
  const erp = yield* erpnet
  yield* erp.clearFaults
  assert.strictEqual(yield* DomainApi.transaction(Effect.succeed("free")), "free")
})

const clear = Effect.flatMap(erpnet, (erp) => erp.clearJournal)

/** Lets so much time pass, and what it wakes run. */
const pass = (duration: Duration.DurationInput) =>
  Effect.zipRight(Effect.zipRight(turn, TestClock.adjust(duration)), turn)

describe("a transaction", () => {
  it.effect("commits on success: the header on every request inside and on none outside", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      yield* clear
      const result = yield* DomainApi.transaction(
        Effect.gen(function* () {
          yield* setDays(customer, 77)
          return yield* days(customer)
        }),
        { model: "frontend" }
      )
      assert.strictEqual(result, 77)
      assert.strictEqual(yield* days(customer), 77)
      assert.deepStrictEqual(yield* requests, [
        "POST BeginTransaction",
        "PATCH Crm_Sales_Customers inside",
        "GET Crm_Sales_Customers inside",
        "POST EndTransaction inside",
        "GET Crm_Sales_Customers"
      ])
      const entries = yield* apiJournal
      const [begin, ...others] = entries
      assert.strictEqual(begin?.body, '{"model":"frontend","trackChanges":false}')
      const ids = others.flatMap(({ headers }) => headers["transactionid"] ?? [])
      assert.lengthOf(ids, 3)
      assert.strictEqual(new Set(ids).size, 1)
      assert.match(String(ids[0]), /^[0-9a-f]{32}$/)
      assert.deepStrictEqual(yield* ends, ['{"commit":true}'])
      assert.strictEqual(new Set(entries.map((entry) => entry.headers["authorization"])).size, 1)
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("is seen by nobody else before its end", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const before = yield* days(customer)
      const outside = yield* DomainApi.DomainApi
      const seen = yield* DomainApi.transaction(
        Effect.zipRight(
          setDays(customer, 78),
          Effect.all([days(customer), Effect.provideService(days(customer), DomainApi.DomainApi, outside)])
        )
      )
      assert.deepStrictEqual(seen, [78, before])
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("carries its header where the raw client of its service is used", () =>
    Effect.gen(function* () {
      yield* DomainApi.transaction(
        Effect.flatMap(DomainApi.DomainApi, ({ client }) => Effect.scoped(client.get("GetVersion")))
      )
      assert.deepStrictEqual(yield* requests, [
        "POST BeginTransaction",
        "GET GetVersion inside",
        "POST EndTransaction inside"
      ])
    }).pipe(Effect.provide(emulated()))
  )

  const defect = new Error("a defect")
  const broken: ReadonlyArray<readonly [string, Effect.Effect<never, "failure">, Cause.Cause<"failure">]> = [
    ["failure", Effect.fail("failure"), Cause.fail("failure")],
    ["defect", Effect.die(defect), Cause.die(defect)]
  ]
  for (const [name, effect, cause] of broken) {
    it.effect(`rolls back on a ${name}`, () =>
      Effect.gen(function* () {
        const customer = yield* firstId
        const before = yield* days(customer)
        const exit = yield* Effect.exit(DomainApi.transaction(Effect.zipRight(setDays(customer, 79), effect)))
        assert.isTrue(Exit.isFailure(exit) && Cause.contains(exit.cause, cause), String(exit))
        assert.strictEqual(yield* days(customer), before)
        assert.deepStrictEqual(yield* ends, ['{"commit":false}'])
        yield* assertFree
      }).pipe(Effect.provide(emulated()))
    )
  }

  it.effect("rolls back on interruption, and waits for that", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const before = yield* days(customer)
      const written = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        DomainApi.transaction(
          Effect.zipRight(setDays(customer, 80), Effect.zipRight(Deferred.succeed(written, undefined), Effect.never))
        )
      )
      yield* Deferred.await(written)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      assert.deepStrictEqual(yield* ends, ['{"commit":false}'])
      assert.strictEqual(yield* days(customer), before)
      yield* assertFree
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("rolls back on interruption in the middle of a request", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const begun = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        DomainApi.transaction(
          Effect.gen(function* () {
            yield* fail(Fault.hang)
            yield* Deferred.succeed(begun, undefined)
            yield* setDays(customer, 81)
          })
        )
      )
      yield* Deferred.await(begun)
      yield* turn
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      assert.deepStrictEqual(yield* ends, ['{"commit":false}'])
      yield* assertFree
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("lets one request at a time through, whatever the effect does at once", () => {
    const fake = fakeDomain(({ url }) => {
      if (url.pathname.endsWith("/BeginTransaction")) return { body: "0123456789abcdef0123456789ABCDEF" }
      if (url.pathname.endsWith("/EndTransaction")) return { status: 204 }
      return Effect.as(Effect.sleep("1 second"), { body: "1" })
    })
    return Effect.gen(function* () {
      const count = DomainApi.count(Customers)
      const fiber = yield* Effect.fork(
        DomainApi.transaction(Effect.all([count, count, count, count], { concurrency: "unbounded" }))
      )
      yield* TestClock.adjust("3999 millis")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(fiber), [1, 1, 1, 1])
      assert.strictEqual(fake.highest(), 1)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("joins the transaction around it", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const nested = DomainApi.transaction(Effect.zipRight(setDays(customer, 82), Effect.fail("inner" as const)))
      yield* clear
      const exit = yield* Effect.exit(DomainApi.transaction(Effect.zipRight(Effect.flip(nested), days(customer))))
      assert.deepStrictEqual(exit, Exit.succeed(82))
      assert.strictEqual(yield* days(customer), 82)
      const begun = (yield* requests).filter((request) => /Transaction/.test(request))
      assert.deepStrictEqual(begun, ["POST BeginTransaction", "POST EndTransaction inside"])
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("waits for the one before it in the same service", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      yield* clear
      const add = DomainApi.transaction(
        Effect.flatMap(days(customer), (before) => setDays(customer, (before ?? 0) + 1))
      )
      const before = yield* days(customer)
      yield* Effect.all(
        Array.from({ length: 5 }, () => add),
        { concurrency: "unbounded", discard: true }
      )
      assert.strictEqual(yield* days(customer), (before ?? 0) + 5)
      let open = 0
      for (const request of yield* requests) {
        open += request === "POST BeginTransaction" ? 1 : request === "POST EndTransaction inside" ? -1 : 0
        assert.oneOf(open, [0, 1])
      }
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("may be given up while it waits", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const holding = yield* Effect.fork(
        DomainApi.transaction(Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never))
      )
      yield* Deferred.await(begun)
      const waiting = yield* Effect.fork(DomainApi.transaction(Effect.void))
      yield* turn
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(waiting)))
      yield* Fiber.interrupt(holding)
      assert.lengthOf(
        (yield* requests).filter((request) => request === "POST BeginTransaction"),
        1
      )
      yield* assertFree
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("takes another token when the first is refused at its begin", () =>
    Effect.gen(function* () {
      const erp = yield* erpnet
      const customer = yield* firstId
      yield* erp.revokeTokens
      yield* clear
      yield* DomainApi.transaction(setDays(customer, 83))
      assert.strictEqual(yield* days(customer), 83)
      assert.deepStrictEqual(yield* requests, [
        "POST BeginTransaction",
        "POST BeginTransaction",
        "PATCH Crm_Sales_Customers inside",
        "POST EndTransaction inside",
        "GET Crm_Sales_Customers"
      ])
    }).pipe(Effect.provide(emulated()))
  )

  for (const body of ["", "null", "<html>", "0123456789abcdef", '{"id":"0123456789abcdef0123456789abcdef"}']) {
    it.effect(`fails with ResponseInvalid where it begins with ${JSON.stringify(body)}`, () => {
      const fake = fakeDomain(() => ({ body }))
      return Effect.gen(function* () {
        const error = failureOf(yield* Effect.exit(DomainApi.transaction(Effect.die("unreachable"))))
        assert.strictEqual(error._tag, "ResponseInvalid")
        assert.lengthOf(fake.calls, 1)
      }).pipe(Effect.provide(fake.layer))
    })
  }
})

describe("a transaction that is lost", () => {
  const isLost = (error: unknown, reason: ErpNetError.TransactionLost["reason"]) => {
    assert.deepInclude(error, { _tag: "TransactionLost", reason })
  }

  it.effect("with its token: the token is not renewed, and no second session begins", () =>
    Effect.gen(function* () {
      const erp = yield* erpnet
      const customer = yield* firstId
      const before = yield* days(customer)
      yield* clear
      const exit = yield* Effect.exit(
        DomainApi.transaction(
          setDays(customer, 84).pipe(Effect.zipRight(erp.revokeTokens), Effect.zipRight(setDays(customer, 85)))
        )
      )
      isLost(failureOf(exit), "session ended")
      assert.deepStrictEqual(yield* requests, [
        "POST BeginTransaction",
        "PATCH Crm_Sales_Customers inside",
        "PATCH Crm_Sales_Customers inside"
      ])
      assert.lengthOf(
        (yield* erp.journal).filter((entry) => entry.path.endsWith("/token")),
        0
      )
      yield* erp.endSessions
      assert.strictEqual(yield* days(customer), before)
      yield* assertFree
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("with its session: the server does not know it any more", () =>
    Effect.gen(function* () {
      const erp = yield* erpnet
      const customer = yield* firstId
      const exit = yield* Effect.exit(DomainApi.transaction(Effect.zipRight(erp.endSessions, setDays(customer, 86))))
      isLost(failureOf(exit), "unknown to the server")
      yield* assertFree
    }).pipe(Effect.provide(emulated()))
  )

  const effects: Readonly<Record<string, (customer: string) => Effect.Effect<void, unknown, DomainApi.DomainApi>>> = {
    "lets the error through": (customer: string) => setDays(customer, 87),
    "swallows the error": (customer: string) => Effect.ignore(setDays(customer, 87)),
    "fails with another": (customer: string) => Effect.mapError(setDays(customer, 87), () => "another" as const),
    "sends several requests at once": (customer: string) =>
      Effect.all([setDays(customer, 87), Effect.never], { concurrency: "unbounded", discard: true })
  }
  for (const [name, effect] of Object.entries(effects)) {
    it.effect(`after 25 minutes, where the effect ${name}`, () =>
      Effect.gen(function* () {
        const customer = yield* firstId
        const before = yield* days(customer)
        const program = Effect.zipRight(
          // Something to do keeps the session, which an idle server closes after 20 minutes.
          Effect.zipRight(Effect.delay(days(customer), "15 minutes"), Effect.sleep("10 minutes")),
          effect(customer)
        )
        const fiber = yield* Effect.fork(Effect.exit(DomainApi.transaction(program)))
        yield* pass("15 minutes")
        yield* pass("10 minutes")
        isLost(failureOf(yield* Fiber.join(fiber)), "unknown to the server")
        assert.strictEqual(yield* days(customer), before)
        assert.deepStrictEqual(yield* ends, [], "there is nothing to end")
        yield* assertFree
      }).pipe(Effect.provide(emulated()))
    )
  }

  it.effect("a second before 25 minutes it is not", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const fiber = yield* Effect.fork(
        DomainApi.transaction(
          Effect.delay(days(customer), "15 minutes").pipe(
            Effect.zipRight(Effect.sleep("599 seconds")),
            Effect.zipRight(setDays(customer, 88))
          )
        )
      )
      yield* pass("15 minutes")
      yield* pass("599 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* days(customer), 88)
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("at its end, where nothing was asked in between", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.exit(DomainApi.transaction(Effect.sleep("26 minutes"))))
      yield* pass("26 minutes")
      isLost(failureOf(yield* Fiber.join(fiber)), "unknown to the server")
      yield* assertFree
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("a defect stays a defect", () =>
    Effect.gen(function* () {
      const erp = yield* erpnet
      const customer = yield* firstId
      const defect = new Error("a defect")
      const exit = yield* Effect.exit(
        DomainApi.transaction(
          erp.endSessions.pipe(
            Effect.zipRight(Effect.ignore(setDays(customer, 89))),
            Effect.zipRight(Effect.die(defect))
          )
        )
      )
      assert.strictEqual(Option.getOrUndefined(Option.map(Exit.causeOption(exit), Cause.squash)), defect)
    }).pipe(Effect.provide(emulated()))
  )
})

describe("the end of a transaction", () => {
  for (const failedCommit of ["open", "ended"] as const) {
    it.effect(`a commit that a rule refuses is rolled back, and its error comes out (${failedCommit})`, () =>
      Effect.gen(function* () {
        const customer = yield* firstId
        const wrong = DomainApi.update(Customers, customer, {
          FromDate: "2026-02-01",
          ThruDate: "2026-01-01"
        })
        const error = failureOf(yield* Effect.exit(DomainApi.transaction(wrong)))
        assert.deepInclude(error, { _tag: "ValidationFailed", ruleId: "R27159" })
        assert.deepStrictEqual(yield* ends, ['{"commit":true}', '{"commit":false}'])
        yield* assertFree
      }).pipe(Effect.provide(emulated({ failedCommit })))
    )
  }

  it.effect("a lost answer to the commit is OutcomeUnknown: it was executed, once", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const error = failureOf(
        yield* Effect.exit(
          DomainApi.transaction(Effect.zipRight(setDays(customer, 90), fail(Fault.resetAfterExecution)))
        )
      )
      assert.deepInclude(error, { _tag: "OutcomeUnknown", reason: "transport", method: "POST" })
      assert.deepStrictEqual(yield* ends, ['{"commit":true}', '{"commit":false}'], "the second frees the session")
      assert.strictEqual(yield* days(customer), 90)
      yield* assertFree
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("a commit that is never answered is OutcomeUnknown after the time for a call", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.exit(DomainApi.transaction(fail(Fault.hang))))
      yield* pass("150 seconds")
      assert.deepInclude(failureOf(yield* Fiber.join(fiber)), { _tag: "OutcomeUnknown", reason: "timeout" })
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("a begin that is never answered is OutcomeUnknown after the time for a call", () =>
    Effect.gen(function* () {
      yield* fail(Fault.hang)
      const fiber = yield* Effect.fork(Effect.exit(DomainApi.transaction(Effect.die("unreachable"))))
      yield* pass("150 seconds")
      assert.deepInclude(failureOf(yield* Fiber.join(fiber)), { _tag: "OutcomeUnknown", reason: "timeout" })
      yield* assertFree
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("a roll back that is never answered is given up after the time for a call", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        DomainApi.transaction(Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never))
      )
      yield* Deferred.await(begun)
      yield* fail(Fault.hang)
      const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* pass("149999 millis")
      assert.isNull(interrupting.unsafePoll())
      yield* pass("1 millis")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interrupting)))
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("a roll back that fails hides no error", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        DomainApi.transaction(Effect.zipRight(fail(Fault.status(500)), Effect.fail("failure" as const)))
      )
      assert.deepStrictEqual(exit, Exit.fail("failure"))
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("a lost answer inside rolls back what may have been written", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const before = yield* days(customer)
      const error = failureOf(
        yield* Effect.exit(
          DomainApi.transaction(Effect.zipRight(fail(Fault.resetAfterExecution), setDays(customer, 91)))
        )
      )
      assert.strictEqual(error._tag, "OutcomeUnknown")
      assert.deepStrictEqual(yield* ends, ['{"commit":false}'])
      assert.strictEqual(yield* days(customer), before)
    }).pipe(Effect.provide(emulated()))
  )
})

describe("changes of a transaction", () => {
  it.effect("are told once", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const [first, second] = yield* DomainApi.transaction(
        Effect.zipRight(setDays(customer, 92), Effect.all([DomainApi.changes, DomainApi.changes])),
        { trackChanges: true }
      )
      assert.deepStrictEqual([first.insert, first.delete], [{}, {}])
      assert.deepStrictEqual(Object.keys(first.update), ["Crm_Sales_Customers"])
      assert.strictEqual(first.update["Crm_Sales_Customers"]?.[customer]?.["GracePeriodDays"], 92)
      assert.deepStrictEqual(second, { insert: {}, update: {}, delete: {} })
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("are refused where they are not tracked", () =>
    Effect.gen(function* () {
      const error = failureOf(yield* Effect.exit(DomainApi.transaction(DomainApi.changes)))
      assert.strictEqual(error._tag, "ServerError")
      assert.deepStrictEqual(yield* ends, ['{"commit":false}'])
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("come as a stream, without the answers that tell of none", () =>
    Effect.gen(function* () {
      const customer = yield* firstId
      const program = Effect.gen(function* () {
        yield* setDays(customer, 93)
        const fiber = yield* Effect.fork(Stream.runCollect(Stream.take(DomainApi.changesStream, 2)))
        yield* turn
        // It asks for the second now, and the answer "none" comes after two minutes.
        yield* Effect.fork(setDays(customer, 94))
        yield* pass("2 minutes")
        return [...(yield* Fiber.join(fiber))].map(
          ({ update }) => update["Crm_Sales_Customers"]?.[customer]?.["GracePeriodDays"]
        )
      })
      const seen = yield* DomainApi.transaction(program, { trackChanges: true })
      assert.deepStrictEqual(seen, [93, 94])
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("may lack any of the three kinds", () => {
    const fake = fakeDomain(({ url }) => {
      if (url.pathname.endsWith("/BeginTransaction")) return { body: `"${"a".repeat(32)}"\r\n` }
      if (url.pathname.endsWith("/EndTransaction")) return { status: 200 }
      return { body: JSON.stringify({ "@odata.context": "c", delete: { Crm_Customers: { [id(1)]: {} } } }) }
    })
    return Effect.gen(function* () {
      const changes = yield* DomainApi.transaction(DomainApi.changes)
      assert.deepStrictEqual(changes, { insert: {}, update: {}, delete: { Crm_Customers: { [id(1)]: {} } } })
    }).pipe(Effect.provide(fake.layer))
  })
})
