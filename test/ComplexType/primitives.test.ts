import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntityInput from "effect-erpnet/EntityInput"
import * as EntitySet from "effect-erpnet/EntitySet"
import * as Filter from "effect-erpnet/Filter"

const Activities = EntitySet.make(
  "Crm_Activities",
  Schema.Struct({
    Day: Schema.NullOr(ComplexType.Date),
    StartTime: ComplexType.TimeOfDay,
    Ratio: ComplexType.Double,
    Quantity: Schema.NullOr(ComplexType.QuantityNumber),
    Text: Schema.String
  })
)
type Row = typeof Activities extends EntitySet.EntitySet<infer A, infer I> ? Filter.Fields<A, I> : never
const text = (filter: Filter.Input<Row>) => Filter.render(Activities, filter)
const isRefused = (filter: Filter.Input<Row>) => Either.isLeft(text(filter))
const row = { Day: "2026-01-01T00:00:00Z", StartTime: "08:30:00", Ratio: 1.5, Quantity: null, Text: "" }

describe("ComplexType.Date", () => {
  it("reads midnight UTC as its date and writes it back, in every zone", () => {
    const zone = process.env["TZ"]
    try {
      for (const name of ["Europe/Sofia", "America/New_York", "Pacific/Kiritimati", "UTC"]) {
        process.env["TZ"] = name
        const decoded = Either.getOrThrow(Activities.decode(row))
        assert.strictEqual(decoded.Day, "2026-01-01")
        assert.deepStrictEqual(EntityInput.encode(Activities, { Day: decoded.Day }), Either.right({ Day: row.Day }))
        assert.deepStrictEqual(
          text((a) => a.Day.ge("2026-01-01")),
          Either.right("Day ge 2026-01-01")
        )
      }
    } finally {
      if (zone === undefined) delete process.env["TZ"]
      else process.env["TZ"] = zone
    }
  })

  it("refuses what is no day: in rows, in values and in filters", () => {
    for (const day of ["2026-02-30", "2026-02-29T00:00:00Z", "2026-13-01", "yesterday", ""]) {
      assert.isTrue(Either.isLeft(Activities.decode({ ...row, Day: day })), day)
      assert.isTrue(Either.isLeft(EntityInput.encode(Activities, { Day: day })), day)
      assert.isTrue(
        isRefused((a) => a.Day.eq(day)),
        day
      )
      assert.isTrue(isRefused(Filter.in("Day", [day])), day)
      assert.isTrue(isRefused(Filter.eq("Text", Filter.date(day))), day)
    }
    // A moment would lose its time of day.
    assert.isTrue(Either.isLeft(Activities.decode({ ...row, Day: "2026-01-01T10:00:00Z" })))
  })
})

describe("ComplexType.TimeOfDay", () => {
  it("is a text, written bare in a filter; Filter.time does the same for a plain string", () => {
    assert.strictEqual(Either.getOrThrow(Activities.decode(row)).StartTime, "08:30:00")
    assert.deepStrictEqual(
      text((a) => a.StartTime.ge("08:30:00")),
      Either.right("StartTime ge 08:30:00")
    )
    assert.deepStrictEqual(text(Filter.le("Text", Filter.time("08:30"))), Either.right("Text le 08:30"))
  })

  it("refuses what is none", () => {
    for (const time of ["24:00:00", "8:30", "08:61", "noon", "08:30:00 or true"]) {
      assert.isTrue(Either.isLeft(Activities.decode({ ...row, StartTime: time })), time)
      assert.isTrue(
        isRefused((a) => a.StartTime.eq(time)),
        time
      )
      assert.isTrue(isRefused(Filter.eq("Text", Filter.time(time))), time)
    }
  })
})

describe("ComplexType.Double", () => {
  it("has the three values that no JSON number is, in rows, in values and in filters", () => {
    for (const [encoded, value] of [
      ["NaN", Number.NaN],
      ["INF", Number.POSITIVE_INFINITY],
      ["-INF", Number.NEGATIVE_INFINITY],
      [1e-7, 1e-7]
    ] as const) {
      assert.deepStrictEqual(Either.getOrThrow(Activities.decode({ ...row, Ratio: encoded })).Ratio, value)
      assert.deepStrictEqual(EntityInput.encode(Activities, { Ratio: value }), Either.right({ Ratio: encoded }))
    }
    assert.deepStrictEqual(
      text((a) => a.Ratio.in([Number.NaN, -Infinity])),
      Either.right("Ratio in (NaN,-INF)")
    )
    assert.deepStrictEqual(
      text((a) => a.Ratio.ge(1e-7)),
      Either.right("Ratio ge 0.0000001")
    )
  })

  it("refuses a number beyond a double, and other texts", () => {
    for (const value of [JSON.parse("1e400"), "Infinity", "1", null]) {
      assert.isTrue(Either.isLeft(Activities.decode({ ...row, Ratio: value })), String(value))
    }
  })
})

describe("decimals as JavaScript numbers", () => {
  it("are written with the digits of the exact type, never with an exponent", () => {
    for (const [value, written] of [
      [1e-7, "0.0000001"],
      [1e21, "1000000000000000000000"],
      [1.5e-10, "0.00000000015"],
      [12.5, "12.5"]
    ] as const) {
      const encoded = Schema.encodeSync(ComplexType.QuantityNumber)({ Value: value, Unit: "PCS" })
      assert.strictEqual(String(encoded.Value), written)
    }
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.isTrue(Either.isLeft(Schema.encodeEither(ComplexType.AmountNumber)({ Value: value, Currency: "EUR" })))
    }
  })
})
