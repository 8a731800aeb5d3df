/** A sweep removes from the copy what the server no longer has, and never more. */
import { assert, describe, it } from "@effect/vitest"
import { type Chunk, Effect, FastCheck, Layer, Schema } from "effect"
import { DomainApi, EntitySet, ErpNet, Filter } from "effect-erpnet"
import * as IncrementalPull from "effect-erpnet/IncrementalPull"
import { ErpNetEmulator } from "effect-erpnet/testing"

const set = "Crm_Sales_Customers"
const Customers = EntitySet.make(set, Schema.Struct({ Id: Schema.UUID, Active: Schema.Boolean }))

const erp = ErpNet.layer({ instance: "testdb", credentials: ErpNetEmulator.demoCredentials }).pipe(
  Layer.provideMerge(ErpNetEmulator.layer({ customers: 100, products: 2, salesOrders: 0 }))
)

/** The rows of a copy with the mark of the last sweep that found them. */
class Copy {
  readonly marks = new Map<string, string | undefined>()
  checkpoint: string | undefined
  /** Chunks of marks until the process is killed. */
  lives = Number.POSITIVE_INFINITY
  readonly options = {
    pageSize: 10,
    mark: (
      ids: Chunk.NonEmptyChunk<string>,
      {
        checkpoint,
        sweep
      }: { readonly sweep: string; readonly checkpoint: IncrementalPull.SweepCheckpoint | undefined }
    ) =>
      Effect.gen(this, function* () {
        if (this.lives-- <= 0) return yield* Effect.die("killed")
        for (const id of ids) if (this.marks.has(id)) this.marks.set(id, sweep)
        this.checkpoint =
          checkpoint === undefined
            ? undefined
            : JSON.stringify(yield* Effect.orDie(Schema.encode(IncrementalPull.SweepCheckpoint)(checkpoint)))
      }),
    unmarked: (sweep: string) => Effect.sync(() => [...this.marks.keys()].filter((id) => this.marks.get(id) !== sweep)),
    remove: (ids: Chunk.NonEmptyChunk<string>) =>
      Effect.sync(() => {
        for (const id of ids) this.marks.delete(id)
      }),
    resume: Effect.suspend(() =>
      this.checkpoint === undefined
        ? Effect.succeed(undefined)
        : Effect.orDie(Schema.decode(Schema.parseJson(IncrementalPull.SweepCheckpoint))(this.checkpoint))
    )
  }
}

/** A copy of all rows, and the server's data to change. */
const filled = Effect.gen(function* () {
  const copy = new Copy()
  for (const { Id } of yield* DomainApi.list(Customers, { top: 1000 })) copy.marks.set(Id, undefined)
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  const data = yield* emulator.data
  yield* emulator.clearJournal
  return { copy, data, emulator, ids: data.ids(set) }
})

const serverIds = Effect.map(DomainApi.list(Customers, { top: 1000 }), (rows) => rows.map(({ Id }) => Id).sort())

describe("IncrementalPull.sweep", () => {
  it.effect("removes what is gone and says which, with one request for each page of ids", () =>
    Effect.gen(function* () {
      const { copy, data, emulator, ids } = yield* filled
      for (const id of ids.slice(20, 25)) data.remove(set, id)
      const { checked, removed } = yield* IncrementalPull.sweep(Customers, copy.options)
      assert.deepStrictEqual([checked, [...removed].sort()], [95, [...ids.slice(20, 25)].sort()])
      assert.deepStrictEqual([...copy.marks.keys()].sort(), yield* serverIds)
      const asked = (yield* emulator.journal).filter((entry) => entry.path.endsWith(set))
      // Ten pages, and one more look at the five.
      assert.isTrue(asked.slice(0, 10).every((entry) => new URLSearchParams(entry.query).get("$select") === "Id"))
      assert.strictEqual(copy.checkpoint, undefined)
    }).pipe(Effect.provide(erp))
  )

  it.effect("removes nothing where nothing is gone", () =>
    Effect.gen(function* () {
      const { copy } = yield* filled
      assert.deepStrictEqual(yield* IncrementalPull.sweep(Customers, copy.options), { checked: 100, removed: [] })
      assert.strictEqual(copy.marks.size, 100)
    }).pipe(Effect.provide(erp))
  )

  it.effect("removes nothing where the server gives fewer ids than it counts", () =>
    Effect.gen(function* () {
      const { copy, emulator } = yield* filled
      // The second page is cut short, and says that it is the last.
      const cut = ErpNetEmulator.Fault.edit((answer) => {
        const { value }: { readonly value: ReadonlyArray<unknown> } = JSON.parse(answer.body)
        return { ...answer, body: JSON.stringify({ value: value.slice(0, 3) }) }
      })
      yield* emulator.failNext("api", cut, 1, { after: 2 })
      const error = yield* Effect.flip(IncrementalPull.sweep(Customers, copy.options))
      assert.strictEqual(error._tag, "SweepIncomplete")
      assert.include(String(error), "100 rows")
      assert.strictEqual(copy.marks.size, 100)
    }).pipe(Effect.provide(erp))
  )

  it.effect("keeps rows that came into the copy while it ran", () =>
    Effect.gen(function* () {
      const { copy, ids } = yield* filled
      const newcomer = ids[0]!
      copy.marks.delete(newcomer)
      yield* IncrementalPull.sweep(Customers, {
        ...copy.options,
        unmarked: (sweep) =>
          Effect.suspend(() => {
            copy.marks.set(newcomer, undefined)
            return copy.options.unmarked(sweep)
          })
      })
      assert.isTrue(copy.marks.has(newcomer))
    }).pipe(Effect.provide(erp))
  )

  it.effect("removes what no longer matches the filter of the copy", () =>
    Effect.gen(function* () {
      const { copy, data, ids } = yield* filled
      for (const [index, id] of ids.entries()) data.update(set, id, { Active: index >= 3 })
      const { removed } = yield* IncrementalPull.sweep(Customers, {
        ...copy.options,
        query: { filter: Filter.eq("Active", true) }
      })
      assert.deepStrictEqual([...removed].sort(), [...ids.slice(0, 3)].sort())
    }).pipe(Effect.provide(erp))
  )

  it.effect("ends with the server's rows however often it is killed, and reads no page twice", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          FastCheck.array(FastCheck.nat({ max: 4 }), { maxLength: 6 }),
          FastCheck.uniqueArray(FastCheck.nat({ max: 99 }), { maxLength: 30 }),
          (kills, deleted) =>
            Effect.gen(function* () {
              const { copy, data, emulator, ids } = yield* filled
              for (const index of deleted) data.remove(set, ids[index]!)
              let alive = false
              for (const chunks of kills) {
                copy.lives = chunks
                alive = (yield* Effect.exit(IncrementalPull.sweep(Customers, copy.options)))._tag === "Success"
                if (alive) break
              }
              copy.lives = Number.POSITIVE_INFINITY
              if (!alive) yield* IncrementalPull.sweep(Customers, copy.options)
              assert.deepStrictEqual([...copy.marks.keys()].sort(), yield* serverIds)
              assert.isAbove((yield* emulator.journal).length, 0)
            }).pipe(Effect.provide(erp), Effect.runPromise)
        ),
        { numRuns: 15 }
      )
    )
  )
})
