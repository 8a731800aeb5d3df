/** Writing: a field or a value that does not fit compiles nowhere, and the types tell what may fail. */
import { type BigDecimal, Effect, Schema, type Stream } from "effect"
import { ComplexType, DomainApi, type EntityInput, EntitySet, type ErpNetError, Operation } from "effect-erpnet"
import { expectTypeOf } from "vitest"

declare const id: ComplexType.EntityId
declare const price: BigDecimal.BigDecimal

const Orders = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({
    "@odata.id": ComplexType.EntityId,
    DocumentNo: Schema.String,
    Total: Schema.NullOr(ComplexType.Amount),
    Customer: ComplexType.Reference,
    Name: ComplexType.MultilanguageString,
    Type: EntitySet.expand(Schema.Struct({ Code: Schema.String })),
    Lines: EntitySet.children(Schema.Struct({ LineNo: Schema.Number, Product: ComplexType.Reference }))
  })
)

// --- what fits ------------------------------------------------------------------------------------------------------

const create = DomainApi.create(Orders, {
  "@odata.type": "Erp.Crm_Sales_SalesOrder",
  "@erpnet.action": "merge",
  "@erpnet.findBy": { ExternalId: "x" },
  DocumentNo: "1",
  Total: { Value: price, Currency: "EUR" },
  Customer: id,
  Type: { "@erpnet.action": "find", Code: "SO" },
  Lines: [{ LineNo: 10, Product: id }, { "Product@odata.bind": id }]
})
expectTypeOf(create).toEqualTypeOf<Effect.Effect<ComplexType.EntityId, DomainApi.WriteError, DomainApi.DomainApi>>()
expectTypeOf(
  DomainApi.create(Orders, { "Customer@odata.bind": id, Type: id, Total: null, DocumentNo: undefined })
).toEqualTypeOf<typeof create>()
expectTypeOf(DomainApi.merge(Orders, { ExternalId: "x" }, { DocumentNo: "1" })).toEqualTypeOf<typeof create>()

expectTypeOf(DomainApi.update(Orders, id, { DocumentNo: "1" })).toEqualTypeOf<
  Effect.Effect<void, DomainApi.WriteError, DomainApi.DomainApi>
>()
expectTypeOf(DomainApi.remove(Orders, "guid")).toEqualTypeOf<
  Effect.Effect<void, DomainApi.WriteError, DomainApi.DomainApi>
>()
DomainApi.updateTexts(Orders, id, "Name", { EN: "x" })

expectTypeOf<EntityInput.EntityInput<{ readonly Amount: ComplexType.Amount }>["Amount"]>().toEqualTypeOf<
  ComplexType.Amount | undefined
>()

// --- what does not --------------------------------------------------------------------------------------------------

// @ts-expect-error the entity set has no such field
DomainApi.create(Orders, { DocumentNumber: "1" })
// @ts-expect-error a number is no text
DomainApi.create(Orders, { DocumentNo: 1 })
// @ts-expect-error the field may not be null
DomainApi.update(Orders, id, { DocumentNo: null })
// @ts-expect-error an id as text is no reference
DomainApi.update(Orders, id, { Customer: "Crm_Sales_Customers(guid)" })
// @ts-expect-error a plain number is no exact amount
DomainApi.update(Orders, id, { Total: { Value: 1.5, Currency: "EUR" } })
// @ts-expect-error an amount has a currency
DomainApi.update(Orders, id, { Total: { Value: price } })
// @ts-expect-error the lines have no such field
DomainApi.create(Orders, { Lines: [{ Number: 10 }] })
// @ts-expect-error children are a list
DomainApi.create(Orders, { Lines: { LineNo: 10 } })
// @ts-expect-error there is no such action
DomainApi.create(Orders, { "@erpnet.action": "upsert" })
// @ts-expect-error there is no such reference to bind
DomainApi.create(Orders, { "Owner@odata.bind": id })
// @ts-expect-error a key needs ExternalId
DomainApi.merge(Orders, { ExternalSystem: "shop" }, {})
// @ts-expect-error there is no such field
DomainApi.updateTexts(Orders, id, "Title", { EN: "x" })

// --- operations -----------------------------------------------------------------------------------------------------

const complete = Operation.action("Complete", Schema.Struct({ completion: Schema.Number }), Schema.DateFromString)
expectTypeOf(DomainApi.call(complete, { completion: 1 }, { on: id })).toEqualTypeOf<
  Effect.Effect<Date, DomainApi.WriteError, DomainApi.DomainApi>
>()
expectTypeOf(DomainApi.call(Operation.changeState, { newState: "Released" }, { on: id })).toEqualTypeOf<
  Effect.Effect<void, DomainApi.WriteError, DomainApi.DomainApi>
>()
// @ts-expect-error the parameter is a number
DomainApi.call(complete, { completion: "1" })
// @ts-expect-error a parameter is missing
DomainApi.call(Operation.changeState, {})
// @ts-expect-error a URL holds no objects
Operation.function("Find", Schema.Struct({ by: Schema.Struct({ Code: Schema.String }) }), Schema.Void)
// @ts-expect-error the parameters of an action have names
Operation.action("Find", Schema.String, Schema.Void)

// --- transactions ---------------------------------------------------------------------------------------------------

interface Own {
  readonly own: "own"
}

declare const inside: Effect.Effect<number, "own", Own | DomainApi.DomainApi | DomainApi.Transaction>
expectTypeOf(DomainApi.transaction(inside, { model: "frontend", trackChanges: true })).toEqualTypeOf<
  Effect.Effect<number, "own" | DomainApi.WriteError | ErpNetError.TransactionLost, Own | DomainApi.DomainApi>
>()
expectTypeOf(DomainApi.transaction(Effect.void)).toEqualTypeOf<
  Effect.Effect<void, DomainApi.WriteError | ErpNetError.TransactionLost, DomainApi.DomainApi>
>()
// @ts-expect-error there is no such model
DomainApi.transaction(Effect.void, { model: "backend" })

expectTypeOf(DomainApi.changes).toEqualTypeOf<
  Effect.Effect<DomainApi.Changes, DomainApi.DomainApiError, DomainApi.DomainApi | DomainApi.Transaction>
>()
expectTypeOf(DomainApi.changesStream).toEqualTypeOf<
  Stream.Stream<DomainApi.Changes, DomainApi.DomainApiError, DomainApi.DomainApi | DomainApi.Transaction>
>()
// Outside a transaction there are no changes to ask for.
expectTypeOf(DomainApi.changes).not.toExtend<Effect.Effect<unknown, unknown, DomainApi.DomainApi>>()
expectTypeOf(DomainApi.transaction(DomainApi.changes)).toEqualTypeOf<
  Effect.Effect<DomainApi.Changes, DomainApi.WriteError | ErpNetError.TransactionLost, DomainApi.DomainApi>
>()
