import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Either, Equal, FastCheck, Hash, Option, Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntitySet from "effect-erpnet/EntitySet"
import * as Filter from "effect-erpnet/Filter"
import * as losslessJson from "../src/internal/losslessJson.ts"

const guid = "c8a65f60-26d0-4c3a-81c9-f367dd811908"
const decimal = BigDecimal.unsafeFromString
const read = <A, I>(schema: Schema.Schema<A, I>, json: string): A =>
  Schema.decodeUnknownSync(schema)(Either.getOrThrow(losslessJson.parse(json)))
const fails = <A, I>(schema: Schema.Schema<A, I>, input: unknown): boolean =>
  Either.isLeft(Schema.decodeUnknownEither(schema)(input))

describe("Amount and Quantity", () => {
  it("keep every digit of a JSON number", () => {
    const amount = read(ComplexType.Amount, '{"Value":1234567890123456.78,"Currency":"BGN"}')
    assert.strictEqual(BigDecimal.format(amount.Value), "1234567890123456.78")
    assert.strictEqual(amount.Currency, "BGN")
    const quantity = read(ComplexType.Quantity, '{"Value":999999999999999.999,"Unit":"PCS"}')
    assert.isTrue(Equal.equals(quantity.Value, decimal("999999999999999.999")))
  })

  it("read strings as well as numbers", () => {
    assert.isTrue(Equal.equals(read(ComplexType.Amount, '{"Value":"3.550","Currency":"USD"}').Value, decimal("3.55")))
    assert.isTrue(Equal.equals(read(ComplexType.Amount, '{"Value":3.55,"Currency":"USD"}').Value, decimal("3.55")))
    assert.strictEqual(read(ComplexType.AmountNumber, '{"Value":"3.5","Currency":"USD"}').Value, 3.5)
    assert.strictEqual(read(ComplexType.QuantityNumber, '{"Value":5.555,"Unit":"PCS"}').Value, 5.555)
    assert.strictEqual(
      read(ComplexType.AmountNumber, '{"Value":1234567890123456.78,"Currency":"USD"}').Value,
      Number("1234567890123456.78")
    )
  })

  it("write back what they read, as a JSON number", () => {
    for (const text of [
      "3.55",
      "0",
      "-12.5",
      "1234567890123456.78",
      "999999999999999999",
      "0.00001",
      "100000000000000000000000"
    ]) {
      const json = `{"Value":${text},"Currency":"BGN"}`
      assert.strictEqual(
        losslessJson.stringify(Schema.encodeSync(ComplexType.Amount)(read(ComplexType.Amount, json))),
        json
      )
    }
  })

  it("lose no digit when the plain JSON.stringify writes them", () => {
    const amount = { Value: decimal("1234567890123456.78"), Currency: "BGN" }
    assert.strictEqual(
      JSON.stringify(Schema.encodeSync(ComplexType.Amount)(amount)),
      '{"Value":"1234567890123456.78","Currency":"BGN"}'
    )
  })

  it("refuse what is not a decimal number", () => {
    for (const Value of [
      "",
      " 1",
      "1,5",
      "0x10",
      "1e999999999",
      "Infinity",
      ".5",
      "9".repeat(500),
      Number.NaN,
      null,
      true
    ]) {
      assert.isTrue(fails(ComplexType.Amount, { Value, Currency: "BGN" }), String(Value))
      assert.isTrue(fails(ComplexType.AmountNumber, { Value, Currency: "BGN" }), String(Value))
    }
  })

  it("refuse to write out an absurd exponent", () => {
    const amount = { Value: BigDecimal.make(1n, -1_000_000_000), Currency: "BGN" }
    assert.isTrue(Either.isLeft(Schema.encodeEither(ComplexType.Amount)(amount)))
  })

  it.prop(
    "keep any decimal through JSON",
    [FastCheck.bigInt(-(10n ** 30n), 10n ** 30n), FastCheck.integer({ min: -5, max: 30 })],
    ([digits, scale]) => {
      const value = BigDecimal.make(digits, scale)
      const json = losslessJson.stringify(Schema.encodeSync(ComplexType.Amount)({ Value: value, Currency: "EUR" }))
      assert.notMatch(json ?? "", /\d[eE]/)
      assert.isTrue(Equal.equals(read(ComplexType.Amount, json ?? "").Value, value))
    }
  )
})

describe("Int64", () => {
  it("keeps every digit both ways", () => {
    for (const text of ["9223372036854775807", "-9223372036854775808", "0", "42", "9007199254740993"]) {
      const value = read(ComplexType.Int64, text)
      assert.strictEqual(value, BigInt(text))
      assert.strictEqual(losslessJson.stringify(Schema.encodeSync(ComplexType.Int64)(value)), text)
      assert.strictEqual(read(ComplexType.Int64, `"${text}"`), BigInt(text))
    }
  })

  it("refuses fractions, numbers out of range, and numbers that have lost digits", () => {
    for (const input of [1.5, "1.5", "9223372036854775808", 2 ** 53, "", "1e3"]) {
      assert.isTrue(fails(ComplexType.Int64, input), String(input))
    }
  })
})

