/** What an identity server that is unwell costs while no token is held. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Schedule, Scope, TestClock } from "effect"
import { TokenProvider } from "effect-erpnet"
import { application, instance } from "../support/fixtures.ts"
import { provider, settle, valueOf } from "../support/tokens.ts"
import { fakeServer, issuing, json } from "../support/transport.ts"

const once = { retryTransient: Schedule.recurs(0) }

describe("TokenProvider: an outage with no token", () => {
  it.scoped("Retry-After is kept to: one request, and the others fail at once with what is left", () =>
    Effect.gen(function* () {
      let isWell = false
      const issue = issuing()
      const server = fakeServer((request, index) =>
        isWell ? issue(request, index) : new Response("", { status: 503, headers: { "retry-after": "60" } })
      )
      const tokens = yield* provider(server)
      for (let call = 0; call < 200; call++) {
        const error = yield* Effect.flip(tokens.get)
        assert(error._tag === "TokenEndpointUnavailable" && error.retryAfter !== undefined)
        assert.strictEqual(Duration.toMillis(error.retryAfter), 60_000 - call * 50)
        yield* TestClock.adjust(50)
      }
      assert.lengthOf(server.received, 1)
      isWell = true
      yield* TestClock.adjust("50 seconds")
      assert.match(valueOf(yield* tokens.get), /^token-/)
      assert.lengthOf(server.received, 2)
    })
  )

  it.scoped("without Retry-After the pace backs off, and recovery is noticed within 4 seconds", () =>
    Effect.gen(function* () {
      let isWell = false
      const issue = issuing()
      const server = fakeServer((request, index) => (isWell ? issue(request, index) : json(500, {})))
      const tokens = yield* provider(server, once)
      for (let call = 0; call < 600; call++) {
        yield* Effect.flip(tokens.get)
        yield* TestClock.adjust(100)
      }
      assert.isAtMost(server.received.length, 20)
      isWell = true
      yield* TestClock.adjust("4 seconds")
      yield* tokens.get
    })
  )
})

describe("TokenProvider: credentials that hang and cannot be interrupted", () => {
  it.effect("hold up callers for 45 seconds, and closing not at all", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const scope = yield* Scope.make()
      let isWell = false
      const credentials = Effect.suspend(() =>
        isWell ? Effect.succeed(application) : Effect.uninterruptible(Effect.never)
      )
      const tokens = yield* TokenProvider.make({ instance, credentials }).pipe(
        Effect.provide(server.layer),
        Scope.extend(scope)
      )
      const waiting = yield* Effect.fork(Effect.flip(tokens.get))
      yield* TestClock.adjust("45 seconds")
      const error = yield* Fiber.join(waiting)
      assert(error._tag === "TokenEndpointUnavailable" && error.reason === "credentials")
      isWell = true
      yield* tokens.get
      isWell = false
      const renewing = yield* Effect.fork(Effect.flip(Effect.flatMap(tokens.get, tokens.renew)))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.include((yield* Fiber.join(renewing)).message, "closed")
    })
  )
})
