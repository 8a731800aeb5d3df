/**
 * The rows of the embedded instance, with the indexes that keep a page about as cheap as its rows.
 */
import { compareGuids } from "../model/guid.ts"
import { type EntityModel, entityOf, type Model } from "../model/model.ts"

/**
 * The value of a complex attribute, by the names of its parts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Complex {
  readonly [part: string]: string | null | Complex
}

/**
 * The value of an attribute: decimals and 64-bit integers are decimal text, dates epoch milliseconds, enums the member
 * name; a reference is the id of the row it points to.
 *
 * @category models
 * @since 0.1.0
 */
export type Value = string | number | boolean | null | Complex

/**
 * What a row holds; a missing name is null.
 *
 * @category models
 * @since 0.1.0
 */
export type Values = Readonly<Record<string, Value | undefined>>

/**
 * One row of a set that holds rows itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  readonly id: string
  readonly set: string
  readonly values: Values
}

class LazyRow implements Row {
  readonly id: string
  readonly set: string
  readonly #make: () => Values
  #values: Values | undefined

  constructor(id: string, set: string, make: () => Values) {
    this.id = id
    this.set = set
    this.#make = make
  }

  get values(): Values {
    this.#values ??= this.#make()
    return this.#values
  }
}

/**
 * A row whose values are made when they are first read.
 *
 * @category constructors
 * @since 0.1.0
 */
export const lazyRow = (id: string, set: string, make: () => Values): Row => new LazyRow(id, set, make)

/**
 * The stored value under a name; null when there is none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const stored = (row: Row, name: string): Value => row.values[name] ?? null

/**
 * The rows of one set.
 *
 * @category models
 * @since 0.2.0
 */
export interface Table {
  readonly rows: Map<string, Row>
  version: number
  /** The rows by id when they were last asked for, and the ids that changed since. */
  sorted: ReadonlyArray<Row>
  readonly stale: Set<string>
  /** By the name of a value, the ids of the rows that have each text; made when first asked for. */
  readonly indexes: Map<string, Map<string, Set<string>>>
  /** By the name of a value and a prefix, the highest number after the prefix; made when first asked for. */
  readonly highest: Map<string, Highest>
}

interface Highest {
  readonly name: string
  readonly prefix: string
  readonly number: number
}

/**
 * Tables that several stores read. They are never changed: a store that writes takes a copy of the table first.
 *
 * @category models
 * @since 0.2.0
 */
export interface Tables {
  readonly table: (set: string) => Table
  /** Whether a row with this id may be in the set; false spares making the table. */
  readonly mayHold: (set: string, id: string) => boolean
  /** Whether numbers in the set count when the next number is sought. */
  readonly isNumbered: (set: string) => boolean
}

/**
 * A table with these rows.
 *
 * @category constructors
 * @since 0.2.0
 */
export const makeTable = (rows: Iterable<Row> = []): Table => {
  const made = new Map<string, Row>()
  for (const row of rows) made.set(row.id, row)
  return {
    rows: made,
    version: 0,
    sorted: [],
    stale: new Set(made.keys()),
    indexes: new Map(),
    highest: new Map()
  }
}

/** What is known of the rows is known of their copy too, but for the indexes, which are made anew. */
const copyTable = (table: Table): Table => ({
  rows: new Map(table.rows),
  version: table.version,
  sorted: table.sorted,
  stale: new Set(table.stale),
  indexes: new Map(),
  highest: new Map(table.highest)
})

/** A derived list together with the table versions it was made from. */
interface Cached<A> {
  readonly versions: string
  readonly value: A
}

/**
 * The tables of one instance. Rows are replaced, never changed, so a list once handed out stays as it was.
 *
 * @category models
 * @since 0.1.0
 */
