/**
 * The Domain API of the embedded ERP.net instance: a synchronous function from requests to replies over generated data.
 *
 * It follows the server's documentation on its own and shares no code with the client, so that a misunderstanding in
 * one of them shows.
 */
import { type Operation, readBatch, requestOf, writeMultipart, writeNested, writeReply } from "./batch.ts"
import { readObject } from "./body.ts"
import { type Context, makeSettings, type Settings, type Target, type Transaction, type Writing } from "./context.ts"
import { readRow } from "./entity.ts"
import { errorReply, invalidOperation, malformed, notSupported, Refusal } from "./errors.ts"
import { execute, executeTogether } from "./execute.ts"
import { readGuid } from "./guid.ts"
import { runImport } from "./import.ts"
import { jsonHeaders, writeString } from "./json.ts"
import { renderMetadata } from "./metadata.ts"
import { type EntityModel, entityOf } from "./model.ts"
import { boundAction, boundFunction } from "./operations.ts"
import { readCount, readPage } from "./page.ts"
import { decode, parseQuery, type QueryOptions } from "./query.ts"
import { makeRandom, type Random } from "./random.ts"
import { fillStore } from "./seed.ts"
import { model } from "./sets.ts"
import { makeStore, type Row, type Store, type Values } from "./store.ts"
import { hasChanges, makeTransactions, type Transactions, takeChanges } from "./transactions.ts"
import type { Domain, DomainOptions, DomainReply, DomainRequest } from "./types.ts"
import { referenced } from "./values.ts"
import { compareVersions, currentName, nameInVersion, renames } from "./version.ts"
import { createChild, deleteObject, patchObject, writeObject } from "./write.ts"

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
  /** Whether this request has nothing to answer yet: `WaitForChanges` in a transaction without changes. */
  readonly waits: (request: DomainRequest) => boolean
  /** Drops the transactions of a session that has ended. */
  readonly endSession: (session: string) => void
  /** How many transactions are open. */
  readonly transactions: (now: number) => number
  /** The ids of a set in the server's default order. */
  readonly ids: (set: string) => ReadonlyArray<string>
}

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

const splitPath = (path: string): ReadonlyArray<string> =>
  path
    .replace(/\/$/, "")
    .split("/")
    .map((segment) => decode(segment, false))

/** A set, or one of its entities, as a path names it. */
interface Resource {
  /** The set's name as it was asked for. */
  readonly name: string
  readonly entity: EntityModel
  readonly row: Row | undefined
}

