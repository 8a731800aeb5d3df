import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, TestClock } from "effect"
import type { AccessToken, ErpNetError, TokenProvider } from "effect-erpnet"
import { delayed, provider, settle, valueOf } from "../support/tokens.ts"
import { type FakeServer, fakeServer, issuing, json } from "../support/transport.ts"
import { makeVirtual, type Virtual } from "../support/virtual.ts"
import { reply, virtualServer } from "../support/virtualServer.ts"

const hour = 3_600_000

/** The token served at a moment of the first token's life, and how many exchanges there are once all is quiet. */
const servedAt = (server: FakeServer, tokens: TokenProvider.Service, millis: number) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(millis)
    const token = valueOf(yield* tokens.get)
    yield* settle
    return [token, server.received.length] as const
  })

describe("TokenProvider: the three zones", () => {
  const boundaries: ReadonlyArray<readonly [string, Partial<TokenProvider.Options>, unknown, number, string, number]> =
    [
      ["fresh to its last moment", {}, 3600, hour - 120_001, "token-1", 1],
      ["renewed ahead from 120 s before expiry", {}, 3600, hour - 120_000, "token-1", 2],
      ["still served at once just before the leeway", {}, 3600, hour - 60_001, "token-1", 2],
      ["waited for from 60 s before expiry", {}, 3600, hour - 60_000, "token-2", 2],
      ["replaced at its expiry", {}, 3600, hour, "token-2", 2],
      ["refreshAhead zero: nothing before the leeway", { refreshAhead: 0 }, 3600, hour - 60_001, "token-1", 1],
      ["refreshAhead zero: then waited for", { refreshAhead: 0 }, 3600, hour - 60_000, "token-2", 2],
      [
        "refreshAhead within the leeway does nothing",
        { refreshAhead: "30 seconds" },
        3600,
        hour - 60_001,
        "token-1",
        1
      ],
      ["no leeway: served to the last moment", { expiryLeeway: 0 }, 3600, hour - 1, "token-1", 2],
      ["no leeway: not one more", { expiryLeeway: 0 }, 3600, hour, "token-2", 2],
      ["own times", { refreshAhead: "10 minutes", expiryLeeway: "5 minutes" }, 3600, hour - 600_001, "token-1", 1],
      [
        "own times, ahead",
        { refreshAhead: "10 minutes", expiryLeeway: "5 minutes" },
        3600,
        hour - 600_000,
        "token-1",
        2
      ],
      [
        "own times, waiting",
        { refreshAhead: "10 minutes", expiryLeeway: "5 minutes" },
        3600,
        hour - 300_000,
        "token-2",
        2
      ],
      ["10 s of life: fresh for half of it", {}, 10, 4999, "token-1", 1],
      ["10 s of life: replaced after half of it", {}, 10, 5000, "token-2", 2],
      ["180 s of life: ahead from half of it", {}, 180, 90_000, "token-1", 2],
      ["180 s of life: fresh before", {}, 180, 89_999, "token-1", 1],
      ["half a second of life", {}, 0.5, 249, "token-1", 1],
      ["half a second of life, replaced", {}, 0.5, 250, "token-2", 2],
      ["a life as text", {}, "3600", hour - 120_001, "token-1", 1],
      ["a life as text, ahead", {}, "3600", hour - 120_000, "token-1", 2],
      ["no life given is 300 s", {}, "missing", 179_999, "token-1", 1],
      ["no life given is 300 s, ahead", {}, "missing", 180_000, "token-1", 2],
      ["null is 300 s, waiting", {}, null, 240_000, "token-2", 2],
      ["10^12 s: fresh after a century", {}, 1e12, 100 * 365 * 24 * hour, "token-1", 1]
    ]
  for (const [name, options, lifetime, millis, token, exchanges] of boundaries) {
    it.scoped(`${name} (at ${millis} ms)`, () =>
      Effect.gen(function* () {
        // JSON leaves a function out.
        const server = fakeServer(issuing(lifetime === "missing" ? () => 0 : lifetime))
        const tokens = yield* provider(server, options)
        yield* tokens.get
        assert.deepStrictEqual(yield* servedAt(server, tokens, millis), [token, exchanges])
      })
    )
  }

  it.scoped("the renewal ahead is one, however many use the token meanwhile, and all are served at once", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) =>
        Effect.map(Effect.sleep(index === 1 ? 0 : 5000), () => issue(request, index))
      )
      const tokens = yield* provider(server)
      const started = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(0)
      yield* Fiber.join(started)
      yield* TestClock.setTime(hour - 120_000)
      for (let call = 0; call < 100; call++) assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(valueOf(yield* tokens.get), "token-2")
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("who comes in the leeway waits for the renewal ahead that is under way", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) =>
        Effect.map(Effect.sleep(index === 1 ? 0 : 5000), () => issue(request, index))
      )
      const tokens = yield* provider(server)
      const started = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(0)
      yield* Fiber.join(started)
      yield* TestClock.setTime(hour - 62_000)
      yield* tokens.get
      yield* TestClock.adjust("2 seconds")
      const waiting = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(valueOf(yield* Fiber.join(waiting)), "token-2")
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("nobody asks, nothing is sent, however long", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* provider(server)
      assert.strictEqual(server.received.length, 0, "building sends nothing")
      yield* tokens.get
      yield* TestClock.adjust("30 days")
      assert.strictEqual(server.received.length, 1)
    })
  )

  it("nobody asks: no timer waits and no fiber lives", () => {
    const world = makeVirtual()
    const { tokens } = virtualServer(world)
    assert.strictEqual(now(world, tokens.get), "token-1")
    assert.deepStrictEqual([world.pendingSleeps(), world.liveFibers()], [0, 0])
  })
})

