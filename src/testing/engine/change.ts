/**
 * Requests that change a set, an entity, or what an action of an entity changes.
 */

import type { Context, Target, Writing } from "../data/context.ts"
import type { Row } from "../data/store.ts"
import { notSupported } from "../model/errors.ts"
import { entityOf } from "../model/model.ts"
import type { DomainReply, DomainRequest } from "../model/types.ts"
import { readObject } from "../odata/body.ts"
import { parseQuery, type QueryOptions } from "../odata/query.ts"
import { createChild, deleteObject, patchObject, writeObject } from "./applyBody.ts"
import { readRow } from "./entity.ts"
import { execute } from "./execute.ts"
import { boundAction } from "./operations.ts"
import { emptyReply, json, methodRefusal, readResource, splitPath } from "./resource.ts"

/** The answer with an entity that a write made or found. */
const entityReply = (writing: Writing, row: Row | undefined, isNew: boolean, options: QueryOptions): DomainReply => {
  if (row === undefined) return emptyReply(204)
  const entity = entityOf(writing.store.model, row.set)
  const name = writing.nameOf(row.set)
  // the checks of saving have left their marks since
  const saved = writing.store.find(entity, row.id) ?? row
  const reply = json(writing.settings, readRow(writing, entity, name, saved, options))
  return isNew
    ? { ...reply, status: 201, headers: { ...reply.headers, location: `${writing.serviceRoot}${name}(${row.id})` } }
    : reply
}

const isInserted = (writing: Writing, row: Row | undefined): boolean =>
  row !== undefined && writing.store.changes.get(row.set)?.get(row.id)?.kind === "insert"

/**
 * Answers a POST request: a new entity, or an action of an existing one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const post = (context: Context, target: Target, request: DomainRequest): DomainReply => {
  const [first = "", second, ...rest] = splitPath(request.path)
  const { entity, row } = readResource(context, request, first)
  const options = parseQuery(request.query)
  const body = readObject(request.body)
  const show = (writing: Writing, written: Row | undefined): DomainReply =>
    entityReply(writing, written, isInserted(writing, written), options)
  if (row === undefined) {
    if (second !== undefined) throw notSupported(`The path '${request.path}' is not supported.`)
    return execute(context, target, (writing) => writeObject(writing, entity, body, "create"), show)
  }
  if (second === undefined) throw methodRefusal(request)
  if (rest.length > 0) throw notSupported(`The path '${request.path}' is not supported.`)
  const own = entityOf(context.store.model, row.set)
  const children = target.contentIds.size > 0 ? own.children.get(second) : undefined
  if (children !== undefined) {
    return execute(context, target, (writing) => createChild(writing, row, children, body), show)
  }
  const action = boundAction(own, second)
  return execute(
    context,
    target,
    (writing) => action(writing, row, body),
    (writing, result) =>
      result === undefined
        ? emptyReply(context.settings.emptyActionStatus)
        : entityReply(writing, result, false, options)
  )
}

/**
 * Answers a PATCH or DELETE request.
 *
 * @category combinators
 * @since 0.1.0
 */
export const change = (context: Context, target: Target, request: DomainRequest): DomainReply => {
  const [first = "", ...rest] = splitPath(request.path)
  const { row } = readResource(context, request, first)
  if (row === undefined || rest.length > 0) throw methodRefusal(request)
  const empty = (): DomainReply => emptyReply(204)
  if (request.method === "DELETE") {
    return execute(context, target, (writing) => deleteObject(writing, row), empty)
  }
  const body = readObject(request.body)
  return execute(context, target, (writing) => patchObject(writing, row, body), empty)
}