describe("MultilanguageString", () => {
  const decode = Schema.decodeUnknownSync(ComplexType.MultilanguageString)

  it("reads language codes in any case and writes upper case", () => {
    assert.deepStrictEqual(decode({ en: "Apple", Bg: "Ябълка", XX: "?" }), { EN: "Apple", BG: "Ябълка", XX: "?" })
    assert.deepStrictEqual(Schema.encodeSync(ComplexType.MultilanguageString)({ en: "Apple" }), { EN: "Apple" })
  })

  it("leaves out languages without a text, and prefers the upper-case spelling", () => {
    assert.deepStrictEqual(decode({ EN: "Apple", BG: null }), { EN: "Apple" })
    assert.deepStrictEqual(decode({ en: "b", EN: "a" }), { EN: "a" })
    assert.deepStrictEqual(decode({ EN: "a", en: "b" }), { EN: "a" })
  })

  it("gives a text with a fallback", () => {
    const texts = { EN: "Apple", BG: "Ябълка" }
    assert.strictEqual(ComplexType.getText(texts, "bg"), "Ябълка")
    assert.strictEqual(ComplexType.getText(texts, "DE"), "Apple")
    assert.strictEqual(ComplexType.getText({ BG: "Ябълка" }, "de"), "Ябълка")
    assert.strictEqual(ComplexType.getText({ BG: "Ябълка" }, "__proto__"), "Ябълка")
    assert.isUndefined(ComplexType.getText({}, "en"))
    assert.isUndefined(ComplexType.getText(null, "en"))
  })
})

describe("CustomPropertyValue", () => {
  it("reads a free value and one from a list", () => {
    const decode = Schema.decodeUnknownSync(ComplexType.CustomPropertyValue)
    assert.deepStrictEqual(decode({ Value: "apple" }), { Value: "apple" })
    assert.deepStrictEqual(decode({ Value: "apple", ValueId: guid, Description: { en: "Apple" } }), {
      Value: "apple",
      ValueId: guid,
      Description: { EN: "Apple" }
    })
  })

  it("escapes the code in the property name", () => {
    const names = {
      "color.name": "CustomProperty_color_u002Ename",
      "size (cm)": "CustomProperty_size_u0020_u0028cm_u0029",
      plain_1: "CustomProperty_plain_1",
      я: "CustomProperty__uD18F",
      "€": "CustomProperty__uE282AC"
    }
    for (const [code, name] of Object.entries(names)) {
      assert.strictEqual(ComplexType.customPropertyName(code), name)
      assert.strictEqual(Option.getOrUndefined(ComplexType.customPropertyCode(name)), code)
    }
    assert.isTrue(Option.isNone(ComplexType.customPropertyCode("Number")))
  })

  it.prop(
    "finds the code again, whatever the code",
    [FastCheck.fullUnicodeString().filter((code) => !code.includes("_u"))],
    ([code]) => {
      const name = ComplexType.customPropertyName(code)
      assert.match(name, /^CustomProperty_\w*$/)
      assert.strictEqual(Option.getOrUndefined(ComplexType.customPropertyCode(name)), code)
    }
  )
})

describe("EntityId and Reference", () => {
  it("reads relative and absolute ids and writes relative ones", () => {
    for (const text of [
      `Crm_Sales_Customers(${guid})`,
      `Crm_Sales_Customers(${guid.toUpperCase()})`,
      `/Crm_Sales_Customers(${guid})`,
      `https://testdb.my.erp.net/api/domain/odata/Crm_Sales_Customers(${guid})`
    ]) {
      const id = Schema.decodeSync(ComplexType.EntityId)(text)
      assert.strictEqual(id.entitySet, "Crm_Sales_Customers")
      assert.strictEqual(id.id, guid)
      assert.strictEqual(Schema.encodeSync(ComplexType.EntityId)(id), `Crm_Sales_Customers(${guid})`)
      assert.strictEqual(String(id), `Crm_Sales_Customers(${guid})`)
      assert.strictEqual(JSON.stringify({ id }), `{"id":"Crm_Sales_Customers(${guid})"}`)
    }
  })

  it("is equal by set and id", () => {
    const one = ComplexType.parseEntityId(`A(${guid})`)
    const same = ComplexType.makeEntityId("A", guid)
    assert.isTrue(Equal.equals(one, same))
    assert.strictEqual(Hash.hash(one), Hash.hash(same))
    assert.isFalse(Equal.equals(one, ComplexType.makeEntityId("B", guid)))
  })

  it("refuses everything else", () => {
    for (const text of [
      "",
      "Crm_Sales_Customers",
      `(${guid})`,
      "Crm_Sales_Customers(1)",
      `Crm_Sales_Customers(${guid})/Party`,
      `Crm_Sales_Customers(${guid})?x`,
      `x y(${guid})`,
      ` Crm_Sales_Customers(${guid})`
    ]) {
      assert.isTrue(Option.isNone(ComplexType.parseEntityId(text)), text)
      assert.isTrue(fails(ComplexType.EntityId, text), text)
    }
    assert.isTrue(Option.isNone(ComplexType.makeEntityId("A(", guid)))
    assert.isTrue(Option.isNone(ComplexType.makeEntityId("A", "1")))
  })

  it("reads and writes a link", () => {
    const link = { "@odata.id": `General_Products_ProductGroups(${guid})` }
    const id = Schema.decodeSync(ComplexType.Reference)(link)
    assert.isTrue(ComplexType.isEntityId(id))
    assert.strictEqual(id.entitySet, "General_Products_ProductGroups")
    assert.deepStrictEqual(Schema.encodeSync(ComplexType.Reference)(id), link)
    assert.isFalse(ComplexType.isEntityId(link))
  })
})

