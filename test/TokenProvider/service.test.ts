import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Redacted, Ref, Scope, TestClock } from "effect"
import { AccessToken, type ErpNetError, type TokenProvider } from "effect-erpnet"
import { seeded } from "../support/random.ts"
import { delayed, provider, settle, valueOf } from "../support/tokens.ts"
import { type Answer, fakeServer, issuing, json } from "../support/transport.ts"
import { makeVirtual } from "../support/virtual.ts"
import { virtualServer } from "../support/virtualServer.ts"

const gets = (tokens: TokenProvider.Service, count: number) =>
  Effect.forkAll(Array.from({ length: count }, () => tokens.get))

const foreignToken = AccessToken.make({
  value: Redacted.make("of-another-instance"),
  scopes: [],
  issuedAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER
})

describe("TokenProvider: one exchange for all", () => {
  it.scoped("1,000 fibers on a cold cache cost one exchange", () =>
    Effect.gen(function* () {
      const server = fakeServer(delayed(50, issuing()))
      const tokens = yield* provider(server)
      const fibers = yield* gets(tokens, 1000)
      yield* TestClock.adjust("50 millis")
      const all = yield* Fiber.join(fibers)
      assert.strictEqual(server.received.length, 1)
      assert.deepStrictEqual([...new Set(all.map(valueOf))], ["token-1"])
    })
  )

  it.scoped("1,000 callers, 999 of them interrupted with the one who started it: the last gets the token", () =>
    Effect.gen(function* () {
      const server = fakeServer(delayed(50, issuing()))
      const tokens = yield* provider(server)
      const fibers = yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.fork(tokens.get))
      yield* settle
      yield* Fiber.interruptAll(fibers.slice(0, 999))
      yield* TestClock.adjust("50 millis")
      assert.strictEqual(valueOf(yield* Fiber.join(fibers[999]!)), "token-1")
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.scoped("the caller who started the exchange may go at any moment; the others wait no longer for it", () =>
    Effect.gen(function* () {
      for (const leavesAt of [0, 1, 25, 49]) {
        const server = fakeServer(delayed(50, issuing()))
        const tokens = yield* provider(server)
        const leader = yield* Effect.fork(tokens.get)
        yield* Effect.yieldNow()
        const others = yield* gets(tokens, 10)
        yield* TestClock.adjust(leavesAt)
        const exit = yield* Fiber.interrupt(leader)
        assert.isTrue(Exit.isInterrupted(exit), `at ${leavesAt}`)
        yield* TestClock.adjust(49 - leavesAt)
        assert.isNull(yield* Effect.map(Fiber.poll(others), (polled) => (polled._tag === "None" ? null : "early")))
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(
          (yield* Fiber.join(others)).map(valueOf),
          Array.from({ length: 10 }, () => "token-1")
        )
        assert.strictEqual(server.received.length, 1)
      }
    })
  )

  it.scoped("a caller's timeout is its own", () =>
    Effect.gen(function* () {
      const server = fakeServer(delayed(5000, issuing()))
      const tokens = yield* provider(server)
      const hasty = yield* Effect.fork(Effect.timeoutOption(tokens.get, "100 millis"))
      const patient = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(hasty))._tag, "None")
      yield* TestClock.adjust("4900 millis")
      assert.strictEqual(valueOf(yield* Fiber.join(patient)), "token-1")
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.scoped("everybody leaves: the exchange is finished and kept", () =>
    Effect.gen(function* () {
      const server = fakeServer(delayed(50, issuing()))
      const tokens = yield* provider(server)
      const fibers = yield* gets(tokens, 10)
      yield* settle
      yield* Fiber.interrupt(fibers)
      yield* TestClock.adjust("50 millis")
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.scoped("a failure reaches all waiters, once, and the next call tries again", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer(
        delayed(50, (request, index) => (index === 1 ? json(400, { error: "invalid_scope" }) : issue(request, index)))
      )
      const tokens = yield* provider(server)
      const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.fork(Effect.flip(tokens.get)))
      yield* TestClock.adjust("50 millis")
      const errors = yield* Fiber.join(Fiber.all(fibers))
      assert.deepStrictEqual([...new Set(errors.map((error) => error._tag))], ["InvalidScope"])
      assert.strictEqual(server.received.length, 1)
      const again = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust("50 millis")
      assert.strictEqual(valueOf(yield* Fiber.join(again)), "token-1")
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("a transport that dies is a defect to who waits, and the next call tries again", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) =>
        index === 1 ? Effect.zipRight(Effect.sleep("50 millis"), Effect.die("boom")) : issue(request, index)
      )
      const tokens = yield* provider(server)
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.fork(tokens.get))
      yield* TestClock.adjust("50 millis")
      for (const fiber of fibers) {
        const exit = yield* Fiber.await(fiber)
        const defects = Exit.isFailure(exit) ? [...Cause.defects(exit.cause)] : []
        assert.deepStrictEqual(defects.map(String), ["Error: boom"])
      }
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
    })
  )

  it.scoped("a transport that interrupts itself is an error to who waits, not their interruption", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) => (index === 1 ? Effect.interrupt : issue(request, index)))
      const tokens = yield* provider(server)
      const error = yield* Effect.flip(tokens.get)
      assert.strictEqual(error._tag === "TokenEndpointUnavailable" ? error.reason : error._tag, "transport")
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
    })
  )

  it("whatever the order in which fibers run, one exchange replaces a token", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const world = makeVirtual(seeded(seed))
      const { times, tokens } = virtualServer(world)
      const first = world.run(tokens.get)
      const token = Exit.isSuccess(first) ? first.value : assert.fail("no token")
      const rounds: ReadonlyArray<() => void> = [
        () => world.advance(3_500_000),
        () => world.advance(3_550_000),
        () => {
          world.fork(tokens.renew(token))
        }
      ]
      rounds[seed % 3]!()
      for (let caller = 0; caller < 12; caller++) {
        world.fork<AccessToken.AccessToken, ErpNetError.TokenError | ErpNetError.Unauthorized>(
          seed % 3 === 2 && caller % 2 === 0 ? tokens.renew(token) : tokens.get
        )
      }
      world.settle()
      assert.strictEqual(times.length, 2, `seed ${seed}`)
    }
  })
})

