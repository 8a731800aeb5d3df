import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, FastCheck, Fiber, TestClock } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { at, listAt, textAt } from "./domainFixture.ts"
import { issueToken, json, layer, send } from "./support.ts"
import { Client, linesOf, link, now, orderBody, productBody } from "./writeFixture.ts"

const customers = "Crm_Sales_Customers"
const orders = "Crm_Sales_SalesOrders"
const products = "General_Products_Products"

const begin = (client: Client, body: object = {}) => {
  const id = client.call("BeginTransaction", body)
  return { id, inside: client.with({ headers: { transactionid: id } }) }
}

describe("API transactions", () => {
  it("begin with 32 hexadecimal digits as plain text", () => {
    const reply = new Client().send("POST", "BeginTransaction", { model: "common", trackChanges: false })
    assert.strictEqual(reply.status, 200)
    assert.strictEqual(reply.headers["content-type"], "text/plain")
    assert.match(reply.body, /^[0-9a-f]{32}$/)
    for (const body of [{ model: "backend" }, { trackChanges: "yes" }, "x"]) {
      new Client().refused("POST", "BeginTransaction", body)
    }
  })

  it("show their changes to their own requests alone, until they are committed", () => {
    const client = new Client()
    const { inside } = begin(client)
    const [changed = "", removed = ""] = client.ids(customers)
    const before = client.dump()
    const order = inside.create(orders, orderBody(inside))
    inside.patch(changed, { GracePeriodDays: 81 })
    inside.remove(removed)
    const product = inside.create(products, productBody())

    assert.strictEqual(inside.value(changed, "GracePeriodDays"), 81)
    assert.strictEqual(inside.send("GET", removed).status, 404)
    assert.strictEqual(inside.send("GET", `${customers}/$count`).body, "5")
    assert.strictEqual(linesOf(inside, order).length, 1)
    assert.strictEqual(inside.find(products, "PartNumber eq 'NEW-1'"), product)
    assert.strictEqual(client.dump(), before)
    assert.notStrictEqual(inside.dump(), before)

    inside.call("EndTransaction?tr=1", {})
    assert.strictEqual(client.value(changed, "GracePeriodDays"), 81)
    assert.strictEqual(client.send("GET", removed).status, 404)
    assert.strictEqual(linesOf(client, order).length, 1)
    assert.strictEqual(client.find(products, "PartNumber eq 'NEW-1'"), product)
  })

  it("save everything at once when they end, and their id is worth nothing then", () => {
    const client = new Client()
    const { id, inside } = begin(client)
    const changed = client.first(customers)
    const version = Number(client.value(changed, "ObjectVersion"))
    const order = inside.create(orders, orderBody(inside))
    inside.patch(changed, { GracePeriodDays: 81 })
    inside.patch(changed, { GracePeriodDays: 82 })
    assert.strictEqual(inside.value(changed, "ObjectVersion"), version)
    const later = inside.with({ now: now + 60_000 })
    assert.strictEqual(later.call("EndTransaction"), "")
    assert.deepInclude(client.get(`${changed}?$select=GracePeriodDays,ObjectVersion,AggregateLastUpdateTimeUtc`), {
      GracePeriodDays: 82,
      ObjectVersion: version + 1,
      AggregateLastUpdateTimeUtc: "2026-07-14T09:31:00Z"
    })
    assert.strictEqual(linesOf(client, order).length, 1)
    for (const url of ["EndTransaction", "BeginTransaction"]) {
      const { message, status, type } = inside.refused("POST", url, {})
      assert.deepStrictEqual(
        [status, type, message],
        [500, "InvalidOperationException", `Invalid TransactionId ${id}.`]
      )
    }
    assert.strictEqual(inside.refused("GET", customers).message, `Invalid TransactionId ${id}.`)
    assert.match(client.refused("POST", "EndTransaction").message, /TransactionId/)
  })

  it("leave nothing when they are rolled back, whatever was done in them", () => {
    const client = new Client({ customers: 3, products: 3, salesOrders: 3 })
    const before = client.dump()
    const ids = [customers, products, orders, "Crm_Sales_SalesOrderLines"].flatMap((set) => client.ids(set))
    const row = FastCheck.constantFrom(...ids)
    const step: FastCheck.Arbitrary<(inside: Client) => void> = FastCheck.oneof(
      FastCheck.tuple(
        row,
        FastCheck.constantFrom("Notes", "Active", "GracePeriodDays", "ABCClass"),
        FastCheck.jsonValue()
      ).map(
        ([id, name, value]) =>
          (inside: Client) =>
            void inside.send("PATCH", id, { [name]: value })
      ),
      row.map((id) => (inside: Client) => void inside.send("DELETE", id)),
      row.map((id) => (inside: Client) => void inside.send("POST", `${id}/CreateCopy`, {})),
      FastCheck.constantFrom("Planned", "Released", "Closed").chain((newState) =>
        row.map((id) => (inside: Client) => void inside.send("POST", `${id}/ChangeState`, { newState }))
      ),
      FastCheck.string().map((PartNumber) => (inside: Client) => {
        inside.send("POST", products, productBody({ PartNumber }))
        inside.send("POST", orders, orderBody(client))
        inside.send("POST", "Import", {
          objects: [
            { "@odata.type": "Erp.General_Products_Product", "@erpnet.action": "merge", PartNumber, ABCClass: "A" }
          ]
        })
      })
    )
    void FastCheck.assert(
      FastCheck.property(
        FastCheck.array(step, { maxLength: 12 }),
        FastCheck.constantFrom("common", "frontend"),
        (steps, model) => {
          const { inside } = begin(client, { model, trackChanges: true })
          for (const run of steps) run(inside)
          inside.call("EndTransaction", { commit: false })
          assert.strictEqual(client.dump(), before)
        }
      ),
      { numRuns: 60 }
    )
  })

  it("check what is saved when it is saved", () => {
    const client = new Client()
    const { inside } = begin(client)
    const customer = inside.create(customers, { GracePeriodDays: 1 })
    inside.patch(customer, { FromDate: "2026-02-01", ThruDate: "2026-01-01" })
    const before = client.dump()
    assert.match(inside.refused("POST", "EndTransaction", {}).message, /'Party'/)
    inside.patch(customer, { Party: link(client.first("General_Contacts_Parties")) })
    assert.match(inside.refused("POST", "EndTransaction", {}).message, /R27159/)
    assert.strictEqual(client.dump(), before)
    inside.patch(customer, { ThruDate: null })
    inside.call("EndTransaction")
    assert.strictEqual(client.value(customer, "GracePeriodDays"), 1)
  })

  it("may be over when their commit fails", () => {
    const client = new Client({ failedCommit: "ended" })
    const { id, inside } = begin(client)
    inside.create(customers, {})
    inside.refused("POST", "EndTransaction", {})
    assert.strictEqual(
      inside.refused("POST", "EndTransaction", { commit: false }).message,
      `Invalid TransactionId ${id}.`
    )
    begin(client)
  })

  it("lose against a change of what they hold under a version, and win elsewhere", () => {
    const client = new Client()
    const id = client.first(customers)
    const version = client.value(id, "ObjectVersion")
    const one = begin(client)
    one.inside.patch(id, { ObjectVersion: version, GracePeriodDays: 81 })
    client.patch(id, { DefaultPaymentTermDays: 82 })
    assert.match(one.inside.refused("POST", "EndTransaction", {}).message, /ObjectVersion/)
    one.inside.call("EndTransaction", { commit: false })
    const two = begin(client)
    two.inside.patch(id, { GracePeriodDays: 83 })
    client.patch(id, { DefaultPaymentTermDays: 84 })
    two.inside.call("EndTransaction")
    const row = client.get(id)
    assert.deepStrictEqual([row["GracePeriodDays"], row["DefaultPaymentTermDays"]], [83, 84])
    assert.strictEqual(client.value(id, "ObjectVersion"), Number(version) + 3)
  })

  it("cannot save a row that somebody else deleted", () => {
    const client = new Client()
    const id = client.first(customers)
    const { inside } = begin(client)
    inside.patch(id, { GracePeriodDays: 81 })
    client.remove(id)
    const before = client.dump()
    assert.match(inside.refused("POST", "EndTransaction", {}).message, /deleted by another user/)
    assert.strictEqual(client.dump(), before)
  })

  it("live for 25 minutes, however busy they are", () => {
    const client = new Client()
    const { id, inside } = begin(client)
    const minute = 60_000
    inside.with({ now: now + 25 * minute - 1 }).patch(client.first(customers), { GracePeriodDays: 81 })
    assert.strictEqual(client.domain.transactions(now + 25 * minute - 1), 1)
    const { message } = inside.with({ now: now + 25 * minute }).refused("POST", "EndTransaction", {})
    assert.strictEqual(message, `Invalid TransactionId ${id}.`)
    assert.strictEqual(client.domain.transactions(now + 25 * minute), 0)
    begin(client)
  })

  it("belong to their session, one to each unless told otherwise", () => {
    const client = new Client()
    const { id, inside } = begin(client)
    const other = client.with({ session: "other" })
    assert.strictEqual(
      inside.with({ session: "other" }).refused("GET", customers).message,
      `Invalid TransactionId ${id}.`
    )
    assert.deepInclude(client.send("POST", "BeginTransaction", {}), { status: 429, body: "" })
    begin(other)
    assert.strictEqual(client.domain.transactions(now), 2)
    client.domain.endSession("session")
    assert.strictEqual(inside.refused("GET", customers).message, `Invalid TransactionId ${id}.`)
    begin(client)
    const two = new Client({ transactionsPerSession: 2 })
    begin(two)
    begin(two)
    assert.strictEqual(two.send("POST", "BeginTransaction", {}).status, 429)
  })
})

