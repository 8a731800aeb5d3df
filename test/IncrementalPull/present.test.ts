/** No bound lies in the server's future, whatever rows, stored watermarks and the clock of the program say. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema, TestClock } from "effect"
import { EntitySet, ErpNet } from "effect-erpnet"
import * as IncrementalPull from "effect-erpnet/IncrementalPull"
import { ErpNetEmulator } from "effect-erpnet/testing"

const set = "Crm_Sales_Customers"
const Customers = EntitySet.make(
  set,
  Schema.Struct({
    Id: Schema.UUID,
    Number: Schema.NullOr(Schema.String),
    AggregateLastUpdateTimeUtc: Schema.NullOr(IncrementalPull.Timestamp)
  })
)

const hour = 3_600_000
const start = Date.UTC(2026, 10, 25, 12)
const at = (millis: number): IncrementalPull.Timestamp =>
  Option.getOrThrow(IncrementalPull.makeTimestamp(new Date(millis)))

const erp = (options: ErpNetEmulator.Options = {}) =>
  ErpNet.layer({ instance: "testdb", credentials: ErpNetEmulator.demoCredentials }).pipe(
    Layer.provideMerge(ErpNetEmulator.layer({ customers: 4, products: 2, salesOrders: 2, ...options }))
  )

/** A copy in memory, and a server of four rows whose times are set by the test. */
const makeCopy = (...times: ReadonlyArray<number | null>) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(start)
    const emulator = yield* ErpNetEmulator.ErpNetEmulator
    const data = yield* emulator.data
    const ids = data.ids(set)
    for (const [index, time] of times.entries()) data.update(set, ids[index]!, { AggregateLastUpdateTimeUtc: time })
    const numbers = new Map<string, string | null>()
    let watermark: IncrementalPull.Timestamp | undefined
    const run = (options: { readonly overlap?: string } = {}) =>
      IncrementalPull.run(Customers, {
        watermark: {
          load: Effect.sync(() => watermark),
          save: (time) =>
            Effect.sync(() => {
              watermark = time
            })
        },
        apply: (rows) =>
          Effect.sync(() => {
            for (const { Id, Number } of rows) numbers.set(Id, Number)
          }),
        ...(options.overlap === undefined ? {} : { overlap: "0 millis" })
      })
    const change = (index: number, number: string, time: number) =>
      data.update(set, ids[index]!, { Number: number, AggregateLastUpdateTimeUtc: time })
    return {
      run,
      change,
      number: (index: number) => numbers.get(ids[index]!),
      watermark: () => watermark,
      setWatermark: (time: number) => {
        watermark = at(time)
      }
    }
  })

describe("a time in the server's future", () => {
  for (const [name, future] of [
    ["a test record of 2099", Date.UTC(2099, 0, 1)],
    ["the last moment there is", Date.UTC(9999, 11, 31, 23, 59, 59, 999)],
    ["a clock ten minutes fast", start + hour / 6]
  ] as const) {
    it.effect(`of a row does not become the watermark: ${name}`, () =>
      Effect.gen(function* () {
        const copy = yield* makeCopy(start - hour, future, start - hour / 2, null)
        assert.strictEqual((yield* copy.run()).applied, 4)
        assert.strictEqual(copy.watermark(), at(start - hour / 2))
        yield* TestClock.adjust("1 minute")
        copy.change(0, "changed", start + 60_000)
        copy.change(1, "changed too", future)
        yield* copy.run()
        assert.deepStrictEqual([copy.number(0), copy.number(1)], ["changed", "changed too"])
        assert.strictEqual(copy.watermark(), at(start + 60_000))
      }).pipe(Effect.provide(erp()))
    )
  }

  it.effect("of a stored watermark is given up, and everything is pulled anew", () =>
    Effect.gen(function* () {
      const copy = yield* makeCopy(start - 3 * hour, start - 2 * hour, start - hour, null)
      copy.setWatermark(Date.UTC(2099, 0, 1))
      const healed = yield* copy.run()
      assert.deepStrictEqual([healed.mode, healed.applied, healed.watermark], ["full", 4, at(start - hour)])
      copy.change(0, "changed", start)
      assert.deepStrictEqual([(yield* copy.run()).mode, copy.number(0)], ["incremental", "changed"])
    }).pipe(Effect.provide(erp()))
  )

  it.effect("within the overlap of a stored watermark costs nothing, and heals", () =>
    Effect.gen(function* () {
      // The first watermark came from a client whose clock is two minutes fast.
      const copy = yield* makeCopy(start - hour, start - hour, start - 60_000, null)
      copy.setWatermark(start + 120_000)
      const summary = yield* copy.run()
      assert.deepStrictEqual([summary.mode, summary.watermark], ["incremental", at(start - 60_000)])
    }).pipe(Effect.provide(erp()))
  )

  it.effect("is told by the server's clock and not by the program's", () =>
    Effect.gen(function* () {
      const copy = yield* makeCopy(start + hour, start + 3 * hour, start, null)
      yield* copy.run()
      // The server is two hours ahead.
      assert.strictEqual(copy.watermark(), at(start + hour))
    }).pipe(Effect.provide(erp({ clockOffset: 2 * hour })))
  )

  it.effect("is a part of a second that the header Date does not show", () =>
    Effect.gen(function* () {
      const copy = yield* makeCopy(start, start, start, null)
      yield* TestClock.adjust(900)
      copy.change(0, "now", start + 900)
      yield* copy.run({ overlap: "none" })
      assert.strictEqual(copy.watermark(), at(start + 900))
    }).pipe(Effect.provide(erp()))
  )
})
