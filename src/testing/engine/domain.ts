/**
 * The Domain API of the embedded ERP.net instance: a synchronous function from requests to replies over generated data.
 *
 * It follows the server's documentation on its own and shares no code with the client, so that a misunderstanding in
 * one of them shows.
 */

import { makeSettings } from "../data/context.ts"
import { makeRandom } from "../data/random.ts"
import { makeStore, type Row, type Values } from "../data/store.ts"
import { Refusal } from "../model/errors.ts"
import { type EntityModel, entityOf, findAttribute } from "../model/model.ts"
import { entityJson, type ModelPage } from "../model/modelJson.ts"
import type { Domain, DomainOptions, DomainReply, DomainRequest } from "../model/types.ts"
import { currentName } from "../model/version.ts"
import { decode } from "../odata/query.ts"
import { baseOf } from "./base.ts"
import { answerBatch } from "./batch.ts"
import { answerIn, type Engine, guarded, makeNames, targetOf, transactionOf } from "./engine.ts"
import { readRows } from "./ownRows.ts"
import { isNamed } from "./resource.ts"
import { hasChanges, makeTransactions } from "./transactions.ts"

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
  /**
   * Adds rows to any set, written as the Domain API shows them, with the rows of their child collections; returns the
   * ids of the rows. Throws where a row does not fit the model.
   */
  readonly insert: (set: string, rows: ReadonlyArray<Readonly<Record<string, unknown>>>) => ReadonlyArray<string>
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
  /** The model as the pages `standardmodel` and `currentmodel` show it; `undefined` when there is no such set. */
  readonly describe: (page: ModelPage, set: string | undefined, details: boolean, version: string) => string | undefined
  /** The ids of a set in the server's default order. */
  readonly ids: (set: string) => ReadonlyArray<string>
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
  const { model, tables } = baseOf(options)
  const store = makeStore(model, tables)
  const random = makeRandom(options.seed ?? 1, "writes")
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
    insert: (set, rows) => {
      const read = readRows(store, random, set, rows)
      for (const row of read) store.insert(row)
      return read.flatMap((row) => (row.set === set ? [row.id] : []))
    },
    update: store.update,
    remove: store.remove,
    describe: (page, set, details, version) => {
      const nameOf = makeNames(settings, version)
      const show = (entity: EntityModel, inDetail: boolean): string =>
        entityJson(model, entity, page, inDetail, nameOf, (name) => findAttribute(entity, name, version) !== undefined)
      if (set === undefined) {
        return `[${[...model.entities.values()].map((entity) => show(entity, details)).join(",")}]`
      }
      const entity = model.entities.get(currentName(set))
      return entity === undefined || nameOf(entity.set) !== set ? undefined : show(entity, true)
    },
    ids: (set) => store.sorted(entityOf(model, set)).map((row) => row.id)
  }
}
