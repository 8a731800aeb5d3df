/**
 * The options of a query, and the query string they become.
 *
 * ```ts
 * import { DomainApi, EntitySet, Filter } from "effect-erpnet"
 * import { Schema } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({
 *   Number: Schema.NullOr(Schema.String),
 *   Active: Schema.Boolean,
 *   CreationTime: Schema.NullOr(Schema.String)
 * }))
 *
 * export const page = DomainApi.list(Customers, {
 *   filter: Filter.eq("Active", true),
 *   orderBy: ["Number", ["CreationTime", "desc"]],
 *   top: 10
 * })
 * // GET Crm_Sales_Customers?$filter=Active eq true&$orderby=Number,CreationTime desc&$top=10
 * // &$select=Number,Active,CreationTime
 * ```
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import type * as Schema from "effect/Schema"
import { InvalidQuery } from "./ErpNetError.ts"
import * as Filter from "./Filter.ts"
import { isGuid } from "./internal/guid.ts"
import { isPath } from "./internal/identifier.ts"
import { isWellFormed } from "./internal/redaction.ts"
import { encodeValue } from "./internal/uri.ts"

/**
 * A field name of the wire, as `orderBy` takes it.
 *
 * @category models
 * @since 0.1.0
 */
export type OrderField<I> = Exclude<keyof I & string, `${string}@${string}`>

/**
 * One key of the order: a field, ascending, or a field and its direction.
 *
 * @category models
 * @since 0.1.0
 */
export type OrderBy<I> = OrderKey<OrderField<I>>

/**
 * One key of the order, over the names `O`: a field, ascending, or a field and its direction.
 *
 * @category models
 * @since 0.2.0
 */
export type OrderKey<O> = O | readonly [field: O, direction: "asc" | "desc"]

/**
 * The point of view of a request: ids of an enterprise company, of one of its locations, of a role. ERP.net silently
 * ignores an id that does not exist or that the user may not use.
 *
 * @category options
 * @since 0.1.0
 */
export interface QueryContext {
  /** Sent as `CurrentEnterpriseCompanyId`. */
  readonly enterpriseCompany?: string | undefined
  /** Sent as `CurrentEnterpriseCompanyLocationId`. */
  readonly enterpriseCompanyLocation?: string | undefined
  /** Sent as `CurrentRoleId`. */
  readonly role?: string | undefined
}

/**
 * The options that every request has.
 *
 * @category options
 * @since 0.2.0
 */
export interface RequestOptions {
  /** Extra request headers; `Authorization` is always the library's. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The point of view of the request. */
  readonly context?: QueryContext | undefined
}

/**
 * The options of a request for rows: how the server writes them.
 *
 * @category options
 * @since 0.2.0
 */
export interface RowOptions extends RequestOptions {
  /**
   * Leaves nulls out of the answer, which makes it smaller; the rows are the same. ERP.net's option `skipnulls`.
   *
   * @default false
   */
  readonly skipNulls?: boolean | undefined
  /** ERP.net's own options by their names, for example `skipnulls`. */
  readonly options?: ReadonlyArray<string> | undefined
}

/**
 * A place between two pages of a query. It is plain JSON and may be kept; the address can hold values of the filter.
 *
 * @category models
 * @since 0.2.0
 */
export interface Position {
  /** The address of the page to go on with. */
  readonly url: string
  /** Rows before it. */
  readonly rows: number
}

/**
 * What to read and how, for rows of type `A` encoded as `I`. `F` and `O` are the fields that may be filtered and
 * ordered by, those of the rows unless the set says otherwise. Every option is sent with every page and every retry.
 *
 * @category options
 * @since 0.1.0
 */
