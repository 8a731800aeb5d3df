/**
 * Filter expressions, limited to what ERP.net supports: `eq`, `ge`, `le`, `in`, `and`, `contains`, `startsWith`,
 * `endsWith` and the three comparisons that also accept null.
 *
 * ```ts
 * import { ComplexType, DomainApi, EntitySet, Filter } from "effect-erpnet"
 * import { Schema } from "effect"
 *
 * const recent = Filter.and(
 *   Filter.eq("Active", true),
 *   Filter.ge("CreationTime", new Date("2026-01-01T00:00:00Z")),
 *   Filter.contains("Party/PartyName", "Ltd")
 * )
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({
 *   Active: Schema.Boolean,
 *   CreationTime: Schema.DateTimeUtc,
 *   Party: EntitySet.expand(Schema.Struct({ PartyName: ComplexType.MultilanguageString }))
 * }))
 *
 * export const count = DomainApi.count(Customers, { filter: recent })
 * // GET Crm_Sales_Customers/$count?$filter=Active eq true and CreationTime ge 2026-01-01T00:00:00.000Z
 * //  and contains(Party/PartyName,'Ltd')
 * ```
 *
 * In a query `filter` also takes a callback over the fields of the set, and an array means *and*:
 *
 * ```ts
 * import { ComplexType, DomainApi, EntitySet } from "effect-erpnet"
 * import { Schema } from "effect"
 *
 * const Orders = EntitySet.make("Crm_Sales_SalesOrders", Schema.Struct({
 *   DocumentNo: Schema.String,
 *   DocumentDate: Schema.DateTimeUtc,
 *   State: ComplexType.Enum("New", "Released"),
 *   Customer: EntitySet.expand(Schema.Struct({ Number: Schema.String }))
 * }))
 *
 * export const released = (from?: Date) =>
 *   DomainApi.list(Orders, {
 *     filter: (o) => [
 *       o.State.ge("Released"),
 *       o.Customer.Number.startsWith("10"),
 *       from === undefined ? undefined : o.DocumentDate.ge(from) // undefined is left out
 *     ],
 *     top: 50
 *   })
 * // GET Crm_Sales_SalesOrders?$filter=State ge 'Released' and startswith(Customer/Number,'10')&$top=50
 * // &$select=DocumentNo,DocumentDate,State&$expand=Customer($select=Number)
 * ```
 *
 * A field offers the operators that its type has; the functions of this module make conditions that are used with more
 * than one set.
 *
 * The server has no `or`, `ne`, `not`, `gt` and `lt`. For "one of these values" use {@link in}; for an `or` over
 * different fields send one request for each side and join the rows by id; for `ne`, `gt` and `lt` filter the rows in
 * the program (`ge` and `le` narrow them down first).
 *
 * Which operator a field accepts is decided by the model of the instance: a field that it marks as not filterable
 * compiles here and is refused by the server.
 *
 * @since 0.1.0
 */
import type * as BigDecimal from "effect/BigDecimal"
import type * as Brand from "effect/Brand"
import type * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type { EnumMember } from "./ComplexType.ts"
import type { EntityId } from "./EntityId.ts"
import { InvalidQuery } from "./ErpNetError.ts"
import * as Literal from "./Filter/literal.ts"
import { isPath } from "./internal/identifier.ts"
import type { JsonNumber } from "./internal/losslessJson.ts"
import { type Shape, shapeOf } from "./internal/rowShape.ts"

/**
 * The type id of {@link Filter}.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: unique symbol = Symbol.for("~effect-erpnet/Filter")

/**
 * A filter expression. `Fields` names the fields it needs and the values it compares them with; it fits every entity
 * set whose rows have these fields.
 *
 * @category models
 * @since 0.1.0
 */
export interface Filter<Fields> {
  readonly [TypeId]: (accepted: { readonly [Name in keyof Fields]: (value: Fields[Name]) => void }) => void
  /** @internal */
  readonly node: Node
}

type Node =
  | { readonly _tag: "Compare"; readonly operator: string; readonly field: string; readonly value: Value }
  | { readonly _tag: "Call"; readonly name: string; readonly field: string; readonly value: Value }
  | { readonly _tag: "Text"; readonly name: string; readonly field: string; readonly text: string }
  | { readonly _tag: "In"; readonly field: string; readonly values: ReadonlyArray<Value> }
  | { readonly _tag: "And"; readonly nodes: ReadonlyArray<Node> }

