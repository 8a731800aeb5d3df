/**
 * The description of entity sets: what they hold, what may be filtered and ordered, and how they hang together.
 *
 * Attributes and references are written as one line of text each, in the notation of the sets below, and read once.
 */
import { unknownProperty } from "./errors.ts"
import { compareVersions } from "./version.ts"

/**
 * The kinds of attribute values.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind =
  | "string"
  | "int"
  | "short"
  | "byte"
  | "double"
  | "time"
  | "int64"
  | "boolean"
  | "date"
  | "dateTime"
  | "guid"
  | "decimal"
  | "amount"
  | "quantity"
  | "multilanguage"
  | "binary"
  | "custom"
  | "enum"

/**
 * One attribute of an entity type.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attribute {
  readonly name: string
  readonly kind: Kind
  readonly maxLength?: number
  readonly precision?: number
  readonly scale?: number
  /** The name of the enum type, for the kind `enum`. */
  readonly enumName?: string
  readonly required: boolean
  readonly readOnly: boolean
  /** Computed when read; never stored. */
  readonly calculated: boolean
  /** Part of a row when `$select` does not say otherwise. */
  readonly byDefault: boolean
  /** What a new row gets. */
  readonly defaultValue?: string
  /** The operator groups the model lists: E eq, G ge and le, L text functions, I in. */
  readonly filters: ReadonlySet<FilterGroup>
  readonly orderable: boolean
  /** The model says that it should not be used any more. */
  readonly obsolete?: boolean
  /** Of an amount or quantity, the path to the row that has its currency or unit. */
  readonly by?: string
  /** No two rows may have the same value. */
  readonly unique: boolean
  /** The first server version that knows the attribute. */
  readonly since?: string
}

/**
 * The operator groups of `SupportedFilters`: E = Equals, G = GreaterThanOrLessThan, L = Like, I = EqualsIn.
 *
 * @category models
 * @since 0.1.0
 */
export type FilterGroup = "E" | "G" | "L" | "I"

/**
 * A single-valued reference to another entity set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reference {
  readonly name: string
  readonly target: string
  readonly required: boolean
  /** Tagged as FilterableReference: a filter path may go through it. */
  readonly filterable: boolean
  /** Points to the owner of the row: a filter path may go through it. */
  readonly owner: boolean
  readonly readOnly?: boolean
  /** Shown only where `$select` or `$expand` names it. */
  readonly hidden?: boolean
  readonly obsolete?: boolean
}

/**
 * A child collection: the rows of another set whose reference `via` points here.
 *
 * @category models
 * @since 0.1.0
 */
export interface Children {
  readonly name: string
  readonly target: string
  readonly via: string
}

/**
 * One entity type with its set. Members of the base type are included.
 *
 * @category models
 * @since 0.1.0
 */
export interface EntityModel {
  readonly set: string
  readonly type: string
  readonly table: string
  readonly base: string | undefined
  /** Holds no rows itself, only those of the derived sets. */
  readonly abstract: boolean
  readonly root: boolean
  /** Shows what the server calculates, and takes no changes. */
  readonly view?: boolean
  /** The sets of the base types, the nearest first. */
  readonly bases: ReadonlyArray<string>
  /** The names of the attributes that hold the row's own id. */
  readonly keys: ReadonlySet<string>
  /** The attribute that people number the rows by, with dots through references. */
  readonly code: string | undefined
  /** Where `$search` looks, besides the display text: attribute names, with dots through references. */
  readonly search: ReadonlyArray<string>
  /** The template of DisplayText: `{Path}`, or `{Path:T}` for the text in the session's language. */
  readonly display: string
  readonly attributes: ReadonlyMap<string, Attribute>
  readonly references: ReadonlyMap<string, Reference>
  readonly children: ReadonlyMap<string, Children>
  /** The sets whose rows this set shows: its own, or for a base type the derived ones. */
  readonly storedIn: ReadonlyArray<string>
}

