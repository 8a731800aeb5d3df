/**
 * Imports 10,000 products into an embedded ERP.net instance, some of them wrong on purpose, and says which failed and
 * why. Then a connection breaks while more products are imported, and the import goes on where it is in doubt: nothing
 * is there twice, because every product has an ExternalId.
 *
 *   npm run import
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { ComplexType, EntitySet, ErpNet, Import } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { dim, green, heading, line, run, yellow } from "./support/terminal.ts"

const Code = Schema.Struct({ Code: Schema.String })

const Products = EntitySet.make(
  "General_Products_Products",
  Schema.Struct({
    ExternalSystem: Schema.String,
    ExternalId: Schema.String,
    PartNumber: Schema.String.pipe(Schema.maxLength(32)),
    Name: ComplexType.MultilanguageString,
    // A nested object with nothing but its code is looked up, not created.
    MeasurementUnit: EntitySet.expand(Code),
    ProductGroup: EntitySet.expand(Code)
  })
)

/** The n-th product of the other system. Some have no group, some the number of another, some a number too long. */
const product = (n: number) => {
  const number = `IMP-${String(n % 4000 === 11 ? n - 1 : n).padStart(5, "0")}`
  return {
    ExternalSystem: "Shop",
    ExternalId: `shop-${n}`,
    PartNumber: n % 5000 === 13 ? number.padEnd(40, "X") : number,
    Name: { EN: `Imported product ${n}` },
    MeasurementUnit: { Code: "PCS" },
    ProductGroup: { Code: n % 2500 === 7 ? "LOST" : "FUR" }
  }
}

// Made one by one as they are needed: never more than a few hundred are in memory.
const products = (first: number, last: number) => Stream.map(Stream.range(first, last, 100), product)

const type = "Erp.General_Products_Product"

const count = (n: number): string => n.toLocaleString("en-US")

/** A bar on a terminal; a line for every 2,000 rows where the output goes elsewhere. */
const progress =
  (total: number) =>
  ({ failed, processed }: Import.Progress): Effect.Effect<void> => {
    const numbers = `${count(processed)} of ${count(total)} products, ${failed} failed`
    if (process.stdout.isTTY !== true) {
      return processed > 0 && processed % 2000 === 0 ? line(`import: ${numbers}`) : Effect.void
    }
    const full = Math.round((32 * processed) / total)
    const bar = green("█".repeat(full)) + dim("░".repeat(32 - full))
    const end = processed === total ? "\n" : ""
    return Effect.sync(() => process.stdout.write(`\r  import ${bar} ${numbers}${end}`))
  }

const show = ({ added, failed, failures, modified, unchanged }: Import.Summary<ReturnType<typeof product>>) =>
  Effect.gen(function* () {
    yield* line(
      `${green("ok")} ${count(added)} added, ${count(modified)} modified, ${count(unchanged)} unchanged, ${failed} failed`
    )
    for (const { error, index, input } of failures) {
      yield* line(`${yellow("failed")} row ${index}, ${input.ExternalId}: ${error._tag}: ${error.message}`)
    }
  })

const importAll = Import.run(Products, products(1, 10_000), { type, onProgress: progress(10_000) }).pipe(
  Stream.run(Import.summarize({ failures: 20 })),
  Effect.flatMap(show)
)

const importWithAccident = Effect.gen(function* () {
  const { failNext } = yield* ErpNetEmulator.ErpNetEmulator
  const more = products(10_100, 10_399)
  yield* failNext("api", ErpNetEmulator.Fault.resetAfterExecution)
  yield* Import.run(Products, more, { type }).pipe(
    Stream.run(Import.summarize()),
    Effect.catchTag("OutcomeUnknown", ({ firstRow, lastRow, reason }) =>
      Effect.gen(function* () {
        yield* line(`${yellow("caught")} OutcomeUnknown (${reason}): rows ${firstRow} to ${lastRow} may be in or not`)
        yield* line(`again from row ${firstRow}; what is there already comes out as unchanged`)
        return yield* Import.run(Products, Stream.drop(more, firstRow), { type }).pipe(Stream.run(Import.summarize()))
      })
    ),
    Effect.flatMap(show)
  )
})

const program = Effect.gen(function* () {
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  yield* Console.log(`Importing products into the embedded instance at ${emulator.origin}`)
  yield* Effect.gen(function* () {
    yield* heading("1. Ten thousand products, a hundred in each request")
    yield* importAll
    yield* heading("2. A connection that breaks")
    yield* importWithAccident
  }).pipe(Effect.provide(ErpNet.layer({ instance: emulator.instance, credentials: emulator.credentials })))
}).pipe(
  Effect.provide(
    Layer.merge(
      ErpNetEmulator.serve({ customers: 1, products: 1, salesOrders: 1, latency: { api: "20 millis" } }),
      NodeHttpClient.layerUndici
    )
  )
)

run(program)
