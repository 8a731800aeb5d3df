/**
 * The operations of a `$batch` as values: several reads and changes sent in one request by `DomainApi.batch`.
 *
 * @example
 * ```ts
 * import { Batch, ComplexType, DomainApi, EntitySet } from "effect-erpnet"
 * import { Effect, Schema } from "effect"
 *
 * const Groups = EntitySet.make("General_Products_ProductGroups", Schema.Struct({
 *   Code: Schema.String,
 *   Name: ComplexType.MultilanguageString
 * }))
 *
 * export const program = Effect.gen(function* () {
 *   const { all, made } = yield* DomainApi.batch({
 *     made: Batch.changeset({
 *       group: Batch.create(Groups, { Code: "G1", Name: { EN: "Fruit" } }),
 *       renamed: Batch.update(Groups, Batch.reference("group"), { Name: { EN: "Fruits" } })
 *     }),
 *     all: Batch.list(Groups, { top: 10 })
 *   })
 *   const { group } = yield* made // an EntityId, or ChangesetFailed
 *   return { group, groups: yield* all }
 * })
 * ```
 *
 * @since 0.1.0
 */
import type * as Either from "effect/Either"
import * as Plan from "./Batch/plan.ts"
import type { Change, DomainApiError, Read, RequestOptions, WireRequest } from "./DomainRequest.ts"
import type { ChangesetFailed, InvalidValue, ResponseInvalid } from "./ErpNetError.ts"

export type { Change, ContentIds, CreateOptions, Read, Reference } from "./DomainRequest.ts"
export { call, count, create, find, first, get, list, merge, reference, remove, update } from "./DomainRequest.ts"

/**
 * A change as it is sent.
 *
 * @category models
 * @since 0.1.0
 * @deprecated Use `DomainRequest.WireRequest`.
 */
export type ChangeRequest = WireRequest

/**
 * Options of an operation.
 *
 * @category options
 * @since 0.1.0
 * @deprecated Use `DomainRequest.RequestOptions`.
 */
export type ChangeOptions = RequestOptions

/**
 * Options of a batch. Its headers are those of the batch, not of its operations.
 *
 * @category options
 * @since 0.1.0
 */
export type Options = Pick<RequestOptions, "headers">

/**
 * Changes that are executed all or not at all, in the order in which they are given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changeset<out Operations extends Readonly<Record<string, Change<unknown>>>> {
  readonly _tag: "Changeset"
  readonly operations: Operations
}

/**
 * What a batch is made of.
 *
 * @category models
 * @since 0.1.0
 */
export type Operation = Read<unknown, InvalidValue> | Changeset<Readonly<Record<string, Change<unknown>>>>

/**
 * The results of a changeset, by the names of its operations.
 *
 * @category models
 * @since 0.1.0
 */
export type ChangesetResults<Operations> = {
  readonly [Name in keyof Operations]: Operations[Name] extends Change<infer A> ? A : never
}

/**
 * What an operation of a batch gives.
 *
 * @category models
 * @since 0.1.0
 */
export type Result<Op> =
  Op extends Read<infer A, InvalidValue>
    ? Either.Either<A, DomainApiError>
    : Op extends Changeset<infer Operations>
      ? Either.Either<ChangesetResults<Operations>, ChangesetFailed | ResponseInvalid>
      : never

/**
 * Changes that are executed all or not at all. The names of the operations are chosen by the caller; a name that is a
 * number is refused, because JavaScript would change the order.
 *
 * @category constructors
 * @since 0.1.0
 */
export const changeset = <const Operations extends Readonly<Record<string, Change<unknown>>>>(
  operations: Operations
): Changeset<Operations> => ({ _tag: "Changeset", operations })

/**
 * The results of the operations of a batch, by their names.
 *
 * @category models
 * @since 0.2.0
 */
export type Results<Operations> = { readonly [Name in keyof Operations]: Result<Operations[Name]> }

/**
 * A batch as one request: with a changeset it is a change, without one a read. `DomainApi.batch` sends it.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = <const Operations extends Readonly<Record<string, Operation>>>(
  operations: Operations,
  options: Options = {}
): Read<Results<Operations>, InvalidValue> | Change<Results<Operations>> =>
  // The names and the types of the results follow from those of the operations, one by one.
  Plan.make(operations, options) as Read<Results<Operations>, InvalidValue> | Change<Results<Operations>>