/**
 * Enum members with their values, in order.
 *
 * @category models
 * @since 0.1.0
 */
export type EnumModel = ReadonlyMap<string, number>

/**
 * What `buildModel` reads: see the entity sets for the notation.
 *
 * @category models
 * @since 0.1.0
 */
export interface EntityText {
  readonly set: string
  readonly type: string
  readonly table: string
  readonly base?: string
  readonly abstract?: boolean
  readonly root?: boolean
  readonly ownKey?: string
  readonly code?: string
  readonly search?: ReadonlyArray<string>
  readonly display: string
  readonly attributes?: string
  readonly references?: string
  readonly children?: string
}

/**
 * All entity sets and enum types.
 *
 * @category models
 * @since 0.1.0
 */
export interface Model {
  readonly entities: ReadonlyMap<string, EntityModel>
  readonly byType: ReadonlyMap<string, EntityModel>
  readonly enums: ReadonlyMap<string, EnumModel>
}

const lines = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => line.split(/\s+/))

const kinds: Readonly<Record<string, Kind>> = {
  h: "short",
  y: "byte",
  f: "double",
  t: "time",
  s: "string",
  S: "string",
  i: "int",
  l: "int64",
  b: "boolean",
  d: "date",
  dt: "dateTime",
  g: "guid",
  dec: "decimal",
  A: "amount",
  Q: "quantity",
  M: "multilanguage",
  bin: "binary",
  custom: "custom"
}

const filterGroups: ReadonlySet<string> = new Set(["E", "G", "L", "I"])
const isFilterGroup = (word: string): word is FilterGroup => filterGroups.has(word)

/**
 * Reads an attribute line.
 *
 * @category constructors
 * @since 0.2.0
 */
export const readAttribute = (words: ReadonlyArray<string>): Attribute => {
  const [name = "", typeText = "", ...flags] = words
  const required = typeText.endsWith("!")
  const [, base = "", sizes = ""] = /^([A-Za-z_]+)(?:\(([\d,]+)\))?!?$/.exec(typeText) ?? []
  const kind = kinds[base] ?? "enum"
  const [first, second] = sizes === "" ? [] : sizes.split(",").map(Number)
  const defaultValue = flags.find((flag) => flag.startsWith("="))?.slice(1)
  const by = flags.find((flag) => flag.startsWith("by:"))?.slice(3)
  const since = flags.find((flag) => flag.startsWith("since:"))?.slice(6)
  const calculated = flags.includes("c")
  return {
    name,
    kind,
    ...(kind === "enum" ? { enumName: base } : {}),
    ...(first !== undefined && second === undefined ? { maxLength: first } : {}),
    ...(first !== undefined && second !== undefined ? { precision: first, scale: second } : {}),
    ...(defaultValue === undefined ? {} : { defaultValue }),
    ...(since === undefined ? {} : { since }),
    ...(by === undefined ? {} : { by }),
    unique: flags.includes("unique"),
    required,
    readOnly: flags.includes("r") || calculated,
    calculated,
    byDefault: !calculated && !flags.includes("hidden") && kind !== "custom",
    filters: new Set(flags.flatMap((flag) => (/^[EGLIO]+$/.test(flag) ? [...flag].filter(isFilterGroup) : []))),
    orderable: flags.some((flag) => /^[EGLI]*O$/.test(flag)),
    ...(flags.includes("x") ? { obsolete: true } : {})
  }
}

/**
 * Reads a reference line.
 *
 * @category constructors
 * @since 0.2.0
 */
export const readReference = (words: ReadonlyArray<string>): Reference => {
  const [nameText = "", target = "", ...flags] = words
  return {
    name: nameText.replace("!", ""),
    target,
    required: nameText.endsWith("!"),
    filterable: flags.includes("F"),
    owner: flags.includes("owner"),
    ...(flags.includes("r") ? { readOnly: true } : {}),
    ...(flags.includes("x") ? { obsolete: true } : {})
  }
}

