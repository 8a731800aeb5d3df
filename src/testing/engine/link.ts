/**
 * Ids of entities in request bodies: `Set(guid)`, absolute or relative, under old and new names.
 */
import type { Writing } from "../data/context.ts"
import type { Row } from "../data/store.ts"
import { malformed, refused } from "../model/errors.ts"
import { readGuid } from "../model/guid.ts"
import { type EntityModel, isRelated } from "../model/model.ts"
import { currentName } from "../model/version.ts"

/** Removes the service root from an address; a path from the root of the host counts as absolute too. */
const relative = (context: Writing, text: string): string => {
  const root = context.serviceRoot
  if (text.startsWith(root)) return text.slice(root.length)
  const path = new URL(root).pathname
  return text.startsWith(path) ? text.slice(path.length) : text
}

/**
 * Finds the row that an entity id names where an entity of a set is expected.
 *
 * @category combinators
 * @since 0.1.0
 */
export const resolveLink = (context: Writing, expected: EntityModel, text: string): Row => {
  const { model } = context.store
  const target = context.contentIds.get(text) ?? text
  const [, name = "", key = ""] = /^([A-Za-z_]\w*)\(([^()]*)\)$/.exec(relative(context, target)) ?? []
  const id = readGuid(key)
  const entity = model.entities.get(currentName(name))
  if (id === undefined || entity === undefined) throw malformed(`The entity id '${text}' is not valid.`)
  if (!isRelated(model, entity.set, expected.set)) {
    throw refused(`The entity id '${text}' does not belong to '${context.nameOf(expected.set)}'.`)
  }
  const row = context.store.find(entity, id)
  if (row === undefined || !expected.storedIn.includes(row.set)) throw refused(`The object '${text}' does not exist.`)
  return row
}
