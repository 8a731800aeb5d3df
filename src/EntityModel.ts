/**
 * Entity sets as a generated file describes them: one short text for each field, of which a program picks what it
 * reads. A picked set is an {@link "EntitySet"}; its filters and its order may use every field of the model.
 *
 * ```ts
 * import { DomainApi, EntityModel } from "effect-erpnet"
 *
 * const enums = { State: ["New", "Released"] } as const
 * const model = EntityModel.make<typeof enums>(enums)
 *
 * const SalesOrders = model("Crm_Sales_SalesOrders", {
 *   Id: "guid eq in",
 *   DocumentNo: "text(20) eq in ge like order",
 *   DocumentDate: "dateTime eq ge order",
 *   State: "#State eq in ge",
 *   Customer: "@Crm_Sales_Customers eq in path",
 *   "Customer/Number": "text(16) eq like",
 *   Lines: "*Crm_Sales_SalesOrderLines"
 * })
 * const Lines = model("Crm_Sales_SalesOrderLines", { LineNo: "int order", Quantity: "quantity" })
 *
 * const Orders = SalesOrders.pick("Id", "DocumentNo").include({ Lines: Lines.pick("LineNo", "Quantity") })
 *
 * export const released = DomainApi.list(Orders, {
 *   filter: (o) => [o.State.eq("Released"), o.Customer.Number.contains("10")],
 *   orderBy: ["DocumentDate"],
 *   top: 10
 * })
 * // GET Crm_Sales_SalesOrders?$filter=State eq 'Released' and contains(Customer/Number,'10')&$orderby=DocumentDate
 * // &$top=10&$select=Id,DocumentNo&$expand=Lines($select=LineNo,Quantity)
 * ```
 *
 * @since 0.2.0
 */
import type * as BigDecimal from "effect/BigDecimal"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type * as ComplexType from "./ComplexType.ts"
import type { EntityId } from "./EntityId.ts"
import * as Spec from "./EntityModel/spec.ts"
import * as EntitySet from "./EntitySet.ts"
import * as Filter from "./Filter.ts"
import type * as IncrementalPull from "./IncrementalPull.ts"
import type { Shape } from "./internal/rowShape.ts"

/**
 * How the values of a file are read.
 *
 * @category options
 * @since 0.2.0
 */
export interface Options {
  /**
   * `"utc"` reads a date-time as `DateTime.Utc`, `"text"` as the string of the answer.
   *
   * @default "utc"
   */
  readonly dates?: "utc" | "text" | undefined
  /**
   * `"exact"` reads decimals with every digit, as `BigDecimal`; `"number"` as JavaScript numbers, exact up to 15 digits.
   *
   * @default "exact"
   */
  readonly decimals?: "exact" | "number" | undefined
}

/** Marks enums of a file whose date-times are texts. */
interface TextDates {
  readonly "~dates": "text"
}

/** Marks enums of a file whose decimals are JavaScript numbers. */
interface NumberDecimals {
  readonly "~decimals": "number"
}

type Head<Text> = Text extends `${infer First} ${string}` ? First : Text
type Bare<First> = First extends `${infer Kind}?` ? Kind : First
type Kind<Text> = Bare<Head<Text>> extends `${infer Name}(${string}` ? Name : Bare<Head<Text>>
type Null<Text> = Head<Text> extends `${string}?` ? null : never
type Has<Text, Word extends string> = Text extends `${string} ${Word}` | `${string} ${Word} ${string}` ? true : false
type Members<Enum> = Enum extends ReadonlyArray<infer Member> ? Member : Enum
type DecimalOf<E> = E extends NumberDecimals ? number : BigDecimal.BigDecimal

interface Decoded<E> {
  readonly guid: string
  readonly text: string
  readonly bool: boolean
  readonly int: number
  readonly double: number
  readonly int64: bigint
  readonly decimal: DecimalOf<E>
  readonly dateTime: E extends TextDates ? string : DateTime.Utc
  readonly timestamp: IncrementalPull.Timestamp
  readonly amount: ComplexType.Amount<DecimalOf<E>>
  readonly quantity: ComplexType.Quantity<DecimalOf<E>>
  readonly texts: ComplexType.MultilanguageString
  readonly custom: ComplexType.CustomPropertyValue
  readonly open: unknown
  readonly time: string
  readonly binary: string
}

