import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Option, Schema, Stream } from "effect"
import { DomainApi, DomainRequest, ErpNet } from "effect-erpnet"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntitySet from "effect-erpnet/EntitySet"
import * as Filter from "effect-erpnet/Filter"
import * as Query from "effect-erpnet/Query"
import { ErpNetEmulator } from "effect-erpnet/testing"

const emulated = Layer.unwrapEffect(
  Effect.map(ErpNetEmulator.ErpNetEmulator, (erp) =>
    Layer.orDie(ErpNet.layer({ instance: erp.instance, credentials: ErpNetEmulator.demoCredentials }))
  )
).pipe(Layer.provideMerge(ErpNetEmulator.layer({ customers: 8 })))

const guid = "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"

const Orders = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({
    Id: Schema.UUID,
    DocumentNo: Schema.NullOr(Schema.String),
    State: ComplexType.Enum("New", "Released"),
    Void: Schema.Boolean,
    Customer: EntitySet.expand(
      Schema.Struct({ Number: Schema.String, Party: EntitySet.expand(Schema.Struct({ PartyId: Schema.UUID })) })
    )
  }),
  {
    filterable: Schema.Struct({
      Total: ComplexType.Amount,
      OwnerId: Schema.UUID,
      DocumentDate: Schema.DateTimeUtc,
      Store: EntitySet.expand(Schema.Struct({ Id: Schema.String, Limit: ComplexType.Amount }))
    })
  }
)

type Fields = typeof Orders extends EntitySet.Queryable<infer _A, infer _I, infer F, infer _O> ? F : never
const text = (filter: Filter.Input<Fields>) => Filter.render(Orders, filter)

describe("Filter: a callback over the columns", () => {
  it("each operator writes what the function of its name writes", () => {
    const from = new Date("2026-01-31T00:00:00Z")
    for (const [given, expected] of [
      [(o) => o.DocumentNo.eq("1"), Filter.eq("DocumentNo", "1")],
      [(o) => o.DocumentNo.equalNull("1"), Filter.equalNull("DocumentNo", "1")],
      [(o) => o.State.in(["New", "Released"]), Filter.in("State", ["New", "Released"])],
      [(o) => o.DocumentNo.ge("1"), Filter.ge("DocumentNo", "1")],
      [(o) => o.DocumentNo.le("1"), Filter.le("DocumentNo", "1")],
      [(o) => o.DocumentDate.lessEqualNull(from), Filter.lessEqualNull("DocumentDate", from)],
      [(o) => o.DocumentDate.greaterEqualNull(from), Filter.greaterEqualNull("DocumentDate", from)],
      [(o) => o.DocumentNo.contains("1"), Filter.contains("DocumentNo", "1")],
      [(o) => o.DocumentNo.startsWith("1"), Filter.startsWith("DocumentNo", "1")],
      [(o) => o.DocumentNo.endsWith("1"), Filter.endsWith("DocumentNo", "1")],
      [(o) => o.Customer.Number.eq("1"), Filter.eq("Customer/Number", "1")],
      [(o) => o.Customer.Party.PartyId.eq(guid), Filter.eq("Customer/Party/PartyId", guid)],
      [(o) => o.Customer.contains("x"), Filter.contains("Customer", "x")]
    ] satisfies ReadonlyArray<readonly [Filter.Input<Fields>, Filter.Filter<Fields>]>) {
      assert.deepStrictEqual(text(given), text(expected))
    }
    assert.deepStrictEqual(
      text((o) => o.Customer.Party.PartyId.eq(guid)),
      Either.right(`Customer/Party/PartyId eq ${guid}`)
    )
  })

  it("an array means and; what is undefined is left out, with and without a callback", () => {
    const expected = Either.right("State ge 'Released' and Void eq true")
    assert.deepStrictEqual(
      text((o) => [o.State.ge("Released"), undefined, o.Void.eq(true)]),
      expected
    )
    assert.deepStrictEqual(text([undefined, Filter.ge("State", "Released"), Filter.eq("Void", true)]), expected)
    assert.deepStrictEqual(
      text(Filter.and(Filter.ge("State", "Released"), undefined, Filter.eq("Void", true))),
      expected
    )
    for (const nothing of [[], [undefined], () => [], () => undefined, Filter.and(undefined)]) {
      assert.deepStrictEqual(text(nothing), Either.right(""))
      assert.deepStrictEqual(Query.render(Orders, { filter: nothing }), Either.right(Orders.projection))
    }
  })

  it("an empty list is refused there too, with the name of the field", () => {
    const error = Either.getOrThrow(Either.flip(text((o) => o.Customer.Number.in([]))))
    assert.include(error.message, "Customer/Number")
  })
})

