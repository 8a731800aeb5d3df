/**
 * Finding the object that a request body is about: `@erpnet.findBy`, or the keys among its data.
 */

import type { Writing } from "../data/context.ts"
import { type Row, stored } from "../data/store.ts"
import { allTexts, searchTexts, valueAt } from "../data/values.ts"
import { invalidOperation, malformed, type Refusal } from "../model/errors.ts"
import { readGuid } from "../model/guid.ts"
import type { EntityModel } from "../model/model.ts"
import { isObject, type JsonObject } from "../odata/body.ts"
import { resolveLink } from "./link.ts"

/**
 * What an object is looked for by. Of several candidates, the first by id comes first.
 *
 * @category models
 * @since 0.1.0
 */
export interface Criterion {
  /** As the server shows it, such as `{"Code":"pcs"}`. */
  readonly shown: string
  readonly rows: () => ReadonlyArray<Row>
}

const textOf = (json: JsonObject, name: string): string | undefined => {
  const value = json[name]
  return typeof value === "string" && value !== "" ? value : undefined
}

const byExternalId = (context: Writing, entity: EntityModel, json: JsonObject): Criterion | undefined => {
  const id = textOf(json, "ExternalId")
  const system = textOf(json, "ExternalSystem")
  if (id === undefined || !entity.root) return undefined
  return {
    shown: JSON.stringify({ ExternalId: id, ...(system === undefined ? {} : { ExternalSystem: system }) }),
    rows: () =>
      context.store
        .where(entity, "ExternalId", id)
        .filter(
          (row) => system === undefined || String(stored(row, "ExternalSystem")).toLowerCase() === system.toLowerCase()
        )
  }
}

const byId = (context: Writing, entity: EntityModel, json: JsonObject): Criterion | undefined => {
  const text = textOf(json, "Id")
  if (text === undefined) return undefined
  const id = readGuid(text)
  if (id === undefined) throw malformed(`The key '${text}' is not valid: expected a guid.`)
  return {
    shown: JSON.stringify({ Id: text }),
    rows: () => {
      const row = context.store.find(entity, id)
      return row === undefined ? [] : [row]
    }
  }
}

const byCode = (context: Writing, entity: EntityModel, member: string, code: string, name: string): Criterion => ({
  shown: JSON.stringify({ [name]: code }),
  rows: () =>
    member.includes(".")
      ? context.store
          .sorted(entity)
          .filter((row) => String(valueAt(context.store, row, member)).toLowerCase() === code.toLowerCase())
      : context.store.where(entity, member, code)
})

const contains = (texts: ReadonlyArray<string>, text: string): boolean =>
  texts.some((candidate) => candidate.toLowerCase().includes(text.toLowerCase()))

const byText = (
  context: Writing,
  entity: EntityModel,
  name: string,
  text: string,
  textsOf: (row: Row) => ReadonlyArray<string>
): Criterion => ({
  shown: JSON.stringify({ [name]: text }),
  rows: () => context.store.sorted(entity).filter((row) => contains(textsOf(row), text))
})

const named = (context: Writing, entity: EntityModel, findBy: JsonObject): Criterion | undefined => {
  const keys = byExternalId(context, entity, findBy) ?? byId(context, entity, findBy)
  if (keys !== undefined) return keys
  const code = textOf(findBy, "Code")
  if (code !== undefined && entity.code !== undefined) return byCode(context, entity, entity.code, code, "Code")
  const name = textOf(findBy, "Name")
  const member = entity.search.filter((path) => path !== entity.code).at(-1)
  if (name !== undefined && member !== undefined) {
    return byText(context, entity, "Name", name, (row) => allTexts(valueAt(context.store, row, member)))
  }
  const display = textOf(findBy, "DisplayText")
  return display === undefined
    ? undefined
    : byText(context, entity, "DisplayText", display, (row) => searchTexts(context.store, row))
}

/**
 * What a body says about the object to find: the first criterion of `@erpnet.findBy` in the order ExternalId, Id, Code,
 * Name, DisplayText, or else the first key among the data in the order ExternalId, Id, code member.
 *
 * @category constructors
 * @since 0.1.0
 */
export const criterion = (context: Writing, entity: EntityModel, json: JsonObject): Criterion | undefined => {
  const findBy = json["@erpnet.findBy"]
  if (isObject(findBy)) return named(context, entity, findBy)
  if (findBy !== undefined) throw malformed("The annotation '@erpnet.findBy' has to be an object.")
  const link = textOf(json, "@odata.id")
  if (link !== undefined) {
    return { shown: JSON.stringify({ "@odata.id": link }), rows: () => [resolveLink(context, entity, link)] }
  }
  const keys = byExternalId(context, entity, json) ?? byId(context, entity, json)
  if (keys !== undefined) return keys
  const code = entity.code === undefined ? undefined : textOf(json, entity.code)
  return code === undefined || entity.code === undefined
    ? undefined
    : byCode(context, entity, entity.code, code, entity.code)
}

/**
 * Whether a body holds nothing but what its object is found by.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSearchOnly = (entity: EntityModel, json: JsonObject): boolean => {
  const keys = new Set(["ExternalId", "ExternalSystem", "Id", ...(entity.code === undefined ? [] : [entity.code])])
  return Object.keys(json).every((name) => name.startsWith("@") || keys.has(name))
}

const shortType = (entity: EntityModel): string => entity.type.slice(entity.type.lastIndexOf("_") + 1)

/**
 * The refusal when nothing is found.
 *
 * @category errors
 * @since 0.1.0
 */
export const objectNotFound = (entity: EntityModel, action: string, by: Criterion | undefined): Refusal =>
  invalidFind(`Object not found: ${shortType(entity)}`, action, by)

/**
 * The refusal when more than one object is found (assumed: nobody documents the text).
 *
 * @category errors
 * @since 0.1.0
 */
export const severalFound = (entity: EntityModel, action: string, by: Criterion | undefined): Refusal =>
  invalidFind(`More than one object found: ${shortType(entity)}`, action, by)

const invalidFind = (what: string, action: string, by: Criterion | undefined): Refusal =>
  invalidOperation(`${what}, action: ${action}, findBy: ${by?.shown ?? "{}"}.`)
