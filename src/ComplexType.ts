/**
 * Schemas of the complex types of ERP.net, for the rows of an entity set.
 *
 * ```ts
 * import { ComplexType, EntitySet } from "effect-erpnet"
 * import { Schema } from "effect"
 *
 * const Products = EntitySet.make("General_Products_Products", Schema.Struct({
 *   Id: Schema.UUID,
 *   Name: ComplexType.MultilanguageString,
 *   StandardPricePerLot: ComplexType.Amount,
 *   ProductGroup: ComplexType.Reference
 * }))
 * ```
 *
 * @since 0.1.0
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Brand from "effect/Brand"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as EntityIdModule from "./EntityId.ts"
import { isDate, isTimeOfDay } from "./internal/calendar.ts"
import { lazySchema } from "./internal/lazySchema.ts"
import { fromBigDecimal, isWritable, JsonNumber, toBigDecimal } from "./internal/losslessJson.ts"
import { AmountId, LiteralId, LosslessId } from "./internal/rowShape.ts"

/**
 * How a decimal looks in JSON: a number, a string, or a number that kept more digits than a double can.
 *
 * @category models
 * @since 0.1.0
 */
export type DecimalEncoded = number | string | JsonNumber

const DecimalSource: Schema.Schema<DecimalEncoded> = lazySchema(() =>
  Schema.Union(
    Schema.Number,
    Schema.String,
    Schema.declare((value): value is JsonNumber => value instanceof JsonNumber, { identifier: "JsonNumber" })
  ).annotations({
    identifier: "decimal",
    description: "a decimal number, or a string that holds one",
    [LosslessId]: true
  })
)

/**
 * An `Edm.Decimal` with every digit. Reads a JSON number or a string, writes a JSON number; a number that a double
 * cannot hold is written with all its digits too.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Decimal: Schema.Schema<BigDecimal.BigDecimal, DecimalEncoded> = lazySchema(() =>
  Schema.transformOrFail(DecimalSource, Schema.BigDecimalFromSelf, {
    strict: true,
    decode: (value, _, ast) =>
      Either.fromOption(toBigDecimal(value), () => new ParseResult.Type(ast, value, "Expected a decimal number")),
    encode: (decimal, _, ast) =>
      isWritable(decimal)
        ? ParseResult.succeed(fromBigDecimal(decimal))
        : ParseResult.fail(new ParseResult.Type(ast, decimal, "Expected a decimal of a reasonable number of digits"))
  }).annotations({ identifier: "Decimal" })
)

/**
 * An `Edm.Decimal` as a JavaScript number: faster than {@link Decimal}, exact up to 15 digits. Written without an
 * exponent, as OData asks.
 *
 * @category schemas
 * @since 0.2.0
 */
export const DecimalNumber: Schema.Schema<number, DecimalEncoded> = lazySchema(() =>
  Schema.transformOrFail(
    // Its own source: without the mark of exactness, pages of numbers are parsed at the usual speed.
    DecimalSource.annotations({ [LosslessId]: false }),
    Schema.Finite,
    {
      strict: true,
      decode: (value, _, ast) =>
        typeof value === "number"
          ? ParseResult.succeed(value)
          : Either.fromOption(
              Option.map(toBigDecimal(value), () => Number(value)),
              () => new ParseResult.Type(ast, value, "Expected a decimal number")
            ),
      encode: (value, _, ast) =>
        Either.fromOption(
          Option.map(toBigDecimal(value), fromBigDecimal),
          () => new ParseResult.Type(ast, value, "Expected a decimal of a reasonable number of digits")
        )
    }
  ).annotations({ identifier: "DecimalNumber" })
)

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

const toInt64 = (value: DecimalEncoded): Option.Option<bigint> => {
  // A double beyond 2^53 has lost digits already.
  const exact = typeof value === "number" ? Number.isSafeInteger(value) : /^-?\d{1,19}$/.test(String(value))
  return exact
    ? Option.filter(Option.some(BigInt(String(value))), (int) => int >= int64.min && int <= int64.max)
    : Option.none()
}

/**
 * An `Edm.Int64` with every digit, as a `bigint`. Reads a JSON number or a string, writes a JSON number.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Int64: Schema.Schema<bigint, DecimalEncoded> = lazySchema(() =>
  Schema.transformOrFail(DecimalSource, Schema.BigIntFromSelf, {
    strict: true,
    decode: (value, _, ast) =>
      Either.fromOption(toInt64(value), () => new ParseResult.Type(ast, value, "Expected a 64-bit integer")),
    encode: (int, _, ast) =>
      int >= int64.min && int <= int64.max
        ? ParseResult.succeed(Number.isSafeInteger(Number(int)) ? Number(int) : new JsonNumber(String(int)))
        : ParseResult.fail(new ParseResult.Type(ast, int, "Expected a 64-bit integer"))
  }).annotations({ identifier: "Int64" })
)

/**
 * How a double looks in JSON: a number, or one of the three values that no JSON number can be.
 *
 * @category models
 * @since 0.2.0
 */
