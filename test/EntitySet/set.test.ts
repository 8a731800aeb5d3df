import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Either, Equal, Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntitySet from "effect-erpnet/EntitySet"
import * as losslessJson from "../../src/internal/losslessJson.ts"

const guid = "c8a65f60-26d0-4c3a-81c9-f367dd811908"
const Parties = EntitySet.make("General_Contacts_Parties", Schema.Struct({ Id: Schema.UUID, PartyCode: Schema.String }))

describe("$select", () => {
  it("holds the encoded names, without annotations", () => {
    const set = EntitySet.make(
      "Crm_Customers",
      Schema.Struct({
        "@odata.id": ComplexType.EntityId,
        Id: Schema.UUID,
        ObjectVersion: Schema.Number,
        number: Schema.propertySignature(Schema.NullOr(Schema.String)).pipe(Schema.fromKey("Number")),
        notes: Schema.optional(Schema.String).pipe(Schema.fromKey("Notes")),
        Active: Schema.optionalWith(Schema.Boolean, { default: () => true }),
        CreditLimit: Schema.NullOr(ComplexType.Amount),
        SalesPerson: Schema.NullOr(ComplexType.Reference),
        CustomProperty_color: Schema.NullOr(ComplexType.CustomPropertyValue)
      })
    )
    assert.deepStrictEqual(set.select, [
      "Id",
      "ObjectVersion",
      "Number",
      "Notes",
      "Active",
      "CreditLimit",
      "SalesPerson",
      "CustomProperty_color"
    ])
    assert.isUndefined(set.expand)
    assert.strictEqual(
      set.projection,
      "$select=Id,ObjectVersion,Number,Notes,Active,CreditLimit,SalesPerson,CustomProperty_color"
    )
  })

  it("is left out on request, with $expand kept", () => {
    const set = EntitySet.make(
      "Crm_Customers",
      Schema.Struct({ Number: Schema.String, Party: EntitySet.expand(Parties) }),
      { select: "default" }
    )
    assert.isUndefined(set.select)
    assert.strictEqual(set.projection, "$expand=Party($select=Id,PartyCode)")
    assert.strictEqual(
      EntitySet.make("A", Schema.Struct({ Number: Schema.String }), { select: "default" }).projection,
      ""
    )
  })

  it("asks for the key alone when no plain field is wanted", () => {
    const set = EntitySet.make("Crm_Customers", Schema.Struct({ "@odata.id": ComplexType.EntityId }))
    assert.strictEqual(set.projection, "$select=Id")
  })

  it("follows classes, filters and other transformations", () => {
    class Customer extends Schema.Class<Customer>("Customer")({ Id: Schema.UUID, Number: Schema.String }) {
      get label(): string {
        return `Customer ${this.Number}`
      }
    }
    const set = EntitySet.make("Crm_Customers", Customer)
    assert.deepStrictEqual(set.select, ["Id", "Number"])
    const customer = Either.getOrThrow(set.decode({ Id: guid, Number: "7" }))
    assert.strictEqual(customer.label, "Customer 7")

    const filtered = EntitySet.make("A", Schema.Struct({ From: Schema.Number }).pipe(Schema.filter(() => true)))
    assert.deepStrictEqual(filtered.select, ["From"])
    const renamed = EntitySet.make("A", Schema.Struct({ a: Schema.Number }).pipe(Schema.rename({ a: "b" })))
    assert.deepStrictEqual(renamed.select, ["a"])
  })

  it("percent-encodes letters outside ASCII", () => {
    const set = EntitySet.make("A", Schema.Struct({ Цена: Schema.Number }))
    assert.deepStrictEqual(set.select, ["Цена"])
    assert.strictEqual(set.projection, "$select=%D0%A6%D0%B5%D0%BD%D0%B0")
  })
})

