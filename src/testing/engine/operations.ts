/**
 * The operations of single entities: actions such as `ChangeState`, and functions that list allowed values.
 */

import type { Context, Writing } from "../data/context.ts"
import { type Row, stored, type Value } from "../data/store.ts"
import { allTexts, displayText, isComplex, memberValue, partOf } from "../data/values.ts"
import { malformed, notSupported, type Refusal, refused, unknownProperty } from "../model/errors.ts"
import { writeString } from "../model/jsonText.ts"
import { type Attribute, type EntityModel, entityOf, isA, type Model } from "../model/model.ts"
import { isObject, type JsonObject } from "../odata/body.ts"
import { odataId, writeValue } from "../odata/render.ts"
import { splitTopLevel } from "../odata/select.ts"
import { complete, current, initialValues, numbersItself, recalculate } from "./rules.ts"
import { isReadOnly } from "./save.ts"

const documentBase = "General_Documents_Documents"

const textParameter = (json: JsonObject, name: string): string | undefined => {
  const value = json[name] ?? undefined
  if (value === undefined || typeof value === "string") return value
  throw malformed(`The parameter '${name}' has to be a string.`)
}

const documentNo = (row: Row): string => String(stored(row, "DocumentNo"))

const number = (model: Model, row: Row, state: string): number => {
  const attribute = entityOf(model, row.set).attributes.get("State")
  const value = attribute && memberValue(model, attribute, state)
  if (value === undefined) throw malformed(`The document state '${state}' does not exist.`)
  return value
}

const checkNotVoid = (row: Row): void => {
  if (stored(row, "Void") === true) throw refused(`The document '${documentNo(row)}' is void.`)
}

const moveTo = (context: Writing, row: Row, state: string): void => {
  const { now, store } = context
  const [from, to] = [number(store.model, row, String(stored(row, "State"))), number(store.model, row, state)]
  checkNotVoid(row)
  // a released document only moves on; adjustments are documents of their own
  if (state === "Adjustment" || (from >= 30 && to <= from)) throw cannotMove(row, state)
  context.exempt.add(row.id)
  store.update(row.set, row.id, {
    State: state,
    ...(to >= 30 && from < 30 ? { ReleaseTime: now } : {}),
    ...(to >= 40 && from < 40 ? { CompleteTime: now } : {})
  })
}

const cannotMove = (row: Row, state: string): Refusal =>
  refused(
    `The state of the document '${documentNo(row)}' cannot be changed from ${String(stored(row, "State"))} to ${state}.`
  )

/** Does something to an entity; what it returns is the entity to answer with. */
type BoundAction = (context: Writing, row: Row, json: JsonObject) => Row | undefined

const changeState: BoundAction = (context, row, json) => {
  const state = textParameter(json, "newState")
  if (state === undefined) throw malformed("The parameter 'newState' is missing.")
  const userStatus = json["userStatus"] ?? null
  if (userStatus !== null && !isObject(userStatus)) {
    throw malformed("The parameter 'userStatus' has to be an object with '@odata.id'.")
  }
  moveTo(context, row, state)
  return undefined
}

const makeVoid: BoundAction = (context, row, json) => {
  checkNotVoid(row)
  context.exempt.add(row.id)
  context.store.update(row.set, row.id, {
    Void: true,
    VoidReason: textParameter(json, "reason") ?? null,
    VoidTime: context.now,
    VoidUser: context.user
  })
  return undefined
}

const completeDocument: BoundAction = (context, row) => {
  if (stored(row, "State") !== "Released") throw cannotMove(row, "Completed")
  moveTo(context, row, "Completed")
  return undefined
}

const recalculateDocument: BoundAction = (context, row) => {
  if (isReadOnly(context.store.model, row)) {
    throw refused(`The document '${documentNo(row)}' is released and cannot be modified.`)
  }
  recalculate(context, row)
  return undefined
}

/** Members that a copy has of its own, or not at all. */
const isOwn = (entity: EntityModel, name: string): boolean =>
  numbersItself(entity, name) ||
  name === "ExternalId" ||
  name === "ExternalSystem" ||
  name === "MasterDocument" ||
  (name === entity.code && entity.attributes.get(name)?.required !== true)

