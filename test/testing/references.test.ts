import { assert, describe, it } from "@effect/vitest"
import { at, listAt, serviceRoot, textAt } from "./domainFixture.ts"
import { Client, linesOf, link, orderBody, productBody } from "./writeFixture.ts"

const customers = "Crm_Sales_Customers"
const orders = "Crm_Sales_SalesOrders"
const products = "General_Products_Products"
const prices = "Crm_Pricing_ProductPrices"

describe("references", () => {
  it("are links or bindings, relative or absolute, under old and new names", () => {
    const client = new Client()
    const id = client.first(customers)
    for (const currency of client.domain.ids("General_Currencies_Currencies")) {
      const name = (set: string) => `${set}(${currency})`
      const forms = [
        { DefaultCurrency: link(name("General_Currencies_Currencies")) },
        { DefaultCurrency: link(name("General_Currencies")) },
        { DefaultCurrency: link(`${serviceRoot}${name("General_Currencies")}`) },
        { "DefaultCurrency@odata.bind": name("General_Currencies_Currencies") },
        { "DefaultCurrency@odata.bind": `${serviceRoot}${name("General_Currencies_Currencies")}` },
        { "DefaultCurrency@odata.bind": `/api/domain/odata/${name("General_Currencies_Currencies")}` }
      ]
      for (const form of forms) {
        client.patch(id, { DefaultCurrency: null })
        assert.isNull(client.value(id, "DefaultCurrency"))
        client.patch(id, form)
        assert.deepStrictEqual(client.value(id, "DefaultCurrency"), link(name("General_Currencies_Currencies")))
      }
    }
  })

  it("to a base take the derived set as well", () => {
    const client = new Client()
    const id = client.first(customers)
    const [company = ""] = client.domain.ids("General_Contacts_Companies")
    for (const set of ["General_Contacts_Parties", "General_Contacts_Companies"]) {
      client.patch(id, { Party: link(`${set}(${company})`) })
      assert.deepStrictEqual(client.value(id, "Party"), link(`General_Contacts_Parties(${company})`))
    }
  })

  it("have to lead somewhere, and to the right set", () => {
    const client = new Client()
    const id = client.first(customers)
    const nowhere = "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"
    for (const target of [
      `General_Currencies_Currencies(${nowhere})`,
      client.first(products),
      `https://elsewhere.example/${client.first("General_Currencies_Currencies")}`,
      "General_Currencies_Currencies",
      "$1",
      ""
    ]) {
      assert.strictEqual(client.refused("PATCH", id, { DefaultCurrency: link(target) }).status, 500, target)
      assert.strictEqual(client.refused("PATCH", id, { "DefaultCurrency@odata.bind": target }).status, 500, target)
    }
    assert.match(client.refused("PATCH", id, { "Nonsense@odata.bind": "x" }).message, /Nonsense/)
    assert.strictEqual(client.refused("PATCH", id, { DefaultCurrency: {} }).status, 500)
  })

  it("are found by keys alone, and merged with other data", () => {
    const client = new Client()
    const before = client.ids("General_Products_ProductGroups").length
    const first = client.create(products, productBody({ PartNumber: "A", ProductGroup: { Code: "off" } }))
    assert.strictEqual(textAt(client.get(`${first}?$expand=ProductGroup`), "ProductGroup", "Code"), "OFF")
    const lamps = { Code: "LMP", Name: { EN: "Lamps" } }
    client.create(products, productBody({ PartNumber: "B", ProductGroup: lamps, MeasurementUnit: { Code: "pcs" } }))
    const third = client.create(
      products,
      productBody({
        PartNumber: "C",
        ProductGroup: { ...lamps, Name: { EN: "Lights" } },
        MeasurementUnit: { Code: "PCS" }
      })
    )
    assert.strictEqual(client.ids("General_Products_ProductGroups").length, before + 1)
    assert.deepStrictEqual(at(client.get(`${third}?$expand=ProductGroup`), "ProductGroup", "Name"), { EN: "Lights" })
    const { message, type } = client.refused("POST", products, productBody({ ProductGroup: { Code: "NONE" } }))
    assert.strictEqual(message, 'Object not found: ProductGroup, action: find, findBy: {"Code":"NONE"}.')
    assert.strictEqual(type, "InvalidOperationException")
  })
})