interface Encoded {
  readonly double: ComplexType.DoubleEncoded
  readonly int64: ComplexType.DecimalEncoded
  readonly decimal: ComplexType.DecimalEncoded
  readonly dateTime: string
  readonly timestamp: string
  readonly amount: ComplexType.Amount<ComplexType.DecimalEncoded>
  readonly quantity: ComplexType.Quantity<ComplexType.DecimalEncoded>
  readonly texts: Schema.Schema.Encoded<typeof ComplexType.MultilanguageString>
  readonly custom: Schema.Schema.Encoded<typeof ComplexType.CustomPropertyValue>
}

type ValueOf<K, E> = K extends keyof Decoded<E>
  ? Decoded<E>[K]
  : K extends `#${infer Name}`
    ? (Name extends keyof E ? Members<E[Name]> : never) | ComplexType.EnumMember
    : K extends `@${string}`
      ? EntityId
      : never

type EncodedOf<K, E> = K extends keyof Encoded
  ? Encoded[K]
  : K extends `@${string}`
    ? { readonly "@odata.id": string }
    : ValueOf<K, E>

/** What a field that a file describes by `Text` holds in a row. */
type FieldType<Text, E> = ValueOf<Kind<Text>, E> | Null<Text>
type FieldEncoded<Text, E> = EncodedOf<Kind<Text>, E> | Null<Text>

type Numeric = number | bigint | BigDecimal.BigDecimal

/** The values that a field of a kind is compared with. */
type Comparable<K, E> = K extends "int" | "double" | "int64" | "decimal" | "amount" | "quantity"
  ? Numeric
  : K extends "guid"
    ? string | Filter.Guid
    : K extends "text" | "custom"
      ? string | Filter.Guid | Filter.DateText
      : K extends "time"
        ? string | Filter.TimeText
        : K extends "dateTime" | "timestamp"
          ? Date | DateTime.Utc | Filter.DateText
          : K extends "bool"
            ? boolean
            : K extends `#${string}` | `@${string}`
              ? ValueOf<K, E>
              : never

type Unordered = "bool" | "guid" | `@${string}`

type TermOf<Text, V> =
  | (Has<Text, "eq" | "any"> extends true ? V | Null<Text> : never)
  | (Has<Text, "in" | "any"> extends true ? ([V] extends [never] ? never : Filter.OneOf<V | Null<Text>>) : never)
  | (Has<Text, "ge" | "any"> extends true
      ? Kind<Text> extends Unordered
        ? never
        : [V] extends [never]
          ? never
          : Filter.Ordered<V>
      : never)
  | (Has<Text, "like" | "any"> extends true
      ? Kind<Text> extends "text"
        ? Filter.Containing | Filter.Starting
        : Kind<Text> extends "texts" | `@${string}`
          ? Filter.Containing
          : never
      : never)

/** The fields that a model may be filtered by, by the operators that their words allow. */
type TermsOf<Specs, E> = {
  readonly [Path in keyof Specs & string as [TermOf<Specs[Path], Comparable<Kind<Specs[Path]>, E>>] extends [never]
    ? never
    : Path | (Kind<Specs[Path]> extends "amount" | "quantity" ? `${Path}Value` : never)]: TermOf<
    Specs[Path],
    Comparable<Kind<Specs[Path]>, E>
  >
}

/** The fields that a model may be ordered by. */
type OrderOf<Specs> = {
  [Name in keyof Specs & string]: Has<Specs[Name], "order" | "any"> extends true ? Name : never
}[keyof Specs & string]

/** The fields that are read as they are: all but child collections and paths. */
type Readable<Specs> = {
  [Name in keyof Specs & string]: Name extends `${string}/${string}`
    ? never
    : Specs[Name] extends `*${string}`
      ? never
      : Name
}[keyof Specs & string]

/** The references and child collections. */
type Includable<Specs> = {
  [Name in keyof Specs & string]: Name extends `${string}/${string}`
    ? never
    : Specs[Name] extends `*${string}` | `@${string}`
      ? Name
      : never
}[keyof Specs & string]

/** The entity set or the like that is included. */
type Target = Pick<EntitySet.EntitySet<unknown, unknown>, "name" | "select" | "expand"> & {
  readonly [EntitySet.TypeId]: typeof EntitySet.TypeId
  readonly schema: Schema.Schema.All
}