describe("the front-end model", () => {
  it("brings what the customer and the product know, and calculates", () => {
    const client = new Client()
    const { inside } = begin(client, { model: "frontend" })
    const { DocumentCurrency: _, ...body } = orderBody(client)
    const product = link(client.find(products, "PartNumber eq 'OFF0001'"))
    const order = inside.create(orders, { ...body, Lines: [{ Product: product, Quantity: { Value: 2, Unit: "BOX" } }] })
    const customer = client.get(client.first(customers))
    const read = inside.get(order)
    assert.deepStrictEqual(read["DocumentCurrency"], customer["DefaultCurrency"])
    assert.deepStrictEqual(read["PaymentType"], customer["DefaultPaymentType"])
    const [line] = linesOf(inside, order)
    const price = Number(at(line, "UnitPrice", "Value"))
    assert.isAbove(price, 0)
    assert.deepStrictEqual(line?.["QuantityBase"], { Value: 24, Unit: "PCS" })
    assert.strictEqual(at(line, "LineAmount", "Value"), Math.round(price * 2 * 100) / 100)
    inside.patch(textAt(line, "@odata.id"), { Quantity: { Value: 10 }, LineCustomDiscountPercent: 0.1 })
    const [changed] = linesOf(inside, order)
    assert.strictEqual(at(changed, "LineAmount", "Value"), Math.round(price * 9 * 100) / 100)
    assert.deepStrictEqual(changed?.["QuantityBase"], { Value: 120, Unit: "PCS" })
    inside.call("EndTransaction")
    assert.strictEqual(linesOf(client, order).length, 1)
  })

  it("is not that of direct requests", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client))
    const [line] = linesOf(client, order)
    client.patch(textAt(line, "@odata.id"), { Quantity: { Value: 10 } })
    assert.deepStrictEqual(linesOf(client, order)[0]?.["LineAmount"], line?.["LineAmount"])
  })

  it("lets a released document be edited, and not saved", () => {
    const client = new Client()
    const order = client.create(orders, orderBody(client))
    const [line] = linesOf(client, order)
    client.call(`${order}/ChangeState`, { newState: "Released" })
    const { inside } = begin(client, { model: "frontend" })
    inside.patch(textAt(line, "@odata.id"), { Quantity: { Value: 10 } })
    assert.match(inside.refused("POST", "EndTransaction", {}).message, /released/)
    inside.call("EndTransaction", { commit: false })
    const common = begin(client)
    assert.match(common.inside.refused("PATCH", order, { DocumentNotes: "x" }).message, /released/)
  })

  it("releases a document in the transaction that made it", () => {
    const client = new Client()
    const { inside } = begin(client, { model: "frontend" })
    const order = inside.create(orders, orderBody(client))
    inside.call(`${order}/ChangeState`, { newState: "Released" })
    inside.call("EndTransaction")
    assert.strictEqual(client.value(order, "State"), "Released")
    const again = begin(client, { model: "frontend" })
    again.inside.call(`${order}/Complete`)
    again.inside.call("EndTransaction")
    assert.strictEqual(client.value(order, "State"), "Completed")
  })
})

