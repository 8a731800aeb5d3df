/**
 * What reading a request needs to know: the rows, the model, the settings and the server version.
 */

import type { DomainOptions, DomainRequest } from "../model/types.ts"
import { compareVersions } from "../model/version.ts"
import type { Changes, Overlay } from "./overlay.ts"
import type { Random } from "./random.ts"
import type { Store } from "./store.ts"

/**
 * The behaviour options with their defaults filled in.
 *
 * @category options
 * @since 0.1.0
 */
export interface Settings {
  readonly nextLinks: "absolute" | "relative"
  readonly serverPaging: boolean | undefined
  readonly maxPageSize: () => number
  readonly maxChildren: () => number
  /** Whether child collections may be cut, so that the address of the rest is answered. */
  readonly cutsChildren: boolean
  readonly batchErrors: "continue" | "asPreferred"
  readonly decimalsAsStrings: boolean
  readonly errorBody: "wrapped" | "bare"
  readonly renamedNames: "accept" | "byVersion"
  readonly dateTimeFilters: "date" | "exact"
  readonly aggregateTimeFilters: "date" | "exact"
  readonly stringComparison: "ignoreCase" | "exact"
  readonly strictFilters: boolean
  readonly strictOrderBy: boolean
  readonly missingKeyStatus: 404 | 500
  readonly unknownSetStatus: 404 | 500
  readonly enforceScopes: boolean
  readonly readOnlyWrite: 403 | 500
  readonly objectVersionConflict: 500 | 409 | 412
  readonly emptyActionStatus: 204 | 200
  readonly transactionsPerSession: number
  readonly failedCommit: "open" | "ended"
  readonly failedChangeset: "nested" | "single"
  readonly importDefaultAction: "create" | "merge"
  readonly deleteReferenced: "allowed" | "refused"
}

/** A limit that may be another one each time; at least one row comes, so that reading on ends. */
const limit = (value: number | (() => number) | undefined): (() => number) =>
  typeof value === "function" ? () => Math.max(1, Math.trunc(value())) : () => value ?? Number.POSITIVE_INFINITY

/**
 * Fills in the defaults.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeSettings = (options: DomainOptions): Settings => ({
  nextLinks: options.nextLinks ?? "absolute",
  serverPaging: options.serverPaging,
  maxPageSize: limit(options.maxPageSize),
  maxChildren: limit(options.maxChildren),
  cutsChildren: options.maxChildren !== undefined,
  batchErrors: options.batchErrors ?? "continue",
  decimalsAsStrings: options.decimalsAsStrings ?? false,
  errorBody: options.errorBody ?? "wrapped",
  renamedNames: options.renamedNames ?? "accept",
  dateTimeFilters: options.dateTimeFilters ?? "date",
  aggregateTimeFilters: options.aggregateTimeFilters ?? options.dateTimeFilters ?? "date",
  stringComparison: options.stringComparison ?? "ignoreCase",
  strictFilters: options.strictFilters ?? false,
  strictOrderBy: options.strictOrderBy ?? false,
  missingKeyStatus: options.missingKeyStatus ?? 404,
  unknownSetStatus: options.unknownSetStatus ?? 500,
  enforceScopes: options.enforceScopes ?? true,
  readOnlyWrite: options.readOnlyWrite ?? 403,
  objectVersionConflict: options.objectVersionConflict ?? 500,
  emptyActionStatus: options.emptyActionStatus ?? 204,
  transactionsPerSession: options.transactionsPerSession ?? 1,
  failedCommit: options.failedCommit ?? "open",
  failedChangeset: options.failedChangeset ?? "nested",
  importDefaultAction: options.importDefaultAction ?? "create",
  deleteReferenced: options.deleteReferenced ?? "allowed"
})

/**
 * One request's surroundings.
 *
 * @category models
 * @since 0.1.0
 */
export interface Context {
  readonly store: Store
  readonly settings: Settings
  readonly version: string
  readonly serviceRoot: string
  /** The name that this server shows for an entity set. */
  readonly nameOf: (set: string) => string
}

/**
 * Whether a page that `$top` cut carries a next link: servers before 26.2 have no paging of their own.
 *
 * @category guards
 * @since 0.1.0
 */
export const hasServerPaging = (settings: Settings, request: Pick<DomainRequest, "version">): boolean =>
  settings.serverPaging ?? compareVersions(request.version, "26.2") >= 0

/**
 * What the requests of one API transaction share.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transaction {
  readonly id: string
  readonly session: string
  readonly startedAt: number
  readonly frontend: boolean
  readonly store: Overlay
  /** What changed since the client last asked; `undefined` when it does not track changes. */
  tracked: Changes | undefined
  readonly exempt: Set<string>
  readonly expected: Array<ExpectedVersion>
}

/**
 * The object version that a client expects.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExpectedVersion {
  readonly set: string
  readonly id: string
  readonly version: string
}

/**
 * Where the changes of a request go, and who makes them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Target {
  /** The data of the instance, of a transaction, or of a changeset. */
  readonly store: Store
  readonly transaction: Transaction | undefined
  /** Whether the store is that of the instance, so that a change is a saved one. */
  readonly isSaved: boolean
  /** What the references of a changeset, such as `$1`, stand for. */
  readonly contentIds: ReadonlyMap<string, string>
  readonly now: number
  readonly user: string
  readonly random: Random
}

/**
 * The surroundings of a write: everything it does, it does to an overlay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Writing extends Context {
  readonly store: Overlay
  readonly now: number
  /** The login of the caller. */
  readonly user: string
  /** Where new ids come from. */
  readonly random: Random
  /** Whether the front-end rules run, which calculate what a form would show. */
  readonly frontend: boolean
  /** Inside an import, which may also delete. */
  readonly importing: boolean
  /** What the references of a changeset, such as `$1`, stand for. */
  readonly contentIds: ReadonlyMap<string, string>
  /** The documents whose state an operation changed, which may be released by now. */
  readonly exempt: Set<string>
  /** The object versions that clients expect, by set and id; a transaction looks at them again when it ends. */
  readonly expected: Array<ExpectedVersion>
}