describe("TokenProvider: renewal after a refusal", () => {
  it.scoped("20 refusals of the same token at once cost one exchange", () =>
    Effect.gen(function* () {
      const server = fakeServer(delayed(10, issuing()))
      const tokens = yield* provider(server)
      const started = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(10)
      const first = yield* Fiber.join(started)
      const renewals = yield* Effect.forkAll(Array.from({ length: 20 }, () => tokens.renew(first)))
      yield* TestClock.adjust(10)
      assert.deepStrictEqual([...new Set((yield* Fiber.join(renewals)).map(valueOf))], ["token-2"])
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("20 refusals one after another, renewals faster than that: one exchange", () =>
    Effect.gen(function* () {
      const server = fakeServer(delayed(5, issuing()))
      const tokens = yield* provider(server)
      const started = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(5)
      const first = yield* Fiber.join(started)
      const renewed: Array<string> = []
      for (let call = 0; call < 20; call++) {
        const fiber = yield* Effect.fork(tokens.renew(first))
        yield* TestClock.adjust(10)
        renewed.push(valueOf(yield* Fiber.join(fiber)))
      }
      assert.deepStrictEqual([...new Set(renewed)], ["token-2"])
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("a refusal of an older token, or of a foreign one, changes nothing", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* provider(server)
      const first = yield* tokens.get
      const second = yield* tokens.renew(first)
      yield* TestClock.adjust("1 minute")
      const third = yield* tokens.renew(second)
      for (const old of [first, second, foreignToken]) assert.strictEqual(yield* tokens.renew(old), third)
      assert.strictEqual(valueOf(yield* tokens.get), "token-3")
      assert.strictEqual(server.received.length, 3)
    })
  )

  it.scoped("tokens are compared by value, not by object", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* provider(server)
      const first = yield* tokens.get
      const copy = AccessToken.make({ ...first, value: Redacted.make(valueOf(first)) })
      assert.strictEqual(valueOf(yield* tokens.renew(copy)), "token-2")
    })
  )

  it.scoped("calls that start while a refused token is being replaced wait for the new one", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) =>
        Effect.map(Effect.sleep(index === 1 ? 0 : 100), () => issue(request, index))
      )
      const tokens = yield* provider(server)
      const started = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(0)
      const first = yield* Fiber.join(started)
      const renewal = yield* Effect.fork(tokens.renew(first))
      yield* TestClock.adjust(50)
      const late = yield* gets(tokens, 5)
      yield* TestClock.adjust(50)
      assert.strictEqual(valueOf(yield* Fiber.join(renewal)), "token-2")
      assert.deepStrictEqual([...new Set((yield* Fiber.join(late)).map(valueOf))], ["token-2"])
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("the caller of renew may go; the refused token does not come back", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) =>
        Effect.map(Effect.sleep(index === 1 ? 0 : 100), () => issue(request, index))
      )
      const tokens = yield* provider(server)
      const started = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(0)
      const renewal = yield* Effect.fork(tokens.renew(yield* Fiber.join(started)))
      yield* TestClock.adjust(50)
      yield* Fiber.interrupt(renewal)
      const late = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(50)
      assert.strictEqual(valueOf(yield* Fiber.join(late)), "token-2")
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("a failed renewal is an error, and the refused token is not served again though it has not expired", () =>
    Effect.gen(function* () {
      const issue = issuing()
      let down = false
      const server = fakeServer((request, index) => (down ? new Response("", { status: 404 }) : issue(request, index)))
      const tokens = yield* provider(server)
      const first = yield* tokens.get
      down = true
      assert.strictEqual((yield* Effect.flip(tokens.renew(first)))._tag, "TokenEndpointUnavailable")
      assert.strictEqual((yield* Effect.flip(tokens.get))._tag, "TokenEndpointUnavailable")
      down = false
      assert.strictEqual(valueOf(yield* tokens.get), "token-2")
    })
  )

  it.scoped("a token that came from renew is kept for minimumTokenAge, exactly", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* provider(server, { minimumTokenAge: "30 seconds" })
      const second = yield* tokens.renew(yield* tokens.get)
      for (const wait of [0, 15_000, 14_999]) {
        yield* TestClock.adjust(wait)
        assert.strictEqual((yield* Effect.flip(tokens.renew(second)))._tag, "Unauthorized")
      }
      assert.strictEqual(valueOf(yield* tokens.get), "token-2", "it is not dropped")
      assert.strictEqual(server.received.length, 2)
      yield* TestClock.adjust(1)
      assert.strictEqual(valueOf(yield* tokens.renew(second)), "token-3")
    })
  )

  it.scoped("also a token whose exchange was begun for a get that found the refused one gone", () =>
    Effect.gen(function* () {
      const issue = issuing()
      let down = false
      const server = fakeServer((request, index) => (down ? new Response("", { status: 404 }) : issue(request, index)))
      const tokens = yield* provider(server)
      const first = yield* tokens.get
      down = true
      yield* Effect.flip(tokens.renew(first))
      down = false
      const second = yield* tokens.get
      assert.strictEqual((yield* Effect.flip(tokens.renew(second)))._tag, "Unauthorized")
      assert.strictEqual(server.received.length, 3)
    })
  )

  it.scoped("a token that came ahead of expiry is renewed at once when refused", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* provider(server)
      yield* tokens.get
      yield* TestClock.adjust("58 minutes")
      yield* tokens.get
      yield* settle
      const second = yield* tokens.get
      assert.strictEqual(valueOf(second), "token-2")
      assert.strictEqual(valueOf(yield* tokens.renew(second)), "token-3")
    })
  )

  it.scoped("a refusal while a renewal ahead of expiry runs joins it", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) =>
        Effect.map(Effect.sleep(index === 1 ? 0 : 100), () => issue(request, index))
      )
      const tokens = yield* provider(server)
      const started = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust(0)
      const first = yield* Fiber.join(started)
      yield* TestClock.adjust("58 minutes")
      yield* tokens.get
      yield* TestClock.adjust(50)
      const renewal = yield* Effect.fork(tokens.renew(first))
      yield* TestClock.adjust(50)
      const second = yield* Fiber.join(renewal)
      assert.strictEqual(valueOf(second), "token-2")
      assert.strictEqual(server.received.length, 2)
      assert.strictEqual((yield* Effect.flip(tokens.renew(second)))._tag, "Unauthorized", "it served a renewal")
    })
  )

  it("an API that always refuses: 20,000 calls over an hour cost one exchange each 30 seconds", () => {
    const world = makeVirtual()
    const { times, tokens } = virtualServer(world, {}, { lifetime: 36_000 })
    const refusedTwice = Effect.flatMap(tokens.get, tokens.renew).pipe(Effect.flatMap(tokens.renew), Effect.flip)
    for (let round = 0; round < 120; round++) {
      for (let call = 0; call < 166; call++) {
        const exit = world.run(refusedTwice)
        assert.isTrue(Exit.isSuccess(exit) && exit.value._tag === "Unauthorized")
      }
      world.advance(30_000)
    }
    assert.strictEqual(times.length, 1 + 120)
  })

  it.scoped("a server that issues the refused token again does not make renew loop", () =>
    Effect.gen(function* () {
      const server = fakeServer(() => json(200, { access_token: "the-same", expires_in: 3600 }))
      const tokens = yield* provider(server)
      const first = yield* tokens.get
      const again = yield* tokens.renew(first)
      assert.strictEqual(valueOf(again), "the-same")
      assert.strictEqual((yield* Effect.flip(tokens.renew(again)))._tag, "Unauthorized")
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("renew past the expiry of the current token gets a new one rather than a dead one", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* provider(server)
      yield* tokens.get
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(valueOf(yield* tokens.renew(foreignToken)), "token-2")
      assert.strictEqual(server.received.length, 2)
    })
  )
})