export interface Store {
  readonly model: Model
  /** What is in the store now, for other stores to read once nothing is written here any more. */
  readonly tables: Tables
  readonly insert: (row: Row) => void
  readonly remove: (set: string, id: string) => boolean
  readonly update: (set: string, id: string, changes: Values) => boolean
  /** Finds a row in a set or, for a base set, in the sets derived from it. */
  readonly find: (entity: EntityModel, id: string) => Row | undefined
  readonly size: (entity: EntityModel) => number
  /** All rows by id, in SQL Server order. */
  readonly sorted: (entity: EntityModel) => ReadonlyArray<Row>
  /** All rows in another order; kept until the set changes. */
  readonly ordered: (entity: EntityModel, key: string, compare: (a: Row, b: Row) => number) => ReadonlyArray<Row>
  /** The rows that have this text, in any case, or this reference under a name, by id. */
  readonly where: (entity: EntityModel, name: string, text: string) => ReadonlyArray<Row>
  /** The highest of the numbers that stand after a prefix under a name; 0 when there is none. */
  readonly highest: (entity: EntityModel, name: string, prefix: string) => number
}

const sortRows = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const nodes = Float64Array.from(rows, (row) => Number.parseInt(row.id.slice(24), 16))
  const indexes = Uint32Array.from(rows, (_, index) => index)
  indexes.sort((a, b) => (nodes[a] ?? 0) - (nodes[b] ?? 0) || compareGuids(rows[a]?.id ?? "", rows[b]?.id ?? ""))
  const sorted: Array<Row> = []
  for (const index of indexes) {
    const row = rows[index]
    if (row !== undefined) sorted.push(row)
  }
  return sorted
}

/**
 * The position of the first row whose id is not before the given one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const lowerBound = (rows: ReadonlyArray<Row>, id: string): number => {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const row = rows[middle]
    if (row !== undefined && compareGuids(row.id, id) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Joins two lists that are in the order of their ids; the second one should be the shorter.
 *
 * @category combinators
 * @since 0.1.0
 */
export const mergeRows = (rows: ReadonlyArray<Row>, more: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  if (more.length === 0) return rows
  const merged: Array<Row> = []
  let from = 0
  for (const row of more) {
    const at = lowerBound(rows, row.id)
    for (const before of rows.slice(from, at)) merged.push(before)
    merged.push(row)
    from = at
  }
  for (const rest of rows.slice(from)) merged.push(rest)
  return merged
}

const sortTable = (table: Table): ReadonlyArray<Row> => {
  if (table.stale.size === 0) return table.sorted
  if (table.stale.size * 8 > table.rows.size) table.sorted = sortRows([...table.rows.values()])
  else {
    const changed = [...table.stale].flatMap((id) => table.rows.get(id) ?? [])
    table.sorted = mergeRows(
      table.sorted.filter((row) => !table.stale.has(row.id)),
      sortRows(changed)
    )
  }
  table.stale.clear()
  return table.sorted
}

const textKey = (row: Row, name: string): string | undefined => {
  const value = row.values[name]
  return typeof value === "string" ? value.toLowerCase() : undefined
}

const addToIndex = (index: Map<string, Set<string>>, name: string, row: Row): void => {
  const key = textKey(row, name)
  if (key === undefined) return
  const ids = index.get(key)
  if (ids === undefined) index.set(key, new Set([row.id]))
  else ids.add(row.id)
}

const indexOf = (table: Table, name: string): Map<string, Set<string>> => {
  const known = table.indexes.get(name)
  if (known !== undefined) return known
  const made = new Map<string, Set<string>>()
  for (const row of table.rows.values()) addToIndex(made, name, row)
  table.indexes.set(name, made)
  return made
}

const numberOf = (row: Row, { name, prefix }: Pick<Highest, "name" | "prefix">): number => {
  const text = row.values[name]
  if (typeof text !== "string" || !text.startsWith(prefix)) return 0
  const digits = text.slice(prefix.length)
  return /^\d{1,15}$/.test(digits) ? Number(digits) : 0
}

const highestOf = (table: Table, name: string, prefix: string): number => {
  const key = `${name} ${prefix}`
  const known = table.highest.get(key)
  if (known !== undefined) return known.number
  let number = 0
  for (const row of table.rows.values()) number = Math.max(number, numberOf(row, { name, prefix }))
  table.highest.set(key, { name, prefix, number })
  return number
}

const dropFromIndexes = (table: Table, id: string): void => {
  const row = table.rows.get(id)
  if (row === undefined) return
  for (const [name, index] of table.indexes) {
    const key = textKey(row, name)
    if (key !== undefined) index.get(key)?.delete(id)
  }
}

