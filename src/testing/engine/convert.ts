/**
 * Values from request bodies, checked against the model.
 */

import { type Complex, type Row, type Store, stored, type Value } from "../data/store.ts"
import { referenced } from "../data/values.ts"
import { compareDecimals, roundDecimal } from "../model/decimal.ts"
import { type Refusal, refused } from "../model/errors.ts"
import { readGuid } from "../model/guid.ts"
import { type Attribute, entityOf } from "../model/model.ts"
import { isObject, type Json, numberText } from "../odata/body.ts"

const kindNames: Readonly<Record<Attribute["kind"], string>> = {
  string: "Edm.String",
  int: "Edm.Int32",
  short: "Edm.Int16",
  byte: "Edm.Byte",
  double: "Edm.Double",
  time: "Edm.TimeOfDay",
  int64: "Edm.Int64",
  boolean: "Edm.Boolean",
  date: "Edm.DateTimeOffset",
  dateTime: "Edm.DateTimeOffset",
  guid: "Edm.Guid",
  decimal: "Edm.Decimal",
  amount: "Erp.Amount",
  quantity: "Erp.Quantity",
  multilanguage: "Erp.MultilanguageString",
  binary: "Edm.Binary",
  custom: "Erp.Systems_Bpm_CustomPropertyValue",
  enum: "enum"
}

const wrongType = (attribute: Attribute): Refusal =>
  refused(
    `Cannot convert the value of the attribute '${attribute.name}' to the type '${
      attribute.kind === "enum" ? `Erp.${attribute.enumName}` : kindNames[attribute.kind]
    }'.`
  )

const checkLength = (attribute: Attribute, text: string): string => {
  if (attribute.maxLength !== undefined && text.length > attribute.maxLength) {
    throw refused(
      `The value of the attribute '${attribute.name}' is too long: ${text.length} characters, at most ${attribute.maxLength} are allowed.`
    )
  }
  return text
}

const decimalPattern = /^-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,2})?$/

const digitsAfterPoint = (text: string): number => /\.(\d+)(?![\deE])/.exec(text)?.[1]?.length ?? 0

/** A decimal with the scale of the attribute; ERP.net shows decimals as numbers and as strings, and takes both. */
const readDecimal = (attribute: Attribute, value: Json | undefined): string => {
  const text = typeof value === "string" ? value : numberText(value)
  if (text === undefined || !decimalPattern.test(text)) throw wrongType(attribute)
  const { precision, scale } = attribute
  if (precision === undefined || scale === undefined) return roundDecimal(text, digitsAfterPoint(text))
  const rounded = roundDecimal(text, scale)
  const limit = `1${"0".repeat(precision - scale)}`
  if (compareDecimals(rounded.replace("-", ""), limit) >= 0) {
    throw refused(
      `The value of the attribute '${attribute.name}' has too many digits: at most ${precision} are allowed.`
    )
  }
  return rounded
}

const readInteger = (attribute: Attribute, value: Json, bits: 8 | 16 | 32 | 64): string => {
  const text = typeof value === "string" && bits === 64 ? value : numberText(value)
  if (text === undefined || !/^-?\d{1,20}$/.test(text)) throw wrongType(attribute)
  const number = BigInt(text)
  // Edm.Byte has no sign
  if ((bits === 8 ? BigInt.asUintN(8, number) : BigInt.asIntN(bits, number)) !== number) throw wrongType(attribute)
  return number.toString()
}

const timePattern = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?)(Z|[+-]\d{2}:\d{2})?|Z)?$/
const day = 86_400_000

const readTime = (attribute: Attribute, value: Json): number => {
  const [, date, time = "00:00:00", zone = "Z"] = (typeof value === "string" && timePattern.exec(value)) || []
  if (date === undefined) throw wrongType(attribute)
  const midnight = Date.parse(`${date}T00:00:00Z`)
  const parsed = Date.parse(`${date}T${time.replace(/(\.\d{3})\d+$/, "$1")}${zone}`)
  if (Number.isNaN(parsed) || Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date)) {
    throw wrongType(attribute)
  }
  return attribute.kind === "date" ? Math.floor(parsed / day) * day : parsed
}

const timeOfDayPattern = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,7})?)?$/

/** The three doubles that are no JSON numbers are texts. */
const readDouble = (attribute: Attribute, value: Json): number => {
  if (value === "NaN") return Number.NaN
  if (value === "INF") return Number.POSITIVE_INFINITY
  if (value === "-INF") return Number.NEGATIVE_INFINITY
  const number = Number(numberText(value) ?? "x")
  if (!Number.isFinite(number)) throw wrongType(attribute)
  return number
}

const readMultilanguage = (attribute: Attribute, value: Json): Complex => {
  if (!isObject(value)) throw wrongType(attribute)
  const texts: Record<string, string> = {}
  for (const [language, text] of Object.entries(value)) {
    if (language.startsWith("@")) continue
    if (!/^[a-z]{2}$/i.test(language) || (typeof text !== "string" && text !== null)) throw wrongType(attribute)
    // a language without text is one that is not there
    if (text !== null) texts[language.toUpperCase()] = checkLength(attribute, text)
  }
  return texts
}