describe("the order of members", () => {
  it("decides: a contradiction is told by the later one, a front-end rule overwrites the earlier one", () => {
    const client = new Client()
    const { body: id } = client.send("POST", "BeginTransaction", { model: "frontend" })
    const inside = client.with({ headers: { transactionid: id } })
    const order = inside.create(orders, orderBody(client, { Lines: [] }))
    const product = link(client.find(products, "PartNumber eq 'OFF0001'"))
    const quantity = { Value: 1, Unit: "PCS" }
    const price = { Value: 0.5, Currency: "EUR" }
    inside.patch(order, { Lines: [{ Product: product, Quantity: quantity, UnitPrice: price }] })
    inside.patch(order, { Lines: [{ UnitPrice: price, Product: product, Quantity: quantity }] })
    const [first, second] = linesOf(inside, order)
    assert.deepStrictEqual(first?.["UnitPrice"], price)
    assert.notDeepEqual(second?.["UnitPrice"], price)
    assert.isAbove(Number(at(second, "UnitPrice", "Value")), 0.5)
  })
})

describe("@erpnet.action and @erpnet.findBy", () => {
  /** Changes the currency of a customer. */
  const nested = (client: Client, annotations: object, data: object = {}) =>
    client.send("PATCH", client.first(customers), { DefaultCurrency: { ...annotations, ...data } })

  const currencyOf = (client: Client) =>
    client.get(`${client.first(customers)}?$expand=DefaultCurrency`)["DefaultCurrency"]

  it("create, update, merge and find at the top of a request", () => {
    const client = new Client()
    const findBy = { "@erpnet.findBy": { Code: "WEB" } }
    const body = { CurrencySign: "WEB", Name: "Web money" }
    const set = "General_Currencies_Currencies"
    const post = (action: string, more: object = {}) =>
      client.send("POST", set, { "@erpnet.action": action, ...findBy, ...more })
    const name = () => client.value(client.find(set, "CurrencySign eq 'WEB'"), "Name")

    assert.strictEqual(post("find").status, 500)
    assert.strictEqual(post("update", { Name: "x" }).status, 500)
    assert.strictEqual(post("findSingle").status, 500)
    assert.strictEqual(post("findOrNull").status, 204)
    assert.strictEqual(post("findSingleOrNull").status, 204)
    assert.strictEqual(post("findOrCreate", body).status, 201)
    assert.strictEqual(post("findOrCreate", { ...body, Name: "y" }).status, 200)
    assert.strictEqual(name(), "Web money")
    assert.strictEqual(post("merge", { Name: "merged" }).status, 200)
    assert.strictEqual(name(), "merged")
    assert.strictEqual(post("update", { Name: "updated" }).status, 200)
    assert.strictEqual(post("find", { Name: "ignored" }).status, 200)
    assert.strictEqual(name(), "updated")
    assert.strictEqual(post("findSingle").status, 200)
    assert.strictEqual(post("create", { ...body, Name: "again" }).status, 201)
    assert.strictEqual(post("find").status, 200)
    assert.strictEqual(post("findSingle").status, 500)
    assert.strictEqual(post("findSingleOrNull").status, 204)
    assert.match(client.refused("POST", set, { "@erpnet.action": "delete", ...findBy }).message, /import/)
    assert.match(client.refused("POST", set, { "@erpnet.action": "upsert", ...findBy }).message, /@erpnet.action/)
  })

  it("say what was not found", () => {
    const client = new Client()
    const body = { EnterpriseCompany: { "@erpnet.findBy": { Code: "546346373" } } }
    assert.strictEqual(
      client.refused("PATCH", client.first(customers), body).message,
      'Object not found: EnterpriseCompany, action: find, findBy: {"Code":"546346373"}.'
    )
  })

  it("apply to references", () => {
    const client = new Client()
    assert.strictEqual(nested(client, { "@erpnet.findBy": { Code: "USD" } }).status, 204)
    assert.strictEqual(at(currencyOf(client), "CurrencySign"), "USD")
    assert.strictEqual(nested(client, { "@erpnet.action": "findOrNull", "@erpnet.findBy": { Code: "NO" } }).status, 204)
    assert.isNull(currencyOf(client))
    const data = { CurrencySign: "USD", Name: "Dollar of the client" }
    assert.strictEqual(nested(client, { "@erpnet.action": "find" }, data).status, 204)
    assert.notStrictEqual(at(currencyOf(client), "Name"), data.Name)
    assert.strictEqual(nested(client, { "@erpnet.action": "update" }, data).status, 204)
    assert.strictEqual(at(currencyOf(client), "Name"), data.Name)
    assert.strictEqual(nested(client, { "@erpnet.action": "create" }, data).status, 204)
    assert.notStrictEqual(client.find("General_Currencies_Currencies", `Id eq ${id(currencyOf(client))}`), "")
  })

  const id = (row: unknown) => /\((.*)\)/.exec(textAt(row, "@odata.id"))?.[1] ?? ""

  it("find by external id, id, code, name and display text, the first of them that is given", () => {
    const client = new Client()
    const [customer = "", other = ""] = client.ids(customers)
    client.patch(customer, { ExternalId: "X1", ExternalSystem: "shop" })
    client.patch(other, { ExternalId: "X1", ExternalSystem: "till" })
    const Number = client.value(other, "Number")
    const Name = textAt(client.get(`${other}?$expand=Party`), "Party", "PartyName", "BG")
    const found = (findBy: object) => {
      const { body } = client.send("POST", customers, { "@erpnet.action": "find", "@erpnet.findBy": findBy })
      return JSON.parse(body)["@odata.id"]
    }
    assert.strictEqual(found({ ExternalId: "X1", ExternalSystem: "shop", Code: Number }), customer)
    assert.strictEqual(found({ ExternalId: "x1", ExternalSystem: "till" }), other)
    assert.strictEqual(found({ Code: Number, ExternalId: "X1", ExternalSystem: "shop" }), customer)
    assert.strictEqual(found({ Id: id({ "@odata.id": other }), Name: "nobody" }), other)
    assert.strictEqual(found({ Code: Number }), other)
    assert.strictEqual(found({ Name: Name.toUpperCase().slice(0, -1) }), found({ Name }))
    assert.strictEqual(found({ DisplayText: Number }), other)
    assert.isUndefined(found({ Name: "nobody at all" }))
  })

  it("merge by external id without being told the key", () => {
    const client = new Client()
    const merge = (body: object) =>
      client.send("POST", products, { "@erpnet.action": "merge", ExternalId: "E-1", ExternalSystem: "shop", ...body })
    assert.strictEqual(merge(productBody()).status, 201)
    const before = client.dump()
    assert.strictEqual(merge(productBody()).status, 200)
    assert.strictEqual(client.dump(), before)
    assert.strictEqual(merge(productBody({ PartNumber: "NEW-2" })).status, 200)
    assert.strictEqual(client.ids(products).length, 9)
  })
})

