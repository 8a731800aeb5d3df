import { Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntityId from "effect-erpnet/EntityId"
import type * as EntityInput from "effect-erpnet/EntityInput"
import * as EntitySet from "effect-erpnet/EntitySet"
import * as Filter from "effect-erpnet/Filter"
import * as Query from "effect-erpnet/Query"
import { expectTypeOf } from "vitest"

declare const entity: EntityId.EntityId
declare const from: string | undefined

const Orders = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({
    "@odata.id": EntityId.Schema,
    Id: Schema.UUID,
    DocumentNo: Schema.NullOr(Schema.String),
    DocumentDate: Schema.DateTimeUtc,
    State: ComplexType.Enum("New", "Released"),
    Kind: Schema.NullOr(Schema.Literal("A", "B")),
    Void: Schema.Boolean,
    Total: ComplexType.Amount,
    Name: ComplexType.MultilanguageString,
    SalesPerson: Schema.NullOr(ComplexType.Reference),
    Lines: EntitySet.children(Schema.Struct({ LineNo: Schema.Number })),
    Customer: EntitySet.expand(
      Schema.Struct({ Number: Schema.String, Party: EntitySet.expand(Schema.Struct({ Active: Schema.Boolean })) })
    )
  }),
  {
    filterable: Schema.Struct({
      Priority: Schema.Number,
      Store: EntitySet.expand(Schema.Struct({ Code: Schema.String }))
    })
  }
)

Query.render(Orders, {
  filter: (o) => [
    o.State.ge("Released"),
    from === undefined ? undefined : o.DocumentDate.ge(Filter.date(from)),
    o.DocumentNo.startsWith("1"),
    o.DocumentNo.equalNull("1"),
    o.Kind.in(["A", "B", null]),
    o.State.in(["New"]),
    o.Void.eq(true),
    o.Total.ge(1),
    o.Name.contains("x"),
    o.SalesPerson.eq(entity),
    o.SalesPerson.in([entity, null]),
    o.Customer.eq(entity),
    o.Customer.Number.contains("1"),
    o.Customer.Party.Active.eq(true),
    o.Priority.lessEqualNull(3),
    o.Store.Code.eq("x"),
    Filter.eq("Store/Code", "x")
  ],
  orderBy: ["DocumentNo", ["Priority", "desc"]]
})

// One condition, none, and conditions without a callback.
Query.render(Orders, { filter: (o) => o.Void.eq(true) })
Query.render(Orders, { filter: (o) => (from === undefined ? undefined : o.Void.eq(true)) })
Query.render(Orders, { filter: [Filter.eq("Void", true), undefined] })
Filter.and(Filter.eq("Void", true), undefined)

// A condition of a column says what it needs, as those of Filter do.
declare const columns: Filter.Columns<Filter.Fields<{ readonly Active: boolean }, { readonly Active: boolean }>>
expectTypeOf(columns.Active.eq(true)).toEqualTypeOf<Filter.Filter<{ readonly Active: boolean }>>()
expectTypeOf<keyof typeof columns>().toEqualTypeOf<"Active">()

Query.render(Orders, {
  // @ts-expect-error no such field
  filter: (o) => o.Stat.eq("New")
})
// @ts-expect-error no such member
Query.render(Orders, { filter: (o) => o.State.eq("Relesed") })
// @ts-expect-error no such member, as a filter
Query.render(Orders, { filter: Filter.eq("State", "Relesed") })
// The escape for a member that the program does not list.
Query.render(Orders, { filter: (o) => o.State.eq(ComplexType.enumMember("Archived")) })
// @ts-expect-error one wrong value among good ones
Query.render(Orders, { filter: (o) => o.Kind.in(["A", "C"]) })
// @ts-expect-error a number contains no text
Query.render(Orders, { filter: (o) => o.Priority.contains("1") })
// @ts-expect-error an amount contains no text
Query.render(Orders, { filter: (o) => o.Total.contains("1") })
// @ts-expect-error a boolean has no order
Query.render(Orders, { filter: (o) => o.Void.ge(true) })
// @ts-expect-error a member has no parts
Query.render(Orders, { filter: (o) => o.State.startsWith("N") })
// @ts-expect-error a multi-language string can be searched only
Query.render(Orders, { filter: (o) => o.Name.eq("x") })
// @ts-expect-error a reference has no order
Query.render(Orders, { filter: (o) => o.SalesPerson.ge(entity) })
// @ts-expect-error a reference that is read as a link has no fields
Query.render(Orders, { filter: (o) => o.SalesPerson.Number.eq("x") })
// @ts-expect-error children cannot be filtered
Query.render(Orders, { filter: (o) => o.Lines.LineNo.eq(1) })
// @ts-expect-error null has no place in an order
Query.render(Orders, { filter: (o) => o.DocumentNo.ge(null) })
// @ts-expect-error the server has no such operator
Query.render(Orders, { filter: (o) => o.DocumentNo.ne("x") })
// @ts-expect-error the name of the field is what can be ordered by, not that of a path
Query.render(Orders, { orderBy: ["Store/Code"] })

// Reading gives any name; writing takes the known ones.
type Order = EntitySet.Type<typeof Orders>
declare const order: Order
expectTypeOf(order.State).toExtend<string>()
const released: EntityInput.EntityInput<Order> = { State: "Released" }
const back: EntityInput.EntityInput<Order> = { State: order.State }
// @ts-expect-error a misspelt member
const wrong: EntityInput.EntityInput<Order> = { State: "Relesed" }
void [released, back, wrong]

// Functions over any set take one that is filterable by more than its rows.
const first = <A, I>(set: EntitySet.EntitySet<A, I>, query: Query.Query<A, I>) =>
  Query.render(set, { ...query, top: 1 })
first(Orders, { filter: (o) => o.Customer.Number.eq("1") })
const any = <A, I, F, O extends string>(set: EntitySet.Queryable<A, I, F, O>, query: Query.Query<A, I, F, O>) =>
  Query.render(set, query)
any(Orders, { filter: (o) => o.Priority.eq(1) })