export interface Query<A, I, F = Filter.Fields<A, I>, O = OrderField<I>> extends RowOptions {
  /**
   * At most this many rows come out, of a list as of a stream. Up to `pageSize` they are one request with `$top`. In
   * version 0.1 it was the size of a page in `DomainApi.stream`: that is `pageSize` now.
   *
   * @default all rows
   */
  readonly top?: number | undefined
  /**
   * Rows in one answer, 1 to 1000: the page size that ERP.net recommends as the largest. Smaller for wide rows.
   *
   * @default 1000
   */
  readonly pageSize?: number | undefined
  /**
   * How many rows a list without `top` may hold; with more it fails with `TooManyRows`. A stream has no such limit.
   *
   * @default 100_000
   */
  readonly maxRows?: number | undefined
  /**
   * Where to go on: the `nextLink` of a page, or the position of an error of a stream (`DomainApi.positionOf`). The rest
   * of the query must be the same.
   */
  readonly from?: string | Position | undefined
  /**
   * How many rows to leave out at the start.
   *
   * @default 0
   */
  readonly skip?: number | undefined
  /**
   * Only the rows for which this holds: an expression of {@link "Filter"}, an array of them that must all hold
   * (`undefined` members are left out), or a callback that makes these from the fields of the set.
   */
  readonly filter?: Filter.Input<F> | undefined
  /** ERP.net orders by a few fields only (numbers, codes, dates of documents); without an order, by `Id`. */
  readonly orderBy?: ReadonlyArray<OrderKey<O>> | undefined
  /** A text to find in the code, the name and the display text of the entities. */
  readonly search?: string | undefined
}

/**
 * The rows that a query is about: their schema, and the `$select` and `$expand` that bring them, percent-encoded. An
 * entity set is one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Selection<A, I, F = Filter.Fields<A, I>, O = OrderField<I>> {
  readonly schema: Schema.Schema<A, I>
  readonly projection: string
  /** The fields that may be filtered and ordered by, where they are not those of the rows. */
  readonly terms?: Filter.Terms<F, O> | undefined
}

/**
 * Settings of {@link render} that are not part of the query.
 *
 * @category options
 * @since 0.1.0
 */
export interface RenderOptions {
  /**
   * `$top` when the query has none.
   *
   * @default no `$top`: the server answers with everything at once
   */
  readonly defaultTop?: number | undefined
}

/**
 * The largest `$top`: ERP.net's recommended and largest page size.
 *
 * @category models
 * @since 0.1.0
 */
export const maxTop = 1000

/**
 * The query string without its `?`, for a list of rows. Options that are not given are not sent. The order is always
 * `$filter`, `$search`, `$orderby`, `$skip`, `$top`, `$select`, `$expand`, `options`, context.
 *
 * @category combinators
 * @since 0.1.0
 */
export const render = <A, I, F = Filter.Fields<A, I>, O extends string = OrderField<I>>(
  selection: Selection<A, I, F, O>,
  query: Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>> = {},
  options: RenderOptions = {}
): Either.Either<string, InvalidQuery> =>
  join(
    filter(selection, query),
    search(query),
    orderBy(query),
    wholeNumber("$skip", query.skip, Number.MAX_SAFE_INTEGER),
    wholeNumber("$top", query.top ?? options.defaultTop, maxTop),
    Either.right(selection.projection),
    extensions(query),
    context(query)
  )

/**
 * The query string for the number of rows (`Set/$count`): `$filter`, `$search` and the context; the rest does not
 * change the number.
 *
 * @category combinators
 * @since 0.1.0
 */
export const renderCount = <A, I, F = Filter.Fields<A, I>, O extends string = OrderField<I>>(
  selection: Selection<A, I, F, O>,
  query: Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>> = {}
): Either.Either<string, InvalidQuery> => join(filter(selection, query), search(query), context(query))

/**
 * The query string for one entity (`Set(id)`): `$select`, `$expand`, `options` and the context.
 *
 * @category combinators
 * @since 0.1.0
 */
export const renderEntity = <A, I>(
  selection: Selection<A, I>,
  query: Pick<RowOptions, "options" | "skipNulls" | "context"> = {}
): Either.Either<string, InvalidQuery> => join(Either.right(selection.projection), extensions(query), context(query))

/**
 * The query string for a change: the context.
 *
 * @category combinators
 * @since 0.1.0
 */
export const renderContext = (given: QueryContext | undefined): Either.Either<string, InvalidQuery> =>
  context({ context: given })

type Part = Either.Either<string, InvalidQuery>

const none: Part = Either.right("")

const invalid = (option: string, reason: string): Part => Either.left(new InvalidQuery({ option, reason }))