describe("TokenProvider: lifetimes", () => {
  it.scoped("life is counted from sending, not from the answer", () =>
    Effect.gen(function* () {
      const server = fakeServer(delayed(9000, issuing(3600)))
      const tokens = yield* provider(server)
      yield* TestClock.setTime(1000)
      const fiber = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(9000)
      const token = yield* Fiber.join(fiber)
      assert.deepStrictEqual([token.issuedAt, token.expiresAt], [1000, 1000 + hour])
    })
  )

  it.scoped("of an attempt that is repeated, the life counts from the last sending", () =>
    Effect.gen(function* () {
      const issue = issuing(3600)
      const server = fakeServer((request, index) =>
        index === 1 ? new Response("", { status: 503, headers: { "retry-after": "7" } }) : issue(request, index)
      )
      const tokens = yield* provider(server)
      const fiber = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(7000)
      assert.strictEqual((yield* Fiber.join(fiber)).issuedAt, 7000)
    })
  )

  for (const lifetime of [0, -1, "0", "-5", "soon", "", true, [], {}, "NaN", "Infinity", "0x10"]) {
    it.scoped(`expires_in ${JSON.stringify(lifetime)} is TokenResponseInvalid, and asked for once for each call`, () =>
      Effect.gen(function* () {
        const server = fakeServer(issuing(lifetime))
        const tokens = yield* provider(server)
        assert.strictEqual((yield* Effect.flip(tokens.get))._tag, "TokenResponseInvalid")
        assert.strictEqual(server.received.length, 1)
      })
    )
  }

  it("a huge life has a date and no timer", () => {
    for (const lifetime of [1e12, 1e13, 1e300]) {
      const world = makeVirtual()
      const { tokens } = virtualServer(world, {}, { lifetime })
      const exit = world.run(tokens.get)
      const expiresAt = Exit.isSuccess(exit) ? exit.value.expiresAt : Number.NaN
      assert.isFalse(Number.isNaN(new Date(expiresAt).getTime()), String(lifetime))
      assert.strictEqual(expiresAt, Math.min(8.64e15, world.now() + lifetime * 1000))
      assert.strictEqual(world.pendingSleeps(), 0)
    }
  })

  it.scoped("a token that is dead on arrival is Expired, not served, and not asked for in a loop", () =>
    Effect.gen(function* () {
      const server = fakeServer(delayed(2000, issuing(1)))
      const tokens = yield* provider(server)
      const fiber = yield* Effect.fork(Effect.flip(tokens.get))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Expired")
      yield* settle
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.scoped("a token that is dead on arrival does not replace one that lives", () =>
    Effect.gen(function* () {
      const server = fakeServer((_, index) =>
        Effect.as(
          Effect.sleep(index === 1 ? 0 : 2000),
          json(200, { access_token: `token-${index}`, expires_in: index === 1 ? 3600 : 1 })
        )
      )
      const tokens = yield* provider(server)
      const started = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(0)
      yield* Fiber.join(started)
      yield* TestClock.setTime(hour - 30_000)
      const fiber = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(valueOf(yield* Fiber.join(fiber)), "token-1")
    })
  )

  it("a server that gives the same dying token again and again is not asked in a loop", () => {
    const world = makeVirtual()
    const server = virtualServer(world)
    // A cache in front of the identity server: always the same token, with what is left of its hour.
    server.fault = Effect.sync(() =>
      reply(200, { access_token: "the-same", expires_in: Math.floor((hour - world.elapsed()) / 1000) })
    )
    assert.strictEqual(now(world, server.tokens.get), "the-same")
    world.advance(3_300_000)
    while (world.elapsed() < hour) {
      for (let call = 0; call < 10; call++) assert.strictEqual(now(world, server.tokens.get), "the-same")
      world.advance(500)
    }
    // Ahead of the end, and then at each half of what is left: 120, 60, 30, 15, 7, 3, 1 s; then it has no life left.
    assert.isAtMost(server.times.length, 14)
  })
})

/** What a call gives that is over without time passing. */
const now = (world: Virtual, effect: Effect.Effect<AccessToken.AccessToken, ErpNetError.TokenError>): string =>
  Exit.match(world.run(effect), { onFailure: (cause) => Cause.pretty(cause), onSuccess: valueOf })

describe("TokenProvider: a clock that jumps", () => {
  it("two hours forward: one exchange", () => {
    const world = makeVirtual()
    const { times, tokens } = virtualServer(world)
    now(world, tokens.get)
    world.setClock(2 * hour)
    for (let call = 0; call < 10; call++) assert.strictEqual(now(world, tokens.get), "token-2")
    assert.strictEqual(times.length, 2)
  })

  it("one hour back: the age of the token is unknown, so one exchange, and then it is fresh for its life", () => {
    const world = makeVirtual()
    const { times, tokens } = virtualServer(world)
    now(world, tokens.get)
    world.setClock(-hour)
    for (let call = 0; call < 10; call++) assert.strictEqual(now(world, tokens.get), "token-2")
    world.advance(hour - 120_001)
    assert.strictEqual(now(world, tokens.get), "token-2")
    assert.strictEqual(times.length, 2)
  })

  it("back by no more than the leeway changes nothing, also in several steps up to it", () => {
    const world = makeVirtual()
    const { times, tokens } = virtualServer(world)
    now(world, tokens.get)
    for (let step = 0; step < 6; step++) {
      world.setClock(-10_000)
      assert.strictEqual(now(world, tokens.get), "token-1")
    }
    assert.strictEqual(times.length, 1)
    world.setClock(-1)
    assert.strictEqual(now(world, tokens.get), "token-2")
  })

  it("one hour back after the last use was in the minutes ahead of expiry is noticed as well", () => {
    const world = makeVirtual()
    const server = virtualServer(world)
    now(world, server.tokens.get)
    server.fault = Effect.succeed(reply(404, ""))
    world.advance(hour - 100_000)
    assert.strictEqual(now(world, server.tokens.get), "token-1")
    server.fault = undefined
    // Later than it was issued, but earlier than it was used.
    world.setClock(-hour + 200_000)
    assert.strictEqual(now(world, server.tokens.get), "token-2")
  })

  it("one hour back while the server is down: the token is served, and attempts are spaced", () => {
    const world = makeVirtual()
    const server = virtualServer(world)
    now(world, server.tokens.get)
    server.fault = Effect.succeed(reply(404, ""))
    world.setClock(-hour)
    for (let call = 0; call < 50; call++) assert.strictEqual(now(world, server.tokens.get), "token-1")
    assert.isAtMost(server.times.length, 3)
    world.advance(10_000)
    server.fault = undefined
    assert.strictEqual(now(world, server.tokens.get), "token-2")
  })

  it("one hour back while the answer is on its way: the token does not live an hour too long", () => {
    const world = makeVirtual()
    const server = virtualServer(world, {}, { delay: 1000 })
    world.fork(server.tokens.get)
    world.advance(500)
    world.setClock(-hour)
    world.advance(500)
    server.delay = 0
    assert.strictEqual(now(world, server.tokens.get), "token-2")
    world.advance(hour - 120_001)
    assert.strictEqual(now(world, server.tokens.get), "token-2")
    assert.strictEqual(server.times.length, 2)
  })

  it("forward past its life while the answer is on its way: Expired, then a new one", () => {
    const world = makeVirtual()
    const server = virtualServer(world, {}, { delay: 1000 })
    const fiber = world.fork(Effect.flip(server.tokens.get))
    world.advance(500)
    world.setClock(2 * hour)
    world.advance(500)
    const exit = fiber.unsafePoll()
    assert.isTrue(exit !== null && Exit.isSuccess(exit) && exit.value._tag === "Expired")
    server.delay = 0
    assert.strictEqual(now(world, server.tokens.get), "token-2")
  })

  it("back an hour during a pause between attempts: the pause is no longer than it was", () => {
    const world = makeVirtual()
    const server = virtualServer(world)
    server.fault = Effect.succeed(reply(503, "", { "retry-after": "2" }))
    const fiber = world.fork(server.tokens.get)
    world.advance(100)
    server.fault = undefined
    world.setClock(-hour)
    world.advance(2500)
    const exit = fiber.unsafePoll()
    assert.isTrue(exit !== null && Exit.isSuccess(exit) && valueOf(exit.value) === "token-1")
  })

  it("an hour back ends the cooldown after InvalidClient rather than prolonging it", () => {
    const world = makeVirtual()
    const server = virtualServer(world)
    server.fault = Effect.succeed(reply(400, { error: "invalid_client" }))
    assert.include(now(world, server.tokens.get), "InvalidClient")
    server.fault = undefined
    assert.include(now(world, server.tokens.get), "InvalidClient")
    world.setClock(-hour)
    assert.strictEqual(now(world, server.tokens.get), "token-1")
  })
})
