import { assert, describe, it } from "@effect/vitest"
import * as Domain from "../../src/testing/engine/domain.ts"
import { compareDecimals } from "../../src/testing/model/decimal.ts"
import { model } from "../../src/testing/model/sets.ts"
import { at, listAt, parse, query, rowsOf, sender, textAt } from "./domainFixture.ts"

const domain = Domain.make({})
const send = sender(domain)

describe("Domain $metadata", () => {
  const reply = send("$metadata")
  const xml = reply.body

  it("is an EDMX document with everything in the Erp schema", () => {
    assert.strictEqual(reply.headers["content-type"], "application/xml")
    assert.strictEqual(xml.match(/<Schema /g)?.length, 1)
    assert.include(xml, `<Schema Namespace="Erp" xmlns="http://docs.oasis-open.org/odata/ns/edm">`)
    assert.include(xml, `<EntitySet Name="Crm_Sales_Customers" EntityType="Erp.Crm_Sales_Customer"/>`)
    assert.strictEqual(send("%24metadata").body, xml)
  })

  it("is well formed and defines every type it names", () => {
    const open: Array<string> = []
    for (const [, slash, name = "", rest = ""] of xml.matchAll(/<(\/?)([A-Za-z:]+)([^<>]*)>/g)) {
      if (slash === "/") assert.strictEqual(open.pop(), name)
      else if (!rest.endsWith("/")) open.push(name)
    }
    assert.deepStrictEqual(open, [])
    const defined = new Set(
      [...xml.matchAll(/<(?:EntityType|EnumType|ComplexType) Name="(\w+)"/g)].map((match) => match[1])
    )
    const operations = new Set([...xml.matchAll(/<(?:Function|Action) Name="(\w+)"/g)].map((match) => match[1]))
    for (const [, name = ""] of xml.matchAll(/"(?:Collection\()?Erp\.(\w+)\)?"/g)) {
      if (name === "EntityName" || operations.has(name)) continue
      assert(defined.has(name), `Erp.${name} is not defined`)
    }
  })

  it("describes types, keys, ownership and tables", () => {
    for (const part of [
      `<Property Name="Number" Type="Edm.String" MaxLength="16"/>`,
      `<Property Name="CreditLimit" Type="Erp.Amount"/>`,
      `<NavigationProperty Name="Party" Type="Erp.General_Contacts_Party" Nullable="false"/>`,
      `<NavigationProperty Name="Products" Type="Collection(Erp.Crm_Sales_CustomerProduct)"/>`,
      `<Annotation Term="Erp.EntityName" String="Crm_Customers"/>`,
      `<EntityType Name="General_Contacts_Party" Abstract="true"><Key><PropertyRef Name="PartyId"/></Key>`,
      `<EntityType Name="General_Contacts_Person" BaseType="Erp.General_Contacts_Party">`,
      `<NavigationProperty Name="SalesOrder" Type="Erp.Crm_Sales_SalesOrder" Nullable="false"><OnDelete Action="Cascade"/>`,
      `<EntityType Name="Crm_Sales_CustomerExternalAcces">`,
      `<EnumType Name="General_Products_ProductsRepository_ABCClass"><Member Name="A" Value="0"/>`,
      `<Action Name="CreateCopy" IsBound="true"><Parameter Name="entity" Type="Erp.Crm_Sales_Customer"/><ReturnType Type="Edm.EntityType"/></Action>`,
      `<Action Name="ChangeState" IsBound="true"><Parameter Name="entity" Type="Erp.Crm_Sales_SalesOrder"/>`,
      `<ActionImport Name="BeginTransaction" Action="Erp.BeginTransaction"/>`
    ]) {
      assert.include(xml, part)
    }
  })

  it("has the names of an older server, and not its later attributes", () => {
    const old = sender(Domain.make({ renamedNames: "byVersion" }))("$metadata", "", { version: "24.2.0.1" }).body
    assert.include(old, `<EntitySet Name="Crm_Customers" EntityType="Erp.Crm_Sales_Customer"/>`)
    assert.notInclude(old, "AggregateLastUpdateTimeUtc")
    assert.include(xml, "AggregateLastUpdateTimeUtc")
  })
})

