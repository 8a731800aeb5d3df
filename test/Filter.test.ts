import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Either, FastCheck, Option, Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntitySet from "effect-erpnet/EntitySet"
import type * as ErpNetError from "effect-erpnet/ErpNetError"
import * as Filter from "effect-erpnet/Filter"
import * as Query from "effect-erpnet/Query"

const guid = "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"

const Customers = EntitySet.make(
  "Crm_Customers",
  Schema.Struct({
    Id: Schema.String,
    SupplySchemaId: Schema.NullOr(Schema.UUID),
    BrandedId: Schema.UUID.pipe(Schema.brand("BrandedId")),
    Number: Schema.NullOr(Schema.String),
    Active: Schema.Boolean,
    ExternalId: Schema.NullOr(Schema.String),
    Days: Schema.Number,
    Version: ComplexType.Int64,
    State: Schema.Literal("New", "Released"),
    CreationTime: Schema.NullOr(Schema.DateTimeUtc),
    UpdateTime: Schema.Date,
    CreditLimit: Schema.NullOr(ComplexType.Amount),
    Weight: ComplexType.QuantityNumber,
    Name: ComplexType.MultilanguageString,
    ProductGroup: Schema.NullOr(ComplexType.Reference),
    Party: EntitySet.expand(
      Schema.Struct({ Id: Schema.String, PartyName: ComplexType.MultilanguageString, Limit: ComplexType.Amount })
    )
  })
)

type Row = typeof Customers extends EntitySet.EntitySet<infer A, infer I> ? Filter.Fields<A, I> : never

const rendered = (filter: Filter.Filter<Row>): string => Either.getOrThrow(Filter.render(Customers, filter))
const refused = (filter: Filter.Filter<Row>): ErpNetError.InvalidQuery =>
  Either.getOrThrow(Either.flip(Filter.render(Customers, filter)))

describe("operators", () => {
  it("render as ERP.net spells them", () => {
    assert.strictEqual(rendered(Filter.eq("Number", "1")), "Number eq '1'")
    assert.strictEqual(rendered(Filter.ge("Days", 3)), "Days ge 3")
    assert.strictEqual(rendered(Filter.le("Days", 3)), "Days le 3")
    assert.strictEqual(rendered(Filter.in("State", ["New", "Released"])), "State in ('New','Released')")
    assert.strictEqual(rendered(Filter.contains("Number", "1")), "contains(Number,'1')")
    assert.strictEqual(rendered(Filter.startsWith("Number", "1")), "startswith(Number,'1')")
    assert.strictEqual(rendered(Filter.endsWith("Number", "1")), "endswith(Number,'1')")
    assert.strictEqual(rendered(Filter.equalNull("Number", "1")), "equalnull(Number,'1')")
    assert.strictEqual(rendered(Filter.lessEqualNull("Days", 3)), "lessequalnull(Days,3)")
    assert.strictEqual(rendered(Filter.greaterEqualNull("Days", 3)), "greaterequalnull(Days,3)")
  })

  it("join by and, flat", () => {
    const active = Filter.eq("Active", true)
    assert.strictEqual(
      rendered(Filter.and(active, Filter.and(Filter.ge("Days", 1), Filter.le("Days", 5)), Filter.and())),
      "Active eq true and Days ge 1 and Days le 5"
    )
    assert.strictEqual(rendered(Filter.and(active)), "Active eq true")
    assert.strictEqual(rendered(Filter.and()), "")
  })

  it("refuse an empty list, which no row can match", () => {
    const error = refused(Filter.in("Number", []))
    assert.strictEqual(error._tag, "InvalidQuery")
    assert.strictEqual(error.option, "$filter")
    assert.include(error.message, "Number, an empty list")
  })
})

