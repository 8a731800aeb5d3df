/**
 * Running a write: all of it or nothing.
 */
import type { Context, Target, Writing } from "./context.ts"
import { allChanges, makeOverlay, record } from "./overlay.ts"
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
  if (transaction !== undefined) {
    for (const id of writing.exempt) transaction.exempt.add(id)
    transaction.expected.push(...writing.expected)
    for (const change of transaction.tracked === undefined ? [] : allChanges(overlay.changes)) {
      if (transaction.tracked !== undefined) record(transaction.tracked, change)
    }
  }
  return shown
}
