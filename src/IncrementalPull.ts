/**
 * Keeps a copy of an entity set up to date: the first run pulls every row, later runs only those that have changed.
 *
 * **Details**
 *
 * - It follows ERP.net's recipe for data synchronisation over `AggregateLastUpdateTimeUtc`, which only aggregate roots
 *   have (since version 26.2) and which moves on any change in the tree below the root.
 * - Deletions are not reported: a deleted row is never seen again and stays in the copy. Compare the ids from time to
 *   time, or rely on flags such as `Active` and `Void`.
 * - A row whose time is null ("unknown" to ERP.net) is brought by a full pull only.
 *
 * @example
 * ```ts
 * import { EntitySet, IncrementalPull } from "effect-erpnet"
 * import { Console, Effect, Ref, Schema } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({
 *   Id: Schema.UUID,
 *   Number: Schema.NullOr(Schema.String),
 *   AggregateLastUpdateTimeUtc: Schema.NullOr(IncrementalPull.Timestamp)
 * }))
 *
 * export const program = Effect.gen(function* () {
 *   const watermark = yield* Ref.make<IncrementalPull.Timestamp | undefined>(undefined)
 *   return yield* IncrementalPull.run(Customers, {
 *     watermark: { load: Ref.get(watermark), save: (time) => Ref.set(watermark, time) },
 *     apply: (rows) => Console.log(`${rows.length} customers to write`)
 *   })
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Brand from "effect/Brand"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as DomainApi from "./DomainApi.ts"
import type * as EntitySet from "./EntitySet.ts"
import * as Filter from "./Filter.ts"
import * as Millis from "./internal/settings.ts"
import { withSpan } from "./internal/tracing.ts"
import type * as Query from "./Query.ts"

// --- timestamps -----------------------------------------------------------------------------------------------------

/**
 * A moment in UTC with all seven digits that ERP.net's times may have, always of the same length:
 * `2026-01-31T12:00:00.1234567Z`. The order of the texts is the order of the moments, in JavaScript and in SQL.
 *
 * @category models
 * @since 0.1.0
 */
export type Timestamp = string & Brand.Brand<"effect-erpnet/IncrementalPull/Timestamp">

const brand = Brand.nominal<Timestamp>()
const canonical = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{7}Z$/
const accepted = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?(Z|[+-]\d{2}:\d{2})?$/

const fromMillis = (millis: number, fraction: string): Option.Option<Timestamp> => {
  const date = new Date(millis)
  // Outside the years 0 to 9999 ISO 8601 needs a sign, and the texts would no longer be in order.
  return date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999
    ? Option.some(brand(`${date.toISOString().slice(0, 19)}.${fraction}Z`))
    : Option.none()
}

const fromText = (text: string): Option.Option<Timestamp> => {
  const [, minute, second = "00", fraction = "", zone = "Z"] = accepted.exec(text) ?? []
  return minute === undefined
    ? Option.none()
    : fromMillis(Date.parse(`${minute}:${second}${zone}`), fraction.padEnd(7, "0"))
}

/**
 * Makes a {@link Timestamp} from an ISO 8601 text (UTC where it names no zone) or from a date; none for any other text
 * and for an invalid date. Where a copy need not know the past, the first watermark is the present:
 * `Effect.map(DateTime.now, IncrementalPull.makeTimestamp)`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeTimestamp = (moment: string | Date | DateTime.DateTime): Option.Option<Timestamp> =>
  fromText(
    typeof moment === "string"
      ? moment
      : DateTime.isDateTime(moment)
        ? DateTime.formatIso(moment)
        : Number.isNaN(moment.getTime())
          ? ""
          : moment.toISOString()
  )

const TimestampFromSelf: Schema.Schema<Timestamp> = Schema.declare(
  (value): value is Timestamp => typeof value === "string" && canonical.test(value),
  { identifier: "Timestamp" }
)

/**
 * A time of ERP.net with all its digits, as a {@link Timestamp}. A `Date` holds milliseconds only: two changes within
 * one of them would look the same, and the second be taken for applied. Text is expected as ISO 8601; UTC where it
 * names no zone. Use it for the field `AggregateLastUpdateTimeUtc`, within `Schema.NullOr`, and for a stored watermark.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Timestamp: Schema.Schema<Timestamp, string> = Schema.transformOrFail(Schema.String, TimestampFromSelf, {
  strict: true,
  decode: (text, _, ast) =>
    Either.fromOption(fromText(text), () => new ParseResult.Type(ast, text, "Expected a date-time in ISO 8601")),
  encode: ParseResult.succeed
}).annotations({ identifier: "TimestampFromString" })

const firstMoment = Date.parse("0001-01-01T00:00:00Z")
const millisOf = (time: Timestamp): number => Date.parse(time)

/** A time moved back; what would lie before the year 1 is cut off. */
const earlier = (time: Timestamp, millis: number): Timestamp => {
  const moved = new Date(Math.max(millisOf(time) - millis, firstMoment))
  return brand(`${moved.toISOString().slice(0, 23)}${time.slice(23)}`)
}

