/**
 * Values of rows: stored ones, calculated ones, and the texts made from them.
 */
import { addDecimals } from "../model/decimal.ts"
import { type Attribute, type EntityModel, entityOf, type Model } from "../model/model.ts"
import { type Complex, type Row, type Store, stored, type Value } from "./store.ts"

/**
 * Whether a value is a complex one.
 *
 * @category guards
 * @since 0.1.0
 */
export const isComplex = (value: Value): value is Complex => typeof value === "object" && value !== null

/**
 * One part of a complex value; null when there is no such part, or no complex value.
 *
 * @category combinators
 * @since 0.1.0
 */
export const partOf = (value: Value, part: string): string | Complex | null =>
  isComplex(value) ? (value[part] ?? null) : null

/**
 * The row that a reference points to.
 *
 * @category combinators
 * @since 0.1.0
 */
export const referenced = (store: Store, entity: EntityModel, row: Row, name: string): Row | undefined => {
  const reference = entity.references.get(name)
  const id = row.values[name]
  return reference === undefined || typeof id !== "string"
    ? undefined
    : store.find(entityOf(store.model, reference.target), id)
}

const linesTotal = (store: Store, row: Row): Value => {
  const lines = store.where(entityOf(store.model, "Crm_Sales_SalesOrderLines"), "SalesOrder", row.id)
  let total = "0.00"
  let currency: string | Complex | null = null
  for (const line of lines) {
    const amount = stored(line, "LineAmount")
    const value = partOf(amount, "Value")
    if (typeof value !== "string") continue
    total = addDecimals(total, value)
    currency = partOf(amount, "Currency")
  }
  return currency === null ? null : { Value: total, Currency: currency }
}

const voidTag = (row: Row): string => (stored(row, "Void") === true ? " (Void)" : "")

const calculations: Readonly<Record<string, (store: Store, row: Row) => Value>> = {
  AmountToPay: linesTotal,
  TotalLineAmount: linesTotal,
  StateTagsAttribute: (_, row) => voidTag(row),
  FullState: (_, row) => {
    const state = stored(row, "State")
    return typeof state === "string" ? `${state}${voidTag(row)}` : null
  },
  // Beyond 2^53 on purpose: a client that reads it as a double loses the last digit.
  CalculatedAttribute_LoyaltyNumber: (_, row) =>
    (9_007_199_254_740_993n + 2n * BigInt(Number.parseInt(String(stored(row, "Number")), 10) || 0)).toString()
}

/**
 * The value of an attribute of a row.
 *
 * @category combinators
 * @since 0.1.0
 */
export const readValue = (store: Store, entity: EntityModel, row: Row, attribute: Attribute): Value => {
  if (attribute.name === "DisplayText") return displayText(store, row)
  if (entity.keys.has(attribute.name)) return row.id
  if (attribute.calculated) return calculations[attribute.name]?.(store, row) ?? null
  return row.values[attribute.name] ?? null
}

/**
 * The value at a path with dots, such as `Party.PartyName`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const valueAt = (store: Store, row: Row, path: string): Value => {
  let current: Row = row
  const names = path.split(".")
  for (const [index, name] of names.entries()) {
    const entity = entityOf(store.model, current.set)
    if (index === names.length - 1) {
      const attribute = entity.attributes.get(name)
      return attribute === undefined ? null : readValue(store, entity, current, attribute)
    }
    const next = referenced(store, entity, current, name)
    if (next === undefined) return null
    current = next
  }
  return null
}

const english = (value: Value): string => {
  if (value === null) return ""
  if (!isComplex(value)) return String(value)
  const text = partOf(value, "EN") ?? Object.values(value)[0]
  return typeof text === "string" ? text : ""
}

/**
 * The display text of a row, in English.
 *
 * @category combinators
 * @since 0.1.0
 */
export const displayText = (store: Store, row: Row): string =>
  entityOf(store.model, row.set).display.replace(/\{([^}:]+)(?::T)?\}/g, (_, path: string) =>
    english(valueAt(store, row, path))
  )

/**
 * The texts in a value: those of all languages, or the value itself.
 *
 * @category combinators
 * @since 0.1.0
 */
export const allTexts = (value: Value): ReadonlyArray<string> =>
  value === null
    ? []
    : isComplex(value)
      ? Object.values(value).filter((part) => typeof part === "string")
      : [String(value)]

/**
 * Every text that a search for this row looks at: its search members in all languages, and its display text.
 *
 * @category combinators
 * @since 0.1.0
 */
export const searchTexts = (store: Store, row: Row): ReadonlyArray<string> => [
  ...entityOf(store.model, row.set).search.flatMap((path) => allTexts(valueAt(store, row, path))),
  displayText(store, row)
]

/**
 * The numeric value of an enum member.
 *
 * @category combinators
 * @since 0.1.0
 */
export const memberValue = (model: Model, attribute: Attribute, member: string): number | undefined =>
  model.enums.get(attribute.enumName ?? "")?.get(member)
