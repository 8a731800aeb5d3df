import { type BigDecimal, type DateTime, Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntitySet from "effect-erpnet/EntitySet"
import * as Filter from "effect-erpnet/Filter"
import { expectTypeOf } from "vitest"

declare const decimal: BigDecimal.BigDecimal
declare const utc: DateTime.Utc
declare const entity: ComplexType.EntityId

const CustomerId = Schema.UUID.pipe(Schema.brand("CustomerId"))

const Customers = EntitySet.make(
  "Crm_Customers",
  Schema.Struct({
    "@odata.id": ComplexType.EntityId,
    Id: CustomerId,
    Number: Schema.NullOr(Schema.String),
    Active: Schema.Boolean,
    Days: Schema.Number,
    Version: ComplexType.Int64,
    State: Schema.Literal("New", "Released"),
    CreationTime: Schema.NullOr(Schema.DateTimeUtc),
    UpdateTime: Schema.Date,
    CreditLimit: Schema.NullOr(ComplexType.Amount),
    Weight: ComplexType.QuantityNumber,
    Name: ComplexType.MultilanguageString,
    SalesPerson: Schema.NullOr(ComplexType.Reference),
    Notes: Schema.optional(Schema.String),
    Extra: Schema.OptionFromNullOr(Schema.String),
    CustomProperty_color: ComplexType.CustomPropertyValue,
    Renamed: Schema.propertySignature(Schema.Date).pipe(Schema.fromKey("WireName")),
    Party: EntitySet.expand(
      Schema.Struct({
        Id: Schema.UUID,
        PartyName: ComplexType.MultilanguageString,
        Area: Schema.NullOr(EntitySet.expand(Schema.Struct({ Code: Schema.String })))
      })
    ),
    Products: EntitySet.children(Schema.Struct({ IsActive: Schema.Boolean }))
  })
)

// A filter's type says which fields it needs.
expectTypeOf(Filter.eq("Number", "x")).toEqualTypeOf<Filter.Filter<{ readonly Number: "x" }>>()

const accept = <A, I>(
  _set: EntitySet.EntitySet<A, I>,
  _filter: Filter.Filter<Filter.Fields<NoInfer<A>, NoInfer<I>>>
): void => {}

declare const id: typeof CustomerId.Type
declare const text: string
accept(Customers, Filter.eq("Number", "x"))
accept(Customers, Filter.eq("Number", text))
accept(Customers, Filter.eq("Number", null))
accept(Customers, Filter.eq("Id", id))
accept(Customers, Filter.eq("Id", "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"))
accept(Customers, Filter.in("Id", [Filter.guid(text)]))
accept(Customers, Filter.eq("Active", true))
accept(Customers, Filter.ge("Days", 3))
accept(Customers, Filter.ge("Days", decimal))
accept(Customers, Filter.ge("Version", 3n))
accept(Customers, Filter.in("State", ["New", "Released"]))
accept(Customers, Filter.ge("CreationTime", utc))
accept(Customers, Filter.lessEqualNull("CreationTime", new Date()))
accept(Customers, Filter.le("UpdateTime", utc))
accept(Customers, Filter.le("UpdateTime", Filter.date("2026-01-31")))
accept(Customers, Filter.ge("Number", Filter.date("2026-01-31")))
accept(Customers, Filter.ge("CreditLimit", decimal))
accept(Customers, Filter.ge("CreditLimitValue", decimal))
accept(Customers, Filter.ge("Weight", 1.5))
accept(Customers, Filter.contains("Name", "x"))
accept(Customers, Filter.eq("SalesPerson", entity))
accept(Customers, Filter.equalNull("SalesPerson", entity))
accept(Customers, Filter.eq("SalesPerson", null))
accept(Customers, Filter.contains("SalesPerson", "x"))
accept(Customers, Filter.startsWith("Notes", "x"))
accept(Customers, Filter.eq("Extra", "x"))
accept(Customers, Filter.eq("CustomProperty_color", "red"))
accept(Customers, Filter.ge("WireName", new Date()))
accept(Customers, Filter.eq("Party", entity))
accept(Customers, Filter.contains("Party/PartyName", "x"))
accept(Customers, Filter.eq("Party/Area/Code", "x"))
accept(Customers, Filter.and())
accept(
  Customers,
  Filter.and(
    Filter.ge("Days", 1),
    Filter.le("Days", 5),
    Filter.contains("Number", "x"),
    Filter.startsWith("Number", text),
    Filter.and(Filter.eq("Active", true))
  )
)

// @ts-expect-error no such field
accept(Customers, Filter.eq("Nope", 1))
// @ts-expect-error a number for a string
accept(Customers, Filter.eq("Number", 1))
// @ts-expect-error a string for a boolean
accept(Customers, Filter.eq("Active", "true"))
// @ts-expect-error null for a field that is never null
accept(Customers, Filter.eq("Active", null))
// @ts-expect-error a string for a number
accept(Customers, Filter.ge("Days", "3"))
// @ts-expect-error a member that the enumeration lacks
accept(Customers, Filter.eq("State", "Relesed"))
// @ts-expect-error one wrong value among good ones
accept(Customers, Filter.in("State", ["New", "Relesed"]))
// @ts-expect-error a text for a date
accept(Customers, Filter.ge("CreationTime", "2026-01-01T00:00:00Z"))
// @ts-expect-error a text for an amount
accept(Customers, Filter.ge("CreditLimit", "1"))
// @ts-expect-error only amounts have a value
accept(Customers, Filter.ge("NumberValue", 1))
// @ts-expect-error a multi-language string can be searched only
accept(Customers, Filter.eq("Name", "x"))
// @ts-expect-error a multi-language string has no start
accept(Customers, Filter.startsWith("Name", "x"))
// @ts-expect-error a reference is compared with an id, not with a text
accept(Customers, Filter.eq("SalesPerson", "x"))
// @ts-expect-error a number does not contain a text
accept(Customers, Filter.contains("Days", "x"))
// @ts-expect-error the name of the wire counts
accept(Customers, Filter.ge("Renamed", new Date()))
// @ts-expect-error a child collection cannot be filtered
accept(Customers, Filter.eq("Products/IsActive", true))
// @ts-expect-error a reference that is read as a link has no fields
accept(Customers, Filter.eq("SalesPerson/Number", "x"))
// @ts-expect-error an annotation is not a field
accept(Customers, Filter.eq("@odata.id", entity))
// @ts-expect-error no such path
accept(Customers, Filter.eq("Party/Nope", "x"))
// @ts-expect-error one wrong part spoils the whole
accept(Customers, Filter.and(Filter.eq("Active", true), Filter.eq("Nope", 1)))
// @ts-expect-error the same field, once with a wrong value
accept(Customers, Filter.and(Filter.ge("Days", 1), Filter.le("Days", "5")))
// @ts-expect-error the server has no such operator
Filter.ne("Number", "x")
// @ts-expect-error the server has no such operator
Filter.or(Filter.eq("Number", "x"))
