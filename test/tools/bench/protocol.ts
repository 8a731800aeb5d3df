/** What the processes of the benchmark say to each other. */

/** How the loopback server behaves. */
export interface Settings {
  /** Milliseconds that the token endpoint takes. */
  readonly tokenLatency: number
  /** Seconds that a token lives. */
  readonly tokenLifetime: number
  /** The API answers 401 to everything. */
  readonly alwaysUnauthorized: boolean
  /** How many rows the entity set has. */
  readonly rows: number
  /** Milliseconds that a page of rows takes. */
  readonly pageDelay: number
  /** Milliseconds that a lookup by id takes, whether of one or of many. */
  readonly lookupDelay: number
}

/** What a question starts from. */
export const plainSettings: Settings = {
  tokenLatency: 0,
  tokenLifetime: 3600,
  alwaysUnauthorized: false,
  rows: 0,
  pageDelay: 0,
  lookupDelay: 0
}

/** What the server has counted since the last reset. */
export interface Counters {
  readonly tokenPosts: number
  readonly apiCalls: number
  readonly unauthorized: number
}

/** A message to the server, answered by its counters. */
export type ServerCommand =
  | { readonly type: "reset"; readonly settings: Settings }
  | { readonly type: "revokeAll" }
  | { readonly type: "read" }

/** Where the server listens, and the token that it always takes. */
export interface Target {
  readonly origin: string
  readonly staticToken: string
  /** Short expiry margins, where an adapter has any to set: for tokens of 2 seconds. */
  readonly shortTokens: boolean
}

/**
 * How the rows are consumed: as fast as they come, with a pause for each batch of 1,000 rows, or with the same pause
 * shared out to the rows as they come.
 */
export type Consumer = "fast" | "batches" | "rows"

/** How rows are looked up: one after the other, all at once, or all at once with a client that puts them together. */
export type Way = "one by one" | "at once" | "together"

/** A message to a client process, answered by a {@link Measure}. */
export type Job =
  | { readonly type: "calls"; readonly count: number; readonly concurrency: number }
  | { readonly type: "steady"; readonly perSecond: number; readonly seconds: number }
  | { readonly type: "cachedToken"; readonly count: number }
  | { readonly type: "rows"; readonly rows: number; readonly consumer: Consumer; readonly pause: number }
  | { readonly type: "lookups"; readonly count: number; readonly way: Way }
  | { readonly type: "tenants"; readonly count: number }

/** What a client process measured; what a job does not measure is zero. */
export interface Measure {
  readonly milliseconds: number
  /** User and system time of the client process. */
  readonly cpuMicroseconds: number
  readonly failed: number
  readonly firstFailure: string | undefined
  /** Of the latencies of a steady load, in milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Rows that came out. */
  readonly rows: number
  /** Of the process so far, in megabytes. */
  readonly peakMemory: number
  /** After a garbage collection, in megabytes. */
  readonly heap: number
}

/** The service root of the Domain API on the server. */
export const odataPath = "/api/domain/odata/"

/** What one call asks for, below the service root. */
export const callPath = "Bench_Customers?$top=1"

/** The entity set of lookups. */
export const lookupSet = "Bench_Parties"

/** The id of a row. */
export const idOf = (index: number): string => `00000000-0000-4000-8000-${index.toString(16).padStart(12, "0")}`

/** The ids that are looked up. */
export const idsOf = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, index) => idOf(index))

/** The entity set that holds the rows. */
export const rowsSet = "Bench_Rows"

/** How many rows a page has. */
export const pageSize = 1000
