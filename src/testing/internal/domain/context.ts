/**
 * What reading a request needs to know: the rows, the model, the settings and the server version.
 */
import type { Store } from "./store.ts"
import type { DomainOptions, DomainRequest } from "./types.ts"
import { compareVersions } from "./version.ts"

/**
 * The behaviour options with their defaults filled in.
 *
 * @category options
 * @since 0.1.0
 */
export interface Settings {
  readonly nextLinks: "absolute" | "relative"
  readonly serverPaging: boolean | undefined
  readonly maxPageSize: number
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
}

/**
 * Fills in the defaults.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeSettings = (options: DomainOptions): Settings => ({
  nextLinks: options.nextLinks ?? "absolute",
  serverPaging: options.serverPaging,
  maxPageSize: options.maxPageSize ?? Number.POSITIVE_INFINITY,
  decimalsAsStrings: options.decimalsAsStrings ?? false,
  errorBody: options.errorBody ?? "wrapped",
  renamedNames: options.renamedNames ?? "accept",
  dateTimeFilters: options.dateTimeFilters ?? "date",
  aggregateTimeFilters: options.aggregateTimeFilters ?? options.dateTimeFilters ?? "date",
  stringComparison: options.stringComparison ?? "ignoreCase",
  strictFilters: options.strictFilters ?? false,
  strictOrderBy: options.strictOrderBy ?? false,
  missingKeyStatus: options.missingKeyStatus ?? 404,
  unknownSetStatus: options.unknownSetStatus ?? 500
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
