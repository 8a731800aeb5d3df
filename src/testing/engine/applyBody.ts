/**
 * Creating, changing and deleting objects from request bodies: members in the order sent, references and children with
 * them.
 */

import type { Writing } from "../data/context.ts"
import { type Row, stored } from "../data/store.ts"
import { isComplex, partOf } from "../data/values.ts"
import { duplicate, malformed, refused, unknownProperty } from "../model/errors.ts"
import { readGuid } from "../model/guid.ts"
import {
  type Attribute,
  type Children,
  type EntityModel,
  entityOf,
  findAttribute,
  type Reference
} from "../model/model.ts"
import { isArray, isObject, type Json, type JsonObject, numberText } from "../odata/body.ts"
import { measureCode, measured, measureRow, readBodyValue, readMeasure } from "./convert.ts"
import { type Criterion, criterion, isSearchOnly, objectNotFound, severalFound } from "./find.ts"
import { resolveLink } from "./link.ts"
import { complete, current, derive, entered, initialValues } from "./rules.ts"
import { checkVersion, measureMismatch, rootOf } from "./save.ts"

/**
 * What `@erpnet.action` may say.
 *
 * @category models
 * @since 0.1.0
 */
export type Action =
  | "create"
  | "update"
  | "delete"
  | "find"
  | "findOrNull"
  | "findOrCreate"
  | "findSingle"
  | "findSingleOrNull"
  | "merge"

const actions: ReadonlySet<string> = new Set([
  "create",
  "update",
  "delete",
  "find",
  "findOrNull",
  "findOrCreate",
  "findSingle",
  "findSingleOrNull",
  "merge"
])
const isAction = (text: string): text is Action => actions.has(text)

const readAction = (json: JsonObject, fallback: Action): Action => {
  const text = json["@erpnet.action"]
  if (text === undefined || text === null) return fallback
  if (typeof text === "string" && isAction(text)) return text
  throw malformed(`The value of the annotation '@erpnet.action' is not valid.`)
}

/** The owner of the objects in a child collection. */
interface Owner {
  readonly row: Row
  readonly via: string
}

/** What a body with members has set so far, to tell contradictions. */
interface Progress {
  readonly entity: EntityModel
  readonly id: string
  readonly isNew: boolean
  readonly references: Map<string, string | null>
}

const rowOf = (context: Writing, { entity, id }: Progress): Row | undefined => context.store.find(entity, id)

/** The type to create or change: the set's own, or the derived one that `@odata.type` names. */
const typeOf = (context: Writing, entity: EntityModel, json: JsonObject): EntityModel => {
  const text = json["@odata.type"]
  if (text === undefined) return entity
  const name = typeof text === "string" ? /^#?Erp\.(\w+)$/.exec(text)?.[1] : undefined
  const type = name === undefined ? undefined : context.store.model.byType.get(name)
  if (type === undefined) throw malformed(`The type '${String(text)}' of '@odata.type' does not exist.`)
  if (type.set !== entity.set && !entity.storedIn.includes(type.set)) {
    throw malformed(`The type 'Erp.${type.type}' is not derived from 'Erp.${entity.type}'.`)
  }
  return type
}

// --- members ---------------------------------------------------------------------------------------------------------

/** Brings the codes in amounts and quantities in line with a reference that has changed. */
const settleMeasures = (context: Writing, progress: Progress, reference: string): void => {
  for (const attribute of progress.entity.attributes.values()) {
    const { by, kind, name } = attribute
    const row = rowOf(context, progress)
    if (by !== reference || row === undefined || (kind !== "amount" && kind !== "quantity")) continue
    const value = stored(row, name)
    const measure = measureRow(context.store, row, attribute)
    const decimal = partOf(value, "Value")
    if (!isComplex(value) || typeof decimal !== "string" || measure === undefined) continue
    context.store.update(row.set, row.id, { [name]: measured(kind, decimal, measureCode(kind, measure)) })
  }
}

