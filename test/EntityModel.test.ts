import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Schema } from "effect"
import { ComplexType, DomainApi, EntityModel, EntitySet, Filter, IncrementalPull, Query } from "effect-erpnet"
import { emulated } from "./support/domain.ts"

const guid = "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"
const enums = { State: ["New", "Released"] } as const
const model = EntityModel.make<typeof enums>(enums)

const Orders = model("Crm_Sales_SalesOrders", {
  Id: "guid eq in",
  No: "text(20)? eq in ge like order",
  Date: "dateTime eq ge order",
  Changed: "timestamp? ge",
  State: "#State eq in ge",
  Total: "amount? ge",
  Weight: "decimal(18,3)",
  Ratio: "double any futureWord",
  Count: "int",
  Big: "int64",
  Void: "bool eq",
  Name: "texts like",
  Extra: "custom? eq",
  Anything: "open",
  Start: "time ge",
  Photo: "binary?",
  Customer: "@Crm_Customers eq path",
  Store: "@Logistics_Inventory_Stores?",
  "Customer/Limit": "amount ge",
  "Customer/Key": "guid eq",
  Lines: "*Crm_Sales_SalesOrderLines",
  Strange: "hologram eq"
})
const Lines = model("Crm_Sales_SalesOrderLines", { LineNo: "int order", Quantity: "quantity" })

const byHand = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({
    Id: Schema.UUID,
    No: Schema.NullOr(Schema.String),
    Date: Schema.DateTimeUtc,
    Changed: Schema.NullOr(IncrementalPull.Timestamp),
    State: ComplexType.Enum("New", "Released"),
    Total: Schema.NullOr(ComplexType.Amount),
    Weight: ComplexType.Decimal,
    Ratio: ComplexType.Double,
    Count: Schema.Int,
    Big: ComplexType.Int64,
    Void: Schema.Boolean,
    Name: ComplexType.MultilanguageString,
    Extra: Schema.NullOr(ComplexType.CustomPropertyValue),
    Anything: Schema.Unknown,
    Start: ComplexType.TimeOfDay,
    Photo: Schema.NullOr(Schema.String),
    Customer: ComplexType.Reference,
    Store: Schema.NullOr(ComplexType.Reference)
  })
)
const all = Orders.pick(
  "Id",
  "No",
  "Date",
  "Changed",
  "State",
  "Total",
  "Weight",
  "Ratio",
  "Count",
  "Big",
  "Void",
  "Name",
  "Extra",
  "Anything",
  "Start",
  "Photo",
  "Customer",
  "Store"
)
const row = {
  Id: guid,
  No: null,
  Date: "2026-01-31T10:00:00Z",
  Changed: "2026-01-31T10:00:00.1234567Z",
  State: "Melted",
  Total: { Value: 1.5, Currency: "EUR" },
  Weight: 2.25,
  Ratio: "NaN",
  Count: 3,
  Big: 4,
  Void: false,
  Name: { EN: "x" },
  Extra: { Value: "red" },
  Anything: [1],
  Start: "08:30:00",
  Photo: null,
  Customer: { "@odata.id": `Crm_Customers(${guid})` },
  Store: null
}

describe("EntityModel: pick", () => {
  it("is the set with the same Struct written by hand: projection, rows, errors", () => {
    assert.isTrue(EntitySet.isEntitySet(all))
    for (const part of ["name", "projection", "select", "expand", "lossless"] as const) {
      assert.deepStrictEqual<unknown>(all[part], byHand[part], part)
    }
    assert.deepStrictEqual(all.decode(row), byHand.decode(row))
    assert.isTrue(Either.isRight(all.decode(row)))
    for (const wrong of [{ Id: "x" }, { No: 1 }, { Count: 1.5 }, { Void: null }, { Start: "25:00" }, { Store: 1 }]) {
      assert.strictEqual(
        Either.getOrThrow(Either.flip(all.decode({ ...row, ...wrong }))).message,
        Either.getOrThrow(Either.flip(byHand.decode({ ...row, ...wrong }))).message
      )
    }
  })

  it("keeps the order of the names, and the same name twice is once", () => {
    assert.deepStrictEqual(Orders.pick("No", "Id", "No").select, ["No", "Id"])
  })

  it("dates and decimals as the file says", () => {
    const texts = EntityModel.make(enums, { dates: "text", decimals: "number" })
    const set = texts("X", { Date: "dateTime", Weight: "decimal", Total: "amount" }).pick("Date", "Weight", "Total")
    assert.deepStrictEqual(
      set.decode({ Date: "soon", Weight: 1, Total: { Value: 2, Currency: "EUR" } }),
      Either.right({
        Date: "soon",
        Weight: 1,
        Total: { Value: 2, Currency: "EUR" }
      })
    )
    assert.isFalse(set.lossless)
  })

  it("a mistake is a TypeError that names set and field, when the field is used", () => {
    const pick = Orders.pick as (...names: ReadonlyArray<string>) => unknown
    for (const [names, message] of [
      [[], "at least one"],
      [["Nope"], '"Nope"'],
      [["constructor"], '"constructor"'],
      [["Customer/Limit"], '"Customer/Limit"'],
      [["Lines"], "include"],
      [["Strange"], 'SalesOrders.Strange: this version of effect-erpnet does not know the kind "hologram"']
    ] as const) {
      assert.throws(() => pick(...names), TypeError, message)
    }
    assert.throws(() => model("X", { A: "#Missing" }).pick("A"), /X\.A: the file has no enum Missing/)
    assert.throws(() => model("X", { A: "?" }).pick("A"), /X\.A/)
  })
})

