import { assert, describe, it } from "@effect/vitest"
import * as Domain from "../../src/testing/engine/domain.ts"
import type { DomainOptions } from "../../src/testing/model/types.ts"
import {
  at,
  errorOf,
  type Json,
  listAt,
  parse,
  query,
  rowsOf,
  type Send,
  sender,
  serviceRoot
} from "./domainFixture.ts"

const size = { customers: 20, products: 20, salesOrders: 30 }
const make = (options: DomainOptions = {}): Send => sender(Domain.make({ ...size, ...options }))

const orders = "Crm_Sales_SalesOrders"
const lines = query({ $select: "Id", $expand: "Lines($select=LineNo,Product;$expand=Product($select=PartNumber))" })

const follow = (send: Send, link: unknown): ReadonlyArray<Json> => {
  const rows: Array<Json> = []
  let next = link
  while (typeof next === "string") {
    const [path = "", options = ""] = next.replace(serviceRoot, "").split("?")
    const answer = send(path, options)
    rows.push(...rowsOf(answer))
    next = parse(answer)["@odata.nextLink"]
  }
  return rows
}

/** The rows with every cut collection completed, at any depth. */
const completed = (send: Send, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((item) => completed(send, item))
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries
      .filter(([name]) => !/.@odata\.(?:nextLink|count)$/.test(name))
      .map(([name, member]) => {
        const link = Object.getOwnPropertyDescriptor(value, `${name}@odata.nextLink`)?.value
        const rest = link === undefined ? [] : follow(send, link)
        return [name, completed(send, Array.isArray(member) ? [...member, ...rest] : member)]
      })
  )
}

describe("a limit on children", () => {
  const whole = rowsOf(make()(orders, lines))

  it("cuts a collection, counts it, and links to the rest", () => {
    const send = make({ maxChildren: 2 })
    const rows = rowsOf(send(orders, lines))
    const cut = rows.filter((row) => row["Lines@odata.nextLink"] !== undefined)
    assert.isAbove(cut.length, 0)
    assert.isBelow(cut.length, rows.length)
    for (const row of cut) {
      assert.strictEqual(listAt(row, "Lines").length, 2)
      assert.isAbove(Number(row["Lines@odata.count"]), 2)
      assert.isTrue(String(row["Lines@odata.nextLink"]).startsWith(`${serviceRoot}${String(row["@odata.id"])}/Lines?`))
    }
    assert.deepStrictEqual(completed(send, rows), whole)
  })

  it("cuts one entity, with relative links, without nulls, and ids alone", () => {
    const send = make({ maxChildren: 1, nextLinks: "relative" })
    const full = make()
    const id = String(whole.find((row) => listAt(row, "Lines").length > 2)?.["Id"])
    for (const options of [
      lines,
      query({ $expand: "Lines", options: "skipnulls" }),
      query({ $expand: "Lines/$ref", options: "includeid" })
    ]) {
      const one = parse(send(`${orders}(${id})`, options))
      assert.match(String(one["Lines@odata.nextLink"]), /^Crm_Sales_SalesOrders\(/)
      assert.deepStrictEqual(completed(send, one), parse(full(`${orders}(${id})`, options)))
    }
  })

  it("cuts children inside an expanded reference and inside children", () => {
    const deep = query({
      $select: "Id",
      $top: "5",
      $expand:
        "Lines($select=Id;$expand=SalesOrder($select=Id;$expand=Lines($select=LineNo))),Customer($select=Id;$expand=Products($select=Id))"
    })
    const send = make({ maxChildren: 1 })
    assert.deepStrictEqual(completed(send, rowsOf(send(orders, deep))), rowsOf(make()(orders, deep)))
    assert.match(send(orders, deep).body, /"SalesOrder":\{[^{]*"Lines@odata.count"/)
  })

  it("asks a function for each collection, and pages the rest under $top and $count", () => {
    let asked = 0
    const send = make({ maxChildren: () => (asked++ % 3) + 1 })
    assert.deepStrictEqual(completed(send, rowsOf(send(orders, lines))), whole)
    assert.isAbove(asked, 30)
    const order = whole.find((row) => listAt(row, "Lines").length > 3)
    const fixed = make({ maxChildren: 1 })
    const first = fixed(`${orders}(${String(order?.["Id"])})/Lines`, "$top=3&$count=true")
    assert.strictEqual(at(parse(first), "@odata.count"), listAt(order, "Lines").length)
    assert.strictEqual(rowsOf(first).length, 1)
    assert.strictEqual(follow(fixed, parse(first)["@odata.nextLink"]).length, 2)
  })

  it("is off by default: the address below an entity is then refused", () => {
    assert.notInclude(make()(orders, lines).body, "nextLink")
    assert.include(errorOf(make()(`${orders}(${String(whole[0]?.["Id"])})/Lines`)).message, "one entity segment")
  })
})

describe("a limit on pages that changes", () => {
  it("is asked for each page", () => {
    let size = 0
    const send = make({ maxPageSize: () => ++size })
    assert.strictEqual(rowsOf(send(orders, "$top=10")).length, 1)
    assert.strictEqual(rowsOf(send(orders, "$top=10")).length, 2)
    assert.strictEqual(rowsOf(make({ maxPageSize: () => -3 })(orders, "$top=10")).length, 1)
  })
})