/**
 * The attribute lines of every entity type.
 *
 * @category models
 * @since 0.2.0
 */
export const systemAttributes = `
  Id            g!   r hidden E G I
  ObjectVersion i    r hidden
  DisplayText   S    c
`

/**
 * The attribute lines of every aggregate root.
 *
 * @category models
 * @since 0.2.0
 */
export const rootAttributes = `
  ExternalId                 s(254) hidden E I O
  ExternalSystem             s(64)  hidden E I
  AggregateLastUpdateTimeUtc dt     r hidden G O since:26.2
  AdditionalDataJson         S      hidden since:26.3.100.4
`

const byName = <A extends { readonly name: string }>(items: ReadonlyArray<A>): ReadonlyMap<string, A> =>
  new Map(items.map((item) => [item.name, item]))

/**
 * Reads the description of all sets. A base type must come before the types derived from it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const buildModel = (
  texts: ReadonlyArray<EntityText>,
  enums: Readonly<Record<string, Readonly<Record<string, number>>>>
): Model => {
  const entities = new Map<string, EntityModel>()
  for (const text of texts) {
    const base = text.base === undefined ? undefined : entities.get(text.base)
    const ownKey = text.ownKey === undefined ? "" : `${text.ownKey} g! r hidden E G I\n`
    const own = lines(
      (base === undefined ? systemAttributes : "") +
        ownKey +
        (text.root === true && base?.root !== true ? rootAttributes : "") +
        (text.attributes ?? "")
    ).map(readAttribute)
    const references = lines(text.references ?? "").map(readReference)
    const children = lines(text.children ?? "").map(([name = "", target = "", via = ""]) => ({ name, target, via }))
    entities.set(text.set, {
      set: text.set,
      type: text.type,
      table: text.table,
      base: text.base,
      abstract: text.abstract === true,
      root: text.root === true,
      bases: base === undefined ? [] : [base.set, ...base.bases],
      keys: new Set([...(base?.keys ?? ["Id"]), ...(text.ownKey === undefined ? [] : [text.ownKey])]),
      code: text.code ?? base?.code,
      search: text.search ?? base?.search ?? [],
      display: text.display,
      attributes: new Map([...(base?.attributes ?? []), ...byName(own)]),
      references: new Map([...(base?.references ?? []), ...byName(references)]),
      children: new Map([...(base?.children ?? []), ...byName(children)]),
      storedIn:
        text.abstract === true ? texts.filter((other) => other.base === text.set).map((other) => other.set) : [text.set]
    })
  }
  return {
    entities,
    byType: new Map([...entities.values()].map((entity) => [entity.type, entity])),
    enums: new Map(Object.entries(enums).map(([name, members]) => [name, new Map(Object.entries(members))]))
  }
}

/**
 * Finds an attribute that the server of this version knows.
 *
 * @category combinators
 * @since 0.1.0
 */
export const findAttribute = (entity: EntityModel, name: string, version: string): Attribute | undefined => {
  const attribute = entity.attributes.get(name)
  const since = attribute?.since
  return since !== undefined && compareVersions(version, since) < 0 ? undefined : attribute
}

/**
 * Finds an entity set that the model itself names.
 *
 * @category combinators
 * @since 0.1.0
 */
export const entityOf = (model: Model, set: string): EntityModel => {
  const entity = model.entities.get(set)
  if (entity === undefined) throw unknownProperty(set, "Container")
  return entity
}

/**
 * Whether a set is one, or holds rows of a type derived from it.
 *
 * @category guards
 * @since 0.2.0
 */
export const isA = (entity: EntityModel, set: string): boolean => entity.set === set || entity.bases.includes(set)

/**
 * Whether a row of one set may stand where a reference to another set is expected: the same set, a base or a derived one.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRelated = (model: Model, left: string, right: string): boolean => {
  const shown = new Set(entityOf(model, right).storedIn)
  return left === right || entityOf(model, left).storedIn.some((set) => shown.has(set))
}