/** Codes that have to be there, and to be others than those of the original. */
const isCode = (entity: EntityModel, attribute: Attribute): boolean =>
  attribute.unique || (attribute.name === entity.code && attribute.required && !numbersItself(entity, attribute.name))

const copyRow = (context: Writing, row: Row, owner: { readonly via: string; readonly id: string } | undefined): Row => {
  const { model } = context.store
  const entity = entityOf(model, row.set)
  const kept = Object.entries(row.values).filter(
    ([name]) => !isOwn(entity, name) && entity.attributes.get(name)?.readOnly !== true
  )
  const codes = [...entity.attributes.values()].filter((attribute) => isCode(entity, attribute))
  const copy: Row = {
    id: context.random.guid(),
    set: row.set,
    values: {
      ...initialValues(context, entity),
      ...Object.fromEntries(kept),
      ...Object.fromEntries(codes.map(({ name }) => [name, freeText(context, entity, name, row)])),
      ...(owner === undefined ? {} : { [owner.via]: owner.id })
    }
  }
  context.store.insert(copy)
  complete(context, copy)
  for (const { target, via } of entity.children.values()) {
    for (const child of context.store.where(entityOf(model, target), via, row.id)) {
      copyRow(context, child, { via, id: copy.id })
    }
  }
  return current(context, copy)
}

/** A value that no row has yet: the one copied with a number. */
const freeText = (context: Writing, entity: EntityModel, name: string, row: Row): Value => {
  const text = stored(row, name)
  for (let copy = 2; typeof text === "string"; copy++) {
    const candidate = `${text}-${copy}`
    if (context.store.where(entity, name, candidate).length === 0) return candidate
  }
  return text
}

const everyEntity: Readonly<Record<string, BoundAction>> = {
  CreateCopy: (context, row) => copyRow(context, row, undefined),
  CreateNotification: () => undefined
}

const documents: Readonly<Record<string, BoundAction>> = {
  ChangeState: changeState,
  Complete: completeDocument,
  MakeVoid: makeVoid,
  Recalculate: recalculateDocument
}

const operationName = (segment: string): string => segment.replace(/^Erp\./, "").replace(/\(.*$/s, "")

/**
 * The action of an entity that a path segment names.
 *
 * @category combinators
 * @since 0.1.0
 */
export const boundAction = (entity: EntityModel, segment: string): BoundAction => {
  const name = operationName(segment)
  const isDocument = isA(entity, documentBase)
  const action = Object.hasOwn(everyEntity, name)
    ? everyEntity[name]
    : isDocument && Object.hasOwn(documents, name)
      ? documents[name]
      : undefined
  if (action === undefined) throw notSupported(`The action '${name}' of 'Erp.${entity.type}' is not supported.`)
  return action
}

// --- functions -------------------------------------------------------------------------------------------------------

type Parameters = ReadonlyMap<string, string | null>

const readParameters = (segment: string): Parameters => {
  const inner = /\(([\s\S]*)\)$/.exec(segment)?.[1] ?? ""
  const parts = inner.trim() === "" ? [] : splitTopLevel(inner, ",")
  return new Map(
    parts.map((part) => {
      const [, name = "", text = ""] = /^(\w+)\s*=\s*([\s\S]*)$/.exec(part) ?? []
      if (name === "") throw malformed(`The parameters '${inner}' are not valid.`)
      const quoted = /^'((?:[^']|'')*)'$/.exec(text)?.[1]
      return [name, text === "null" ? null : (quoted?.replaceAll("''", "'") ?? text)]
    })
  )
}

const page = <A>(items: ReadonlyArray<A>, parameters: Parameters): ReadonlyArray<A> => {
  const read = (name: string, fallback: number): number => {
    const text = parameters.get(name) ?? null
    if (text === null) return fallback
    if (!/^\d{1,9}$/.test(text)) throw malformed(`The parameter '${name}' has to be a number.`)
    return Number(text)
  }
  const skip = read("skip", 0)
  return items.slice(skip, skip + read("top", 10))
}

