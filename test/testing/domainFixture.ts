import { assert } from "@effect/vitest"
import type * as Domain from "../../src/testing/engine/domain.ts"
import type { DomainReply, DomainRequest } from "../../src/testing/model/types.ts"

export const serviceRoot = "https://testdb.my.erp.net/api/domain/odata/"

export type Send = (path: string, query?: string, more?: Partial<DomainRequest>) => DomainReply

export const sender =
  (domain: Domain.EditableDomain): Send =>
  (path, query = "", more = {}) =>
    domain.handle({
      method: "GET",
      path,
      query,
      headers: {},
      body: "",
      scopes: ["read"],
      now: 0,
      serviceRoot,
      version: "26.2.0.76",
      session: "session",
      ...more
    })

/** Query options as a client sends them. */
export const query = (options: Readonly<Record<string, string>>): string =>
  Object.entries(options)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&")

export type Json = { readonly [name: string]: unknown }

/** What lies at a path inside parsed JSON. */
export const at = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>(
    (current, key) => (typeof current === "object" && current !== null ? Reflect.get(current, key) : undefined),
    value
  )

export const textAt = (value: unknown, ...path: ReadonlyArray<string | number>): string => {
  const found = at(value, ...path)
  assert(typeof found === "string", `no text at ${path.join("/")}`)
  return found
}

export const listAt = (value: unknown, ...path: ReadonlyArray<string | number>): ReadonlyArray<Json> => {
  const found = at(value, ...path)
  assert(Array.isArray(found), `no list at ${path.join("/")}`)
  return found
}

export const parse = (reply: DomainReply): Json => {
  assert.strictEqual(reply.status, 200, reply.body)
  return JSON.parse(reply.body)
}

export const rowsOf = (reply: DomainReply): ReadonlyArray<Json> => listAt(parse(reply), "value")

export const errorOf = (
  reply: DomainReply
): { readonly status: number; readonly type: string; readonly message: string } => {
  const { error } = JSON.parse(reply.body)
  return { status: reply.status, type: error.type, message: error.message }
}

/** Every row of a collection, by following the next links. */
export const pages = (
  send: Send,
  path: string,
  first: string
): { readonly rows: ReadonlyArray<Json>; readonly calls: number } => {
  const rows: Array<Json> = []
  let calls = 0
  let next: { readonly path: string; readonly query: string } | undefined = { path, query: first }
  while (next !== undefined) {
    const reply = send(next.path, next.query)
    const body = parse(reply)
    calls++
    assert(calls < 10_000, "paging does not end")
    rows.push(...rowsOf(reply))
    const link: unknown = body["@odata.nextLink"]
    if (typeof link !== "string") break
    assert(link.startsWith(serviceRoot), link)
    const [linkPath = "", linkQuery = ""] = link.slice(serviceRoot.length).split("?")
    next = { path: linkPath, query: linkQuery }
  }
  return { rows, calls }
}
