/**
 * An entity set of the Domain API: its name, and the Schema of the rows wanted from it. `$select` and `$expand` follow
 * from the Schema, so the server sends what the program reads and nothing else.
 *
 * ```ts
 * import { DomainApi, EntitySet } from "effect-erpnet"
 * import { Schema } from "effect"
 *
 * const Parties = EntitySet.make("General_Contacts_Parties", Schema.Struct({
 *   Id: Schema.UUID,
 *   PartyCode: Schema.String
 * }))
 *
 * const Customers = EntitySet.make("Crm_Customers", Schema.Struct({
 *   Id: Schema.UUID,
 *   Number: Schema.NullOr(Schema.String),
 *   Party: EntitySet.expand(Parties)
 * }))
 *
 * export const first = DomainApi.list(Customers, { top: 10 })
 * // GET Crm_Customers?$top=10&$select=Id,Number&$expand=Party($select=Id,PartyCode)
 * ```
 *
 * A field that filters and orders the rows, and is not read, is declared beside them:
 *
 * ```ts
 * import { ComplexType, DomainApi, EntitySet } from "effect-erpnet"
 * import { Schema } from "effect"
 *
 * const Orders = EntitySet.make(
 *   "Crm_Sales_SalesOrders",
 *   Schema.Struct({ DocumentNo: Schema.String }),
 *   { filterable: Schema.Struct({ DocumentDate: ComplexType.Date, Void: Schema.Boolean }) }
 * )
 *
 * export const numbers = DomainApi.list(Orders, {
 *   filter: (o) => [o.DocumentDate.ge("2026-01-31"), o.Void.eq(false)],
 *   orderBy: ["DocumentDate"],
 *   top: 10
 * })
 * // GET Crm_Sales_SalesOrders?$filter=DocumentDate ge 2026-01-31 and Void eq false&$orderby=DocumentDate&$top=10
 * // &$select=DocumentNo
 * ```
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as PlainRow from "./EntitySet/plainRow.ts"
import * as Filter from "./Filter.ts"
import { isIdentifier } from "./internal/identifier.ts"
import { ExpandId, isRow, type Projection, prepare, project, projectionOptions, shapeOf } from "./internal/rowShape.ts"
import { encodeValue } from "./internal/uri.ts"
import type * as Query from "./Query.ts"

/**
 * The type id of {@link EntitySet}.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: unique symbol = Symbol.for("~effect-erpnet/EntitySet")

/**
 * An entity set whose rows decode to `A` from `I`.
 *
 * @category models
 * @since 0.1.0
 */
export interface EntitySet<A, I> {
  readonly [TypeId]: typeof TypeId
  /** The name in the URL, for example `Crm_Sales_Customers`. */
  readonly name: string
  /** The Schema of one row. */
  readonly schema: Schema.Schema<A, I>
  /** The names in `$select`; `undefined` when the server's default is asked for. */
  readonly select: ReadonlyArray<string> | undefined
  /** The text of `$expand`; `undefined` when nothing is expanded. */
  readonly expand: string | undefined
  /** `$select` and `$expand` as they go into the query string. */
  readonly projection: string
  /** Whether rows hold numbers that need every digit, so that the body must be parsed exactly. */
  readonly lossless: boolean
  /** Decodes one row. */
  readonly decode: Decode<A>
  /** Decodes the rows of a page. */
  readonly decodeAll: Decode<ReadonlyArray<A>>
}

/**
 * The fields that filter and order the rows of a set, where they are not the fields of its rows.
 *
 * @category models
 * @since 0.2.0
 */
export type Terms<F, O> = Filter.Terms<F, O>

/**
 * An entity set with the fields that its rows may be filtered by (`F`) and ordered by (`O`). One that names none is
 * filtered and ordered by the fields of its rows.
 *
 * @category models
 * @since 0.2.0
 */
export type Queryable<A, I, F = Filter.Fields<A, I>, O = Query.OrderField<I>> = EntitySet<A, I> & {
  /** The fields that may be filtered and ordered by, where they are not those of the rows. */
  readonly terms?: Terms<F, O> | undefined
}

/**
 * Decodes parsed JSON.
 *
 * @category models
 * @since 0.1.0
 */
export type Decode<A> = (input: unknown, options?: DecodeOptions) => Either.Either<A, ParseResult.ParseError>

/**
 * How an answer was asked for, where that changes its form.
 *
 * @category options
 * @since 0.1.0
 */
export interface DecodeOptions {
  /**
   * The request carried `options=skipnulls`: a nullable field that is missing is null.
   *
   * @default false
   */
  readonly skipNulls?: boolean | undefined
}

/**
 * The row type of an entity set: `EntitySet.Type<typeof Customers>`.
 *
 * @category models
 * @since 0.1.0
 */
export type Type<Set extends { readonly schema: Schema.Schema.All }> = Set["schema"]["Type"]

/**
 * Options of {@link make}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * `"schema"` asks for the fields of the Schema. `"default"` sends no `$select`: the server answers with its default
   * fields, which leave out `Id`, `ObjectVersion`, `ExternalId`, `DisplayText`, custom and calculated attributes.
   *
   * @default "schema"
   */
  readonly select?: "schema" | "default" | undefined
}

/**
 * Options of {@link make} for a set that is filtered or ordered by more than it reads.
 *
 * @category options
 * @since 0.2.0
 */