/**
 * A value that a field can be compared with. Strings are quoted, with one exception: where the schema of the field is
 * `Schema.UUID`, `ComplexType.Date` or `ComplexType.TimeOfDay`, or the field is called `Id`, a string is written bare.
 * Use {@link guid} for a guid in a field whose schema does not say so, {@link date} and {@link time} for a date and a
 * time of day in a field that is read as a string.
 *
 * @category models
 * @since 0.1.0
 */
export type Value = Literal.Value

/**
 * Marks a guid; see {@link guid}.
 *
 * @category models
 * @since 0.1.0
 */
export type Guid = Literal.GuidLiteral

/**
 * Marks a date; see {@link date}.
 *
 * @category models
 * @since 0.1.0
 */
export type DateText = Literal.DateLiteral

/**
 * Marks a time of day; see {@link time}.
 *
 * @category models
 * @since 0.2.0
 */
export type TimeText = Literal.TimeLiteral

/**
 * What {@link contains} asks of a field: a string, a multi-language string, or a reference (whose entity is searched).
 *
 * @category models
 * @since 0.1.0
 */
export interface Containing {
  readonly contains: string
}

/**
 * What {@link startsWith} and {@link endsWith} ask of a field: a string.
 *
 * @category models
 * @since 0.2.0
 */
export interface Starting {
  readonly starting: string
}

/**
 * What {@link ge}, {@link le} and their forms that accept null ask of a field: values in an order.
 *
 * @category models
 * @since 0.2.0
 */
export interface Ordered<V> {
  readonly ordered: V
}

/**
 * What {@link in} asks of a field.
 *
 * @category models
 * @since 0.2.0
 */
export interface OneOf<V> {
  readonly oneOf: V
}

type Numeric = number | bigint | BigDecimal.BigDecimal
type Moment = Date | DateTime.Utc | DateText
type Plain<T> = T extends Brand.Brand<infer _> ? T | Brand.Brand.Unbranded<T> : T
type Decimals = { readonly Value: number | string | JsonNumber | BigDecimal.BigDecimal } & (
  | { readonly Currency: string }
  | { readonly Unit: string }
)
type CustomValue = { readonly Value: string | null; readonly ValueId?: string | null | undefined }

/** A member of an enum or of `Schema.Literal`, as against a text. */
type IsMember<T extends string> = T extends EnumMember
  ? true
  : Readonly<Record<never, never>> extends Readonly<Record<Plain<T>, 1>>
    ? false
    : true

/** The values that a field of type `T` may be compared with. */
type Comparable<T> = unknown extends T
  ? Value
  : T extends null | undefined
    ? null
    : T extends string
      ? IsMember<T> extends true
        ? T
        : Plain<T> | Guid | DateText | TimeText
      : T extends boolean
        ? Plain<T>
        : T extends Numeric | JsonNumber
          ? Numeric
          : T extends Date | DateTime.DateTime
            ? Moment
            : T extends EntityId
              ? EntityId
              : T extends Option.Option<infer Some>
                ? Comparable<Some> | null
                : T extends ReadonlyArray<unknown>
                  ? never
                  : T extends Decimals
                    ? Numeric
                    : T extends CustomValue
                      ? string
                      : T extends object
                        ? string extends keyof T
                          ? never
                          : EntityId
                        : never

/** The text operators that a field of type `T` has. */
type Searchable<T> = unknown extends T
  ? Containing | Starting
  : T extends null | undefined
    ? never
    : T extends string
      ? IsMember<T> extends true
        ? never
        : Containing | Starting
      : T extends boolean | Numeric | JsonNumber | Date | DateTime.DateTime
        ? never
        : T extends EntityId
          ? Containing
          : T extends Option.Option<infer Some>
            ? Searchable<Some>
            : T extends ReadonlyArray<unknown> | Decimals | CustomValue
              ? never
              : T extends object
                ? Containing
                : never

type WithoutOrder = boolean | null | EntityId

