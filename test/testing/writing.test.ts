import { assert, describe, it } from "@effect/vitest"
import { at, listAt, query, serviceRoot, textAt } from "./domainFixture.ts"
import { Client, link, now, orderBody, productBody, today } from "./writeFixture.ts"

const customers = "Crm_Sales_Customers"
const products = "General_Products_Products"
const conflict = { DefaultPaymentTermDays: 3, ObjectVersion: 1_000 }

const customerBody = (client: Client, more: object = {}) => ({
  Party: link(client.first("General_Contacts_Companies")),
  ...more
})

describe("creating", () => {
  it("answers 201 with the entity and its address", () => {
    const client = new Client()
    const reply = client.send("POST", customers, customerBody(client, { GracePeriodDays: 4 }))
    assert.strictEqual(reply.status, 201)
    const body = JSON.parse(reply.body)
    assert.strictEqual(body["@odata.context"], `${serviceRoot}$metadata#${customers}/$entity`)
    assert.strictEqual(reply.headers["location"], `${serviceRoot}${body["@odata.id"]}`)
    assert.strictEqual(reply.headers["odata-version"], "4.0")
    assert.strictEqual(body["GracePeriodDays"], 4)
    assert.deepStrictEqual(client.get(body["@odata.id"]), body)
  })

  it("answers with what $select and $expand ask for", () => {
    const client = new Client()
    const reply = client.send("POST", `${customers}?$select=Id&$expand=Party($select=PartyCode)`, customerBody(client))
    assert.sameMembers(Object.keys(JSON.parse(reply.body)), ["@odata.context", "@odata.id", "Id", "Party"])
    const count = client.ids(customers).length
    assert.strictEqual(client.send("POST", `${customers}?$select=Nonsense`, customerBody(client)).status, 500)
    assert.strictEqual(client.ids(customers).length, count)
  })

  it("fills in the defaults of the model, the author and the versions", () => {
    const client = new Client()
    const id = client.create(customers, customerBody(client))
    const select = "default,Id,ObjectVersion,AggregateLastUpdateTimeUtc,ExternalId"
    assert.deepInclude(client.get(`${id}?$select=${select}`), {
      Active: true,
      AllowUseAsShipToCustomer: false,
      DefaultPaymentTermDays: 0,
      FromDate: today,
      ThruDate: null,
      CreditLimit: null,
      CreationTime: "2026-07-14T09:30:00Z",
      CreationUser: "svc.integration",
      UpdateTime: "2026-07-14T09:30:00Z",
      UpdateUser: "svc.integration",
      ObjectVersion: 1,
      AggregateLastUpdateTimeUtc: "2026-07-14T09:30:00Z",
      ExternalId: null
    })
  })

  it("numbers customers by the highest number, and keeps a number that was sent", () => {
    const client = new Client()
    assert.strictEqual(client.value(client.create(customers, customerBody(client)), "Number"), "000007")
    assert.strictEqual(
      client.value(client.create(customers, customerBody(client, { Number: "000041" })), "Number"),
      "000041"
    )
    client.create(customers, customerBody(client, { Number: "A-7" }))
    assert.strictEqual(client.value(client.create(customers, customerBody(client, { Number: "" })), "Number"), "000042")
  })

  it("completes a product from its group, a group from its parent, a party from its names", () => {
    const client = new Client()
    const product = client.get(`${client.create(products, productBody())}?$expand=ProductType,MeasurementUnit`)
    assert.strictEqual(textAt(product, "MeasurementUnit", "Code"), "PCS")
    assert.strictEqual(textAt(product, "ProductType", "Code"), "GOODS")
    assert.deepStrictEqual(product["StandardLotSizeBase"], { Value: 1, Unit: "PCS" })
    assert.strictEqual(product["UseLots"], "Allowed")
    const group = client.create("General_Products_ProductGroups", {
      Code: "LMP",
      Name: { EN: "Lamps" },
      ParentGroup: { Code: "OFF" }
    })
    assert.strictEqual(client.value(group, "FullPath"), "/OFF/LMP/")
    const person = client.create("General_Contacts_Persons", {
      FirstName: { EN: "Ada", BG: "Ада" },
      LastName: { EN: "King" }
    })
    assert.deepInclude(client.get(person), { PartyName: { EN: "Ada King", BG: "Ада" }, PartyType: "Person" })
    client.patch(person, { LastName: { EN: "Lovelace" } })
    assert.deepStrictEqual(client.value(person, "PartyName"), { EN: "Ada Lovelace", BG: "Ада" })
  })

  it("takes an id of the client's own once", () => {
    const client = new Client()
    const Id = "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"
    assert.strictEqual(client.create(customers, customerBody(client, { Id })), `${customers}(${Id})`)
    assert.strictEqual(client.refused("POST", customers, customerBody(client, { Id })).code, 2129)
    assert.strictEqual(client.refused("PATCH", client.first(customers), { Id }).status, 500)
  })

  it("wants the required members", () => {
    const client = new Client()
    const { code, message } = client.refused("POST", products, productBody({ Name: null }))
    assert.strictEqual(code, 2029)
    assert.match(message, /^An error occurred while saving data to the database\r\n.*'Name'/)
    assert.match(client.refused("POST", customers, {}).message, /'Party'/)
    assert.match(client.refused("PATCH", client.first(products), { PartNumber: "" }).message, /'PartNumber'/)
    assert.match(client.refused("PATCH", client.first(customers), { Party: null }).message, /'Party'/)
  })

  it("creates abstract types only by the name of a derived one", () => {
    const client = new Client()
    const parties = "General_Contacts_Parties"
    assert.match(client.refused("POST", parties, { PartyCode: "X1" }).message, /abstract/)
    for (const type of ["Erp.General_Contacts_Company", "#Erp.General_Contacts_Company"]) {
      const id = client.create(parties, { "@odata.type": type, Name: { EN: "Acme" } })
      assert.match(id, /^General_Contacts_Companies\(/)
      assert.deepInclude(client.get(id), { PartyName: { EN: "Acme" }, PartyType: "Company" })
    }
    for (const type of ["Erp.Crm_Sales_Customer", "Erp.Nothing", "General_Contacts_Company", 7]) {
      assert.match(client.refused("POST", parties, { "@odata.type": type, Name: { EN: "Acme" } }).message, /type/)
    }
  })
})

describe("changing and deleting", () => {
  it("changes what is sent and nothing else", () => {
    const client = new Client()
    const id = client.first(customers)
    const before = client.get(id)
    client.patch(id, { GracePeriodDays: 77, "@odata.type": "#Erp.Crm_Sales_Customer" })
    assert.deepStrictEqual(client.get(id), {
      ...before,
      GracePeriodDays: 77,
      UpdateTime: "2026-07-14T09:30:00Z",
      UpdateUser: "svc.integration"
    })
  })

  it("moves no version when nothing changes", () => {
    const client = new Client()
    const id = client.first(customers)
    const before = client.dump()
    client.patch(id, { GracePeriodDays: client.value(id, "GracePeriodDays"), Party: client.value(id, "Party") })
    assert.strictEqual(client.dump(), before)
  })

  it("answers 404 for what does not exist", () => {
    const client = new Client()
    const id = `${customers}(0e8fb111-5b04-4eab-a890-47cfb9cfa4c4)`
    for (const method of ["PATCH", "DELETE"]) assert.strictEqual(client.refused(method, id, {}).status, 404)
    assert.strictEqual(new Client({ missingKeyStatus: 500 }).refused("DELETE", id).status, 500)
    assert.strictEqual(client.refused("POST", client.first(customers), {}).status, 405)
  })

  it("deletes an object with what it owns", () => {
    const client = new Client()
    const [order = ""] = client.ids("Crm_Sales_SalesOrders").filter((id) => client.value(id, "State") === "New")
    const lines = listAt(client.get(`${order}?$expand=Lines/$ref`), "Lines").map((line) => textAt(line, "@odata.id"))
    assert.isAbove(lines.length, 0)
    client.remove(order)
    for (const id of [order, ...lines]) assert.strictEqual(client.send("GET", id).status, 404)
  })

  it("may keep what others refer to", () => {
    const strict = new Client({ deleteReferenced: "refused" })
    const order = strict.first("Crm_Sales_SalesOrders")
    const customer = textAt(strict.value(order, "Customer"), "@odata.id")
    assert.match(strict.refused("DELETE", customer).message, /Crm_Sales_SalesOrders\(/)
    strict.remove(strict.create(customers, customerBody(strict)))
    const lax = new Client()
    lax.remove(textAt(lax.value(lax.first("Crm_Sales_SalesOrders"), "Customer"), "@odata.id"))
  })

  it("needs the scope update", () => {
    const client = new Client().with({ scopes: ["read"] })
    const id = client.first(customers)
    for (const [method, url] of [
      ["POST", customers],
      ["PATCH", id],
      ["DELETE", id],
      ["POST", "BeginTransaction"]
    ] as const) {
      assert.deepInclude(client.send(method, url, {}), { status: 403, body: "" })
    }
    assert.strictEqual(client.with({ scopes: ["update"] }).send("GET", id).status, 403)
    const talkative = new Client({ readOnlyWrite: 500 }, { scopes: ["read"] })
    assert.match(talkative.refused("DELETE", id).message, /update/)
    assert.strictEqual(new Client({ enforceScopes: false }, { scopes: [] }).send("DELETE", id).status, 204)
  })

  it("leaves nothing behind when a part of it fails", () => {
    const client = new Client()
    const before = client.dump()
    client.refused("POST", "Crm_Sales_SalesOrders", {
      ...orderBody(client),
      Customer: { Number: "NEW", Party: link(client.first("General_Contacts_Companies")) },
      Nonsense: 1
    })
    client.refused("PATCH", client.first(customers), { GracePeriodDays: 1, CreationUser: "me" })
    assert.strictEqual(client.dump(), before)
  })
})

describe("values", () => {
  const client = new Client()
  const product = client.first(products)
  const customer = client.first(customers)

  const roundTrips: ReadonlyArray<readonly [id: string, name: string, sent: unknown, read?: unknown]> = [
    [customer, "Number", "Zürich'1"],
    [customer, "Active", false],
    [customer, "GracePeriodDays", -2_147_483_648],
    [customer, "FromDate", "2024-02-29T10:11:12.5Z", "2024-02-29T10:11:12.500Z"],
    [customer, "FromDate", "2024-02-29T01:00:00+02:00", "2024-02-28T23:00:00Z"],
    [customer, "FromDate", "2024-02-29", "2024-02-29T00:00:00Z"],
    [customer, "CreditLimit", { Value: 10.505, Currency: "usd" }, { Value: 10.51, Currency: "USD" }],
    [customer, "CreditLimit", { Value: "7", Currency: "EUR" }, { Value: 7, Currency: "EUR" }],
    [customer, "CreditLimit", null],
    [customer, "CustomProperty_segment", { Value: "odd" }, { Value: "odd", ValueId: null, Description: null }],
    [customer, "AdditionalDataJson", '{"app":{"a":1}}'],
    [product, "ScrapRate", 0.1234567, 0.123457],
    [product, "Name", { en: "Lamp", De: "Lampe" }, { EN: "Lamp", DE: "Lampe" }],
    [product, "ABCClass", "C"],
    [product, "SupplySchemaId", "0E8FB111-5B04-4EAB-A890-47CFB9CFA4C4", "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"],
    [product, "Description", null]
  ]
  for (const [id, name, sent, read = sent] of roundTrips) {
    it(`keeps ${name} ${JSON.stringify(sent)}`, () => {
      const newest = client.with({ version: "26.3.100.4" })
      newest.patch(id, { [name]: sent })
      assert.deepStrictEqual(newest.value(id, name), read)
    })
  }

  it("keeps every digit of an amount", () => {
    client.send("PATCH", customer, '{"CreditLimit":{"Value":1234567890123456.78,"Currency":"EUR"}}')
    assert.include(client.send("GET", customer).body, '{"Value":1234567890123456.78,"Currency":"EUR"}')
  })

  const refusals: ReadonlyArray<readonly [id: string, name: string, sent: unknown]> = [
    [customer, "Number", 7],
    [customer, "Number", "12345678901234567"],
    [customer, "Active", "true"],
    [customer, "GracePeriodDays", 2_147_483_648],
    [customer, "GracePeriodDays", 1.5],
    [customer, "FromDate", "2024-02-30"],
    [customer, "FromDate", 0],
    [customer, "CreditLimit", { Value: 1e17, Currency: "EUR" }],
    [customer, "CreditLimit", { Value: 1, Currency: "XXX" }],
    [customer, "CreditLimit", { Value: 1 }],
    [customer, "CreditLimit", { Value: "1e999999999", Currency: "EUR" }],
    [customer, "CreditLimit", { Value: 1, Unit: "EUR" }],
    [customer, "CreditLimit", 1],
    [customer, "AdditionalDataJson", "[1]"],
    [customer, "AdditionalDataJson", { a: 1 }],
    [customer, "AdditionalDataJson", JSON.stringify({ a: "x".repeat(32_000) })],
    [customer, "CreationUser", "me"],
    [customer, "AggregateLastUpdateTimeUtc", "2024-01-01"],
    [customer, "DisplayText", "x"],
    [customer, "CalculatedAttribute_LoyaltyNumber", 1],
    [customer, "Nonsense", 1],
    [product, "Name", "Lamp"],
    [product, "Name", { EN: 1 }],
    [product, "Name", { English: "Lamp" }],
    [product, "Name", { EN: "x".repeat(255) }],
    [product, "ABCClass", "D"],
    [product, "ABCClass", 1],
    [product, "SupplySchemaId", "x"],
    [product, "Prices", {}],
    [product, "ProductGroup", "General_Products_ProductGroups(x)"]
  ]
  for (const [id, name, sent] of refusals) {
    it(`refuses ${name} ${JSON.stringify(sent).slice(0, 60)}`, () => {
      const newest = client.with({ version: "26.3.100.4" })
      const before = newest.dump()
      const { message, status } = newest.refused("PATCH", id, { [name]: sent })
      assert.strictEqual(status, 500)
      if (name !== "CreditLimit" || !JSON.stringify(sent).includes("XXX")) assert.include(message, name)
      assert.strictEqual(newest.dump(), before)
    })
  }

  it("clears AdditionalDataJson with an empty text and leaves it with null", () => {
    const newest = client.with({ version: "26.3.100.4" })
    newest.patch(customer, { AdditionalDataJson: '{"a":1}' })
    newest.patch(customer, { AdditionalDataJson: null })
    assert.strictEqual(newest.value(customer, "AdditionalDataJson"), '{"a":1}')
    newest.patch(customer, { AdditionalDataJson: "" })
    assert.strictEqual(newest.value(customer, "AdditionalDataJson"), null)
    assert.match(client.refused("PATCH", customer, { AdditionalDataJson: "{}" }).message, /AdditionalDataJson/)
  })

  it("replaces all languages of a text at once", () => {
    client.patch(product, { Name: { EN: "Lamp", BG: "Лампа" } })
    client.patch(product, { Name: { BG: "Лампион" } })
    assert.deepStrictEqual(client.value(product, "Name"), { BG: "Лампион" })
  })

  it("refuses a body that is not a JSON object", () => {
    for (const body of ["{", "[]", "1", '{"a":1}}'])
      assert.strictEqual(client.refused("PATCH", customer, body).status, 500)
  })
})

describe("currencies and units", () => {
  const created = (more: object) => {
    const client = new Client()
    const order = client.create("Crm_Sales_SalesOrders", orderBody(client, {}, more))
    return { client, order, line: textAt(client.get(`${order}?$expand=Lines/$ref`), "Lines", 0, "@odata.id") }
  }

  it("take the reference of the same entity from the code, in any case", () => {
    const { client, line } = created({ Quantity: { Value: 2, Unit: "box" } })
    const read = client.get(`${line}?$expand=QuantityUnit($select=Code)`)
    assert.deepStrictEqual(read["Quantity"], { Value: 2, Unit: "BOX" })
    assert.strictEqual(textAt(read, "QuantityUnit", "Code"), "BOX")
    assert.deepStrictEqual(read["QuantityBase"], { Value: 24, Unit: "PCS" })
    client.patch(line, { QuantityUnit: { Code: "PCS" } })
    assert.deepStrictEqual(client.value(line, "Quantity"), { Value: 2, Unit: "PCS" })
  })

  it("may be left out where the effective one is known", () => {
    const { client, line } = created({ UnitPrice: { Value: 4 } })
    assert.deepStrictEqual(client.value(line, "UnitPrice"), { Value: 4, Currency: "EUR" })
  })

  it("are refused when they contradict", () => {
    const client = new Client()
    const post = (line: object) => client.refused("POST", "Crm_Sales_SalesOrders", orderBody(client, {}, line)).message
    assert.match(post({ UnitPrice: { Value: 4, Currency: "USD" } }), /'USD'.*'UnitPrice'.*'EUR'/)
    assert.match(post({ QuantityUnit: { Code: "BOX" } }), /'QuantityUnit' is given twice/)
  })

  it("of a price go to its own references", () => {
    const client = new Client()
    const price = client.create("Crm_Pricing_ProductPrices", {
      Product: { PartNumber: "OFF0001" },
      Price: { Value: 12.5, Currency: "USD" }
    })
    const read = client.get(`${price}?$expand=Currency,PriceQuantityMeasurementUnit`)
    assert.strictEqual(textAt(read, "Currency", "CurrencySign"), "USD")
    assert.deepStrictEqual(read["PriceQuantity"], { Value: 1, Unit: "PCS" })
  })
})

describe("optimistic locking", () => {
  it("takes a change under the current version once", () => {
    const client = new Client()
    const id = client.first(customers)
    const version = Number(client.value(id, "ObjectVersion"))
    client.patch(id, { ObjectVersion: version, GracePeriodDays: 91 })
    assert.strictEqual(client.value(id, "ObjectVersion"), version + 1)
    const { message, status } = client.refused("PATCH", id, { ObjectVersion: version, GracePeriodDays: 92 })
    assert.strictEqual(status, 500)
    assert.match(message, /ObjectVersion/)
    assert.strictEqual(client.value(id, "GracePeriodDays"), 91)
    client.patch(id, { GracePeriodDays: 93 })
  })

  it("may answer 409 or 412", () => {
    for (const status of [409, 412] as const) {
      const client = new Client({ objectVersionConflict: status })
      assert.strictEqual(client.refused("PATCH", client.first(customers), conflict).status, status)
    }
  })

  it("moves the version and the time of the root with any change in its tree", () => {
    const client = new Client()
    const order = client.create("Crm_Sales_SalesOrders", orderBody(client))
    const line = textAt(client.get(`${order}?$expand=Lines/$ref`), "Lines", 0, "@odata.id")
    const later = client.with({ now: now + 60_000 })
    const state = () => {
      const row = client.get(`${order}?$select=ObjectVersion,AggregateLastUpdateTimeUtc`)
      return [row["ObjectVersion"], row["AggregateLastUpdateTimeUtc"]]
    }
    assert.deepStrictEqual(state(), [1, "2026-07-14T09:30:00Z"])
    later.patch(line, { Notes: "x", ObjectVersion: 1 })
    assert.deepStrictEqual(state(), [2, "2026-07-14T09:31:00Z"])
    assert.match(later.refused("PATCH", line, { Notes: "y", ObjectVersion: 1 }).message, /ObjectVersion/)
    client.remove(line)
    assert.deepStrictEqual(state(), [3, "2026-07-14T09:30:00Z"])
    const changed = query({ $filter: "AggregateLastUpdateTimeUtc ge 2026-07-14T00:00:00Z", $select: "Id" })
    assert.deepStrictEqual(
      listAt(client.get(`Crm_Sales_SalesOrders?${changed}`), "value").map((row) => at(row, "@odata.id")),
      [order]
    )
  })
})

describe("rules", () => {
  it("R27159: a customer ends after it begins", () => {
    const client = new Client()
    const id = client.first(customers)
    const body = { FromDate: "2026-02-01", ThruDate: "2026-01-01" }
    const { code, message, status, type } = client.refused("PATCH", id, body)
    assert.deepStrictEqual([status, code], [500, 2029])
    assert.match(type, /EnterpriseOneServerException$/)
    assert.match(
      message,
      /^An error occurred while saving data to the database\r\nThe validation R27159: FromDateLessThanThruDate failed for event Commit: .*\(Constraint R27159\)$/
    )
    client.patch(id, { FromDate: "2026-01-01", ThruDate: "2026-01-01" })
  })

  it("R17342: a product belongs to the company of its group", () => {
    const client = new Client()
    const [one = "", other = ""] = client.ids("General_EnterpriseCompanies")
    const group = client.find("General_Products_ProductGroups", "Code eq 'OFF'")
    client.patch(group, { EnterpriseCompany: link(one) })
    const { message } = client.refused("POST", products, productBody({ EnterpriseCompany: link(other) }))
    assert.match(message, /R17342/)
    client.create(products, productBody({ EnterpriseCompany: link(one) }))
  })

  it("no two products have the same part number", () => {
    const client = new Client()
    client.create(products, productBody())
    for (const reply of [
      client.send("POST", products, productBody({ PartNumber: "new-1" })),
      client.send("PATCH", client.first(products), { PartNumber: "NEW-1" })
    ]) {
      const { error } = JSON.parse(reply.body)
      assert.strictEqual(error.code, 2129)
      assert.match(error.message, /^Prohibited duplication in table 'dbo.Gen_Products_Table'/)
      assert.match(error.messageFormat, /^Prohibited duplication in table '\{0\}'/)
      assert.strictEqual(error.parameters[0], "dbo.Gen_Products_Table")
      assert.strictEqual(error.parameters[2].toUpperCase(), "NEW-1")
    }
    client.patch(client.find(products, "PartNumber eq 'NEW-1'"), { PartNumber: "NEW-1", ABCClass: "A" })
  })
})

describe("reading after writing", () => {
  it("finds, orders, pages and counts new rows", () => {
    const client = new Client()
    const ids = Array.from({ length: 30 }, (_, n) =>
      client.create(products, productBody({ PartNumber: `NEW-${String(n).padStart(2, "0")}` }))
    )
    client.remove(ids[3] ?? "")
    const filter = encodeURIComponent("startswith(PartNumber,'NEW-')")
    const found = listAt(client.get(`${products}?$filter=${filter}&$orderby=PartNumber&$select=PartNumber`), "value")
    assert.deepStrictEqual(
      found.map((row) => at(row, "@odata.id")),
      ids.filter((_, n) => n !== 3)
    )
    assert.strictEqual(client.send("GET", `${products}/$count?$filter=${filter}`).body, "29")
    const rows = listAt(client.get(`${products}?$select=Id`), "value").map((row) => row["Id"])
    assert.deepStrictEqual(rows, [...client.domain.ids(products)])
    assert.strictEqual(rows.length, 37)
  })
})
