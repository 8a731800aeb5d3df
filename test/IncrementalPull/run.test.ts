import { HttpClient, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import {
  type Chunk,
  DateTime,
  Deferred,
  Effect,
  Exit,
  FastCheck,
  Fiber,
  Layer,
  Option,
  Redacted,
  Schema,
  TestClock
} from "effect"
import { DomainApi, EntitySet, ErpNet, Filter, Instance, TokenProvider } from "effect-erpnet"
import * as IncrementalPull from "effect-erpnet/IncrementalPull"
import { ErpNetEmulator } from "effect-erpnet/testing"

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({
    Id: Schema.UUID,
    Number: Schema.NullOr(Schema.String),
    Active: Schema.Boolean,
    AggregateLastUpdateTimeUtc: Schema.NullOr(IncrementalPull.Timestamp)
  })
)
type Customer = EntitySet.Type<typeof Customers>

const size = 300

/** An emulated instance and the services on top of it. */
const erp = (options: ErpNetEmulator.Options = {}) =>
  ErpNet.layer({ instance: "testdb", credentials: { ...ErpNetEmulator.demoCredentials, scopes: ["read"] } }).pipe(
    Layer.provideMerge(ErpNetEmulator.layer({ customers: size, products: 2, salesOrders: 2, ...options }))
  )

/** A copy in memory: what the callbacks of a real one do to a database. */
class Copy {
  readonly rows = new Map<string, Customer>()
  readonly chunks: Array<number> = []
  watermark: IncrementalPull.Timestamp | undefined
  saves = 0
  readonly store: IncrementalPull.Watermark = {
    load: Effect.sync(() => this.watermark),
    save: (time) =>
      Effect.sync(() => {
        this.watermark = time
        this.saves += 1
      })
  }
  readonly apply = (rows: Iterable<Customer> & { readonly length: number }) =>
    Effect.sync(() => {
      this.chunks.push(rows.length)
      for (const row of rows) this.rows.set(row.Id, row)
    })
  readonly lastApplied = (ids: ReadonlyArray<string>) =>
    Effect.sync(() => {
      const found = ids.flatMap((id) => this.rows.get(id) ?? [])
      return new Map(found.map((row) => [row.Id, row.AggregateLastUpdateTimeUtc] as const))
    })
  get options() {
    return { watermark: this.store, apply: this.apply, lastApplied: this.lastApplied, pageSize: 100 }
  }
}

/** The query strings that the Domain API received. */
const queries = Effect.gen(function* () {
  const { journal } = yield* ErpNetEmulator.ErpNetEmulator
  return (yield* journal).flatMap((entry) =>
    entry.path.startsWith("/api/domain/odata/") ? [new URLSearchParams(entry.query)] : []
  )
})

const set = "Crm_Sales_Customers"
const all = DomainApi.list(Customers, { top: 1000 })
const timesOf = (rows: Iterable<Customer>) => [...rows].flatMap((row) => row.AggregateLastUpdateTimeUtc ?? [])
const greatest = (rows: Iterable<Customer>) => timesOf(rows).reduce((a, b) => (b > a ? b : a))

const time = (text: string): IncrementalPull.Timestamp => Option.getOrThrow(IncrementalPull.makeTimestamp(text))
const minutesAfter = (start: IncrementalPull.Timestamp, minutes: number) => Date.parse(start) + minutes * 60_000

/** A copy that a first run has filled. */
const filled = Effect.gen(function* () {
  const copy = new Copy()
  const { watermark } = yield* IncrementalPull.run(Customers, copy.options)
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  yield* emulator.clearJournal
  copy.chunks.length = 0
  assert(watermark !== undefined)
  const data = yield* emulator.data
  return { copy, data, ids: data.ids(set), watermark }
})

