/** Lookups by id that share their requests. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, FastCheck, Fiber, Layer, Option, Schema, Scope, TestClock } from "effect"
import { DomainApi, EntitySet, type ErpNet } from "effect-erpnet"
import {
  type Answer,
  apiJournal,
  type Call,
  Customers,
  emulated,
  failureOf,
  fakeDomain,
  id,
  page,
  row,
  turn
} from "../support/domain.ts"
import { recordingTracer } from "../support/recordingTracer.ts"

/** The ids that a call asks for. */
const asked = (call: Call): ReadonlyArray<string> => {
  const [, list = ""] = /^Id in \(([0-9a-f,-]*)\)$/.exec(call.url.searchParams.get("$filter") ?? "") ?? []
  return list.split(",").filter((guid) => guid !== "")
}

const numberOf = (guid: string): number => Number(guid.slice(-12))

const linked = (n: number) => ({ "@odata.id": `Crm_Customers(${id(n)})`, ...row(n) })

/** A server that has the rows of the numbers that the test wants, and answers them in the reverse order. */
const having = (has: (n: number) => boolean, options: ErpNet.ServiceOptions = {}) =>
  fakeDomain((call) => page(asked(call).map(numberOf).filter(has).reverse().map(linked)), options)

const joined = { coalesce: true } as const

/** Starts these, lets the window pass, and gives the exits. */
const together = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.gen(function* () {
    const fibers = yield* Effect.forEach(effects, (effect) => Effect.fork(effect))
    yield* Effect.yieldNow()
    yield* TestClock.adjust("5 millis")
    return yield* Effect.forEach(fibers, (fiber) => Fiber.await(fiber))
  })

const numbers = (count: number): Array<number> => Array.from({ length: count }, (_, n) => n)

