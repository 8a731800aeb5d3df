/**
 * Collections: filter, search, order and cut, and the link to the next page.
 */
import { type Context, hasServerPaging } from "../data/context.ts"
import { lowerBound, type Row, type Value } from "../data/store.ts"
import { isComplex, memberValue, partOf, searchTexts } from "../data/values.ts"
import { compareDecimals } from "../model/decimal.ts"
import { malformed, notSupported } from "../model/errors.ts"
import { compareGuids, readGuid } from "../model/guid.ts"
import { writeString } from "../model/jsonText.ts"
import { type Children, type EntityModel, entityOf } from "../model/model.ts"
import { type Filter, parseFilter } from "../odata/filter.ts"
import { resolvePath, type Target } from "../odata/path.ts"
import { option, type QueryOptions } from "../odata/query.ts"
import { linkTo, makeRenderer, odataId } from "../odata/render.ts"
import { parseSelection } from "../odata/select.ts"

const collectionOptions: ReadonlySet<string> = new Set([
  "$select",
  "$expand",
  "$filter",
  "$orderby",
  "$top",
  "$skip",
  "$count",
  "$search",
  "$skiptoken",
  "$apply"
])

/**
 * Refuses `$` options that a resource does not take. Other names are left alone.
 *
 * @category combinators
 * @since 0.1.0
 */
export const checkOptions = (options: QueryOptions, allowed: ReadonlySet<string>): void => {
  for (const [name] of options) {
    if (name.startsWith("$") && !allowed.has(name))
      throw notSupported(`The query option '${name}' is not supported here.`)
  }
}

/**
 * Whether the ERP.net query option `options` holds a word.
 *
 * @category guards
 * @since 0.1.0
 */
export const hasFlag = (options: QueryOptions, flag: string): boolean =>
  (option(options, "options") ?? "").split(",").some((word) => word.trim().toLowerCase() === flag)

const readInteger = (options: QueryOptions, name: string): number | undefined => {
  const text = option(options, name)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined
  if (value === undefined) {
    throw malformed(
      `Invalid value '${text}' for ${name} query option found. The ${name} query option requires a non-negative integer value.`
    )
  }
  return value
}