describe("EntityModel: include", () => {
  const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Number: Schema.String }))

  it("expands references and children, picked or made by hand, and null where the reference may be empty", () => {
    const set = Orders.pick("No", "Customer").include({
      Customer: Customers,
      Store: EntitySet.make("Logistics_Inventory_Stores", Schema.Struct({ Code: Schema.String })),
      Lines: Lines.pick("LineNo")
    })
    assert.strictEqual(
      set.projection,
      "$select=No&$expand=Customer($select=Number),Store($select=Code),Lines($select=LineNo)"
    )
    const given = { No: "1", Customer: { Number: "7" }, Store: null, Lines: [{ LineNo: 1 }] }
    assert.deepStrictEqual(set.decode(given), Either.right(given))
    assert.isTrue(Either.isLeft(set.decode({ ...given, Customer: null })))
  })

  it("a picked set can be given to EntitySet.expand and children", () => {
    const set = EntitySet.make("X", Schema.Struct({ Lines: EntitySet.children(Lines.pick("LineNo")) }))
    assert.strictEqual(set.projection, "$select=Id&$expand=Lines($select=LineNo)")
  })

  it("a field that leads nowhere is a TypeError", () => {
    const include = Orders.pick("No").include as (sets: object) => unknown
    assert.throws(() => include({ No: Customers }), /SalesOrders\.No is neither/)
    assert.throws(() => include({ Nope: Customers }), /"Nope"/)
    assert.throws(() => include({ Customer: {} }), /entity set/)
  })
})

describe("EntityModel: field and as", () => {
  it("field gives the Schema; as another one for the same field", () => {
    const set = EntitySet.make("X", Schema.Struct({ No: Orders.field("No"), Total: Orders.field("Total") }))
    assert.isTrue(Either.isRight(set.decode({ No: null, Total: null })))
    const upper = Schema.transform(Schema.String, Schema.String, {
      strict: true,
      decode: (text) => text.toUpperCase(),
      encode: (text) => text
    })
    const Shouting = Orders.as({ No: upper }).pick("No")
    assert.deepStrictEqual(Shouting.decode({ No: "a" }), Either.right({ No: "A" }))
    assert.deepStrictEqual(Orders.pick("No").decode({ No: "a" }), Either.right({ No: "a" }))
    assert.throws(() => Orders.as({ Nope: upper } as never), /"Nope"/)
  })
})

describe("EntityModel: filters and order", () => {
  it("take the fields of the model, picked or not; the texts say what is a guid, a time and an amount", () => {
    const query = Query.render(Orders.pick("No"), {
      filter: (o) => [
        o.Id.eq(guid),
        o.State.in(["New"]),
        o.Total.ge(5),
        o.TotalValue.le(6),
        o.Start.ge("08:30:00"),
        o.Customer.Limit.ge(1),
        o.Customer.Key.eq(guid),
        Filter.contains("No", "x")
      ],
      orderBy: ["Date", ["No", "desc"]]
    })
    assert.strictEqual(
      decodeURIComponent(Either.getOrThrow(query)),
      `$filter=Id eq ${guid} and State in ('New') and TotalValue ge 5 and TotalValue le 6 and Start ge 08:30:00` +
        ` and Customer/LimitValue ge 1 and Customer/Key eq ${guid} and contains(No,'x')` +
        "&$orderby=Date,No desc&$select=No"
    )
  })

  it.effect("the embedded instance answers", () =>
    Effect.gen(function* () {
      const Customers = model("Crm_Customers", {
        Id: "guid eq in",
        Number: "text(16) eq in like order",
        Active: "bool eq",
        Party: "@General_Contacts_Parties eq path",
        "Party/PartyName": "texts like"
      })
      const Parties = model("General_Contacts_Parties", { PartyName: "texts like" })
      const set = Customers.pick("Number").include({ Party: Parties.pick("PartyName") })
      const rows = yield* DomainApi.list(set, { filter: (c) => c.Active.eq(true), orderBy: ["Number"] })
      assert.isAbove(rows.length, 0)
      assert.isString(rows[0]?.Party.PartyName["EN"] ?? "")
      assert.strictEqual(yield* DomainApi.count(set, { filter: (c) => c.Active.eq(true) }), rows.length)
    }).pipe(Effect.provide(emulated()))
  )
})