type Included<Text, Row> = Text extends `*${string}` ? ReadonlyArray<Row> : Row | Null<Text>

/** Other Schemas for some fields, by {@link EntityModel.as}. */
type Others = { readonly [field: string]: Schema.Schema.AnyNoContext }

/**
 * An entity set as the file describes it: its name, the texts of its fields, the enums of the file.
 *
 * @category models
 * @since 0.2.0
 */
export interface EntityModel<Name extends string, Specs, E, Other = Readonly<Record<never, never>>> {
  /** The name in the URL. */
  readonly name: Name
  /** One text for each field. */
  readonly specs: Specs
  /**
   * The entity set that reads these fields, in this order; twice the same is once. Filters and order may use the other
   * fields too. A name that the model lacks is a `TypeError`.
   */
  readonly pick: <const Names extends readonly [Readable<Specs>, ...ReadonlyArray<Readable<Specs>>]>(
    ...names: Names
  ) => Picked<
    Name,
    Specs,
    E,
    {
      readonly [N in Names[number]]: N extends keyof Other
        ? Other[N] extends Schema.Schema.AnyNoContext
          ? Schema.Schema.Type<Other[N]>
          : never
        : FieldType<Specs[N], E>
    },
    {
      readonly [N in Names[number]]: N extends keyof Other
        ? Other[N] extends Schema.Schema.AnyNoContext
          ? Schema.Schema.Encoded<Other[N]>
          : never
        : FieldEncoded<Specs[N], E>
    }
  >
  /** The Schema of one field, for a set that is made by hand. */
  readonly field: <N extends Readable<Specs>>(
    name: N
  ) => Schema.Schema<FieldType<Specs[N], E>, FieldEncoded<Specs[N], E>>
  /** The same model with another Schema for some fields, each over the same values of the wire. */
  readonly as: <const Given extends { readonly [N in Readable<Specs>]?: Schema.Schema.AnyNoContext }>(
    schemas: Given
  ) => EntityModel<Name, Specs, E, Omit<Other, keyof Given> & Given>
}

/**
 * An entity set that was picked from a model. Where an {@link "EntitySet"} is taken it is one.
 *
 * @category models
 * @since 0.2.0
 */
export interface Picked<Name extends string, Specs, E, A, I> extends EntitySet.EntitySet<A, I> {
  readonly name: Name
  /** The fields that filter and order: those of the model. */
  readonly terms: EntitySet.Terms<TermsOf<Specs, E>, OrderOf<Specs>>
  /**
   * Reads the entities behind references, and children, by `$expand`. A set made by hand can be included too. A
   * reference that was picked is then no longer a link.
   */
  readonly include: <const Sets extends { readonly [N in Includable<Specs>]?: Target }>(
    sets: Sets & { readonly [N in Exclude<keyof Sets, Includable<Specs>>]: never }
  ) => Picked<
    Name,
    Specs,
    E,
    {
      readonly [N in keyof A | keyof Sets]: N extends keyof Sets
        ? Sets[N] extends Target
          ? Included<Specs[N & keyof Specs], Schema.Schema.Type<Sets[N]["schema"]>>
          : never
        : N extends keyof A
          ? A[N]
          : never
    },
    {
      readonly [N in keyof I | keyof Sets]: N extends keyof Sets
        ? Sets[N] extends Target
          ? Included<Specs[N & keyof Specs], Schema.Schema.Encoded<Sets[N]["schema"]>>
          : never
        : N extends keyof I
          ? I[N]
          : never
    }
  >
}

/**
 * Makes the models of a file.
 *
 * @category models
 * @since 0.2.0
 */
export type Make<E> = <const Name extends string, const Specs extends { readonly [path: string]: string }>(
  name: Name,
  specs: Specs
) => EntityModel<Name, Specs, E>

type EnumTexts<E> = { readonly [Name in keyof E]: ReadonlyArray<string> }

/** A model while it is built: the types of its fields are the compiler's matter. */
interface Model {
  readonly name: string
  readonly specs: Readonly<Record<string, string>>
  readonly settings: Spec.Settings
  readonly others: Others
  readonly terms: Filter.Terms<never, never>
  /** Schemas that were made before, by the text of the field. */
  readonly schemas: Map<string, Schema.Schema.AnyNoContext>
}

