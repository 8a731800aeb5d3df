/**
 * API transactions: begun, worked in, looked at, and ended.
 */

import type { Context, Target, Transaction, Writing } from "../data/context.ts"
import { type Change, makeOverlay } from "../data/overlay.ts"
import type { Random } from "../data/random.ts"
import type { Store, Values } from "../data/store.ts"
import { invalidOperation, malformed, Refusal } from "../model/errors.ts"
import { writeString } from "../model/jsonText.ts"
import { entityOf } from "../model/model.ts"
import { type JsonObject, readObject } from "../odata/body.ts"
import { odataId, writeValue } from "../odata/render.ts"
import { checkReadOnly, checkVersion, moveVersions, validate } from "./save.ts"

/** ERP.net drops a transaction 25 minutes after its begin, whatever happens in it. */
const lifetime = 25 * 60_000

/**
 * The open transactions of one instance.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transactions {
  /** Begins a transaction and returns it; the body chooses its model and whether its changes are tracked. */
  readonly begin: (context: Context, session: string, now: number, body: string) => Transaction
  /** The transaction with this id; it has to be of the same session and not too old. */
  readonly find: (id: string, session: string, now: number) => Transaction
  /** Ends a transaction, and saves what it changed unless the body says otherwise. */
  readonly end: (context: Context, target: Target, transaction: Transaction, body: string) => void
  /** Forgets the transactions of a session that has ended. */
  readonly endSession: (session: string) => void
  readonly count: (now: number) => number
}

const flag = (json: JsonObject, name: string, fallback: boolean): boolean => {
  const value = json[name] ?? fallback
  if (typeof value !== "boolean") throw malformed(`The parameter '${name}' has to be true or false.`)
  return value
}

const readFrontend = (json: JsonObject): boolean => {
  const model = json["model"] ?? "common"
  if (model === "frontend") return true
  if (model === "common") return false
  throw malformed("The parameter 'model' has to be 'common' or 'frontend'.")
}

/**
 * Starts without a transaction.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeTransactions = (store: Store, random: Random): Transactions => {
  const open = new Map<string, Transaction>()

  const sweep = (now: number): void => {
    for (const { id, startedAt } of open.values()) if (now - startedAt >= lifetime) open.delete(id)
  }

  return {
    begin: (context, session, now, body) => {
      sweep(now)
      const json = readObject(body)
      const frontend = readFrontend(json)
      const tracked = flag(json, "trackChanges", false)
      const own = [...open.values()].filter((transaction) => transaction.session === session)
      if (own.length >= context.settings.transactionsPerSession) {
        throw new Refusal("TooManyRequests", "The session has too many open transactions.", 429)
      }
      const transaction: Transaction = {
        id: random.guid().replaceAll("-", ""),
        session,
        startedAt: now,
        frontend,
        store: makeOverlay(store),
        tracked: tracked ? new Map() : undefined,
        exempt: new Set(),
        expected: []
      }
      open.set(transaction.id, transaction)
      return transaction
    },
    find: (id, session, now) => {
      sweep(now)
      const transaction = open.get(id)
      if (transaction === undefined || transaction.session !== session) {
        throw invalidOperation(`Invalid TransactionId ${id}.`)
      }
      return transaction
    },
    end: (context, target, transaction, body) => {
      const commit = flag(readObject(body), "commit", true)
      try {
        if (commit) save(context, target, transaction)
      } catch (fault) {
        if (context.settings.failedCommit === "ended") open.delete(transaction.id)
        throw fault
      }
      open.delete(transaction.id)
    },
    endSession: (session) => {
      for (const transaction of open.values()) if (transaction.session === session) open.delete(transaction.id)
    },
    count: (now) => {
      sweep(now)
      return open.size
    }
  }
}

const save = (context: Context, target: Target, transaction: Transaction): void => {
  const { exempt, expected, store } = transaction
  const writing: Writing = {
    ...context,
    store,
    now: target.now,
    user: target.user,
    random: target.random,
    frontend: transaction.frontend,
    importing: false,
    contentIds: target.contentIds,
    exempt,
    expected
  }
  for (const version of expected) checkVersion(writing, store.below, version)
  checkReadOnly(writing)
  validate(writing)
  moveVersions(writing)
  store.flush()
}

const writeMembers = (context: Context, set: string, values: Values): string => {
  const entity = entityOf(context.store.model, set)
  const members: Array<string> = []
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    const reference = entity.references.get(name)
    const kind = entity.attributes.get(name)?.kind
    if (reference !== undefined) {
      const target = entityOf(context.store.model, reference.target)
      const link = typeof value === "string" ? `{"@odata.id":${writeString(odataId(context, target, value))}}` : "null"
      members.push(`${writeString(name)}:${link}`)
    } else if (kind !== undefined) {
      members.push(`${writeString(name)}:${writeValue(value, kind, context.settings.decimalsAsStrings)}`)
    }
  }
  return `{${members.join(",")}}`
}

const valuesOf = (change: Change): Values =>
  change.kind === "insert" ? change.row.values : change.kind === "update" ? change.values : {}

/**
 * What changed in a transaction since the last time, by kind, entity set and id; a kind without changes is left out.
 *
 * @category combinators
 * @since 0.1.0
 */
export const takeChanges = (context: Context, transaction: Transaction): string => {
  const { tracked } = transaction
  if (tracked === undefined) {
    throw invalidOperation(`The transaction ${transaction.id} was begun without trackChanges.`)
  }
  transaction.tracked = new Map()
  const kinds = (["insert", "update", "delete"] as const).flatMap((kind) => {
    const sets = [...tracked].flatMap(([set, changes]) => {
      const rows = [...changes.values()]
        .filter((change) => change.kind === kind)
        .map((change) => `${writeString(change.row.id)}:${writeMembers(context, set, valuesOf(change))}`)
      return rows.length === 0 ? [] : [`${writeString(context.nameOf(set))}:{${rows.join(",")}}`]
    })
    return sets.length === 0 ? [] : [`,${writeString(kind)}:{${sets.join(",")}}`]
  })
  return `{"@odata.context":${writeString(`${context.serviceRoot}$metadata#Erp.OpenObject`)}${kinds.join("")}}`
}

/**
 * Whether a transaction has changes to tell.
 *
 * @category guards
 * @since 0.1.0
 */
export const hasChanges = (transaction: Transaction): boolean =>
  [...(transaction.tracked?.values() ?? [])].some((changes) => changes.size > 0)