type Tagged<V> =
  | V
  | ([V] extends [never] ? never : OneOf<V>)
  | ([Exclude<V, WithoutOrder>] extends [never] ? never : Ordered<Exclude<V, WithoutOrder>>)

/** What may be asked of a field of type `T`: the values, and the operators beside `eq`. */
type Accepted<T> = Tagged<Comparable<T>> | Searchable<T>

/** The object behind a reference that is read by `$expand`; `never` for every other kind of field. */
type Expanded<T> = T extends
  | null
  | undefined
  | string
  | boolean
  | Numeric
  | JsonNumber
  | Date
  | DateTime.DateTime
  | EntityId
  | Option.Option<unknown>
  | ReadonlyArray<unknown>
  | Decimals
  | CustomValue
  ? never
  : T extends object
    ? string extends keyof T
      ? never
      : T
    : never

/** The wire names of a row: its encoded fields without annotations such as `@odata.id`. */
type Names<I> = I extends object ? Exclude<keyof I & string, `${string}@${string}`> : never

/** The decoded type of a field where it has kept its name, else the encoded one. */
type FieldType<A, I, Name> = Name extends keyof A
  ? A[Name]
  : Name extends keyof I
    ? I[Name] | RenamedDate<I[Name]>
    : never

// A renamed field shows its wire type only; behind a string there may be a date.
type RenamedDate<T> = string extends T ? Date : never

type Above = [0, 1, 2, 3, 4]

/** The names, and the paths through expanded references, that a filter may use; four steps at most. */
type Paths<A, I, Depth extends number> = Depth extends 0
  ? never
  : {
      [Name in Names<I>]:
        | Name
        | ([Extract<FieldType<A, I, Name>, Decimals>] extends [never] ? never : `${Name}Value`)
        | ([Expanded<FieldType<A, I, Name>>] extends [never]
            ? never
            : `${Name}/${Paths<Expanded<FieldType<A, I, Name>>, Expanded<I[Name & keyof I]>, Extract<Above[Depth], number>>}`)
    }[Names<I>]

type At<A, I, Path> = Path extends `${infer Name}/${infer Rest}`
  ? At<Expanded<FieldType<A, I, Name>>, Expanded<I[Name & keyof I]>, Rest>
  : Path extends Names<I>
    ? Accepted<FieldType<A, I, Path>>
    : Tagged<Numeric>

/**
 * The fields that a filter over rows of type `A`, encoded as `I`, may use, with the values each accepts. Names are
 * those of the wire. References that the row expands add their fields as paths (`Party/PartyName`); ERP.net follows a
 * path only where every reference is an owner or is tagged as filterable. An Amount or a Quantity counts as its value
 * and can be written `CreditLimit` or, as ERP.net spells it, `CreditLimitValue`. Child collections cannot be filtered.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields<A, I> = { readonly [Path in Paths<A, I, 4>]: At<A, I, Path> }

/**
 * The fields that filter and order the rows of a set, where they are not the fields of its rows: `F` as in
 * {@link Fields}, `O` the names that `orderBy` takes.
 *
 * @category models
 * @since 0.2.0
 */
export interface Terms<out F, out O> {
  readonly [TermsTypeId]: { readonly _F: (_: never) => F; readonly _O: (_: never) => O }
  /** @internal */
  readonly shape: Shape
}

/**
 * The type id of {@link Terms}.
 *
 * @category type IDs
 * @since 0.2.0
 */
export const TermsTypeId: unique symbol = Symbol.for("~effect-erpnet/Filter/Terms")

type Tag = Containing | Starting | Ordered<unknown> | OneOf<unknown>
type OrderedValue<V> = V extends Ordered<infer Of> ? Of : never
type OneOfValue<V> = V extends OneOf<infer Of> ? Of : never

/** The first steps of paths, and the next steps after a path. */
type Head<Path> = Path extends `${infer Name}/${string}` ? Name : Path
type Next<Path, Above extends string> = Path extends `${Above}/${infer Rest}` ? Head<Rest> : never

interface Comparing<Path extends string, V> {
  /** The field equals the value: `eq`. */
  readonly eq: (value: V) => Filter<{ readonly [K in Path]: V }>
  /** The field equals the value or is null: `equalnull`. */
  readonly equalNull: (value: V) => Filter<{ readonly [K in Path]: V }>
}