describe("$expand", () => {
  const Orders = EntitySet.make(
    "Crm_Sales_SalesOrders",
    Schema.Struct({
      DocumentNo: Schema.String,
      Customer: EntitySet.expand(Schema.Struct({ Number: Schema.String, Party: EntitySet.expand(Parties) })),
      Store: Schema.NullOr(EntitySet.expand(Schema.Struct({ Name: ComplexType.MultilanguageString }))),
      Dealer: Schema.optional(EntitySet.expand(Parties)),
      Lines: EntitySet.children(
        Schema.Struct({
          LineNo: Schema.Number,
          Quantity: ComplexType.Quantity,
          Product: EntitySet.expand(Schema.Struct({ PartNumber: Schema.String }))
        })
      )
    })
  )

  it("nests to any depth", () => {
    assert.deepStrictEqual(Orders.select, ["DocumentNo"])
    assert.strictEqual(
      Orders.expand,
      "Customer($select=Number;$expand=Party($select=Id,PartyCode)),Store($select=Name),Dealer($select=Id,PartyCode),Lines($select=LineNo,Quantity;$expand=Product($select=PartNumber))"
    )
    assert.strictEqual(Orders.projection, `$select=DocumentNo&$expand=${Orders.expand}`)
  })

  it("keeps the select option of the other set", () => {
    const Wide = EntitySet.make("General_Contacts_Parties", Schema.Struct({ PartyCode: Schema.String }), {
      select: "default"
    })
    const set = EntitySet.make(
      "Crm_Customers",
      Schema.Struct({ Party: EntitySet.expand(Wide), Others: EntitySet.children(Wide) })
    )
    assert.strictEqual(set.expand, "Party,Others")
    assert.strictEqual(set.projection, "$select=Id&$expand=Party,Others")
  })

  it("uses the wire name of a renamed field", () => {
    const set = EntitySet.make(
      "Crm_Customers",
      Schema.Struct({ party: Schema.propertySignature(EntitySet.expand(Parties)).pipe(Schema.fromKey("Party")) })
    )
    assert.strictEqual(set.expand, "Party($select=Id,PartyCode)")
    assert.deepStrictEqual(Either.getOrThrow(set.decode({ Party: { Id: guid, PartyCode: "1" } })), {
      party: { Id: guid, PartyCode: "1" }
    })
  })

  it("decodes what was expanded", () => {
    const row = Either.getOrThrow(
      Orders.decode({
        DocumentNo: "1",
        Customer: { Number: "2", Party: { Id: guid, PartyCode: "3" } },
        Store: null,
        Lines: [{ LineNo: 10, Quantity: { Value: 1.5, Unit: "PCS" }, Product: { PartNumber: "4" } }]
      })
    )
    assert.strictEqual(row.Customer.Party.PartyCode, "3")
    assert.strictEqual(row.Lines[0]?.Product.PartNumber, "4")
  })
})

describe("a wrong definition throws at once", () => {
  it("for schemas without known fields", () => {
    const refuse = <A, I extends object>(schema: Schema.Schema<A, I>): void => {
      assert.throws(() => EntitySet.make("Crm_Customers", schema), /Crm_Customers.*must encode to an object/)
      assert.throws(() => EntitySet.expand(schema), /EntitySet.expand.*must encode to an object/)
      assert.throws(() => EntitySet.children(schema), /EntitySet.children.*must encode to an object/)
    }
    refuse(Schema.Record({ key: Schema.String, value: Schema.String }))
    refuse(Schema.Array(Schema.String))
    refuse(Schema.Object)
    refuse(Schema.Union(Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.String })))
    refuse(Schema.Struct({ a: Schema.String }, { key: Schema.String, value: Schema.String }))
  })

  it("for names that are none", () => {
    const row = Schema.Struct({ Id: Schema.UUID })
    for (const name of ["", "Crm_Customers?x", "Crm.Customers", "a/b", "../x"]) {
      assert.throws(() => EntitySet.make(name, row), /not the name/)
    }
    assert.throws(() => EntitySet.make("A", Schema.Struct({ "a,b": Schema.String })), /not a field name/)
    assert.throws(() => EntitySet.make("A", Schema.Struct({ "x&$top": EntitySet.expand(Parties) })), /not a field name/)
  })
})

