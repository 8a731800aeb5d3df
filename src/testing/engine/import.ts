/**
 * `Import`: many objects in one request, each with a result of its own.
 */

import type { Context, Target, Writing } from "../data/context.ts"
import { allChanges } from "../data/overlay.ts"
import type { Row } from "../data/store.ts"
import { errorObject, malformed, Refusal, refused } from "../model/errors.ts"
import { writeString } from "../model/jsonText.ts"
import { type EntityModel, entityOf, type Model } from "../model/model.ts"
import { isArray, isObject, type Json, type JsonObject, numberText, readObject } from "../odata/body.ts"
import { odataId } from "../odata/render.ts"
import { type Action, writeObject } from "./applyBody.ts"
import { execute, executeTogether } from "./execute.ts"

interface ImportOptions {
  readonly frontend: boolean
  readonly isAtomic: boolean
  readonly isLogged: boolean
  readonly objects: ReadonlyArray<Json>
}

const oneOf = (json: JsonObject, name: string, fallback: string, allowed: ReadonlyArray<string>): string => {
  const value = json[name] ?? fallback
  if (typeof value === "string" && allowed.includes(value)) return value
  throw malformed(`The parameter '${name}' has to be one of ${allowed.map((text) => `'${text}'`).join(", ")}.`)
}

const readOptions = (body: string): ImportOptions => {
  const json = readObject(body)
  const level = json["loggingLevel"] === undefined ? "2" : numberText(json["loggingLevel"])
  if (level === undefined || !["0", "1", "2"].includes(level)) {
    throw malformed("The parameter 'loggingLevel' has to be 0, 1 or 2.")
  }
  const objects = json["objects"]
  if (!isArray(objects)) throw malformed("The parameter 'objects' has to be an array.")
  return {
    frontend: oneOf(json, "model", "frontend", ["frontend", "common", "backend"]) === "frontend",
    isAtomic: oneOf(json, "transaction", "per-object", ["per-object", "all-objects"]) === "all-objects",
    isLogged: level !== "0",
    objects
  }
}

/** The type is the `Erp.` singular one; the name of the set is accepted too. */
const typeOf = (model: Model, json: JsonObject): EntityModel => {
  const text = json["@odata.type"]
  if (typeof text !== "string") throw malformed("An object to import needs '@odata.type'.")
  const name = text.replace(/^#?Erp\./, "")
  const entity = model.byType.get(name) ?? model.entities.get(name)
  if (entity === undefined) throw malformed(`The type '${text}' of '@odata.type' does not exist.`)
  return entity
}

const importObject = (writing: Writing, json: Json): Row | undefined => {
  if (!isObject(json)) throw malformed("An object to import has to be a JSON object.")
  const fallback: Action = writing.settings.importDefaultAction
  const entity = typeOf(writing.store.model, json)
  const { "@odata.type": _, ...rest } = json
  return writeObject(writing, entity, rest, fallback)
}

/** What became of an object: itself, or something in it. */
const stateOf = (writing: Writing, row: Row): string => {
  const own = writing.store.changes.get(row.set)?.get(row.id)?.kind
  if (own === "insert") return "Added"
  if (own === "delete") return "Deleted"
  return allChanges(writing.store.changes).length > 0 ? "Modified" : "Unchanged"
}

const showSuccess = (writing: Writing, row: Row | undefined): string => {
  if (row === undefined) return `{"@erpnet.result":"success","@erpnet.state":"Unchanged"}`
  const id = odataId(writing, entityOf(writing.store.model, row.set), row.id)
  return `{"@erpnet.result":"success","@odata.id":${writeString(id)},"@erpnet.state":${writeString(stateOf(writing, row))}}`
}

const showFailure = (refusal: Refusal): string =>
  `{"@erpnet.result":"fail","@erpnet.message":${writeString(refusal.message)},"@erpnet.error":${errorObject(refusal)}}`

interface Result {
  readonly text: string
  readonly isFailed: boolean
}

const attempt = (run: () => string): Result => {
  try {
    return { text: run(), isFailed: false }
  } catch (fault) {
    if (fault instanceof Refusal) return { text: showFailure(fault), isFailed: true }
    throw fault
  }
}

/** Every object that would have gone in says why it did not (the text is assumed: nobody documents it). */
const rolledBack = refused("The object was not saved, because another object of the same transaction failed.")

const runAll = (
  context: Context,
  target: Target,
  { frontend, isAtomic, objects }: ImportOptions
): ReadonlyArray<Result> => {
  const one =
    (into: Target) =>
    (json: Json): Result =>
      attempt(() =>
        execute(context, into, (writing) => importObject(writing, json), showSuccess, { frontend, importing: true })
      )
  if (!isAtomic) return objects.map(one(target))
  const results = executeTogether(
    target,
    (inner) => objects.map(one(inner)),
    (all) => all.some((result) => result.isFailed)
  )
  return results.some((result) => result.isFailed)
    ? results.map((result) => (result.isFailed ? result : { text: showFailure(rolledBack), isFailed: true }))
    : results
}

/**
 * Imports objects. The request succeeds even when objects fail; the result tells.
 *
 * @category combinators
 * @since 0.1.0
 */
export const runImport = (context: Context, target: Target, body: string): string => {
  const options = readOptions(body)
  const results = runAll(context, target, options)
  const overall = results.some((result) => result.isFailed) ? "fail" : "success"
  const log = options.isLogged ? `,"data-exchange":"Systems_Exchange_DataExchanges(${target.random.guid()})"` : ""
  return `{"@erpnet.result":"${overall}","objects":[${results.map((result) => result.text).join(",")}]${log}}`
}