const collection = (context: Context, type: string, items: ReadonlyArray<string>): string =>
  `{"@odata.context":${writeString(`${context.serviceRoot}$metadata#Collection(Erp.${type})`)},"value":[${items.join(",")}]}`

interface Allowed {
  readonly value: string
  readonly text: string
}

const allowedValues = (context: Context, entity: EntityModel, name: string): ReadonlyArray<Allowed> => {
  const { store } = context
  const attribute = entity.attributes.get(name)
  const reference = entity.references.get(name)
  if (attribute?.kind === "enum") {
    return [...(store.model.enums.get(attribute.enumName ?? "")?.keys() ?? [])].map((value) => ({ value, text: value }))
  }
  if (reference !== undefined) {
    const target = entityOf(store.model, reference.target)
    return store
      .sorted(target)
      .map((row) => ({ value: odataId(context, target, row.id), text: displayText(store, row) }))
  }
  if (attribute === undefined) throw unknownProperty(name, entity.type)
  return []
}

const propertyAllowedValues = (context: Context, entity: EntityModel, parameters: Parameters): string => {
  const name = parameters.get("propertyName") ?? ""
  const search = (parameters.get("search") ?? "").toLowerCase()
  const found = allowedValues(context, entity, name).filter(({ text }) => text.toLowerCase().includes(search))
  const items = page(found, parameters).map(
    ({ text, value }) => `{"Value":${writeString(value)},"Text":${writeString(text)}}`
  )
  return collection(context, "ValueTextPair", items)
}

/** The name of the member that holds a custom property: everything but letters, digits and `_` is escaped. */
const customPropertyName = (code: string): string =>
  `CustomProperty_${[...code]
    .map((char) =>
      /\w/.test(char) ? char : `_u${Buffer.from(char, "utf8").toString("hex").toUpperCase().padStart(4, "0")}`
    )
    .join("")}`

/** Assumed: the values in use are the allowed ones, by their text. */
const allowedCustomValues = (context: Context, entity: EntityModel, parameters: Parameters): string => {
  const { settings, store } = context
  const name = customPropertyName(parameters.get("customPropertyCode") ?? "")
  if (entity.attributes.get(name)?.kind !== "custom") throw unknownProperty(name, entity.type)
  const search = (parameters.get("search") ?? "").toLowerCase()
  const isExact = parameters.get("exactMatch") === "true"
  const used = new Map<string, Value>()
  for (const row of store.sorted(entity)) {
    const value = stored(row, name)
    const text = partOf(value, "Value")
    if (typeof text === "string") used.set(text, value)
  }
  const matches = (text: string, value: Value): boolean => {
    if (isExact) return search === "" || text.toLowerCase() === search
    const texts = [text, ...(isComplex(value) ? allTexts(value["Description"] ?? null) : [])]
    return texts.some((candidate) => candidate.toLowerCase().includes(search))
  }
  const found = [...used].filter(([text, value]) => matches(text, value)).sort(([a], [b]) => (a < b ? -1 : 1))
  if (parameters.get("orderByDescription") === "true") {
    const described = (value: Value): string =>
      allTexts(isComplex(value) ? (value["Description"] ?? null) : null)[0] ?? ""
    found.sort(([, a], [, b]) => described(a).localeCompare(described(b), "en"))
  }
  const items = page(found, parameters).map(([, value]) => writeValue(value, "custom", settings.decimalsAsStrings))
  return collection(context, "Systems_Bpm_CustomPropertyValue", items)
}

const functions: Readonly<Record<string, (context: Context, entity: EntityModel, parameters: Parameters) => string>> = {
  GetAllowedCustomPropertyValues: allowedCustomValues,
  GetPropertyAllowedValues: propertyAllowedValues
}

/**
 * The answer of a function of an entity; `undefined` when the path segment names none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const boundFunction = (context: Context, entity: EntityModel, segment: string): string | undefined => {
  const name = operationName(segment)
  return Object.hasOwn(functions, name) ? functions[name]?.(context, entity, readParameters(segment)) : undefined
}