describe("decoding", () => {
  const Exact = EntitySet.make(
    "Crm_Customers",
    Schema.Struct({
      Rate: Schema.Number,
      Version: ComplexType.Int64,
      CreditLimit: Schema.NullOr(ComplexType.Amount),
      Discount: ComplexType.AmountNumber,
      Lines: EntitySet.children(Schema.Struct({ Weight: Schema.Number, Price: ComplexType.Decimal }))
    })
  )

  it("knows which sets need every digit", () => {
    const holding = <A, I>(field: Schema.Schema<A, I>): boolean =>
      EntitySet.make("A", Schema.Struct({ Field: field })).lossless
    assert.isTrue(holding(ComplexType.Amount))
    assert.isTrue(holding(Schema.NullOr(ComplexType.Quantity)))
    assert.isTrue(holding(ComplexType.Int64))
    assert.isTrue(holding(Schema.OptionFromNullOr(ComplexType.Decimal)))
    assert.isTrue(holding(EntitySet.children(Schema.Struct({ Price: ComplexType.Amount }))))
    assert.isTrue(holding(Schema.Record({ key: Schema.String, value: ComplexType.Amount })))
    assert.isTrue(holding(ComplexType.Amount.annotations({ description: "a price" })))
    assert.isFalse(holding(Schema.Number))
    assert.isFalse(holding(ComplexType.AmountNumber))
    assert.isFalse(holding(ComplexType.QuantityNumber))
    assert.isFalse(holding(ComplexType.MultilanguageString))
  })

  it("keeps digits where the schema wants them, and plain numbers elsewhere", () => {
    const body = Either.getOrThrow(
      losslessJson.parse(
        `{"Rate":0.12345678901234567890,"Version":9223372036854775807,"CreditLimit":{"Value":1234567890123456.78,"Currency":"BGN"},"Discount":{"Value":1234567890123456.78,"Currency":"BGN"},"Unknown":12345678901234567890,"Lines":[{"Weight":0.12345678901234567890,"Price":1.000000000000000001}]}`
      )
    )
    const row = Either.getOrThrow(Exact.decode(body))
    assert.strictEqual(row.Rate, Number("0.12345678901234567890"))
    assert.strictEqual(row.Version, 9223372036854775807n)
    assert.strictEqual(row.CreditLimit === null ? "" : BigDecimal.format(row.CreditLimit.Value), "1234567890123456.78")
    assert.strictEqual(row.Discount.Value, Number("1234567890123456.78"))
    assert.strictEqual(row.Lines[0]?.Weight, Number("0.12345678901234567890"))
    assert.isTrue(Equal.equals(row.Lines[0]?.Price, BigDecimal.unsafeFromString("1.000000000000000001")))
  })

  it("follows a recursive schema", () => {
    interface Tree {
      readonly Value: BigDecimal.BigDecimal
      readonly Below: ReadonlyArray<Tree>
    }
    interface TreeEncoded {
      readonly Value: ComplexType.DecimalEncoded
      readonly Below: ReadonlyArray<TreeEncoded>
    }
    const Tree: Schema.Schema<Tree, TreeEncoded> = Schema.Struct({
      Value: ComplexType.Decimal,
      Below: Schema.Array(Schema.suspend((): Schema.Schema<Tree, TreeEncoded> => Tree))
    })
    const set = EntitySet.make("A", Tree)
    const body = losslessJson.parse(
      '{"Value":1,"Below":[{"Value":2,"Below":[{"Value":12345678901234567.8,"Below":[]}]}]}'
    )
    const row = Either.getOrThrow(Either.flatMap(body, (json) => set.decode(json)))
    assert.strictEqual(
      row.Below[0]?.Below[0] === undefined ? "" : BigDecimal.format(row.Below[0].Below[0].Value),
      "12345678901234567.8"
    )
  })

  const Sparse = EntitySet.make(
    "Crm_Customers",
    Schema.Struct({
      Id: Schema.String,
      Number: Schema.NullOr(Schema.String),
      Notes: Schema.optional(Schema.NullOr(Schema.String)),
      Party: Schema.NullOr(EntitySet.expand(Schema.Struct({ Name: Schema.NullOr(Schema.String) })))
    })
  )

  it("puts back the nulls that skipnulls left out, and only then", () => {
    const skipNulls = { skipNulls: true }
    assert.deepStrictEqual(Sparse.decode({ Id: "1" }, skipNulls), Either.right({ Id: "1", Number: null, Party: null }))
    assert.deepStrictEqual(
      Sparse.decodeAll([{ Id: "1", Party: {} }], skipNulls),
      Either.right([{ Id: "1", Number: null, Party: { Name: null } }])
    )
    assert.isTrue(Either.isLeft(Sparse.decode({ Id: "1" })))
    const Kind = EntitySet.make("A", Schema.Struct({ Kind: Schema.Union(Schema.Null, Schema.Literal("New")) }))
    assert.deepStrictEqual(Kind.decode({}, skipNulls), Either.right({ Kind: null }))
    const error = Either.getOrThrow(Either.flip(Sparse.decode({ Number: "1" }, skipNulls)))
    assert.include(error.message, "is missing")
  })

  it("leaves its input as it is", () => {
    const input = Object.freeze({ Id: "1" })
    Sparse.decode(input, { skipNulls: true })
    assert.deepStrictEqual(input, { Id: "1" })
  })

  it("fails briefly, by row and field", () => {
    const error = Either.getOrThrow(
      Either.flip(
        Sparse.decodeAll([
          { Id: "1", Number: null, Party: null },
          { Id: 2, Number: null, Party: null }
        ])
      )
    )
    assert.include(error.message, '["Id"]')
    assert.include(error.message, "[1]")
    assert.isBelow(error.message.length, 300)
  })

  it("is recognised", () => {
    assert.isTrue(EntitySet.isEntitySet(Sparse))
    assert.isFalse(EntitySet.isEntitySet({ name: "A" }))
  })
})
