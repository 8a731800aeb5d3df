import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Either, Exit, Fiber, TestClock } from "effect"
import * as Permits from "../../src/DomainApi/permits.ts"
import { runSeed, seeded } from "../support/random.ts"
import { makeVirtual } from "../support/virtual.ts"

/** Counts who is inside. */
const gauge = () => {
  let inside = 0
  let highest = 0
  return {
    enter: Effect.sync(() => {
      inside += 1
      highest = Math.max(highest, inside)
    }),
    leave: Effect.sync(() => {
      inside -= 1
    }),
    inside: () => inside,
    highest: () => highest
  }
}

describe("Permits", () => {
  it.effect("so many run at a time, the others in the order of their coming", () =>
    Effect.gen(function* () {
      const permits = Permits.make(3)
      const { enter, highest, leave } = gauge()
      const order: Array<number> = []
      const body = (n: number) =>
        Effect.acquireUseRelease(
          Effect.zipRight(
            enter,
            Effect.sync(() => order.push(n))
          ),
          () => Effect.sleep(10),
          () => leave
        )
      const fibers = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, n) => n),
        (n) => Effect.fork(permits.withPermit(body(n)))
      )
      yield* TestClock.adjust(10 * 34)
      yield* Fiber.joinAll(fibers)
      assert.strictEqual(highest(), 3)
      assert.deepStrictEqual(
        order,
        Array.from({ length: 100 }, (_, n) => n)
      )
    })
  )

  it.effect("what runs gives its permit back, however it ends", () =>
    Effect.gen(function* () {
      const permits = Permits.make(1)
      assert.strictEqual(yield* permits.withPermit(Effect.succeed("a")), "a")
      assert.deepStrictEqual(yield* Effect.either(permits.withPermit(Effect.fail("b"))), Either.left("b"))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(permits.withPermit(Effect.die("c")))))
      const stuck = yield* Effect.fork(permits.withPermit(Effect.never))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(stuck)
      assert.strictEqual(yield* permits.withPermit(Effect.succeed("d")), "d")
    })
  )

  it.effect("an interrupted waiter ends at once and frees its place", () =>
    Effect.gen(function* () {
      const permits = Permits.make(1)
      const release = yield* Deferred.make<void>()
      const order: Array<string> = []
      const enter = (name: string) => Effect.fork(permits.withPermit(Effect.sync(() => void order.push(name))))
      const holder = yield* Effect.fork(permits.withPermit(Deferred.await(release)))
      yield* Effect.yieldNow()
      const first = yield* enter("first")
      const second = yield* enter("second")
      const third = yield* enter("third")
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual(order, [])
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.joinAll([holder, first, third])
      assert.deepStrictEqual(order, ["first", "third"])
    })
  )

  it.effect("thousands of waiters cost little", () =>
    Effect.gen(function* () {
      const permits = Permits.make(1)
      let turns = 0
      const body = Effect.zipRight(
        Effect.yieldNow(),
        Effect.sync(() => {
          turns += 1
        })
      )
      yield* Effect.forEach(Array.from({ length: 3000 }), () => permits.withPermit(body), {
        concurrency: "unbounded",
        discard: true
      })
      assert.strictEqual(turns, 3000)
    })
  )

  it("no permit is lost or made, whoever is interrupted and whenever", () => {
    const seed = runSeed()
    const random = seeded(seed)
    for (let round = 0; round < 400; round++) {
      const count = 1 + random.below(4)
      const world = makeVirtual(random)
      const permits = Permits.make(count)
      const { enter, highest, inside, leave } = gauge()
      const body = Effect.acquireUseRelease(
        enter,
        () => (random.chance(0.5) ? Effect.sleep(random.below(5)) : Effect.yieldNow()),
        () => leave
      )
      const fibers: Array<Fiber.RuntimeFiber<void>> = []
      for (let step = 0; step < 60; step++) {
        if (random.chance(0.6)) fibers.push(world.fork(permits.withPermit(body)))
        else if (fibers.length > 0 && random.chance(0.7))
          fibers[random.below(fibers.length)]!.unsafeInterruptAsFork(random.pick(fibers).id())
        else world.advance(random.below(4))
      }
      world.advance(1000)
      const where = `seed ${seed}, round ${round}`
      assert.isTrue(
        fibers.every((fiber) => fiber.unsafePoll() !== null),
        `${where}: a waiter hangs`
      )
      assert.strictEqual(inside(), 0, where)
      assert.isAtMost(highest(), count, where)
      // As many as there are permits can be inside at once, and not one more.
      for (let n = 0; n <= count; n++) world.fork(permits.withPermit(Effect.zipRight(enter, Effect.never)))
      world.settle()
      assert.strictEqual(inside(), count, `${where}: permits after all are gone`)
    }
  })
})
