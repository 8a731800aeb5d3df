import { assert, describe, it } from "@effect/vitest"
import { at, type Json, listAt, textAt } from "./domainFixture.ts"
import { Client, link, orderBody } from "./writeFixture.ts"

const products = "General_Products_Products"

const product = (n: number, more: object = {}) => ({
  "@odata.type": "Erp.General_Products_Product",
  "@erpnet.action": "merge",
  ExternalId: `EXT-${n}`,
  PartNumber: `P${n}`,
  Name: { EN: `Lamp ${n}` },
  MeasurementUnit: { Code: "pcs" },
  ProductGroup: { Code: "LMP", Name: { EN: "Lamps" } },
  ...more
})

const run = (client: Client, objects: ReadonlyArray<unknown>, more: object = {}): Json =>
  JSON.parse(client.call("Import", { model: "frontend", transaction: "per-object", objects, ...more }))

const states = (answer: Json): ReadonlyArray<unknown> =>
  listAt(answer, "objects").map((result) => result["@erpnet.state"] ?? result["@erpnet.result"])

describe("Import", () => {
  it("answers every object in its place", () => {
    const client = new Client()
    const answer = run(client, [product(1), product(2, { ProductGroup: { Code: "NONE" } }), product(3)])
    assert.deepStrictEqual(Object.keys(answer), ["@erpnet.result", "objects", "data-exchange"])
    assert.strictEqual(answer["@erpnet.result"], "fail")
    const [first, second] = listAt(answer, "objects")
    assert.deepStrictEqual(first, {
      "@erpnet.result": "success",
      "@odata.id": client.find(products, "PartNumber eq 'P1'"),
      "@erpnet.state": "Added"
    })
    const message = 'Object not found: ProductGroup, action: find, findBy: {"Code":"NONE"}.'
    assert.deepStrictEqual(Object.keys(second ?? {}), ["@erpnet.result", "@erpnet.message", "@erpnet.error"])
    assert.strictEqual(second?.["@erpnet.message"], message)
    assert.deepInclude(at(second, "@erpnet.error"), {
      message,
      code: 0,
      type: "InvalidOperationException",
      messageFormat: null,
      parameters: null
    })
    assert.deepStrictEqual(states(answer), ["Added", "fail", "Added"])
    assert.match(textAt(answer, "data-exchange"), /^Systems_Exchange_DataExchanges\([0-9a-f-]{36}\)$/)
    assert.strictEqual(client.ids(products).length, 10)
  })

  it("tells added, modified, deleted and unchanged objects", () => {
    const client = new Client()
    run(client, [product(1), product(2)])
    const before = client.dump()
    assert.deepStrictEqual(states(run(client, [product(1), product(2)])), ["Unchanged", "Unchanged"])
    assert.strictEqual(client.dump(), before)
    const answer = run(client, [
      product(1, { ABCClass: "C" }),
      product(2, { "@erpnet.action": "delete" }),
      product(3),
      product(1, { "@erpnet.action": "find", ABCClass: "A" }),
      product(9, { "@erpnet.action": "findOrNull" })
    ])
    assert.strictEqual(answer["@erpnet.result"], "success")
    assert.deepStrictEqual(states(answer), ["Modified", "Deleted", "Added", "Unchanged", "Unchanged"])
    assert.strictEqual(client.value(client.find(products, "PartNumber eq 'P1'"), "ABCClass"), "C")
    assert.deepStrictEqual(states(run(client, [product(2, { "@erpnet.action": "delete" })])), ["fail"])
  })

  it("creates by default, or merges where told so", () => {
    const { "@erpnet.action": _, ...body } = product(1)
    const client = new Client()
    assert.deepStrictEqual(states(run(client, [body, body])), ["Added", "fail"])
    const merging = new Client({ importDefaultAction: "merge" })
    assert.deepStrictEqual(states(run(merging, [body, body])), ["Added", "Unchanged"])
  })

  it("saves all objects or none with all-objects", () => {
    const client = new Client()
    const before = client.dump()
    const atomic = { transaction: "all-objects" }
    const failed = run(client, [product(1), product(2, { Name: null }), product(1, { ABCClass: "C" })], atomic)
    assert.deepStrictEqual(states(failed), ["fail", "fail", "fail"])
    assert.match(textAt(failed, "objects", 1, "@erpnet.message"), /'Name'/)
    assert.match(textAt(failed, "objects", 0, "@erpnet.message"), /another object/)
    assert.strictEqual(client.dump(), before)
    const saved = run(client, [product(1), product(2), product(1, { ABCClass: "C" })], atomic)
    assert.deepStrictEqual(states(saved), ["Added", "Added", "Modified"])
    const id = client.find(products, "PartNumber eq 'P1'")
    assert.deepInclude(client.get(`${id}?$select=ABCClass,ObjectVersion`), { ABCClass: "C", ObjectVersion: 1 })
  })

  it("runs the front-end rules unless told otherwise", () => {
    const amounts = ["frontend", "common", "backend"].map((model) => {
      const client = new Client()
      const body = orderBody(client, { Lines: [] })
      const { DocumentCurrency: _, ...rest } = body
      const order = { "@odata.type": "Erp.Crm_Sales_SalesOrder", "@erpnet.action": "create", ...rest }
      return states(run(client, [order], { model }))[0]
    })
    assert.deepStrictEqual(amounts, ["Added", "fail", "fail"])
  })

  it("keeps no log at level 0", () => {
    const client = new Client()
    assert.notProperty(run(client, [product(1)], { loggingLevel: 0 }), "data-exchange")
    assert.property(run(client, [product(2)], { loggingLevel: 1 }), "data-exchange")
    assert.deepStrictEqual(run(client, [], { loggingLevel: 0 }), { "@erpnet.result": "success", objects: [] })
  })

  it("fails objects that are none, and requests that are none", () => {
    const client = new Client()
    const answer = run(client, [
      1,
      {},
      product(1, { "@odata.type": "Erp.Nothing" }),
      product(2, { "@odata.type": products })
    ])
    assert.deepStrictEqual(states(answer), ["fail", "fail", "fail", "Added"])
    for (const more of [{ model: "x" }, { transaction: "x" }, { loggingLevel: 3 }, { objects: {} }]) {
      assert.strictEqual(client.refused("POST", "Import", { objects: [], ...more }).status, 500)
    }
    client.refused("POST", "Import", {})
  })

  it("works in a transaction", () => {
    const client = new Client()
    const headers = { transactionid: client.call("BeginTransaction", { trackChanges: true }) }
    const inside = client.with({ headers })
    run(inside, [product(1), product(2, { Name: null })], { transaction: "all-objects" })
    assert.notProperty(inside.get("GetChanges"), "delete")
    run(inside, [product(3)])
    assert.strictEqual(client.ids(products).length, 8)
    inside.call("EndTransaction", { commit: false })
    assert.strictEqual(client.ids(products).length, 8)
  })

  it("takes thousands of objects", () => {
    const client = new Client()
    const answer = run(
      client,
      Array.from({ length: 5000 }, (_, n) => product(n))
    )
    assert.strictEqual(answer["@erpnet.result"], "success")
    assert.strictEqual(client.send("GET", `${products}/$count`).body, "5008")
  })

  it("merges people under their party", () => {
    const client = new Client()
    const object = {
      "@odata.type": "Erp.Crm_Sales_Customer",
      "@erpnet.action": "merge",
      Number: "W-1",
      Party: { "@odata.type": "Erp.General_Contacts_Person", NationalNumber: "0001", FirstName: { EN: "Ada" } },
      DefaultCurrency: link(client.first("General_Currencies_Currencies"))
    }
    assert.deepStrictEqual(states(run(client, [object, object])), ["Added", "Unchanged"])
    const customer = client.get(`${client.find("Crm_Sales_Customers", "Number eq 'W-1'")}?$expand=Party`)
    assert.deepStrictEqual(at(customer, "Party", "PartyName"), { EN: "Ada" })
  })
})