interface Choosing<Path extends string, V> {
  /** The field equals one of the values: `in`. */
  readonly in: (values: ReadonlyArray<V>) => Filter<{ readonly [K in Path]: OneOf<V> }>
}

interface Ordering<Path extends string, V> {
  /** The field is greater than or equal to the value: `ge`. */
  readonly ge: (value: V) => Filter<{ readonly [K in Path]: Ordered<V> }>
  /** The field is less than or equal to the value: `le`. */
  readonly le: (value: V) => Filter<{ readonly [K in Path]: Ordered<V> }>
  /** The field is less than or equal to the value, or is null: `lessequalnull`. */
  readonly lessEqualNull: (value: V) => Filter<{ readonly [K in Path]: Ordered<V> }>
  /** The field is greater than or equal to the value, or is null: `greaterequalnull`. */
  readonly greaterEqualNull: (value: V) => Filter<{ readonly [K in Path]: Ordered<V> }>
}

interface Searching<Path extends string> {
  /** The text occurs in the field: `contains`. */
  readonly contains: (text: string) => Filter<{ readonly [K in Path]: Containing }>
}

interface Affixing<Path extends string> {
  /** The field starts with the text: `startswith`. */
  readonly startsWith: (text: string) => Filter<{ readonly [K in Path]: Starting }>
  /** The field ends with the text: `endswith`. */
  readonly endsWith: (text: string) => Filter<{ readonly [K in Path]: Starting }>
}

type Operators<Path extends string, V> = ([Exclude<V, Tag>] extends [never]
  ? unknown
  : Comparing<Path, Exclude<V, Tag>>) &
  ([OneOfValue<V>] extends [never] ? unknown : Choosing<Path, OneOfValue<V>>) &
  ([OrderedValue<V>] extends [never] ? unknown : Ordering<Path, OrderedValue<V>>) &
  ([Extract<V, Containing>] extends [never] ? unknown : Searching<Path>) &
  ([Extract<V, Starting>] extends [never] ? unknown : Affixing<Path>)

/**
 * A field in the callback that `filter` takes: the operators that its type has, and the fields behind it where it is a
 * reference that the row expands.
 *
 * @category models
 * @since 0.2.0
 */
export type Column<F, Path extends string> = (Path extends keyof F ? Operators<Path, F[Path]> : unknown) & {
  readonly [Name in Next<keyof F, Path>]: Column<F, `${Path}/${Name}`>
}

/**
 * The fields of a set as {@link Column}s. Names of ERP.net begin with a capital letter, operators with a small one.
 *
 * @category models
 * @since 0.2.0
 */
export type Columns<F> = { readonly [Name in Head<keyof F> & string]: Column<F, Name> }

/**
 * Conditions that must all hold: one, or an array whose `undefined` members are left out.
 *
 * @category models
 * @since 0.2.0
 */
export type Conditions<F> = Filter<F> | ReadonlyArray<Filter<F> | undefined>

/**
 * What `filter` of a query takes: {@link Conditions}, or a callback that makes them from the fields of the set.
 *
 * @category models
 * @since 0.2.0
 */
export type Input<F> = Conditions<F> | ((columns: Columns<F>) => Conditions<F> | undefined)

type NameIn<Filters> = Filters extends Filter<infer F> ? keyof F : never
type ValueIn<Filters, Name> = Filters extends Filter<infer F> ? (Name extends keyof F ? F[Name] : never) : never

const make = <F>(node: Node): Filter<F> => ({ [TypeId]: () => {}, node })

/**
 * The field equals the value: `eq`. ERP.net compares strings without regard to case.
 *
 * @category constructors
 * @since 0.1.0
 */
export const eq = <const Name extends string, const V extends Value>(
  field: Name,
  value: V
): Filter<{ readonly [K in Name]: V }> => make({ _tag: "Compare", operator: "eq", field, value })

/**
 * The field is greater than or equal to the value: `ge`. ERP.net cuts a date-time in a filter down to its date, so for
 * an exact moment filter the rows once more in the program.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ge = <const Name extends string, const V extends Value>(
  field: Name,
  value: V
): Filter<{ readonly [K in Name]: Ordered<V> }> => make({ _tag: "Compare", operator: "ge", field, value })

/**
 * The field is less than or equal to the value: `le`. ERP.net cuts a date-time in a filter down to its date: a row
 * later on that day is *not* returned, so ask up to the next day and filter the rows once more in the program.
 *
 * @category constructors
 * @since 0.1.0
 */
