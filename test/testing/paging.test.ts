import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as Domain from "../../src/testing/engine/domain.ts"
import { compareGuids } from "../../src/testing/model/guid.ts"
import { at, pages, parse, query, rowsOf, sender, serviceRoot, textAt } from "./domainFixture.ts"

const domain = Domain.make({})
const send = sender(domain)
const set = "Crm_Sales_Customers"
const all = domain.ids(set)

const idsOf = (rows: ReadonlyArray<unknown>): ReadonlyArray<string> => rows.map((row) => textAt(row, "Id"))

describe("the order of ids", () => {
  it("is SQL Server's", () => {
    // Each pair differs in one byte; bytes weigh in the order 10-15, 8, 9, 6, 7, 4, 5, 0-3 of .NET's layout.
    const ordered: ReadonlyArray<readonly [string, string]> = [
      ["ffffffff-ffff-ffff-ffff-000000000000", "00000000-0000-0000-0000-000000000001"],
      ["00000000-0000-0000-0000-0000000000ff", "00000000-0000-0000-0000-010000000000"],
      ["ffffffff-ffff-ffff-0000-000000000000", "00000000-0000-0000-0001-000000000000"],
      ["00000000-0000-0000-00ff-000000000000", "00000000-0000-0000-0100-000000000000"],
      ["00000000-0000-0100-0000-000000000000", "00000000-0000-0001-0000-000000000000"],
      ["00000000-ffff-0000-0000-000000000000", "00000000-0000-0001-0000-000000000000"],
      ["00000000-0100-0000-0000-000000000000", "00000000-0001-0000-0000-000000000000"],
      ["ffffffff-0000-0000-0000-000000000000", "00000000-0001-0000-0000-000000000000"],
      ["01000000-0000-0000-0000-000000000000", "00010000-0000-0000-0000-000000000000"],
      ["00010000-0000-0000-0000-000000000000", "00000100-0000-0000-0000-000000000000"],
      ["00000100-0000-0000-0000-000000000000", "00000001-0000-0000-0000-000000000000"]
    ]
    for (const [low, high] of ordered) {
      assert.strictEqual(compareGuids(low, high), -1, `${low} ${high}`)
      assert.strictEqual(compareGuids(high, low), 1, `${high} ${low}`)
    }
  })

  // Two digits only, so that ids often agree in many places.
  const id = FastCheck.uuid().map((id) => id.replace(/[^-]/g, (char) => (char > "7" ? "1" : "0")))

  it.prop("is a total order", [id, id, id], ([a, b, c]) => {
    assert.strictEqual(compareGuids(a, b) + compareGuids(b, a), 0)
    assert.strictEqual(compareGuids(a, b) === 0, a === b)
    if (compareGuids(a, b) <= 0 && compareGuids(b, c) <= 0) assert.isAtMost(compareGuids(a, c), 0)
  })

  it("is the default order of every set, with sequential ids too", () => {
    for (const name of [set, "General_Products_Products", "General_Contacts_Parties", "Crm_Sales_SalesOrderLines"]) {
      const ids = domain.ids(name)
      assert.strictEqual(new Set(ids).size, ids.length)
      assert(ids.every((id, index) => index === 0 || compareGuids(ids[index - 1] ?? "", id) < 0))
      assert.deepStrictEqual(idsOf(rowsOf(send(name, "$select=Id"))), ids)
    }
  })
})

describe("Domain next links", () => {
  it("repeats the options with the id of the first row of the next page", () => {
    const link = parse(send(set, "$top=2&%24select=Number%2CCreditLimit&options=skipnulls&culture=b+g"))[
      "@odata.nextLink"
    ]
    assert.strictEqual(
      link,
      `${serviceRoot}${set}?%24top=2&%24select=Number%2cCreditLimit&options=skipnulls&culture=b+g&%24skiptoken=${all[2]}`
    )
  })

  it("encodes as .NET does", () => {
    const filter = "contains(Party/PartyName,'о''') and Number in ('~*!_-.','a b')"
    const link = parse(sender(withRows())(set, query({ $filter: filter, $top: "1" })))["@odata.nextLink"]
    assert.strictEqual(
      link,
      `${serviceRoot}${set}?%24filter=contains(Party%2fPartyName%2c%27%d0%be%27%27%27)+and+Number+in+(%27%7e*!_-.%27%2c%27a+b%27)&%24top=1&%24skiptoken=${secondId}`
    )
  })

  it("is absent without $top, on the last page, and for $top=0", () => {
    for (const options of [
      "",
      "$top=300",
      "$top=301",
      "$skip=290&$top=10",
      "$top=0",
      "$top=10&$filter=Number eq '000001'"
    ]) {
      assert.notProperty(parse(send(set, options)), "@odata.nextLink", options)
    }
    assert.strictEqual(rowsOf(send(set)).length, 300)
    assert.property(parse(send(set, "$top=299")), "@odata.nextLink")
  })

  it("skips by number with $orderby", () => {
    const body = parse(send(set, "$skip=5&$top=10&$orderby=Number%20desc"))
    assert.strictEqual(body["@odata.nextLink"], `${serviceRoot}${set}?%24top=10&%24orderby=Number+desc&%24skip=15`)
  })

  it("does not skip again after a token", () => {
    const { rows } = pages(send, set, "$top=7&$skip=20&$select=Id")
    assert.deepStrictEqual(idsOf(rows), all.slice(20))
  })

  it("can be relative, and absent on older servers", () => {
    const relative = sender(Domain.make({ nextLinks: "relative" }))
    assert.strictEqual(parse(relative(set, "$top=1"))["@odata.nextLink"], `${set}?%24top=1&%24skiptoken=${all[1]}`)
    assert.notProperty(parse(send(set, "$top=1", { version: "26.1.9.9" })), "@odata.nextLink")
    assert.property(
      parse(sender(Domain.make({ serverPaging: true }))(set, "$top=1", { version: "25.1.9.9" })),
      "@odata.nextLink"
    )
    assert.notProperty(parse(sender(Domain.make({ serverPaging: false }))(set, "$top=1")), "@odata.nextLink")
  })

  it("can limit pages whatever $top says", () => {
    const small = sender(Domain.make({ maxPageSize: 40 }))
    const { calls, rows } = pages(small, set, "$top=1000&$select=Id")
    assert.strictEqual(calls, 8)
    assert.deepStrictEqual(idsOf(rows), all)
    assert.strictEqual(rowsOf(small(set)).length, 300)
  })

  it("goes on after the row that a token names was deleted", () => {
    const own = Domain.make({})
    const to = sender(own)
    const token = `$top=3&$select=Id&$skiptoken=${all[3]}`
    assert.isTrue(own.remove(set, all[3] ?? ""))
    assert.deepStrictEqual(idsOf(rowsOf(to(set, token))), all.slice(4, 7))
  })
})

