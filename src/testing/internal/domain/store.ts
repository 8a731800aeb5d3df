/**
 * The rows of the embedded instance, with the indexes that keep a page about as cheap as its rows.
 */
import { compareGuids } from "./guid.ts"
import { type EntityModel, entityOf, type Model } from "./model.ts"

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

interface Table {
  readonly rows: Map<string, Row>
  version: number
}

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
  /** The rows whose reference `via` points to a parent, by id. */
  readonly children: (entity: EntityModel, via: string, parent: string) => ReadonlyArray<Row>
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

const noRows: ReadonlyArray<Row> = []

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
 * Makes an empty store.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeStore = (model: Model): Store => {
  const tables = new Map<string, Table>()
  const sortedLists = new Map<string, Cached<ReadonlyArray<Row>>>()
  const orderedLists = new Map<string, Cached<ReadonlyArray<Row>> & { readonly key: string }>()
  const childLists = new Map<string, Cached<ReadonlyMap<string, ReadonlyArray<Row>>>>()

  const table = (set: string): Table => {
    const existing = tables.get(set)
    if (existing !== undefined) return existing
    const created: Table = { rows: new Map(), version: 0 }
    tables.set(set, created)
    return created
  }

  const versions = (entity: EntityModel): string => entity.storedIn.map((set) => table(set).version).join()

  const sorted = (entity: EntityModel): ReadonlyArray<Row> => {
    const current = versions(entity)
    const known = sortedLists.get(entity.set)
    if (known?.versions === current) return known.value
    const value = sortRows(entity.storedIn.flatMap((set) => [...table(set).rows.values()]))
    sortedLists.set(entity.set, { versions: current, value })
    return value
  }

  const put = (row: Row): void => {
    const target = table(row.set)
    target.rows.set(row.id, row)
    target.version++
  }

  const find = (entity: EntityModel, id: string): Row | undefined => {
    for (const set of entity.storedIn) {
      const row = table(set).rows.get(id)
      if (row !== undefined) return row
    }
    return undefined
  }

  return {
    model,
    insert: put,
    remove: (set, id) => {
      const row = find(entityOf(model, set), id)
      if (row === undefined) return false
      const target = table(row.set)
      target.version++
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
    children: (entity, via, parent) => {
      const current = versions(entity)
      const name = `${entity.set}/${via}`
      const known = childLists.get(name)
      if (known?.versions === current) return known.value.get(parent) ?? noRows
      const value = new Map<string, Array<Row>>()
      for (const row of sorted(entity)) {
        const owner = row.values[via]
        if (typeof owner !== "string") continue
        const siblings = value.get(owner)
        if (siblings === undefined) value.set(owner, [row])
        else siblings.push(row)
      }
      childLists.set(name, { versions: current, value })
      return value.get(parent) ?? noRows
    }
  }
}