const readSearch = (options: QueryOptions): string | undefined => {
  const text = option(options, "$search")?.trim()
  if (text === undefined || text === "") return undefined
  const quoted = /^"([\s\S]*)"$/.exec(text)?.[1]
  return (quoted === undefined ? text : quoted.replace(/\\(["\\])/g, "$1")).toLowerCase()
}

/** What two values are ordered by: enums by their number, multi-language text by its first language. */
const orderOf = (context: Context, target: Target, value: Value): string | number | null => {
  if (value === null) return null
  if (isComplex(value)) {
    const part = partOf(value, "Value") ?? partOf(value, "EN") ?? Object.values(value)[0]
    return typeof part === "string" ? part.toLowerCase() : null
  }
  if (typeof value === "boolean") return value ? 1 : 0
  if (target.kind === "attribute" && target.attribute.kind === "enum") {
    return memberValue(context.store.model, target.attribute, String(value)) ?? null
  }
  return typeof value === "string" ? value.toLowerCase() : value
}

const isDecimal = (target: Target): boolean =>
  target.kind === "number" ||
  (target.kind === "attribute" && ["decimal", "int64", "amount", "quantity"].includes(target.attribute.kind))

/** Orders nulls first, as SQL Server does. */
const compareOrder = (target: Target, a: string | number | null, b: string | number | null): number => {
  if (a === b) return 0
  if (a === null) return -1
  if (b === null) return 1
  if (isDecimal(target)) return compareDecimals(String(a), String(b))
  return a < b ? -1 : 1
}

const parseOrder = (context: Context, entity: EntityModel, text: string): ((a: Row, b: Row) => number) => {
  const keys = text.split(",").map((item) => {
    const [path = "", direction = "asc", ...rest] = item.trim().split(/\s+/)
    if (path === "" || rest.length > 0 || (direction !== "asc" && direction !== "desc")) {
      throw malformed(`Syntax error in $orderby: '${text}'.`)
    }
    const target = resolvePath(context, entity, path)
    const orderable =
      target.kind === "attribute" && (target.attribute.orderable || target.entity.keys.has(target.attribute.name))
    if (context.settings.strictOrderBy && !orderable) throw notSupported(`The attribute '${path}' is not orderable.`)
    return { target, sign: direction === "desc" ? -1 : 1 }
  })
  // Each row's keys are computed once, not once per comparison.
  const known = new Map<Row, ReadonlyArray<string | number | null>>()
  const keysOf = (row: Row): ReadonlyArray<string | number | null> => {
    const found = known.get(row)
    if (found !== undefined) return found
    const made = keys.map(({ target }) => orderOf(context, target, target.read(row)))
    known.set(row, made)
    return made
  }
  return (a, b) => {
    const left = keysOf(a)
    const right = keysOf(b)
    for (const [index, { sign, target }] of keys.entries()) {
      const order = sign * compareOrder(target, left[index] ?? null, right[index] ?? null)
      if (order !== 0) return order
    }
    return compareGuids(a.id, b.id)
  }
}

interface Source {
  readonly rows: ReadonlyArray<Row>
  /** `undefined` when every row matches. */
  readonly matches: ((row: Row) => boolean) | undefined
}

const candidates = (
  context: Context,
  entity: EntityModel,
  filter: Filter | undefined
): ReadonlyArray<Row> | undefined =>
  filter?.ids === undefined
    ? undefined
    : [...new Set(filter.ids)]
        .flatMap((id) => context.store.find(entity, id) ?? [])
        .sort((a, b) => compareGuids(a.id, b.id))

const readSource = (context: Context, entity: EntityModel, options: QueryOptions): Source => {
  const { store } = context
  const filterText = option(options, "$filter")
  const filter = filterText === undefined ? undefined : parseFilter(context, entity, filterText)
  const search = readSearch(options)
  const orderText = option(options, "$orderby")
  const compare = orderText === undefined ? undefined : parseOrder(context, entity, orderText)
  const few = candidates(context, entity, filter)
  const rows =
    few === undefined
      ? compare === undefined
        ? store.sorted(entity)
        : store.ordered(entity, orderText ?? "", compare)
      : compare === undefined
        ? few
        : [...few].sort(compare)
  const found =
    search === undefined
      ? undefined
      : (row: Row) => searchTexts(store, row).some((text) => text.toLowerCase().includes(search))
  const tests = [filter?.matches, found].filter((test) => test !== undefined)
  return { rows, matches: tests.length === 0 ? undefined : (row) => tests.every((test) => test(row)) }
}

const countRows = ({ matches, rows }: Source): number => {
  if (matches === undefined) return rows.length
  let count = 0
  for (const row of rows) if (matches(row)) count++
  return count
}

const countOptions: ReadonlySet<string> = new Set(["$filter", "$search"])

/**
 * How many rows a set has for a filter and a search.
 *
 * @category combinators
 * @since 0.1.0
 */
export const readCount = (context: Context, entity: EntityModel, options: QueryOptions): number => {
  checkOptions(options, countOptions)
  return countRows(readSource(context, entity, options))
}

/** Up to `limit` matching rows after the start and the skipped ones; one more tells whether there is a next page. */
const take = ({ matches, rows }: Source, start: number, skip: number, limit: number): ReadonlyArray<Row> => {
  if (matches === undefined) return rows.slice(start + skip, start + skip + limit)
  const taken: Array<Row> = []
  let skipped = 0
  for (let index = start; index < rows.length && taken.length < limit; index++) {
    const row = rows[index]
    if (row === undefined || !matches(row)) continue
    if (skipped < skip) skipped++
    else taken.push(row)
  }
  return taken
}

const readSkipToken = (options: QueryOptions): string | undefined => {
  const text = option(options, "$skiptoken")
  if (text === undefined) return undefined
  const id = readGuid(text)
  if (id === undefined || option(options, "$orderby") !== undefined) {
    throw malformed(`Invalid value '${text}' for $skiptoken query option found.`)
  }
  return id
}

const readCountFlag = (options: QueryOptions): boolean => {
  const text = option(options, "$count")
  if (text === undefined || text === "false") return false
  if (text === "true") return true
  throw malformed(`Invalid value '${text}' for $count query option found. Valid values are 'true' and 'false'.`)
}

const refuseApply = (options: QueryOptions): void => {
  const apply = option(options, "$apply")
  if (apply === undefined) return
  throw notSupported(
    apply.includes("groupby") && option(options, "$orderby") !== undefined
      ? "OData $orderby is not supported together with $apply groupby."
      : "OData $apply is not supported."
  )
}

/**
 * Reads one page of a set. `name` is the set's name as it was asked for.
 *
 * @category combinators
 * @since 0.1.0
 */
export const readPage = (context: Context, entity: EntityModel, name: string, options: QueryOptions): string => {
  checkOptions(options, collectionOptions)
  refuseApply(options)
  const selection = parseSelection(
    context,
    entity,
    option(options, "$select"),
    option(options, "$expand"),
    hasFlag(options, "includeid")
  )
  const top = readInteger(options, "$top")
  const skip = readInteger(options, "$skip") ?? 0
  const token = readSkipToken(options)
  const counted = readCountFlag(options)
  const source = readSource(context, entity, options)

  const size = top === undefined ? Number.POSITIVE_INFINITY : Math.min(top, context.settings.maxPageSize())
  const start = token === undefined ? 0 : lowerBound(source.rows, token)
  const rows = take(source, start, skip, size + 1)
  const following = top !== undefined && top > 0 ? rows[size] : undefined

  const nextLink = (row: Row): string => {
    const kept = options.filter(([option]) => option !== "$skiptoken" && option !== "$skip")
    const continuation: readonly [string, string] =
      option(options, "$orderby") === undefined ? ["$skiptoken", row.id] : ["$skip", String(skip + size)]
    return linkTo(context, name, [...kept, continuation])
  }

  const render = makeRenderer(context, selection, hasFlag(options, "skipnulls"))
  const envelope = [`"@odata.context":${writeString(`${context.serviceRoot}$metadata#${name}`)}`]
  if (counted) envelope.push(`"@odata.count":${countRows(source)}`)
  if (following !== undefined && hasServerPaging(context.settings, context)) {
    envelope.push(`"@odata.nextLink":${writeString(nextLink(following))}`)
  }
  envelope.push(`"value":[${rows.slice(0, Math.min(size, rows.length)).map(render).join(",")}]`)
  return `{${envelope.join(",")}}`
}

const childOptions: ReadonlySet<string> = new Set(["$select", "$expand", "$skip", "$top", "$count"])

/**
 * Reads what follows in a child collection that was cut. `path` is its address; `idsOnly` is a path with `/$ref`.
 *
 * @category combinators
 * @since 0.2.0
 */
export const readChildren = (
  context: Context,
  row: Row,
  children: Children,
  path: string,
  idsOnly: boolean,
  options: QueryOptions
): string => {
  checkOptions(options, childOptions)
  const { store } = context
  const target = entityOf(store.model, children.target)
  const skip = readInteger(options, "$skip") ?? 0
  const top = readInteger(options, "$top") ?? Number.POSITIVE_INFINITY
  const size = Math.min(top, context.settings.maxChildren())
  const all = store.where(target, children.via, row.id)
  const selection = parseSelection(
    context,
    target,
    option(options, "$select"),
    option(options, "$expand"),
    hasFlag(options, "includeid")
  )
  const render = idsOnly
    ? (child: Row) => `{"@odata.id":${writeString(odataId(context, target, child.id))}}`
    : makeRenderer(context, selection, hasFlag(options, "skipnulls"))
  const envelope = [`"@odata.context":${writeString(`${context.serviceRoot}$metadata#${context.nameOf(target.set)}`)}`]
  if (readCountFlag(options)) envelope.push(`"@odata.count":${all.length}`)
  if (size < top && skip + size < all.length) {
    const kept = options.filter(([name]) => name !== "$skip" && name !== "$top")
    const rest = top === Number.POSITIVE_INFINITY ? [] : [["$top", String(top - size)] as const]
    envelope.push(
      `"@odata.nextLink":${writeString(linkTo(context, path, [...kept, ...rest, ["$skip", String(skip + size)]]))}`
    )
  }
  envelope.push(
    `"value":[${all
      .slice(skip, skip + size)
      .map(render)
      .join(",")}]`
  )
  return `{${envelope.join(",")}}`
}
