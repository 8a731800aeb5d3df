import { type BigDecimal, type DateTime, Schema } from "effect"
import type * as ComplexType from "effect-erpnet/ComplexType"
import type * as EntityId from "effect-erpnet/EntityId"
import * as EntityModel from "effect-erpnet/EntityModel"
import * as EntitySet from "effect-erpnet/EntitySet"
import * as Filter from "effect-erpnet/Filter"
import type * as IncrementalPull from "effect-erpnet/IncrementalPull"
import * as Query from "effect-erpnet/Query"
import { expectTypeOf } from "vitest"

const enums = { State: ["New", "Released"] } as const
interface Enums {
  readonly State: readonly ["New", "Released"]
}
const Orders = EntityModel.make<Enums>(enums)("Crm_Sales_SalesOrders", {
  Id: "guid eq in",
  No: "text(20)? eq in ge like order",
  Date: "dateTime ge order",
  Changed: "timestamp? ge",
  State: "#State eq in ge",
  Total: "amount? ge",
  Weight: "decimal(18,3)",
  Big: "int64",
  Count: "int eq",
  Void: "bool any",
  Name: "texts? like",
  Customer: "@Crm_Customers eq path",
  Store: "@Logistics_Inventory_Stores? in",
  "Customer/Number": "text eq",
  Lines: "*Crm_Sales_SalesOrderLines"
})
const Lines = EntityModel.make({})("Crm_Sales_SalesOrderLines", { LineNo: "int" })

const set = Orders.pick(
  "Id",
  "No",
  "Date",
  "Changed",
  "State",
  "Total",
  "Weight",
  "Big",
  "Count",
  "Name",
  "Customer",
  "Store"
)
type Row = EntitySet.Type<typeof set>
expectTypeOf<Row>().toEqualTypeOf<{
  readonly Id: string
  readonly No: string | null
  readonly Date: DateTime.Utc
  readonly Changed: IncrementalPull.Timestamp | null
  readonly State: "New" | "Released" | ComplexType.EnumMember
  readonly Total: ComplexType.Amount | null
  readonly Weight: BigDecimal.BigDecimal
  readonly Big: bigint
  readonly Count: number
  readonly Name: ComplexType.MultilanguageString | null
  readonly Customer: EntityId.EntityId
  readonly Store: EntityId.EntityId | null
}>()

const nested = Orders.pick("No", "Customer").include({
  Lines: Lines.pick("LineNo"),
  Store: EntitySet.make("Logistics_Inventory_Stores", Schema.Struct({ Code: Schema.String }))
})
expectTypeOf<EntitySet.Type<typeof nested>>().toEqualTypeOf<{
  readonly No: string | null
  readonly Customer: EntityId.EntityId
  readonly Lines: ReadonlyArray<{ readonly LineNo: number }>
  readonly Store: { readonly Code: string } | null
}>()

const texts = EntityModel.make(enums, { dates: "text", decimals: "number" })("X", { Date: "dateTime", W: "decimal" })
const textSet = texts.pick("Date", "W")
expectTypeOf<EntitySet.Type<typeof textSet>>().toEqualTypeOf<{ readonly Date: string; readonly W: number }>()
const other = Orders.as({ No: Schema.NumberFromString }).pick("No", "Id")
expectTypeOf<EntitySet.Type<typeof other>>().toEqualTypeOf<{ readonly No: number; readonly Id: string }>()
expectTypeOf(Orders.field("No")).toEqualTypeOf<Schema.Schema<string | null>>()

Query.render(set, {
  filter: (o) => [
    o.No.startsWith("x"),
    o.No.eq(null),
    o.State.in(["New"]),
    o.Date.ge(new Date()),
    o.Total.ge(1),
    o.Customer.Number.eq("x"),
    o.Void.eq(true),
    Filter.eq("Count", 1)
  ],
  orderBy: ["No", ["Date", "desc"]]
})
// A function over any set still takes a picked one.
const first = <A, I>(any: EntitySet.EntitySet<A, I>) => Query.render(any, { top: 1 })
first(nested)

// @ts-expect-error no such field
Orders.pick("Nope")
// @ts-expect-error at least one field
Orders.pick()
// @ts-expect-error a path is no field
Orders.pick("Customer/Number")
// @ts-expect-error children are included
Orders.pick("Lines")
// @ts-expect-error what is included must be a reference or children
Orders.pick("No").include({ Count: Lines.pick("LineNo") })
// @ts-expect-error no such reference
Orders.pick("No").include({ Nope: Lines.pick("LineNo") })
// @ts-expect-error no word allows a filter by it
Query.render(set, { filter: (o) => o.Weight.ge(1) })
// @ts-expect-error eq is not among the words
Query.render(set, { filter: (o) => o.Date.eq(new Date()) })
// @ts-expect-error eq is not among the words, as a filter
Query.render(set, { filter: Filter.eq("Date", new Date()) })
// @ts-expect-error ge is not among the words, as a filter
Query.render(set, { filter: Filter.ge("Count", 1) })
// @ts-expect-error a misspelt member
Query.render(set, { filter: (o) => o.State.eq("Relesed") })
// @ts-expect-error null where there is none
Query.render(set, { filter: (o) => o.Count.eq(null) })
// @ts-expect-error a boolean has no order
Query.render(set, { filter: (o) => o.Void.ge(true) })
// @ts-expect-error no word says order
Query.render(set, { orderBy: ["Count"] })
// @ts-expect-error texts can be searched only
Query.render(set, { filter: (o) => o.Name.eq("x") })
