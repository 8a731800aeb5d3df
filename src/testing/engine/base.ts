/**
 * What instances begin with: the model, and rows that are invented once for all instances of the same options.
 */
import * as Either from "effect/Either"
import { inventTables } from "../data/invent.ts"
import { makeRandom } from "../data/random.ts"
import { fillStore, unfilledSets } from "../data/seed.ts"
import { makeStore, type Store, type Tables } from "../data/store.ts"
import type { Model } from "../model/model.ts"
import { readModelJson } from "../model/modelJson.ts"
import { model as demo } from "../model/sets.ts"
import { standardModel, withSeeded } from "../model/standard.ts"
import type { DomainOptions } from "../model/types.ts"
import { readRows } from "./ownRows.ts"

/**
 * A model and its first rows. They are shared: a store on top of them keeps its changes to itself.
 *
 * @category models
 * @since 0.2.0
 */
export interface Base {
  readonly model: Model
  readonly tables: Tables
}

/** The sets that the seed fills, even where it was told to make no row. */
const seeded = [...demo.entities.keys()].filter((set) => !unfilledSets.has(set))

/** The options that decide what a base is. */
interface Wanted {
  readonly seed: number
  readonly customers: number
  readonly products: number
  readonly salesOrders: number
  readonly rowsPerSet: number
  readonly model: NonNullable<DomainOptions["model"]>
  readonly rows: DomainOptions["rows"]
}

const wantedOf = (options: DomainOptions): Wanted => ({
  seed: options.seed ?? 1,
  customers: options.customers ?? 300,
  products: options.products ?? 150,
  salesOrders: options.salesOrders ?? 400,
  rowsPerSet: Math.max(0, Math.trunc(options.rowsPerSet ?? 20)),
  model: options.model ?? "standard",
  rows: options.rows
})

const isSame = (left: Wanted, right: Wanted): boolean =>
  left.seed === right.seed &&
  left.customers === right.customers &&
  left.products === right.products &&
  left.salesOrders === right.salesOrders &&
  left.rowsPerSet === right.rowsPerSet &&
  left.model === right.model &&
  left.rows === right.rows

/** Currencies and units are there in any model: amounts and quantities are of them. */
const measureSets = [
  "General_Currencies_Currencies",
  "General_Products_MeasurementCategories",
  "General_Products_MeasurementUnits"
]

const modelOf = (wanted: Wanted["model"]): Model => {
  if (wanted === "standard") return standardModel()
  if (wanted === "demo") return demo
  const read = Either.getOrThrowWith(
    readModelJson(wanted),
    (reason) => new Error(`The option model is not the JSON of currentmodel?details=true: ${reason}`)
  )
  return withSeeded(read, new Set(measureSets))
}

/** Rows of one's own take the place of those that the seed would have made. */
const putOwnRows = (store: Store, wanted: Wanted): ReadonlySet<string> => {
  const random = makeRandom(wanted.seed, "own rows")
  const given = Object.entries(wanted.rows ?? {})
  const rows = given.flatMap(([set, items]) => readRows(store, random, set, items))
  const sets = new Set([...given.map(([set]) => set), ...rows.map((row) => row.set)])
  for (const set of sets) for (const id of [...store.tables.table(set).rows.keys()]) store.remove(set, id)
  for (const row of rows) store.insert(row)
  return sets
}

/** The seed knows the sets of the demo. An instance of another shape has only currencies and units of it. */
const seededStore = (model: Model, wanted: Wanted): Store => {
  const store = makeStore(model)
  if (wanted.model === "standard" || wanted.model === "demo") {
    fillStore(store, wanted)
    return store
  }
  const whole = makeStore(demo)
  fillStore(whole, { ...wanted, customers: 0, products: 0, salesOrders: 0 })
  for (const set of measureSets) for (const row of whole.tables.table(set).rows.values()) store.insert(row)
  return store
}

const makeBase = (wanted: Wanted): Base => {
  const model = modelOf(wanted.model)
  const store = seededStore(model, wanted)
  const own = putOwnRows(store, wanted)
  const tables =
    wanted.model === "demo"
      ? { ...store.tables, mayHold: () => true, isNumbered: () => true }
      : inventTables(
          model,
          store,
          { seed: wanted.seed, rows: wanted.rowsPerSet },
          new Set([...(wanted.model === "standard" ? seeded : []), ...own])
        )
  return { model, tables }
}

/** The newest first. Large ones are not kept: they may never be needed again. */
let kept: ReadonlyArray<{ readonly wanted: Wanted; readonly base: Base }> = []
const mostKept = 8
const mostRows = 20_000

const sizeOf = ({ customers, products, rows, rowsPerSet, salesOrders }: Wanted): number =>
  customers +
  products +
  4 * salesOrders +
  100 * rowsPerSet +
  Object.values(rows ?? {}).reduce((sum, items) => sum + items.length, 0)

/**
 * The base for these options, made anew only where it is not known.
 *
 * @category constructors
 * @since 0.2.0
 */
export const baseOf = (options: DomainOptions): Base => {
  const wanted = wantedOf(options)
  const known = kept.find((item) => isSame(item.wanted, wanted))
  const found = known ?? { wanted, base: makeBase(wanted) }
  if (known !== undefined || sizeOf(wanted) <= mostRows) {
    kept = [found, ...kept.filter((item) => item !== found)].slice(0, mostKept)
  }
  return found.base
}
