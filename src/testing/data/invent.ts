/**
 * Rows of the sets that the seed does not fill: invented when they are first needed, from the model and the seed alone.
 *
 * The ids of a set follow from its name, so that rows can refer to each other before any of them is made. The third
 * group of an id tells its set: who looks for an id need not make the rows of other sets.
 */
import { fromUnits } from "../model/decimal.ts"
import {
  type Attribute,
  type EntityModel,
  entityOf,
  isA,
  isRelated,
  type Model,
  type Reference
} from "../model/model.ts"
import { makeRandom, type Random } from "./random.ts"
import { makeTable, type Row, type Store, type Table, type Tables, type Value, type Values } from "./store.ts"
import * as Words from "./words.ts"

const day = 86_400_000
const firstDay = Date.UTC(2024, 0, 8)
const days = 900

/** A row whose references are known before its other values, which may follow them to other rows. */
class InventedRow implements Row {
  readonly id: string
  readonly set: string
  readonly index: number
  readonly #makeReferences: (row: InventedRow) => Values
  readonly #makeValues: (row: InventedRow) => Values
  #references: Values | undefined
  #values: Values | undefined

  constructor(
    id: string,
    set: string,
    index: number,
    makeReferences: (row: InventedRow) => Values,
    makeValues: (row: InventedRow) => Values
  ) {
    this.id = id
    this.set = set
    this.index = index
    this.#makeReferences = makeReferences
    this.#makeValues = makeValues
  }

  get references(): Values {
    this.#references ??= this.#makeReferences(this)
    return this.#references
  }

  get values(): Values {
    this.#values ??= { ...this.#makeValues(this), ...this.references }
    return this.#values
  }
}

const idOf = (row: Row, reference: string): string | undefined => {
  const id = row instanceof InventedRow ? row.references[reference] : row.values[reference]
  return typeof id === "string" ? id : undefined
}

const cut = (text: string, { maxLength }: Attribute): string =>
  maxLength === undefined || text.length <= maxLength ? text : text.slice(0, maxLength)

/** A number for people: with its zeros cut where there is no room for them, and a letter that no counter uses. */
const code = (index: number, attribute: Attribute): string => {
  const { maxLength = 12 } = attribute
  const digits = String(index + 1)
  const room = Math.max(digits.length, Math.min(6, maxLength - 1))
  const text = digits.padStart(room, "0")
  return text.length < maxLength ? `N${text}` : text.slice(-maxLength)
}

const words: readonly [Words.Pair, ...Array<Words.Pair>] = [
  ["Main", "Основен"],
  ["Central", "Централен"],
  ["Standard", "Стандартен"],
  ["Special", "Специален"],
  ["Regional", "Регионален"],
  ["Monthly", "Месечен"],
  ["External", "Външен"],
  ["Internal", "Вътрешен"],
  ["General", "Общ"],
  ["New", "Нов"]
]

const plainText = (random: Random, entity: EntityModel, attribute: Attribute, index: number): string => {
  const { name } = attribute
  if (name === entity.code || /(?:Code|Number|No)$/.test(name)) return code(index, attribute)
  if (/E-?mail/i.test(name)) return cut(`person${index + 1}@example.com`, attribute)
  if (/Ur[il]$/i.test(name)) return cut(`https://example.com/${index + 1}`, attribute)
  if (/Json$/i.test(name)) return "{}"
  if (/User$|^Login$/.test(name)) return cut(random.pick(Words.logins), attribute)
  if (name === "EntityName") return cut(entity.table, attribute)
  return cut(`${random.pick(words)[0]} ${index + 1}`, attribute)
}

const wholeNumber = (random: Random, { kind, name }: Attribute, index: number): number => {
  if (name === "LineNo") return (index + 1) * 10
  if (/Year$/.test(name)) return kind === "byte" ? 24 : 2024 + random.below(3)
  if (/Month$/.test(name)) return 1 + random.below(12)
  return random.below(kind === "byte" ? 100 : 1000)
}

const units = (random: Random, attribute: Attribute): string => {
  const { name, precision = 9, scale = 2 } = attribute
  const whole = Math.max(0, Math.min(3, precision - scale))
  const isShare = /Percent|Rate|Share/.test(name) && scale > 1
  const below = isShare ? 10 ** Math.min(2, scale) : 10 ** Math.min(9, whole + Math.min(2, scale))
  const shift = scale - Math.min(2, scale)
  return fromUnits(BigInt(random.below(Math.max(1, below))) * 10n ** BigInt(shift), scale)
}

const pad = (value: number): string => String(value).padStart(2, "0")

/** An id with the mark of its set in the third group. */
const marked = (id: string, mark: string): string => `${id.slice(0, 15)}${mark}${id.slice(18)}`

/** How a set is filled. */
interface Filling {
  readonly ids: ReadonlyArray<string>
}

/**
 * What rows are invented from.
 *
 * @category options
 * @since 0.2.0
 */
export interface InventOptions {
  readonly seed: number
  /** How many rows a set has that the seed does not fill. */
  readonly rows: number
}