describe("GetChanges", () => {
  it("tells what changed since the last time, by kind, set and id", () => {
    const client = new Client()
    const { inside } = begin(client, { model: "frontend", trackChanges: true })
    const [changed = "", removed = ""] = client.ids(customers)
    const key = (id: string) => /\((.*)\)/.exec(id)?.[1] ?? ""
    const changes = () => {
      const { "@odata.context": context, ...kinds } = inside.get("GetChanges")
      assert.match(String(context), /\$metadata#Erp.OpenObject$/)
      return kinds
    }
    assert.deepStrictEqual(changes(), {})
    inside.patch(changed, { GracePeriodDays: 81, CreditLimit: { Value: 5, Currency: "EUR" }, SalesPerson: null })
    const currency = client.find("General_Currencies_Currencies", "CurrencySign eq 'USD'")
    inside.patch(changed, { GracePeriodDays: 82, DefaultCurrency: link(currency) })
    const update = at(changes(), "update", customers, key(changed))
    assert.deepInclude(update, {
      GracePeriodDays: 82,
      CreditLimit: { Value: 5, Currency: "EUR" },
      DefaultCurrency: link(currency)
    })
    assert.deepStrictEqual(changes(), {})

    const order = inside.create(orders, orderBody(client))
    inside.remove(removed)
    const product = inside.create(products, productBody())
    inside.remove(product)
    inside.send("PATCH", changed, { GracePeriodDays: 83, Nonsense: 1 })
    const next = changes()
    assert.deepStrictEqual(Object.keys(next), ["insert", "delete"])
    assert.strictEqual(at(next, "insert", orders, key(order), "DocumentNo"), "0000000011")
    assert.deepStrictEqual(Object.keys(Object(at(next, "insert"))), [orders, "Crm_Sales_SalesOrderLines"])
    assert.deepStrictEqual(at(next, "delete", customers), { [key(removed)]: {} })

    const [line] = linesOf(inside, order)
    inside.patch(textAt(line, "@odata.id"), { Quantity: { Value: 9 } })
    const calculated = at(changes(), "update", "Crm_Sales_SalesOrderLines", String(line?.["Id"]))
    assert.hasAllKeys(calculated, ["Quantity", "QuantityBase", "StandardQuantityBase", "LineAmount"])
  })

  it("needs a transaction that tracks changes", () => {
    const client = new Client()
    for (const name of ["GetChanges", "WaitForChanges"]) {
      assert.match(client.refused("GET", name).message, /TransactionId/)
      const { inside } = begin(client)
      assert.match(inside.refused("GET", name).message, /trackChanges/)
      inside.call("EndTransaction")
    }
  })
})

// --- through the instance ---------------------------------------------------------------------------------------------

const root = "/api/domain/odata/"

const api = (token: string, method: "GET" | "POST" | "PATCH", path: string, body?: unknown, id?: string) =>
  HttpClientRequest.make(method)(root + path).pipe(
    HttpClientRequest.setHeaders({
      authorization: `Bearer ${token}`,
      ...(id === undefined ? {} : { TransactionId: id })
    }),
    body === undefined ? (request) => request : HttpClientRequest.bodyText(JSON.stringify(body), "application/json"),
    send
  )

const beginAt = (token: string, body: object = {}) =>
  Effect.map(api(token, "POST", "BeginTransaction", body), (got) => got.body)

const firstCustomer = Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) =>
  Effect.map(erp.data, (data) => `${customers}(${data.ids(customers)[0]})`)
)