export type DoubleEncoded = number | "NaN" | "INF" | "-INF"

const doubles: ReadonlyMap<unknown, number> = new Map([
  ["NaN", Number.NaN],
  ["INF", Number.POSITIVE_INFINITY],
  ["-INF", Number.NEGATIVE_INFINITY]
])

const toDoubleEncoded = (value: number): DoubleEncoded =>
  Number.isNaN(value)
    ? "NaN"
    : value === Number.POSITIVE_INFINITY
      ? "INF"
      : value === Number.NEGATIVE_INFINITY
        ? "-INF"
        : value

/**
 * An `Edm.Double`. The values that no JSON number can be are the texts `NaN`, `INF` and `-INF` of OData; a number that
 * is too large for a double is refused.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Double: Schema.Schema<number, DoubleEncoded> = lazySchema(() =>
  Schema.transform(Schema.Union(Schema.Finite, Schema.Literal("NaN", "INF", "-INF")), Schema.Number, {
    strict: true,
    decode: (value) => (typeof value === "number" ? value : (doubles.get(value) ?? Number.NaN)),
    encode: toDoubleEncoded
  }).annotations({ identifier: "Double", [LiteralId]: "double" })
)

const midnight = /^(\d{4}-\d{2}-\d{2})(?:T00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:00)?)?$/

const toDate = (text: string): string | undefined => {
  const [, date = ""] = midnight.exec(text) ?? []
  return isDate(date) ? date : undefined
}

const DateFromString: Schema.Schema<string> = lazySchema(() =>
  Schema.transformOrFail(Schema.String, Schema.String, {
    strict: true,
    decode: (text, _, ast) =>
      Either.fromNullable(
        toDate(text),
        () => new ParseResult.Type(ast, text, "Expected a day of the calendar, without a time of day")
      ),
    encode: (date, _, ast) =>
      isDate(date)
        ? ParseResult.succeed(`${date}T00:00:00Z`)
        : ParseResult.fail(new ParseResult.Type(ast, date, "Expected a day of the calendar such as 2026-01-31"))
  }).annotations({ identifier: "Date", [LiteralId]: "date" })
)

export {
  /**
   * A date without a time, such as `DocumentDate`, as the text `2026-01-31` in every time zone. ERP.net sends and takes
   * such dates as midnight UTC; `Schema.Date` makes moments of them, which are another day in some zones. A filter takes
   * the text as it is: `o.DocumentDate.ge("2026-01-31")`.
   *
   * @category schemas
   * @since 0.2.0
   */
  DateFromString as Date
}

/**
 * An `Edm.TimeOfDay` as the text `08:30:00`. A filter takes the text as it is: `o.StartTime.ge("08:30:00")`.
 *
 * @category schemas
 * @since 0.2.0
 */
export const TimeOfDay: Schema.Schema<string> = lazySchema(() =>
  Schema.String.pipe(
    Schema.filter(isTimeOfDay, {
      identifier: "TimeOfDay",
      message: () => "Expected a time of day such as 08:30:00",
      [LiteralId]: "timeOfDay"
    })
  )
)

/**
 * A sum of money. `Currency` is the currency sign, up to four characters.
 *
 * @category models
 * @since 0.1.0
 */
export interface Amount<Value = BigDecimal.BigDecimal> {
  readonly Value: Value
  readonly Currency: string
}

/**
 * `Erp.Amount` with every digit of `Value`. A set that holds one is parsed by the exact JSON reader where a page needs
 * it. Filter it by `Filter.ge("CreditLimit", value)`, which ERP.net sees as `CreditLimitValue`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Amount: Schema.Schema<Amount, Amount<DecimalEncoded>> = lazySchema(() =>
  Schema.Struct({
    Value: Decimal,
    Currency: Schema.String
  }).annotations({ identifier: "Amount", [AmountId]: true })
)

/**
 * `Erp.Amount` with `Value` as a JavaScript number: faster, exact up to 15 digits.
 *
 * @category schemas
 * @since 0.1.0
 */
export const AmountNumber: Schema.Schema<Amount<number>, Amount<DecimalEncoded>> = lazySchema(() =>
  Schema.Struct({
    Value: DecimalNumber,
    Currency: Schema.String
  }).annotations({ identifier: "AmountNumber", [AmountId]: true })
)

