/**
 * What the shell of the embedded instance and its OData engine know of each other.
 *
 * @since 0.1.0
 */

/**
 * How much data the embedded instance holds, and which of the undocumented behaviours it shows.
 *
 * @category options
 * @since 0.1.0
 */
export interface DomainOptions {
  /**
   * The seed of everything invented: ids, names, amounts. The same seed gives the same data.
   *
   * @default 1
   */
  readonly seed?: number | undefined
  /**
   * How many customers exist.
   *
   * @default 300
   */
  readonly customers?: number | undefined
  /**
   * How many products exist.
   *
   * @default 150
   */
  readonly products?: number | undefined
  /**
   * How many sales orders exist.
   *
   * @default 400
   */
  readonly salesOrders?: number | undefined
  /**
   * Which entity sets there are. `"standard"`: those that the seed fills, and all others of ERP.net's model, whose rows
   * are invented when they are first asked for. `"demo"`: the seeded ones alone. Or the JSON of an instance's
   * `currentmodel?details=true`, parsed: its sets, with its custom properties.
   *
   * @default "standard"
   */
  readonly model?: "standard" | "demo" | ReadonlyArray<unknown> | undefined
  /**
   * How many rows a set has that is filled when it is first asked for.
   *
   * @default 20
   */
  readonly rowsPerSet?: number | undefined
  /**
   * Rows of one's own, by entity set. A set named here has these rows and no others; members as the Domain API shows
   * them, and `Id` where the row is to have a certain one.
   */
  readonly rows?: Readonly<Record<string, ReadonlyArray<Readonly<Record<string, unknown>>>>> | undefined
  /**
   * Whether an error body is `{"error":{…}}` or the inner object alone; ERP.net documents both.
   *
   * @default "wrapped"
   */
  readonly errorBody?: "wrapped" | "bare" | undefined
  /**
   * Whether next links are absolute or relative to the service root; ERP.net shows both.
   *
   * @default "absolute"
   */
  readonly nextLinks?: "absolute" | "relative" | undefined
  /** Whether pages carry next links; by default as the server version says: servers before 26.2 send none. */
  readonly serverPaging?: boolean | undefined
  /** The most rows of one page, whatever `$top` says; unlimited by default. A function is asked for each page. */
  readonly maxPageSize?: number | (() => number) | undefined
  /**
   * The most rows of one child collection in an answer, at any depth; unlimited by default (assumed: nobody documents
   * such a limit). Where rows are left out, the collection has `<Name>@odata.count` and `<Name>@odata.nextLink`, whose
   * address is then answered page by page under the same limit. A function is asked for each collection.
   */
  readonly maxChildren?: number | (() => number) | undefined
  /**
   * Whether a batch goes on after a part that failed, or only where the request prefers `odata.continue-on-error`, as
   * OData has it (assumed: nobody documents it).
   *
   * @default "continue"
   */
  readonly batchErrors?: "continue" | "asPreferred" | undefined
  /**
   * Whether decimal numbers are JSON strings instead of number tokens; ERP.net shows both.
   *
   * @default false
   */
  readonly decimalsAsStrings?: boolean | undefined
  /**
   * Whether renamed entity sets still answer under their old names, or only as the server version has them.
   *
   * @default "accept"
   */
  readonly renamedNames?: "accept" | "byVersion" | undefined
  /**
   * Whether a filter on a time compares the day alone, as ERP.net documents, or the moment.
   *
   * @default "date"
   */
  readonly dateTimeFilters?: "date" | "exact" | undefined
  /** The same for `AggregateLastUpdateTimeUtc` alone; by default as `dateTimeFilters`. */
  readonly aggregateTimeFilters?: "date" | "exact" | undefined
  /**
   * Whether comparing strings ignores case, as SQL Server does by default (assumed: nobody documents it).
   *
   * @default "ignoreCase"
   */
  readonly stringComparison?: "ignoreCase" | "exact" | undefined
  /**
   * Whether filters on attributes that are not filterable are refused; ERP.net's own examples use some.
   *
   * @default false
   */
  readonly strictFilters?: boolean | undefined
  /**
   * Whether ordering by attributes that are not orderable is refused; ERP.net's own examples use some.
   *
   * @default false
   */
  readonly strictOrderBy?: boolean | undefined
  /**
   * The status for a key that does not exist (assumed: nobody documents it).
   *
   * @default 404
   */
  readonly missingKeyStatus?: 404 | 500 | undefined
  /**
   * The status for an entity set that does not exist (assumed: nobody documents it).
   *
   * @default 500
   */
  readonly unknownSetStatus?: 404 | 500 | undefined
  /**
   * Whether the engine checks the scopes `read` and `update` itself as well; inside a batch nobody else does.
   *
   * @default true
   */
  readonly enforceScopes?: boolean | undefined
  /**
   * The status for a write without the scope `update` (assumed: ERP.net documents only that it is refused). 403 has
   * no body, 500 has an error body.
   *
   * @default 403
   */
  readonly readOnlyWrite?: 403 | 500 | undefined
  /**
   * The status when the `ObjectVersion` in a body is not that of the object any more (assumed: nobody documents it).
   *
   * @default 500
   */
  readonly objectVersionConflict?: 500 | 409 | 412 | undefined
  /**
   * The status of an action without a result, such as `ChangeState` or `EndTransaction` (assumed: nobody documents it).
   *
   * @default 204
   */
  readonly emptyActionStatus?: 204 | 200 | undefined
  /**
   * How many API transactions a session may have open at once; the next `BeginTransaction` gets 429.
   *
   * @default 1
   */
  readonly transactionsPerSession?: number | undefined
  /**
   * Whether a transaction whose commit fails stays open, so that the client can mend or roll it back, or has ended
   * (assumed: nobody documents it).
   *
   * @default "open"
   */
  readonly failedCommit?: "open" | "ended" | undefined
  /**
   * Whether a failing changeset is a multipart with the failed operation alone, as ERP.net documents, or that
   * operation in its place, as OData has it.
   *
   * @default "nested"
   */
  readonly failedChangeset?: "nested" | "single" | undefined
  /**
   * What Import does with an object that names no action; ERP.net documents both.
   *
   * @default "create"
   */
  readonly importDefaultAction?: "create" | "merge" | undefined
  /**
   * Whether an object that others refer to may be deleted (assumed: nobody documents it). Children go with their
   * owner either way.
   *
   * @default "allowed"
   */
  readonly deleteReferenced?: "allowed" | "refused" | undefined
}

/**
 * A request that has passed authentication, scopes, sessions and limits.
 *
 * @category models
 * @since 0.1.0
 */
export interface DomainRequest {
  readonly method: string
  /** After the service root, still percent-encoded, without a leading slash. */
  readonly path: string
  /** Raw, without the question mark. */
  readonly query: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The scopes of the caller's token. */
  readonly scopes: ReadonlyArray<string>
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Absolute, with a trailing slash. */
  readonly serviceRoot: string
  /** The server version to behave as, such as `26.2.0.76`. */
  readonly version: string
  /** The key of the caller's session. */
  readonly session: string
  /**
   * The login of the caller, for attributes such as `CreationUser`.
   *
   * @default "admin"
   */
  readonly user?: string | undefined
}

/**
 * The answer. Header names are in lower case; an empty body has no content type.
 *
 * @category models
 * @since 0.1.0
 */
export interface DomainReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * The OData engine: answers at once and changes nothing but its own data.
 *
 * @category models
 * @since 0.1.0
 */
export interface Domain {
  readonly handle: (request: DomainRequest) => DomainReply
}