describe("exact JSON", () => {
  it.prop("reads what JSON.parse reads, but for the numbers that would lose digits", [FastCheck.json()], ([json]) => {
    // A long number beside the value forces the exact reader.
    const long = `[${json},12345678901234567890]`
    assert.deepStrictEqual(toDoubles(Either.getOrThrow(losslessJson.parse(long))), JSON.parse(long))
    assert.deepStrictEqual(toDoubles(Either.getOrThrow(losslessJson.parse(json))), JSON.parse(json))
  })

  it.prop(
    "keeps the digits of every number",
    [FastCheck.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,24})?([eE][+-]?\d{1,2})?$/)],
    ([text]) => {
      const parsed = Schema.decodeUnknownSync(ComplexType.Decimal)(Either.getOrThrow(losslessJson.parse(text)))
      assert.isTrue(Equal.equals(parsed, decimal(text)), text)
    }
  )

  it("keeps numbers that a double can only call infinite or zero", () => {
    assert.isTrue(Equal.equals(read(ComplexType.Decimal, "1e390"), BigDecimal.make(1n, -390)))
    assert.isTrue(
      Equal.equals(read(ComplexType.Amount, '{"Value":-25e-390,"Currency":"BGN"}').Value, BigDecimal.make(-25n, 390))
    )
  })

  it("treats __proto__ as a name like any other", () => {
    const parsed = Either.getOrThrow(losslessJson.parse('{"__proto__":{"a":12345678901234567890},"b":1}'))
    assert.deepStrictEqual(Object.keys(Object(parsed)), ["__proto__", "b"])
    assert.strictEqual(Object.getPrototypeOf(parsed), Object.prototype)
  })

  it("lets the last of two equal names win, as JSON.parse does", () => {
    assert.deepStrictEqual(toDoubles(Either.getOrThrow(losslessJson.parse('{"a":1,"a":2,"b":12345678901234567890}'))), {
      a: 2,
      b: Number("12345678901234567890")
    })
  })

  it("quotes nothing of a text that is not JSON", () => {
    for (const text of ["secret", '{"a":secret 12345678901234567890}', "", '{"a":1234567890123456789']) {
      const error = Either.flip(losslessJson.parse(text)).pipe(Either.getOrThrow)
      assert.notInclude(error.message, "secret")
    }
  })

  it("writes decimals and bigints as JSON numbers", () => {
    assert.strictEqual(
      losslessJson.stringify({ a: decimal("1234567890123456.78"), b: 2n ** 63n, c: [1.5, null, "x"], d: undefined }),
      '{"a":1234567890123456.78,"b":9223372036854775808,"c":[1.5,null,"x"]}'
    )
  })
})

const toDoubles = (value: unknown): unknown => {
  if (value instanceof losslessJson.JsonNumber) {
    return value.toNumber()
  }
  if (Array.isArray(value)) {
    return value.map(toDoubles)
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toDoubles(member)]))
    : value
}

describe("Enum", () => {
  const State = ComplexType.Enum("New", "Planned", "Released")

  it("reads and writes the members, and those that it does not know", () => {
    for (const name of ["New", "Released", "Melted"]) {
      const member = ComplexType.enumMember(name)
      assert.deepStrictEqual(Schema.decodeUnknownEither(State)(name), Either.right(member))
      assert.deepStrictEqual(Schema.encodeUnknownEither(State)(name), Either.right(member))
    }
    for (const other of [30, null, {}]) {
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(State)(other)))
    }
  })

  it("is a field that is selected by its name and filtered by a text", () => {
    const Orders = EntitySet.make("Crm_Sales_SalesOrders", Schema.Struct({ State }))
    assert.strictEqual(Orders.projection, "$select=State")
    assert.deepStrictEqual(Filter.render(Orders, Filter.eq("State", "Released")), Either.right("State eq 'Released'"))
    assert.deepStrictEqual(
      Filter.render(Orders, Filter.eq("State", ComplexType.enumMember("Melted"))),
      Either.right("State eq 'Melted'")
    )
  })
})
