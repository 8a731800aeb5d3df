/** Requests as values: run alone, by a service of one's own, in a transaction and in a batch. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option, Schema } from "effect"
import { Batch, DomainApi, DomainRequest, EntitySet, Filter, Operation } from "effect-erpnet"
import { apiJournal, emulated, fakeDomain, id, page, rows, writer } from "./support/domain.ts"

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({ Id: Schema.UUID, Number: Schema.NullOr(Schema.String), GracePeriodDays: Schema.Int })
)
const Groups = EntitySet.make(
  "General_Products_ProductGroups",
  Schema.Struct({
    Id: Schema.UUID,
    Code: Schema.String,
    Name: Schema.Record({ key: Schema.String, value: Schema.String })
  })
)
const GetVersion = Operation.function("GetVersion", Schema.Struct({}), Schema.Struct({ version: Schema.String }))

describe("DomainRequest", () => {
  it.effect("a service that holds DomainApi runs requests with nothing else", () =>
    Effect.gen(function* () {
      const api = yield* DomainApi.DomainApi
      const found: Effect.Effect<Option.Option<typeof Customers.schema.Type>, DomainApi.DomainApiError> = api.execute(
        DomainRequest.first(Customers, { skipNulls: true })
      )
      assert.isTrue(Option.isSome(yield* found))
      const [call] = yield* apiJournal
      assert.include(call?.query, "$top=1&")
      assert.include(call?.query, "options=skipnulls")
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("what a captured service runs in a transaction belongs to it, and is rolled back with it", () =>
    Effect.gen(function* () {
      const api = yield* DomainApi.DomainApi
      const [customer] = yield* DomainApi.list(Customers, { top: 1 })
      const target = customer?.Id ?? ""
      const days = customer?.GracePeriodDays ?? 0
      const failed = yield* Effect.flip(
        DomainApi.transaction(
          Effect.gen(function* () {
            yield* api.execute(DomainRequest.update(Customers, target, { GracePeriodDays: days + 7 }))
            const inside = yield* api.execute(DomainRequest.get(Customers, target))
            return yield* Effect.fail(inside.GracePeriodDays - days)
          })
        )
      )
      assert.strictEqual(failed, 7)
      assert.strictEqual((yield* DomainApi.get(Customers, target)).GracePeriodDays, days)
    }).pipe(Effect.provide(emulated({}, {}, writer)))
  )

  it.effect("every verb can stand in a batch", () =>
    Effect.gen(function* () {
      const [customer] = yield* DomainApi.list(Customers, { top: 1 })
      const target = customer?.Id ?? ""
      const key = { ExternalId: "B-1" }
      const results = yield* DomainApi.batch({
        one: DomainRequest.get(Customers, target),
        found: DomainRequest.find(Customers, target),
        none: DomainRequest.find(Customers, id(999)),
        first: DomainRequest.first(Customers, { filter: Filter.eq("Number", "no such number") }),
        some: DomainRequest.list(Customers, { top: 2 }),
        number: DomainRequest.count(Customers),
        version: DomainRequest.call(GetVersion, {}),
        changes: Batch.changeset({
          merged: DomainRequest.merge(Groups, key, { Code: "B1", Name: { EN: "Batch" } }),
          changed: DomainRequest.update(Customers, target, { GracePeriodDays: 9 })
        })
      })
      assert.strictEqual((yield* results.one).Id, target)
      assert.isTrue(Option.isSome(yield* results.found))
      assert.isTrue(Option.isNone(yield* results.none))
      assert.isTrue(Option.isNone(yield* results.first))
      assert.lengthOf(yield* results.some, 2)
      assert.strictEqual(yield* results.number, 3)
      assert.isString((yield* results.version).version)
      const { merged } = yield* results.changes
      assert.strictEqual((yield* DomainApi.get(Groups, merged)).Code, "B1")
      assert.strictEqual((yield* DomainApi.get(Customers, target)).GracePeriodDays, 9)
    }).pipe(Effect.provide(emulated({}, {}, writer)))
  )

  it.effect("an operation of a batch carries its own headers, but no token and no second request", () => {
    const bodies: Array<string> = []
    const { layer } = fakeDomain(() => page(rows(0, 1)))
    return Effect.gen(function* () {
      const batch = Batch.make({
        all: DomainRequest.list(Customers, { top: 1, headers: { "accept-language": "bg", Authorization: "Bearer x" } })
      })
      const request = batch._tag === "Read" ? batch.request : batch.request(Option.none)
      bodies.push((yield* request).body?.text ?? "")
      assert.include(bodies[0], "\r\naccept-language: bg\r\n")
      assert.notInclude(bodies[0], "Bearer")
      const evil = Batch.make({ all: DomainRequest.list(Customers, { headers: { "x-a": "1\r\n\r\nGET /x" } }) })
      const refused = evil._tag === "Read" ? evil.request : evil.request(Option.none)
      assert.strictEqual(Option.getOrUndefined(Either.getLeft(refused))?._tag, "InvalidQuery")
    }).pipe(Effect.provide(layer))
  })

  it("every changeset has a boundary of its own, and a batch of several parts asks to go on after an error", () => {
    const change = () => Batch.changeset({ made: Batch.create(Groups, { Code: "1" }) })
    const wireOf = (batch: ReturnType<typeof Batch.make>) =>
      Either.getOrThrow(batch._tag === "Read" ? batch.request : batch.request(Option.none))
    const several = wireOf(Batch.make({ a: change(), b: change(), all: Batch.list(Groups, { top: 1 }), c: change() }))
    const boundaries = [...(several.body?.text ?? "").matchAll(/boundary=(changeset_\d+)/g)].map(([, name]) => name)
    assert.deepStrictEqual(boundaries, ["changeset_1", "changeset_2", "changeset_3"])
    assert.strictEqual(several.headers?.["prefer"], "odata.continue-on-error")
    const one = wireOf(Batch.make({ a: change() }))
    assert.include(one.body?.text, "boundary=changeset_1")
    assert.isUndefined(one.headers?.["prefer"])
  })
})
