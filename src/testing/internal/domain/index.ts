/**
 * The Domain API of the embedded ERP.net instance: a synchronous function from requests to replies over generated data.
 *
 * It follows the server's documentation on its own and shares no code with the client, so that a misunderstanding in
 * one of them shows.
 */
import { type Context, makeSettings, type Settings } from "./context.ts"
import { errorReply, malformed, notSupported, Refusal } from "./errors.ts"
import { readGuid } from "./guid.ts"
import { jsonHeaders, writeString } from "./json.ts"
import { renderMetadata } from "./metadata.ts"
import { type EntityModel, entityOf } from "./model.ts"
import { checkOptions, hasFlag, readCount, readPage } from "./page.ts"
import { decode, option, parseQuery, type QueryOptions } from "./query.ts"
import { makeRenderer } from "./render.ts"
import { fillStore } from "./seed.ts"
import { parseSelection } from "./select.ts"
import { model } from "./sets.ts"
import { makeStore, type Row, type Store, type Values } from "./store.ts"
import type { Domain, DomainOptions, DomainReply, DomainRequest } from "./types.ts"
import { referenced } from "./values.ts"
import { compareVersions, currentName, nameInVersion, renames } from "./version.ts"

/**
 * A Domain whose data a test can change from outside, as other users of the instance would.
 *
 * @category models
 * @since 0.1.0
 */
export interface EditableDomain extends Domain {
  /** Moves `AggregateLastUpdateTimeUtc` of a row; false when there is no such row. */
  readonly touch: (set: string, id: string, now: number) => boolean
  /** Adds or replaces a row. */
  readonly add: (row: Row) => void
  /** Changes values of a row; false when there is no such row. */
  readonly update: (set: string, id: string, changes: Values) => boolean
  /** Deletes a row; false when there is no such row. */
  readonly remove: (set: string, id: string) => boolean
  /** The ids of a set in the server's default order. */
  readonly ids: (set: string) => ReadonlyArray<string>
}

const singleOptions: ReadonlySet<string> = new Set(["$select", "$expand"])

const json = (settings: Settings, body: string): DomainReply => ({
  status: 200,
  headers: jsonHeaders(settings.decimalsAsStrings),
  body
})

const renamedRefusal = (request: DomainRequest, oldName: string): Refusal =>
  new Refusal(
    "InvalidOperationException",
    [
      `The provided entity set name '${oldName}' is no more supported.`,
      `The new name of this entity is '${currentName(oldName)}'.`,
      `List of all entity renames can be found at ${request.serviceRoot}GetRenamedEntityTypes.`
    ].join("\r\n")
  )

/** Finds the set for a name in a path, by the rules for renamed sets. */
const findSet = (store: Store, settings: Settings, request: DomainRequest, name: string): EntityModel => {
  const current = currentName(name)
  const entity = store.model.entities.get(current)
  const unknown = malformed(`Resource not found for the segment '${name}'.`, settings.unknownSetStatus)
  if (settings.renamedNames === "accept") {
    if (entity !== undefined) return entity
    throw current === name ? unknown : renamedRefusal(request, name)
  }
  if (nameInVersion(current, request.version) === name && entity !== undefined) return entity
  const rename = renames.find((candidate) => candidate.oldName === name)
  throw rename !== undefined && compareVersions(request.version, rename.version) >= 0
    ? renamedRefusal(request, name)
    : unknown
}

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

const readRow = (context: Context, entity: EntityModel, name: string, row: Row, options: QueryOptions): string => {
  checkOptions(options, singleOptions)
  const selection = parseSelection(
    context,
    entity,
    option(options, "$select"),
    option(options, "$expand"),
    hasFlag(options, "includeid")
  )
  const text = makeRenderer(context, selection, hasFlag(options, "skipnulls"))(row)
  return `{"@odata.context":${writeString(`${context.serviceRoot}$metadata#${name}/$entity`)},${text.slice(1)}`
}

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

const read = (context: Context, request: DomainRequest): DomainReply => {
  const { settings, store } = context
  const options = parseQuery(request.query)
  const segments = request.path
    .replace(/\/$/, "")
    .split("/")
    .map((segment) => decode(segment, false))
  const [first = "", ...rest] = segments
  if (rest.length === 0) {
    if (first === "") return json(settings, serviceDocument(context))
    if (first === "$metadata") {
      return {
        status: 200,
        headers: { "content-type": "application/xml", "odata-version": "4.0" },
        body: renderMetadata(context)
      }
    }
    if (/^GetVersion(\(\))?$/.test(first)) return json(settings, versionObject(context))
    if (/^GetRenamedEntityTypes(\(\))?$/.test(first)) return json(settings, renamedTypes(context))
  }
  const [, name = "", key] = /^([^()]*)(?:\((.*)\))?$/s.exec(first) ?? []
  if (name === "") throw malformed(`Resource not found for the segment '${first}'.`, settings.unknownSetStatus)
  const entity = findSet(store, settings, request, name)
  if (key === undefined) {
    if (rest.length === 0) return json(settings, readPage(context, entity, name, options))
    if (rest.length === 1 && rest[0] === "$count") {
      return {
        status: 200,
        headers: { "content-type": "text/plain", "odata-version": "4.0" },
        body: String(readCount(context, entity, options))
      }
    }
    throw notSupported(`The path '${segments.join("/")}' is not supported.`)
  }
  const id = readGuid(key)
  if (id === undefined) throw malformed(`The key '${key}' is not valid: expected a guid without quotes.`)
  const row = store.find(entity, id)
  if (row === undefined) {
    throw malformed(`The entity '${name}(${id})' was not found.`, settings.missingKeyStatus)
  }
  return json(
    settings,
    rest.length === 0 ? readRow(context, entity, name, row, options) : readCast(context, entity, row, rest, options)
  )
}

/** Scopes were checked before; reading is all there is. */
const answer = (context: Context, request: DomainRequest): DomainReply => {
  if (request.method === "GET") return read(context, request)
  if (request.method === "HEAD") return { ...read(context, request), body: "" }
  throw notSupported(`The requested resource does not support http method '${request.method}'.`, 405)
}

/**
 * Makes a Domain with its own generated data.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: DomainOptions): EditableDomain => {
  const settings = makeSettings(options)
  const store = makeStore(model)
  fillStore(store, {
    seed: options.seed ?? 1,
    customers: options.customers ?? 300,
    products: options.products ?? 150,
    salesOrders: options.salesOrders ?? 400
  })
  return {
    handle: (request) => {
      const context: Context = {
        store,
        settings,
        version: request.version,
        serviceRoot: request.serviceRoot,
        nameOf: (set) => (settings.renamedNames === "accept" ? set : nameInVersion(set, request.version))
      }
      try {
        return answer(context, request)
      } catch (fault) {
        if (fault instanceof Refusal) return errorReply(fault, settings.errorBody)
        throw fault
      }
    },
    touch: (set, id, now) => store.update(set, id, { AggregateLastUpdateTimeUtc: now }),
    add: store.insert,
    update: store.update,
    remove: store.remove,
    ids: (set) => store.sorted(entityOf(model, set)).map((row) => row.id)
  }
}
