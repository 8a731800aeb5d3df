/**
 * How do I use a reference token (PAT or SAT, `enrt_...`) instead of a Trusted Application? `layerReferenceToken` sends
 * it as it is. It cannot be renewed: when it is revoked, or has expired, somebody has to issue another.
 *
 * The settings are ERPNET_INSTANCE and ERPNET_REFERENCE_TOKEN; without them an embedded instance issues one.
 *
 *   npm run reference-token
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Config, ConfigProvider, Effect, Layer, Redacted, Schema } from "effect"
import { DomainApi, EntitySet, Instance, TokenProvider } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { green, heading, line, run, yellow } from "./support/terminal.ts"

const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({ Id: Schema.UUID }))

const settings = Config.all({
  instance: Config.string("ERPNET_INSTANCE"),
  token: Config.redacted("ERPNET_REFERENCE_TOKEN")
})

const TokenLive = Layer.unwrapEffect(
  Effect.gen(function* () {
    const { instance, token } = yield* settings
    return TokenProvider.layerReferenceToken({ instance: yield* Instance.make(instance), token })
  })
)

const DomainApiLive = DomainApi.layer().pipe(Layer.provideMerge(TokenLive), Layer.provide(NodeHttpClient.layerUndici))

const count = Effect.gen(function* () {
  const tokens = yield* TokenProvider.TokenProvider
  const customers = yield* DomainApi.count(Customers)
  yield* line(`${green("ok")} ${customers} customers with token ${(yield* tokens.get).fingerprint}`)
})

const demo = Effect.gen(function* () {
  const erp = yield* ErpNetEmulator.ErpNetEmulator
  const clientId = ErpNetEmulator.demoApplication.applicationUri
  const token = yield* erp.issueReferenceToken({ clientId, kind: "SAT", scope: "read" })
  const provider = ConfigProvider.fromMap(
    new Map([
      ["ERPNET_INSTANCE", erp.origin],
      ["ERPNET_REFERENCE_TOKEN", Redacted.value(token)]
    ])
  )
  yield* Effect.gen(function* () {
    yield* heading("1. Read with the token")
    yield* count
    yield* heading("2. The administrator revokes it")
    yield* erp.revokeReferenceToken(token)
    yield* erp.clearJournal
    yield* count.pipe(
      Effect.catchTag("Unauthorized", "Expired", (error) => line(`${yellow("caught")} ${error._tag}: ${error.message}`))
    )
    const requests = yield* erp.journal
    yield* line(`${requests.length} request: there is nothing to renew, so it was not sent again`)
  }).pipe(Effect.provide(DomainApiLive), Effect.withConfigProvider(provider))
}).pipe(Effect.provide(ErpNetEmulator.serve()))

run(process.env["ERPNET_REFERENCE_TOKEN"] === undefined ? demo : Effect.provide(count, DomainApiLive))
