import { Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntitySet from "effect-erpnet/EntitySet"
import { expectTypeOf } from "vitest"

const Parties = EntitySet.make("General_Contacts_Parties", Schema.Struct({ Id: Schema.UUID, PartyCode: Schema.String }))

const Customers = EntitySet.make(
  "Crm_Customers",
  Schema.Struct({
    "@odata.id": ComplexType.EntityId,
    Id: Schema.UUID,
    Number: Schema.NullOr(Schema.String),
    CreditLimit: Schema.NullOr(ComplexType.Amount),
    Party: EntitySet.expand(Parties),
    SalesPerson: Schema.NullOr(EntitySet.expand(Parties)),
    Products: EntitySet.children(Schema.Struct({ IsActive: Schema.Boolean }))
  })
)

// The row type follows from the schema.
type Row = EntitySet.Type<typeof Customers>
expectTypeOf<Row["@odata.id"]>().toEqualTypeOf<ComplexType.EntityId>()
expectTypeOf<Row["Number"]>().toEqualTypeOf<string | null>()
expectTypeOf<Row["CreditLimit"]>().toEqualTypeOf<ComplexType.Amount | null>()
expectTypeOf<Row["Party"]>().toEqualTypeOf<{ readonly Id: string; readonly PartyCode: string }>()
expectTypeOf<Row["SalesPerson"]>().toEqualTypeOf<{ readonly Id: string; readonly PartyCode: string } | null>()
expectTypeOf<Row["Products"]>().toEqualTypeOf<ReadonlyArray<{ readonly IsActive: boolean }>>()
expectTypeOf(Parties).toEqualTypeOf<
  EntitySet.EntitySet<
    { readonly Id: string; readonly PartyCode: string },
    { readonly Id: string; readonly PartyCode: string }
  >
>()

class Product extends Schema.Class<Product>("Product")({ Id: Schema.UUID, PartNumber: Schema.String }) {}
const Products = EntitySet.make("General_Products_Products", Product)
expectTypeOf<EntitySet.Type<typeof Products>>().toEqualTypeOf<Product>()

// A schema that does not encode to an object is refused, and so is one that needs a service.
// @ts-expect-error a string is not a row
EntitySet.make("Crm_Customers", Schema.String)
// @ts-expect-error a number is not a row
EntitySet.expand(Schema.Number)
// @ts-expect-error the options are named
EntitySet.make("Crm_Customers", Schema.Struct({ Id: Schema.UUID }), { select: "everything" })
