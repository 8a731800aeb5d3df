import { assert, describe, it } from "@effect/vitest"
import { at, listAt, textAt } from "./domainFixture.ts"
import { Client, linesOf, orderBody } from "./writeFixture.ts"

const orders = "Crm_Sales_SalesOrders"
const customers = "Crm_Sales_Customers"

const states = ["New", "Planned", "FirmPlanned", "Released", "Completed", "Closed"]

describe("documents", () => {
  it("are completed from what they refer to", () => {
    const client = new Client()
    const order = client.get(`${client.create(orders, orderBody(client))}?$expand=Customer`)
    assert.deepInclude(order, { DocumentNo: "0000000011", State: "New", Void: false, EntityName: "Crm_Sales_Orders" })
    assert.strictEqual(
      /\(.*/.exec(textAt(order, "MasterDocument", "@odata.id"))?.[0],
      /\(.*/.exec(textAt(order, "@odata.id"))?.[0]
    )
    assert.deepStrictEqual(order["ToParty"], at(order, "Customer", "Party"))
    for (const name of ["FromParty", "EnterpriseCompanyLocation"]) assert.isString(at(order, name, "@odata.id"))
    const [line] = linesOf(client, textAt(order, "@odata.id"))
    assert.deepInclude(line, {
      LineNo: 10,
      LineAmount: { Value: 7.5, Currency: "EUR" },
      QuantityBase: { Value: 3, Unit: "PCS" },
      LineCustomDiscountPercent: 0
    })
    assert.isString(at(line, "ProductDescription", "EN"))
  })

  it("keep a number that was sent", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client, { DocumentNo: "0000000100" }))
    assert.strictEqual(client.value(order, "DocumentNo"), "0000000100")
    assert.strictEqual(client.value(client.create(orders, orderBody(client)), "DocumentNo"), "0000000101")
  })

  it("move through their states by ChangeState alone", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client))
    assert.match(client.refused("PATCH", order, { State: "Released" }).message, /'State'.*read-only/)
    for (const newState of states.slice(1)) {
      assert.strictEqual(client.call(`${order}/ChangeState`, { newState, userStatus: null }), "")
      assert.strictEqual(client.value(order, "State"), newState)
    }
    const { CompleteTime, ReleaseTime } = client.get(order)
    assert.deepStrictEqual([ReleaseTime, CompleteTime], ["2026-07-14T09:30:00Z", "2026-07-14T09:30:00Z"])
    for (const newState of [...states, "Adjustment"]) {
      assert.strictEqual(client.refused("POST", `${order}/ChangeState`, { newState }).status, 500)
    }
  })

  it("go back to an earlier state until they are released", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client))
    client.call(`${order}/ChangeState`, { newState: "FirmPlanned" })
    client.call(`${order}/Erp.ChangeState`, { newState: "New" })
    assert.strictEqual(client.value(order, "State"), "New")
    for (const body of [{}, { newState: "Nothing" }, { newState: 1 }, { newState: "Planned", userStatus: "x" }]) {
      client.refused("POST", `${order}/ChangeState`, body)
    }
    assert.strictEqual(client.value(order, "State"), "New")
  })

  it("are read-only once they are released, with all they own", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client))
    const [line] = linesOf(client, order)
    const lineId = textAt(line, "@odata.id")
    client.call(`${order}/ChangeState`, { newState: "Released" })
    const before = client.dump()
    for (const [method, url, body] of [
      ["PATCH", order, { DocumentNotes: "x" }],
      ["PATCH", order, { Lines: [orderBody(client).Lines[0]] }],
      ["PATCH", lineId, { Notes: "x" }],
      ["POST", "Crm_Sales_SalesOrderLines", { ...orderBody(client).Lines[0], SalesOrder: { "@odata.id": order } }],
      ["DELETE", lineId, undefined],
      ["DELETE", order, undefined],
      ["POST", `${order}/Recalculate`, {}]
    ] as const) {
      assert.match(client.refused(method, url, body).message, /released and cannot be modified/)
    }
    assert.strictEqual(client.dump(), before)
  })

  it("are completed and made void", () => {
    const client = new Client()
    const [one, two] = [client.create(orders, orderBody(client)), client.create(orders, orderBody(client))]
    client.refused("POST", `${one}/Complete`)
    client.call(`${one}/ChangeState`, { newState: "Released" })
    client.call(`${one}/Complete`, { completion: "Complete" })
    assert.strictEqual(client.value(one, "State"), "Completed")
    client.call(`${two}/MakeVoid`, { reason: "Entered twice", voidType: "VoidDocument", resetParentState: false })
    assert.deepInclude(client.get(two), {
      Void: true,
      VoidReason: "Entered twice",
      VoidUser: "svc.integration",
      VoidTime: "2026-07-14T09:30:00Z"
    })
    client.refused("POST", `${two}/MakeVoid`, {})
    client.refused("POST", `${two}/ChangeState`, { newState: "Released" })
    assert.match(client.refused("PATCH", two, { DocumentNotes: "x" }).message, /void/)
  })

  it("are calculated again on request", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client))
    const [line] = linesOf(client, order)
    client.patch(textAt(line, "@odata.id"), { Quantity: { Value: 10, Unit: "BOX" } })
    assert.deepStrictEqual(linesOf(client, order)[0]?.["LineAmount"], { Value: 7.5, Currency: "EUR" })
    client.call(`${order}/Recalculate`)
    assert.deepInclude(linesOf(client, order)[0], {
      LineAmount: { Value: 25, Currency: "EUR" },
      QuantityBase: { Value: 120, Unit: "PCS" }
    })
  })
})

