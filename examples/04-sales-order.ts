/**
 * A sales order from nothing to released: created with its lines in a front-end transaction, read back, changed while
 * somebody else changes it too, and released.
 *
 *   npx tsx examples/04-sales-order.ts
 */
import { BigDecimal, Console, Effect, Schema } from "effect"
import { ComplexType, DomainApi, EntitySet, ErpNet, Operation } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { bold, dim, green, heading, line, run, yellow } from "./support/terminal.ts"

const Identified = { "@odata.id": ComplexType.EntityId }
const Companies = EntitySet.make("General_EnterpriseCompanies", Schema.Struct(Identified))
const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct(Identified))
const Products = EntitySet.make(
  "General_Products_Products",
  Schema.Struct({ ...Identified, PartNumber: Schema.String })
)

const Orders = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({
    DocumentNo: Schema.NullOr(Schema.String),
    State: Schema.String,
    CustomerPurchaseOrderNo: Schema.NullOr(Schema.String),
    ObjectVersion: Schema.Number,
    DocumentType: EntitySet.expand(Schema.Struct({ Code: Schema.String })),
    DocumentCurrency: EntitySet.expand(Schema.Struct({ CurrencySign: Schema.String })),
    EnterpriseCompany: ComplexType.Reference,
    Customer: ComplexType.Reference,
    Lines: EntitySet.children(
      Schema.Struct({
        LineNo: Schema.Number,
        Product: EntitySet.expand(Schema.Struct({ PartNumber: Schema.String })),
        Quantity: ComplexType.Quantity,
        UnitPrice: ComplexType.Amount,
        LineAmount: ComplexType.Amount
      })
    )
  })
)

const first = <A, I>(set: EntitySet.EntitySet<A, I>) =>
  Effect.flatMap(DomainApi.list(set, { top: 1 }), ([row]) =>
    row === undefined ? Effect.dieMessage(`${set.name} is empty`) : Effect.succeed(row)
  )

const decimal = BigDecimal.unsafeFromString

const createOrder = Effect.gen(function* () {
  yield* heading("1. Create the order in a front-end transaction")
  const company = yield* first(Companies)
  const customer = yield* first(Customers)
  const products = yield* DomainApi.list(Products, { top: 2, orderBy: ["PartNumber"] })
  // The front-end model fills in what a person would see filled in, in the order in which the fields are given.
  const order = yield* DomainApi.transaction(
    DomainApi.create(Orders, {
      DocumentType: { Code: "SO" },
      EnterpriseCompany: company["@odata.id"],
      Customer: customer["@odata.id"],
      DocumentCurrency: { CurrencySign: "EUR" },
      Lines: products.map((product, index) => ({
        Product: product["@odata.id"],
        Quantity: { Value: decimal(String(index + 2)), Unit: "PCS" },
        UnitPrice: { Value: decimal("12.50"), Currency: "EUR" }
      }))
    }),
    { model: "frontend" }
  )
  yield* line(`${green("committed")} ${ComplexType.formatEntityId(order)}`)
  return order
})

const readBack = (order: ComplexType.EntityId) =>
  Effect.gen(function* () {
    yield* heading("2. Read it back")
    const row = yield* DomainApi.get(Orders, order)
    yield* line(`order ${bold(String(row.DocumentNo))}, state ${row.State}`)
    yield* Console.table(
      // ERP.net promises no order of children.
      [...row.Lines]
        .sort((a, b) => a.LineNo - b.LineNo)
        .map(({ LineAmount, LineNo, Product, Quantity }) => ({
          No: LineNo,
          Product: Product.PartNumber,
          Quantity: `${BigDecimal.format(Quantity.Value)} ${Quantity.Unit}`,
          Amount: `${BigDecimal.format(LineAmount.Value)} ${LineAmount.Currency}`
        }))
    )
  })

const conflict = (order: ComplexType.EntityId) =>
  Effect.gen(function* () {
    yield* heading("3. Change it while somebody else does")
    let attempt = 0
    // The whole of read, change and write is repeated: writing alone would undo what the other one did.
    yield* Effect.gen(function* () {
      attempt += 1
      const { ObjectVersion } = yield* DomainApi.get(Orders, order)
      if (attempt === 1) yield* DomainApi.update(Orders, order, { CustomerPurchaseOrderNo: "somebody else" })
      yield* DomainApi.update(Orders, order, { ObjectVersion, CustomerPurchaseOrderNo: "PO-1" })
    }).pipe(
      Effect.tapErrorTag("ConcurrencyConflict", (error) =>
        Effect.zipRight(
          line(`${yellow("conflict")} ${error._tag} under the version that was read`),
          line(dim(error.message))
        )
      ),
      Effect.retry({ times: 3, while: (error) => error._tag === "ConcurrencyConflict" })
    )
    const { CustomerPurchaseOrderNo } = yield* DomainApi.get(Orders, order)
    yield* line(`${green("ok")} ${CustomerPurchaseOrderNo} was written at attempt ${attempt}`)
  })

const release = (order: ComplexType.EntityId) =>
  Effect.gen(function* () {
    yield* heading("4. Release it")
    yield* DomainApi.call(Operation.changeState, { newState: "Released" }, { on: order })
    const { State } = yield* DomainApi.get(Orders, order)
    yield* line(`${green("ok")} state ${State}`)
    yield* DomainApi.update(Orders, order, { CustomerPurchaseOrderNo: "PO-2" }).pipe(
      Effect.zipRight(Effect.dieMessage("a released order was changed")),
      Effect.catchTag("ServerError", (error) =>
        Effect.zipRight(line(`${yellow("refused")} a released order is read-only`), line(dim(error.message)))
      )
    )
  })

const program = Effect.gen(function* () {
  const order = yield* createOrder
  yield* readBack(order)
  yield* conflict(order)
  yield* release(order)
})

run(
  Effect.gen(function* () {
    const { credentials, instance, origin } = yield* ErpNetEmulator.ErpNetEmulator
    yield* Console.log(`A sales order on the embedded instance ${origin}`)
    yield* Effect.provide(program, ErpNet.layer({ instance, credentials }))
  }).pipe(Effect.provide(ErpNetEmulator.layer()))
)
