import { readFileSync } from "node:fs"
import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Redacted } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import * as Domain from "../../src/testing/engine/domain.ts"
import { readModelJson } from "../../src/testing/model/modelJson.ts"
import { standardModel } from "../../src/testing/model/standard.ts"
import { makeWalk } from "../tools/model/walk.ts"
import { at, errorOf, type Json, listAt, parse, query, rowsOf, sender } from "./domainFixture.ts"
import { callApi, issueToken, json, layer, send as sendHttp } from "./support.ts"

const small = { customers: 5, products: 5, salesOrders: 5 }
const make = (options: Parameters<typeof Domain.make>[0] = {}) => sender(Domain.make({ ...small, ...options }))

const some = [
  "Production_ShopFloor_WorkOrders",
  "Logistics_Inventory_Lots",
  "Projects_Agile_Cases",
  "Hr_Contracts_Contracts"
]
const sets = [...standardModel().entities.keys()]

describe("the standard model", () => {
  it("has all 655 sets, and names its source", () => {
    assert.strictEqual(sets.length, 655)
    const text = readFileSync(new URL("../../src/testing/model/standardModel.txt", import.meta.url), "utf8")
    assert.strictEqual(text.split("\n", 1)[0], "Based on the ERP.net model documentation, CC BY 4.0")
  })

  it("is one whole: references and children lead to sets, enums have members, derived types their base's members", () => {
    const { entities, enums, byType } = standardModel()
    for (const entity of entities.values()) {
      assert.strictEqual(byType.get(entity.type)?.set, entity.set)
      for (const { target } of entity.references.values()) assert(entities.has(target), `${entity.set} ${target}`)
      for (const { target, via } of entity.children.values()) {
        assert(entities.get(target)?.references.has(via), `${entity.set}: ${target} has no ${via}`)
      }
      for (const { enumName, kind } of entity.attributes.values()) {
        if (kind === "enum") assert.isAbove(enums.get(enumName ?? "")?.size ?? 0, 0, enumName)
      }
      for (const base of entity.bases) {
        for (const name of entities.get(base)?.attributes.keys() ?? []) assert(entity.attributes.has(name), name)
      }
    }
  })

  const { walk } = makeWalk(small)
  const sampled = [
    ...new Set([...sets.filter((_, index) => index % 29 === 3), ...some.filter((set) => sets.includes(set))])
  ]
  it.each(sampled)("lets everything be done that the model allows: %s", (set) => {
    const { faults, tried } = walk(set)
    assert.deepStrictEqual(faults, [])
    assert.isAbove(tried, 5)
  })

  it("is in the service document and in $metadata", () => {
    const send = make()
    assert.strictEqual(listAt(parse(send("")), "value").length, 655)
    const xml = send("$metadata").body
    assert.strictEqual(xml.match(/<EntitySet /g)?.length, 655)
    assert.include(xml, `<EntityType Name="Production_ShopFloor_WorkOrder" BaseType="Erp.General_Documents_Document">`)
    assert.include(xml, `<Property Name="StartTime" Type="Edm.TimeOfDay"`)
  })
})

