import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Fiber, Redacted, Scope, TestClock } from "effect"
import { AccessToken, ErpNetError, TokenProvider, TokenSource } from "effect-erpnet"
import { application, instance } from "./support/fixtures.ts"
import { settle, valueOf } from "./support/tokens.ts"
import { fakeServer, issuing } from "./support/transport.ts"

const tokenOf = (value: string, seconds = 3600) =>
  Effect.map(Clock.currentTimeMillis, (issuedAt) =>
    AccessToken.make({ value: Redacted.make(value), scopes: [], issuedAt, expiresAt: issuedAt + seconds * 1000 })
  )

describe("TokenSource", () => {
  it.scoped("clientCredentials is what the short form of TokenProvider.make uses", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const source = yield* TokenSource.clientCredentials({ instance, credentials: application }).pipe(
        Effect.provide(server.layer)
      )
      const tokens = yield* TokenProvider.make({ instance, source })
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      assert.strictEqual(valueOf(yield* tokens.renew(yield* tokens.get)), "token-2")
      assert.lengthOf(server.received, 2)
    })
  )

  it.scoped("fromEffect runs once for all callers, with the context that it was made in", () =>
    Effect.gen(function* () {
      class Vault extends Context.Tag("Vault")<Vault, { readonly next: () => string }>() {}
      let count = 0
      const source = yield* TokenSource.fromEffect(
        Effect.flatMap(Vault, ({ next }) => Effect.delay(tokenOf(next()), "1 second"))
      ).pipe(Effect.provideService(Vault, { next: () => `own-${++count}` }))
      const tokens = yield* TokenProvider.make({ instance, source })
      const all = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 100 }, () => tokens.get),
          { concurrency: 100 }
        )
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([...new Set((yield* Fiber.join(all)).map(valueOf))], ["own-1"])
      yield* TestClock.adjust("1 hour")
      const next = yield* Effect.fork(tokens.get)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(valueOf(yield* Fiber.join(next)), "own-2")
    })
  )

  it.scoped("an initial token is served to its end without an exchange", () =>
    Effect.gen(function* () {
      let asked = 0
      const initial = yield* tokenOf("initial")
      const source = yield* TokenSource.fromEffect(
        Effect.suspend(() => tokenOf(`own-${++asked}`)),
        initial
      )
      const tokens = yield* TokenProvider.make({ instance, source, renewAhead: 0 })
      assert.strictEqual(valueOf(yield* tokens.get), "initial")
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(valueOf(yield* tokens.get), "own-1")
      assert.strictEqual(asked, 1)
    })
  )

  it.effect("an Effect that hangs and cannot be interrupted holds up neither callers nor closing", () =>
    Effect.gen(function* () {
      const source = yield* TokenSource.fromEffect(Effect.uninterruptible(Effect.never))
      const scope = yield* Scope.make()
      const tokens = yield* Scope.extend(TokenProvider.make({ instance, source }), scope)
      const waiting = yield* Effect.fork(Effect.flip(tokens.get))
      yield* TestClock.adjust("45 seconds")
      const error = yield* Fiber.join(waiting)
      assert.isTrue(error._tag === "TokenEndpointUnavailable" && error.reason === "timeout")
      const again = yield* Effect.fork(Effect.flip(tokens.get))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.include((yield* Fiber.join(again)).message, "closed")
    })
  )

  it.scoped("a token that cannot be sent is refused, whatever its source", () =>
    Effect.gen(function* () {
      for (const value of ["", "with blank", "line\nbreak"]) {
        const source = yield* TokenSource.fromEffect(tokenOf(value))
        const tokens = yield* TokenProvider.make({ instance, source })
        const error = yield* Effect.flip(tokens.get)
        assert.instanceOf(error, ErpNetError.TokenResponseInvalid)
        if (value !== "") assert.notInclude(error.message, value)
      }
    })
  )

  it.scoped("a reference token is the same for ever, and a refusal of it is Unauthorized at once", () =>
    Effect.gen(function* () {
      const source = TokenSource.referenceToken(Redacted.make("enrt_abc"))
      const tokens = yield* TokenProvider.make({ instance, source })
      const token = yield* tokens.get
      assert.strictEqual(token.expiresAt, Number.POSITIVE_INFINITY)
      assert.strictEqual((yield* Effect.flip(tokens.renew(token)))._tag, "Unauthorized")
      yield* TestClock.adjust("1000 days")
      assert.strictEqual(yield* tokens.get, token)
    })
  )
})