describe("joined lookups", () => {
  it.effect("a thousand concurrent finds make ten requests, and each gets its own row or none", () => {
    const domain = having((n) => n % 3 !== 0, { requestsPerMinute: Number.POSITIVE_INFINITY })
    return Effect.gen(function* () {
      const found = yield* Effect.forEach(numbers(1_000), (n) => DomainApi.find(Customers, id(n), joined), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        found.map(Option.getOrUndefined),
        numbers(1_000).map((n) => (n % 3 === 0 ? undefined : row(n)))
      )
      assert.strictEqual(domain.calls.length, 10)
      assert.isTrue(domain.calls.every((call) => asked(call).length === 100))
      assert.isAtMost(domain.highest(), 4)
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect("a request is a span of its own, linked to those that wait for it", () => {
    const { spans, tracer } = recordingTracer()
    const domain = having(() => true)
    return Effect.gen(function* () {
      yield* together([1, 2, 2].map((n) => DomainApi.get(Customers, id(n), joined)))
      const gets = spans.flatMap(({ name }, index) => (name === "DomainApi.get" ? [`${name}#${index + 1}`] : []))
      const lookups = spans.filter(({ name }) => name === "DomainApi.lookup")
      assert.lengthOf(gets, 3)
      assert.lengthOf(lookups, 1)
      assert.deepInclude(lookups[0], { parent: undefined, outcome: "success", links: gets })
      assert.deepInclude(lookups[0]?.attributes, { "erpnet.entity_set": "Crm_Customers", "erpnet.lookup.ids": 2 })
      const requests = spans.filter(({ name }) => name === "AuthorizedClient.execute")
      assert.deepStrictEqual(
        requests.map(({ parent }) => parent?.replace(/#.*/, "")),
        ["DomainApi.lookup"]
      )
    }).pipe(Effect.provide(domain.layer), Effect.provide(Layer.setTracer(tracer)))
  })

  it.effect("a thousand finds on the embedded instance make ten requests", () =>
    Effect.gen(function* () {
      const rows = yield* DomainApi.list(Customers)
      const before = (yield* apiJournal).length
      const found = yield* Effect.forEach(rows, ({ Id }) => DomainApi.find(Customers, Id, joined), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(found.map(Option.getOrUndefined), [...rows])
      assert.strictEqual((yield* apiJournal).length, before + 10)
    }).pipe(Effect.provide(emulated({ customers: 1_000 })))
  )

  it.effect("works alike on the embedded instance, with ids as EntityId and in capitals", () =>
    Effect.gen(function* () {
      const rows = yield* DomainApi.list(Customers)
      const before = (yield* apiJournal).length
      const fiber = yield* Effect.fork(
        Effect.all(
          {
            rows: Effect.forEach(rows, ({ Id }) => DomainApi.get(Customers, Id.toUpperCase(), joined), {
              concurrency: "unbounded"
            }),
            none: DomainApi.find(Customers, id(404), joined)
          },
          { concurrency: "unbounded" }
        )
      )
      yield* Effect.yieldNow()
      yield* TestClock.adjust("5 millis")
      const result = yield* fiber
      assert.deepStrictEqual(
        { ...result, none: Option.getOrUndefined(result.none) },
        { rows: [...rows], none: undefined }
      )
      assert.strictEqual((yield* apiJournal).length, before + 1)
    }).pipe(Effect.provide(emulated({ customers: 30 })))
  )

  it.effect("is matched by @odata.id, so that the Schema need not hold Id, and falls back to Id", () => {
    const Bare = EntitySet.make("Crm_Customers", Schema.Struct({ Number: Schema.String }))
    const domain = fakeDomain((_, index) =>
      page(
        index === 1
          ? [2, 1].map((n) => ({ "@odata.id": `Crm_Customers(${id(n).toUpperCase()})`, Number: String(n) }))
          : [2, 1].map(row)
      )
    )
    return Effect.gen(function* () {
      const byLink = yield* together([1, 2].map((n) => DomainApi.get(Bare, id(n), joined)))
      const byId = yield* together([1, 2].map((n) => DomainApi.get(Bare, id(n), joined)))
      for (const exits of [byLink, byId]) {
        assert.deepStrictEqual(exits, [Exit.succeed({ Number: "1" }), Exit.succeed({ Number: "2" })])
      }
      assert.strictEqual(domain.calls[0]?.url.search, `?$filter=Id%20in%20(${id(1)},${id(2)})&$select=Number`)
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect("asks for an id once however many want it, and remembers nothing", () => {
    const domain = having(() => true)
    return Effect.gen(function* () {
      const get = DomainApi.get(Customers, id(1), joined)
      assert.deepStrictEqual(
        yield* together([get, get, get]),
        numbers(3).map(() => Exit.succeed(row(1)))
      )
      yield* together([get])
      assert.deepStrictEqual(domain.calls.map(asked), [[id(1)], [id(1)]])
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect("joins only what asks for the same in the same way", () => {
    const Others = EntitySet.make("Crm_Others", Customers.schema)
    const Numbers = EntitySet.make("Crm_Customers", Schema.Struct({ Number: Schema.String }))
    const domain = having(() => true)
    return Effect.gen(function* () {
      yield* together<unknown, unknown, DomainApi.DomainApi>([
        DomainApi.get(Customers, id(1), joined),
        DomainApi.get(Customers, id(2), { ...joined, headers: {} }),
        DomainApi.get(Others, id(1), joined),
        DomainApi.get(Numbers, id(1), joined),
        DomainApi.get(Customers, id(1), { ...joined, options: ["skipnulls"] }),
        DomainApi.get(Customers, id(1), { ...joined, headers: { "x-a": "1" } }),
        DomainApi.get(Customers, id(3), { ...joined, headers: { "X-A": "1" } }),
        DomainApi.get(Customers, id(1), { ...joined, context: { role: id(5) } })
      ])
      assert.deepStrictEqual(domain.calls.map((call) => asked(call).map(numberOf).join()).sort(), [
        "1",
        "1",
        "1",
        "1",
        "1,2",
        "1,3"
      ])
      assert.strictEqual(domain.calls.find((call) => asked(call).includes(id(3)))?.headers["x-a"], "1")
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect("gives each caller its own error", () => {
    const domain = fakeDomain(() => page([linked(1), { ...linked(2), Number: 5 }]))
    return Effect.gen(function* () {
      const [fine, wrong, none] = yield* together([1, 2, 3].map((n) => DomainApi.get(Customers, id(n), joined)))
      const bad = yield* Effect.exit(DomainApi.get(Customers, "x", joined))
      assert.deepStrictEqual(fine, Exit.succeed(row(1)))
      const invalid = failureOf(wrong!)
      assert(invalid._tag === "ResponseInvalid")
      assert.strictEqual(invalid.path, "Number")
      const missing = failureOf(none!)
      assert(missing._tag === "NotFound")
      assert.strictEqual(missing.path, `/api/domain/odata/Crm_Customers(${id(3)})`)
      assert.strictEqual(failureOf(bad)._tag, "InvalidQuery")
      assert.strictEqual(domain.calls.length, 1)
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect.each([
    ["an error", { status: 500, body: "{}" }, "ServerError"],
    ["a broken connection", "reset", "Unreachable"],
    ["a body that is cut off", { body: '{"value":[', cut: false }, "ResponseInvalid"],
    ["a body without rows", { body: "{}" }, "ResponseInvalid"],
    ["rows without ids", page([{ Number: "1" }]), "ResponseInvalid"],
    ["a link that is no text", page([], 1), "ResponseInvalid"],
    ["a link to rows that do not hold them", page([], "Crm_Customers?page=1"), "NotFound"]
  ] as const)("%s reaches all callers of the request, and no other", ([, answer, tag]) => {
    const domain = fakeDomain((call): Answer => (asked(call).includes(id(100)) ? answer : page([linked(1)])), {
      coalesce: { maxIds: 2 }
    })
    return Effect.gen(function* () {
      const exits = yield* together([1, 2, 100, 101].map((n) => DomainApi.get(Customers, id(n))))
      assert.deepStrictEqual(
        exits.map((exit) => (Exit.isSuccess(exit) ? "found" : failureOf(exit)._tag)),
        ["found", "NotFound", tag, tag]
      )
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect("is off by default, on by the layer, and a call can say otherwise", () => {
    const entity = (call: Call): Answer =>
      call.url.searchParams.has("$filter")
        ? page(asked(call).map(numberOf).map(linked))
        : { body: JSON.stringify(row(1)) }
    const off = fakeDomain(entity)
    const on = fakeDomain(entity, { coalesce: true })
    return Effect.gen(function* () {
      yield* Effect.provide(DomainApi.get(Customers, id(1)), off.layer)
      yield* Effect.gen(function* () {
        yield* together([DomainApi.get(Customers, id(1)), DomainApi.get(Customers, id(1), { coalesce: false })])
      }).pipe(Effect.provide(on.layer))
      assert.deepStrictEqual(
        off.calls.map((call) => asked(call).length),
        [0]
      )
      assert.deepStrictEqual(on.calls.map((call) => asked(call).length).sort(), [0, 1])
    })
  })

  it.effect("waits as long as it is told, and no longer once a request is full", () => {
    const domain = having(() => true, { coalesce: { window: "20 millis", maxIds: 3 } })
    return Effect.gen(function* () {
      const get = (n: number) => Effect.fork(DomainApi.get(Customers, id(n)))
      yield* Effect.forEach([1, 2, 3, 4], get)
      yield* turn
      assert.deepStrictEqual(
        domain.calls.map((call) => asked(call).length),
        [3]
      )
      yield* TestClock.adjust("19 millis")
      assert.strictEqual(domain.calls.length, 1)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(
        domain.calls.map((call) => asked(call).length),
        [3, 1]
      )
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect("nonsense in the options is a defect", () =>
    Effect.gen(function* () {
      for (const coalesce of [{ maxIds: 0 }, { maxIds: 1.5 }, { window: -1 }, { window: Number.NaN }]) {
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(fakeDomain(() => page([]), { coalesce }).layer)))
        assert(Exit.isFailure(exit) && exit.cause._tag === "Die")
      }
    })
  )

  it.effect("in a transaction each is a request of its own, which belongs to the transaction", () => {
    const transaction = "0123456789abcdef0123456789abcdef"
    const domain = fakeDomain(
      (call) => ({ body: call.url.pathname.endsWith("BeginTransaction") ? transaction : JSON.stringify(row(1)) }),
      { coalesce: true }
    )
    return Effect.gen(function* () {
      const found = yield* DomainApi.transaction(DomainApi.get(Customers, id(1), joined))
      assert.deepStrictEqual(found, row(1))
      assert.include(domain.calls[1]?.url.pathname ?? "", `Crm_Customers(${id(1)})`)
      assert.strictEqual(domain.calls[1]?.headers["transactionid"], transaction)
    }).pipe(Effect.provide(domain.layer))
  })
})

describe("interruption of joined lookups", () => {
  it.effect("takes the caller alone, at once, before and during the request", () => {
    const open = Deferred.unsafeMake<void>(Fiber.id(Fiber.void))
    const domain = fakeDomain((call) => Effect.as(Deferred.await(open), page(asked(call).map(numberOf).map(linked))))
    return Effect.gen(function* () {
      const [before, during, stays] = yield* Effect.forEach([1, 2, 3], (n) =>
        Effect.fork(DomainApi.get(Customers, id(n), joined))
      )
      yield* Effect.yieldNow()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(before!)))
      yield* TestClock.adjust("5 millis")
      // Nobody wants the first any more.
      assert.deepStrictEqual(domain.calls.map(asked), [[id(2), id(3)]])
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(during!)))
      assert.strictEqual(domain.aborted(), 0)
      yield* Deferred.succeed(open, undefined)
      assert.deepStrictEqual(yield* stays!, row(3))
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect("of all callers ends the request, or sends none", () => {
    const domain = fakeDomain(() => Effect.never)
    return Effect.gen(function* () {
      const start = Effect.forEach([1, 2], (n) => Effect.fork(DomainApi.get(Customers, id(n), joined)))
      const early = yield* start
      yield* Effect.yieldNow()
      yield* Fiber.interruptAll(early)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(domain.calls.length, 0)
      const late = yield* start
      yield* Effect.yieldNow()
      yield* TestClock.adjust("5 millis")
      assert.strictEqual(domain.inFlight(), 1)
      yield* Fiber.interruptAll(late)
      yield* turn
      assert.deepStrictEqual([domain.inFlight(), domain.aborted(), domain.calls.length], [0, 1, 1])
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect("of the first leaves a second with the same id alone", () => {
    const domain = having(() => true)
    return Effect.gen(function* () {
      const [first, second] = yield* Effect.forEach([1, 1], (n) => Effect.fork(DomainApi.get(Customers, id(n), joined)))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(first!)
      yield* TestClock.adjust("5 millis")
      assert.deepStrictEqual(yield* second!, row(1))
    }).pipe(Effect.provide(domain.layer))
  })

  it.effect(
    "closing the layer fails those who wait, in the window and for the answer, and those who come later",
    () => {
      const domain = fakeDomain(() => Effect.never, { coalesce: { maxIds: 1, window: "1 hour" } })
      const slow = fakeDomain(() => Effect.never, { coalesce: { window: "1 hour" } })
      return Effect.gen(function* () {
        for (const [fake, calls] of [
          [domain, 1],
          [slow, 0]
        ] as const) {
          const scope = yield* Scope.make()
          const services = yield* Layer.buildWithScope(fake.layer, scope)
          const get = Effect.provide(DomainApi.get(Customers, id(1)), services)
          const fiber = yield* Effect.fork(get)
          yield* turn
          assert.strictEqual(fake.calls.length, calls)
          yield* Scope.close(scope, Exit.void)
          for (const exit of [yield* Fiber.await(fiber), yield* Effect.exit(get)]) {
            const error = failureOf(exit)
            assert(error._tag === "Unreachable")
            assert.strictEqual(error.detail, "the layer was closed")
          }
          assert.strictEqual(fake.inFlight(), 0)
        }
      })
    }
  )

  it.effect("whoever comes and goes: nobody gets another's row, nobody hangs, nothing is left", () =>
    Effect.gen(function* () {
      const step = FastCheck.oneof(
        { weight: 4, arbitrary: FastCheck.record({ _tag: FastCheck.constant("ask" as const), n: FastCheck.nat(9) }) },
        {
          weight: 2,
          arbitrary: FastCheck.record({ _tag: FastCheck.constant("leave" as const), n: FastCheck.nat(30) })
        },
        { weight: 1, arbitrary: FastCheck.record({ _tag: FastCheck.constant("wait" as const), n: FastCheck.nat(6) }) }
      )
      for (const steps of FastCheck.sample(FastCheck.array(step, { minLength: 5, maxLength: 40 }), 40)) {
        const fake = fakeDomain(
          (call) =>
            Effect.delay(
              Effect.succeed(
                asked(call).some((guid) => numberOf(guid) === 7)
                  ? { status: 500, body: "{}" }
                  : page(
                      asked(call)
                        .map(numberOf)
                        .filter((n) => n % 2 === 0)
                        .map(linked)
                    )
              ),
              "3 millis"
            ),
          { coalesce: { maxIds: 4 }, requestsPerMinute: Number.POSITIVE_INFINITY }
        )
        yield* Effect.gen(function* () {
          const callers: Array<{
            readonly n: number
            readonly fiber: Fiber.RuntimeFiber<Option.Option<unknown>, DomainApi.DomainApiError>
            gone: boolean
          }> = []
          for (const { _tag, n } of steps) {
            if (_tag === "ask") {
              callers.push({ n, fiber: yield* Effect.fork(DomainApi.find(Customers, id(n))), gone: false })
              yield* Effect.yieldNow()
            } else if (_tag === "leave") {
              const caller = callers[n]
              if (caller !== undefined) {
                caller.gone = true
                yield* Fiber.interrupt(caller.fiber)
              }
            } else {
              yield* TestClock.adjust(n)
            }
          }
          yield* TestClock.adjust("1 second")
          yield* turn
          for (const { fiber, gone, n } of callers) {
            const exit = Option.getOrThrow(yield* Fiber.poll(fiber))
            if (Exit.isSuccess(exit)) {
              assert.deepStrictEqual(Option.getOrUndefined(exit.value), n % 2 === 0 ? row(n) : undefined)
            } else {
              assert.strictEqual(Exit.isInterrupted(exit) ? gone : failureOf(exit)._tag === "ServerError", true)
            }
          }
          assert.strictEqual(fake.inFlight(), 0)
        }).pipe(Effect.provide(fake.layer))
      }
    })
  )
})
