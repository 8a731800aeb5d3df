import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Schema, Stream } from "effect"
import { ComplexType, DomainApi, EntitySet } from "effect-erpnet"
import { Customers, failureOf, fakeDomain, id, page, row, rows } from "../support/domain.ts"
import { leaks, needlesOf } from "../support/leaks.ts"

const Prices = EntitySet.make(
  "Crm_Pricing_ProductPrices",
  Schema.Struct({
    Id: Schema.UUID,
    Price: ComplexType.Amount,
    Quantity: Schema.NullOr(ComplexType.Quantity),
    ObjectVersion: ComplexType.Int64,
    Note: Schema.optional(Schema.Number)
  })
)

const amount = "123456789012345678.91"
const quantity = "0.123456789012345678"
const version = "9223372036854775807"

/** A row whose numbers are written as they stand. */
const priceRow = (write: (digits: string) => string) =>
  `{"Id":"${id(1)}","Price":{"Value":${write(amount)},"Currency":"EUR"},` +
  `"Quantity":{"Value":${write(quantity)},"Unit":"PCS"},"ObjectVersion":${write(version)},"Note":${tooLong}}`

const asNumber = (digits: string) => digits
const asString = (digits: string) => `"${digits}"`

const assertExact = (price: EntitySet.Type<typeof Prices>) => {
  assert.deepStrictEqual(price.Price.Value, BigDecimal.unsafeFromString(amount))
  assert.deepStrictEqual(price.Quantity?.Value, BigDecimal.unsafeFromString(quantity))
  assert.strictEqual(price.ObjectVersion, BigInt(version))
}

const tooLong = "12345678901234567890"