describe("invented rows", () => {
  const set = "Logistics_Inventory_Lots"

  it("are the same for the same seed, and others for another", () => {
    const body = (seed: number) => make({ seed })(set, query({ $select: "*" })).body
    assert.strictEqual(body(7), body(7))
    assert.notStrictEqual(body(7), body(8))
    assert.strictEqual(rowsOf(make()(set)).length, 20)
  })

  it("are as many as an option says", () => {
    assert.deepStrictEqual(rowsOf(make({ rowsPerSet: 0 })(set)), [])
    assert.strictEqual(make({ rowsPerSet: 3_000 })(`${set}/$count`).body, "3000")
    assert.strictEqual(rowsOf(make({ rowsPerSet: 3_000 })(set, "$top=2")).length, 2)
  })

  it("are none where a row needs one of a set without rows", () => {
    assert.deepStrictEqual(rowsOf(make({ products: 0 })(set)), [])
  })

  it("are found by their id in the set of the base type, whichever set was asked for first", () => {
    const send = make()
    const [order] = rowsOf(send("Production_ShopFloor_WorkOrders"))
    const id = /\((.*)\)/.exec(String(order?.["@odata.id"]))?.[1]
    const fresh = make()
    assert.strictEqual(at(parse(fresh(`General_Documents_Documents(${id})`)), "DocumentNo"), order?.["DocumentNo"])
    assert.isAbove(rowsOf(fresh("General_Documents_Documents", "$select=DocumentId")).length, 1_000)
  })

  it("hang together: a line of a document is among the lines of it", () => {
    const orders = rowsOf(make()("Production_ShopFloor_WorkOrders", query({ $expand: "Items($select=Document)" })))
    const items = orders.flatMap((order) => listAt(order, "Items").map((item) => [order, item] as const))
    assert.isAbove(items.length, 5)
    for (const [order, item] of items) assert.strictEqual(at(item, "Document", "@odata.id"), order["@odata.id"])
  })

  it("take changes that no other instance sees", () => {
    const [one, other] = [Domain.make(small), Domain.make(small)]
    const [row] = rowsOf(sender(one)(set, "$select=Id"))
    const id = String(row?.["Id"])
    assert.isTrue(one.remove(set, id))
    assert.strictEqual(one.ids(set).length, 19)
    assert.strictEqual(other.ids(set).length, 20)
    assert.isTrue(other.update("Crm_Sales_Customers", other.ids("Crm_Sales_Customers")[0] ?? "", { Number: "X" }))
    assert.notInclude(sender(one)("Crm_Sales_Customers", "$select=Number").body, '"X"')
    assert.notInclude(sender(Domain.make(small))("Crm_Sales_Customers", "$select=Number").body, '"X"')
  })

  it("are not there in the model of the demo", () => {
    const send = make({ model: "demo" })
    assert.strictEqual(listAt(parse(send("")), "value").length, 28)
    assert.include(errorOf(send(set)).message, "Resource not found")
    assert.strictEqual(rowsOf(send("Crm_Sales_Customers")).length, 5)
  })
})

describe("rows of one's own", () => {
  it("replace those of a set, with children, references and every kind of value", () => {
    const lot = "11111111-1111-4111-8111-111111111111"
    const order = "22222222-2222-4222-8222-222222222222"
    const send = make({
      rows: {
        Logistics_Inventory_Lots: [{ Id: lot, Number: "L1", Product: null, ExpiryDate: "2026-03-04T00:00:00Z" }],
        Crm_Sales_SalesOrders: [
          {
            "@odata.id": `Crm_Sales_SalesOrders(${order})`,
            DocumentNo: "42",
            Void: false,
            Lines: [
              { LineNo: 10, Quantity: { Value: 1.5, Unit: "PCS" }, LineAmount: { Value: "12.30", Currency: "EUR" } },
              { LineNo: 20, Lot: { "@odata.id": `Logistics_Inventory_Lots(${lot})` } }
            ]
          }
        ]
      }
    })
    assert.strictEqual(send("Logistics_Inventory_Lots/$count").body, "1")
    const [row] = rowsOf(
      send(
        "Crm_Sales_SalesOrders",
        query({ $expand: "Lines($select=LineNo,Quantity,LineAmount;$expand=Lot($select=Number))" })
      )
    )
    assert.strictEqual(row?.["DocumentNo"], "42")
    const lines = [...listAt(row, "Lines")].sort((a, b) => Number(a["LineNo"]) - Number(b["LineNo"]))
    assert.deepStrictEqual(
      lines.map(({ "@odata.id": _, ...line }) => line),
      [
        { LineNo: 10, Quantity: { Value: 1.5, Unit: "PCS" }, LineAmount: { Value: 12.3, Currency: "EUR" }, Lot: null },
        {
          LineNo: 20,
          Quantity: null,
          LineAmount: null,
          Lot: { "@odata.id": `Logistics_Inventory_Lots(${lot})`, Number: "L1" }
        }
      ]
    )
  })

  it("that do not fit the model are refused by name", () => {
    const refused = (rows: NonNullable<Parameters<typeof Domain.make>[0]["rows"]>) => {
      try {
        Domain.make({ ...small, rows })
        return ""
      } catch (fault) {
        return String(fault)
      }
    }
    assert.include(refused({ Nothing: [] }), "Rows of Nothing: the model has no entity set of this name")
    assert.include(refused({ General_Documents_Documents: [{}] }), "abstract")
    assert.include(
      refused({ Crm_Sales_Customers: [{}, { Colour: 1 }] }),
      "Rows of Crm_Sales_Customers: row 1: there is no member 'Colour'"
    )
    assert.include(refused({ Crm_Sales_Customers: [{ Number: 7 }] }), "Number")
    assert.include(refused({ Crm_Sales_Customers: [{ Party: "x" }] }), "Party")
  })
})