describe("IncrementalPull.run", () => {
  it.effect("pulls everything the first time, page by page, and then moves the watermark", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      const summary = yield* IncrementalPull.run(Customers, copy.options)
      const asked = yield* queries
      const rows = yield* all
      assert.deepStrictEqual([...copy.rows.values()], [...rows])
      assert.isBelow(timesOf(rows).length, rows.length)
      assert.deepStrictEqual(copy.chunks, [100, 100, 100])
      assert.strictEqual(asked.length, 3)
      assert.strictEqual(asked[0]?.get("$top"), "100")
      assert.isFalse(asked.some((query) => query.has("$filter") || query.has("$orderby")))
      const counts = { pulled: size, applied: size, skipped: 0, total: undefined }
      assert.deepStrictEqual(summary, { ...counts, mode: "full", watermark: greatest(rows) })
      assert.strictEqual(copy.watermark, greatest(rows))
      assert.strictEqual(copy.saves, 1)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("asks for pages of 1,000 by default", () =>
    Effect.gen(function* () {
      const { apply, chunks, store } = new Copy()
      yield* IncrementalPull.run(Customers, { watermark: store, apply })
      assert.strictEqual((yield* queries)[0]?.get("$top"), "1000")
      assert.deepStrictEqual(chunks, [size])
    }).pipe(Effect.provide(erp()))
  )

  it.effect("later pulls what has changed, and drops what comes because the server cuts times to the day", () =>
    Effect.gen(function* () {
      const { copy, data, ids, watermark } = yield* filled
      const bound = new Date(minutesAfter(watermark, -5)).toISOString()
      data.update(set, ids[0]!, { Number: "X1", AggregateLastUpdateTimeUtc: minutesAfter(watermark, 1) })
      data.touch(set, ids[1]!, minutesAfter(watermark, 2))
      // Before the bound, on its day.
      data.touch(set, ids[2]!, Date.parse(`${bound.slice(0, 10)}T00:00:00Z`))
      const summary = yield* IncrementalPull.run(Customers, { ...copy.options, lastApplied: undefined, overlap: 0 })
      assert.isTrue((yield* queries)[0]?.get("$filter")?.startsWith("AggregateLastUpdateTimeUtc ge "))
      assert.strictEqual(summary.mode, "incremental")
      assert.isAtLeast(summary.skipped, 1)
      // The two, and the row that the watermark is from.
      assert.strictEqual(summary.applied, 3)
      assert.strictEqual(copy.rows.get(ids[0]!)?.Number, "X1")
      assert.strictEqual(copy.watermark, time(new Date(minutesAfter(watermark, 2)).toISOString()))
    }).pipe(Effect.provide(erp()))
  )

  it.effect("starts the overlap before the watermark, and skips what the copy has", () =>
    Effect.gen(function* () {
      const { copy, data, ids, watermark } = yield* filled
      // Changed before the watermark and visible only now.
      data.update(set, ids[0]!, { Number: "late", AggregateLastUpdateTimeUtc: minutesAfter(watermark, -4) })
      data.update(set, ids[1]!, { Number: "too late", AggregateLastUpdateTimeUtc: minutesAfter(watermark, -6) })
      const summary = yield* IncrementalPull.run(Customers, copy.options)
      assert.strictEqual(
        (yield* queries)[0]?.get("$filter"),
        `AggregateLastUpdateTimeUtc ge ${new Date(minutesAfter(watermark, -5)).toISOString()}`
      )
      assert.strictEqual(copy.rows.get(ids[0]!)?.Number, "late")
      assert.notStrictEqual(copy.rows.get(ids[1]!)?.Number, "too late")
      assert.strictEqual(summary.applied, 1)
      assert.deepStrictEqual([summary.watermark, copy.saves], [watermark, 1])

      const wider = yield* IncrementalPull.run(Customers, { ...copy.options, overlap: "10 minutes" })
      assert.strictEqual(copy.rows.get(ids[1]!)?.Number, "too late")
      assert.strictEqual(wider.applied, 1)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("applies nothing when nothing has changed", () =>
    Effect.gen(function* () {
      const { copy } = yield* filled
      const summary = yield* IncrementalPull.run(Customers, copy.options)
      assert.isAtLeast(summary.pulled, 1)
      assert.deepStrictEqual([summary.applied, summary.skipped], [0, summary.pulled])
      assert.deepStrictEqual(copy.chunks, [])
    }).pipe(Effect.provide(erp()))
  )

  it.effect("sees rows without a time by a full pull only, and skips the unchanged ones there too", () =>
    Effect.gen(function* () {
      const { copy, data, ids } = yield* filled
      data.update(set, ids[0]!, { Number: "unknown", AggregateLastUpdateTimeUtc: null })
      yield* IncrementalPull.run(Customers, copy.options)
      assert.notStrictEqual(copy.rows.get(ids[0]!)?.Number, "unknown")
      const summary = yield* IncrementalPull.run(Customers, { ...copy.options, full: true })
      assert.strictEqual(copy.rows.get(ids[0]!)?.Number, "unknown")
      assert.deepStrictEqual([summary.mode, summary.pulled], ["full", size])
      assert.strictEqual(summary.applied, size - timesOf(copy.rows.values()).length)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("never moves the watermark back", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      // later than every row, and not later than the server's present
      copy.watermark = time("2026-06-30T12:00:00Z")
      const summary = yield* IncrementalPull.run(Customers, { ...copy.options, full: true })
      assert.strictEqual(summary.applied, size)
      assert.deepStrictEqual([summary.watermark, copy.saves], [time("2026-06-30T12:00:00Z"), 0])
    }).pipe(Effect.provide(erp()))
  )

  it.effect("sets the watermark earlier where the run took longer than the overlap", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      const slow = (minutes: number) =>
        IncrementalPull.run(Customers, {
          ...copy.options,
          pageSize: 1000,
          full: true,
          apply: () => TestClock.adjust(`${minutes} minutes`)
        })
      const first = yield* slow(10)
      const last = greatest(yield* all)
      assert.strictEqual(Date.parse(first.watermark!), minutesAfter(last, -10))
      // The next run is short enough to catch up; a slow one after it changes nothing.
      assert.strictEqual((yield* slow(5)).watermark, last)
      assert.strictEqual((yield* slow(60)).watermark, last)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("keeps the watermark when apply fails, and then writes only what is missing", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      let calls = 0
      const failing = (rows: Chunk.Chunk<Customer>) => (++calls === 2 ? Effect.fail("disk full") : copy.apply(rows))
      const failed = yield* Effect.flip(IncrementalPull.run(Customers, { ...copy.options, apply: failing }))
      assert.strictEqual(failed, "disk full")
      assert.deepStrictEqual([copy.rows.size, copy.saves], [100, 0])
      const withoutTime = 100 - timesOf(copy.rows.values()).length

      const summary = yield* IncrementalPull.run(Customers, copy.options)
      assert.deepStrictEqual([summary.mode, summary.applied], ["full", size - 100 + withoutTime])
      assert.deepStrictEqual([...copy.rows.values()], [...(yield* all)])
      assert.strictEqual(copy.watermark, greatest(copy.rows.values()))
    }).pipe(Effect.provide(erp()))
  )

  it.effect("keeps the watermark when a page fails", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      const emulator = yield* ErpNetEmulator.ErpNetEmulator
      const apply = (rows: Iterable<Customer> & { readonly length: number }) =>
        Effect.zipRight(copy.apply(rows), emulator.failNext("api", ErpNetEmulator.Fault.status(500)))
      const failed = yield* Effect.flip(IncrementalPull.run(Customers, { ...copy.options, apply }))
      assert.strictEqual(failed._tag, "ServerError")
      assert.isAtLeast(copy.rows.size, 100)
      assert.strictEqual(copy.saves, 0)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("keeps the watermark when it is interrupted", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      const reached = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        IncrementalPull.run(Customers, {
          ...copy.options,
          apply: () => Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)
        })
      )
      yield* Deferred.await(reached)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      assert.strictEqual(copy.saves, 0)
    }).pipe(Effect.provide(erp()))
  )

  it.effect("reports progress from the start, with a total where it is asked for", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      const seen: Array<IncrementalPull.Progress> = []
      const onProgress = (progress: IncrementalPull.Progress) => Effect.sync(() => seen.push(progress))
      const options = { ...copy.options, onProgress, count: true, query: { filter: Filter.eq("Active", true) } }
      const { total } = yield* IncrementalPull.run(Customers, options)
      assert.strictEqual(total, (yield* all).filter((row) => row.Active).length)
      assert.deepStrictEqual(
        seen.map(({ pulled, total }) => [pulled, total]),
        [0, 100, 200, total].map((pulled) => [pulled, total])
      )
    }).pipe(Effect.provide(erp()))
  )

  it.effect("adds its filter to the caller's", () =>
    Effect.gen(function* () {
      const { copy, data, ids, watermark } = yield* filled
      for (const [index, id] of ids.slice(0, 2).entries()) {
        data.update(set, id, { Active: index === 0, AggregateLastUpdateTimeUtc: minutesAfter(watermark, 1) })
      }
      const query = { filter: Filter.eq("Active", true), headers: { "x-reason": "sync" } }
      const summary = yield* IncrementalPull.run(Customers, { ...copy.options, query, count: true })
      assert.strictEqual(summary.applied, 1)
      assert.strictEqual(summary.total, summary.pulled)
      const { journal } = yield* ErpNetEmulator.ErpNetEmulator
      const reads = (yield* journal).filter((entry) => entry.path.endsWith(set))
      assert.deepStrictEqual(
        reads.map((entry) => entry.headers["x-reason"]),
        ["sync"]
      )
      assert.match(
        (yield* queries)[0]?.get("$filter") ?? "",
        /^AggregateLastUpdateTimeUtc ge [\dT:.-]+Z and Active eq true$/
      )
    }).pipe(Effect.provide(erp()))
  )

  it.effect("has no watermark while there are no times", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      const query = { filter: Filter.eq("Number", "no such number") }
      const summary = yield* IncrementalPull.run(Customers, { ...copy.options, query })
      assert.deepStrictEqual([summary.mode, summary.pulled, summary.watermark, copy.saves], ["full", 0, undefined, 0])
    }).pipe(Effect.provide(erp()))
  )

  for (const [name, options] of [
    ["a page size of zero", { pageSize: 0 }],
    ["a page size that is not whole", { pageSize: 1.5 }],
    ["a negative overlap", { overlap: -1 }]
  ] as const) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function* () {
        const { apply, store } = new Copy()
        const exit = yield* Effect.exit(IncrementalPull.run(Customers, { watermark: store, apply, ...options }))
        assert.include(String(exit), "IllegalArgumentException")
        assert.strictEqual((yield* queries).length, 0)
      }).pipe(Effect.provide(erp()))
    )
  }

  it.effect("takes an overlap without end for a pull of everything that has a time", () =>
    Effect.gen(function* () {
      const { copy } = yield* filled
      const summary = yield* IncrementalPull.run(Customers, { ...copy.options, overlap: Number.POSITIVE_INFINITY })
      assert.strictEqual(summary.pulled, timesOf(copy.rows.values()).length)
      assert.strictEqual((yield* queries)[0]?.get("$filter"), "AggregateLastUpdateTimeUtc ge 0001-01-01T00:00:00.000Z")
    }).pipe(Effect.provide(erp()))
  )
})