describe("values", () => {
  it("render by their type", () => {
    const group = Option.getOrThrow(ComplexType.makeEntityId("General_Products_ProductGroups", guid))
    assert.strictEqual(rendered(Filter.eq("Number", null)), "Number eq null")
    assert.strictEqual(rendered(Filter.eq("Active", false)), "Active eq false")
    assert.strictEqual(rendered(Filter.eq("Version", 9223372036854775807n)), "Version eq 9223372036854775807")
    assert.strictEqual(rendered(Filter.eq("Days", 1e21)), "Days eq 1000000000000000000000")
    assert.strictEqual(rendered(Filter.eq("Days", -1e-7)), "Days eq -0.0000001")
    assert.strictEqual(rendered(Filter.eq("Days", -0)), "Days eq 0")
    assert.strictEqual(
      rendered(Filter.ge("Days", BigDecimal.unsafeFromString("1234567890123456.78"))),
      "Days ge 1234567890123456.78"
    )
    assert.strictEqual(
      rendered(Filter.ge("UpdateTime", new Date("2019-02-01T00:00:00Z"))),
      "UpdateTime ge 2019-02-01T00:00:00.000Z"
    )
    assert.strictEqual(
      rendered(Filter.ge("CreationTime", DateTime.unsafeMake("2019-02-01T10:00:00Z"))),
      "CreationTime ge 2019-02-01T10:00:00.000Z"
    )
    assert.strictEqual(rendered(Filter.ge("Number", Filter.date("2020-01-01"))), "Number ge 2020-01-01")
    assert.strictEqual(rendered(Filter.ge("Number", Filter.date("2020-01-01Z"))), "Number ge 2020-01-01Z")
    assert.strictEqual(
      rendered(Filter.eq("ProductGroup", group)),
      `ProductGroup eq 'General_Products_ProductGroups(${guid})'`
    )
    assert.strictEqual(
      rendered(Filter.in("ProductGroup", [group, null])),
      `ProductGroup in ('General_Products_ProductGroups(${guid})',null)`
    )
    assert.strictEqual(rendered(Filter.eq("Number", "O'Brien''s")), "Number eq 'O''Brien''''s'")
  })

  it("are bare guids where the field holds guids, and only there", () => {
    assert.strictEqual(rendered(Filter.eq("Id", guid.toUpperCase())), `Id eq ${guid}`)
    assert.strictEqual(rendered(Filter.in("Id", [guid, guid])), `Id in (${guid},${guid})`)
    assert.strictEqual(rendered(Filter.eq("Party/Id", guid)), `Party/Id eq ${guid}`)
    assert.strictEqual(rendered(Filter.eq("SupplySchemaId", guid)), `SupplySchemaId eq ${guid}`)
    assert.strictEqual(rendered(Filter.equalNull("SupplySchemaId", guid)), `equalnull(SupplySchemaId,${guid})`)
    assert.strictEqual(rendered(Filter.eq("BrandedId", guid)), `BrandedId eq ${guid}`)
    assert.strictEqual(rendered(Filter.eq("Number", guid)), `Number eq '${guid}'`)
    assert.strictEqual(rendered(Filter.eq("ExternalId", guid)), `ExternalId eq '${guid}'`)
    assert.strictEqual(rendered(Filter.eq("Number", Filter.guid(guid))), `Number eq ${guid}`)
    assert.strictEqual(rendered(Filter.contains("Id", "0e8f")), "contains(Id,'0e8f')")
    assert.strictEqual(rendered(Filter.eq("SupplySchemaId", null)), "SupplySchemaId eq null")
  })

  it("of amounts and quantities go to the Value", () => {
    assert.strictEqual(rendered(Filter.ge("CreditLimit", 100)), "CreditLimitValue ge 100")
    assert.strictEqual(rendered(Filter.ge("CreditLimitValue", 100)), "CreditLimitValue ge 100")
    assert.strictEqual(rendered(Filter.le("Weight", 1.5)), "WeightValue le 1.5")
    assert.strictEqual(rendered(Filter.le("Party/Limit", 1)), "Party/LimitValue le 1")
  })

  it("that cannot be written are refused, and not shown", () => {
    const secret = "s3cret"
    for (const [filter, reason] of [
      [Filter.eq("Number", `${secret}\uD800`), "surrogate"],
      [Filter.contains("Name", `\uDC00${secret}`), "surrogate"],
      [Filter.eq("Days", Number.NaN), "finite"],
      [Filter.eq("Days", Number.POSITIVE_INFINITY), "finite"],
      [Filter.eq("Days", BigDecimal.make(1n, -1_000_000_000)), "digits"],
      [Filter.eq("Id", secret), "guid"],
      [Filter.eq("Id", `${guid} or true`), "guid"],
      [Filter.eq("Number", Filter.guid(`${guid}\n`)), "guid"],
      [Filter.ge("Number", Filter.date("2020-01-01 or true")), "date"],
      [Filter.ge("Number", Filter.date("2020-13-01")), "date"],
      [Filter.ge("UpdateTime", new Date(Number.NaN)), "date"],
      [Filter.ge("UpdateTime", new Date("+010000-01-01T00:00:00Z")), "date"]
    ] as const) {
      const error = refused(filter)
      assert.strictEqual(error._tag, "InvalidQuery")
      assert.include(error.message, reason)
      assert.notInclude(error.message, secret)
    }
  })

  it("do not come in by the field name", () => {
    for (const name of ["Number eq 1 or Number", "", "a b", "a'", "a/", "/a", "a)", "a&$top"]) {
      const Odd = { schema: Schema.Struct({ [name]: Schema.Unknown }) }
      const result = Filter.render(Odd, Filter.eq(name, 1))
      assert.isTrue(Either.isLeft(result), name)
    }
  })
})