/**
 * Tables that hold the rows of a store and, for every set without any, invented ones.
 *
 * @category constructors
 * @since 0.2.0
 */
export const inventTables = (model: Model, seeded: Store, options: InventOptions, own: ReadonlySet<string>): Tables => {
  const { seed } = options
  const positions = new Map([...model.entities.keys()].sort().map((set, index) => [set, index % 4096]))
  const fillings = new Map<string, Filling>()
  const tables = new Map<string, Table>()
  const isSeeded = (set: string): boolean => own.has(set) || seeded.tables.table(set).rows.size > 0

  const mark = (set: string): string => (positions.get(set) ?? 0).toString(16).padStart(3, "0")

  const seededIds = new Map<string, ReadonlyArray<string>>()

  const idsOf = (set: string, visiting: ReadonlySet<string>): ReadonlyArray<string> => {
    if (!isSeeded(set)) return fill(set, visiting).ids
    const known = seededIds.get(set)
    if (known !== undefined) return known
    const ids = [...seeded.tables.table(set).rows.keys()]
    seededIds.set(set, ids)
    return ids
  }

  /** Only a set that was told to have no rows can keep others from having some. */
  const someAreEmpty = options.rows === 0 || [...own].some((set) => seeded.tables.table(set).rows.size === 0)

  const hasRows = (set: string, visiting: ReadonlySet<string>): boolean =>
    !someAreEmpty || visiting.has(set) || idsOf(set, visiting).length > 0

  const targetsOf = (reference: Reference): ReadonlyArray<string> =>
    entityOf(model, reference.target).storedIn.filter((set) => hasRows(set, new Set()))

  /** A row that needs another one can exist only where there is one. */
  const isPossible = (entity: EntityModel, visiting: ReadonlySet<string>): boolean =>
    !someAreEmpty ||
    [...entity.references.values()].every(
      ({ required, target }) => !required || entityOf(model, target).storedIn.some((set) => hasRows(set, visiting))
    )

  const fill = (set: string, visiting: ReadonlySet<string> = new Set()): Filling => {
    const known = fillings.get(set)
    if (known !== undefined) return known
    const random = makeRandom(seed, `ids ${set}`)
    // the entity type need not be read for its ids
    const count = !someAreEmpty || isPossible(entityOf(model, set), new Set([...visiting, set])) ? options.rows : 0
    const made = { ids: Array.from({ length: count }, () => marked(random.guid(), mark(set))) }
    fillings.set(set, made)
    return made
  }

  const isParent = (entity: EntityModel, { name, owner, target }: Reference): boolean =>
    owner ||
    [...entityOf(model, target).children.values()].some(
      (children) => children.via === name && (children.target === entity.set || entity.bases.includes(children.target))
    )

  /** The reference to what a row is part of. */
  const ownerOf = (entity: EntityModel): Reference | undefined =>
    [...entity.references.values()].find((reference) => reference.name !== "Document" && isParent(entity, reference))

  const isOwn = (entity: EntityModel, target: string): boolean => target === entity.set || entity.bases.includes(target)

  const references =
    (entity: EntityModel, ids: ReadonlyArray<string>) =>
    (row: InventedRow): Values => {
      const random = makeRandom(seed, `references ${row.set} ${row.index}`)
      const values: Record<string, Value | undefined> = {}
      const owner = ownerOf(entity)
      const choose = (reference: Reference): string | null => {
        if (isOwn(entity, reference.target)) {
          // one of those before it, so that no row is its own ancestor
          if (reference.required) return row.id
          return row.index > 0 && random.chance(0.3) ? (ids[random.below(row.index)] ?? null) : null
        }
        if (!reference.required && !random.chance(0.6)) return null
        const [first, ...rest] = targetsOf(reference)
        if (first === undefined) return null
        const [id, ...more] = idsOf(random.pick([first, ...rest]), new Set())
        return id === undefined ? null : random.pick([id, ...more])
      }
      for (const reference of entity.references.values()) {
        if (reference.hidden !== true) values[reference.name] = choose(reference)
      }
      // a line of a document names it twice
      const document = entity.references.get("Document")
      if (owner !== undefined && document !== undefined && isRelated(model, owner.target, document.target)) {
        values[document.name] = values[owner.name]
      }
      return values
    }

  /** The code of the currency or unit at a path of references; the first one where there is no path. */
  const codeAt = (row: Row, attribute: Attribute, set: string, name: string): string | undefined => {
    let at: Row | undefined = row
    if (attribute.by === undefined) at = undefined
    else {
      for (const step of attribute.by.split(".")) {
        const reference: Reference | undefined =
          at === undefined ? undefined : entityOf(model, at.set).references.get(step)
        const id: string | undefined = at === undefined ? undefined : idOf(at, step)
        at = reference === undefined || id === undefined ? undefined : findRow(reference.target, id)
      }
    }
    const [first] = at === undefined && (attribute.by === undefined || attribute.required) ? idsOf(set, new Set()) : []
    const found = (first === undefined ? at : findRow(set, first))?.values[name]
    return typeof found === "string" ? found : undefined
  }

  const findRow = (set: string, id: string): Row | undefined => {
    for (const stored of entityOf(model, set).storedIn) {
      const row = mayHold(stored, id) ? table(stored).rows.get(id) : undefined
      if (row !== undefined) return row
    }
    return undefined
  }

  const measured = (random: Random, row: Row, attribute: Attribute): Value => {
    const isAmount = attribute.kind === "amount"
    const found = isAmount
      ? codeAt(row, attribute, "General_Currencies_Currencies", "CurrencySign")
      : codeAt(row, attribute, "General_Products_MeasurementUnits", "Code")
    if (found === undefined) return null
    return isAmount
      ? { Value: units(random, attribute), Currency: found }
      : { Value: units(random, attribute), Unit: found }
  }

  const valueOf = (random: Random, entity: EntityModel, row: InventedRow, attribute: Attribute): Value => {
    const { index } = row
    switch (attribute.kind) {
      case "string":
        return plainText(random, entity, attribute, index)
      case "int":
      case "short":
      case "byte":
        return wholeNumber(random, attribute, index)
      case "int64":
        return String(random.below(1_000_000))
      case "boolean":
        return attribute.defaultValue === undefined
          ? random.chance(0.5)
          : (attribute.defaultValue === "true") !== random.chance(0.1)
      case "date":
        return firstDay + random.below(days) * day
      case "dateTime":
        return firstDay + random.below(days) * day + random.below(day / 1000) * 1000
      case "time":
        return `${pad(random.below(24))}:${pad(random.below(60))}:00`
      case "guid":
        return random.guid()
      case "double":
        return random.below(100_000) / 100
      case "decimal":
        return units(random, attribute)
      case "amount":
      case "quantity":
        return measured(random, row, attribute)
      case "multilanguage": {
        const [en, bg] = random.pick(words)
        return { EN: cut(`${en} ${index + 1}`, attribute), BG: cut(`${bg} ${index + 1}`, attribute) }
      }
      case "binary":
        return Buffer.from(`${row.set} ${index + 1}`).toString("base64")
      case "custom":
        return { Value: random.pick(words)[0], ValueId: null, Description: null }
      case "enum": {
        const [first, ...rest] = [...(model.enums.get(attribute.enumName ?? "")?.keys() ?? [])]
        if (first === undefined) return null
        // most documents can still be changed
        if (attribute.name === "State" && isA(entity, "General_Documents_Documents") && random.chance(0.7)) return "New"
        return random.pick([first, ...rest])
      }
    }
  }

  const values =
    (entity: EntityModel) =>
    (row: InventedRow): Values => {
      const random = makeRandom(seed, `values ${row.set} ${row.index}`)
      const made: Record<string, Value> = {}
      for (const attribute of entity.attributes.values()) {
        const { calculated, kind, name, required } = attribute
        if (calculated || entity.keys.has(name)) continue
        const wanted = required || kind === "boolean" || random.chance(0.7)
        made[name] = wanted ? valueOf(random, entity, row, attribute) : null
      }
      return { ...made, ...fixed(random, entity, row) }
    }

  /** What the model says nothing about. */
  const fixed = (random: Random, entity: EntityModel, row: InventedRow): Values => {
    const result: Record<string, Value> = { ObjectVersion: row.index + 1 }
    if (entity.root) {
      result["AggregateLastUpdateTimeUtc"] =
        row.index % 13 === 12 ? null : firstDay + random.below(days) * day + random.below(day)
      result["AdditionalDataJson"] = null
      result["ExternalId"] = row.index % 10 === 0 ? `EXT-${row.index + 1}` : null
      result["ExternalSystem"] = row.index % 10 === 0 ? "shop" : null
    }
    if (isA(entity, "General_Documents_Documents")) {
      const isVoid = row.index % 17 === 16
      Object.assign(result, { EntityName: entity.table, IsValidField: true, Void: isVoid, ReadOnly: false })
    }
    if (isA(entity, "General_Contacts_Parties")) {
      const type = entity.type.replace(/^.*_/, "")
      const members = model.enums.get(entity.attributes.get("PartyType")?.enumName ?? "")
      if (members?.has(type) === true) result["PartyType"] = type
    }
    return result
  }

  const table = (set: string): Table => {
    if (isSeeded(set)) return seeded.tables.table(set)
    const known = tables.get(set)
    if (known !== undefined) return known
    const entity = entityOf(model, set)
    const { ids } = fill(set)
    const makeReferences = references(entity, ids)
    const makeValues = values(entity)
    const made = makeTable(ids.map((id, index) => new InventedRow(id, set, index, makeReferences, makeValues)))
    tables.set(set, made)
    return made
  }

  const mayHold = (set: string, id: string): boolean =>
    isSeeded(set) || tables.has(set) || id.slice(15, 18) === mark(set)

  return { table, mayHold, isNumbered: isSeeded }
}
