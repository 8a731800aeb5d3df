/**
 * What a path names, and the replies that need no more than that.
 */
import type { Context, Settings } from "../data/context.ts"
import type { Row, Store } from "../data/store.ts"
import { malformed, notSupported, Refusal } from "../model/errors.ts"
import { readGuid } from "../model/guid.ts"
import { jsonHeaders } from "../model/jsonText.ts"
import type { EntityModel } from "../model/model.ts"
import type { DomainReply, DomainRequest } from "../model/types.ts"
import { compareVersions, currentName, nameInVersion, renames } from "../model/version.ts"
import { decode } from "../odata/query.ts"

/**
 * A reply with JSON text.
 *
 * @category constructors
 * @since 0.1.0
 */
export const json = (settings: Settings, body: string): DomainReply => ({
  status: 200,
  headers: jsonHeaders(settings.decimalsAsStrings),
  body
})

/**
 * A reply without a body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const emptyReply = (status: number): DomainReply => ({ status, headers: { "odata-version": "4.0" }, body: "" })

/**
 * The refusal of a method that a resource does not take.
 *
 * @category errors
 * @since 0.1.0
 */
export const methodRefusal = (request: DomainRequest): Refusal =>
  notSupported(`The requested resource does not support http method '${request.method}'.`, 405)

/**
 * The segments of a path, decoded.
 *
 * @category constructors
 * @since 0.1.0
 */
export const splitPath = (path: string): ReadonlyArray<string> =>
  path
    .replace(/\/$/, "")
    .split("/")
    .map((segment) => decode(segment, false))

/**
 * Whether a segment names a function or action without parameters, with or without parentheses.
 *
 * @category guards
 * @since 0.1.0
 */
export const isNamed = (segment: string, name: string): boolean => segment === name || segment === `${name}()`

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

/**
 * A set, or one of its entities, as a path names it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resource {
  /** The set's name as it was asked for. */
  readonly name: string
  readonly entity: EntityModel
  readonly row: Row | undefined
}

/**
 * Finds what a path segment such as `Set` or `Set(guid)` names.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readResource = (context: Context, request: DomainRequest, segment: string): Resource => {
  const { settings, store } = context
  const [, name = "", key] = /^([^()]*)(?:\((.*)\))?$/s.exec(segment) ?? []
  if (name === "") throw malformed(`Resource not found for the segment '${segment}'.`, settings.unknownSetStatus)
  const entity = findSet(store, settings, request, name)
  if (key === undefined) return { name, entity, row: undefined }
  const id = readGuid(key)
  if (id === undefined) throw malformed(`The key '${key}' is not valid: expected a guid without quotes.`)
  const row = store.find(entity, id)
  if (row === undefined) throw malformed(`The entity '${name}(${id})' was not found.`, settings.missingKeyStatus)
  return { name, entity, row }
}
