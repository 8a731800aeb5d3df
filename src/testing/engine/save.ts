/**
 * Saving: the checks that belong to it, and the marks that every change leaves on its aggregate.
 */
import type { ExpectedVersion, Writing } from "../data/context.ts"
import { allChanges, type Change } from "../data/overlay.ts"
import { type Row, type Store, stored } from "../data/store.ts"
import { memberValue, partOf, referenced } from "../data/values.ts"
import { duplicate, notSaved, Refusal, refused } from "../model/errors.ts"
import { type Attribute, type EntityModel, entityOf, isA, type Model } from "../model/model.ts"
import { measureCode, measureRow } from "./convert.ts"

const ownerOf = (store: Store, row: Row): Row | undefined => {
  const entity = entityOf(store.model, row.set)
  for (const reference of entity.references.values()) {
    if (reference.owner) return referenced(store, entity, row, reference.name)
  }
  return undefined
}

/**
 * The root of the aggregate that a row belongs to; the row itself when it has no owner.
 *
 * @category combinators
 * @since 0.1.0
 */
export const rootOf = (store: Store, row: Row): Row => {
  const owner = ownerOf(store, row)
  return owner === undefined ? row : rootOf(store, owner)
}

const stateOf = (model: Model, row: Row): number => {
  const attribute = entityOf(model, row.set).attributes.get("State")
  return (attribute && memberValue(model, attribute, String(stored(row, "State")))) ?? 0
}

/**
 * Whether a document cannot be changed any more: it is released, or void.
 *
 * @category guards
 * @since 0.1.0
 */
export const isReadOnly = (model: Model, row: Row): boolean =>
  isA(entityOf(model, row.set), "General_Documents_Documents") &&
  (stateOf(model, row) >= 30 || stored(row, "Void") === true)

/**
 * Refuses changes of documents that were released before.
 *
 * @category guards
 * @since 0.1.0
 */
export const checkReadOnly = (context: Writing): void => {
  const { below, model } = context.store
  for (const { row } of allChanges(context.store.changes)) {
    // the owner of a deleted row may be deleted as well
    const owners = [rootOf(context.store, row), rootOf(below, row)]
    for (const owner of owners) {
      const before = below.find(entityOf(model, owner.set), owner.id)
      if (before === undefined || context.exempt.has(before.id) || !isReadOnly(model, before)) continue
      throw refused(
        `The document '${String(stored(before, "DocumentNo"))}' is ${
          stored(before, "Void") === true ? "void" : "released"
        } and cannot be modified.`
      )
    }
  }
}

const valuePresent = (row: Row, name: string): boolean => {
  const value = stored(row, name)
  return value !== null && value !== ""
}

const checkRequired = (entity: EntityModel, change: Change): void => {
  const concerns = (name: string): boolean =>
    change.kind === "insert" || (change.kind === "update" && name in change.values)
  const missing = (kind: string, name: string): void => {
    if (!concerns(name) || valuePresent(change.row, name)) return
    throw notSaved(`The ${kind} '${name}' of 'Erp.${entity.type}' is required and has no value.`)
  }
  for (const { calculated, name, required } of entity.attributes.values()) {
    if (required && !calculated && !entity.keys.has(name)) missing("attribute", name)
  }
  for (const { name, readOnly, required } of entity.references.values()) {
    if (required && readOnly !== true) missing("reference", name)
  }
}

/** Amounts of a line are in the currency of its document, and so on. */
const checkMeasures = (store: Store, entity: EntityModel, row: Row): void => {
  for (const attribute of entity.attributes.values()) {
    const { kind, name } = attribute
    if (kind !== "amount" && kind !== "quantity") continue
    const code = partOf(stored(row, name), kind === "amount" ? "Currency" : "Unit")
    const measure = measureRow(store, row, attribute)
    if (typeof code !== "string" || measure === undefined) continue
    const effective = measureCode(kind, measure)
    if (code.toLowerCase() !== effective.toLowerCase()) throw measureMismatch(attribute, code, effective)
  }
}

/**
 * The refusal of a currency or unit other than the effective one (assumed: nobody documents the text).
 *
 * @category errors
 * @since 0.1.0
 */
export const measureMismatch = (attribute: Attribute, code: string, effective: string): Refusal =>
  refused(
    `The ${attribute.kind === "amount" ? "currency" : "unit"} '${code}' of the attribute '${attribute.name}' is not the effective one, which is '${effective}'.`
  )