describe("children", () => {
  it("are created with their parent and number themselves", () => {
    const client = new Client()
    const line = orderBody(client).Lines[0]
    const lines = [line, { ...line, LineNo: 15 }, line, { ...line, LineNo: 5 }]
    const order = client.create(orders, orderBody(client, { Lines: lines }))
    assert.deepStrictEqual(
      linesOf(client, order).map((row) => row["LineNo"]),
      [5, 10, 15, 25]
    )
    assert.deepStrictEqual(client.value(order, "TotalLineAmount"), { Value: 30, Currency: "EUR" })
  })

  it("are added and updated by a change of their parent; the others stay", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client))
    const [first] = linesOf(client, order)
    const line = orderBody(client).Lines[0]
    client.patch(order, {
      Lines: [
        { Id: first?.["Id"], Notes: "changed" },
        { ...line, Notes: "added" }
      ]
    })
    client.patch(order, { Lines: [{ "@odata.id": first?.["@odata.id"], Notes: "again" }] })
    assert.deepStrictEqual(
      linesOf(client, order).map((row) => [row["LineNo"], row["Notes"]]),
      [
        [10, "again"],
        [20, "added"]
      ]
    )
  })

  it("of another parent are not touched", () => {
    const client = new Client()
    const [one, two] = [client.create(orders, orderBody(client)), client.create(orders, orderBody(client))]
    const [line] = linesOf(client, one)
    const before = client.dump()
    const { code, status } = client.refused("PATCH", two, { Lines: [{ Id: line?.["Id"], Notes: "mine" }] })
    // the id is taken, and not by a line of this order
    assert.deepStrictEqual([status, code], [500, 2129])
    client.refused("PATCH", two, { Lines: {} })
    client.refused("PATCH", two, { Lines: [1] })
    assert.strictEqual(client.dump(), before)
  })

  it("have no address of their own below the parent", () => {
    const client = new Client()
    const product = client.first(products)
    const { message } = client.refused("POST", `${product}/Prices`, { Price: { Value: 1, Currency: "EUR" } })
    assert.match(message, /not supported/)
    assert.strictEqual(listAt(client.get(prices), "value").length, 8)
  })
})
