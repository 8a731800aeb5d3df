/** An OData server that we did not write: SAP CAP over SQLite, in a folder and a process of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Effect } from "effect"

export const clientId = "interop/service"
export const clientSecret = "interop secret"
export const customers = 250
export const pageSize = 100

/** The id of a customer, a group or a contact. */
export const guid = (kind: "customer" | "group" | "contact", n: number): string =>
  `00000000-0000-4000-${{ customer: "8000", group: "9000", contact: "a000" }[kind]}-${String(n).padStart(12, "0")}`

/** The first change of all, in epoch milliseconds; every customer after the first changed a minute later. */
export const firstChange = Date.UTC(2026, 0, 1)

const packageJson = {
  private: true,
  dependencies: { "@cap-js/sqlite": "1.11.1", "@sap/cds": "8.9.10", express: "4.22.3" },
  cds: {
    features: { ieee754compatible: true },
    requires: { db: { kind: "sqlite", credentials: { url: ":memory:" } }, auth: { kind: "dummy" } }
  }
}

const model = `
namespace interop;
entity Customers {
  key Id: UUID; Number: String(16); Name: String(254); Active: Boolean;
  CreditLimit: Decimal(18,2); ObjectVersion: Int64; AggregateLastUpdateTimeUtc: Timestamp;
  Group: Association to Groups;
  Contacts: Composition of many Contacts on Contacts.Customer = $self;
}
entity Groups { key Id: UUID; Code: String(16); }
entity Contacts { key Id: UUID; Customer: Association to Customers; Email: String(128); }

@path: '/api/domain/odata'
@cds.query.limit: { default: ${pageSize}, max: ${pageSize} }
service Catalog {
  entity Crm_Sales_Customers as projection on Customers;
  entity Groups as projection on interop.Groups;
  entity Contacts as projection on interop.Contacts;
}
`

/** Data, a token endpoint, and a check of the bearer token in front of the API: CAP itself has none. */
const server = `
const cds = require("@sap/cds")
const { randomBytes } = require("node:crypto")
const express = require("express")

const tokens = new Set()
let exchanges = 0
cds.on("bootstrap", (app) => {
  const listen = app.listen
  app.listen = (port) => listen.call(app, port, "127.0.0.1")
  app.post("/id/connect/token", express.urlencoded({ extended: false }), (req, res) => {
    const { client_id, client_secret, grant_type } = req.body
    if (client_id !== ${JSON.stringify(clientId)} || client_secret !== ${JSON.stringify(clientSecret)}) {
      return res.status(400).json({ error: "invalid_client" })
    }
    if (grant_type !== "client_credentials") return res.status(400).json({ error: "unsupported_grant_type" })
    const access_token = randomBytes(24).toString("hex")
    tokens.add(access_token)
    exchanges++
    res.json({ access_token, expires_in: 3600, token_type: "Bearer", scope: "read" })
  })
  app.post("/interop/revoke", (req, res) => {
    tokens.clear()
    res.json({ exchanges })
  })
  app.post("/interop/touch/:id", async (req, res) => {
    await UPDATE("interop.Customers", { Id: req.params.id }).with({ Number: "X", AggregateLastUpdateTimeUtc: req.query.at })
    res.json({})
  })
  app.use("/api", (req, res, next) => {
    const [, token] = /^Bearer (.+)$/.exec(req.headers.authorization ?? "") ?? []
    if (tokens.has(token)) return next()
    res.status(401).set("www-authenticate", 'Bearer error="invalid_token"').end()
  })
})

const guid = (part, n) => "00000000-0000-4000-" + part + "-" + String(n).padStart(12, "0")
cds.on("served", async () => {
  const { Customers, Groups, Contacts } = cds.entities("interop")
  const rows = Array.from({ length: ${customers} }, (_, n) => ({
    Id: guid("8000", n),
    Number: String(n).padStart(6, "0"),
    Name: "O'Neil & Söhne #" + n + " 100%",
    Active: n % 2 === 0,
    CreditLimit: n === 7 ? "1234567890123.45" : n + ".50",
    ObjectVersion: "9007199254740993",
    AggregateLastUpdateTimeUtc: n === 9 ? null : new Date(${firstChange} + n * 60000).toISOString(),
    Group_Id: n === 3 ? null : guid("9000", n % 2)
  }))
  await INSERT.into(Groups).entries([0, 1].map((n) => ({ Id: guid("9000", n), Code: "G" + n })))
  await INSERT.into(Customers).entries(rows)
  await INSERT.into(Contacts).entries(
    [0, 1, 2].map((n) => ({ Id: guid("a000", n), Customer_Id: guid("8000", 5), Email: n + "@example.com" }))
  )
})
module.exports = cds.server
`

const ended = async (child: ChildProcess, what: string): Promise<void> => {
  const [code] = await once(child, "exit")
  if (code !== 0) throw new Error(`${what} ended with ${code}`)
}

const install = async (folder: string): Promise<void> => {
  mkdirSync(join(folder, "srv"), { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify(packageJson))
  writeFileSync(join(folder, "srv/catalog.cds"), model)
  writeFileSync(join(folder, "srv/server.js"), server)
  if (existsSync(join(folder, "node_modules/@sap/cds/package.json"))) return
  console.log(`Installing SAP CAP into ${folder}; where SQLite has to be compiled, this takes minutes.`)
  const npm = spawn("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    stdio: "inherit"
  })
  await ended(npm, "npm install")
}

const listening = async (child: ChildProcess): Promise<string> => {
  let printed = ""
  child.stderr?.on("data", (part) => {
    printed += String(part)
  })
  if (child.stdout === null) throw new Error("the server has no output")
  for await (const line of createInterface({ input: child.stdout })) {
    printed += `${line}\n`
    const [, port] = /server listening on \{ url: 'http:\/\/[^:]+:(\d+)'/.exec(line) ?? []
    if (port !== undefined) return `http://127.0.0.1:${port}`
  }
  throw new Error(`the server did not start:\n${printed}`)
}

/** INTEROP_FOLDER keeps the installation for the next time. */
const folder = Effect.acquireRelease(
  Effect.sync(() => process.env["INTEROP_FOLDER"] ?? mkdtempSync(join(tmpdir(), "effect-erpnet-interop-"))),
  (folder) =>
    Effect.sync(() => {
      if (process.env["INTEROP_FOLDER"] === undefined) rmSync(folder, { recursive: true, force: true })
    })
)

/** Installs the server where it is not yet, starts it on a free loopback port, and gives its origin. */
export const start = Effect.gen(function* () {
  const cwd = yield* folder
  yield* Effect.promise(() => install(cwd))
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["node_modules/@sap/cds/bin/serve.js", "all", "--port", "0"], {
        cwd,
        env: { ...process.env, NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  return yield* Effect.promise(() => listening(child))
})
