/**
 * The client-credentials walkthrough of ERP.net: request a token, call the API, handle expiry.
 *
 * By default it starts an embedded instance on a loopback port and talks to it over HTTP. With ERPNET_INSTANCE,
 * ERPNET_CLIENT_ID and ERPNET_CLIENT_SECRET set it runs the first two steps on that instance.
 *
 *   npm start
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Clock, Console, Effect, Layer, Schema } from "effect"
import { type AccessToken, ComplexType, DomainApi, EntitySet, ErpNet, TokenProvider } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { hasSettings } from "./support/embedded.ts"
import { bold, dim, green, heading, line, run, yellow } from "./support/terminal.ts"

const customers = (name: string) =>
  EntitySet.make(
    name,
    Schema.Struct({
      Id: Schema.UUID,
      Number: Schema.NullOr(Schema.String),
      Party: EntitySet.expand(Schema.Struct({ PartyName: ComplexType.MultilanguageString }))
    })
  )

const describe = (token: AccessToken.AccessToken) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const seconds = Math.round((token.expiresAt - now) / 1000)
    return `token ${bold(token.fingerprint)}, scope "${token.scopes.join(" ")}", expires in ${seconds} s`
  })

const requestToken = Effect.gen(function* () {
  yield* heading("1. Request an access token")
  const tokens = yield* TokenProvider.TokenProvider
  yield* line(`POST ${tokens.instance.tokenEndpoint} ${dim("(grant_type=client_credentials)")}`)
  yield* line(`${green("ok")} ${yield* describe(yield* tokens.get)}`)
})

const list = (name: string) => DomainApi.list(customers(name), { top: 10 })

const callApi = Effect.gen(function* () {
  yield* heading("2. Call the API")
  const { instance } = yield* TokenProvider.TokenProvider
  yield* line(`GET ${instance.odata}Crm_Customers?$top=10`)
  const rows = yield* list("Crm_Customers").pipe(
    Effect.catchTag("EntityRenamed", ({ newName }) =>
      Effect.zipRight(line(`${yellow("renamed")} this server calls the entity set ${newName}`), list(newName))
    )
  )
  yield* line(`${green("ok")} ${rows.length} customers`)
  yield* Console.table(
    rows.map((row) => ({ Number: row.Number, Name: ComplexType.getText(row.Party.PartyName, "EN"), Id: row.Id }))
  )
})

const handleExpiry = Effect.gen(function* () {
  yield* heading("3. Handle expiry")
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  const tokens = yield* TokenProvider.TokenProvider
  yield* emulator.revokeTokens
  yield* emulator.clearJournal
  yield* line(`${yellow("revoked")} the server refuses token ${(yield* tokens.get).fingerprint} from now on`)
  const rows = yield* list("Crm_Customers")
  for (const entry of yield* emulator.journal) {
    yield* line(
      `${entry.method} ${entry.path} -> ${entry.status === 401 ? yellow("401") : green(String(entry.status))}`
    )
  }
  yield* line(`${green("ok")} the same call gave ${rows.length} customers with ${yield* describe(yield* tokens.get)}`)
})

const embedded = Effect.gen(function* () {
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  yield* Console.log(`ERP.net walkthrough on the embedded instance at ${emulator.origin}`)
  const credentials = { ...ErpNetEmulator.demoCredentials, scopes: ["read"] }
  yield* Effect.all([requestToken, callApi, handleExpiry]).pipe(
    Effect.provide(ErpNet.layer({ instance: emulator.instance, credentials }))
  )
}).pipe(Effect.provide(Layer.merge(ErpNetEmulator.serve(), NodeHttpClient.layerUndici)))

const real = Effect.gen(function* () {
  const { instance } = yield* TokenProvider.TokenProvider
  yield* Console.log(`ERP.net walkthrough on ${instance.origin}`)
  yield* requestToken
  yield* callApi
}).pipe(Effect.provide(ErpNet.layerConfig()), Effect.provide(NodeHttpClient.layerUndici))

run(hasSettings ? real : embedded)
