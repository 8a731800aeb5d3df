/** A run that was broken off goes on where it stood. */
import { assert, describe, it } from "@effect/vitest"
import { type Chunk, Effect, FastCheck, Layer, Schema, TestClock } from "effect"
import { DomainApi, EntitySet, ErpNet } from "effect-erpnet"
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
type Customer = EntitySet.Type<typeof Customers>

const erp = (options: ErpNetEmulator.Options = {}) =>
  ErpNet.layer({ instance: "testdb", credentials: ErpNetEmulator.demoCredentials }).pipe(
    Layer.provideMerge(ErpNetEmulator.layer({ customers: 100, products: 2, salesOrders: 2, ...options }))
  )

/** A database: rows, checkpoint and watermark; the first two change together. */
class Database {
  rows = new Map<string, Customer>()
  inserts = 0
  checkpoint: string | undefined
  watermark: IncrementalPull.Timestamp | undefined
  /** Chunks until the process is killed. */
  lives = Number.POSITIVE_INFINITY
  readonly write = (rows: Chunk.NonEmptyChunk<Customer>, { checkpoint }: IncrementalPull.Position) =>
    Effect.gen(this, function* () {
      if (this.lives-- <= 0) return yield* Effect.die("killed")
      for (const row of rows) this.rows.set(row.Id, row)
      this.inserts += rows.length
      // As text: what is kept has to survive the process.
      this.checkpoint =
        checkpoint === undefined
          ? undefined
          : JSON.stringify(yield* Effect.orDie(Schema.encode(IncrementalPull.Checkpoint)(checkpoint)))
    })
  readonly load = Effect.suspend(() =>
    this.checkpoint === undefined
      ? Effect.succeed(undefined)
      : Effect.orDie(Schema.decode(Schema.parseJson(IncrementalPull.Checkpoint))(this.checkpoint))
  )
  run(options: { readonly full?: boolean; readonly restartAfter?: string } = {}) {
    return IncrementalPull.run(Customers, {
      watermark: {
        load: Effect.sync(() => this.watermark),
        save: (time) =>
          Effect.sync(() => {
            this.watermark = time
          })
      },
      apply: this.write,
      resume: { load: this.load, restartAfter: options.restartAfter === undefined ? "6 hours" : "1 minute" },
      pageSize: 10,
      full: options.full
    })
  }
}

/** How often pages of the set were asked for since the last time. */
const pages = Effect.gen(function* () {
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  const journal = yield* emulator.journal
  yield* emulator.clearJournal
  return journal.filter((entry) => entry.path.endsWith(set)).length
})

/** A run that is killed once it has written so many chunks. */
const killedAfter = (database: Database, chunks: number) =>
  Effect.gen(function* () {
    database.lives = chunks
    assert.strictEqual((yield* Effect.exit(database.run()))._tag, "Failure")
    database.lives = Number.POSITIVE_INFINITY
    yield* pages
  })

const all = DomainApi.list(Customers, { top: 1000 })

describe("IncrementalPull.run with resume", () => {
  it.effect("goes on with the page after the last that was written, each row once", () =>
    Effect.gen(function* () {
      const database = new Database()
      yield* killedAfter(database, 4)
      assert.strictEqual(database.inserts, 40)
      const summary = yield* database.run()
      assert.strictEqual(yield* pages, 6)
      assert.deepStrictEqual([summary.pulled, summary.applied, database.inserts], [100, 100, 100])
      assert.deepStrictEqual([...database.rows.values()], [...(yield* all)])
      assert.strictEqual(database.checkpoint, undefined)
      assert.strictEqual(database.watermark, summary.watermark)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("takes a full last page for the last one, where the server gave links", () =>
    Effect.gen(function* () {
      const database = new Database()
      yield* killedAfter(database, 8)
      assert.strictEqual((yield* database.run()).pulled, 100)
      assert.deepStrictEqual([database.inserts, yield* pages], [100, 2])
    }).pipe(Effect.provide(erp()))
  )

  it.effect("reads all rows where it was not broken off, and keeps no checkpoint", () =>
    Effect.gen(function* () {
      const database = new Database()
      yield* database.run()
      assert.deepStrictEqual([database.inserts, database.checkpoint, yield* pages], [100, undefined, 10])
    }).pipe(Effect.provide(erp()))
  )

  it.effect("sets the watermark by the start of the first attempt", () =>
    Effect.gen(function* () {
      const database = new Database()
      yield* killedAfter(database, 4)
      yield* TestClock.adjust("2 hours")
      const { watermark } = yield* database.run()
      const times = [...database.rows.values()].flatMap((row) => row.AggregateLastUpdateTimeUtc ?? [])
      const greatest = times.reduce((a, b) => (b > a ? b : a))
      assert.strictEqual(Date.parse(watermark!), Date.parse(greatest) - 2 * 3_600_000)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("begins anew, once, where the link is refused", () =>
    Effect.gen(function* () {
      const database = new Database()
      yield* killedAfter(database, 4)
      const stored: { readonly nextLink: string } = JSON.parse(database.checkpoint!)
      database.checkpoint = JSON.stringify({ ...stored, nextLink: stored.nextLink.replace(set, "NoSuchSet") })
      yield* database.run()
      assert.strictEqual(yield* pages, 10)
      assert.deepStrictEqual([...database.rows.values()], [...(yield* all)])
    }).pipe(Effect.provide(erp()))
  )

  it.effect("begins anew after restartAfter, with another server version, watermark or entity set", () =>
    Effect.gen(function* () {
      for (const change of [
        { serverVersion: "26.1.0.1" },
        { watermark: "2026-01-01T00:00:00.0000000Z" },
        { entitySet: "Crm_Sales_SalesOrders" },
        { startedAt: 60_000 }
      ]) {
        const database = new Database()
        yield* killedAfter(database, 4)
        database.checkpoint = JSON.stringify({ ...JSON.parse(database.checkpoint!), ...change })
        yield* database.run()
        assert.strictEqual(yield* pages, 10, JSON.stringify(change))
      }
      const database = new Database()
      yield* killedAfter(database, 4)
      yield* TestClock.adjust("61 seconds")
      yield* database.run({ restartAfter: "1 minute" })
      assert.strictEqual(yield* pages, 10)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("fails as before, and keeps the checkpoint, where the server is away", () =>
    Effect.gen(function* () {
      const database = new Database()
      yield* killedAfter(database, 4)
      const kept = database.checkpoint
      const emulator = yield* ErpNetEmulator.ErpNetEmulator
      yield* emulator.failNext("api", ErpNetEmulator.Fault.status(403))
      assert.strictEqual((yield* Effect.flip(database.run()))._tag, "Forbidden")
      assert.strictEqual(database.checkpoint, kept)
      yield* database.run()
      assert.strictEqual(database.inserts, 100)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("writes each row once however often it is killed", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(FastCheck.array(FastCheck.nat({ max: 4 }), { maxLength: 8 }), (kills) =>
          Effect.gen(function* () {
            const database = new Database()
            for (const chunks of kills) {
              if (database.watermark !== undefined) break
              database.lives = chunks
              yield* Effect.exit(database.run())
            }
            database.lives = Number.POSITIVE_INFINITY
            if (database.watermark === undefined) yield* database.run()
            assert.deepStrictEqual([...database.rows.values()], [...(yield* all)])
            assert.strictEqual(database.inserts, 100)
          }).pipe(Effect.provide(erp()), Effect.runPromise)
        ),
        { numRuns: 15 }
      )
    )
  )
})
