/**
 * GET requests: collections, entities, functions, and the documents that describe the service.
 */
import type { Context, Transaction } from "../data/context.ts"
import type { Row } from "../data/store.ts"
import { referenced } from "../data/values.ts"
import { invalidOperation, malformed, notSupported } from "../model/errors.ts"
import { writeString } from "../model/jsonText.ts"
import { type EntityModel, entityOf } from "../model/model.ts"
import type { DomainReply, DomainRequest } from "../model/types.ts"
import { compareVersions, renames } from "../model/version.ts"
import { renderMetadata } from "../odata/metadata.ts"
import { parseQuery, type QueryOptions } from "../odata/query.ts"
import { readRow } from "./entity.ts"
import { boundFunction } from "./operations.ts"
import { readChildren, readCount, readPage } from "./page.ts"
import { isNamed, json, readResource, splitPath } from "./resource.ts"
import { takeChanges } from "./transactions.ts"

const serviceDocument = (context: Context): string => {
  const sets = [...context.store.model.entities.values()].map((entity) => {
    const name = writeString(context.nameOf(entity.set))
    return `{"name":${name},"kind":"EntitySet","url":${name}}`
  })
  return `{"@odata.context":${writeString(`${context.serviceRoot}$metadata`)},"value":[${sets.join(",")}]}`
}

const renamedTypes = (context: Context): string => {
  const items = renames
    .filter((rename) => compareVersions(context.version, rename.version) >= 0)
    .map(
      ({ newName, oldName, version }) =>
        `{"OldName":${writeString(oldName)},"NewName":${writeString(newName)},"Version":${writeString(version)}}`
    )
  const type = writeString(`${context.serviceRoot}$metadata#Collection(Erp.OpenObject)`)
  return `{"@odata.context":${type},"value":[${items.join(",")}]}`
}

const versionObject = (context: Context): string =>
  `{"@odata.context":${writeString(`${context.serviceRoot}$metadata#Erp.OpenObject`)},"version":${writeString(context.version)}}`

/** What lies below one entity: only a reference with a type cast, such as `Parent/Erp.Crm_Presales_Offer`. */
const readCast = (
  context: Context,
  entity: EntityModel,
  row: Row,
  segments: ReadonlyArray<string>,
  options: QueryOptions
): string => {
  const [name = "", cast = "", ...rest] = segments
  const target = cast.startsWith("Erp.") ? context.store.model.byType.get(cast.slice(4)) : undefined
  if (rest.length > 0 || !entity.references.has(name) || target === undefined) {
    throw notSupported(
      `The path below '${context.nameOf(entity.set)}' is not supported: only one entity segment is allowed.`
    )
  }
  const found = referenced(context.store, entity, row, name)
  if (found === undefined || !target.storedIn.includes(found.set)) {
    throw malformed(`There is no '${cast}' at '${name}'.`, context.settings.missingKeyStatus)
  }
  return readRow(context, target, context.nameOf(target.set), found, options)
}

/**
 * The transaction that an operation cannot do without.
 *
 * @category guards
 * @since 0.1.0
 */
export const inTransaction = (transaction: Transaction | undefined, name: string): Transaction => {
  if (transaction === undefined) throw invalidOperation(`${name} needs the header TransactionId.`)
  return transaction
}

/**
 * Answers a GET request.
 *
 * @category combinators
 * @since 0.1.0
 */
export const read = (context: Context, request: DomainRequest, transaction: Transaction | undefined): DomainReply => {
  const { settings } = context
  const options = parseQuery(request.query)
  const [first = "", ...rest] = splitPath(request.path)
  if (rest.length === 0) {
    if (first === "") return json(settings, serviceDocument(context))
    if (first === "$metadata") {
      return {
        status: 200,
        headers: { "content-type": "application/xml", "odata-version": "4.0" },
        body: renderMetadata(context)
      }
    }
    if (isNamed(first, "GetVersion")) return json(settings, versionObject(context))
    if (isNamed(first, "GetRenamedEntityTypes")) return json(settings, renamedTypes(context))
    if (isNamed(first, "GetChanges") || isNamed(first, "WaitForChanges")) {
      return json(settings, takeChanges(context, inTransaction(transaction, first)))
    }
  }
  const { entity, name, row } = readResource(context, request, first)
  if (row === undefined) {
    if (rest.length === 0) return json(settings, readPage(context, entity, name, options))
    if (rest.length === 1 && rest[0] === "$count") {
      return {
        status: 200,
        headers: { "content-type": "text/plain", "odata-version": "4.0" },
        body: String(readCount(context, entity, options))
      }
    }
    throw notSupported(`The path '${[first, ...rest].join("/")}' is not supported.`)
  }
  const [second = "", ...more] = rest
  const children = settings.cutsChildren ? entityOf(context.store.model, row.set).children.get(second) : undefined
  const idsOnly = more.length === 1 && more[0] === "$ref"
  if (children !== undefined && (more.length === 0 || idsOnly)) {
    return json(settings, readChildren(context, row, children, [first, ...rest].join("/"), idsOnly, options))
  }
  const result = more.length === 0 ? boundFunction(context, entity, second) : undefined
  if (result !== undefined) return json(settings, result)
  return json(
    settings,
    rest.length === 0 ? readRow(context, entity, name, row, options) : readCast(context, entity, row, rest, options)
  )
}