/** Follows a row that is replaced, added or deleted. */
const adjustHighest = (table: Table, before: Row | undefined, after: Row | undefined): void => {
  for (const [key, highest] of table.highest) {
    const [old, number] = [before, after].map((row) => (row === undefined ? 0 : numberOf(row, highest)))
    if (number !== undefined && number >= highest.number) table.highest.set(key, { ...highest, number })
    else if (old === highest.number) table.highest.delete(key)
  }
}

const nothing: Tables = { table: () => makeTable(), mayHold: () => false, isNumbered: () => false }

/**
 * Makes an empty store, or one that begins with the rows of others and keeps its changes to itself.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeStore = (model: Model, below: Tables = nothing): Store => {
  const tables = new Map<string, Table>()
  const sortedLists = new Map<string, Cached<ReadonlyArray<Row>>>()
  const orderedLists = new Map<string, Cached<ReadonlyArray<Row>> & { readonly key: string }>()
  const table = (set: string): Table => tables.get(set) ?? below.table(set)
  const ownTable = (set: string): Table => {
    const existing = tables.get(set)
    if (existing !== undefined) return existing
    const created = copyTable(below.table(set))
    tables.set(set, created)
    return created
  }
  const mayHold = (set: string, id: string): boolean => tables.has(set) || below.mayHold(set, id)
  const isNumbered = (set: string): boolean => tables.has(set) || below.isNumbered(set)

  const versions = (entity: EntityModel): string => entity.storedIn.map((set) => table(set).version).join()

  const sorted = (entity: EntityModel): ReadonlyArray<Row> => {
    const [only, ...more] = entity.storedIn
    if (only !== undefined && more.length === 0) return sortTable(table(only))
    const current = versions(entity)
    const known = sortedLists.get(entity.set)
    if (known?.versions === current) return known.value
    const value = entity.storedIn.map((set) => sortTable(table(set))).reduce(mergeRows, [])
    sortedLists.set(entity.set, { versions: current, value })
    return value
  }

  const touch = (target: Table, id: string): void => {
    dropFromIndexes(target, id)
    target.stale.add(id)
    target.version++
  }

  const put = (row: Row): void => {
    const target = ownTable(row.set)
    touch(target, row.id)
    adjustHighest(target, target.rows.get(row.id), row)
    target.rows.set(row.id, row)
    for (const [name, index] of target.indexes) addToIndex(index, name, row)
  }

  const find = (entity: EntityModel, id: string): Row | undefined => {
    for (const set of entity.storedIn) {
      const row = mayHold(set, id) ? table(set).rows.get(id) : undefined
      if (row !== undefined) return row
    }
    return undefined
  }

  return {
    model,
    tables: { table, mayHold, isNumbered },
    insert: put,
    remove: (set, id) => {
      const row = find(entityOf(model, set), id)
      if (row === undefined) return false
      const target = ownTable(row.set)
      touch(target, id)
      adjustHighest(target, row, undefined)
      return target.rows.delete(id)
    },
    update: (set, id, changes) => {
      const row = find(entityOf(model, set), id)
      if (row === undefined) return false
      put({ id: row.id, set: row.set, values: { ...row.values, ...changes } })
      return true
    },
    find,
    size: (entity) => entity.storedIn.reduce((sum, set) => sum + table(set).rows.size, 0),
    sorted,
    ordered: (entity, key, compare) => {
      const current = versions(entity)
      const known = orderedLists.get(entity.set)
      if (known?.versions === current && known.key === key) return known.value
      const value = [...sorted(entity)].sort(compare)
      orderedLists.set(entity.set, { versions: current, key, value })
      return value
    },
    where: (entity, name, text) => {
      const found = entity.storedIn.flatMap((set) => {
        const { rows } = table(set)
        const ids = indexOf(table(set), name).get(text.toLowerCase()) ?? []
        return [...ids].flatMap((id) => rows.get(id) ?? [])
      })
      return found.sort((a, b) => compareGuids(a.id, b.id))
    },
    highest: (entity, name, prefix) =>
      Math.max(0, ...entity.storedIn.filter(isNumbered).map((set) => highestOf(table(set), name, prefix)))
  }
}
