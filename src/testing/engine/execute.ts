/**
 * Running a write: all of it or nothing.
 */
import type { Context, Target, Transaction, Writing } from "../data/context.ts"
import { allChanges, makeOverlay, record } from "../data/overlay.ts"
import { checkReadOnly, markUpdated, moveVersions, validate } from "./save.ts"

/**
 * How a write differs from a plain request.
 *
 * @category options
 * @since 0.1.0
 */
export interface WriteOptions {
  /** Runs the front-end rules; by default as the transaction has it, and not without one. */
  readonly frontend?: boolean
  readonly importing?: boolean
}

/**
 * Runs a write on an overlay of its target, checks it, shows its result, and only then lets it take effect. A refusal
 * on the way leaves nothing behind.
 *
 * @category combinators
 * @since 0.1.0
 */
export const execute = <A, B>(
  context: Context,
  target: Target,
  write: (writing: Writing) => A,
  show: (writing: Writing, result: A) => B,
  options: WriteOptions = {}
): B => {
  const { transaction } = target
  const overlay = makeOverlay(target.store)
  const writing: Writing = {
    ...context,
    store: overlay,
    now: target.now,
    user: target.user,
    random: target.random,
    frontend: options.frontend ?? transaction?.frontend ?? false,
    importing: options.importing ?? false,
    contentIds: target.contentIds,
    exempt: new Set(transaction?.exempt),
    expected: []
  }
  const result = write(writing)
  markUpdated(writing)
  // the front end lets released documents be edited, to adjust them; they cannot be saved
  if (transaction?.frontend !== true) checkReadOnly(writing)
  if (transaction === undefined) validate(writing)
  if (target.isSaved) moveVersions(writing)
  const shown = show(writing, result)
  overlay.flush()
  if (transaction !== undefined) absorb(transaction, { ...writing, tracked: overlay.changes })
  return shown
}

/** Lets a transaction know what was done in it. */
const absorb = (transaction: Transaction, done: Pick<Transaction, "exempt" | "expected" | "tracked">): void => {
  for (const id of done.exempt) transaction.exempt.add(id)
  transaction.expected.push(...done.expected)
  if (transaction.tracked === undefined || done.tracked === undefined) return
  for (const change of allChanges(done.tracked)) record(transaction.tracked, change)
}

/**
 * Runs several writes that take effect together, or not at all when their result says that they failed.
 *
 * @category combinators
 * @since 0.1.0
 */
export const executeTogether = <A>(target: Target, run: (inner: Target) => A, hasFailed: (result: A) => boolean): A => {
  const { transaction } = target
  const store = makeOverlay(target.store)
  const inner: Transaction | undefined =
    transaction === undefined
      ? undefined
      : {
          ...transaction,
          store,
          tracked: transaction.tracked === undefined ? undefined : new Map(),
          exempt: new Set(transaction.exempt),
          expected: []
        }
  const result = run({ ...target, store, transaction: inner, isSaved: false })
  if (hasFailed(result)) return result
  if (target.isSaved) moveVersions({ now: target.now, store })
  store.flush()
  if (transaction !== undefined && inner !== undefined) absorb(transaction, inner)
  return result
}
