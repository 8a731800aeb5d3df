import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as Domain from "../../src/testing/engine/domain.ts"
import type { DomainOptions } from "../../src/testing/model/types.ts"
import { at, errorOf, query, rowsOf, type Send, sender, textAt } from "./domainFixture.ts"

const domain = Domain.make({})
const send = sender(domain)

const ids = (filter: string, set = "Crm_Sales_Customers", to: Send = send): ReadonlyArray<string> =>
  rowsOf(to(set, query({ $filter: filter, $select: "Id" }))).map((row) => textAt(row, "Id"))

const numbers = (filter: string, to: Send = send): ReadonlyArray<string> =>
  rowsOf(to("Crm_Sales_Customers", query({ $filter: filter, $select: "Number" })))
    .map((row) => textAt(row, "Number"))
    .sort()

/** The rows a filter gives must be those that a test of the plain rows gives. */
const agrees = (
  set: string,
  select: string,
  filter: string,
  test: (row: unknown) => boolean,
  expand: Record<string, string> = {}
): void => {
  const all = rowsOf(send(set, query({ $select: `Id,${select}`, ...expand })))
  const expected = all.filter(test).map((row) => textAt(row, "Id"))
  assert.isAbove(expected.length, 0, "the filter finds nothing")
  assert.isBelow(expected.length, all.length, "the filter finds everything")
  assert.deepStrictEqual(ids(filter, set), expected)
}