export interface FilterableOptions<A, I> extends Options {
  /**
   * Fields that may be filtered and ordered by without being read: they are not part of `$select`. The fields of the
   * rows remain usable too.
   */
  readonly filterable: Schema.Schema<A, I>
}

/**
 * Makes an entity set from its name and the Schema of its rows.
 *
 * `$select` holds the names of the encoded fields; annotations such as `@odata.id` are sent by the server anyway. A
 * field made by {@link expand} or {@link children} goes into `$expand`. A schema that does not encode to an object with
 * known fields is a mistake in the program and throws when the module is loaded.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <A, I extends object, FA, FI extends object>(
    name: string,
    schema: Schema.Schema<A, I>,
    options: FilterableOptions<FA, FI>
  ): Queryable<A, I, Filter.Fields<A, I> & Filter.Fields<FA, FI>, Query.OrderField<I> | Query.OrderField<FI>>
  <A, I extends object>(name: string, schema: Schema.Schema<A, I>, options?: Options): EntitySet<A, I>
} = <A, I extends object>(
  name: string,
  schema: Schema.Schema<A, I>,
  options: Options | FilterableOptions<unknown, object> = {}
): EntitySet<A, I> => {
  if (!isIdentifier(name)) {
    throw new TypeError(`EntitySet.make: ${JSON.stringify(name)} is not the name of an entity set.`)
  }
  const shape = shapeOf(schema)
  const { expand, select } = projectionOf(`EntitySet.make("${name}")`, schema, options)
  // Identifiers keep error messages short: without one they print the whole schema.
  const row = schema.annotations({ identifier: name })
  const decodeRow = decoder(row)
  const decodeRows = decoder(Schema.Array(row))
  return {
    ...("filterable" in options ? { terms: termsOf(`EntitySet.make("${name}").filterable`, options.filterable) } : {}),
    [TypeId]: TypeId,
    name,
    schema,
    select,
    expand: expand.length === 0 ? undefined : expand.join(","),
    projection: encodeProjection(projectionOptions({ expand, select })),
    lossless: shape.holdsLossless,
    decode: decodeRow,
    decodeAll: decodeRows
  }
}

/**
 * A field that reads the entity behind a reference, by `$expand`. `other` is an entity set or a Schema of the fields
 * wanted. A reference that may be empty is `Schema.NullOr(EntitySet.expand(other))`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const expand = <A, I extends object>(other: EntitySet<A, I> | Schema.Schema<A, I>): Schema.Schema<A, I> => {
  const { projection, schema } = target("EntitySet.expand", other)
  return schema.annotations({ [ExpandId]: projection })
}

/**
 * A field that reads the children of an entity, for example the lines of an order, by `$expand`. `other` is the entity
 * set of the children or a Schema of the fields wanted.
 *
 * @category schemas
 * @since 0.1.0
 */
export const children = <A, I extends object>(
  other: EntitySet<A, I> | Schema.Schema<A, I>
): Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I>> => {
  const { projection, schema } = target("EntitySet.children", other)
  return Schema.Array(schema).annotations({ [ExpandId]: projection })
}

/**
 * Whether a value is an {@link EntitySet}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isEntitySet = (value: unknown): value is EntitySet<unknown, unknown> =>
  Predicate.hasProperty(value, TypeId)

const target = <A, I>(
  where: string,
  other: EntitySet<A, I> | Schema.Schema<A, I>
): { readonly schema: Schema.Schema<A, I>; readonly projection: Projection } =>
  TypeId in other
    ? {
        schema: other.schema,
        projection: { select: other.select, expand: other.expand === undefined ? [] : [other.expand] }
      }
    : { schema: other, projection: projectionOf(where, other, {}) }

const termsOf = (where: string, schema: Schema.Schema.All): Terms<never, never> => {
  projectionOf(where, schema, {})
  return { [Filter.TermsTypeId]: { _F: (_: never) => _, _O: (_: never) => _ }, shape: shapeOf(schema) }
}

const projectionOf = (where: string, schema: Schema.Schema.All, options: Options): Projection => {
  if (!isRow(schema.ast)) {
    throw new TypeError(
      `${where}: the schema must encode to an object with known fields, as Schema.Struct and Schema.Class do, not to ${schema.ast}.`
    )
  }
  const { fields } = shapeOf(schema)
  const strange = [...fields.keys()].find((name) => !name.includes("@") && !isIdentifier(name))
  if (strange !== undefined) {
    throw new TypeError(`${where}: ${JSON.stringify(strange)} is not a field name.`)
  }
  const { expand, select } = project(shapeOf(schema))
  return { expand, select: options.select === "default" ? undefined : select }
}

const decoder = <A, I>(schema: Schema.Schema<A, I>): Decode<A> => {
  const shape = shapeOf(schema)
  const decode = Schema.decodeUnknownEither(schema)
  const read = PlainRow.reader(schema)
  return (input, { skipNulls = false } = {}) => {
    const value = skipNulls || shape.holdsLossless ? prepare(shape, input, skipNulls) : input
    return Option.match(read(value), { onSome: Either.right, onNone: () => decode(value) })
  }
}

// The structure is ours and safe as it is; only letters outside ASCII need encoding.
const encodeProjection = (options: ReadonlyArray<string>): string =>
  options.map((option) => option.replace(/[^\x21-\x7E]+/g, encodeValue)).join("&")
