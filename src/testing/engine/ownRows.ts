/**
 * Rows that a test brings along, in the form in which the Domain API shows them.
 */
import { isLosslessNumber, LosslessNumber } from "lossless-json"
import type { Random } from "../data/random.ts"
import type { Row, Store, Value, Values } from "../data/store.ts"
import { readGuid } from "../model/guid.ts"
import type { Attribute, EntityModel } from "../model/model.ts"
import { isObject, type Json } from "../odata/body.ts"
import { readBodyValue } from "./convert.ts"

/**
 * A row as the Domain API shows it.
 *
 * @category models
 * @since 0.2.0
 */
export type RowJson = Readonly<Record<string, unknown>>

/** JavaScript's numbers, and decimals that print themselves, as the engine reads numbers. */
const toJson = (value: unknown): Json => {
  if (value === null || value === undefined) return null
  if (typeof value === "string" || typeof value === "boolean") return value
  if (typeof value === "number") {
    if (Number.isNaN(value)) return "NaN"
    return Number.isFinite(value) ? new LosslessNumber(String(value)) : value > 0 ? "INF" : "-INF"
  }
  if (typeof value === "bigint") return new LosslessNumber(String(value))
  if (isLosslessNumber(value)) return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toJson(part)]))
  }
  return null
}

const measurePart = { amount: "Currency", quantity: "Unit" } as const

const readValue = (store: Store, attribute: Attribute, json: Json): Value => {
  const { kind } = attribute
  if (json === null || (kind !== "amount" && kind !== "quantity")) return readBodyValue(store, attribute, json)
  const part = measurePart[kind]
  const code = isObject(json) ? (json[part] ?? null) : undefined
  if (!isObject(json) || (typeof code !== "string" && code !== null)) {
    throw new Error(`'${attribute.name}' has to be an object with Value and ${part}`)
  }
  const value = readBodyValue(store, { ...attribute, kind: "decimal" }, json["Value"] ?? null)
  return { Value: typeof value === "string" ? value : null, [part]: code }
}

const idIn = (text: string): string | undefined => readGuid(/\(([^()]*)\)$/.exec(text)?.[1] ?? text)

const readLink = (name: string, json: Json): string | null => {
  if (json === null) return null
  const text = isObject(json) ? (json["@odata.id"] ?? json["Id"]) : json
  const id = typeof text === "string" ? idIn(text) : undefined
  if (id === undefined) throw new Error(`the reference '${name}' has to be an id, an object with '@odata.id', or null`)
  return id
}

/** Reads the members of a row; child collections are handed to `child`. */
const readMembers = (
  store: Store,
  entity: EntityModel,
  json: RowJson,
  child: (via: string, set: string, rows: ReadonlyArray<unknown>) => void
): Values => {
  const values: Record<string, Value> = {}
  for (const [name, given] of Object.entries(json)) {
    if (name.includes("@") || entity.keys.has(name)) continue
    const attribute = entity.attributes.get(name)
    const children = entity.children.get(name)
    if (attribute !== undefined) {
      if (!attribute.calculated) values[name] = readValue(store, attribute, toJson(given))
    } else if (entity.references.has(name)) values[name] = readLink(name, toJson(given))
    else if (children !== undefined && Array.isArray(given)) child(children.via, children.target, given)
    else throw new Error(`there is no member '${name}'`)
  }
  return values
}

const isRowJson = (value: unknown): value is RowJson => typeof value === "object" && value !== null

/**
 * The id that a row names, by `Id` or `@odata.id`.
 *
 * @category combinators
 * @since 0.2.0
 */
export const rowId = (json: RowJson): string | undefined => {
  const text = json["Id"] ?? json["@odata.id"]
  return typeof text === "string" ? idIn(text) : undefined
}

/**
 * Reads rows of a set, with the rows of their child collections.
 *
 * @category constructors
 * @since 0.2.0
 */
export const readRows = (
  store: Store,
  random: Random,
  set: string,
  rows: ReadonlyArray<unknown>,
  more: Values = {}
): ReadonlyArray<Row> => {
  const entity = store.model.entities.get(set)
  if (entity === undefined) throw new Error(`Rows of ${set}: the model has no entity set of this name.`)
  if (entity.abstract) throw new Error(`Rows of ${set}: its type is abstract. Give the rows to a set derived from it.`)
  return rows.flatMap((json, index) => {
    try {
      if (!isRowJson(json)) throw new Error("a row has to be an object")
      const id = rowId(json) ?? random.guid()
      const children: Array<Row> = []
      const values = readMembers(store, entity, json, (via, target, inner) => {
        children.push(...readRows(store, random, target, inner, { [via]: id }))
      })
      return [{ id, set, values: { ...values, ...more } }, ...children]
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault)
      if (reason.startsWith("Rows of ")) throw fault
      throw new Error(`Rows of ${set}: row ${index}: ${reason}`)
    }
  })
}
