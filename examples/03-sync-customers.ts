/**
 * Keeps the customers of an ERP.net instance in a local SQLite file: the first run pulls all of them, later runs only
 * those that have changed. Kill it at any moment; the next run writes only what is missing. Customers that were deleted
 * stay in the file: ERP.net does not report them.
 *
 * By default it starts an embedded instance with 5,000 customers on a loopback port, synchronises, changes three of
 * them and synchronises again. With ERPNET_INSTANCE, ERPNET_CLIENT_ID and ERPNET_CLIENT_SECRET set it does one run on
 * that instance. The file can be named; without a name the embedded instance gets a temporary one.
 *
 *   npm run sync [file]
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { ErpNet, TokenProvider } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import * as CustomerCopy from "./support/customerCopy.ts"
import { changeSome, temporaryFile } from "./support/demoCopy.ts"
import { hasSettings } from "./support/embedded.ts"
import { progressBar, summary } from "./support/progressBar.ts"
import { heading, run } from "./support/terminal.ts"

const [, , named] = process.argv

const synchronise = Effect.flatMap(CustomerCopy.sync(progressBar("pull")), summary)

const embedded = Effect.gen(function* () {
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  const file = named ?? (yield* temporaryFile)
  yield* Console.log(`Synchronising the customers of the embedded instance at ${emulator.origin} with ${file}`)
  const credentials = { ...ErpNetEmulator.demoCredentials, scopes: ["read"] }
  yield* Effect.gen(function* () {
    yield* heading("1. The first run")
    yield* synchronise
    yield* heading("2. The second run")
    yield* changeSome(3)
    yield* synchronise
  }).pipe(
    Effect.provide(Layer.merge(ErpNet.layer({ instance: emulator.instance, credentials }), CustomerCopy.layer(file)))
  )
}).pipe(
  Effect.scoped,
  Effect.provide(
    Layer.merge(ErpNetEmulator.serve({ customers: 5000, latency: { api: "100 millis" } }), NodeHttpClient.layerUndici)
  )
)

const real = Effect.gen(function* () {
  const { instance } = yield* TokenProvider.TokenProvider
  const file = named ?? "customers.sqlite"
  yield* Console.log(`Synchronising the customers of ${instance.origin} with ${file}`)
  yield* Effect.provide(synchronise, CustomerCopy.layer(file))
}).pipe(Effect.provide(ErpNet.layerConfig()), Effect.provide(NodeHttpClient.layerUndici))

run(hasSettings ? real : embedded)