describe("DomainApi: digits", () => {
  for (const [form, write] of [
    ["number", asNumber],
    ["string", asString]
  ] as const) {
    it.effect(`18 digits and 64 bits survive as a JSON ${form}: list, stream, get, request`, () => {
      const fake = fakeDomain((call) => ({
        body: call.url.pathname.endsWith(")") ? priceRow(write) : `{"value":[${priceRow(write)}]}`
      }))
      return Effect.gen(function* () {
        const list = yield* DomainApi.list(Prices)
        const streamed = yield* Stream.runCollect(DomainApi.stream(Prices))
        const one = yield* DomainApi.get(Prices, id(1))
        const requested = yield* DomainApi.request(
          "Crm_Pricing_ProductPrices",
          Schema.Struct({ value: Schema.Array(Prices.schema) })
        )
        const all = [...list, ...streamed, one, ...requested.value]
        assert.lengthOf(all, 4)
        all.forEach(assertExact)
        // A plain number next to them stays one.
        assert.deepStrictEqual(
          all.map((price) => price.Note),
          [1, 2, 3, 4].map(() => Number(tooLong))
        )
      }).pipe(Effect.provide(fake.layer))
    })
  }

  it.effect("a page without such fields is left to JSON.parse", () => {
    const Notes = EntitySet.make("Notes", Schema.Struct({ Note: Schema.Unknown, Price: ComplexType.AmountNumber }))
    assert.isTrue(Prices.lossless)
    assert.isFalse(Customers.lossless)
    assert.isFalse(Notes.lossless)
    const body = `{"value":[{"Note":${tooLong},"Price":{"Value":123456789012345678,"Currency":"EUR"}}]}`
    const fake = fakeDomain(() => ({ body }))
    return Effect.gen(function* () {
      const [note] = yield* DomainApi.list(Notes)
      assert.strictEqual(note?.Note, Number(tooLong))
      assert.strictEqual(note?.Price.Value, 123456789012345680)
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi: what is not decoded", () => {
  const secret = "needle-Zq7-4711"
  const needles = needlesOf("value", secret)
  const Orders = EntitySet.make(
    "Crm_Sales_SalesOrders",
    Schema.Struct({
      Id: Schema.UUID,
      State: Schema.Literal("New", "Released"),
      Lines: EntitySet.children(Schema.Struct({ Quantity: ComplexType.Quantity })),
      Texts: Schema.Record({ key: Schema.String, value: Schema.Number })
    })
  )
  const order = { Id: id(1), State: "New", Lines: [{ Quantity: { Value: 1, Unit: "PCS" } }], Texts: {} }

  const wrong: ReadonlyArray<readonly [string, unknown, string, string]> = [
    [
      "a field of another type",
      { ...order, State: secret },
      "value[1].State",
      'expected "New" | "Released", found string'
    ],
    [
      "a field deep inside",
      { ...order, Lines: [...order.Lines, { Quantity: { Value: secret, Unit: "" } }] },
      "value[1].Lines[1].Quantity.Value",
      "expected Decimal, found string"
    ],
    ["a missing field", { ...order, Lines: undefined, Extra: secret }, "value[1].Lines", "it is missing"],
    ["no row", secret, "value[1]", "expected an object, found string"],
    ["null for a row", null, "value[1]", "expected an object, found null"],
    [
      "a key with line breaks",
      { ...order, Texts: { "a\r\nb\u001b[2J": secret } },
      "value[1].Texts.a b[2J",
      "expected number, found string"
    ]
  ]
  for (const [name, value, path, reason] of wrong) {
    it.effect(`${name}: entity set, row, path and type, never the value`, () => {
      const fake = fakeDomain(() => page([order, value, order]))
      return Effect.gen(function* () {
        const error = failureOf(yield* Effect.exit(DomainApi.list(Orders)))
        assert(error._tag === "ResponseInvalid")
        assert.strictEqual(error.entitySet, "Crm_Sales_SalesOrders")
        assert.strictEqual(error.row, 1)
        assert.strictEqual(error.path, path)
        assert.strictEqual(error.reason, reason)
        assert.include(error.message, `Crm_Sales_SalesOrders does not fit its Schema at ${path}: ${reason}`)
        assert.deepStrictEqual(yield* leaks(error, needles), [])
      }).pipe(Effect.provide(fake.layer))
    })
  }

  it.effect("one entity: the path begins at its field, and there is no row", () => {
    const fake = fakeDomain(() => ({ body: JSON.stringify({ ...order, State: secret }) }))
    return Effect.gen(function* () {
      const error = failureOf(yield* Effect.exit(DomainApi.get(Orders, id(1))))
      assert(error._tag === "ResponseInvalid")
      assert.strictEqual(error.path, "State")
      assert.strictEqual(error.row, undefined)
      assert.deepStrictEqual(yield* leaks(error, needles), [])
    }).pipe(Effect.provide(fake.layer))
  })

  const bodies: ReadonlyArray<readonly [string, string, string]> = [
    ["HTML with status 200", `<!doctype html><title>${secret}</title>`, ""],
    ["a body that begins like JSON", `{"value":[{"Id":"${secret}`, ""],
    ["a text", `"${secret}"`, "value"],
    ["a number with all its digits", "12345678901234567890", "value"],
    ["null", "null", "value"],
    ["an array", `["${secret}"]`, "value"],
    ["no value", `{"@odata.context":"${secret}"}`, "value"],
    ["a value that is no array", `{"value":"${secret}"}`, "value"],
    ["a value that is null", `{"value":null}`, "value"],
    ["nothing", "", ""]
  ]
  const reads: Readonly<Record<string, Effect.Effect<unknown, DomainApi.DomainApiError, DomainApi.DomainApi>>> = {
    plain: DomainApi.list(EntitySet.make("Set", Schema.Struct({ Id: Schema.UUID }))),
    exact: DomainApi.list(EntitySet.make("Set", Schema.Struct({ ObjectVersion: ComplexType.Int64 })))
  }
  for (const [form, read] of Object.entries(reads)) {
    for (const [name, body, path] of bodies) {
      it.effect(`${name} (${form})`, () => {
        const fake = fakeDomain(() => ({ body, headers: { "content-type": "text/html" } }))
        return Effect.gen(function* () {
          const error = failureOf(yield* Effect.exit(read))
          assert(error._tag === "ResponseInvalid")
          assert.strictEqual(error.path, path)
          assert.strictEqual(error.entitySet, "Set")
          assert.deepStrictEqual(yield* leaks(error, needles), [])
        }).pipe(Effect.provide(fake.layer))
      })
    }
  }

  it.effect("null for one entity", () => {
    const fake = fakeDomain(() => ({ body: "null" }))
    return Effect.gen(function* () {
      const error = failureOf(yield* Effect.exit(DomainApi.get(Customers, id(1))))
      assert(error._tag === "ResponseInvalid")
      assert.strictEqual(error.path, "")
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi: what is decoded all the same", () => {
  it.effect("unknown properties, and unknown members of an enum that is read as a text", () => {
    const Orders = EntitySet.make("Crm_Sales_SalesOrders", Schema.Struct({ Id: Schema.UUID, State: Schema.String }))
    const fake = fakeDomain(() => page([{ Id: id(1), State: "Invented", New: { deep: [1] }, "@odata.id": "x" }]))
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* DomainApi.list(Orders), [{ Id: id(1), State: "Invented" }])
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("a byte order mark before the body", () => {
    const mark = "\uFEFF"
    const bodies = new Map([
      ["Crm_Customers", page(rows(0, 2)).body],
      ["$count", "42"],
      [`Crm_Customers(${id(3)})`, JSON.stringify(row(3))],
      ["GetVersion", '{"version":"26.2.0.76"}'],
      ["Crm_Pricing_ProductPrices", `{"value":[${priceRow(asNumber)}]}`]
    ])
    const fake = fakeDomain((call) => ({ body: mark + bodies.get(call.url.pathname.split("/").at(-1) ?? "") }))
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* DomainApi.list(Customers), rows(0, 2))
      assert.strictEqual(yield* DomainApi.count(Customers), 42)
      assert.deepStrictEqual(yield* DomainApi.get(Customers, id(3)), row(3))
      const { version } = yield* DomainApi.request("GetVersion", Schema.Struct({ version: Schema.String }))
      assert.strictEqual(version, "26.2.0.76")
      assert.lengthOf(yield* DomainApi.list(Prices), 1)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("nulls that `skipnulls` left out, in lists and in one entity", () => {
    const fake = fakeDomain((call) =>
      call.url.pathname.endsWith(")") ? { body: JSON.stringify({ Id: id(1) }) } : page([{ Id: id(1) }])
    )
    return Effect.gen(function* () {
      const options = ["skipnulls"]
      assert.deepStrictEqual(yield* DomainApi.list(Customers, { options }), [{ Id: id(1), Number: null }])
      assert.deepStrictEqual(yield* DomainApi.get(Customers, id(1), { options }), { Id: id(1), Number: null })
      const error = failureOf(yield* Effect.exit(DomainApi.list(Customers)))
      assert(error._tag === "ResponseInvalid")
      assert.strictEqual(error.path, "value[0].Number")
    }).pipe(Effect.provide(fake.layer))
  })
})
