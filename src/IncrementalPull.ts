/**
 * Keeps a copy of an entity set up to date: the first run pulls every row, later runs only those that have changed.
 *
 * **Details**
 *
 * - It follows ERP.net's recipe for data synchronisation over `AggregateLastUpdateTimeUtc`, which only aggregate roots
 *   have (since version 26.2) and which moves on any change in the tree below the root.
 * - {@link run} does not report deletions: a deleted row is never seen again and stays in the copy. {@link sweep} finds
 *   what is gone.
 * - With `resume` a run that was broken off goes on where it stood, in the same process or in another.
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
import * as Arr from "effect/Array"
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
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Types from "effect/Types"
import * as DomainApi from "./DomainApi.ts"
import type * as DomainRequest from "./DomainRequest.ts"
import * as EntitySet from "./EntitySet.ts"
import { isTransient, SweepIncomplete } from "./ErpNetError.ts"
import * as Filter from "./Filter.ts"
import { lazySchema } from "./internal/lazySchema.ts"
import * as Settings from "./internal/settings.ts"
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
 * Where a run stood: what it needs to go on from there, in this process or another. It holds no token.
 *
 * @category models
 * @since 0.2.0
 */
export interface Checkpoint {
  /** The entity set. */
  readonly entitySet: string
  /** The link to the next page, byte for byte as the server gave it. */
  readonly nextLink: string
  /** The watermark that the run began with. */
  readonly watermark: Timestamp | null
  /** The bound of the run's filter; null in a full pull. */
  readonly from: Timestamp | null
  /** The greatest time that was seen. */
  readonly greatest: Timestamp | null
  /** When the first attempt began, in milliseconds since 1970. */
  readonly startedAt: number
  /** The server's version then, where it told it; a link is good for this version only. */
  readonly serverVersion: string | null
  /** Rows received before the next page. */
  readonly pulled: number
  /** Rows handed to `apply` before the next page. */
  readonly applied: number
}

/**
 * A {@link Checkpoint} as a program stores it.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Checkpoint: Schema.Schema<
  Checkpoint,
  Types.Simplify<
    Omit<Checkpoint, "watermark" | "from" | "greatest"> & {
      readonly watermark: string | null
      readonly from: string | null
      readonly greatest: string | null
    }
  >
> = lazySchema(() =>
  Schema.Struct({
    entitySet: Schema.String,
    nextLink: Schema.String,
    watermark: Schema.NullOr(Timestamp),
    from: Schema.NullOr(Timestamp),
    greatest: Schema.NullOr(Timestamp),
    startedAt: Schema.Number,
    serverVersion: Schema.NullOr(Schema.String),
    pulled: Schema.Number,
    applied: Schema.Number
  })
)

/**
 * Where a run stands once a chunk has been written.
 *
 * @category models
 * @since 0.2.0
 */
export interface Position {
  /** What to store in place of the last one; `undefined` with the last chunk of a run: store that there is none. */
  readonly checkpoint: Checkpoint | undefined
}

/**
 * How a run goes on where an earlier one stood.
 *
 * @category options
 * @since 0.2.0
 */
