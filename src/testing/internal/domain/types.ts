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
  /** The seed of everything invented: ids, names, amounts. The same seed gives the same data. */
  readonly seed?: number | undefined
  /** How many customers exist. */
  readonly customers?: number | undefined
  /** How many products exist. */
  readonly products?: number | undefined
  /** How many sales orders exist. */
  readonly salesOrders?: number | undefined
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
  /**
   * Whether pages carry next links; servers before 26.2 send none.
   *
   * @default true
   */
  readonly serverPaging?: boolean | undefined
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
}

/**
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