const join = (...parts: ReadonlyArray<Part>): Part =>
  Either.map(Either.all(parts), (texts) => texts.filter((text) => text !== "").join("&"))

const filter = <A, I, F, O>(selection: Selection<A, I, F, O>, query: Pick<Query<A, I, F, O>, "filter">): Part =>
  query.filter === undefined
    ? none
    : Either.map(Filter.render(selection, query.filter), (text) => (text === "" ? "" : `$filter=${encodeValue(text)}`))

const search = ({ search }: { readonly search?: string | undefined }): Part => {
  if (search === undefined) {
    return none
  }
  if (search.trim() === "") {
    return invalid("$search", "the text is empty")
  }
  // Inside a search phrase OData escapes a quote and a backslash by a backslash.
  return isWellFormed(search)
    ? Either.right(`$search=${encodeValue(`"${search.replace(/["\\]/g, "\\$&")}"`)}`)
    : invalid("$search", "the text holds half of a surrogate pair")
}

const orderBy = ({
  orderBy
}: {
  readonly orderBy?: ReadonlyArray<string | readonly [string, "asc" | "desc"]> | undefined
}): Part => {
  const keys = (orderBy ?? []).map((key) => (typeof key === "string" ? ([key, "asc"] as const) : key))
  if (keys.some(([field, direction]) => !isPath(field) || (direction !== "asc" && direction !== "desc"))) {
    return invalid("$orderby", "it must hold field names, each with asc or desc")
  }
  return keys.length === 0
    ? none
    : Either.right(
        `$orderby=${encodeValue(keys.map(([field, direction]) => (direction === "asc" ? field : `${field} desc`)).join(","))}`
      )
}

const wholeNumber = (option: string, value: number | undefined, max: number): Part => {
  if (value === undefined) {
    return none
  }
  if (!Number.isInteger(value) || value < 0) {
    return invalid(option, `it must be a whole number and not negative, not ${value}`)
  }
  return value <= max
    ? Either.right(`${option}=${value}`)
    : invalid(option, `${value} is more than ${max}; read more rows by pages, for example with DomainApi.stream`)
}

/**
 * Whether a query asks for answers without nulls.
 *
 * @category guards
 * @since 0.2.0
 */
export const skipsNulls = (query: Pick<RowOptions, "options" | "skipNulls">): boolean =>
  query.skipNulls === true || query.options?.includes("skipnulls") === true

/**
 * Checks the numbers that say how much is read: `top`, `pageSize` and `maxRows`.
 *
 * @category combinators
 * @since 0.2.0
 */
export const checkPaging = ({
  maxRows,
  pageSize,
  top
}: Pick<Query<never, never>, "top" | "pageSize" | "maxRows">): Either.Either<void, InvalidQuery> =>
  Either.map(
    Either.all([
      wholeNumber("$top", top, Number.MAX_SAFE_INTEGER),
      pageSize === 0 ? invalid("pageSize", "it must be at least 1") : wholeNumber("pageSize", pageSize, maxTop),
      maxRows === Number.POSITIVE_INFINITY ? none : wholeNumber("maxRows", maxRows, Number.MAX_SAFE_INTEGER)
    ]),
    () => undefined
  )

const extensions = (query: Pick<RowOptions, "options" | "skipNulls">): Part => {
  const given = query.options ?? []
  const options = query.skipNulls === true && !given.includes("skipnulls") ? [...given, "skipnulls"] : given
  if (options.some((option) => !/^\w+$/.test(option))) {
    return invalid("options", "each must be a single word such as skipnulls")
  }
  return options.length === 0 ? none : Either.right(`options=${options.join(",")}`)
}

const context = ({ context = {} }: { readonly context?: QueryContext | undefined }): Part =>
  join(
    contextId("CurrentEnterpriseCompanyId", context.enterpriseCompany),
    contextId("CurrentEnterpriseCompanyLocationId", context.enterpriseCompanyLocation),
    contextId("CurrentRoleId", context.role)
  )

const contextId = (name: string, id: string | undefined): Part => {
  if (id === undefined) {
    return none
  }
  return isGuid(id) ? Either.right(`${name}=${id}`) : invalid(name, "it must be a guid")
}