describe("Domain model", () => {
  it("refers only to sets it has", () => {
    for (const entity of model.entities.values()) {
      for (const reference of entity.references.values()) {
        assert(model.entities.has(reference.target), `${entity.set}/${reference.name} -> ${reference.target}`)
      }
      for (const children of entity.children.values()) {
        assert.strictEqual(model.entities.get(children.target)?.references.get(children.via)?.target, entity.set)
      }
      for (const attribute of entity.attributes.values()) {
        if (attribute.kind === "enum") {
          const members = model.enums.get(attribute.enumName ?? "")
          assert(members, `${entity.set}/${attribute.name}`)
          if (attribute.defaultValue !== undefined) assert(members.has(attribute.defaultValue))
        }
      }
    }
  })
})

describe("Domain seed", () => {
  it("is the same for the same seed, and different for another", () => {
    const body = (seed: number) => sender(Domain.make({ seed }))("Crm_Sales_Customers", "$expand=Party").body
    assert.strictEqual(body(1), body(1))
    assert.strictEqual(body(1), send("Crm_Sales_Customers", "$expand=Party").body)
    assert.notStrictEqual(body(1), body(2))
  })

  it("does not change customers when there are more of other things", () => {
    const other = sender(Domain.make({ products: 7, salesOrders: 3 }))
    assert.strictEqual(other("Crm_Sales_Customers").body, send("Crm_Sales_Customers").body)
  })

  it("makes as much as it was told", () => {
    const small = sender(Domain.make({ customers: 2, products: 3, salesOrders: 4 }))
    const count = (set: string) => small(`${set}/$count`).body
    assert.deepStrictEqual(["Crm_Sales_Customers", "General_Products_Products", "Crm_Sales_SalesOrders"].map(count), [
      "2",
      "3",
      "4"
    ])
    const empty = sender(Domain.make({ customers: 0, products: 0, salesOrders: 10 }))
    assert.strictEqual(empty("Crm_Sales_SalesOrders/$count").body, "0")
    assert.deepStrictEqual(rowsOf(empty("Crm_Sales_Customers", "$top=10")), [])
  })

  it("fills every required member, with values of its kind and references that lead somewhere", () => {
    const some = sender(Domain.make({ customers: 60, products: 40, salesOrders: 60 }))
    for (const entity of model.entities.values()) {
      const attributes = [...entity.attributes.keys()].join()
      const references = [...entity.references.keys()]
      const newest = { version: "27.1.0.0" }
      const rows = rowsOf(
        some(
          entity.set,
          query({
            $select: attributes,
            ...(references.length > 0 ? { $expand: references.map((name) => `${name}($select=Id)`).join() } : {})
          }),
          newest
        )
      )
      const plain = rowsOf(some(entity.set, query({ $select: ["Id", ...references].join() })))
      for (const [index, row] of rows.entries()) {
        for (const attribute of entity.attributes.values()) {
          const where = `${entity.set}/${attribute.name}`
          const value = at(row, attribute.name)
          if (value === null) {
            assert.isFalse(attribute.required, where)
            continue
          }
          switch (attribute.kind) {
            case "boolean":
              assert.isBoolean(value, where)
              break
            case "int":
              assert(Number.isInteger(value), where)
              break
            case "date":
            case "dateTime":
              assert.match(String(value), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/, where)
              break
            case "enum":
              assert(model.enums.get(attribute.enumName ?? "")?.has(String(value)), where)
              break
            case "string":
              assert.isString(value, where)
              assert.isAtMost(String(value).length, attribute.maxLength ?? Number.POSITIVE_INFINITY, where)
              break
            case "amount":
            case "quantity":
              assert.isNumber(at(value, "Value"), where)
              assert.isString(at(value, attribute.kind === "amount" ? "Currency" : "Unit"), where)
              break
            case "multilanguage":
              assert.isString(at(value, "EN"), where)
              break
            default:
          }
        }
        for (const reference of entity.references.values()) {
          const link = at(plain[index], reference.name)
          if (reference.required) assert.isNotNull(link, `${entity.set}/${reference.name}`)
          if (link !== null)
            assert.isString(at(row, reference.name, "Id"), `${entity.set}/${reference.name} leads nowhere`)
        }
      }
    }
  })

  it("writes amounts with the digits their scale has", () => {
    const body = send("Crm_Sales_SalesOrderLines", "$select=LineAmount,UnitPrice,Quantity&$top=50").body
    for (const [, value = ""] of body.matchAll(/"LineAmount":\{"Value":([^,]+),/g)) assert.match(value, /^\d+\.\d{2}$/)
    for (const [, value = ""] of body.matchAll(/"UnitPrice":\{"Value":([^,]+),/g)) assert.match(value, /^\d+\.\d{5}$/)
    for (const [, value = ""] of body.matchAll(/"Quantity":\{"Value":([^,]+),/g)) assert.match(value, /^\d+\.\d{3}$/)
  })

  it("links orders, lines and products plausibly", () => {
    const orders = listAt(
      parse(
        send(
          "Crm_Sales_SalesOrders",
          query({ $expand: "Lines($expand=Product($expand=MeasurementUnit)),Customer,ToParty($select=Id)" })
        )
      ),
      "value"
    )
    for (const order of orders) {
      assert.strictEqual(textAt(order, "Customer", "Party", "@odata.id"), textAt(order, "ToParty", "@odata.id"))
      const lines = listAt(order, "Lines")
      assert.deepStrictEqual(
        lines.map((line) => Number(at(line, "LineNo"))).sort((a, b) => a - b),
        lines.map((_, index) => (index + 1) * 10)
      )
      for (const line of lines) {
        assert.strictEqual(textAt(line, "SalesOrder", "@odata.id"), textAt(order, "@odata.id"))
        assert.strictEqual(at(line, "Quantity", "Unit"), at(line, "Product", "MeasurementUnit", "Code"))
        const full = Number(at(line, "Quantity", "Value")) * Number(at(line, "UnitPrice", "Value"))
        const discount = Number(at(line, "LineCustomDiscountPercent"))
        assert.approximately(Number(at(line, "LineAmount", "Value")), full * (1 - discount), 0.006)
      }
    }
  })

  it("has 100,000 customers at once and pages through them cheaply", () => {
    const big = Domain.make({ customers: 100_000 })
    const to = sender(big)
    const ids = big.ids("Crm_Sales_Customers")
    assert.strictEqual(ids.length, 100_000)
    assert.strictEqual(new Set(ids).size, 100_000)
    const page = rowsOf(to("Crm_Sales_Customers", `$top=1000&$select=Id&$skiptoken=${ids[99_500]}`))
    assert.deepStrictEqual(
      page.map((row) => at(row, "Id")),
      ids.slice(99_500)
    )
  })
})

describe("decimals", () => {
  it("compare by value, not by text", () => {
    const cases: ReadonlyArray<readonly [string, string, number]> = [
      ["1", "1.000", 0],
      ["10", "9", 1],
      ["-0.5", "0.4", -1],
      ["-1.5", "-1.25", -1],
      ["1e3", "1000", 0],
      ["1.5e-1", "0.15", 0],
      ["999999999999999.99", "999999999999999.98", 1],
      ["1234567890123456.78", "1234567890123456.780", 0]
    ]
    for (const [left, right, order] of cases)
      assert.strictEqual(compareDecimals(left, right), order, `${left} ${right}`)
  })
})
