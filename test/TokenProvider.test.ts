import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, TestClock } from "effect"
import { TokenProvider } from "effect-erpnet"
import { application, instance } from "./support/fixtures.ts"
import { fakeServer, issuing, json } from "./support/transport.ts"

const options = { instance, credentials: application }

const valueOf = (token: { readonly value: Redacted.Redacted<string> }): string => Redacted.value(token.value)

describe("TokenProvider", () => {
  it.scoped("1,000 fibers on a cold cache cost one exchange", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) => Effect.as(Effect.sleep("50 millis"), issue(request, index)))
      const tokens = yield* TokenProvider.make(options).pipe(Effect.provide(server.layer))
      const fibers = yield* Effect.forkAll(Array.from({ length: 1000 }, () => tokens.get))
      yield* TestClock.adjust("50 millis")
      const all = yield* Fiber.join(fibers)
      assert.strictEqual(server.received.length, 1)
      assert.deepStrictEqual([...new Set(all.map(valueOf))], ["token-1"])
    })
  )

  it.scoped("the caller who started the exchange may go, the others get the token", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((request, index) => Effect.as(Effect.sleep("50 millis"), issue(request, index)))
      const tokens = yield* TokenProvider.make(options).pipe(Effect.provide(server.layer))
      const leader = yield* Effect.fork(tokens.get)
      yield* Effect.yieldNow()
      const others = yield* Effect.forkAll(Array.from({ length: 10 }, () => tokens.get))
      yield* Fiber.interrupt(leader)
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual((yield* Fiber.join(others)).map(valueOf), Array.from({ length: 10 }, () => "token-1"))
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.scoped("three zones at their exact boundaries", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing(3600))
      const tokens = yield* TokenProvider.make(options).pipe(Effect.provide(server.layer))
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      yield* TestClock.adjust(3_480_000 - 1)
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      yield* TestClock.adjust(0)
      assert.strictEqual(server.received.length, 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(valueOf(yield* tokens.get), "token-1", "served while the renewal runs")
      yield* TestClock.adjust(0)
      assert.strictEqual(server.received.length, 2)
      assert.strictEqual(valueOf(yield* tokens.get), "token-2")
      yield* TestClock.adjust(3_540_000)
      assert.strictEqual(valueOf(yield* tokens.get), "token-3", "inside the leeway the caller waits")
    })
  )

  it.scoped("renew is compare-and-swap", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing(3600))
      const tokens = yield* TokenProvider.make(options).pipe(Effect.provide(server.layer))
      const first = yield* tokens.get
      const renewed = yield* Effect.all(
        Array.from({ length: 20 }, () => tokens.renew(first)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([...new Set(renewed.map(valueOf))], ["token-2"])
      assert.strictEqual(server.received.length, 2)
      assert.strictEqual(valueOf(yield* tokens.renew(first)), "token-2")
      const refused = yield* Effect.flip(tokens.renew(renewed[0]!))
      assert.strictEqual(refused._tag, "Unauthorized")
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(valueOf(yield* tokens.renew(renewed[0]!)), "token-3")
    })
  )

  it.scoped("InvalidClient is remembered for the cooldown only", () =>
    Effect.gen(function* () {
      const server = fakeServer(() => json(400, { error: "invalid_client" }))
      const tokens = yield* TokenProvider.make(options).pipe(Effect.provide(server.layer))
      for (let call = 0; call < 100; call++) {
        assert.strictEqual((yield* Effect.flip(tokens.get))._tag, "InvalidClient")
      }
      assert.strictEqual(server.received.length, 1)
      yield* TestClock.adjust("30 seconds")
      yield* Effect.flip(tokens.get)
      assert.strictEqual(server.received.length, 2)
    })
  )
})