const latest = (a: Timestamp | undefined, b: Timestamp | null | undefined): Timestamp | undefined =>
  !b || (a !== undefined && a >= b) ? a : b

// --- options --------------------------------------------------------------------------------------------------------

/**
 * What a row must hold to be pulled incrementally. Other fields are the program's choice.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  readonly Id: string
  readonly AggregateLastUpdateTimeUtc: Timestamp | null
}

/**
 * The same on the wire.
 *
 * @category models
 * @since 0.1.0
 */
export interface EncodedRow {
  readonly Id: string
  readonly AggregateLastUpdateTimeUtc: string | null
}

/**
 * Where the watermark is kept: the time up to which the copy is complete.
 *
 * @category options
 * @since 0.1.0
 */
export interface Watermark<E = never, R = never> {
  /** The watermark that the last successful run saved; `undefined` asks for a full pull. */
  readonly load: Effect.Effect<Timestamp | undefined, E, R>
  /** Run once, after everything was applied, and only where the watermark has moved. */
  readonly save: (watermark: Timestamp) => Effect.Effect<unknown, E, R>
}

/**
 * How far a run has come.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  /** Rows received. */
  readonly pulled: number
  /** Rows handed to `apply`. */
  readonly applied: number
  /** Rows received that were not handed on: changed before the time asked for, or applied already. */
  readonly skipped: number
  /** Rows that the run is about, counted when it started; only with the option `count`. */
  readonly total: number | undefined
}

/**
 * What a run did.
 *
 * @category models
 * @since 0.1.0
 */
export interface Summary extends Progress {
  /** `full` where there was no watermark to start from, or where the options asked for it. */
  readonly mode: "full" | "incremental"
  /** The watermark now; `undefined` where none of the rows had a time. */
  readonly watermark: Timestamp | undefined
}

/**
 * Options of {@link run}. The type parameters are what the callbacks may fail with and need: `apply`, then `watermark`,
 * then `lastApplied`.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<A, I, E = never, R = never, EW = never, RW = never, EL = never, RL = never> {
  /** Where the watermark is kept. */
  readonly watermark: Watermark<EW, RW>
  /**
   * Writes a chunk of rows to the copy, at most `pageSize` of them: the natural place for a transaction. A row can come
   * again, in this run or the next, so it must be an insert-or-update.
   */
  readonly apply: (rows: Chunk.NonEmptyChunk<A>) => Effect.Effect<unknown, E, R>
  /**
   * The times of the rows as they stand in the copy, for these ids; ids that it does not hold are left out. A row that
   * is not newer is skipped. Without it, every row received within the overlap is applied again, and a run that was
   * broken off starts with writing everything anew.
   */
  readonly lastApplied?:
    | ((ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Timestamp | null>, EL, RL>)
    | undefined
  /**
   * How far before the watermark a run starts, for changes that became visible late. ERP.net advises 5 minutes, 30 for
   * heavy traffic, an hour at the worst.
   *
   * @default "5 minutes"
   */
  readonly overlap?: Duration.DurationInput | undefined
  /**
   * Pulls everything although there is a watermark: the only way to see rows whose time is null.
   *
   * @default false
   */
  readonly full?: boolean | undefined
  /**
   * Rows in one request and at most in one chunk, 1 to 1000; smaller for wide rows.
   *
   * @default 1000
   */
  readonly pageSize?: number | undefined
  /**
   * What else the requests say. With a filter the copy holds what has ever matched: a row that stops matching is not
   * seen again. There is no order to choose: only in the default order, by `Id`, does ERP.net page without repeating
   * or losing rows while they change.
   */
  readonly query?: Pick<Query.Query<A, I>, "filter" | "options" | "headers" | "context"> | undefined
  /**
   * Asks for the number of rows first, with one more request, so that progress has a total.
   *
   * @default false
   */
  readonly count?: boolean | undefined
  /** Run at the start and after every chunk. */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<unknown>) | undefined
}

// --- running --------------------------------------------------------------------------------------------------------

const pageSizeOf = (pageSize: number): Effect.Effect<number> =>
  Number.isInteger(pageSize) && pageSize > 0
    ? Effect.succeed(pageSize)
    : Effect.die(new Cause.IllegalArgumentException(`pageSize is ${pageSize}; give a whole number from 1 to 1000`))