const own = [
  {
    Name: "Shop_CustomEntityOrders",
    ObjectType: "Shop_CustomEntityOrder",
    TableName: "Shop_Orders",
    IsAggregateRoot: true,
    Attributes: [
      { Name: "Id", Type: "Guid", ReadOnly: true, BaseInfo: { Nullable: false, SupportedFilters: "Equals, EqualsIn" } },
      {
        Name: "Code",
        Type: "Edm.String",
        BaseInfo: { Nullable: false, MaxLength: 5, Orderable: true, SupportedFilters: ["Equals", "Like"] }
      },
      { Name: "Stage", Type: "Erp.Shop_Stage", BaseInfo: null, enumValues: [{ Value: 3, Name: "Packed" }] },
      {
        Name: "CustomProperty_colour",
        Type: "CustomPropertyValue",
        IsCustomProperty: true,
        BaseInfo: { SupportedFilters: "Equals" }
      },
      { Name: "Total", Type: "Amount", BaseInfo: { Nullable: false, Precision: 14, Scale: 2 } }
    ],
    References: null,
    ChildCollections: [{ Name: "Lines", ChildEntitySet: "Shop_CustomSubEntityLines" }]
  },
  {
    Name: "Shop_CustomSubEntityLines",
    ObjectType: "Shop_CustomSubEntityLine",
    Attributes: [{ Name: "Note", Type: "String", BaseInfo: { SupportedFilters: "NotFilterable" } }],
    References: [
      {
        Name: "Order",
        ReferencedEntitySet: "Shop_CustomEntityOrders",
        IsOwnership: true,
        BaseInfo: { Nullable: false }
      }
    ]
  }
]