/**
 * A measured quantity. `Unit` is the code of the measurement unit.
 *
 * @category models
 * @since 0.1.0
 */
export interface Quantity<Value = BigDecimal.BigDecimal> {
  readonly Value: Value
  readonly Unit: string
}

/**
 * `Erp.Quantity` with every digit of `Value`; see {@link Amount}.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Quantity: Schema.Schema<Quantity, Quantity<DecimalEncoded>> = lazySchema(() =>
  Schema.Struct({
    Value: Decimal,
    Unit: Schema.String
  }).annotations({ identifier: "Quantity", [AmountId]: true })
)

/**
 * `Erp.Quantity` with `Value` as a JavaScript number: faster, exact up to 15 digits.
 *
 * @category schemas
 * @since 0.1.0
 */
export const QuantityNumber: Schema.Schema<Quantity<number>, Quantity<DecimalEncoded>> = lazySchema(() =>
  Schema.Struct({
    Value: DecimalNumber,
    Unit: Schema.String
  }).annotations({ identifier: "QuantityNumber", [AmountId]: true })
)

/**
 * The translations of one text, keyed by upper-case language code: `{ EN: "Apple", BG: "Ябълка" }`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MultilanguageString {
  readonly [language: string]: string
}

/**
 * `Erp.MultilanguageString`. Language codes are read in any case and written in upper case; languages that this
 * library does not know are kept, languages without a text are left out.
 *
 * ERP.net treats all translations as one value: an update replaces every language, so read, change, then write.
 *
 * @category schemas
 * @since 0.1.0
 */
export const MultilanguageString: Schema.Schema<
  MultilanguageString,
  { readonly [language: string]: string | null | undefined }
> = Schema.transform(
  Schema.Record({ key: Schema.String, value: Schema.NullishOr(Schema.String) }),
  Schema.Record({ key: Schema.String, value: Schema.String }),
  {
    strict: true,
    decode: (texts) => withUpperCaseKeys(texts),
    encode: (texts) => withUpperCaseKeys(texts)
  }
).annotations({ identifier: "MultilanguageString" })

const withUpperCaseKeys = (texts: { readonly [language: string]: string | null | undefined }): MultilanguageString => {
  const result = new Map<string, string>()
  for (const [language, text] of Object.entries(texts)) {
    const key = language.toUpperCase()
    // The spelling of the wire wins over another one of the same language.
    if (typeof text === "string" && !language.startsWith("@") && (language === key || !result.has(key))) {
      result.set(key, text)
    }
  }
  return Object.fromEntries(result)
}

/**
 * The text in a language (any case), else in English, else in the first language there is; `undefined` when there is
 * no text at all.
 *
 * @category combinators
 * @since 0.1.0
 */
export const getText = (texts: MultilanguageString | null | undefined, language: string): string | undefined =>
  texts === null || texts === undefined
    ? undefined
    : (texts[language.toUpperCase()] ?? texts["EN"] ?? Object.values(texts)[0])

/**
 * The value of a custom property.
 *
 * @category models
 * @since 0.1.0
 */
export interface CustomPropertyValue {
  readonly Value: string | null
  readonly ValueId?: string | null | undefined
  readonly Description?: MultilanguageString | null | undefined
}

/**
 * `Erp.Systems_Bpm_CustomPropertyValue`, the type of the `CustomProperty_...` members. `ValueId` and `Description` are
 * present when the value comes from a list of allowed values.
 *
 * @category schemas
 * @since 0.1.0
 */
export const CustomPropertyValue: Schema.Schema<
  CustomPropertyValue,
  {
    readonly Value: string | null
    readonly ValueId?: string | null | undefined
    readonly Description?: Schema.Schema.Encoded<typeof MultilanguageString> | null | undefined
  }
> = Schema.Struct({
  Value: Schema.NullOr(Schema.String),
  ValueId: Schema.optional(Schema.NullOr(Schema.UUID)),
  Description: Schema.optional(Schema.NullOr(MultilanguageString))
}).annotations({ identifier: "CustomPropertyValue" })

const customPropertyPrefix = "CustomProperty_"