const since = <A extends Row, I extends EncodedRow>(
  from: Timestamp,
  filter: Filter.Input<Filter.Fields<A, I>> | undefined
): Filter.Filter<Filter.Fields<A, I>> => {
  // ERP.net shows times in filters with three digits. Cutting the others off only makes the bound a little lower.
  const bound = Filter.ge("AggregateLastUpdateTimeUtc", Filter.date(`${from.slice(0, 23)}Z`))
  // The compiler cannot work out the fields of rows that it does not know yet; the bounds of A and I hold this one.
  return (filter === undefined ? bound : Filter.and(bound, Filter.all(filter))) as Filter.Filter<Filter.Fields<A, I>>
}

/**
 * Pulls an entity set: everything the first time, afterwards what has changed since the watermark less the overlap.
 *
 * **Details**
 *
 * - Rows are applied chunk by chunk, in order, while the next page is on its way.
 * - ERP.net cuts times in filters down to the date; what it sends too much is dropped here.
 * - The watermark moves only after everything was applied, to the greatest time seen, and never back. Where a run takes
 *   longer than the overlap, rows may have changed behind it: the new watermark is then earlier by the time it took.
 * - A run that fails, is interrupted or is killed leaves the watermark alone. The next one starts where that one did,
 *   and with `lastApplied` writes only what is missing.
 * - Run one at a time for each copy.
 *
 * @category combinators
 * @since 0.1.0
 */
export const run = <
  A extends Row,
  I extends EncodedRow,
  E = never,
  R = never,
  EW = never,
  RW = never,
  EL = never,
  RL = never
>(
  set: EntitySet.EntitySet<A, I>,
  options: Options<NoInfer<A>, NoInfer<I>, E, R, EW, RW, EL, RL>
): Effect.Effect<Summary, DomainApi.DomainApiError | E | EW | EL, DomainApi.DomainApi | R | RW | RL> =>
  withSpan(
    "IncrementalPull.run",
    () => ({ "erpnet.entity_set": set.name }),
    (span) =>
      Effect.gen(function* () {
        const overlap = yield* Effect.orDie(Millis.millis("overlap", options.overlap ?? "5 minutes"))
        const pageSize = yield* pageSizeOf(options.pageSize ?? 1000)
        const before = yield* options.watermark.load
        const from = before === undefined || options.full === true ? undefined : earlier(before, overlap)
        const filter = from === undefined ? options.query?.filter : since<A, I>(from, options.query?.filter)
        const query = { ...options.query, filter }
        const mode = from === undefined ? "full" : "incremental"
        span?.attribute("erpnet.pull_mode", mode)

        const started = yield* Clock.currentTimeMillis
        const total = options.count === true ? yield* DomainApi.count(set, query) : undefined
        let pulled = 0
        let applied = 0
        let greatest: Timestamp | undefined
        const progress = (): Progress => ({ pulled, applied, skipped: pulled - applied, total })
        const report = Effect.suspend(() => options.onProgress?.(progress()) ?? Effect.void)

        const known = (rows: Chunk.Chunk<A>): Effect.Effect<ReadonlyMap<string, Timestamp | null>, EL, RL> =>
          options.lastApplied === undefined || Chunk.isEmpty(rows)
            ? Effect.succeed(new Map())
            : options.lastApplied(Chunk.toReadonlyArray(rows).map((row) => row.Id))

        const applyChunk = (rows: Chunk.Chunk<A>) =>
          Effect.gen(function* () {
            const recent = Chunk.filter(rows, ({ AggregateLastUpdateTimeUtc: time }) => {
              greatest = latest(greatest, time)
              return from === undefined || time === null || time >= from
            })
            const times = yield* known(recent)
            const fresh = Chunk.filter(recent, ({ AggregateLastUpdateTimeUtc: time, Id }) => {
              const last = times.get(Id) ?? undefined
              return time === null || last === undefined || time > last
            })
            if (Chunk.isNonEmpty(fresh)) yield* options.apply(fresh)
            pulled += rows.length
            applied += fresh.length
            yield* report
          })

        yield* report
        yield* DomainApi.stream(set, { ...query, top: pageSize }).pipe(
          Stream.rechunk(pageSize),
          Stream.runForEachChunk(applyChunk)
        )
        const took = (yield* Clock.currentTimeMillis) - started
        const reached = greatest !== undefined && took > overlap ? earlier(greatest, took) : greatest
        const watermark = latest(before, reached)
        if (watermark !== undefined && watermark !== before) yield* options.watermark.save(watermark)
        span?.attribute("erpnet.pull_applied", applied)
        return { ...progress(), mode, watermark }
      })
  )
