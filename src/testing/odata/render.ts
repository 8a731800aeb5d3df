/**
 * Rows as JSON text: `@odata.id` first, then the selected members.
 */
import type { Context } from "../data/context.ts"
import type { Complex, Row, Value } from "../data/store.ts"
import { isComplex, readValue } from "../data/values.ts"
import { writeString } from "../model/jsonText.ts"
import { type EntityModel, entityOf, type Kind } from "../model/model.ts"
import { formatQuery, type QueryOptions } from "./query.ts"
import type { ChildSelection, Selection } from "./select.ts"

/**
 * The id of a row as references and `@odata.id` show it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const odataId = (context: Context, entity: EntityModel, id: string): string =>
  `${context.nameOf(entity.set)}(${id})`

const writeDecimal = (text: string, asString: boolean): string => (asString ? `"${text}"` : text)

/** Writes epoch milliseconds; a fraction only when there is one. */
const writeTime = (time: number): string => `"${new Date(time).toISOString().replace(".000Z", "Z")}"`

const writeComplex = (value: Complex, kind: Kind, decimalsAsStrings: boolean): string => {
  const decimal = kind === "amount" || kind === "quantity"
  const parts = Object.entries(value).map(([name, part]) => {
    const text =
      part === null
        ? "null"
        : typeof part !== "string"
          ? writeComplex(part, "multilanguage", decimalsAsStrings)
          : decimal && name === "Value"
            ? writeDecimal(part, decimalsAsStrings)
            : writeString(part)
    return `${writeString(name)}:${text}`
  })
  return `{${parts.join(",")}}`
}

/**
 * Writes the value of an attribute.
 *
 * @category combinators
 * @since 0.1.0
 */
export const writeValue = (value: Value, kind: Kind, decimalsAsStrings: boolean): string => {
  if (value === null) return "null"
  if (isComplex(value)) return writeComplex(value, kind, decimalsAsStrings)
  if (typeof value === "number" && !Number.isFinite(value)) {
    return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"INF"' : '"-INF"'
  }
  if (typeof value === "number") return kind === "date" || kind === "dateTime" ? writeTime(value) : String(value)
  if (typeof value === "boolean") return String(value)
  return kind === "decimal" || kind === "int64" ? writeDecimal(value, decimalsAsStrings) : writeString(value)
}

type Write = (row: Row) => string

/**
 * The link to what was left out of a collection.
 *
 * @category combinators
 * @since 0.2.0
 */
export const linkTo = (context: Context, path: string, options: QueryOptions): string => {
  const link = `${path}?${formatQuery(options)}`
  return context.settings.nextLinks === "absolute" ? context.serviceRoot + link : link
}

/** Writes a child collection, cut where the instance limits it. */
const childWriter = (context: Context, entity: EntityModel, child: ChildSelection, skipNulls: boolean): Write => {
  const { settings, store } = context
  const { children, expanded, options } = child
  const target = entityOf(store.model, children.target)
  const renderChild: Write =
    expanded === undefined
      ? (row) => `{"@odata.id":${writeString(odataId(context, target, row.id))}}`
      : makeRenderer(context, expanded, skipNulls)
  const name = writeString(children.name).slice(1, -1)
  return (row) => {
    const rows = store.where(target, children.via, row.id)
    const limit = settings.maxChildren()
    if (rows.length <= limit) return `,"${name}":[${rows.map(renderChild).join(",")}]`
    const path = `${odataId(context, entity, row.id)}/${children.name}${expanded === undefined ? "/$ref" : ""}`
    const flags = skipNulls ? [["options", "skipnulls"] as const] : []
    const link = linkTo(context, path, [...options, ...flags, ["$skip", String(limit)]])
    return (
      `,"${name}@odata.count":${rows.length},"${name}":[${rows.slice(0, limit).map(renderChild).join(",")}],` +
      `"${name}@odata.nextLink":${writeString(link)}`
    )
  }
}

/**
 * Prepares the writing of rows. `skipNulls` leaves null members out, in expanded rows too.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRenderer = (context: Context, selection: Selection, skipNulls: boolean): Write => {
  const { settings, store } = context
  const { entity } = selection
  const members: Array<readonly [prefix: string, write: Write]> = []

  for (const attribute of selection.attributes) {
    members.push([
      `,${writeString(attribute.name)}:`,
      (row) => writeValue(readValue(store, entity, row, attribute), attribute.kind, settings.decimalsAsStrings)
    ])
  }
  for (const { expanded, reference } of selection.references) {
    const target = entityOf(store.model, reference.target)
    const renderExpanded = expanded === undefined ? undefined : makeRenderer(context, expanded, skipNulls)
    members.push([
      `,${writeString(reference.name)}:`,
      (row) => {
        const id = row.values[reference.name]
        if (typeof id !== "string") return "null"
        if (renderExpanded === undefined) return `{"@odata.id":${writeString(odataId(context, target, id))}}`
        const found = store.find(target, id)
        return found === undefined ? "null" : renderExpanded(found)
      }
    ])
  }
  const collections = selection.children.map((child) => childWriter(context, entity, child, skipNulls))

  return (row) => {
    let text = `"@odata.id":${writeString(odataId(context, entity, row.id))}`
    for (const [prefix, write] of members) {
      const value = write(row)
      if (!skipNulls || value !== "null") text += prefix + value
    }
    for (const write of collections) text += write(row)
    return `{${text}}`
  }
}
