import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Deferred,
  type Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  Schema,
  Stream,
  TestClock
} from "effect"
import { DomainApi, type ErpNet } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import {
  apiJournal,
  Customers,
  emulated,
  failureOf,
  fakeDomain,
  page,
  pageOf,
  pages,
  rows,
  turn
} from "../support/domain.ts"
import { makeVirtual } from "../support/virtual.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

/** The n-th of many calls. */
const call = (n: number) => DomainApi.request(`Crm_Customers?page=${n}`, Schema.Unknown)

/** A fake API that takes its time, and when each request came. */
const slowly = (latency: Duration.DurationInput, options: ErpNet.ServiceOptions) => {
  const times: Array<number> = []
  const fake = fakeDomain(
    () =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        times.push(now)
        return Effect.delay(Effect.succeed(page([])), latency)
      }),
    options
  )
  return { fake, times }
}

/** So many calls at once in a world of its own time, which then passes. */
const runMany = (fake: ReturnType<typeof fakeDomain>, count: number, seconds: number) => {
  const world = makeVirtual()
  const done: Array<number> = []
  world.fork(
    Effect.forEach(
      numbers(count),
      (n) =>
        Effect.map(call(n), () => {
          done.push(n)
        }),
      { concurrency: "unbounded", discard: true }
    ).pipe(Effect.provide(fake.layer))
  )
  world.settle()
  world.advance(seconds * 1000)
  return { done, world }
}

/** The most requests that came within any `window` milliseconds. */
const densest = (times: ReadonlyArray<number>, window: number): number =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + window).length))