export const le = <const Name extends string, const V extends Value>(
  field: Name,
  value: V
): Filter<{ readonly [K in Name]: Ordered<V> }> => make({ _tag: "Compare", operator: "le", field, value })

const in_ = <const Name extends string, const V extends Value>(
  field: Name,
  values: ReadonlyArray<V>
): Filter<{ readonly [K in Name]: OneOf<V> }> => make({ _tag: "In", field, values })

export {
  /**
   * The field equals one of the values: `in`. An empty list is refused as {@link InvalidQuery}: no row can match, so
   * there is nothing to ask.
   *
   * @category constructors
   * @since 0.1.0
   */
  in_ as in
}

/**
 * All of the filters hold: `and`. Members that are `undefined` are left out; without any, it holds for every row.
 *
 * @category combinators
 * @since 0.1.0
 */
export const and = <const Filters extends ReadonlyArray<Filter<never> | undefined>>(
  ...filters: Filters
): Filter<{ readonly [Name in NameIn<Filters[number]>]: ValueIn<Filters[number], Name> }> =>
  make({ _tag: "And", nodes: filters.flatMap((filter) => (filter === undefined ? [] : [filter.node])) })

/**
 * The text occurs in the field: `contains`. In a multi-language string any language counts, and on a reference the
 * referenced entity is searched.
 *
 * @category constructors
 * @since 0.1.0
 */
export const contains = <const Name extends string>(
  field: Name,
  text: string
): Filter<{ readonly [K in Name]: Containing }> => make({ _tag: "Text", name: "contains", field, text })

/**
 * The field starts with the text: `startswith`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const startsWith = <const Name extends string>(
  field: Name,
  text: string
): Filter<{ readonly [K in Name]: Starting }> => make({ _tag: "Text", name: "startswith", field, text })

/**
 * The field ends with the text: `endswith`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const endsWith = <const Name extends string>(
  field: Name,
  text: string
): Filter<{ readonly [K in Name]: Starting }> => make({ _tag: "Text", name: "endswith", field, text })

/**
 * The field equals the value or is null: `equalnull`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const equalNull = <const Name extends string, const V extends Value>(
  field: Name,
  value: V
): Filter<{ readonly [K in Name]: V }> => make({ _tag: "Call", name: "equalnull", field, value })

/**
 * The field is less than or equal to the value, or is null: `lessequalnull`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const lessEqualNull = <const Name extends string, const V extends Value>(
  field: Name,
  value: V
): Filter<{ readonly [K in Name]: Ordered<V> }> => make({ _tag: "Call", name: "lessequalnull", field, value })

/**
 * The field is greater than or equal to the value, or is null: `greaterequalnull`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const greaterEqualNull = <const Name extends string, const V extends Value>(
  field: Name,
  value: V
): Filter<{ readonly [K in Name]: Ordered<V> }> => make({ _tag: "Call", name: "greaterequalnull", field, value })

/**
 * A guid, written bare, for a field whose schema is a plain string. A text that is no guid is refused as
 * {@link InvalidQuery} when the filter is rendered.
 *
 * @category constructors
 * @since 0.1.0
 */
export const guid = (text: string): Guid => new Literal.GuidLiteral(text)

/**
 * A date (`2026-01-31`) or date-time (`2026-01-31T12:00:00Z`), written without quotes, for a field whose schema is a
 * plain string. Any other text, and a day that the calendar does not have, is refused as {@link InvalidQuery} when the
 * filter is rendered.
 *
 * @category constructors
 * @since 0.1.0
 */
export const date = (text: string): DateText => new Literal.DateLiteral(text)

/**
 * A time of day (`08:30:00`), written without quotes, for a field whose schema is a plain string; where it is
 * `ComplexType.TimeOfDay`, the text alone will do. Any other text is refused as {@link InvalidQuery} when the filter is
 * rendered.
 *
 * @category constructors
 * @since 0.2.0
 */
export const time = (text: string): TimeText => new Literal.TimeLiteral(text)