describe("Domain $filter", () => {
  it("compares strings, ignoring case by default", () => {
    assert.deepStrictEqual(numbers("Number eq '000007'"), ["000007"])
    assert.strictEqual(ids("ExternalId eq 'web-11'").length, 1)
    const exact = sender(Domain.make({ stringComparison: "exact" }))
    assert.strictEqual(ids("ExternalId eq 'web-11'", "Crm_Sales_Customers", exact).length, 0)
    assert.strictEqual(ids("ExternalId eq 'WEB-11'", "Crm_Sales_Customers", exact).length, 1)
  })

  it("takes lists", () => {
    assert.deepStrictEqual(numbers("Number in ('000003', '000001','nothing')"), ["000001", "000003"])
    const [first = "", second = ""] = ids("Active eq true")
    assert.deepStrictEqual(ids(`Id in (${second},${first},${second})`), [first, second])
    assert.deepStrictEqual(ids(`Id eq ${first.toUpperCase()}`), [first])
    assert.deepStrictEqual(ids(`Id in (${first},${second}) and Id eq ${second}`), [second])
  })

  it("joins with and, with parentheses or without", () => {
    agrees(
      "Crm_Sales_Customers",
      "Active,GracePeriodDays",
      "(Active eq true) and ((GracePeriodDays ge 2 and GracePeriodDays le 3))",
      (row) =>
        at(row, "Active") === true && Number(at(row, "GracePeriodDays")) >= 2 && Number(at(row, "GracePeriodDays")) <= 3
    )
  })

  it("compares references by quoted id, in every set that may name the row", () => {
    const [row] = rowsOf(
      send("Crm_Sales_Customers", query({ $expand: "Party", $filter: "contains(Party/PartyName,'Ltd')" }))
    )
    const id = textAt(row, "Party", "@odata.id").slice("General_Contacts_Parties".length)
    const base = ids(`Party eq 'General_Contacts_Parties${id}'`)
    assert.strictEqual(base.length, 1)
    assert.deepStrictEqual(ids(`Party eq 'General_Contacts_Companies${id}'`), base)
    assert.deepStrictEqual(ids(`Party in ('General_Contacts_Persons${id}')`), base)
    const currency = textAt(row, "DefaultCurrency", "@odata.id")
    assert.strictEqual(ids(`DefaultCurrency eq '${currency}'`).length, 300)
    assert.strictEqual(ids(`DefaultCurrency eq '${currency.replace("General_Currencies_", "General_")}'`).length, 300)
    assert.strictEqual(ids("CollectionsResponsibleEmployee eq null").length, 300)
    for (const wrong of [
      currency,
      "General_Contacts_Parties(1)",
      "Nothing(0e8fb111-5b04-4eab-a890-47cfb9cfa4c4)",
      ""
    ]) {
      assert.strictEqual(send("Crm_Sales_Customers", query({ $filter: `Party eq '${wrong}'` })).status, 500)
    }
  })

  it("compares enums by name, and in order by number", () => {
    const open = ["New", "Planned", "FirmPlanned"]
    agrees("Crm_Sales_SalesOrders", "State", "State in ('Released','Closed')", (row) =>
      ["Released", "Closed"].includes(textAt(row, "State"))
    )
    agrees("Crm_Sales_SalesOrders", "State", "State ge 'Released'", (row) => !open.includes(textAt(row, "State")))
    agrees("Crm_Sales_SalesOrders", "State", "State le Erp.General_DocumentState'FirmPlanned'", (row) =>
      open.includes(textAt(row, "State"))
    )
    assert.strictEqual(
      errorOf(send("Crm_Sales_SalesOrders", query({ $filter: "State eq 'Open'" }))).message,
      "The string 'Open' is not a valid enumeration type constant."
    )
  })

  it("compares decimals inside amounts and quantities exactly", () => {
    assert.deepStrictEqual(numbers("CreditLimitValue ge 1234567890123456.78"), ["000001"])
    assert.deepStrictEqual(numbers("CreditLimitValue ge 1234567890123456.79"), [])
    assert.deepStrictEqual(numbers("CreditLimitValue le 999999999999999.9900 and CreditLimitValue ge 1e14"), ["000002"])
    agrees(
      "Crm_Sales_SalesOrderLines",
      "Quantity",
      "QuantityValue ge 20",
      (row) => Number(at(row, "Quantity", "Value")) >= 20
    )
  })

  it("searches texts in all languages", () => {
    agrees("General_Products_Products", "Name", "contains(Name,'бюро')", (row) =>
      textAt(row, "Name", "BG").toLowerCase().includes("бюро")
    )
    agrees("General_Products_Products", "PartNumber", "startswith(PartNumber,'fur')", (row) =>
      textAt(row, "PartNumber").startsWith("FUR")
    )
    agrees("General_Products_Products", "PartNumber", "endswith(PartNumber,'7')", (row) =>
      textAt(row, "PartNumber").endsWith("7")
    )
  })

  it("searches the object behind a reference", () => {
    const all = rowsOf(
      send("General_Products_Products", query({ $select: "Id", $expand: "ProductGroup($select=Name)" }))
    )
    const expected = all
      .filter((row) => textAt(row, "ProductGroup", "Name", "EN") === "Furniture")
      .map((row) => textAt(row, "Id"))
    assert.isAbove(expected.length, 0)
    assert.deepStrictEqual(ids("contains(ProductGroup,'furni')", "General_Products_Products"), expected)
  })

  it("follows ownership and filterable references only", () => {
    agrees(
      "Crm_Sales_Customers",
      "Number",
      "Party/PartyType eq 'Person'",
      (row) => at(row, "Party", "PartyType") === "Person",
      { $expand: "Party" }
    )
    agrees(
      "Crm_Sales_SalesOrderLines",
      "LineNo",
      "SalesOrder/Void eq true",
      (row) => at(row, "SalesOrder", "Void") === true,
      { $expand: "SalesOrder" }
    )
    const error = errorOf(
      send("Crm_Sales_SalesOrderLines", query({ $filter: "SalesOrder/Customer/Number eq '000001'" }))
    )
    assert.strictEqual(error.type, "NotSupportedException")
    assert.include(error.message, "'Customer'")
  })

  it("cuts date-times to the date by default", () => {
    const [order] = rowsOf(send("Crm_Sales_SalesOrders", query({ $top: "1", $select: "Id,CreationTime" })))
    const id = textAt(order, "Id")
    const time = textAt(order, "CreationTime")
    const endOfDay = `${time.slice(0, 10)}T23:59:59.999Z`
    const later = (to: Send, literal: string) =>
      ids(`Id eq ${id} and CreationTime ge ${literal}`, "Crm_Sales_SalesOrders", to)
    const earlier = (to: Send, literal: string) =>
      ids(`Id eq ${id} and CreationTime le ${literal}`, "Crm_Sales_SalesOrders", to)
    assert.deepStrictEqual(later(send, endOfDay), [id])
    assert.deepStrictEqual(earlier(send, endOfDay), [])
    const exact = sender(Domain.make({ dateTimeFilters: "exact" }))
    assert.deepStrictEqual(later(exact, endOfDay), [])
    assert.deepStrictEqual(earlier(exact, endOfDay), [id])
    for (const to of [send, exact]) {
      assert.deepStrictEqual(later(to, time.slice(0, 10)), [id])
      assert.deepStrictEqual(later(to, `${time.slice(0, 10)}Z`), [id])
      assert.deepStrictEqual(earlier(to, time.slice(0, 10)), [])
    }
    assert.deepStrictEqual(earlier(exact, time.replace("Z", "+00:00")), [id])
  })

  it("lets the update time alone be exact", () => {
    const options: DomainOptions = { customers: 3, salesOrders: 0, aggregateTimeFilters: "exact" }
    const own = Domain.make(options)
    const [id = ""] = own.ids("Crm_Sales_Customers")
    own.touch("Crm_Sales_Customers", id, Date.UTC(2030, 0, 1, 12))
    const found = (to: Send) => ids("AggregateLastUpdateTimeUtc ge 2030-01-01T13:00:00Z", "Crm_Sales_Customers", to)
    assert.deepStrictEqual(found(sender(own)), [])
    const cut = Domain.make({ ...options, aggregateTimeFilters: "date" })
    cut.touch("Crm_Sales_Customers", id, Date.UTC(2030, 0, 1, 12))
    assert.deepStrictEqual(found(sender(cut)), [id])
  })

  it("knows null and the functions that let null pass", () => {
    const test = (row: unknown) => at(row, "ReleaseTime") === null
    agrees("Crm_Sales_SalesOrders", "ReleaseTime", "ReleaseTime eq null", test)
    agrees(
      "Crm_Sales_SalesOrders",
      "ReleaseTime",
      "greaterequalnull(ReleaseTime,2026-01-01Z)",
      (row) => test(row) || textAt(row, "ReleaseTime") >= "2026-01-01"
    )
    agrees(
      "Crm_Sales_SalesOrders",
      "ReleaseTime",
      "lessequalnull(ReleaseTime,2025-01-01Z)",
      (row) => test(row) || textAt(row, "ReleaseTime") < "2025-01-01"
    )
    assert.strictEqual(ids("equalnull(ThruDate,2025-01-01Z)").length, 300)
    assert.strictEqual(ids("ThruDate ge 2025-01-01Z").length, 0)
    assert.strictEqual(ids("ThruDate le null").length, 0)
  })

  it("compares custom properties by their short value", () => {
    agrees(
      "Crm_Sales_Customers",
      "CustomProperty_segment",
      "CustomProperty_segment eq 'retail'",
      (row) => at(row, "CustomProperty_segment", "Value") === "retail"
    )
  })

  it("is permissive about attributes unless told otherwise", () => {
    const strict = sender(Domain.make({ strictFilters: true }))
    const filters = ["LineAmountValue ge 15.45", "contains(Notes,'a')"]
    for (const filter of filters) {
      assert.strictEqual(send("Crm_Sales_SalesOrderLines", query({ $filter: filter })).status, 200)
      assert.strictEqual(
        errorOf(strict("Crm_Sales_SalesOrderLines", query({ $filter: filter }))).type,
        "NotSupportedException"
      )
    }
    for (const filter of [
      "LineNo eq 10",
      "QuantityValue ge 3",
      "contains(ProductDescription,'x')",
      "Product eq null"
    ]) {
      assert.strictEqual(strict("Crm_Sales_SalesOrderLines", query({ $filter: filter })).status, 200, filter)
    }
  })

  const unsupported = [
    "Number eq '1' or Number eq '2'",
    "not (Number eq '1')",
    "not contains(Number,'1')",
    "Number ne '1'",
    "GracePeriodDays gt 1",
    "GracePeriodDays lt 1",
    "GracePeriodDays add 1 eq 2",
    "Products/any(p:p/IsActive eq true)",
    "Products/all(p:p/IsActive eq true)",
    "tolower(Number) eq '1'",
    "length(Number) eq 1",
    "year(CreationTime) eq 2024",
    "'000001' eq Number",
    "Number eq ExternalId",
    "Party/PartyName eq 'x'",
    "startswith(Party/PartyName,'x')",
    "CreditLimit ge 5",
    "Party ge 'General_Contacts_Parties(0e8fb111-5b04-4eab-a890-47cfb9cfa4c4)'",
    "EnterpriseCompany/IsActive eq true"
  ]
  for (const filter of unsupported) {
    it(`does not support ${filter}`, () => {
      assert.deepInclude(errorOf(send("Crm_Sales_Customers", query({ $filter: filter }))), {
        status: 500,
        type: "NotSupportedException"
      })
    })
  }

  const malformed = [
    "",
    "Number",
    "Number eq",
    "Number eq 'abc",
    "Number eq 'a'b'",
    "Number eq 5",
    "Number eq abc'def'",
    "Number eq '1' and",
    "Number eq '1' 'x'",
    "Number eq '1')",
    "(Number eq '1'",
    "Number in ()",
    "Number in ('1'",
    "Number is '1'",
    "contains(Number)",
    "contains(Number,5)",
    "contains Number,'5'",
    "Nothing eq 1",
    "Party/Nothing eq 1",
    "Nothing/Number eq 1",
    "Active eq 'true'",
    "Id eq '0e8fb111-5b04-4eab-a890-47cfb9cfa4c4'",
    "CreationTime ge 2024-02-31",
    "CreationTime ge 2024-13-01Z",
    "CreationTime ge '2024-01-01'",
    "Number eq '1' &",
    "GracePeriodDays ge 1e999999999",
    `${"(".repeat(5000)}Active eq true${")".repeat(5000)}`
  ]
  for (const filter of malformed) {
    it(`refuses ${filter.slice(0, 60)}`, () => {
      assert.strictEqual(errorOf(send("Crm_Sales_Customers", query({ $filter: filter }))).status, 500)
    })
  }

  it("reads + and %20 as spaces", () => {
    for (const text of ["Number+eq+'000007'", "Number%20eq%20'000007'", "Number%20%20eq%09%27000007%27"]) {
      assert.strictEqual(send("Crm_Sales_Customers/$count", `$filter=${text}`).body, "1")
    }
  })

  const text = FastCheck.oneof(
    FastCheck.fullUnicodeString(),
    FastCheck.string(),
    FastCheck.stringOf(FastCheck.constantFrom(...Array.from("'\"\\&=#%+(),;/ $aя\u0000\n")))
  )

  it.prop(
    "takes any text in a quoted constant, and never as part of the expression",
    [text],
    ([value]) => {
      const own = Domain.make({ customers: 3, products: 1, salesOrders: 0, stringComparison: "exact" })
      const to = sender(own)
      const [id = "", other = ""] = own.ids("Crm_Sales_Customers")
      own.update("Crm_Sales_Customers", id, { ExternalId: value })
      own.update("Crm_Sales_Customers", other, { ExternalId: `${value}x` })
      const quoted = `'${value.replaceAll("'", "''")}'`
      assert.deepStrictEqual(ids(`ExternalId eq ${quoted}`, "Crm_Sales_Customers", to), [id])
      assert.deepStrictEqual(ids(`ExternalId in (${quoted}) and Active in (true,false)`, "Crm_Sales_Customers", to), [
        id
      ])
      const form = new URLSearchParams({ $filter: `startswith(ExternalId,${quoted})` }).toString()
      const found = rowsOf(to("Crm_Sales_Customers", `${form}&$select=Id`)).map((row) => at(row, "Id"))
      assert.include(found, other)
      assert.include(found, id)
    },
    { fastCheck: { numRuns: 300 } }
  )
})

describe("Domain $search", () => {
  it("looks at search members and the display text", () => {
    const found = rowsOf(send("Crm_Sales_Customers", query({ $search: `"рила"`, $expand: "Party($select=PartyName)" })))
    assert.isAbove(found.length, 0)
    for (const row of found) assert.include(textAt(row, "Party", "PartyName", "BG").toLowerCase(), "рила")
    const all = ids("contains(Party/PartyName,'рила')")
    assert.strictEqual(found.length, all.length)
    assert.strictEqual(send("Crm_Sales_Customers/$count", query({ $search: `"000042"` })).body, "1")
    assert.strictEqual(send("Crm_Sales_SalesOrderLines/$count", query({ $search: "nothing at all" })).body, "0")
  })
})