const putReference = (context: Writing, progress: Progress, name: string, id: string | null): void => {
  if (progress.entity.references.get(name)?.readOnly === true) {
    throw refused(`The reference '${name}' of 'Erp.${progress.entity.type}' is read-only.`)
  }
  const before = progress.references.get(name)
  if (before !== undefined && before !== id) {
    throw refused(`The reference '${name}' is given twice with different values.`)
  }
  progress.references.set(name, id)
  context.store.update(progress.entity.set, progress.id, { [name]: id })
  settleMeasures(context, progress, name)
}

const afterEntering = (context: Writing, progress: Progress, name: string): void => {
  const row = rowOf(context, progress)
  if (context.frontend && row !== undefined) entered(context, row, name)
}

const putMeasure = (
  context: Writing,
  progress: Progress,
  attribute: Attribute,
  kind: "amount" | "quantity",
  value: Json
): void => {
  const { name } = attribute
  const measure = readMeasure(context.store, attribute, kind, value)
  if (measure === null) {
    context.store.update(progress.entity.set, progress.id, { [name]: null })
    return
  }
  const row = rowOf(context, progress)
  const own = attribute.by !== undefined && progress.entity.references.has(attribute.by)
  if (measure.row !== undefined && own && attribute.by !== undefined) {
    putReference(context, progress, attribute.by, measure.row.id)
  }
  const effective = row && !(own && measure.row) ? measureRow(context.store, row, attribute) : measure.row
  const measureIs = measure.row ?? effective
  if (measureIs === undefined) {
    throw refused(`The attribute '${name}' has no ${kind === "amount" ? "currency" : "unit"}.`)
  }
  if (effective !== undefined && effective.id !== measureIs.id) {
    throw measureMismatch(attribute, measureCode(kind, measureIs), measureCode(kind, effective))
  }
  context.store.update(progress.entity.set, progress.id, {
    [name]: measured(kind, measure.value, measureCode(kind, measureIs))
  })
}

const maxAdditionalData = 32_000

/** `AdditionalDataJson` holds the text of a JSON object: `""` clears it, null leaves it as it is. */
const putAdditionalData = (context: Writing, progress: Progress, value: Json): void => {
  if (value === null) return
  let isObjectText = false
  if (typeof value === "string" && value !== "") {
    try {
      isObjectText = isObject(JSON.parse(value))
    } catch {
      isObjectText = false
    }
  }
  if (typeof value !== "string" || (value !== "" && !isObjectText)) {
    throw refused("The value of the attribute 'AdditionalDataJson' has to be the text of a JSON object.")
  }
  if (value.length > maxAdditionalData) {
    throw refused(`The value of the attribute 'AdditionalDataJson' is longer than ${maxAdditionalData} characters.`)
  }
  context.store.update(progress.entity.set, progress.id, { AdditionalDataJson: value === "" ? null : value })
}

const putAttribute = (context: Writing, progress: Progress, attribute: Attribute, value: Json): void => {
  const { entity, id } = progress
  if (attribute.readOnly || attribute.calculated) {
    throw refused(`The attribute '${attribute.name}' of 'Erp.${entity.type}' is read-only.`)
  }
  if (attribute.name === "AdditionalDataJson") putAdditionalData(context, progress, value)
  else if (attribute.kind === "amount" || attribute.kind === "quantity") {
    putMeasure(context, progress, attribute, attribute.kind, value)
  } else {
    context.store.update(entity.set, id, { [attribute.name]: readBodyValue(context.store, attribute, value) })
  }
  afterEntering(context, progress, attribute.name)
}

const referencedId = (context: Writing, reference: Reference, value: Json): string | null => {
  if (value === null) return null
  const target = entityOf(context.store.model, reference.target)
  if (!isObject(value)) {
    throw malformed(`The value of the reference '${reference.name}' has to be an object with '@odata.id', or null.`)
  }
  const link = value["@odata.id"]
  const isLink = Object.keys(value).every((name) => name.startsWith("@") && !name.startsWith("@erpnet."))
  if (isLink) {
    if (typeof link === "string") return resolveLink(context, target, link).id
    throw malformed(`The reference '${reference.name}' has no '@odata.id'.`)
  }
  return writeObject(context, target, value, nestedAction(target, value))?.id ?? null
}