export interface Resume<E = never, R = never> {
  /** The checkpoint that the last `apply` stored; `undefined` where there is none. */
  readonly load: Effect.Effect<Checkpoint | undefined, E, R>
  /** Removes the checkpoint. Run at the end of a run that went on from one. */
  readonly clear?: Effect.Effect<unknown, E, R> | undefined
  /**
   * A run whose first attempt began longer ago begins anew.
   *
   * @default "6 hours"
   */
  readonly restartAfter?: Duration.DurationInput | undefined
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
  /** `full` where there was no watermark to start from, where it lay in the server's future, or where the options asked for it. */
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
   * again, in this run or the next, so it must be an insert-or-update. With `resume` it also keeps the checkpoint, best
   * in the same transaction.
   */
  readonly apply: (rows: Chunk.NonEmptyChunk<A>, position: Position) => Effect.Effect<unknown, E, R>
  /**
   * Goes on where a run that failed, was interrupted or was killed stood, instead of from the beginning.
   *
   * @default no checkpoint is read; every run begins anew
   */
  readonly resume?: Resume<EW, RW> | undefined
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

/** Where an attempt begins, and what earlier ones did. */
interface Beginning {
  readonly before: Timestamp | undefined
  readonly from: Timestamp | undefined
  readonly startedAt: number
  readonly checkpoint: Checkpoint | undefined
}

/** An attempt cannot be gone on with: the link of its checkpoint is refused, or its bound lies in the server's future. */
class BeginAnew {
  readonly _tag = "BeginAnew"
  readonly cause: "link" | "bound"
  constructor(cause: "link" | "bound") {
    this.cause = cause
  }
}

// A `Date` header has whole seconds.
const isAfter = (time: Timestamp, date: number | undefined): boolean =>
  date !== undefined && millisOf(time) > date + 999

/** Answers that say that this request will not do, whenever it is sent. */
const refusals = new Set([
  "NotFound",
  "ServerError",
  "ResponseInvalid",
  "ForeignOrigin",
  "ValidationFailed",
  "PagingLoop"
])

const isRefusal = (error: DomainApi.DomainApiError): boolean => refusals.has(error._tag) && !isTransient(error)

const Version = lazySchema(() => Schema.Struct({ version: Schema.String }))

/** The server's version; nothing where it does not tell. */
const serverVersion: Effect.Effect<string | null, DomainApi.DomainApiError, DomainApi.DomainApi> = DomainApi.request(
  "GetVersion",
  Version
).pipe(
  Effect.map(({ version }) => version),
  Effect.catchIf(isRefusal, () => Effect.succeed(null))
)

/** The checkpoint that a run can go on from. */
const usable = <A, I, E, R, EW, RW, EL, RL>(
  set: EntitySet.EntitySet<A, I>,
  options: Options<A, I, E, R, EW, RW, EL, RL>,
  before: Timestamp | undefined
): Effect.Effect<Checkpoint | undefined, DomainApi.DomainApiError | EW, DomainApi.DomainApi | RW> =>
  Effect.gen(function* () {
    const { resume } = options
    if (resume === undefined) return undefined
    const restartAfter = yield* Effect.orDie(Settings.millis("restartAfter", resume.restartAfter ?? "6 hours"))
    const checkpoint = yield* resume.load
    if (checkpoint === undefined) return undefined
    const age = (yield* Clock.currentTimeMillis) - checkpoint.startedAt
    const isOfThisRun =
      checkpoint.entitySet === set.name &&
      // Another watermark: the run of the checkpoint was finished.
      checkpoint.watermark === (before ?? null) &&
      (options.full !== true || checkpoint.from === null) &&
      age >= 0 &&
      age <= restartAfter
    if (!isOfThisRun) return undefined
    const version = checkpoint.serverVersion === null ? null : yield* serverVersion
    return version === checkpoint.serverVersion ? checkpoint : undefined
  })

/** One attempt at a run: pulls and applies all pages, and moves the watermark. */
const attempt = <A extends Row, I extends EncodedRow, E, R, EW, RW, EL, RL>(
  set: EntitySet.EntitySet<A, I>,
  options: Options<A, I, E, R, EW, RW, EL, RL>,
  overlap: number,
  pageSize: number,
  beginning: Beginning
): Effect.Effect<Summary, DomainApi.DomainApiError | E | EW | EL | BeginAnew, DomainApi.DomainApi | R | RW | RL> =>
  Effect.gen(function* () {
    const { before, checkpoint, from } = beginning
    const filter = from === undefined ? options.query?.filter : since<A, I>(from, options.query?.filter)
    const query = { ...options.query, filter }
    const total = options.count === true ? yield* DomainApi.count(set, query) : undefined
    const writer = makeWriter(set.name, options, beginning, total)
    let date: number | undefined
    let begun = false

    const takePage = (page: DomainRequest.Page<A>) =>
      Effect.gen(function* () {
        if (from !== undefined && isAfter(from, page.date)) return yield* Effect.fail(new BeginAnew("bound"))
        begun = true
        date = page.date ?? date
        yield* writer.take(page)
      })

    yield* writer.report
    yield* DomainApi.pages(set, { ...query, pageSize, from: checkpoint?.nextLink }).pipe(
      Stream.mapError((error) =>
        checkpoint !== undefined && !begun && isRefusal(error) ? new BeginAnew("link") : error
      ),
      Stream.runForEach(takePage)
    )
    const greatest = yield* writer.finish
    const took = (yield* Clock.currentTimeMillis) - beginning.startedAt
    const reached = greatest !== undefined && took > overlap ? earlier(greatest, took) : greatest
    const watermark = latest(before !== undefined && isAfter(before, date) ? undefined : before, reached)
    if (watermark !== undefined && watermark !== before) yield* options.watermark.save(watermark)
    return { ...writer.progress(), mode: from === undefined ? ("full" as const) : ("incremental" as const), watermark }
  })

/** The greatest time of a page. One in the server's future would hide later changes, were it the watermark. */
const greatestOf = (page: DomainRequest.Page<Row>): Timestamp | undefined =>
  page.rows.reduce<Timestamp | undefined>(
    (greatest, { AggregateLastUpdateTimeUtc: time }) =>
      time === null || isAfter(time, page.date) ? greatest : latest(greatest, time),
    undefined
  )

/** The rows of a page that are not older than the bound and that the copy does not have. */
const freshOf = <A extends Row, I, E, R, EW, RW, EL, RL>(
  { lastApplied }: Options<A, I, E, R, EW, RW, EL, RL>,
  from: Timestamp | undefined,
  page: DomainRequest.Page<A>
): Effect.Effect<Chunk.Chunk<A>, EL, RL> =>
  Effect.gen(function* () {
    const recent = Chunk.filter(
      Chunk.unsafeFromArray(page.rows),
      ({ AggregateLastUpdateTimeUtc: time }) => from === undefined || time === null || time >= from
    )
    if (lastApplied === undefined || Chunk.isEmpty(recent)) return recent
    const times = yield* lastApplied(Chunk.toReadonlyArray(recent).map(({ Id }) => Id))
    return Chunk.filter(recent, ({ AggregateLastUpdateTimeUtc: time, Id }) => {
      const held = times.get(Id) ?? undefined
      return time === null || held === undefined || time > held
    })
  })

/** Hands rows to `apply`, with checkpoints, and counts them. */
const makeWriter = <A extends Row, I, E, R, EW, RW, EL, RL>(
  entitySet: string,
  options: Options<A, I, E, R, EW, RW, EL, RL>,
  { before, checkpoint, from, startedAt }: Beginning,
  total: number | undefined
) => {
  const { resume } = options
  let { applied, pulled } = checkpoint ?? { applied: 0, pulled: 0 }
  let greatest = checkpoint?.greatest ?? undefined
  let version = checkpoint?.serverVersion
  let nextLink: string | undefined
  // With `resume` a chunk is kept back until it is known what follows, because the last one has no checkpoint.
  let waiting: Chunk.Chunk<A> = Chunk.empty()

  const progress = (): Progress => ({ pulled, applied, skipped: pulled - applied, total })
  const report = Effect.suspend(() => options.onProgress?.(progress()) ?? Effect.void)

  const checkpointAt = (link: string): Effect.Effect<Checkpoint, DomainApi.DomainApiError, DomainApi.DomainApi> =>
    Effect.gen(function* () {
      if (version === undefined) version = yield* serverVersion
      const bounds = { watermark: before ?? null, from: from ?? null, greatest: greatest ?? null }
      return { entitySet, nextLink: link, ...bounds, startedAt, serverVersion: version, pulled, applied }
    })

  /** Writes the chunk that was kept back; what follows it begins with the link. */
  const flush = (link: string | undefined) =>
    Effect.gen(function* () {
      if (!Chunk.isNonEmpty(waiting)) return
      const position = { checkpoint: link === undefined ? undefined : yield* checkpointAt(link) }
      yield* options.apply(waiting, position)
      waiting = Chunk.empty()
    })

  const take = (page: DomainRequest.Page<A>) =>
    Effect.gen(function* () {
      const fresh = yield* freshOf(options, from, page)
      if (Chunk.isNonEmpty(fresh)) {
        yield* flush(nextLink)
        waiting = fresh
      }
      nextLink = page.nextLink
      greatest = latest(greatest, greatestOf(page))
      pulled += page.rows.length
      applied += fresh.length
      if (resume === undefined) yield* flush(undefined)
      yield* report
    })

  const finish = Effect.gen(function* () {
    yield* flush(undefined)
    if (checkpoint !== undefined) yield* resume?.clear ?? Effect.void
    return greatest
  })

  return { progress, report, take, finish }
}

/**
 * Pulls an entity set: everything the first time, afterwards what has changed since the watermark less the overlap.
 *
 * **Details**
 *
 * - Rows are applied page by page, in order, while the next page is asked for.
 * - ERP.net cuts times in filters down to the date; what it sends too much is dropped here.
 * - The watermark moves only after everything was applied, to the greatest time seen, and never back. Where a run takes
 *   longer than the overlap, rows may have changed behind it: the new watermark is then earlier by the time it took.
 * - Times later than the server's present, as its answers tell it in the header `Date`, do not count: such rows are
 *   applied, in each run again, and the watermark stays behind them. A stored watermark so far in the server's future
 *   that changes of now would be missed is given up, and everything is pulled anew.
 * - A run that fails, is interrupted or is killed leaves the watermark alone. The next one starts where that one did,
 *   and with `lastApplied` writes only what is missing. With `resume` it goes on with the page after the last that was
 *   applied; a link that the server refuses, that is of another server version or too old makes it begin anew, once.
 * - Run one at a time for each copy.
 *
 * @see {@link sweep} finds the rows that were deleted
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
        const overlap = yield* Effect.orDie(Settings.millis("overlap", options.overlap ?? "5 minutes"))
        const pageSize = yield* pageSizeOf(options.pageSize ?? 1000)
        const before = yield* options.watermark.load
        const bound = before === undefined || options.full === true ? undefined : earlier(before, overlap)
        const now = yield* Clock.currentTimeMillis
        const begin = (from: Timestamp | undefined, checkpoint?: Checkpoint): Beginning => ({
          before,
          from,
          startedAt: checkpoint?.startedAt ?? now,
          checkpoint
        })
        const pull = (beginning: Beginning) => attempt(set, options, overlap, pageSize, beginning)
        const orElse = <B, E1, R1, E2, R2>(first: Effect.Effect<B, E1, R1>, next: () => Effect.Effect<B, E2, R2>) =>
          Effect.catchIf(first, (error): error is Extract<E1, BeginAnew> => error instanceof BeginAnew, next)
        // A full pull has neither bound nor link.
        const everything = orElse(pull(begin(undefined)), () => Effect.dieMessage("a full pull was to begin anew"))
        const anew = bound === undefined ? everything : orElse(pull(begin(bound)), () => everything)
        const checkpoint = yield* usable(set, options, before)
        const summary = yield* checkpoint === undefined
          ? anew
          : orElse(pull(begin(checkpoint.from ?? undefined, checkpoint)), () => anew)
        span?.attribute("erpnet.pull_mode", summary.mode)
        span?.attribute("erpnet.pull_applied", summary.applied)
        return summary
      })
  )

// --- deletions ------------------------------------------------------------------------------------------------------

/**
 * Where a sweep stood. It holds no token.
 *
 * @category models
 * @since 0.2.0
 */
export interface SweepCheckpoint {
  /** The entity set. */
  readonly entitySet: string
  /** The name of the sweep: when its first attempt began. */
  readonly sweep: Timestamp
  /** The link to the next page, byte for byte as the server gave it. */
  readonly nextLink: string
  /** How many rows the server counted at the start. */
  readonly counted: number
  /** How many ids were marked so far. */
  readonly checked: number
}

/**
 * A {@link SweepCheckpoint} as a program stores it.
 *
 * @category schemas
 * @since 0.2.0
 */
export const SweepCheckpoint: Schema.Schema<
  SweepCheckpoint,
  Types.Simplify<Omit<SweepCheckpoint, "sweep"> & { readonly sweep: string }>
> = lazySchema(() =>
  Schema.Struct({
    entitySet: Schema.String,
    sweep: Timestamp,
    nextLink: Schema.String,
    counted: Schema.Number,
    checked: Schema.Number
  })
)

/**
 * Options of {@link sweep}.
 *
 * @category options
 * @since 0.2.0
 */
export interface SweepOptions<A, I, E = never, R = never> {
  /**
   * Marks rows of the copy with the name of the sweep: the server still has them. Ids that the copy does not hold are
   * to be passed over. With `resume` it also keeps the checkpoint, best in the same transaction.
   */
  readonly mark: (
    ids: Chunk.NonEmptyChunk<string>,
    position: { readonly sweep: Timestamp; readonly checkpoint: SweepCheckpoint | undefined }
  ) => Effect.Effect<unknown, E, R>
  /** The ids of all rows of the copy that do not bear the mark of this sweep. */
  readonly unmarked: (sweep: Timestamp) => Effect.Effect<ReadonlyArray<string>, E, R>
  /** Removes rows from the copy, at most 40 at a time. */
  readonly remove: (ids: Chunk.NonEmptyChunk<string>) => Effect.Effect<unknown, E, R>
  /**
   * The filter of the copy, where {@link run} has one: rows that no longer match are removed as well.
   *
   * @default all rows of the entity set belong to the copy
   */
  readonly query?: Pick<Query.Query<A, I>, "filter" | "headers" | "context"> | undefined
  /**
   * Ids in one request, 1 to 1000.
   *
   * @default 1000
   */
  readonly pageSize?: number | undefined
  /**
   * Where the checkpoint is read; `undefined` where there is none, or where it is older than some hours.
   *
   * @default every sweep begins anew
   */
  readonly resume?: Effect.Effect<SweepCheckpoint | undefined, E, R> | undefined
}

/**
 * What a sweep did.
 *
 * @category models
 * @since 0.2.0
 */
export interface SweepSummary {
  /** Ids that the server has. */
  readonly checked: number
  /** The ids of the rows that were removed from the copy. */
  readonly removed: ReadonlyArray<string>
}

/** So many ids keep the address of a request below 2,000 characters. */
const idsInRequest = 40

/** A row of which only the id is read. */
interface IdRow {
  readonly Id: string
}

/** The ids of an entity set, and the query of the copy for them. */
const idsOf = <A, I>(set: EntitySet.EntitySet<A, I>, query: Query.Query<A, I>) => ({
  ids: EntitySet.make(set.name, Schema.Struct({ Id: Schema.UUID })),
  // The fields of the filter are known to the server, whether or not they are read.
  query: query as unknown as Query.Query<IdRow, IdRow>
})

/** The ids among these that the server still has: one more look before anything is removed. */
const stillThere = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  query: Query.Query<A, I>,
  among: ReadonlyArray<string>
): Effect.Effect<ReadonlySet<string>, DomainApi.DomainApiError, DomainApi.DomainApi> => {
  const narrowed = idsOf(set, query)
  const oneOfThem = Filter.in("Id", among)
  const filter =
    narrowed.query.filter === undefined ? oneOfThem : Filter.and(oneOfThem, Filter.all(narrowed.query.filter))
  return Effect.map(
    DomainApi.list(narrowed.ids, { ...narrowed.query, filter, top: among.length }),
    (rows) => new Set(rows.map(({ Id }) => Id.toLowerCase()))
  )
}

