/**
 * Changes that only their author sees: a store on top of another one, which they reach when they are flushed.
 */
import { invalidOperation } from "../model/errors.ts"
import { compareGuids } from "../model/guid.ts"
import { type EntityModel, entityOf } from "../model/model.ts"
import { makeStore, mergeRows, type Row, type Store, type Value, type Values } from "./store.ts"
import { isComplex } from "./values.ts"

/**
 * What happened to one row. An update names the changed values alone; a deletion has the row as it was.
 *
 * @category models
 * @since 0.1.0
 */
export type Change =
  | { readonly kind: "insert"; readonly row: Row }
  | { readonly kind: "update"; readonly row: Row; readonly values: Values }
  | { readonly kind: "delete"; readonly row: Row }

/**
 * What happened to the rows of each set, by set and id.
 *
 * @category models
 * @since 0.1.0
 */
export type Changes = Map<string, Map<string, Change>>

const isEqual = (left: Value | undefined, right: Value | undefined): boolean => {
  const [a, b] = [left ?? null, right ?? null]
  if (!isComplex(a) || !isComplex(b)) return a === b
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isEqual(a[name] ?? null, b[name] ?? null))
  )
}

const changeOf = (changes: Changes, set: string, id: string): Change | undefined => changes.get(set)?.get(id)

const next = (before: Change | undefined, change: Change): Change | undefined => {
  if (change.kind === "delete") return before?.kind === "insert" ? undefined : change
  if (change.kind === "insert" || before === undefined || before.kind === "delete") return change
  return before.kind === "insert"
    ? { kind: "insert", row: change.row }
    : { kind: "update", row: change.row, values: { ...before.values, ...change.values } }
}

/**
 * Adds a change to those before it: an insert that is deleted again leaves nothing.
 *
 * @category combinators
 * @since 0.1.0
 */
export const record = (changes: Changes, change: Change): void => {
  const { id, set } = change.row
  const rows = changes.get(set) ?? new Map<string, Change>()
  const kept = next(rows.get(id), change)
  if (kept === undefined) rows.delete(id)
  else rows.set(id, kept)
  changes.set(set, rows)
}

/**
 * All changes, one after the other.
 *
 * @category combinators
 * @since 0.1.0
 */
export const allChanges = (changes: Changes): ReadonlyArray<Change> =>
  [...changes.values()].flatMap((rows) => [...rows.values()])

/**
 * A store whose changes are kept apart from the one below it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Overlay extends Store {
  readonly below: Store
  readonly changes: Changes
  /** Makes the changes below. Of a row changed on both sides, the values changed here win. */
  readonly flush: () => void
}

/**
 * Starts without a change.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeOverlay = (below: Store): Overlay => {
  const { model } = below
  const changes: Changes = new Map()
  const own = makeStore(model)

  const isUnchanged = (row: Row): boolean => changeOf(changes, row.set, row.id) === undefined
  const isTouched = (entity: EntityModel): boolean => entity.storedIn.some((set) => (changes.get(set)?.size ?? 0) > 0)

  const find = (entity: EntityModel, id: string): Row | undefined => {
    for (const set of entity.storedIn) {
      const change = changeOf(changes, set, id)
      const row = change === undefined ? below.find(entityOf(model, set), id) : change.row
      if (row !== undefined && change?.kind !== "delete") return row
    }
    return undefined
  }

  const sorted = (entity: EntityModel): ReadonlyArray<Row> =>
    isTouched(entity) ? mergeRows(below.sorted(entity).filter(isUnchanged), own.sorted(entity)) : below.sorted(entity)

  return {
    model,
    tables: own.tables,
    below,
    changes,
    insert: (row) => {
      record(changes, { kind: "insert", row })
      own.insert(row)
    },
    update: (set, id, values) => {
      const before = find(entityOf(model, set), id)
      if (before === undefined) return false
      const changed = Object.entries(values).filter(([name, value]) => !isEqual(before.values[name], value))
      if (changed.length === 0) return true
      const changedValues = Object.fromEntries(changed)
      const row = { id: before.id, set: before.set, values: { ...before.values, ...changedValues } }
      record(changes, { kind: "update", row, values: changedValues })
      own.insert(row)
      return true
    },
    remove: (set, id) => {
      const row = find(entityOf(model, set), id)
      if (row === undefined) return false
      record(changes, { kind: "delete", row })
      // a row of the same id may have been deleted and made again
      const hidden = below.find(entityOf(model, row.set), id)
      if (hidden !== undefined) record(changes, { kind: "delete", row: hidden })
      own.remove(row.set, id)
      return true
    },
    find,
    size: (entity) => sorted(entity).length,
    sorted,
    ordered: (entity, key, compare) =>
      isTouched(entity) ? [...sorted(entity)].sort(compare) : below.ordered(entity, key, compare),
    where: (entity, name, text) => {
      const found = below.where(entity, name, text)
      if (!isTouched(entity)) return found
      return [...found.filter(isUnchanged), ...own.where(entity, name, text)].sort((a, b) => compareGuids(a.id, b.id))
    },
    // a number freed in the overlay is not used again in it
    highest: (entity, name, prefix) => Math.max(below.highest(entity, name, prefix), own.highest(entity, name, prefix)),
    flush: () => {
      const all = allChanges(changes)
      for (const { kind, row } of all) {
        if (kind === "update" && below.find(entityOf(model, row.set), row.id) === undefined) {
          throw invalidOperation(`The object '${row.set}(${row.id})' was deleted by another user.`)
        }
      }
      for (const change of all) {
        const { id, set } = change.row
        if (change.kind === "insert") below.insert(change.row)
        else if (change.kind === "update") below.update(set, id, change.values)
        else below.remove(set, id)
      }
    }
  }
}