const secondId = "00000000-0000-0000-0000-000000000002"

/** Two customers that a filter with awkward characters finds. */
function withRows(): Domain.EditableDomain {
  const own = Domain.make({ customers: 0 })
  const party = "00000000-0000-0000-0000-0000000000ff"
  own.add({ id: party, set: "General_Contacts_Persons", values: { PartyName: { BG: "О'" } } })
  for (const id of ["00000000-0000-0000-0000-000000000001", secondId]) {
    own.add({ id, set, values: { Number: "a b", Party: party } })
  }
  return own
}

describe("Domain paging", () => {
  const filters = [
    undefined,
    "Active eq true",
    "contains(Party/PartyName,'а')",
    "GracePeriodDays ge 3",
    "Number eq 'none'"
  ]
  const orders = [
    undefined,
    "Number",
    "GracePeriodDays desc",
    "Party/PartyType,GracePeriodDays desc,CreationTime",
    "Party/PartyName"
  ]

  it.prop(
    "gives every row once and in order, for any page size, filter and order",
    [
      FastCheck.integer({ min: 1, max: 350 }),
      FastCheck.integer({ min: 0, max: 40 }),
      FastCheck.constantFrom(...filters),
      FastCheck.constantFrom(...orders)
    ],
    ([top, skip, filter, order]) => {
      const options = {
        $select: "Id",
        ...(filter === undefined ? {} : { $filter: filter }),
        ...(order === undefined ? {} : { $orderby: order })
      }
      const whole = idsOf(rowsOf(send(set, query(options))))
      const { calls, rows } = pages(send, set, query({ ...options, $top: String(top), $skip: String(skip) }))
      assert.deepStrictEqual(idsOf(rows), whole.slice(skip))
      assert.strictEqual(calls, Math.max(1, Math.ceil((whole.length - skip) / top)))
    },
    { fastCheck: { numRuns: 60 } }
  )

  it("can go on from an id by filter, in the same order", () => {
    const from = all[100] ?? ""
    assert.deepStrictEqual(
      idsOf(rowsOf(send(set, query({ $filter: `Id ge ${from}`, $top: "5", $select: "Id" })))),
      all.slice(100, 105)
    )
  })

  it("counts the rows of the filter on every page", () => {
    const total = Number(send(`${set}/$count`, query({ $filter: "GracePeriodDays ge 3" })).body)
    const body = parse(send(set, query({ $filter: "GracePeriodDays ge 3", $count: "true", $top: "5", $skip: "3" })))
    assert.strictEqual(body["@odata.count"], total)
    const link = String(body["@odata.nextLink"]).slice(serviceRoot.length).split("?")
    assert.strictEqual(parse(send(link[0] ?? "", link[1]))["@odata.count"], total)
  })

  it("orders by several keys, both ways, ties by id", () => {
    const rows = rowsOf(
      send(set, query({ $orderby: "GracePeriodDays desc,Number asc", $select: "GracePeriodDays,Number" }))
    )
    const keys = rows.map((row) => `${9 - Number(at(row, "GracePeriodDays"))}/${textAt(row, "Number")}`)
    assert.deepStrictEqual(keys, [...keys].sort())
    const ties = rowsOf(send(set, query({ $orderby: "Active desc", $select: "Id,Active" })))
    assert.deepStrictEqual(
      idsOf(ties.filter((row) => at(row, "Active") === true)),
      idsOf(rowsOf(send(set, query({ $filter: "Active eq true", $select: "Id" }))))
    )
  })

  it("orders enums by value and amounts by number", () => {
    const states = ["New", "Adjustment", "Planned", "FirmPlanned", "Released", "Completed", "Closed"]
    const found = rowsOf(send("Crm_Sales_SalesOrders", query({ $orderby: "State", $select: "State" }))).map((row) =>
      states.indexOf(textAt(row, "State"))
    )
    assert.deepStrictEqual(
      found,
      [...found].sort((a, b) => a - b)
    )
    const limits = rowsOf(send(set, query({ $orderby: "CreditLimitValue desc", $select: "Number", $top: "2" })))
    assert.deepStrictEqual(
      limits.map((row) => at(row, "Number")),
      ["000001", "000002"]
    )
  })

  it("refuses other attributes only in strict mode", () => {
    const strict = sender(Domain.make({ strictOrderBy: true }))
    assert.strictEqual(send("General_Products_Products", query({ $orderby: "Name" })).status, 200)
    assert.strictEqual(strict("General_Products_Products", query({ $orderby: "Name" })).status, 500)
    assert.strictEqual(strict("General_Products_Products", query({ $orderby: "PartNumber desc,Id" })).status, 200)
  })
})