describe("TokenProvider: closing its scope", () => {
  const closed = (error: ErpNetError.TokenError | ErpNetError.Unauthorized): string =>
    error._tag === "TokenEndpointUnavailable" ? error.reason : error._tag

  it.effect("ends the exchange and fails who waits and who comes later", () =>
    Effect.gen(function* () {
      const aborted = yield* Ref.make(0)
      const server = fakeServer(() => Effect.onInterrupt(Effect.never, () => Ref.update(aborted, (n) => n + 1)))
      const scope = yield* Scope.make()
      const tokens = yield* Scope.extend(provider(server), scope)
      const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.fork(Effect.flip(tokens.get)))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual((yield* Fiber.join(Fiber.all(waiting))).map(closed), ["closed", "closed", "closed"])
      assert.strictEqual(yield* Ref.get(aborted), 1)
      assert.strictEqual(closed(yield* Effect.flip(tokens.get)), "closed")
      assert.strictEqual(closed(yield* Effect.flip(tokens.renew(foreignToken))), "closed")
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.effect("a token that is still good is not served after closing", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const scope = yield* Scope.make()
      const tokens = yield* Scope.extend(provider(server), scope)
      const token = yield* tokens.get
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(closed(yield* Effect.flip(tokens.get)), "closed")
      assert.strictEqual(closed(yield* Effect.flip(tokens.renew(token))), "closed")
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.effect("who waits does not wait for a transport that is slow to let go", () =>
    Effect.gen(function* () {
      const released = yield* Deferred.make<void>()
      const server = fakeServer(() => Effect.onInterrupt(Effect.never, () => Deferred.await(released)))
      const scope = yield* Scope.make()
      const tokens = yield* Scope.extend(provider(server), scope)
      const waiting = yield* Effect.fork(Effect.flip(tokens.get))
      yield* settle
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* settle
      const polled = yield* Fiber.poll(waiting)
      yield* Deferred.succeed(released, undefined)
      yield* Fiber.join(closing)
      assert.isTrue(polled._tag === "Some" && Exit.isSuccess(polled.value) && closed(polled.value.value) === "closed")
    })
  )

  it("whatever the order in which fibers run: once closed, nobody gets a token and nobody waits", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const world = makeVirtual(seeded(seed))
      const { scope, tokens } = virtualServer(world)
      const waiting = world.fork(Effect.exit(tokens.get))
      const closing = world.fork(Scope.close(scope, Exit.void))
      world.settle()
      assert.isNotNull(closing.unsafePoll(), `seed ${seed}: closing hangs`)
      assert.isNotNull(waiting.unsafePoll(), `seed ${seed}: a caller hangs`)
      const late = world.run(Effect.flip(tokens.get))
      assert.isTrue(Exit.isSuccess(late) && closed(late.value) === "closed", `seed ${seed}`)
      assert.deepStrictEqual([world.pendingSleeps(), world.liveFibers()], [0, 0], `seed ${seed}`)
    }
  })

  it.effect("an answer that comes while it closes is thrown away", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<Answer>()
      const server = fakeServer(() => Effect.uninterruptible(Deferred.await(answer)))
      const scope = yield* Scope.make()
      const tokens = yield* Scope.extend(provider(server), scope)
      const waiting = yield* Effect.fork(Effect.flip(tokens.get))
      yield* settle
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* settle
      yield* Deferred.succeed(answer, json(200, { access_token: "late", expires_in: 3600 }))
      yield* Fiber.join(closing)
      assert.strictEqual(closed(yield* Fiber.join(waiting)), "closed")
      assert.strictEqual(closed(yield* Effect.flip(tokens.get)), "closed")
    })
  )
})
