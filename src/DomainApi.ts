/**
 * The Domain API of ERP.net: its OData v4 service, read and written with typed rows.
 *
 * @example
 * ```ts
 * import { DomainApi, EntitySet, Filter } from "effect-erpnet"
 * import { Console, Effect, Schema, Stream } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({
 *   Id: Schema.UUID,
 *   Number: Schema.NullOr(Schema.String),
 *   Active: Schema.Boolean
 * }))
 *
 * export const program = DomainApi.stream(Customers, { filter: Filter.eq("Active", true) }).pipe(
 *   Stream.runForEach((customer) => Console.log(customer.Number))
 * )
 *
 * export const count = Effect.flatMap(DomainApi.count(Customers), Console.log)
 * ```
 *
 * @since 0.1.0
 */

export { type BatchOptions, batch } from "./Batch/plan.ts"
export type {
  Answer,
  CoalesceOptions,
  DomainApiError,
  Options,
  Service,
  Write,
  WriteError
} from "./DomainApi/calls.ts"
export { DomainApi, layer, make } from "./DomainApi/calls.ts"
export {
  type Changes,
  changes,
  changesStream,
  Transaction,
  type TransactionOptions,
  transaction
} from "./DomainApi/transaction.ts"
export { count, currentName, find, get, type LookupOptions, list, request, stream } from "./internal/reading.ts"
export { call, create, merge, remove, update, updateTexts, type WriteOptions } from "./internal/writing.ts"