describe("EntitySet: filterable", () => {
  it("fields that are not read filter and order, and are not selected", () => {
    assert.strictEqual(
      Orders.projection,
      "$select=Id,DocumentNo,State,Void&$expand=Customer($select=Number;$expand=Party($select=PartyId))"
    )
    const query = Query.render(Orders, {
      filter: (o) => [o.DocumentDate.ge(Filter.date("2026-01-31")), o.Store.Limit.ge(1)],
      orderBy: [["DocumentDate", "desc"], "DocumentNo"]
    })
    assert.strictEqual(
      Either.getOrThrow(query).split("&$select")[0],
      "$filter=DocumentDate%20ge%202026-01-31%20and%20Store/LimitValue%20ge%201&$orderby=DocumentDate%20desc,DocumentNo"
    )
  })

  it("their schemas say what is a guid and what is an amount", () => {
    assert.deepStrictEqual(
      text((o) => o.OwnerId.eq(guid)),
      Either.right(`OwnerId eq ${guid}`)
    )
    assert.deepStrictEqual(
      text((o) => o.Total.ge(5)),
      Either.right("TotalValue ge 5")
    )
    assert.deepStrictEqual(
      text((o) => o.TotalValue.ge(5)),
      Either.right("TotalValue ge 5")
    )
    assert.deepStrictEqual(text(Filter.eq("Store/Id", guid)), Either.right(`Store/Id eq ${guid}`))
  })

  it("a Schema without fields is a mistake in the program", () => {
    const options = { filterable: Schema.Struct({ "a b": Schema.String }) }
    assert.throws(() => EntitySet.make("X", Schema.Struct({ Id: Schema.UUID }), options), /filterable.*"a b"/)
  })

  it.effect("the embedded instance answers such a query, by every request for rows", () =>
    Effect.gen(function* () {
      const Read = EntitySet.make(
        "Crm_Customers",
        Schema.Struct({ Id: Schema.UUID, Number: Schema.String, Active: Schema.Boolean })
      )
      const all = yield* DomainApi.list(Read)
      const expected = all.filter((row) => row.Active).map((row) => ({ Number: row.Number }))
      assert.isAbove(expected.length, 2)
      const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Number: Schema.String }), {
        filterable: Schema.Struct({ Id: Schema.UUID, Active: Schema.Boolean })
      })
      const ids = all.map((row) => row.Id)
      assert.deepStrictEqual(
        yield* DomainApi.list(Customers, { filter: (c) => [c.Active.eq(true), c.Id.in(ids)] }),
        expected
      )
      const pages = DomainApi.stream(Customers, { filter: (c) => c.Active.eq(true), pageSize: 2 })
      assert.deepStrictEqual([...(yield* Stream.runCollect(pages))], expected)
      assert.strictEqual(yield* DomainApi.count(Customers, { filter: (c) => [c.Active.eq(true)] }), expected.length)
      assert.deepStrictEqual(
        yield* DomainApi.first(Customers, { filter: (c) => [c.Active.eq(true)] }),
        Option.fromNullable(expected[0])
      )
      assert.deepStrictEqual(
        yield* DomainApi.batch({ rows: DomainRequest.list(Customers, { filter: (c) => c.Active.eq(true) }) }),
        { rows: Either.right(expected) }
      )
    }).pipe(Effect.provide(emulated))
  )
})