/** The present, with digits that make it another name than that of a sweep in the same millisecond. */
const newName: Effect.Effect<Timestamp> = Effect.zipWith(
  Clock.currentTimeMillis,
  Random.nextIntBetween(0, 10_000),
  (now, digits) => brand(`${new Date(now).toISOString().slice(0, 23)}${String(digits).padStart(4, "0")}Z`)
)

/** Marks the ids of all pages, and gives their number. */
const markAll = <A, I, E, R>(
  set: EntitySet.EntitySet<A, I>,
  options: SweepOptions<A, I, E, R>,
  pageSize: number,
  beginning: Omit<SweepCheckpoint, "nextLink"> & { readonly nextLink: string | undefined }
): Effect.Effect<number, DomainApi.DomainApiError | E, DomainApi.DomainApi | R> => {
  const { ids, query } = idsOf(set, options.query ?? {})
  return DomainApi.pages(ids, { ...query, pageSize, from: beginning.nextLink }).pipe(
    Stream.runFoldEffect(beginning.checked, (before, { nextLink, rows }) => {
      const checked = before + rows.length
      const checkpoint = nextLink === undefined ? undefined : { ...beginning, nextLink, checked }
      const found = Chunk.unsafeFromArray(rows.map(({ Id }) => Id))
      return Chunk.isNonEmpty(found)
        ? Effect.as(options.mark(found, { sweep: beginning.sweep, checkpoint }), checked)
        : Effect.succeed(checked)
    })
  )
}

