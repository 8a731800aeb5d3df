/**
 * How do I work with several instances in one process? A LayerMap holds one layer, and so one token, for each of them;
 * an instance whose settings are wrong fails alone.
 *
 * The settings of each instance have its name in front: NORTH_ERPNET_INSTANCE, NORTH_ERPNET_CLIENT_ID, ... Here they
 * are those of three embedded instances, and the third has a wrong secret.
 *
 *   npm run instances
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Config, Console, Context, Effect, Layer, LayerMap, Redacted, Schema } from "effect"
import { DomainApi, EntitySet, ErpNet, TokenProvider, TrustedApplication } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { heading, line, run } from "./support/terminal.ts"

const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({ Id: Schema.UUID }))

// A layer is built at the first use, shared from then on, and released, with its token, when it has not been used for a
// while. A build that fails is remembered for as long, so only what will not change by itself may fail it: the token
// is fetched later, by the first call.
class Instances extends LayerMap.Service<Instances>()("example/Instances", {
  lookup: (name: string) =>
    Layer.unwrapEffect(
      Effect.map(Config.nested(Config.string("ERPNET_INSTANCE"), name), (instance) =>
        ErpNet.layer({ instance, credentials: Config.nested(TrustedApplication.config, name) })
      )
    ),
  idleTimeToLive: "20 minutes",
  dependencies: [NodeHttpClient.layerUndici]
}) {}

const inspect = Effect.gen(function* () {
  const customers = yield* DomainApi.count(Customers)
  const tokens = yield* TokenProvider.TokenProvider
  const { fingerprint } = yield* tokens.get
  return { customers, token: fingerprint }
})

const inspectAll = Effect.flatMap(
  Effect.forEach(
    ["NORTH", "SOUTH", "WEST"],
    (name) =>
      inspect.pipe(
        Effect.provide(Instances.get(name)),
        Effect.catchTag("InvalidClient", (error) => Effect.succeed({ error: error._tag })),
        Effect.map((result) => ({ instance: name, ...result }))
      ),
    { concurrency: "unbounded" }
  ),
  Console.table
)

// --- the demo ---

/** An embedded instance, and the settings to reach it, as a deployment would set them. */
const serve = (name: string, customers: number, secret = Redacted.value(ErpNetEmulator.demoSecret)) =>
  Effect.map(Layer.build(ErpNetEmulator.serve({ customers })), (context) => {
    process.env[`${name}_ERPNET_INSTANCE`] = Context.get(context, ErpNetEmulator.ErpNetEmulator).origin
    process.env[`${name}_ERPNET_CLIENT_ID`] = ErpNetEmulator.demoApplication.applicationUri
    process.env[`${name}_ERPNET_CLIENT_SECRET`] = secret
  })

const program = Effect.gen(function* () {
  yield* Effect.all([serve("NORTH", 120), serve("SOUTH", 45), serve("WEST", 7, "not the secret")])
  yield* heading("1. Three instances at once, the third with a wrong secret")
  yield* inspectAll
  yield* heading("2. The same after its secret was corrected")
  process.env["WEST_ERPNET_CLIENT_SECRET"] = Redacted.value(ErpNetEmulator.demoSecret)
  yield* inspectAll
  yield* line("The others keep their tokens. Settings are read at every exchange: nothing was started again.")
}).pipe(Effect.provide(Instances.Default), Effect.scoped)

run(program)