const checkUnique = (store: Store, entity: EntityModel, row: Row): void => {
  for (const { name, unique } of entity.attributes.values()) {
    const value = stored(row, name)
    if (!unique || typeof value !== "string") continue
    if (store.where(entity, name, value).length > 1) throw duplicate(entity.table, `IX_${entity.table}_${name}`, value)
  }
}

const validation = (id: string, name: string, text: string): Refusal =>
  notSaved(`The validation ${id}: ${name} failed for event Commit: ${text} (Constraint ${id})`)

const checkRules = (store: Store, entity: EntityModel, row: Row): void => {
  if (row.set === "Crm_Sales_Customers") {
    const from = stored(row, "FromDate")
    const thru = stored(row, "ThruDate")
    if (typeof from === "number" && typeof thru === "number" && from > thru) {
      throw validation("R27159", "FromDateLessThanThruDate", "FromDate has to be before ThruDate.")
    }
  }
  if (row.set === "General_Products_Products") {
    const own = stored(row, "EnterpriseCompany")
    const group = referenced(store, entity, row, "ProductGroup")
    const theirs = group && stored(group, "EnterpriseCompany")
    if (own !== null && theirs !== null && theirs !== undefined && own !== theirs) {
      throw validation(
        "R17342",
        "EnterpriseCompanyOfProductGroup",
        "The enterprise company of the product is not that of its group."
      )
    }
  }
}

/**
 * Checks everything that has to hold when data is saved: required values, currencies and units, duplicates, and the
 * validation rules.
 *
 * @category guards
 * @since 0.1.0
 */
export const validate = (context: Writing): void => {
  const { store } = context
  for (const change of allChanges(store.changes)) {
    if (change.kind === "delete") continue
    const entity = entityOf(store.model, change.row.set)
    checkRequired(entity, change)
    checkMeasures(store, entity, change.row)
    checkUnique(store, entity, change.row)
    checkRules(store, entity, change.row)
  }
}

const updateMarks: ReadonlyArray<readonly [time: string, user: string]> = [
  ["UpdateTime", "UpdateUser"],
  ["PartyUpdateTime", "PartyUpdateUser"]
]

/**
 * Writes down who changed the changed rows, and when.
 *
 * @category combinators
 * @since 0.1.0
 */
export const markUpdated = (context: Writing): void => {
  const { now, store, user } = context
  for (const { kind, row } of allChanges(store.changes)) {
    if (kind === "delete") continue
    const { attributes } = entityOf(store.model, row.set)
    for (const [time, login] of updateMarks) {
      if (attributes.has(time)) store.update(row.set, row.id, { [time]: now, [login]: user })
    }
  }
}

/**
 * Moves `ObjectVersion` and `AggregateLastUpdateTimeUtc` of every aggregate with a change in it, once.
 *
 * @category combinators
 * @since 0.1.0
 */
export const moveVersions = (context: Pick<Writing, "now" | "store">): void => {
  const { now, store } = context
  const roots = new Map(
    allChanges(store.changes).map(({ kind, row }) => {
      const root = rootOf(kind === "delete" ? store.below : store, row)
      return [root.id, root]
    })
  )
  for (const { id, set } of roots.values()) {
    const entity = entityOf(store.model, set)
    const root = store.find(entity, id)
    if (root === undefined || !entity.root) continue
    // a transaction may have read the root before somebody else changed it
    const before = store.below.find(entity, id)
    const version = before === undefined ? null : stored(before, "ObjectVersion")
    store.update(set, id, {
      ObjectVersion: (typeof version === "number" ? version : 0) + 1,
      AggregateLastUpdateTimeUtc: now
    })
  }
}

/**
 * Refuses when an object has another version than the client read (the text is assumed: nobody documents it).
 *
 * @category guards
 * @since 0.1.0
 */
export const checkVersion = (context: Pick<Writing, "settings">, store: Store, expected: ExpectedVersion): void => {
  const row = store.find(entityOf(store.model, expected.set), expected.id)
  const version = row === undefined ? "none" : String(stored(rootOf(store, row), "ObjectVersion") ?? 0)
  if (version === expected.version) return
  throw new Refusal(
    "System.Data.DBConcurrencyException",
    `The object '${expected.set}(${expected.id})' was changed by another user: its ObjectVersion is ${version}, the request has ${expected.version}.`,
    context.settings.objectVersionConflict
  )
}