/** Removes what is neither marked nor found by another look. */
const removeUnmarked = <A, I, E, R>(
  set: EntitySet.EntitySet<A, I>,
  options: SweepOptions<A, I, E, R>,
  sweep: Timestamp
): Effect.Effect<ReadonlyArray<string>, DomainApi.DomainApiError | E, DomainApi.DomainApi | R> =>
  Effect.flatMap(options.unmarked(sweep), (unmarked) =>
    Effect.map(
      Effect.forEach(Arr.chunksOf(unmarked, idsInRequest), (ids) =>
        Effect.gen(function* () {
          const there = yield* stillThere(set, options.query ?? {}, ids)
          const gone = Chunk.fromIterable(ids.filter((id) => !there.has(id.toLowerCase())))
          if (Chunk.isNonEmpty(gone)) yield* options.remove(gone)
          return gone
        })
      ),
      (removed) => removed.flatMap(Chunk.toReadonlyArray)
    )
  )

/**
 * Finds the rows of a copy that the server no longer has, and removes them: marks the ids that the server gives, page by
 * page, then removes what bears no mark.
 *
 * **Details**
 *
 * - It reads ids alone (`$select=Id`), 1,000 in a request. How often to run it is the program's choice: once a night.
 * - A short answer never deletes: where fewer ids came than the server counted (`$count`, before and after), the sweep
 *   fails with `SweepIncomplete` and nothing is removed. Each row without a mark is asked for by its id once more, so that
 *   rows that came into the copy meanwhile stay.
 * - It can be interrupted at any moment. With `resume` the next one goes on where it stood; without, it begins anew.
 * - Run it while no {@link run} of the same copy is under way, or after it.
 *
 * @example
 * ```ts
 * import { EntitySet, IncrementalPull } from "effect-erpnet"
 * import { Console, Effect, Schema } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({ Id: Schema.UUID }))
 * const copy = new Map<string, string>() // id -> the last sweep that found it
 *
 * export const program = IncrementalPull.sweep(Customers, {
 *   mark: (ids, { sweep }) =>
 *     Effect.sync(() => {
 *       for (const id of ids) if (copy.has(id)) copy.set(id, sweep)
 *     }),
 *   unmarked: (sweep) => Effect.sync(() => [...copy.keys()].filter((id) => copy.get(id) !== sweep)),
 *   remove: (ids) =>
 *     Effect.sync(() => {
 *       for (const id of ids) copy.delete(id)
 *     })
 * }).pipe(Effect.tap(({ removed }) => Console.log(`${removed.length} customers were deleted`)))
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const sweep = <A, I, E = never, R = never>(
  set: EntitySet.EntitySet<A, I>,
  options: SweepOptions<NoInfer<A>, NoInfer<I>, E, R>
): Effect.Effect<SweepSummary, DomainApi.DomainApiError | SweepIncomplete | E, DomainApi.DomainApi | R> =>
  withSpan(
    "IncrementalPull.sweep",
    () => ({ "erpnet.entity_set": set.name }),
    (span) =>
      Effect.gen(function* () {
        const pageSize = yield* pageSizeOf(options.pageSize ?? 1000)
        const stored = options.resume === undefined ? undefined : yield* options.resume
        const checkpoint = stored?.entitySet === set.name ? stored : undefined
        const count = DomainApi.count(set, options.query ?? {})
        const name = checkpoint?.sweep ?? (yield* newName)
        const counted = checkpoint?.counted ?? (yield* count)
        const beginning = { entitySet: set.name, sweep: name, counted, checked: 0, nextLink: undefined, ...checkpoint }
        const checked = yield* markAll(set, options, pageSize, beginning)
        // Rows may be made and deleted meanwhile; fewer than at both ends there cannot be.
        const expected = Math.min(counted, yield* count)
        if (checked < expected) return yield* new SweepIncomplete({ entitySet: set.name, expected, received: checked })
        const removed = yield* removeUnmarked(set, options, name)
        span?.attribute("erpnet.sweep_removed", removed.length)
        return { checked, removed }
      })
  )
