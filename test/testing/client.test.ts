import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { DomainApi, EntitySet } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import * as Domain from "../../src/testing/engine/domain.ts"

const Lots = EntitySet.make("Logistics_Inventory_Lots", Schema.Struct({ Id: Schema.UUID, Number: Schema.String }))

describe("layerClient", () => {
  it.effect("is an instance and a client of it", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      assert.strictEqual((yield* DomainApi.list(Lots)).length, 20)
      const [lot] = yield* DomainApi.list(Lots, { top: 1 })
      assert(lot !== undefined)
      const data = yield* erp.data
      assert.isTrue(data.update("Logistics_Inventory_Lots", lot.Id, { Number: "changed" }))
      assert.strictEqual((yield* DomainApi.get(Lots, lot.Id)).Number, "changed")
      assert.strictEqual((yield* erp.counters).tokenRequests, 1)
    }).pipe(Effect.provide(ErpNetEmulator.layerClient()))
  )

  it.effect("takes options of both, and rows of one's own", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      assert.deepStrictEqual(
        (yield* DomainApi.list(Lots)).map((lot) => lot.Number),
        ["L1"]
      )
      yield* erp.failNext("api", ErpNetEmulator.Fault.page(404))
      yield* Effect.flip(DomainApi.list(Lots))
    }).pipe(
      Effect.provide(
        ErpNetEmulator.layerClient({
          name: "other",
          rows: { Logistics_Inventory_Lots: [{ Number: "L1" }] },
          client: {}
        })
      )
    )
  )

  it.effect("rows of any set are written from outside, and read by the client", () =>
    Effect.gen(function* () {
      const data = yield* Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) => erp.data)
      const [id = "", ...more] = data.insert("Logistics_Inventory_Lots", [{ Number: "L7" }])
      assert.deepStrictEqual(more, [])
      assert.strictEqual((yield* DomainApi.get(Lots, id)).Number, "L7")
      assert.strictEqual(yield* DomainApi.count(Lots), 21)
      assert.throws(() => data.insert("Logistics_Inventory_Lots", [{ Colour: 1 }]), "there is no member 'Colour'")
      assert.strictEqual(yield* DomainApi.count(Lots), 21)
    }).pipe(Effect.provide(ErpNetEmulator.layerClient()))
  )

  it.effect("asks with other credentials where some are given", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(DomainApi.list(Lots))
      assert.strictEqual(error._tag, "InvalidClient")
    }).pipe(
      Effect.provide(
        ErpNetEmulator.layerClient({
          credentials: { ...ErpNetEmulator.demoCredentials, clientSecret: Redacted.make("another secret") }
        })
      )
    )
  )

  it.effect("does not see the changes of another instance", () =>
    Effect.gen(function* () {
      const first = (change: boolean) =>
        Effect.gen(function* () {
          const [lot] = yield* DomainApi.list(Lots, { top: 1 })
          assert(lot !== undefined)
          const data = yield* Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) => erp.data)
          if (change) data.remove("Logistics_Inventory_Lots", lot.Id)
          return lot.Id
        }).pipe(Effect.provide(ErpNetEmulator.layerClient()))
      assert.strictEqual(yield* first(true), yield* first(false))
    })
  )
})

describe("decodeModel", () => {
  const text = (): string => Domain.make({}).describe("currentmodel", undefined, true, "26.2.0.76") ?? ""

  it.effect("reads what an instance answers, for the option model", () =>
    Effect.gen(function* () {
      const model = yield* ErpNetEmulator.decodeModel(`\uFEFF${text()}`)
      assert.strictEqual(model.length, 655)
      const count = DomainApi.count(EntitySet.make("Crm_Sales_Customers", Schema.Struct({ Id: Schema.UUID })))
      assert.strictEqual(yield* Effect.provide(count, ErpNetEmulator.layerClient({ model, rowsPerSet: 3 })), 3)
    })
  )

  it.effect("says what is wrong with anything else", () =>
    Effect.gen(function* () {
      const message = (input: string) =>
        Effect.map(Effect.flip(ErpNetEmulator.decodeModel(input)), (error) => error.message)
      assert.include(yield* message("{"), "This is not the JSON of currentmodel?details=true")
      assert.include(yield* message("[]"), "no entity set")
      assert.include(yield* message('[{"Name":"A"}]'), "Attributes")
    })
  )
})
