/**
 * The server that all adapters are measured against: a token endpoint and an API in one process of its own, answering
 * from prepared bytes so that it costs the machine as little as it can. Steered by its parent over IPC.
 */
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import {
  idOf,
  lookupSet,
  odataPath,
  pageSize,
  plainSettings,
  rowsSet,
  type ServerCommand,
  type Settings
} from "./protocol.ts"

/** As long as the JWTs of ERP.net are: a token travels with every call. */
const padded = (token: string): string => token.padEnd(900, "x")

const staticToken = padded("static-token-of-the-benchmark")

let settings: Settings = plainSettings
let tokenPosts = 0
let apiCalls = 0
let unauthorized = 0
let issued = 0
/** The tokens that are good, with their expiry in epoch milliseconds. */
const tokens = new Map<string, number>()

const rowOf = (index: number): string =>
  JSON.stringify({
    Id: idOf(index),
    Number: `C-${index}`,
    Name: `Customer number ${index} of the benchmark`,
    Active: index % 3 !== 0,
    City: index % 7 === 0 ? null : "Sofia",
    Street: "Boulevard of the long loop 17",
    PostalCode: "1407",
    CountryCode: "BG",
    Email: `customer-${index}@example.org`,
    Phone: "+359 2 000 000",
    CreditLimit: 1000.5 + index,
    DueDays: 30,
    Discount: 0.125,
    CreatedOn: "2024-05-17T09:30:00Z",
    Notes: index % 5 === 0 ? null : "pays on time, asks for paper invoices"
  })

const rowTexts = Array.from({ length: pageSize }, (_, index) => rowOf(index))
const fullPage = Buffer.from(`${rowTexts.join(",")}]}`)
const customer = Buffer.from(
  '{"@odata.context":"$metadata#Bench_Customers","value":[{"Id":"00000000-0000-4000-8000-000000000001","Number":"C-1"}]}'
)
const refusal = Buffer.from('{"error":{"code":"Unauthorized","message":"The token is not valid."}}')

const answer = (response: ServerResponse, status: number, parts: ReadonlyArray<Buffer>, challenge = false): void => {
  const headers: Record<string, string | number> = {
    "content-type": "application/json; charset=utf-8",
    "content-length": parts.reduce((sum, part) => sum + part.length, 0)
  }
  if (challenge) headers["www-authenticate"] = 'Bearer error="invalid_token"'
  response.writeHead(status, headers)
  for (const part of parts) response.write(part)
  response.end()
}

const token = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  tokenPosts += 1
  request.resume()
  await once(request, "end")
  if (settings.tokenLatency > 0) await sleep(settings.tokenLatency)
  issued += 1
  const value = padded(`token-${issued}-of-the-benchmark`)
  tokens.set(value, Date.now() + settings.tokenLifetime * 1000)
  answer(response, 200, [
    Buffer.from(JSON.stringify({ access_token: value, expires_in: settings.tokenLifetime, token_type: "Bearer" }))
  ])
}

const page = async (url: URL, response: ServerResponse): Promise<void> => {
  if (settings.pageDelay > 0) await sleep(settings.pageDelay)
  const skip = Number(url.searchParams.get("$skip") ?? 0)
  const count = Math.min(pageSize, settings.rows - skip)
  const next = new URL(url)
  next.searchParams.set("$skip", String(skip + pageSize))
  const link = skip + pageSize < settings.rows ? `"@odata.nextLink":${JSON.stringify(next.href)},` : ""
  answer(response, 200, [
    Buffer.from(`{"@odata.context":"$metadata#${rowsSet}",${link}"value":[`),
    count === pageSize ? fullPage : Buffer.from(`${rowTexts.slice(0, count).join(",")}]}`)
  ])
}

const party = (id: string): string => JSON.stringify({ Id: id, Number: `C-${id.slice(-6)}`, Name: `Party ${id}` })

/** One row by its id, or those of a filter `Id in (...)`. */
const lookup = async (url: URL, response: ServerResponse): Promise<void> => {
  if (settings.lookupDelay > 0) await sleep(settings.lookupDelay)
  const one = /\(([0-9a-f-]{36})\)$/.exec(url.pathname)?.[1]
  const many = /^Id in \((.*)\)$/.exec(url.searchParams.get("$filter") ?? "")?.[1]?.split(",")
  answer(response, 200, [
    Buffer.from(one === undefined ? `{"value":[${(many ?? []).map(party).join(",")}]}` : party(one))
  ])
}

const isGood = (authorization: string | undefined): boolean => {
  if (settings.alwaysUnauthorized || authorization === undefined || !authorization.startsWith("Bearer ")) return false
  const value = authorization.slice(7)
  return value === staticToken || (tokens.get(value) ?? 0) > Date.now()
}

const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const target = request.url ?? ""
  if (target === "/id/connect/token") return token(request, response)
  apiCalls += 1
  if (!isGood(request.headers.authorization)) {
    unauthorized += 1
    return answer(response, 401, [refusal], true)
  }
  if (target.startsWith(`${odataPath}${rowsSet}`)) {
    return page(new URL(target, `http://${request.headers.host}`), response)
  }
  if (target.startsWith(`${odataPath}${lookupSet}`)) {
    return lookup(new URL(target, `http://${request.headers.host}`), response)
  }
  answer(response, 200, [customer])
}

const server = createServer((request, response) => {
  handle(request, response).catch(() => response.destroy())
})
// Longer than any question, so that no connection is closed under a call.
server.keepAliveTimeout = 600_000
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ origin: `http://127.0.0.1:${port}`, staticToken })
})

process.on("message", (command: ServerCommand) => {
  if (command.type === "reset") {
    settings = command.settings
    tokens.clear()
    tokenPosts = 0
    apiCalls = 0
    unauthorized = 0
  }
  if (command.type === "revokeAll") tokens.clear()
  process.send?.({ tokenPosts, apiCalls, unauthorized })
  if (command.type === "read") {
    tokenPosts = 0
    apiCalls = 0
    unauthorized = 0
  }
})
process.on("disconnect", () => process.exit(0))