/** Reads back `Name eq literal and ...` by its own rules: a quoted string ends at a quote that is not doubled. */
const tokens = (expression: string): ReadonlyArray<{ readonly text: string } | { readonly word: string }> => {
  const found: Array<{ readonly text: string } | { readonly word: string }> = []
  let at = 0
  while (at < expression.length) {
    const start = at
    if (expression[at] === "'") {
      let text = ""
      at++
      while (expression[at] !== "'" || expression[at + 1] === "'") {
        if (at >= expression.length) {
          throw new Error("a quoted string does not end")
        }
        at += expression[at] === "'" ? 1 : 0
        text += expression[at]
        at++
      }
      at++
      found.push({ text })
    } else if (/[(),\s]/.test(expression[at] ?? "")) {
      at++
      if (expression[start] !== " ") {
        found.push({ word: expression[start] ?? "" })
      }
    } else {
      while (at < expression.length && !/[(),\s']/.test(expression[at] ?? "")) {
        at++
      }
      found.push({ word: expression.slice(start, at) })
    }
  }
  return found
}

const word = (text: string) => ({ word: text })

/** The options of a query string as a server reads them: a plus is a space, a hash ends the URL. */
const options = (query: string): ReadonlyArray<readonly [string, string]> =>
  (query.split("#")[0] ?? "").split("&").map((option) => {
    const [name = "", ...value] = option.split("=")
    return [name, decodeURIComponent(value.join("=").replaceAll("+", " "))] as const
  })

const nasty = FastCheck.oneof(
  FastCheck.fullUnicodeString(),
  FastCheck.array(
    FastCheck.constantFrom(
      "'",
      "''",
      '"',
      "%",
      "%27",
      "+",
      "&",
      "#",
      "=",
      ";",
      ",",
      "(",
      ")",
      "\n",
      "\r",
      "\0",
      "\\",
      "/",
      " ",
      "or",
      "$top",
      "?",
      "é",
      "☃",
      "💥"
    )
  ).map((parts) => parts.join(""))
)

describe("nothing in a value changes the expression", () => {
  it.prop("of any text", [nasty, nasty, nasty], ([one, two, three]) => {
    const query = Query.render(Customers, {
      filter: Filter.and(Filter.eq("Number", one), Filter.in("Number", [two, three]), Filter.contains("Name", one)),
      top: 10
    })
    const read = options(Either.getOrThrow(query))
    assert.deepStrictEqual(
      read.map(([name]) => name),
      ["$filter", "$top", "$select", "$expand"]
    )
    assert.deepStrictEqual(tokens(read[0]?.[1] ?? ""), [
      ...[word("Number"), word("eq"), { text: one }, word("and")],
      ...[word("Number"), word("in"), word("("), { text: two }, word(","), { text: three }, word(")"), word("and")],
      ...[word("contains"), word("("), word("Name"), word(","), { text: one }, word(")")]
    ])
    // The URL parser of the platform must find nothing to change either.
    assert.strictEqual(new URL(`https://a/b?${Either.getOrThrow(query)}`).search, `?${Either.getOrThrow(query)}`)
  })

  it.prop("of text with broken surrogates: it is refused or reads back", [FastCheck.string16bits()], ([text]) => {
    const query = Query.render(Customers, { filter: Filter.eq("Number", text), top: 10 })
    if (Either.isRight(query)) {
      assert.deepStrictEqual(tokens(options(query.right)[0]?.[1] ?? "")[2], { text })
    } else {
      assert.match(text, /\p{Surrogate}/u)
    }
  })

  it.prop("of a search text", [nasty.filter((text) => text.trim() !== "")], ([text]) => {
    const read = options(Either.getOrThrow(Query.render(Customers, { search: text })))
    assert.deepStrictEqual(
      read.map(([name]) => name),
      ["$search", "$select", "$expand"]
    )
    const phrase = read[0]?.[1] ?? ""
    assert.match(phrase, /^"(?:[^"\\]|\\["\\])*"$/)
    assert.strictEqual(phrase.slice(1, -1).replace(/\\(.)/g, "$1"), text)
  })
})