const guid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

/** An instance that answers one page with rows of these times. */
const answering = (...times: ReadonlyArray<string | null>) => {
  const instance = Instance.make("testdb")
  const value = times.map((AggregateLastUpdateTimeUtc, index) => ({
    Id: guid(index),
    Number: null,
    Active: true,
    AggregateLastUpdateTimeUtc
  }))
  return Layer.unwrapEffect(
    Effect.map(instance, (instance) =>
      Layer.provide(
        DomainApi.layer(),
        TokenProvider.layerReferenceToken({ instance, token: Redacted.make("enrt_token") })
      )
    )
  ).pipe(
    Layer.provide(
      Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, Response.json({ value }))))
      )
    )
  )
}

describe("IncrementalPull and times", () => {
  it.effect("tells changes within one millisecond apart", () =>
    Effect.gen(function* () {
      const copy = new Copy()
      copy.watermark = time("2026-01-31T12:00:00.1234567Z")
      yield* copy.apply(
        [0, 1].map((n) => ({
          Id: guid(n),
          Number: "old",
          Active: true,
          AggregateLastUpdateTimeUtc: time("2026-01-31T12:00:00.1234567Z")
        }))
      )
      const summary = yield* IncrementalPull.run(Customers, { ...copy.options, overlap: 0 })
      assert.deepStrictEqual([summary.pulled, summary.applied], [3, 1])
      assert.strictEqual(copy.rows.get(guid(0))?.Number, "old")
      assert.strictEqual(copy.rows.get(guid(1))?.Number, null)
      // Within the millisecond of the watermark, and before it.
      assert.isFalse(copy.rows.has(guid(2)))
      assert.strictEqual(copy.watermark, "2026-01-31T12:00:00.1234568Z")
    }).pipe(
      Effect.provide(
        answering("2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00.1234568Z", "2026-01-31T12:00:00.1234566Z")
      )
    )
  )

  it.effect("orders times of different lengths", () =>
    Effect.gen(function* () {
      const { apply, store } = new Copy()
      const { watermark } = yield* IncrementalPull.run(Customers, { watermark: store, apply })
      assert.strictEqual(watermark, "2026-01-31T12:00:00.1000000Z")
    }).pipe(
      Effect.provide(answering(null, "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.1Z", "2026-01-31T12:00:00.0999999Z"))
    )
  )

  it.effect("says where a row has no time that it can read", () =>
    Effect.gen(function* () {
      const { apply, store } = new Copy()
      const error = yield* Effect.flip(IncrementalPull.run(Customers, { watermark: store, apply }))
      assert(error._tag === "ResponseInvalid")
      assert.strictEqual(error.path, "value[1].AggregateLastUpdateTimeUtc")
      assert.notInclude(String(error), "yesterday")
    }).pipe(Effect.provide(answering("2026-01-31T12:00:00Z", "yesterday")))
  )
})