const textOf = (model: Model, field: string): string => {
  const text = Object.hasOwn(model.specs, field) && !field.includes("/") ? model.specs[field] : undefined
  if (text === undefined) throw new TypeError(`${model.name} has no field ${JSON.stringify(field)}.`)
  return text
}

const schemaOf = (model: Model, field: string): Schema.Schema.AnyNoContext => {
  const text = textOf(model, field)
  const other = Object.hasOwn(model.others, field) ? model.others[field] : undefined
  if (other !== undefined) return other
  const [key = text] = text.split(" ")
  const known = model.schemas.get(key)
  if (known !== undefined) return known
  const made = Spec.toSchema(model.name, field, Spec.parse(model.name, field, text), model.settings)
  model.schemas.set(key, made)
  return made
}

const included = (model: Model, field: string, target: EntitySet.EntitySet<object, object>) => {
  const spec = Spec.parse(model.name, field, textOf(model, field))
  const where = `${model.name}.${field}`
  const isSet: boolean = EntitySet.isEntitySet(target)
  if (!isSet) throw new TypeError(`${where}: include takes an entity set.`)
  if (spec.kind === "*") return EntitySet.children(target)
  if (spec.kind === "@") return Spec.orNull(EntitySet.expand(target), spec)
  throw new TypeError(`${where} is neither a reference nor a child collection, so it cannot be included.`)
}

const picked = (model: Model, fields: ReadonlyMap<string, Schema.Schema.AnyNoContext>): object => ({
  ...EntitySet.make(model.name, Schema.Struct(Object.fromEntries(fields))),
  terms: model.terms,
  include: (sets: Readonly<Record<string, EntitySet.EntitySet<object, object>>>) =>
    picked(
      model,
      new Map([...fields, ...Object.entries(sets).map(([field, set]) => [field, included(model, field, set)] as const)])
    )
})

const modelOf = (model: Model): object => ({
  name: model.name,
  specs: model.specs,
  pick: (...names: ReadonlyArray<string>) => {
    if (names.length === 0) throw new TypeError(`${model.name}: pick at least one field.`)
    return picked(model, new Map(names.map((name) => [name, schemaOf(model, name)])))
  },
  field: (name: string) => schemaOf(model, name),
  as: (schemas: Others) => {
    for (const name of Object.keys(schemas)) textOf(model, name)
    return modelOf({ ...model, others: { ...model.others, ...schemas } })
  }
})

const lazyTerms = (make: () => Shape): Filter.Terms<never, never> => {
  let made: Shape | undefined
  return {
    [Filter.TermsTypeId]: { _F: (_: never) => _, _O: (_: never) => _ },
    get shape() {
      made ??= make()
      return made
    }
  }
}

/**
 * Begins a file: its enums, and how its values are read. Nothing is made until a set is picked. A text that describes
 * no field, or one of a kind that this version does not know, is a `TypeError` when the field is used.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make: {
  <const E>(
    enums: E & EnumTexts<E>,
    options?: { readonly dates?: "utc" | undefined; readonly decimals?: "exact" | undefined }
  ): Make<E>
  <const E>(
    enums: E & EnumTexts<E>,
    options: { readonly dates: "text"; readonly decimals?: "exact" | undefined }
  ): Make<E & TextDates>
  <const E>(
    enums: E & EnumTexts<E>,
    options: { readonly dates?: "utc" | undefined; readonly decimals: "number" }
  ): Make<E & NumberDecimals>
  <const E>(
    enums: E & EnumTexts<E>,
    options: { readonly dates: "text"; readonly decimals: "number" }
  ): Make<E & TextDates & NumberDecimals>
} = (enums: Readonly<Record<string, ReadonlyArray<string>>>, options: Options = {}): never => {
  const settings: Spec.Settings = { enums, dates: options.dates ?? "utc", decimals: options.decimals ?? "exact" }
  const schemas: Model["schemas"] = new Map()
  const model = (name: string, specs: Readonly<Record<string, string>>): object =>
    modelOf({ name, specs, settings, others: {}, schemas, terms: lazyTerms(() => Spec.toShape(name, specs)) })
  // The texts are read by the compiler and here; that both read them alike is held by tests.
  return model as never
}