const putBinding = (context: Writing, progress: Progress, name: string, value: Json): void => {
  const reference = progress.entity.references.get(name)
  if (reference === undefined) throw unknownProperty(name, progress.entity.type)
  if (typeof value !== "string") throw malformed(`The value of '${name}@odata.bind' has to be an entity id.`)
  const target = entityOf(context.store.model, reference.target)
  putReference(context, progress, name, resolveLink(context, target, value).id)
  afterEntering(context, progress, name)
}

const putChildren = (context: Writing, progress: Progress, children: Children, value: Json): void => {
  const row = rowOf(context, progress)
  if (!isArray(value) || row === undefined) throw malformed(`The value of '${children.name}' has to be an array.`)
  const target = entityOf(context.store.model, children.target)
  for (const item of value) {
    if (!isObject(item)) throw malformed(`The items of '${children.name}' have to be objects.`)
    writeObject(context, target, item, nestedAction(target, item), { row, via: children.via })
  }
}

/** Remembers the version that the client expects; a difference ends the request. */
const expectVersion = (context: Writing, progress: Progress, value: Json): void => {
  if (progress.isNew || value === null) return
  const version = numberText(value)
  if (version === undefined) throw malformed("The value of 'ObjectVersion' has to be a number.")
  const expected = { set: progress.entity.set, id: progress.id, version }
  checkVersion(context, context.store.below, expected)
  context.expected.push(expected)
}

const putKey = (progress: Progress, value: Json): void => {
  const id = typeof value === "string" ? readGuid(value) : undefined
  if (id !== progress.id) throw refused("The attribute 'Id' cannot be changed.")
}

const applyMembers = (context: Writing, progress: Progress, json: JsonObject): void => {
  const { entity } = progress
  for (const [name, value] of Object.entries(json)) {
    const at = name.indexOf("@")
    if (at >= 0) {
      if (at > 0 && name.endsWith("@odata.bind")) putBinding(context, progress, name.slice(0, at), value)
      continue
    }
    const reference = entity.references.get(name)
    const children = entity.children.get(name)
    const attribute = findAttribute(entity, name, context.version)
    if (reference !== undefined) {
      putReference(context, progress, name, referencedId(context, reference, value))
      afterEntering(context, progress, name)
    } else if (children !== undefined) putChildren(context, progress, children, value)
    else if (attribute === undefined) throw unknownProperty(name, entity.type)
    else if (entity.keys.has(name)) putKey(progress, value)
    else if (name === "ObjectVersion") expectVersion(context, progress, value)
    else putAttribute(context, progress, attribute, value)
  }
}

// --- objects ---------------------------------------------------------------------------------------------------------

const newId = (context: Writing, entity: EntityModel, json: JsonObject): string => {
  const text = json["Id"] ?? null
  if (text === null) return context.random.guid()
  const id = typeof text === "string" ? readGuid(text) : undefined
  if (id === undefined) throw malformed("The value of 'Id' has to be a guid.")
  if (context.store.find(entity, id) !== undefined) throw duplicate(entity.table, `PK_${entity.table}`, id)
  return id
}

const checkWritable = (entity: EntityModel): void => {
  if (entity.view === true) throw refused(`The entity set '${entity.set}' is read-only.`)
}

const createObject = (context: Writing, set: EntityModel, json: JsonObject, owner: Owner | undefined): Row => {
  const entity = typeOf(context, set, json)
  checkWritable(entity)
  if (entity.abstract) {
    throw refused(
      `The type 'Erp.${entity.type}' is abstract: an object needs '@odata.type' with one of the types derived from it.`
    )
  }
  const id = newId(context, entity, json)
  const values = initialValues(context, entity)
  const row: Row = {
    id,
    set: entity.set,
    values: owner === undefined ? values : { ...values, [owner.via]: owner.row.id }
  }
  context.store.insert(row)
  applyMembers(context, { entity, id, isNew: true, references: new Map() }, json)
  complete(context, row)
  return current(context, row)
}

