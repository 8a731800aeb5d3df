/**
 * Paths in `$filter` and `$orderby`: `Number`, `Party/PartyName`, `QuantityValue`.
 */
import type { Context } from "../data/context.ts"
import type { Row, Value } from "../data/store.ts"
import { partOf, readValue, referenced } from "../data/values.ts"
import { notSupported, unknownProperty } from "../model/errors.ts"
import { type Attribute, type EntityModel, entityOf, findAttribute, type Reference } from "../model/model.ts"

/**
 * Where a path ends, and how to get there from a row.
 *
 * @category models
 * @since 0.1.0
 */
export type Target = {
  readonly path: string
  /** The entity type that has the last member. */
  readonly entity: EntityModel
  /** The row that has the last member; `undefined` when a reference on the way is null. */
  readonly rowOf: (row: Row) => Row | undefined
  readonly read: (row: Row) => Value
} & (
  | { readonly kind: "attribute"; readonly attribute: Attribute }
  /** The decimal in an Amount or Quantity: `{Name}Value`. */
  | { readonly kind: "number"; readonly attribute: Attribute }
  | { readonly kind: "reference"; readonly reference: Reference }
)

const complexNumber = (entity: EntityModel, name: string, version: string): Attribute | undefined => {
  const attribute = name.endsWith("Value") ? findAttribute(entity, name.slice(0, -5), version) : undefined
  return attribute?.kind === "amount" || attribute?.kind === "quantity" ? attribute : undefined
}

/**
 * Resolves a path. A step through a reference is allowed only when it leads to the owner or the reference is tagged as
 * filterable.
 *
 * @category combinators
 * @since 0.1.0
 */
export const resolvePath = (context: Context, start: EntityModel, path: string): Target => {
  const { store, version } = context
  const names = path.split("/")
  const last = names.pop() ?? ""
  let entity = start
  let rowOf = (row: Row): Row | undefined => row
  for (const name of names) {
    const reference = entity.references.get(name)
    if (reference === undefined) {
      throw entity.attributes.has(name) || entity.children.has(name)
        ? notSupported(`The path '${path}' is not supported: '${name}' is not a reference.`)
        : unknownProperty(name, entity.type)
    }
    if (!reference.filterable && !reference.owner) {
      throw notSupported(
        `The path '${path}' is not supported: the reference '${name}' is neither an ownership reference nor tagged as FilterableReference.`
      )
    }
    const from = entity
    const before = rowOf
    rowOf = (row) => {
      const current = before(row)
      return current === undefined ? undefined : referenced(store, from, current, name)
    }
    entity = entityOf(store.model, reference.target)
  }
  const end = entity
  const at = rowOf
  const base = { path, entity: end, rowOf: at }
  const read =
    (attribute: Attribute) =>
    (row: Row): Value => {
      const current = at(row)
      return current === undefined ? null : readValue(store, end, current, attribute)
    }
  const attribute = findAttribute(end, last, version)
  if (attribute !== undefined) return { ...base, kind: "attribute", attribute, read: read(attribute) }
  const decimal = complexNumber(end, last, version)
  if (decimal !== undefined) {
    const value = read(decimal)
    return { ...base, kind: "number", attribute: decimal, read: (row) => partOf(value(row), "Value") }
  }
  const reference = end.references.get(last)
  if (reference !== undefined) {
    return { ...base, kind: "reference", reference, read: (row) => at(row)?.values[last] ?? null }
  }
  throw unknownProperty(last, end.type)
}
