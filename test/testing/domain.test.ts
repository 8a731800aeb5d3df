import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as Domain from "../../src/testing/engine/domain.ts"
import { at, errorOf, listAt, parse, query, rowsOf, sender, serviceRoot, textAt } from "./domainFixture.ts"

const domain = Domain.make({})
const send = sender(domain)
const [customerId = ""] = domain.ids("Crm_Sales_Customers")

describe("Domain replies", () => {
  it("has the headers and the envelope of the server", () => {
    const reply = send("Crm_Sales_Customers", query({ $top: "2", $count: "true" }))
    assert.strictEqual(reply.status, 200)
    assert.strictEqual(
      reply.headers["content-type"],
      "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    )
    assert.strictEqual(reply.headers["odata-version"], "4.0")
    const body = parse(reply)
    assert.deepStrictEqual(Object.keys(body), ["@odata.context", "@odata.count", "@odata.nextLink", "value"])
    assert.strictEqual(body["@odata.context"], `${serviceRoot}$metadata#Crm_Sales_Customers`)
    assert.strictEqual(body["@odata.count"], 300)
  })

  it("escapes everything outside ASCII and loses nothing by it", () => {
    const reply = send("General_Products_Products", query({ $top: "20", $select: "Name" }))
    assert.match(reply.body, /^[\x20-\x7e]*$/)
    assert.match(reply.body, /\\u04[0-9a-f]{2}/)
    assert(rowsOf(reply).some((row) => /^\p{Script=Cyrillic}/u.test(textAt(row, "Name", "BG"))))
  })

  it("writes decimals with every digit", () => {
    const reply = send(
      "Crm_Sales_Customers",
      query({ $filter: "Number in ('000001','000002')", $select: "CreditLimit" })
    )
    assert(reply.body.includes(`{"Value":1234567890123456.78,"Currency":"EUR"}`), reply.body)
    assert(reply.body.includes(`{"Value":999999999999999.99,"Currency":"EUR"}`), reply.body)
    const text = sender(Domain.make({ decimalsAsStrings: true }))(
      "Crm_Sales_Customers",
      query({ $select: "CreditLimit" })
    )
    assert(text.body.includes(`{"Value":"1234567890123456.78","Currency":"EUR"}`))
    assert(text.headers["content-type"]?.includes("IEEE754Compatible=true"))
  })

  it("writes 64-bit integers beyond 2^53 exactly", () => {
    const reply = send(
      "Crm_Sales_Customers",
      query({ $filter: "Number eq '000001'", $select: "CalculatedAttribute_LoyaltyNumber" })
    )
    assert(reply.body.includes(`"CalculatedAttribute_LoyaltyNumber":9007199254740995`), reply.body)
  })

  it("answers one entity with its own context", () => {
    const body = parse(send(`Crm_Sales_Customers(${customerId.toUpperCase()})`))
    assert.deepStrictEqual(Object.keys(body).slice(0, 2), ["@odata.context", "@odata.id"])
    assert.strictEqual(body["@odata.context"], `${serviceRoot}$metadata#Crm_Sales_Customers/$entity`)
    assert.strictEqual(body["@odata.id"], `Crm_Sales_Customers(${customerId})`)
  })

  it("counts as plain text", () => {
    const reply = send("Crm_Sales_Customers/$count")
    assert.strictEqual(reply.headers["content-type"], "text/plain")
    assert.strictEqual(reply.body, "300")
    assert.strictEqual(send("Crm_Sales_Customers/%24count", query({ $filter: "Number eq '000007'" })).body, "1")
  })

  it("lists its sets, its version and the renames", () => {
    const sets = listAt(parse(send("")), "value")
    assert(sets.some((set) => set["name"] === "Crm_Sales_Customers" && set["kind"] === "EntitySet"))
    assert.deepStrictEqual(parse(send("GetVersion")), {
      "@odata.context": `${serviceRoot}$metadata#Erp.OpenObject`,
      version: "26.2.0.76"
    })
    const renamed = rowsOf(send("GetRenamedEntityTypes()"))
    assert.deepStrictEqual(renamed[0], {
      OldName: "Crm_Customers",
      NewName: "Crm_Sales_Customers",
      Version: "25.1.2.28"
    })
    const newer = rowsOf(send("GetRenamedEntityTypes", "", { version: "26.2.3.1" }))
    assert.strictEqual(newer[0]?.["Version"], "26.2.2.12")
  })

  it("answers HEAD without a body and other methods with 405", () => {
    assert.deepInclude(send("Crm_Sales_Customers", "", { method: "HEAD" }), { status: 200, body: "" })
    for (const method of ["PATCH", "DELETE", "PUT"]) {
      assert.deepInclude(errorOf(send("Crm_Sales_Customers", "", { method, scopes: ["update"] })), {
        status: 405,
        type: "NotSupportedException"
      })
    }
  })
})

describe("Domain members", () => {
  const hidden = [
    "Id",
    "ObjectVersion",
    "ExternalId",
    "ExternalSystem",
    "AggregateLastUpdateTimeUtc",
    "AdditionalDataJson",
    "DisplayText",
    "CustomProperty_segment",
    "CalculatedAttribute_LoyaltyNumber",
    "Products",
    "ExternalAccess"
  ]

  for (const select of [undefined, "*", "default", "DEFAULT"]) {
    it(`shows the default members for $select ${select}`, () => {
      const [row] = rowsOf(send("Crm_Sales_Customers", query({ $top: "1", ...(select ? { $select: select } : {}) })))
      assert.containsAllKeys(row, [
        "@odata.id",
        "Number",
        "CreditLimit",
        "Party",
        "CustomerType",
        "CollectionsResponsibleEmployee"
      ])
      for (const name of hidden) assert.notProperty(row, name)
    })
  }

  it("leaves calculated attributes and children of documents out of the default", () => {
    const [row] = rowsOf(send("Crm_Sales_SalesOrders", query({ $top: "1" })))
    for (const name of ["TotalLineAmount", "AmountToPay", "FullState", "Lines", "DocumentId", "Id"])
      assert.notProperty(row, name)
    assert.containsAllKeys(row, ["DocumentNo", "State", "Customer", "MasterDocument"])
  })

  it("adds named members to the default ones", () => {
    const [row] = rowsOf(
      send("Crm_Sales_Customers", query({ $top: "1", $select: "default,Id,CustomProperty_segment" }))
    )
    assert.strictEqual(at(row, "@odata.id"), `Crm_Sales_Customers(${textAt(row, "Id")})`)
    assert.property(row, "Number")
    assert.property(row, "CustomProperty_segment")
  })

  it("selects exactly what is named, in any spelling of the dollar sign", () => {
    const [row] = rowsOf(send("Crm_Sales_Customers", "%24top=1&%24select=Number%2cDisplayText,+Party"))
    assert.deepStrictEqual(Object.keys(row ?? {}), ["@odata.id", "DisplayText", "Number", "Party"])
    assert.match(textAt(row, "Party", "@odata.id"), /^General_Contacts_Parties\([0-9a-f-]{36}\)$/)
  })

  it("computes the display text from the model's template", () => {
    const [row] = rowsOf(
      send("Crm_Sales_Customers", query({ $top: "1", $select: "DisplayText", $expand: "Party($select=PartyName)" }))
    )
    assert.strictEqual(textAt(row, "DisplayText"), at(row, "Party", "PartyName", "EN"))
  })

  it("expands references and children, nested", () => {
    const [order] = rowsOf(
      send(
        "Crm_Sales_SalesOrders",
        query({
          $top: "1",
          $select: "Id,TotalLineAmount",
          $expand:
            "Lines($select=LineNo,Quantity,LineAmount;$expand=Product($select=PartNumber;$expand=ProductGroup($select=Code))),Customer($expand=Party)"
        })
      )
    )
    assert.deepStrictEqual(Object.keys(order ?? {}), ["@odata.id", "Id", "TotalLineAmount", "Customer", "Lines"])
    assert(listAt(order, "Lines").length > 0)
    for (const line of listAt(order, "Lines")) {
      assert.match(textAt(line, "@odata.id"), /^Crm_Sales_SalesOrderLines\(/)
      assert.match(
        textAt(line, "Product", "PartNumber"),
        new RegExp(`^${textAt(line, "Product", "ProductGroup", "Code")}`)
      )
    }
    const total = listAt(order, "Lines").reduce(
      (sum, line) => sum + Math.round(Number(at(line, "LineAmount", "Value")) * 100),
      0
    )
    assert.strictEqual(Math.round(Number(at(order, "TotalLineAmount", "Value")) * 100), total)
    assert.containsAllKeys(at(order, "Customer", "Party"), ["PartyName", "PartyType", "@odata.id"])
    assert.notProperty(at(order, "Customer", "Party"), "Id")
  })

  it("gives ids only for /$ref", () => {
    const [order] = rowsOf(
      send("Crm_Sales_SalesOrders", query({ $top: "1", $select: "Id", $expand: "Lines/$ref,Customer/$ref" }))
    )
    assert(listAt(order, "Lines").length > 0)
    for (const line of listAt(order, "Lines")) assert.deepStrictEqual(Object.keys(line), ["@odata.id"])
    assert.deepStrictEqual(Object.keys(at(order, "Customer") ?? {}), ["@odata.id"])
  })

  it("leaves nulls out with options=skipnulls, in expanded rows too", () => {
    const options = { $top: "50", $expand: "Party" }
    const full = rowsOf(send("Crm_Sales_Customers", query(options)))
    assert(full.some((row) => at(row, "ThruDate") === null && at(row, "Party", "GLN") === null))
    const short = rowsOf(send("Crm_Sales_Customers", query({ ...options, options: "skipnulls" })))
    assert.isFalse(JSON.stringify(short).includes("null"))
    assert.property(short[0], "Number")
  })

  it("writes dates of both kinds as date-times", () => {
    const [row] = rowsOf(send("Crm_Sales_SalesOrders", query({ $top: "1", $select: "DocumentDate,CreationTime" })))
    assert.match(textAt(row, "DocumentDate"), /^\d{4}-\d\d-\d\dT00:00:00Z$/)
    assert.match(textAt(row, "CreationTime"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })

  it("follows a reference with a type cast, and nothing else below an entity", () => {
    const order = domain.ids("Crm_Sales_SalesOrders")[0] ?? ""
    const body = parse(
      send(`Crm_Sales_SalesOrders(${order})/MasterDocument/Erp.Crm_Sales_SalesOrder`, query({ $select: "Id" }))
    )
    assert.strictEqual(body["Id"], order)
    assert.strictEqual(send(`Crm_Sales_SalesOrders(${order})/Parent/Erp.Crm_Sales_SalesOrder`).status, 404)
    for (const below of ["Lines", "Customer", "DocumentNo", "$count", "Customer/Party"]) {
      assert.deepInclude(errorOf(send(`Crm_Sales_SalesOrders(${order})/${below}`)), {
        status: 500,
        type: "NotSupportedException"
      })
    }
  })

  it("hides attributes that came with a later version", () => {
    const select = query({ $top: "1", $select: "AggregateLastUpdateTimeUtc" })
    assert.strictEqual(send("Crm_Sales_Customers", select).status, 200)
    const { message } = errorOf(send("Crm_Sales_Customers", select, { version: "26.1.0.1" }))
    assert.strictEqual(
      message,
      "Could not find a property named 'AggregateLastUpdateTimeUtc' on type 'Erp.Crm_Sales_Customer'."
    )
  })
})

describe("Domain names", () => {
  it("serves an old name as an alias by default", () => {
    const body = parse(send("Crm_Customers", query({ $top: "10" })))
    assert.strictEqual(body["@odata.context"], `${serviceRoot}$metadata#Crm_Customers`)
    assert(String(body["@odata.nextLink"]).startsWith(`${serviceRoot}Crm_Customers?`))
    assert.match(textAt(body, "value", 0, "@odata.id"), /^Crm_Sales_Customers\(/)
  })

  it("can answer an old name with the rename error", () => {
    const strict = sender(Domain.make({ renamedNames: "byVersion" }))
    assert.deepStrictEqual(errorOf(strict("Crm_Customers")), {
      status: 500,
      type: "InvalidOperationException",
      message:
        "The provided entity set name 'Crm_Customers' is no more supported.\r\n" +
        "The new name of this entity is 'Crm_Sales_Customers'.\r\n" +
        `List of all entity renames can be found at ${serviceRoot}GetRenamedEntityTypes.`
    })
    assert.strictEqual(strict("Crm_Sales_Customers", "$top=1").status, 200)
  })

  it("can be an older server that knows only the old name", () => {
    const old = sender(Domain.make({ renamedNames: "byVersion" }))
    const version = "24.2.0.1"
    assert.strictEqual(old("Crm_Sales_Customers", "", { version }).status, 500)
    const [row] = rowsOf(old("Crm_Customers", query({ $top: "1" }), { version }))
    assert.match(textAt(row, "@odata.id"), /^Crm_Customers\(/)
    assert.match(textAt(row, "DefaultCurrency", "@odata.id"), /^General_Currencies\(/)
  })

  it("is case-sensitive", () => {
    for (const name of ["crm_sales_customers", "CRM_Customers", "Crm.Sales.Customers", "Nothing"]) {
      assert.strictEqual(errorOf(send(name)).message, `Resource not found for the segment '${name}'.`)
    }
  })
})

describe("Domain errors", () => {
  it("wraps the body by default and can leave it bare", () => {
    const wrapped = JSON.parse(send("Nothing").body)
    assert.deepStrictEqual(Object.keys(wrapped), ["error"])
    assert.deepStrictEqual(Object.keys(wrapped.error), [
      "message",
      "code",
      "type",
      "info",
      "messageFormat",
      "parameters"
    ])
    assert.match(wrapped.error.info, /\r\n {3}at /)
    const bare = JSON.parse(sender(Domain.make({ errorBody: "bare" }))("Nothing").body)
    assert.deepStrictEqual(bare, wrapped.error)
  })

  it("says 404 for a key that does not exist, or 500", () => {
    const path = "Crm_Sales_Customers(00000000-0000-0000-0000-000000000000)"
    assert.strictEqual(errorOf(send(path)).status, 404)
    assert.strictEqual(sender(Domain.make({ missingKeyStatus: 500 }))(path).status, 500)
  })

  const refused: ReadonlyArray<readonly [path: string, query: string]> = [
    ["Crm_Sales_Customers('abc')", ""],
    ["Crm_Sales_Customers(Id=0e8fb111-5b04-4eab-a890-47cfb9cfa4c4)", ""],
    ["Crm_Sales_Customers/Number", ""],
    ["Crm_Sales_Customers", "$top=-1"],
    ["Crm_Sales_Customers", "$top=ten"],
    ["Crm_Sales_Customers", "$top="],
    ["Crm_Sales_Customers", "$skip=1.5"],
    ["Crm_Sales_Customers", "$count=yes"],
    ["Crm_Sales_Customers", "$top=1&$top=2"],
    ["Crm_Sales_Customers", "$top=1&%24top=2"],
    ["Crm_Sales_Customers", "$select=Nothing"],
    ["Crm_Sales_Customers", "$select=Number,"],
    ["Crm_Sales_Customers", "$select=Party/PartyName"],
    ["Crm_Sales_Customers", "$expand=Number"],
    ["Crm_Sales_Customers", "$expand=Nothing"],
    ["Crm_Sales_Customers", "$expand=Party($select=Nothing)"],
    ["Crm_Sales_Customers", "$expand=Party($select=PartyName"],
    ["Crm_Sales_Customers", "$expand=Party,Party"],
    ["Crm_Sales_Customers", "$expand=Products($top=1)"],
    ["Crm_Sales_Customers", "$orderby=Nothing"],
    ["Crm_Sales_Customers", "$orderby=Number up"],
    ["Crm_Sales_Customers", "$orderby="],
    ["Crm_Sales_Customers", "$levels=2"],
    ["Crm_Sales_Customers", "$compute=1"],
    ["Crm_Sales_Customers", "$format=json"],
    ["Crm_Sales_Customers", "$skiptoken=abc"],
    ["Crm_Sales_Customers/$count", "$top=1"],
    [`Crm_Sales_Customers(${customerId})`, "$top=1"],
    [`Crm_Sales_Customers(${customerId})`, "$filter=Active eq true"]
  ]
  for (const [path, query] of refused) {
    it(`refuses ${path.replace(customerId, "id")}?${query}`, () => {
      const error = errorOf(send(path, query))
      assert.strictEqual(error.status, 500)
      assert.notStrictEqual(error.message, "")
    })
  }

  it("names an unknown property and its type", () => {
    assert.strictEqual(
      errorOf(send("Crm_Sales_Customers", "$select=Nothing")).message,
      "Could not find a property named 'Nothing' on type 'Erp.Crm_Sales_Customer'."
    )
  })

  it("refuses $apply with the documented text", () => {
    const apply = "groupby((SalesOrder),aggregate($count as LinesCount))"
    assert.deepStrictEqual(errorOf(send("Crm_Sales_SalesOrderLines", query({ $apply: apply, $orderby: "LineNo" }))), {
      status: 500,
      type: "NotSupportedException",
      message: "OData $orderby is not supported together with $apply groupby."
    })
    assert.strictEqual(
      errorOf(send("Crm_Sales_SalesOrderLines", query({ $apply: apply }))).type,
      "NotSupportedException"
    )
  })

  it("refuses wrong percent-encoding and leaves other parameters alone", () => {
    assert.strictEqual(send("Crm_Sales_Customers", "$top=%zz").status, 400)
    assert.strictEqual(send("Crm_Sales_Customers", "$top=1&culture=de&CurrentRoleId=1&whatever").status, 200)
  })
})

describe("Domain and nonsense", () => {
  const piece = FastCheck.constantFrom(
    ...[
      "Crm_Sales_Customers",
      customerId,
      "(",
      ")",
      "/",
      "$count",
      "$filter",
      "$select",
      "$expand",
      "$orderby",
      "=",
      "&"
    ],
    ...[
      "Number",
      "Party",
      "eq",
      "in",
      "and",
      "'",
      ",",
      ";",
      "+",
      "%20",
      "%27",
      "%",
      "\\",
      "1",
      "null",
      "constructor",
      "__proto__"
    ]
  )
  const text = FastCheck.oneof(
    FastCheck.fullUnicodeString(),
    FastCheck.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""))
  )

  it.prop(
    "always gives a reply that can be read",
    [FastCheck.oneof(text, FastCheck.constant("Crm_Sales_Customers")), text],
    ([path, query]) => {
      const reply = send(path, query)
      assert.oneOf(reply.status, [200, 400, 404, 500])
      if (reply.headers["content-type"]?.startsWith("application/json")) JSON.parse(reply.body)
      if (reply.status !== 200) assert.notStrictEqual(errorOf(reply).message, "")
    },
    { fastCheck: { numRuns: 400 } }
  )
})

describe("Domain edits", () => {
  it("moves the update time of a row, and only its", () => {
    const own = Domain.make({ customers: 20, salesOrders: 0 })
    const get = sender(own)
    const [first = "", second = ""] = own.ids("Crm_Sales_Customers")
    const time = () => parse(get(`Crm_Sales_Customers(${second})`, "$select=AggregateLastUpdateTimeUtc"))
    const before = time()
    const now = Date.UTC(2030, 0, 2, 3, 4, 5, 678)
    assert.isTrue(own.touch("Crm_Sales_Customers", first, now))
    assert.isFalse(own.touch("Crm_Sales_Customers", "nothing", now))
    const changed = rowsOf(
      get(
        "Crm_Sales_Customers",
        query({ $filter: "AggregateLastUpdateTimeUtc ge 2030-01-01Z", $select: "Id,AggregateLastUpdateTimeUtc" })
      )
    )
    assert.deepStrictEqual(changed, [
      {
        "@odata.id": `Crm_Sales_Customers(${first})`,
        Id: first,
        AggregateLastUpdateTimeUtc: "2030-01-02T03:04:05.678Z"
      }
    ])
    assert.deepStrictEqual(time(), before)
  })

  it("adds and removes rows, also through a base set", () => {
    const own = Domain.make({ customers: 5 })
    const get = sender(own)
    const id = "00000000-0000-0000-0000-00000000abcd"
    own.add({ id, set: "General_Contacts_Persons", values: { PartyName: { EN: "Somebody New" }, PartyCode: "NEW" } })
    assert.strictEqual(
      rowsOf(get("General_Contacts_Parties", query({ $filter: "contains(PartyName,'somebody new')" }))).length,
      1
    )
    assert.isTrue(own.remove("General_Contacts_Parties", id))
    assert.isFalse(own.remove("General_Contacts_Parties", id))
    assert.strictEqual(get(`General_Contacts_Persons(${id})`).status, 404)
  })

  it("orders by the update time with unknown ones first, and never matches them", () => {
    const rows = rowsOf(
      send(
        "Crm_Sales_Customers",
        query({ $orderby: "AggregateLastUpdateTimeUtc", $select: "AggregateLastUpdateTimeUtc" })
      )
    )
    const times = rows.map((row) => row["AggregateLastUpdateTimeUtc"])
    const known = times.filter((time) => time !== null)
    assert(known.length < times.length)
    assert.deepStrictEqual(times, [
      ...times.filter((time) => time === null),
      ...[...known].sort((a, b) => Date.parse(String(a)) - Date.parse(String(b)))
    ])
    assert.strictEqual(
      send("Crm_Sales_Customers/$count", query({ $filter: "AggregateLastUpdateTimeUtc ge 1970-01-01Z" })).body,
      String(known.length)
    )
  })
})