const readCustom = (attribute: Attribute, value: Json): Complex => {
  if (!isObject(value)) throw wrongType(attribute)
  const text = value["Value"] ?? null
  const id = value["ValueId"] ?? null
  const description = value["Description"] ?? null
  const guid = typeof id === "string" ? readGuid(id) : undefined
  const plain = typeof text === "boolean" ? String(text) : (numberText(text) ?? text)
  if ((plain !== null && typeof plain !== "string") || (id !== null && guid === undefined)) throw wrongType(attribute)
  return {
    Value: plain,
    ValueId: guid ?? null,
    Description: description === null ? null : readMultilanguage(attribute, description)
  }
}

const readMember = (store: Store, attribute: Attribute, value: Json): string => {
  const members = store.model.enums.get(attribute.enumName ?? "")
  if (typeof value === "string" && members?.has(value) === true) return value
  throw refused(
    `The value '${typeof value === "string" ? value : (numberText(value) ?? typeof value)}' of the attribute '${attribute.name}' is not a member of 'Erp.${attribute.enumName}'.`
  )
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The part of an amount or quantity that names its currency or unit, and where these are found. */
const measures = {
  amount: { part: "Currency", set: "General_Currencies_Currencies", code: "CurrencySign" },
  quantity: { part: "Unit", set: "General_Products_MeasurementUnits", code: "Code" }
} as const

/**
 * The row of a currency or unit, by its code in any case.
 *
 * @category combinators
 * @since 0.1.0
 */
export const findMeasure = (store: Store, kind: "amount" | "quantity", code: string): Row | undefined =>
  store.where(entityOf(store.model, measures[kind].set), measures[kind].code, code)[0]

/**
 * The code of the row of a currency or unit.
 *
 * @category combinators
 * @since 0.1.0
 */
export const measureCode = (kind: "amount" | "quantity", row: Row): string => String(stored(row, measures[kind].code))

/**
 * An amount or quantity of this currency or unit.
 *
 * @category constructors
 * @since 0.1.0
 */
export const measured = (kind: "amount" | "quantity", value: string, code: string): Complex => ({
  Value: value,
  [measures[kind].part]: code
})

/**
 * An amount or quantity as sent: its decimal, and the row of its currency or unit when it names one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Measure {
  readonly kind: "amount" | "quantity"
  readonly value: string
  readonly row: Row | undefined
}

/**
 * Reads an amount or quantity.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readMeasure = (
  store: Store,
  attribute: Attribute,
  kind: "amount" | "quantity",
  value: Json
): Measure | null => {
  if (value === null) return null
  if (!isObject(value)) throw wrongType(attribute)
  const { part } = measures[kind]
  const code = value[part] ?? null
  if (code !== null && typeof code !== "string") throw wrongType(attribute)
  for (const name of Object.keys(value)) {
    if (name !== "Value" && name !== part && !name.startsWith("@")) throw wrongType(attribute)
  }
  const row = code === null ? undefined : findMeasure(store, kind, code)
  if (code !== null && row === undefined) {
    throw refused(`The ${part.toLowerCase()} '${code}' of the attribute '${attribute.name}' does not exist.`)
  }
  return { kind, value: readDecimal(attribute, value["Value"]), row }
}

/**
 * Reads the value of an attribute that is not an amount or quantity.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readBodyValue = (store: Store, attribute: Attribute, value: Json): Value => {
  if (value === null) return null
  switch (attribute.kind) {
    case "string":
      if (typeof value !== "string") throw wrongType(attribute)
      return checkLength(attribute, value)
    case "int":
      return Number(readInteger(attribute, value, 32))
    case "short":
      return Number(readInteger(attribute, value, 16))
    case "byte":
      return Number(readInteger(attribute, value, 8))
    case "double":
      return readDouble(attribute, value)
    case "time":
      if (typeof value !== "string" || !timeOfDayPattern.test(value)) throw wrongType(attribute)
      return value.length === 5 ? `${value}:00` : value
    case "int64":
      return readInteger(attribute, value, 64)
    case "boolean":
      if (typeof value !== "boolean") throw wrongType(attribute)
      return value
    case "date":
    case "dateTime":
      return readTime(attribute, value)
    case "guid": {
      const guid = typeof value === "string" ? readGuid(value) : undefined
      if (guid === undefined) throw wrongType(attribute)
      return guid
    }
    case "decimal":
      return readDecimal(attribute, value)
    case "multilanguage":
      return readMultilanguage(attribute, value)
    case "binary":
      if (typeof value !== "string" || !base64Pattern.test(value)) throw wrongType(attribute)
      return value
    case "custom":
      return readCustom(attribute, value)
    case "enum":
      return readMember(store, attribute, value)
    case "amount":
    case "quantity":
      throw wrongType(attribute)
  }
}

/**
 * The row that has the currency or unit of an amount or quantity.
 *
 * @category combinators
 * @since 0.1.0
 */
export const measureRow = (store: Store, row: Row, attribute: Attribute): Row | undefined =>
  attribute.by === undefined
    ? undefined
    : attribute.by
        .split(".")
        .reduce<Row | undefined>(
          (at, name) => (at === undefined ? undefined : referenced(store, entityOf(store.model, at.set), at, name)),
          row
        )