const updateObject = (context: Writing, row: Row, json: JsonObject): Row => {
  const entity = entityOf(context.store.model, row.set)
  checkWritable(entity)
  if (typeOf(context, entity, json).set !== entity.set) throw refused("The type of an object cannot be changed.")
  applyMembers(context, { entity, id: row.id, isNew: false, references: new Map() }, json)
  derive(context, row)
  return current(context, row)
}

const nestedAction = (entity: EntityModel, json: JsonObject): Action => {
  const isFind =
    Object.keys(json).some((name) => !name.startsWith("@") || name === "@erpnet.findBy") && isSearchOnly(entity, json)
  return isFind ? "find" : "merge"
}

/**
 * Does what a body says, and returns the object it is about; `undefined` where an action allows that there is none.
 * `fallback` is the action of a body that names none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const writeObject = (
  context: Writing,
  set: EntityModel,
  json: JsonObject,
  fallback: Action,
  owner?: Owner
): Row | undefined => {
  const action = readAction(json, fallback)
  const entity = typeOf(context, set, json)
  const create = (): Row => createObject(context, set, json, owner)
  if (action === "create") return create()
  const by: Criterion | undefined = criterion(context, entity, json)
  const candidates = by?.rows() ?? []
  const rows = owner === undefined ? candidates : candidates.filter((row) => row.values[owner.via] === owner.row.id)
  const [row] = rows
  const found = (): Row => {
    if (row === undefined) throw objectNotFound(entity, action, by)
    return row
  }
  switch (action) {
    case "find":
      return found()
    case "findOrNull":
      return row
    case "findOrCreate":
      return row ?? create()
    case "findSingle":
      if (rows.length > 1) throw severalFound(entity, action, by)
      return found()
    case "findSingleOrNull":
      return rows.length === 1 ? row : undefined
    case "update":
      return updateObject(context, found(), json)
    case "merge":
      return row === undefined ? create() : updateObject(context, row, json)
    case "delete":
      if (!context.importing) throw refused("The action 'delete' is only possible in an import.")
      return deleteObject(context, found())
  }
}

/**
 * Changes one known object.
 *
 * @category combinators
 * @since 0.1.0
 */
export const patchObject = (context: Writing, row: Row, json: JsonObject): Row => {
  const action = readAction(json, "update")
  if (action !== "update" && action !== "merge") {
    throw refused(`The action '${action}' is not possible when a known object is changed.`)
  }
  return updateObject(context, row, json)
}

/**
 * Creates an object in a child collection, such as `Set(guid)/Prices`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const createChild = (context: Writing, row: Row, children: Children, json: JsonObject): Row | undefined =>
  writeObject(context, entityOf(context.store.model, children.target), json, "create", { row, via: children.via })

const checkUnreferenced = (context: Writing, row: Row): void => {
  if (context.settings.deleteReferenced === "allowed") return
  const { model } = context.store
  for (const entity of model.entities.values()) {
    if (entity.abstract) continue
    for (const { name, owner, target } of entity.references.values()) {
      if (owner || !entityOf(model, target).storedIn.includes(row.set)) continue
      const other = context.store.where(entity, name, row.id).find(({ id }) => id !== row.id)
      if (other !== undefined && rootOf(context.store, other).id !== row.id) {
        throw refused(
          `The object '${row.set}(${row.id})' is used by '${other.set}(${other.id})' and cannot be deleted.`
        )
      }
    }
  }
}

/**
 * Deletes an object together with what it owns, and returns it as it was.
 *
 * @category combinators
 * @since 0.1.0
 */
export const deleteObject = (context: Writing, row: Row): Row => {
  const { model } = context.store
  checkUnreferenced(context, row)
  for (const entity of model.entities.values()) {
    for (const { name, owner, target } of entity.references.values()) {
      if (!owner || !entityOf(model, target).storedIn.includes(row.set)) continue
      for (const child of context.store.where(entity, name, row.id)) deleteObject(context, child)
    }
  }
  context.store.remove(row.set, row.id)
  return row
}