const counted = Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) => erp.counters)

describe("transactions of an instance", () => {
  it.effect("are counted, and end in 204", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      assert.strictEqual((yield* counted).transactions, 0)
      const id = yield* beginAt(token)
      assert.strictEqual((yield* counted).transactions, 1)
      assert.strictEqual((yield* api(token, "POST", "BeginTransaction", {})).status, 429)
      const customer = yield* firstCustomer
      assert.strictEqual((yield* api(token, "PATCH", customer, { GracePeriodDays: 81 }, id)).status, 204)
      const ended = yield* api(token, "POST", "EndTransaction", { commit: true }, id)
      assert.deepInclude(ended, { status: 204, body: "" })
      assert.strictEqual((yield* counted).transactions, 0)
      const row = json(yield* api(token, "GET", customer))
      assert.deepInclude(row, { GracePeriodDays: 81, UpdateUser: "svc.integration" })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("are lost with their session: after 20 idle minutes, and after a restart", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      const idle = yield* beginAt(token)
      yield* TestClock.adjust("20 minutes")
      assert.strictEqual((yield* counted).transactions, 0)
      assert.include((yield* api(token, "GET", customers, undefined, idle)).body, `Invalid TransactionId ${idle}.`)
      const restarted = yield* beginAt(token)
      yield* erp.endSessions
      assert.deepInclude(yield* counted, { transactions: 0, sessions: 0 })
      const got = yield* api(token, "POST", "EndTransaction", {}, restarted)
      assert.strictEqual(got.status, 500)
      assert.include(got.body, `Invalid TransactionId ${restarted}.`)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("are lost when the hour of their session is over, with a token that lives on", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      for (let minutes = 0; minutes < 50; minutes += 10) {
        yield* api(token, "GET", customers)
        yield* TestClock.adjust("10 minutes")
      }
      const id = yield* beginAt(token)
      yield* TestClock.adjust("10 minutes")
      const got = yield* api(token, "GET", customers, undefined, id)
      assert.include(got.body, `Invalid TransactionId ${id}.`)
    }).pipe(Effect.provide(layer({ lifetime: "2 hours" })))
  )

  it.effect("do what was asked even when the answer is lost", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      const customer = yield* firstCustomer
      const patch = (days: number) => api(token, "PATCH", customer, { GracePeriodDays: days })
      const days = Effect.map(api(token, "GET", `${customer}?$select=GracePeriodDays`), (got) =>
        at(json(got), "GracePeriodDays")
      )
      yield* erp.failNext("api", ErpNetEmulator.Fault.resetAfterExecution)
      yield* Effect.flip(patch(81))
      assert.strictEqual(yield* days, 81)
      yield* erp.failNext("api", ErpNetEmulator.Fault.reset)
      yield* Effect.flip(patch(82))
      assert.strictEqual(yield* days, 81)
      yield* erp.failNext("api", ErpNetEmulator.Fault.resetAfterExecution)
      yield* Effect.flip(api(token, "POST", "BeginTransaction", {}))
      assert.strictEqual((yield* counted).transactions, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("WaitForChanges answers as soon as there is a change, by whichever request", () =>
    Effect.gen(function* () {
      const token = yield* issueToken()
      const customer = yield* firstCustomer
      const id = yield* beginAt(token, { trackChanges: true })
      const waiting = yield* Effect.fork(api(token, "GET", "WaitForChanges", undefined, id))
      yield* TestClock.adjust("1 minute")
      yield* api(token, "GET", customer, undefined, id)
      yield* api(token, "PATCH", customer, { GracePeriodDays: 70 })
      yield* Effect.yieldNow()
      assert.isTrue((yield* Fiber.poll(waiting))._tag === "None")
      yield* api(token, "PATCH", customer, { GracePeriodDays: 81 }, id)
      const got = json(yield* Fiber.join(waiting))
      assert.hasAllKeys(at(got, "update"), [customers])
      assert.notProperty(json(yield* api(token, "GET", "GetChanges", undefined, id)), "update")
    }).pipe(Effect.provide(layer()))
  )

  it.effect(
    "WaitForChanges answers without changes after two minutes, at once when there is one, and fails when the transaction is gone",
    () =>
      Effect.gen(function* () {
        const token = yield* issueToken()
        const customer = yield* firstCustomer
        const id = yield* beginAt(token, { trackChanges: true })
        const wait = api(token, "GET", "WaitForChanges", undefined, id)
        const [duration, empty] = yield* Effect.timed(wait).pipe(
          Effect.fork,
          Effect.tap(() => TestClock.adjust("5 minutes")),
          Effect.flatMap(Fiber.join)
        )
        assert.strictEqual(Duration.toMinutes(duration), 2)
        assert.deepStrictEqual(Object.keys(Object(json(empty))), ["@odata.context"])
        yield* api(token, "PATCH", customer, { GracePeriodDays: 81 }, id)
        assert.property(json(yield* wait), "update")
        const waiting = yield* Effect.fork(wait)
        yield* TestClock.adjust("1 second")
        yield* api(token, "POST", "EndTransaction", { commit: false }, id)
        assert.include((yield* Fiber.join(waiting)).body, "Invalid TransactionId")
        const erp = yield* ErpNetEmulator.ErpNetEmulator
        const other = yield* beginAt(token, { trackChanges: true })
        const lost = yield* Effect.fork(api(token, "GET", "WaitForChanges", undefined, other))
        yield* TestClock.adjust("1 second")
        yield* erp.endSessions
        assert.include((yield* Fiber.join(lost)).body, `Invalid TransactionId ${other}.`)
        assert.strictEqual((yield* api(token, "GET", "WaitForChanges", undefined, "x")).status, 500)
        assert.strictEqual(listAt(json(yield* api(token, "GET", customers)), "value").length, 2)
      }).pipe(Effect.provide(layer()))
  )
})
