import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { ComplexType } from "effect-erpnet"
import { describe as describeFault, formatPath } from "../../src/internal/parseFault.ts"

/** The first fault of a decode, as `path: reason`. */
const faultOf = <A, I>(schema: Schema.Schema<A, I>, value: unknown): string => {
  const error = Either.getOrThrow(Either.flip(Schema.decodeUnknownEither(schema)(value)))
  const { path, reason } = describeFault(error.issue)
  return `${formatPath(path)}: ${reason}`
}

const Row = Schema.Struct({
  Id: Schema.UUID,
  State: Schema.Literal("New", "Released"),
  Lines: Schema.Array(Schema.Struct({ Quantity: ComplexType.Quantity })),
  Party: Schema.NullOr(Schema.Struct({ Name: Schema.String })),
  Day: Schema.optional(Schema.DateFromString)
}).annotations({ identifier: "Row" })

const good = {
  Id: "c8a65f60-26d0-4c3a-81c9-f367dd811908",
  State: "New",
  Lines: [{ Quantity: { Value: 1, Unit: "PCS" } }],
  Party: { Name: "a" }
}

class Point extends Schema.Class<Point>("Point")({ x: Schema.Number }) {}

interface Tree {
  readonly children: ReadonlyArray<Tree>
}
const Tree: Schema.Schema<Tree> = Schema.Struct({
  children: Schema.Array(Schema.suspend((): Schema.Schema<Tree> => Tree))
})

describe("describe", () => {
  const secret = "needle-4711"
  const cases: ReadonlyArray<readonly [string, Schema.Schema.AnyNoContext, unknown, string]> = [
    ["no object", Row, secret, ": expected an object, found string"],
    ["null", Row, null, ": expected an object, found null"],
    ["a missing field", Row, { ...good, Id: undefined, Extra: secret }, "Id: expected string, found undefined"],
    ["a field that is not there", Schema.Struct({ a: Schema.String }), {}, "a: it is missing"],
    ["a value that is no guid", Row, { ...good, Id: secret }, "Id: expected UUID, found string"],
    ["an unknown member", Row, { ...good, State: secret }, 'State: expected "New" | "Released", found string'],
    [
      "deep inside",
      Row,
      { ...good, Lines: [...good.Lines, { Quantity: { Value: secret, Unit: "" } }] },
      "Lines[1].Quantity.Value: expected Decimal, found string"
    ],
    ["no array", Row, { ...good, Lines: { a: secret } }, "Lines: expected an array, found an object"],
    ["an array", Row, { ...good, Party: [secret] }, "Party: expected { readonly Name: string } | null, found an array"],
    [
      "inside of what may be null",
      Row,
      { ...good, Party: { Name: 4711 } },
      "Party.Name: expected string, found number"
    ],
    ["no date", Row, { ...good, Day: 4711 }, "Day: expected DateFromString | undefined, found number"],
    ["a date that is none", Schema.Struct({ a: Schema.Date }), { a: "needle" }, "a: expected Date, found string"],
    ["a class", Point, { x: secret }, "x: expected number, found string"],
    [
      "a schema of itself",
      Tree,
      { children: [{ children: [{ children: secret }] }] },
      "children[0].children[0].children: expected an array, found string"
    ],
    ["an amount", ComplexType.Amount, { Value: secret, Currency: "EUR" }, "Value: expected Decimal, found string"],
    ["a 64-bit integer", ComplexType.Int64, 0.5, ": expected Int64, found number"],
    ["a filter", Schema.String.pipe(Schema.maxLength(3)), secret, ": expected maxLength(3), found string"],
    [
      "a record",
      Schema.Record({ key: Schema.String, value: Schema.Number }),
      { "0": 1, ключ: secret },
      "ключ: expected number, found string"
    ]
  ]
  for (const [name, schema, value, expected] of cases) {
    it(name, () => {
      const text = faultOf(schema, value)
      assert.strictEqual(text, expected)
      assert.notInclude(text, secret)
    })
  }

  it("a long type is cut", () => {
    const Many = Schema.Literal(...Array.from({ length: 100 }, (_, n) => `member${n}`))
    const text = faultOf(Schema.Struct({ a: Many }), { a: "" })
    assert.isBelow(text.length, 160)
    assert.include(text, "…")
  })
})

describe("formatPath", () => {
  it("as one would write it", () => {
    assert.strictEqual(formatPath([]), "")
    assert.strictEqual(formatPath(["value", 12, "CreditLimit", "Value"]), "value[12].CreditLimit.Value")
    assert.strictEqual(formatPath(["value", "3", "@odata.id"]), "value[3].@odata.id")
    assert.strictEqual(formatPath([0, 1]), "[0][1]")
  })
})
