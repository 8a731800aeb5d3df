import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Option, Schema, Stream } from "effect"
import { ComplexType, DomainApi, EntitySet, Filter } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { apiJournal, Customers, emulated, failureOf, fakeDomain, id, page, row, rows } from "../support/domain.ts"
import { recordingTracer } from "../support/recordingTracer.ts"

const entityId = (set: string, guid: string) => Option.getOrThrow(ComplexType.makeEntityId(set, guid))

describe("DomainApi.list", () => {
  it.effect("one request, and the rows of one page", () => {
    const fake = fakeDomain(() => page(rows(0, 1000), "Crm_Customers?page=1"))
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* DomainApi.list(Customers, { top: 1000 }), rows(0, 1000))
      assert.lengthOf(fake.calls, 1)
      assert.strictEqual(
        fake.calls[0]?.url.href,
        "https://testdb.my.erp.net/api/domain/odata/Crm_Customers?$top=1000&$select=Id,Number"
      )
      assert.deepInclude(fake.calls[0]?.headers, { accept: "application/json", authorization: "Bearer token-1" })
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("typed rows of the embedded instance: references, children, amounts, filter, order", () => {
    const Party = EntitySet.make(
      "General_Contacts_Parties",
      Schema.Struct({ "@odata.id": ComplexType.EntityId, PartyName: ComplexType.MultilanguageString })
    )
    const Orders = EntitySet.make(
      "Crm_Sales_SalesOrders",
      Schema.Struct({
        "@odata.id": ComplexType.EntityId,
        Id: Schema.UUID,
        DocumentNo: Schema.String,
        Customer: EntitySet.expand(Schema.Struct({ Id: Schema.UUID, Party: EntitySet.expand(Party) })),
        Lines: EntitySet.children(Schema.Struct({ Quantity: ComplexType.Quantity, UnitPrice: ComplexType.Amount }))
      })
    )
    return Effect.gen(function* () {
      const orders = yield* DomainApi.list(Orders, { top: 5, orderBy: [["DocumentNo", "desc"]] })
      assert.lengthOf(orders, 5)
      const numbers = orders.map((order) => order.DocumentNo)
      assert.deepStrictEqual(numbers, [...numbers].sort().reverse())
      for (const order of orders) {
        assert.strictEqual(order["@odata.id"].id, order.Id)
        assert.isNotEmpty(Object.keys(order.Customer.Party.PartyName))
        assert.isNotEmpty(order.Lines)
        assert.isTrue(order.Lines.every((line) => BigDecimal.isBigDecimal(line.Quantity.Value)))
      }
      const first = orders[0]!
      const found = yield* DomainApi.list(Orders, { filter: Filter.eq("Id", first.Id) })
      assert.deepStrictEqual(
        found.map((order) => order.DocumentNo),
        [first.DocumentNo]
      )
      assert.lengthOf(yield* apiJournal, 2)
    }).pipe(Effect.provide(emulated({ customers: 10, products: 10, salesOrders: 20 })))
  })

  it.effect("a query that cannot be written sends nothing", () => {
    const fake = fakeDomain(() => page([]))
    return Effect.gen(function* () {
      const bad = [
        DomainApi.list(Customers, { pageSize: 1001 }),
        DomainApi.list(Customers, { skip: -1 }),
        DomainApi.list(Customers, { filter: Filter.eq("Id", "no guid") }),
        DomainApi.list(Customers, { context: { role: "no guid" } }),
        DomainApi.count(Customers, { search: " " }),
        DomainApi.get(Customers, id(1), { options: ["a b"] })
      ]
      for (const effect of bad) {
        const exit = yield* Effect.exit<unknown, DomainApi.DomainApiError, DomainApi.DomainApi>(effect)
        assert.strictEqual(failureOf(exit)._tag, "InvalidQuery")
      }
      assert.lengthOf(fake.calls, 0)
      assert.strictEqual(fake.exchanges(), 0)
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi.get and find", () => {
  it.effect("by the guid as a text, in any case, and by an EntityId", () => {
    const fake = fakeDomain(() => ({ body: JSON.stringify(row(10)) }))
    const guid = "C8A65F60-26D0-4C3A-81C9-F367DD811908"
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* DomainApi.get(Customers, guid), row(10))
      yield* DomainApi.get(Customers, entityId("Crm_Customers", guid.toLowerCase()))
      assert.deepStrictEqual(Option.getOrUndefined(yield* DomainApi.find(Customers, guid)), row(10))
      const asked = new Set(fake.calls.map((call) => call.url.href))
      assert.deepStrictEqual(
        [...asked],
        [`https://testdb.my.erp.net/api/domain/odata/Crm_Customers(${guid.toLowerCase()})?$select=Id,Number`]
      )
    }).pipe(Effect.provide(fake.layer))
  })

  for (const bad of ["", "1", `${id(1)} `, `'${id(1)}'`, `${id(1)})/Party(`, "../Users", `{${id(1)}}`]) {
    it.effect(`${JSON.stringify(bad)} is no id: InvalidQuery, and nothing is sent`, () => {
      const fake = fakeDomain(() => ({ body: JSON.stringify(row(1)) }))
      return Effect.gen(function* () {
        const error = failureOf(yield* Effect.exit(DomainApi.get(Customers, bad)))
        assert(error._tag === "InvalidQuery")
        assert.strictEqual(error.option, "id")
        if (bad.length > 1) assert.notInclude(error.message, bad)
        assert.strictEqual(failureOf(yield* Effect.exit(DomainApi.find(Customers, bad)))._tag, "InvalidQuery")
        assert.lengthOf(fake.calls, 0)
      }).pipe(Effect.provide(fake.layer))
    })
  }

  it.effect("an id that does not exist: NotFound, or nothing", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const [known = ""] = (yield* erp.data).ids("Crm_Sales_Customers")
      assert.strictEqual((yield* DomainApi.get(Customers, known)).Id, known)
      assert.strictEqual(Option.getOrThrow(yield* DomainApi.find(Customers, known)).Id, known)
      const error = failureOf(yield* Effect.exit(DomainApi.get(Customers, id(1))))
      assert(error._tag === "NotFound")
      assert.include(error.path, id(1))
      assert.isUndefined(Option.getOrUndefined(yield* DomainApi.find(Customers, id(1))))
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("find hides no other error", () => {
    const fake = fakeDomain(() => ({ status: 403 }))
    return Effect.gen(function* () {
      assert.strictEqual(failureOf(yield* Effect.exit(DomainApi.find(Customers, id(1))))._tag, "Forbidden")
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi.count", () => {
  it.effect("of all, by a filter and by a search", () =>
    Effect.gen(function* () {
      const all = yield* DomainApi.list(Customers)
      assert.strictEqual(yield* DomainApi.count(Customers), 40)
      const number = all[7]?.Number ?? ""
      assert.strictEqual(yield* DomainApi.count(Customers, { filter: Filter.eq("Number", number) }), 1)
      assert.strictEqual(yield* DomainApi.count(Customers, { search: "no customer is called so" }), 0)
      const last = (yield* apiJournal).at(-1)
      assert.strictEqual(last?.path, "/api/domain/odata/Crm_Customers/$count")
      assert.strictEqual(last?.headers["accept"], "text/plain")
    }).pipe(Effect.provide(emulated({ customers: 40 })))
  )

  for (const [body, expected] of [
    ["0", 0],
    [" 4213\r\n", 4213],
    ["", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["many", undefined],
    ['{"value":3}', undefined]
  ] as const) {
    it.effect(`the answer ${JSON.stringify(body)}`, () => {
      const fake = fakeDomain(() => ({ body }))
      return Effect.gen(function* () {
        const exit = yield* Effect.exit(DomainApi.count(Customers))
        if (expected !== undefined) assert.deepStrictEqual(exit, yield* Effect.exit(Effect.succeed(expected)))
        else assert.strictEqual(failureOf(exit)._tag, "ResponseInvalid")
      }).pipe(Effect.provide(fake.layer))
    })
  }
})

describe("DomainApi.request", () => {
  it.effect("anything below the root, with headers of its own", () =>
    Effect.gen(function* () {
      const { version } = yield* DomainApi.request("GetVersion", Schema.Struct({ version: Schema.String }))
      assert.match(version, /^\d+(\.\d+){3}$/)
      const { value } = yield* DomainApi.request(
        "Crm_Customers?$top=2&$select=Number",
        Schema.Struct({ value: Schema.Array(Schema.Struct({ Number: Schema.NullOr(Schema.String) })) }),
        { headers: { "accept-language": "de" } }
      )
      assert.lengthOf(value, 2)
      assert.strictEqual((yield* apiJournal)[1]?.headers["accept-language"], "de")
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("another origin is refused before a token is asked for", () => {
    const fake = fakeDomain(() => ({ body: "{}" }))
    return Effect.gen(function* () {
      for (const path of [
        "https://evil.example/x",
        "//evil.example/x",
        "http://testdb.my.erp.net/api/domain/odata/x"
      ]) {
        const exit = yield* Effect.exit(DomainApi.request(path, Schema.Unknown))
        assert.strictEqual(failureOf(exit)._tag, "ForeignOrigin")
      }
      assert.lengthOf(fake.calls, 0)
      assert.strictEqual(fake.exchanges(), 0)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("what does not fit: the path without its query, and where", () => {
    const fake = fakeDomain(() => ({ body: '{"version":7}' }))
    return Effect.gen(function* () {
      const error = failureOf(
        yield* Effect.exit(DomainApi.request("GetVersion?key=4711", Schema.Struct({ version: Schema.String })))
      )
      assert(error._tag === "ResponseInvalid")
      assert.strictEqual(error.entitySet, "GetVersion")
      assert.strictEqual(error.path, "version")
      assert.notInclude(error.message, "4711")
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi: spans", () => {
  const filter = Filter.eq("Number", "needle-4711")
  const program = Effect.all([
    DomainApi.list(Customers, { filter, search: "needle-4712" }),
    DomainApi.count(Customers, { filter }),
    Effect.ignore(DomainApi.get(Customers, id(1))),
    DomainApi.request("GetVersion?key=needle-4713", Schema.Unknown),
    Stream.runCount(DomainApi.stream(Customers, { filter, pageSize: 1 }))
  ])

  it.effect("one for each call and for each page, without the texts of a query", () => {
    const { spans, tracer } = recordingTracer()
    return Effect.gen(function* () {
      yield* Effect.withTracer(program, tracer)
      const own = spans.filter((span) => span.name.startsWith("DomainApi."))
      assert.deepStrictEqual(
        own.map((span) => span.name),
        ["DomainApi.list", "DomainApi.count", "DomainApi.get", "DomainApi.request", "DomainApi.page"]
      )
      assert.deepStrictEqual(
        own.map((span) => span.attributes),
        [
          { "erpnet.entity_set": "Crm_Customers" },
          { "erpnet.entity_set": "Crm_Customers" },
          { "erpnet.entity_set": "Crm_Customers" },
          { "url.path": "GetVersion" },
          { "erpnet.entity_set": "Crm_Customers" }
        ]
      )
      assert.deepStrictEqual(
        own.map((span) => span.outcome),
        ["success", "success", "failure", "success", "success"]
      )
      // The request of a call is told inside of it.
      for (const span of spans.filter(({ name }) => name === "AuthorizedClient.execute")) {
        assert.match(span.parent ?? "", /^DomainApi\./)
      }
      assert.notInclude(JSON.stringify(spans), "needle")
    }).pipe(Effect.provide(emulated()))
  })

  it.effect("every page has its own", () => {
    const { spans, tracer } = recordingTracer()
    return Effect.gen(function* () {
      yield* Effect.withTracer(Stream.runDrain(DomainApi.stream(Customers, { pageSize: 2 })), tracer)
      assert.lengthOf(
        spans.filter((span) => span.name === "DomainApi.page"),
        5
      )
    }).pipe(Effect.provide(emulated({ customers: 10 })))
  })

  it.effect("none without a tracer, or where tracing is off", () => {
    const { spans, tracer } = recordingTracer()
    return Effect.gen(function* () {
      yield* program
      yield* program.pipe(Effect.withTracerEnabled(false), Effect.withTracer(tracer))
      assert.lengthOf(spans, 0)
    }).pipe(Effect.provide(emulated()))
  })
})
