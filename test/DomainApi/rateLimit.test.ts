import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, TestClock } from "effect"
import * as RateLimit from "../../src/DomainApi/rateLimit.ts"

/** Asks for so many starts one after the other, and notes when each is given. */
const take = (limit: Effect.Effect<void>, count: number, times: Array<number>) =>
  limit.pipe(
    Effect.zipRight(Clock.currentTimeMillis),
    Effect.map((now) => times.push(now)),
    Effect.repeatN(count - 1)
  )

describe("RateLimit", () => {
  it.effect("so many at once, the next when the first is a minute old", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      const fiber = yield* Effect.fork(take(RateLimit.make(3), 7, times))
      yield* TestClock.adjust("3 minutes")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [0, 0, 0, 60_000, 60_000, 60_000, 120_000])
    })
  )

  it.effect("the window slides", () =>
    Effect.gen(function* () {
      const limit = RateLimit.make(2)
      const times: Array<number> = []
      yield* take(limit, 1, times)
      yield* TestClock.adjust("40 seconds")
      yield* take(limit, 1, times)
      const fiber = yield* Effect.fork(take(limit, 2, times))
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [0, 40_000, 60_000, 100_000])
    })
  )

  it.effect("many who wait at the same time go in the order of their coming", () =>
    Effect.gen(function* () {
      const limit = RateLimit.make(2)
      const order: Array<readonly [number, number]> = []
      const fibers = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (n) =>
        Effect.fork(
          Effect.flatMap(Effect.zipRight(limit, Clock.currentTimeMillis), (now) =>
            Effect.sync(() => order.push([n, now]))
          )
        )
      )
      yield* TestClock.adjust("3 minutes")
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(order, [
        [1, 0],
        [2, 0],
        [3, 60_000],
        [4, 60_000],
        [5, 120_000],
        [6, 120_000]
      ])
    })
  )

  it.effect("who is interrupted while waiting uses up no start", () =>
    Effect.gen(function* () {
      const limit = RateLimit.make(2)
      const times: Array<number> = []
      yield* take(limit, 2, times)
      for (let n = 0; n < 5; n++) {
        const waiting = yield* Effect.fork(limit)
        yield* TestClock.adjust("1 seconds")
        yield* Fiber.interrupt(waiting)
      }
      const fiber = yield* Effect.fork(take(limit, 2, times))
      yield* TestClock.adjust("55 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [0, 0, 60_000, 60_000])
    })
  )

  it.effect("a clock that is set back costs a minute, not the time that it was set back by", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 days")
      const limit = RateLimit.make(2)
      const times: Array<number> = []
      yield* take(limit, 2, times)
      yield* TestClock.setTime(0)
      const fiber = yield* Effect.fork(take(limit, 2, times))
      yield* TestClock.adjust("60 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times.slice(2), [60_000, 60_000])
    })
  )

  it.effect("infinity switches it off", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      yield* take(RateLimit.make(Number.POSITIVE_INFINITY), 5000, times)
      assert.deepStrictEqual(new Set(times), new Set([0]))
    })
  )

  it.effect("a very high limit takes no memory in advance", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      yield* take(RateLimit.make(Number.MAX_SAFE_INTEGER), 3, times)
      assert.deepStrictEqual(times, [0, 0, 0])
    })
  )
})