/**
 * The OData text of a filter, not percent-encoded. The schema of the rows decides which strings are guids and which
 * fields are amounts. Nothing in a value can change the expression.
 *
 * @category combinators
 * @since 0.1.0
 */
export const render = <A, I, F = Fields<A, I>>(
  set: { readonly schema: Schema.Schema<A, I>; readonly terms?: Terms<F, unknown> | undefined },
  filter: Input<NoInfer<F>>
): Either.Either<string, InvalidQuery> =>
  Either.mapLeft(
    renderNode(all(filter).node, [shapeOf(set.schema), ...(set.terms === undefined ? [] : [set.terms.shape])]),
    (reason) => new InvalidQuery({ option: "$filter", reason })
  )

/** The columns of any set, made as they are asked for. What a set has is known to the compiler; names are checked when the filter is rendered. */
const columnsAt = (above: string): object =>
  new Proxy<object>(above === "" ? Object.create(null) : operatorsOf(above.slice(0, -1)), {
    get: (operators, name) =>
      typeof name === "symbol" ? undefined : (Reflect.get(operators, name) ?? columnsAt(`${above}${name}/`))
  })

const operatorsOf = (field: string): object =>
  Object.assign(Object.create(null), {
    eq: (value: Value) => eq(field, value),
    equalNull: (value: Value) => equalNull(field, value),
    in: (values: ReadonlyArray<Value>) => in_(field, values),
    ge: (value: Value) => ge(field, value),
    le: (value: Value) => le(field, value),
    lessEqualNull: (value: Value) => lessEqualNull(field, value),
    greaterEqualNull: (value: Value) => greaterEqualNull(field, value),
    contains: (text: string) => contains(field, text),
    startsWith: (text: string) => startsWith(field, text),
    endsWith: (text: string) => endsWith(field, text)
  })

/**
 * Whatever `filter` of a query takes, as one filter: the callback is called with the fields of the set.
 *
 * @category combinators
 * @since 0.2.0
 */
export const all = <F>(input: Input<F>): Filter<F> => {
  // The compiler alone knows the fields of a set; at run time every name is a column.
  const given = typeof input === "function" ? input(columnsAt("") as Columns<F>) : input
  if (given === undefined) return make({ _tag: "And", nodes: [] })
  if (isFilter(given)) return given
  return make({ _tag: "And", nodes: given.flatMap((filter) => (filter === undefined ? [] : [filter.node])) })
}

const isFilter = <F>(given: Conditions<F>): given is Filter<F> => TypeId in given

const renderNode = (node: Node, rows: ReadonlyArray<Shape>): Either.Either<string, string> => {
  if (node._tag === "And") {
    return Either.map(Either.all(node.nodes.map((part) => renderNode(part, rows))), (parts) =>
      parts.filter((part) => part !== "").join(" and ")
    )
  }
  if (!isPath(node.field)) {
    return Either.left("a field name holds characters that no ERP.net name has")
  }
  const shape = rows.map((row) => shapeAt(row, node.field)).find((found) => found !== undefined)
  const field = shape?.amount === true ? `${node.field}Value` : node.field
  const kind = shape?.literal ?? (/(?:^|\/)Id$/.test(field) ? "guid" : undefined)
  const located = Either.mapLeft((reason: string) => `${field}, ${reason}`)
  switch (node._tag) {
    case "Compare":
      return located(Either.map(Literal.literal(node.value, kind), (text) => `${field} ${node.operator} ${text}`))
    case "Call":
      return located(Either.map(Literal.literal(node.value, kind), (text) => `${node.name}(${field},${text})`))
    case "Text":
      // A part of a guid is no guid.
      return located(Either.map(Literal.literal(node.text, undefined), (text) => `${node.name}(${field},${text})`))
    case "In":
      return node.values.length === 0
        ? Either.left(`${field}, an empty list matches no row: answer without asking the server`)
        : located(
            Either.map(
              Either.all(node.values.map((value) => Literal.literal(value, kind))),
              (texts) => `${field} in (${texts.join(",")})`
            )
          )
  }
}

const shapeAt = (row: Shape, path: string): Shape | undefined =>
  path.split("/").reduce<Shape | undefined>((shape, name) => shape?.fields.get(name), row)