const readResource = (context: Context, request: DomainRequest, segment: string): Resource => {
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

const isNamed = (segment: string, name: string): boolean => segment === name || segment === `${name}()`

const read = (context: Context, request: DomainRequest, transaction: Transaction | undefined): DomainReply => {
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
  const result = more.length === 0 ? boundFunction(context, entity, second) : undefined
  if (result !== undefined) return json(settings, result)
  return json(
    settings,
    rest.length === 0 ? readRow(context, entity, name, row, options) : readCast(context, entity, row, rest, options)
  )
}

const inTransaction = (transaction: Transaction | undefined, name: string): Transaction => {
  if (transaction === undefined) throw invalidOperation(`${name} needs the header TransactionId.`)
  return transaction
}

const emptyReply = (status: number): DomainReply => ({ status, headers: { "odata-version": "4.0" }, body: "" })

const methodRefusal = (request: DomainRequest): Refusal =>
  notSupported(`The requested resource does not support http method '${request.method}'.`, 405)

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

const post = (context: Context, target: Target, request: DomainRequest): DomainReply => {
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

const change = (context: Context, target: Target, request: DomainRequest): DomainReply => {
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

const checkScope = (settings: Settings, request: DomainRequest): void => {
  if (!settings.enforceScopes) return
  const isRead = request.method === "GET" || request.method === "HEAD"
  if (request.scopes.includes(isRead ? "read" : "update")) return
  throw isRead || settings.readOnlyWrite === 403
    ? new Refusal("SecurityException", "Forbidden", 403)
    : new Refusal("System.Security.SecurityException", "Access is denied. The token does not have the scope 'update'.")
}

/** What one instance keeps from request to request. */
interface Engine {
  readonly settings: Settings
  readonly store: Store
  readonly random: Random
  readonly transactions: Transactions
}

const contextOf = (engine: Engine, request: DomainRequest, store: Store): Context => ({
  store,
  settings: engine.settings,
  version: request.version,
  serviceRoot: request.serviceRoot,
  nameOf: (set) => (engine.settings.renamedNames === "accept" ? set : nameInVersion(set, request.version))
})

const transactionOf = (engine: Engine, request: DomainRequest): Transaction | undefined => {
  const id = request.headers["transactionid"]?.trim()
  return id === undefined || id === "" ? undefined : engine.transactions.find(id, request.session, request.now)
}

const targetOf = (engine: Engine, request: DomainRequest, transaction: Transaction | undefined): Target => ({
  store: transaction?.store ?? engine.store,
  transaction,
  isSaved: transaction === undefined,
  contentIds: new Map(),
  now: request.now,
  user: request.user ?? "admin",
  random: engine.random
})

const unbound = (engine: Engine, context: Context, target: Target, request: DomainRequest): DomainReply | undefined => {
  const path = decode(request.path, false)
  if (isNamed(path, "BeginTransaction")) {
    const { id } = engine.transactions.begin(context, request.session, request.now, request.body)
    return { status: 200, headers: { "content-type": "text/plain", "odata-version": "4.0" }, body: id }
  }
  if (isNamed(path, "EndTransaction")) {
    engine.transactions.end(context, target, inTransaction(target.transaction, "EndTransaction"), request.body)
    return emptyReply(engine.settings.emptyActionStatus)
  }
  if (isNamed(path, "Import")) return json(engine.settings, runImport(context, target, request.body))
  return undefined
}

const answerIn = (engine: Engine, target: Target, request: DomainRequest): DomainReply => {
  checkScope(engine.settings, request)
  const context = contextOf(engine, request, target.store)
  switch (request.method) {
    case "GET":
      return read(context, request, target.transaction)
    case "HEAD":
      return { ...read(context, request, target.transaction), body: "" }
    case "POST":
      return unbound(engine, context, target, request) ?? post(context, target, request)
    case "PATCH":
    case "DELETE":
      return change(context, target, request)
    default:
      throw methodRefusal(request)
  }
}

/** A refusal is an answer like any other; anything else is a mistake in the engine. */
const guarded = (settings: Settings, reply: () => DomainReply): DomainReply => {
  try {
    return reply()
  } catch (fault) {
    if (fault instanceof Refusal) return errorReply(fault, settings.errorBody)
    throw fault
  }
}

/** What later parts of a batch may call `$id`: the entity that was created, or the one that the request was for. */
const remember = (
  contentIds: Map<string, string>,
  id: string | undefined,
  request: DomainRequest,
  reply: DomainReply
) => {
  if (id === undefined || reply.status >= 400) return
  const { location } = reply.headers
  contentIds.set(`$${id}`, location === undefined ? request.path : location.slice(request.serviceRoot.length))
}

interface PartReply {
  readonly reply: DomainReply
  readonly contentId: string | undefined
}

const answerPart = (
  engine: Engine,
  outer: DomainRequest,
  operation: Operation,
  contentIds: Map<string, string>,
  targetFor: (request: DomainRequest) => Target
): PartReply => {
  const { contentId } = operation
  const reply = guarded(engine.settings, () => {
    const request = requestOf(outer, operation, contentIds)
    if (request.path === "$batch") throw malformed("A batch cannot hold another one.", 400)
    const answered = answerIn(engine, { ...targetFor(request), contentIds }, request)
    remember(contentIds, contentId, request, answered)
    return answered
  })
  return { reply, contentId }
}

const answerChangeset = (
  engine: Engine,
  outer: DomainRequest,
  operations: ReadonlyArray<Operation>,
  contentIds: Map<string, string>
): string => {
  const target = targetOf(engine, outer, transactionOf(engine, outer))
  const known = new Map(contentIds)
  const isFailure = ({ reply }: PartReply): boolean => reply.status >= 400
  const replies = executeTogether(
    target,
    (inner) => {
      const done: Array<PartReply> = []
      for (const operation of operations) {
        const part = answerPart(engine, outer, operation, known, () => inner)
        // the failed operation is the whole answer
        if (isFailure(part)) return [part]
        done.push(part)
      }
      return done
    },
    (parts) => parts.some(isFailure)
  )
  const [first] = replies
  if (first !== undefined && isFailure(first) && engine.settings.failedChangeset === "single") {
    return writeReply(first.reply, first.contentId)
  }
  for (const [id, entity] of known) contentIds.set(id, entity)
  return writeNested(
    `changesetresponse_${engine.random.guid()}`,
    replies.map(({ contentId, reply }) => writeReply(reply, contentId))
  )
}

const answerBatch = (engine: Engine, outer: DomainRequest): DomainReply => {
  const items = readBatch(outer)
  // a transaction that does not exist fails the batch as a whole
  transactionOf(engine, outer)
  const contentIds = new Map<string, string>()
  const parts = items.map((item) => {
    if (item.kind === "changeset") return answerChangeset(engine, outer, item.operations, contentIds)
    const { contentId, reply } = answerPart(engine, outer, item.operation, contentIds, (request) =>
      targetOf(engine, request, transactionOf(engine, request))
    )
    return writeReply(reply, contentId)
  })
  const boundary = `batchresponse_${engine.random.guid()}`
  return {
    status: 200,
    headers: { "content-type": `multipart/mixed; boundary=${boundary}`, "odata-version": "4.0" },
    body: writeMultipart(boundary, parts)
  }
}

const answer = (engine: Engine, request: DomainRequest): DomainReply =>
  request.method === "POST" && decode(request.path, false) === "$batch"
    ? answerBatch(engine, request)
    : answerIn(engine, targetOf(engine, request, transactionOf(engine, request)), request)

/**
 * Makes a Domain with its own generated data.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: DomainOptions): EditableDomain => {
  const settings = makeSettings(options)
  const store = makeStore(model)
  const seed = options.seed ?? 1
  fillStore(store, {
    seed,
    customers: options.customers ?? 300,
    products: options.products ?? 150,
    salesOrders: options.salesOrders ?? 400
  })
  const random = makeRandom(seed, "writes")
  const transactions = makeTransactions(store, random)
  const engine: Engine = { settings, store, random, transactions }
  return {
    handle: (request) => guarded(settings, () => answer(engine, request)),
    waits: (request) => {
      if (request.method !== "GET" || !isNamed(request.path, "WaitForChanges")) return false
      try {
        const transaction = transactionOf(engine, request)
        return transaction?.tracked !== undefined && !hasChanges(transaction)
      } catch (fault) {
        if (fault instanceof Refusal) return false
        throw fault
      }
    },
    endSession: transactions.endSession,
    transactions: transactions.count,
    touch: (set, id, now) => store.update(set, id, { AggregateLastUpdateTimeUtc: now }),
    add: store.insert,
    update: store.update,
    remove: store.remove,
    ids: (set) => store.sorted(entityOf(model, set)).map((row) => row.id)
  }
}
