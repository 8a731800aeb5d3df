/**
 * One request, whether it came alone or in a batch.
 */
import type { Context, Settings, Target, Transaction } from "../data/context.ts"
import type { Random } from "../data/random.ts"
import type { Store } from "../data/store.ts"
import { errorReply, Refusal } from "../model/errors.ts"
import type { DomainReply, DomainRequest } from "../model/types.ts"
import { nameInVersion } from "../model/version.ts"
import { decode } from "../odata/query.ts"
import { change, post } from "./change.ts"
import { inTransaction, read } from "./get.ts"
import { runImport } from "./import.ts"
import { emptyReply, isNamed, json, methodRefusal } from "./resource.ts"
import type { Transactions } from "./transactions.ts"

const checkScope = (settings: Settings, request: DomainRequest): void => {
  if (!settings.enforceScopes) return
  const isRead = request.method === "GET" || request.method === "HEAD"
  if (request.scopes.includes(isRead ? "read" : "update")) return
  throw isRead || settings.readOnlyWrite === 403
    ? new Refusal("SecurityException", "Forbidden", 403)
    : new Refusal("System.Security.SecurityException", "Access is denied. The token does not have the scope 'update'.")
}

/**
 * What one instance keeps from request to request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Engine {
  readonly settings: Settings
  readonly store: Store
  readonly random: Random
  readonly transactions: Transactions
}

/**
 * The names that a server of this version has for entity sets.
 *
 * @category constructors
 * @since 0.2.0
 */
export const makeNames =
  (settings: Settings, version: string): ((set: string) => string) =>
  (set) =>
    settings.renamedNames === "accept" ? set : nameInVersion(set, version)

const contextOf = (engine: Engine, request: DomainRequest, store: Store): Context => ({
  store,
  settings: engine.settings,
  version: request.version,
  serviceRoot: request.serviceRoot,
  nameOf: makeNames(engine.settings, request.version)
})

/**
 * The transaction that a request names in its headers, if any.
 *
 * @category constructors
 * @since 0.1.0
 */
export const transactionOf = (engine: Engine, request: DomainRequest): Transaction | undefined => {
  const id = request.headers["transactionid"]?.trim()
  return id === undefined || id === "" ? undefined : engine.transactions.find(id, request.session, request.now)
}

/**
 * Where the changes of a request go.
 *
 * @category constructors
 * @since 0.1.0
 */
export const targetOf = (engine: Engine, request: DomainRequest, transaction: Transaction | undefined): Target => ({
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

/**
 * Answers a request other than a batch.
 *
 * @category combinators
 * @since 0.1.0
 */
export const answerIn = (engine: Engine, target: Target, request: DomainRequest): DomainReply => {
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

/**
 * Turns a refusal into an answer like any other; anything else is a mistake in the engine.
 *
 * @category combinators
 * @since 0.1.0
 */
export const guarded = (settings: Settings, reply: () => DomainReply): DomainReply => {
  try {
    return reply()
  } catch (fault) {
    if (fault instanceof Refusal) return errorReply(fault, settings.errorBody)
    throw fault
  }
}