describe("operations of every entity", () => {
  it("CreateCopy copies an object with its children", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client, { DocumentNotes: "kept" }))
    client.call(`${order}/ChangeState`, { newState: "Released" })
    const copy = JSON.parse(client.call(`${order}/CreateCopy`))
    const id = textAt(copy, "@odata.id")
    assert.notStrictEqual(id, order)
    assert.deepInclude(client.get(id), {
      DocumentNo: "0000000012",
      State: "New",
      DocumentNotes: "kept",
      ReleaseTime: null
    })
    assert.strictEqual(linesOf(client, id).length, 1)
    assert.strictEqual(linesOf(client, order).length, 1)
    const product = JSON.parse(
      client.call(`${client.find("General_Products_Products", "PartNumber eq 'OFF0001'")}/CreateCopy`)
    )
    assert.strictEqual(product["PartNumber"], "OFF0001-2")
    const customer = JSON.parse(client.call(`${client.first(customers)}/CreateCopy`))
    assert.strictEqual(customer["Number"], "000007")
  })

  it("answers an action without a result with 204, or 200 where asked", () => {
    const client = new Client()
    const url = `${client.first(customers)}/CreateNotification`
    assert.deepInclude(client.send("POST", url, { subject: "x" }), { status: 204, body: "" })
    assert.strictEqual(new Client({ emptyActionStatus: 200 }).send("POST", url, {}).status, 200)
  })

  it("refuses operations that an entity does not have", () => {
    const client = new Client()
    for (const url of [
      `${client.first(customers)}/ChangeState`,
      `${client.first(orders)}/GetPrintout`,
      `${client.first(orders)}/toString`,
      `${client.first(orders)}/ChangeState/x`
    ]) {
      assert.match(client.refused("POST", url, {}).message, /not supported/)
    }
    assert.strictEqual(client.send("GET", `${client.first(orders)}/ChangeState`).status, 500)
    assert.strictEqual(client.send("POST", "ExecuteScript", "1").status, 500)
  })

  it("lists the allowed values of enums and references", () => {
    const client = new Client()
    const call = (set: string, parameters: string) =>
      listAt(client.get(`${client.first(set)}/GetPropertyAllowedValues(${parameters})`), "value")
    assert.deepStrictEqual(
      call(orders, "propertyName='State',search=null,top=10,skip=0").map((row) => row["Value"]),
      ["New", "Adjustment", "Planned", "FirmPlanned", "Released", "Completed", "Closed"]
    )
    assert.deepStrictEqual(call(orders, "propertyName='State',search='plan',skip=1"), [
      { Value: "FirmPlanned", Text: "FirmPlanned" }
    ])
    const currencies = call(customers, "propertyName='DefaultCurrency',top=100")
    assert.sameMembers(
      currencies.map((row) => row["Value"]),
      [...client.ids("General_Currencies_Currencies")]
    )
    assert.deepStrictEqual(call(customers, "propertyName='Number'"), [])
    for (const parameters of ["propertyName='Nonsense'", "", "x", "propertyName='State',top='x'"]) {
      client.refused("GET", `${client.first(orders)}/GetPropertyAllowedValues(${parameters})`)
    }
  })

  it("lists the values of a custom property", () => {
    const client = new Client({ customers: 60 })
    const call = (set: string, parameters: string) =>
      listAt(
        client.get(`${client.first(set)}/GetAllowedCustomPropertyValues(customPropertyCode=${parameters})`),
        "value"
      ).map((row) => row["Value"])
    assert.deepStrictEqual(call(customers, "'segment'"), ["other", "retail", "wholesale"])
    assert.deepStrictEqual(call(customers, "'segment',search='търговия'"), ["retail", "wholesale"])
    assert.deepStrictEqual(call(customers, "'segment',search='RETAIL',exactMatch=true"), ["retail"])
    assert.deepStrictEqual(call(customers, "'segment',orderByDescription=true,top=2,skip=1"), ["retail", "wholesale"])
    assert.isAbove(call("General_Products_Products", "'color.name'").length, 0)
    client.refused("GET", `${client.first(customers)}/GetAllowedCustomPropertyValues(customPropertyCode='x')`)
  })
})