describe("a model of one's own", () => {
  it("has its sets, custom properties and rows, and nothing of the demo but currencies and units", () => {
    const send = make({ model: own, rowsPerSet: 4, strictFilters: true })
    assert.deepStrictEqual(
      listAt(parse(send("")), "value").map((item) => item["name"]),
      [
        "General_Currencies_Currencies",
        "General_Products_MeasurementCategories",
        "General_Products_MeasurementUnits",
        "Shop_CustomEntityOrders",
        "Shop_CustomSubEntityLines"
      ]
    )
    const rows = rowsOf(
      send("Shop_CustomEntityOrders", query({ $select: "default,CustomProperty_colour", $expand: "Lines" }))
    )
    assert.strictEqual(rows.length, 4)
    for (const row of rows) {
      assert.match(String(row["Code"]), /^N000\d$/)
      assert.include(["EUR"], at(row, "Total", "Currency"))
    }
    assert.strictEqual(rows.flatMap((row) => listAt(row, "Lines")).length, 4)
    assert.strictEqual(rowsOf(send("Shop_CustomEntityOrders", query({ $filter: "Code eq 'N0001'" }))).length, 1)
    assert.include(
      errorOf(send("Shop_CustomEntityOrders", query({ $filter: "TotalValue ge 1" }))).message,
      "NotFilterable"
    )
    assert.include(send("$metadata").body, `<EnumType Name="Shop_Stage"><Member Name="Packed" Value="3"/></EnumType>`)
  })

  it("is read from what an instance answers: every set comes back as it was", () => {
    const text = Domain.make(small).describe("currentmodel", undefined, true, "27.1.9.9") ?? ""
    const read = Either.getOrThrow(readModelJson(JSON.parse(text)))
    const { entities } = standardModel()
    assert.strictEqual(read.entities.size, 655)
    for (const [set, entity] of entities) {
      const again = read.entities.get(set)
      const shape = (model: typeof entity | undefined) => ({
        type: model?.type,
        base: model?.base,
        root: model?.root,
        view: model?.view,
        storedIn: [...(model?.storedIn ?? [])].sort(),
        attributes: [...(model?.attributes.values() ?? [])]
          .map(({ by: _, since: __, unique: ___, ...attribute }) => ({
            ...attribute,
            filters: [...attribute.filters].sort()
          }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
        children: model?.children
      })
      assert.deepStrictEqual(shape(again), shape(entity), set)
    }
  })

  it("is refused where it is something else", () => {
    const reason = (json: unknown) => Either.getOrElse(Either.flip(readModelJson(json)), () => "")
    assert.include(reason({}), "ReadonlyArray")
    assert.include(reason([]), "no entity set")
    assert.include(reason([own[0], own[0]]), "one name")
    assert.include(
      reason([{ Name: "X", Attributes: [{ Name: "A", Type: "Erp.Colour" }] }]),
      "X.A has the type Erp.Colour"
    )
    assert.include(reason([{ Name: "X" }]), "Attributes")
  })
})

describe("the model pages", () => {
  const page = (path: string, headers = {}) => sendHttp(HttpClientRequest.get(`/api/domain/${path}`, { headers }))

  it.effect("standardmodel is for anyone; currentmodel needs a token that may read", () =>
    Effect.gen(function* () {
      const anyone = yield* page("standardmodel")
      assert.strictEqual(anyone.status, 200)
      assert.match(anyone.headers["content-type"] ?? "", /^application\/json/)
      assert.strictEqual((json(anyone) as ReadonlyArray<Json>).length, 655)
      const refused = yield* page("currentmodel")
      assert.strictEqual(refused.status, 401)
      assert.match(refused.headers["www-authenticate"] ?? "", /^Bearer/)
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const writer = yield* erp.issueReferenceToken({ clientId: "my.trusted.app/service", scope: "update" })
      const authorization = `Bearer ${Redacted.value(writer)}`
      assert.strictEqual((yield* page("currentmodel", { authorization })).status, 403)
      const got = yield* callApi(yield* issueToken(), "/api/domain/currentmodel?details=true")
      assert.strictEqual(got.status, 200)
      assert.strictEqual((json(got) as ReadonlyArray<Json>).length, 655)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("a list is brief, one set and a list with details are not; nulls are kept in detail", () =>
    Effect.gen(function* () {
      const [brief] = json(yield* page("standardmodel")) as ReadonlyArray<Json>
      assert.notProperty(brief, "Attributes")
      assert.notProperty(brief, "LocalizedDescription")
      const one = json(yield* page("standardmodel/Crm_Sales_Customers"))
      assert.strictEqual(at(one, "RepositoryName"), "Crm.Sales.Customers")
      assert.strictEqual(at(one, "LocalizedDescription"), null)
      const attributes = listAt(one, "Attributes")
      const number = attributes.find((attribute) => attribute["Name"] === "Number")
      assert.strictEqual(at(number, "BaseInfo", "SupportedFilters"), "Equals, Like")
      assert.strictEqual(at(number, "BaseInfo", "Orderable"), true)
      assert.strictEqual(at(number, "BaseInfo", "MaxLength"), 16)
      const limit = attributes.find((attribute) => attribute["Name"] === "CreditLimit")
      assert.strictEqual(at(limit, "BaseInfo", "SupportedFilters"), "NotFilterable")
      const party = listAt(one, "References").find((reference) => reference["Name"] === "Party")
      assert.strictEqual(party?.["IsFilterable"], true)
      assert.strictEqual(party?.["ReferencedEntitySet"], "General_Contacts_Parties")
      assert.isTrue(listAt(one, "Methods").some((method) => method["Name"] === "CreateCopy"))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("only currentmodel has custom members; a set that is not there is 404, and writing is not allowed", () =>
    Effect.gen(function* () {
      const custom = (value: unknown) =>
        listAt(value, "Attributes").filter((attribute) => attribute["IsCustomProperty"] === true).length
      const path = "Crm_Sales_Customers"
      assert.strictEqual(custom(json(yield* page(`standardmodel/${path}`))), 0)
      const token = yield* issueToken()
      assert.strictEqual(custom(json(yield* callApi(token, `/api/domain/currentmodel/${path}`))), 1)
      assert.strictEqual((yield* page("standardmodel/Nothing")).status, 404)
      assert.strictEqual((yield* sendHttp(HttpClientRequest.post("/api/domain/standardmodel"))).status, 405)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("have the names of an older server", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* page("standardmodel/Crm_Customers")).status, 200)
      assert.strictEqual((yield* page("standardmodel/Crm_Sales_Customers")).status, 404)
      const one = json(yield* page("standardmodel/Crm_Customers"))
      assert.notInclude(JSON.stringify(one), "AggregateLastUpdateTimeUtc")
    }).pipe(Effect.provide(layer({ renamedNames: "byVersion", version: "24.2.0.1" })))
  )
})