/**
 * The property name of a custom property: `color.name` is `CustomProperty_color_u002Ename`. ERP.net keeps Latin
 * letters, digits and `_`; any other character becomes `_u` and the upper-case hex of its UTF-8 bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const customPropertyName = (code: string): string =>
  customPropertyPrefix +
  code.replace(
    /[^A-Za-z0-9_]/gu,
    (character) =>
      `_u${[...new TextEncoder().encode(character)]
        .map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"))
        .join("")
        .padStart(4, "0")}`
  )

// Four digits for one byte (00xx) or two (C2-DF lead), six for three bytes, eight for four: the lead byte tells.
const escapePattern = /_u(00[0-7][0-9A-F]|[CD][0-9A-F]{3}|E[0-9A-F]{5}|F[0-9A-F]{7})/g

/**
 * The code behind a custom property name; none for other names. A code that itself contains something like `_u0020`
 * cannot be told from an escape, and is read as one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const customPropertyCode = (name: string): Option.Option<string> =>
  name.startsWith(customPropertyPrefix)
    ? Option.some(
        name.slice(customPropertyPrefix.length).replace(escapePattern, (escape, hex: string) => {
          const bytes = (hex.startsWith("00") ? hex.slice(2) : hex).match(/../g) ?? []
          const text = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)))
          return text.includes("\uFFFD") ? escape : text
        })
      )
    : Option.none()

/**
 * The name of a member of an enum that the program does not list: one that a newer server sent, or one that is given by
 * {@link enumMember}.
 *
 * @category models
 * @since 0.2.0
 */
export type EnumMember = string & Brand.Brand<"effect-erpnet/EnumMember">

/**
 * Names a member that {@link Enum} does not list, to write it or to filter by it.
 *
 * @category constructors
 * @since 0.2.0
 */
export const enumMember: (name: string) => EnumMember = Brand.nominal<EnumMember>()

/**
 * An enum of ERP.net, read and written by the names of its members. It is open when it is read: a member that a newer
 * server adds is read as its name and does not fail. It is closed when it is written or filtered: a name that is not
 * listed does not compile, unless {@link enumMember} says that it is meant. Where reading should fail, use
 * `Schema.Literal`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Enum = <const Members extends ReadonlyArray<string>>(
  ...members: Members
): Schema.Schema<Members[number] | EnumMember> =>
  Schema.declare((value): value is Members[number] | EnumMember => typeof value === "string", {
    identifier: "Enum",
    description: `one of ${members.join(", ")}, or another name`
  })

/**
 * The old name of `EntityId.TypeId`.
 *
 * @deprecated Use `EntityId.TypeId`.
 * @category type IDs
 * @since 0.1.0
 */
export const EntityIdTypeId: typeof EntityIdModule.TypeId = EntityIdModule.TypeId

/**
 * The old name of `EntityId.EntityId`.
 *
 * @deprecated Use `EntityId.EntityId`.
 * @category models
 * @since 0.1.0
 */
export type EntityId = EntityIdModule.EntityId

/**
 * The old name of `EntityId.is`.
 *
 * @deprecated Use `EntityId.is`.
 * @category guards
 * @since 0.1.0
 */
export const isEntityId: (value: unknown) => value is EntityIdModule.EntityId = EntityIdModule.is

/**
 * The old name of `EntityId.make`.
 *
 * @deprecated Use `EntityId.make`.
 * @category constructors
 * @since 0.1.0
 */
export const makeEntityId: (entitySet: string, id: string) => Option.Option<EntityIdModule.EntityId> =
  EntityIdModule.make

/**
 * The old name of `EntityId.parse`.
 *
 * @deprecated Use `EntityId.parse`.
 * @category constructors
 * @since 0.1.0
 */
export const parseEntityId: (text: string) => Option.Option<EntityIdModule.EntityId> = EntityIdModule.parse

/**
 * The old name of `EntityId.format`.
 *
 * @deprecated Use `EntityId.format`.
 * @category combinators
 * @since 0.1.0
 */
export const formatEntityId: (id: EntityIdModule.EntityId) => string = EntityIdModule.format

/**
 * The old name of `EntityId.Schema`.
 *
 * @deprecated Use `EntityId.Schema`.
 * @category schemas
 * @since 0.1.0
 */
export const EntityId: Schema.Schema<EntityIdModule.EntityId, string> = EntityIdModule.Schema

/**
 * A reference that is read and written as a link, `{"@odata.id": "Set(guid)"}`. A reference that may be empty is
 * `Schema.NullOr(ComplexType.Reference)`; to read the referenced entity itself use `EntitySet.expand`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Reference: Schema.Schema<EntityIdModule.EntityId, { readonly "@odata.id": string }> = lazySchema(() =>
  Schema.transform(Schema.Struct({ "@odata.id": EntityIdModule.Schema }), EntityIdModule.FromSelf, {
    strict: true,
    decode: (link) => link["@odata.id"],
    encode: (id) => ({ "@odata.id": id })
  }).annotations({ identifier: "Reference" })
)
