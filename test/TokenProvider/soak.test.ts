import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { seeded } from "../support/random.ts"
import { makeVirtual } from "../support/virtual.ts"
import { reply, type VirtualAnswer, virtualServer } from "../support/virtualServer.ts"

const hour = 3_600_000

const collectGarbage = (): number => {
  setFlagsFromString("--expose-gc")
  const gc: unknown = runInNewContext("gc")
  if (typeof gc === "function") for (let round = 0; round < 2; round++) gc()
  return process.memoryUsage().heapUsed
}

describe("TokenProvider over hours", () => {
  it("10 hours, 50 fibers, 20 % faults: nothing grows", () => {
    const random = seeded(42)
    const world = makeVirtual()
    const server = virtualServer(world, {}, { lifetime: 900, delay: 80 })
    const faults: ReadonlyArray<VirtualAnswer> = [
      Effect.succeed("reset"),
      Effect.succeed(reply(503, "", { "retry-after": "3" })),
      Effect.succeed(reply(500, "<html>")),
      Effect.succeed(reply(400, { error: "invalid_client" })),
      Effect.succeed(reply(200, "{")),
      Effect.never,
      Effect.die("boom"),
      Effect.interrupt,
      Effect.as(Effect.sleep("7 seconds"), "reset")
    ]
    let calls = 0
    let served = 0
    const worker = Effect.gen(function* () {
      yield* Effect.sleep(random.below(60_000))
      const token = yield* random.chance(0.1) ? Effect.timeout(server.tokens.get, "1 second") : server.tokens.get
      served += 1
      // Now and then the API refuses it.
      if (random.chance(0.002)) yield* server.tokens.renew(token)
    }).pipe(
      Effect.catchAllCause(() => Effect.void),
      Effect.zipRight(
        Effect.sync(() => {
          calls += 1
        })
      ),
      Effect.forever
    )
    const fibers = Array.from({ length: 50 }, () => world.fork(worker))
    const heap: Array<number> = []
    const alive: Array<number> = []
    for (let minute = 0; minute < 600; minute++) {
      server.fault = random.chance(0.2) ? random.pick(faults) : undefined
      world.advance(60_000)
      if (minute % 200 === 199) {
        alive.push(world.liveFibers())
        heap.push(collectGarbage())
      }
    }
    assert.isAtLeast(calls, 50 * 600 * 1.5)
    assert.isAtLeast(served / calls, 0.8, "faults of single minutes hardly reach callers")
    // 40 lives of tokens, some 120 refusals, and the attempts of calls in the minutes that failed without a token.
    assert.isAtMost(server.times.length, calls / 20)
    // The 50 fibers, and at most an exchange with the fibers of its timeout; the tests' own fibers that sleep.
    for (const count of alive) assert.isAtMost(count, 50 + 50 * 3 + 10)
    assert.isAtMost((heap.at(-1)! - heap[0]!) / 2 ** 20, 8, `the heap grows: ${heap.join(", ")}`)

    server.fault = undefined
    for (const fiber of fibers) fiber.unsafeInterruptAsFork(fiber.id())
    world.advance(60_000)
    assert.deepStrictEqual([world.pendingSleeps(), world.liveFibers()], [0, 0], "idle is idle")
    assert.isTrue(Exit.isSuccess(world.run(server.tokens.get)))
    world.run(Scope.close(server.scope, Exit.void))
    assert.deepStrictEqual([world.pendingSleeps(), world.liveFibers()], [0, 0])
  })

  it("a thousand exchanges leave nothing behind", () => {
    const world = makeVirtual()
    const server = virtualServer(world, { minimumTokenAge: 0 })
    const cycle = Effect.flatMap(server.tokens.get, server.tokens.renew)
    const run = (count: number): void => {
      for (let n = 0; n < count; n++) assert.isTrue(Exit.isSuccess(world.run(cycle)))
    }
    run(300)
    const before = collectGarbage()
    run(1000)
    assert.isAtMost((collectGarbage() - before) / 2 ** 20, 4)
    assert.strictEqual(server.times.length, 1 + 1300)
    assert.deepStrictEqual([world.pendingSleeps(), world.liveFibers()], [0, 0])
  })

  it("a day of traffic takes less than a second", () => {
    const world = makeVirtual()
    const server = virtualServer(world, {}, { delay: 0 })
    const get = () => Exit.isSuccess(world.run(server.tokens.get))
    const started = process.cpuUsage()
    const end = world.elapsed() + 24 * hour
    let calls = 0
    while (world.elapsed() < end) {
      assert.isTrue(get())
      calls += 1
      world.advance(5000)
    }
    const { system, user } = process.cpuUsage(started)
    assert.strictEqual(calls, 17_280)
    // One for each 58 minutes: the first use in the last two minutes of a token brings the next.
    assert.strictEqual(server.times.length, 25)
    assert.isBelow((system + user) / 1000, 1000, "milliseconds of this process's own time")
  })
})