describe("DomainApi: maxConcurrent", () => {
  for (const [options, expected] of [
    [{}, 4],
    [{ maxConcurrent: 1 }, 1],
    [{ maxConcurrent: 7 }, 7]
  ] as const) {
    it(`${JSON.stringify(options)}: ${expected} in flight under 1,000 calls, in order`, () => {
      const { fake, times } = slowly("200 millis", { ...options, requestsPerMinute: Number.POSITIVE_INFINITY })
      const { done, world } = runMany(fake, 1000, 1000)
      assert.strictEqual(fake.highest(), expected)
      assert.deepStrictEqual(done, numbers(1000))
      assert.deepStrictEqual(fake.calls.map(pageOf), numbers(1000))
      // No slower than it must be.
      assert.strictEqual((times.at(-1) ?? 0) - (times[0] ?? 0), (Math.ceil(1000 / expected) - 1) * 200)
      assert.strictEqual(world.pendingSleeps(), 0)
      assert.strictEqual(world.liveFibers(), 0)
    })
  }

  it.effect("streams count too, and one does not wait for itself", () => {
    const answer = pages(60, 10)
    const fake = fakeDomain((request) => Effect.delay(Effect.succeed(answer(request)), 10), { maxConcurrent: 1 })
    return Effect.gen(function* () {
      const read = Stream.runCollect(DomainApi.stream(Customers))
      const fiber = yield* Effect.fork(Effect.all([read, read, read], { concurrency: "unbounded" }))
      yield* TestClock.adjust("1 seconds")
      const all = yield* Fiber.join(fiber)
      for (const one of all) assert.deepStrictEqual([...one], rows(0, 60))
      assert.strictEqual(fake.highest(), 1)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("an interrupted waiter ends at once and frees its place, and sends nothing", () => {
    const gate = Effect.runSync(Deferred.make<void>())
    const fake = fakeDomain(() => Effect.as(Deferred.await(gate), page([])), { maxConcurrent: 2 })
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach(numbers(10), (n) => Effect.fork(call(n)))
      while (fake.calls.length < 2) yield* Effect.yieldNow()
      yield* Fiber.interruptAll(fibers.slice(2, 9))
      assert.lengthOf(fake.calls, 2)
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.forEach([0, 1, 9], (n) => Fiber.join(fibers[n]!))
      assert.deepStrictEqual(fake.calls.map(pageOf), [0, 1, 9])
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("a call that fails, hangs or is interrupted gives its place back", () => {
    const fake = fakeDomain(
      (request) => {
        const n = pageOf(request)
        return n === 0 ? { status: 500 } : n === 1 ? Effect.never : n === 2 ? "reset" : page([])
      },
      { maxConcurrent: 1, callTimeout: "5 seconds" }
    )
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach(numbers(5), (n) => Effect.fork(Effect.exit(call(n))))
      yield* TestClock.adjust("5 seconds")
      const exits = yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(
        exits.map((exit) => (Exit.isSuccess(exit) ? "ok" : failureOf(exit)._tag)),
        ["ServerError", "Unreachable", "Unreachable", "ok", "ok"]
      )
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("waiting to try again holds no place", () => {
    const fake = fakeDomain(
      (request, index) => (index === 1 ? { status: 429, headers: { "retry-after": "30" } } : page([pageOf(request)])),
      { maxConcurrent: 1 }
    )
    return Effect.gen(function* () {
      const first = yield* Effect.fork(call(0))
      while (fake.calls.length < 1) yield* Effect.yieldNow()
      yield* call(1)
      yield* call(2)
      assert.isTrue(Option.isNone(yield* Fiber.poll(first)))
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(first)
      assert.deepStrictEqual(fake.calls.map(pageOf), [0, 1, 2, 0])
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi: requestsPerMinute", () => {
  it("600 in any minute under 1,500 calls, and no fewer", () => {
    const { fake, times } = slowly("10 millis", { maxConcurrent: 50 })
    const { done } = runMany(fake, 1500, 300)
    assert.lengthOf(done, 1500)
    assert.strictEqual(densest(times, 60_000), 600)
    const start = times[0] ?? 0
    assert.isBelow((times[599] ?? 0) - start, 1000)
    assert.strictEqual((times[600] ?? 0) - start, 60_000)
    assert.strictEqual((times[1200] ?? 0) - start, 120_000)
    assert.isTrue(times.every((at, n) => n < 600 || at - (times[n - 600] ?? 0) >= 60_000))
  })

  it("a lower limit, by maxConcurrent 4, in order", () => {
    const { fake, times } = slowly("1 seconds", { requestsPerMinute: 30 })
    const { done } = runMany(fake, 1000, 3600)
    assert.lengthOf(done, 1000)
    assert.deepStrictEqual(fake.calls.map(pageOf), numbers(1000))
    assert.isTrue(times.every((at, n) => n < 30 || at - (times[n - 30] ?? 0) >= 60_000))
    assert.strictEqual(Math.ceil(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 60_000), 34)
    assert.isAtMost(fake.highest(), 4)
  })

  it.effect("a call that is interrupted while it waits for the minute uses up nothing", () => {
    const fake = fakeDomain(() => page([]), { requestsPerMinute: 2 })
    return Effect.gen(function* () {
      yield* Effect.all([call(0), call(1)])
      for (const n of [2, 3, 4, 5]) {
        const waiting = yield* Effect.fork(call(n))
        yield* TestClock.adjust("1 seconds")
        yield* Fiber.interrupt(waiting)
      }
      const last = yield* Effect.fork(Effect.all([call(6), call(7)]))
      yield* TestClock.adjust("56 seconds")
      yield* Fiber.join(last)
      assert.deepStrictEqual(fake.calls.map(pageOf), [0, 1, 6, 7])
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("attempts count as well", () => {
    const fake = fakeDomain((_, index) => (index <= 2 ? { status: 503, headers: { "retry-after": "0" } } : page([])), {
      requestsPerMinute: 2
    })
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(call(0))
      yield* TestClock.adjust("59 seconds")
      assert.lengthOf(fake.calls, 2)
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.join(fiber)
      assert.lengthOf(fake.calls, 3)
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi: callTimeout", () => {
  it.effect("does not count the waiting for a place or for the minute", () => {
    const { fake, times } = slowly("4 seconds", { maxConcurrent: 1, requestsPerMinute: 3, callTimeout: "5 seconds" })
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.forEach(numbers(5), call, { concurrency: "unbounded", discard: true }))
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [0, 4000, 8000, 60_000, 64_000])
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("150 seconds by default, longer than WaitForChanges takes", () => {
    const fake = fakeDomain(() => Effect.never)
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.exit(call(0)))
      yield* TestClock.adjust("149 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(failureOf(yield* Fiber.join(fiber))._tag, "Unreachable")
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("counts the body", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* DomainApi.count(Customers)
      yield* erp.failNext("api", ErpNetEmulator.Fault.stall())
      yield* erp.clearJournal
      const fiber = yield* Effect.fork(Effect.exit(DomainApi.list(Customers)))
      while ((yield* apiJournal).length < 1) yield* turn
      yield* turn
      yield* TestClock.adjust("5 seconds")
      const error = failureOf(yield* Fiber.join(fiber))
      assert(error._tag === "Unreachable")
      assert.strictEqual(error.reason, "timeout")
    }).pipe(Effect.provide(emulated({}, { callTimeout: "5 seconds" })))
  )
})

describe("DomainApi: a server with limits", () => {
  /** The statuses of 12 calls at once, to a server that answers one at a time and lets five wait. */
  const statuses = (options: ErpNet.ServiceOptions) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(
        Effect.forEach(numbers(12), () => Effect.exit(DomainApi.count(Customers)), { concurrency: "unbounded" })
      )
      while (Option.isNone(yield* Fiber.poll(fiber))) {
        yield* turn
        yield* TestClock.adjust("100 millis")
      }
      return new Set((yield* apiJournal).map((entry) => entry.status))
    }).pipe(Effect.provide(emulated({ rateLimits: {}, latency: { api: "100 millis" } }, options)))

  it.effect("the defaults cause not a single 429", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([...(yield* statuses({}))], [200])
      assert.sameMembers([...(yield* statuses({ maxConcurrent: 12 }))], [200, 429])
    })
  )
})

describe("DomainApi: nonsense in the options is a defect", () => {
  const nonsense: ReadonlyArray<ErpNet.ServiceOptions> = [
    { maxConcurrent: 0 },
    { maxConcurrent: -1 },
    { maxConcurrent: 1.5 },
    { maxConcurrent: Number.NaN },
    { maxConcurrent: Number.POSITIVE_INFINITY },
    { requestsPerMinute: 0 },
    { requestsPerMinute: -600 },
    { requestsPerMinute: 0.5 },
    { requestsPerMinute: Number.NaN },
    { requestsPerMinute: Number.NEGATIVE_INFINITY },
    { callTimeout: 0 },
    { callTimeout: -5 },
    { callTimeout: Number.NaN }
  ]
  for (const options of nonsense) {
    const [[name = "", value] = []] = Object.entries(options)
    it.scoped(`${name} ${String(value)}`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Layer.build(fakeDomain(() => page([]), options).layer))
        const defect = Option.getOrThrow(Option.flatMap(Exit.causeOption(exit), Cause.dieOption))
        assert.instanceOf(defect, Cause.IllegalArgumentException)
        assert.include(String(defect), name)
      })
    )
  }

  it.scoped("what makes sense builds", () =>
    Effect.gen(function* () {
      for (const options of [
        { maxConcurrent: 1 },
        { requestsPerMinute: Number.POSITIVE_INFINITY },
        { callTimeout: 1 }
      ]) {
        yield* Layer.build(fakeDomain(() => page([]), options).layer)
      }
    })
  )
})
