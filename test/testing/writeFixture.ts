import { assert } from "@effect/vitest"
import * as Domain from "../../src/testing/engine/domain.ts"
import { model } from "../../src/testing/model/sets.ts"
import type { DomainOptions, DomainReply, DomainRequest } from "../../src/testing/model/types.ts"
import { at, type Json, listAt, sender } from "./domainFixture.ts"

export const now = Date.UTC(2026, 6, 14, 9, 30)
export const today = "2026-07-14T00:00:00Z"

/** A Domain of its own, and requests to it as a client with all scopes sends them. */
export class Client {
  readonly domain: Domain.EditableDomain
  #more: Partial<DomainRequest>

  constructor(options: DomainOptions = {}, more: Partial<DomainRequest> = {}, domain?: Domain.EditableDomain) {
    this.domain = domain ?? Domain.make({ customers: 6, products: 8, salesOrders: 10, ...options })
    this.#more = { scopes: ["read", "update"], now, user: "svc.integration", ...more }
  }

  /** The same instance, asked with these differences. */
  with(more: Partial<DomainRequest>): Client {
    return new Client({}, { ...this.#more, ...more }, this.domain)
  }

  send(method: string, url: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): DomainReply {
    const [path = "", query = ""] = url.split("?")
    return sender(this.domain)(path, query, {
      ...this.#more,
      method,
      headers: { ...this.#more.headers, ...headers },
      body: body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
    })
  }

  #ok(method: string, url: string, body: unknown, status: number): DomainReply {
    const reply = this.send(method, url, body)
    assert.strictEqual(reply.status, status, `${method} ${url}: ${reply.body}`)
    return reply
  }

  get(url: string): Json {
    return JSON.parse(this.#ok("GET", url, undefined, 200).body)
  }

  /** Creates, and returns the relative id. */
  create(set: string, body: unknown): string {
    const { "@odata.id": id } = JSON.parse(this.#ok("POST", set, body, 201).body)
    assert(typeof id === "string")
    return id
  }

  patch(id: string, body: unknown): void {
    assert.strictEqual(this.#ok("PATCH", id, body, 204).body, "")
  }

  remove(id: string): void {
    assert.strictEqual(this.#ok("DELETE", id, undefined, 204).body, "")
  }

  /** Calls an action; its answer, if it has one. */
  call(url: string, body: unknown = {}): string {
    const reply = this.send("POST", url, body)
    assert.oneOf(reply.status, [200, 204], `${url}: ${reply.body}`)
    return reply.body
  }

  /** Sends what has to be refused. */
  refused(
    method: string,
    url: string,
    body?: unknown
  ): { status: number; code: number; type: string; message: string } {
    const reply = this.send(method, url, body)
    assert.isAtLeast(reply.status, 400, `${method} ${url} was not refused: ${reply.body}`)
    const { error } = JSON.parse(reply.body)
    return { status: reply.status, code: error.code, type: error.type, message: error.message }
  }

  /** The relative ids of a set. */
  ids(set: string): ReadonlyArray<string> {
    return this.domain.ids(set).map((id) => `${set}(${id})`)
  }

  first(set: string): string {
    const [id] = this.ids(set)
    assert(id !== undefined, `${set} is empty`)
    return id
  }

  /** The relative id of the only row that a filter finds. */
  find(set: string, filter: string): string {
    const rows = listAt(this.get(`${set}?$filter=${encodeURIComponent(filter)}&$select=Id`), "value")
    assert.strictEqual(rows.length, 1, filter)
    return String(at(rows[0], "@odata.id"))
  }

  /** One value of a row. */
  value(id: string, name: string): unknown {
    return this.get(`${id}?$select=${name}`)[name]
  }

  /** Every set with all it holds, as text. */
  dump(): string {
    return [...model.entities.values()]
      .map((entity) => {
        const names = [...entity.attributes.values()].filter((a) => a.since === undefined || a.since === "26.2")
        const select = [...names.map((a) => a.name), ...entity.references.keys()].join(",")
        return `${entity.set}\n${this.#ok("GET", `${entity.set}?$select=${select}`, undefined, 200).body}`
      })
      .join("\n")
  }
}

export const link = (id: string) => ({ "@odata.id": id })

/** What a new sales order needs, and nothing more. */
export const orderBody = (client: Client, more: object = {}, line: object = {}) => ({
  DocumentType: link(client.find("Systems_Documents_DocumentTypes", "Code eq 'SO'")),
  EnterpriseCompany: link(client.first("General_EnterpriseCompanies")),
  Customer: link(client.first("Crm_Sales_Customers")),
  DocumentCurrency: { CurrencySign: "EUR" },
  Lines: [
    {
      Product: link(client.find("General_Products_Products", "PartNumber eq 'OFF0001'")),
      Quantity: { Value: 3, Unit: "PCS" },
      UnitPrice: { Value: 2.5, Currency: "EUR" },
      ...line
    }
  ],
  ...more
})

export const productBody = (more: object = {}) => ({
  PartNumber: "NEW-1",
  Name: { EN: "Lamp", BG: "Лампа" },
  ProductGroup: { Code: "OFF" },
  ...more
})

/** The lines of an order, in the order of their numbers. */
export const linesOf = (client: Client, order: string): ReadonlyArray<Json> =>
  [...listAt(client.get(`${order}?$expand=Lines($select=default,Id)`), "Lines")].sort(
    (a, b) => Number(a["LineNo"]) - Number(b["LineNo"])
  )