describe("IncrementalPull.Timestamp", () => {
  const read = (text: string): string | undefined => Option.getOrUndefined(IncrementalPull.makeTimestamp(text))

  for (const [text, expected] of [
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.0000000Z"],
    ["2026-01-31T12:00Z", "2026-01-31T12:00:00.0000000Z"],
    ["2026-01-31T12:00:00.5", "2026-01-31T12:00:00.5000000Z"],
    ["2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00.1234567Z"],
    ["2026-01-31T12:00:00.1234567+02:00", "2026-01-31T10:00:00.1234567Z"],
    ["2025-12-31T23:30:00.0000001-01:00", "2026-01-01T00:30:00.0000001Z"],
    ["2026-01-31T12:00:00.12345678Z", undefined],
    ["2026-13-31T12:00:00Z", undefined],
    ["0000-01-01T00:00:00+01:00", undefined],
    ["9999-12-31T23:59:59-01:00", undefined],
    ["2026-01-31", undefined],
    ["' or 1 eq 1", undefined],
    ["", undefined]
  ] as const) {
    it(`reads ${JSON.stringify(text)} as ${expected}`, () => {
      assert.strictEqual(read(text), expected)
    })
  }

  it("is made from dates", () => {
    const date = new Date("2026-01-31T12:00:00.123Z")
    const expected = Option.some(time("2026-01-31T12:00:00.123Z"))
    assert.deepStrictEqual(IncrementalPull.makeTimestamp(date), expected)
    assert.deepStrictEqual(IncrementalPull.makeTimestamp(DateTime.unsafeMake(date)), expected)
    assert.isTrue(Option.isNone(IncrementalPull.makeTimestamp(new Date(Number.NaN))))
    assert.isTrue(Option.isNone(IncrementalPull.makeTimestamp(new Date(8.64e15))))
  })

  // A moment as the number of 100 ns since the epoch, and two ways to write it.
  const ticks = FastCheck.bigInt({ min: -600_000_000_000_000_000n, max: 2_500_000_000_000_000_000n })
  const write = (tick: bigint, digits: number, offsetHours: number) => {
    const second = tick / 10_000_000n - (tick % 10_000_000n < 0n ? 1n : 0n)
    const fraction = String(tick - second * 10_000_000n).padStart(7, "0")
    const cut = fraction.slice(0, Math.max(digits, fraction.replace(/0+$/, "").length))
    const local = new Date(Number(second) * 1000 + offsetHours * 3_600_000).toISOString().slice(0, 19)
    const zone =
      offsetHours === 0 ? "Z" : `${offsetHours < 0 ? "-" : "+"}${String(Math.abs(offsetHours)).padStart(2, "0")}:00`
    return `${local}${cut === "" ? "" : `.${cut}`}${zone}`
  }
  const written = FastCheck.tuple(
    FastCheck.oneof(ticks, FastCheck.bigInt({ min: 17_000_000_000_000_000n, max: 17_000_000_000_000_030n })),
    FastCheck.integer({ min: 0, max: 7 }),
    FastCheck.integer({ min: -14, max: 14 })
  )

  it("keeps the order of moments, however they are written", () => {
    void FastCheck.assert(
      FastCheck.property(written, written, (a, b) => {
        const [x, y] = [time(write(...a)), time(write(...b))]
        assert.strictEqual(x < y, a[0] < b[0])
        assert.strictEqual(x === y, a[0] === b[0])
        assert.strictEqual(x.length, 28)
        assert.strictEqual(time(x), x)
      })
    )
  })

  it("decodes and encodes without losing a digit", () => {
    const text = "2026-01-31T12:00:00.1234567Z"
    const decoded = Schema.decodeSync(IncrementalPull.Timestamp)(text)
    assert.strictEqual(Schema.encodeSync(IncrementalPull.Timestamp)(decoded), text)
    assert.isTrue(Schema.is(IncrementalPull.Timestamp)(decoded))
    assert.isFalse(Schema.is(IncrementalPull.Timestamp)("2026-01-31T12:00:00Z"))
  })
})
