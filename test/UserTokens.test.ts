import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Exit, Fiber, Logger, Option, Redacted, Ref, Schema, Scope, TestClock } from "effect"
import {
  DomainApi,
  EntitySet,
  ErpNet,
  ErpNetError,
  RefreshTokenStore,
  SignIn,
  TokenProvider,
  UserTokens
} from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { application, login, publicApplication, signIn, tokenRequests } from "./support/people.ts"
import { layer } from "./testing/support.ts"

const emulator = ErpNetEmulator.ErpNetEmulator

/** A provider for a person, and the store below it. */
const provide = (options: Partial<UserTokens.Options> = {}) =>
  Effect.gen(function* () {
    const { instance } = yield* emulator
    const store = options.store ?? (yield* RefreshTokenStore.memory())
    const source = yield* UserTokens.source({ instance, application, ...options, store })
    return { store, source, provider: yield* TokenProvider.make({ instance, ...options, source }) }
  })

const posts = Effect.map(tokenRequests, (requests) => requests.length)

const plain = (token: Option.Option<Redacted.Redacted<string>>) =>
  Option.getOrUndefined(Option.map(token, Redacted.value))

const required = (error: unknown): string =>
  error instanceof ErpNetError.SignInRequired ? `${error.reason} ${error.cause?._tag}` : String(error)

/** Keeps what is logged. */
const logged = (lines: Array<string>) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ message }) => void lines.push(String(message)))
  )

describe("renewal", () => {
  it.scoped("serves the access token of the sign-in without a POST, and then renews", () =>
    Effect.gen(function* () {
      const { tokens } = yield* signIn()
      const { provider, store } = yield* provide({ tokens })
      assert.strictEqual(plain(yield* store.get), plain(tokens.refreshToken))
      assert.strictEqual((yield* provider.get).fingerprint, tokens.accessToken.fingerprint)
      assert.strictEqual(yield* posts, 1)
      yield* TestClock.adjust("61 minutes")
      assert.notStrictEqual((yield* provider.get).fingerprint, tokens.accessToken.fingerprint)
      assert.strictEqual(yield* posts, 2)
      assert.notStrictEqual(plain(yield* store.get), plain(tokens.refreshToken))
    }).pipe(Effect.provide(layer()))
  )

  for (const client of [application, publicApplication]) {
    it.scoped(`sends the fields of the grant in order and nothing more: ${client.clientId}`, () =>
      Effect.gen(function* () {
        const { tokens } = yield* signIn(client)
        const { provider } = yield* provide({ tokens, application: client })
        yield* TestClock.adjust("61 minutes")
        yield* provider.get
        const secret = client === application ? ["client_secret"] : []
        assert.deepStrictEqual(Object.keys(Object((yield* tokenRequests).at(-1))), [
          "grant_type",
          "client_id",
          ...secret,
          "refresh_token"
        ])
      }).pipe(Effect.provide(layer()))
    )
  }

  it.scoped("1,000 fibers at expiry: one POST", () =>
    Effect.gen(function* () {
      const { tokens } = yield* signIn()
      const { provider } = yield* provide({ tokens })
      yield* TestClock.adjust("61 minutes")
      const got = yield* Effect.all(
        Array.from({ length: 1000 }, () => provider.get),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(got.map((token) => token.fingerprint)).size, 1)
      assert.strictEqual(yield* posts, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("50 hours of use: each POST sends the refresh token of the answer before, none twice", () =>
    Effect.gen(function* () {
      const { tokens } = yield* signIn()
      const memory = yield* RefreshTokenStore.memory()
      const kept: Array<string> = []
      const store: RefreshTokenStore.Service = {
        ...memory,
        set: (token) => Effect.tap(memory.set(token), () => void kept.push(Redacted.value(token)))
      }
      const { provider } = yield* provide({ tokens, store })
      for (let minute = 0; minute < 50 * 60; minute += 10) {
        yield* provider.get
        yield* TestClock.adjust("10 minutes")
      }
      // the instance refuses a token that is used twice, so every renewal used the newest
      assert.strictEqual(yield* posts, kept.length)
      assert.strictEqual(new Set(kept).size, kept.length)
      assert.isAbove(kept.length, 45)
    }).pipe(Effect.provide(layer({ reuse: "revokesFamily" })))
  )

  it.scoped("keeps the refresh token where the answer has none", () =>
    Effect.gen(function* () {
      const { tokens } = yield* signIn()
      const { provider, store } = yield* provide({ tokens })
      for (let hour = 0; hour < 3; hour++) {
        yield* TestClock.adjust("61 minutes")
        yield* provider.get
      }
      assert.strictEqual(plain(yield* store.get), plain(tokens.refreshToken))
    }).pipe(Effect.provide(layer({ rotation: "omit" })))
  )

  it.scoped("gives the newest id_token", () =>
    Effect.gen(function* () {
      const { tokens } = yield* signIn()
      const { provider, source } = yield* provide({ tokens })
      assert.strictEqual(plain(yield* source.idToken), plain(tokens.idToken))
      yield* TestClock.adjust("61 minutes")
      yield* provider.get
      assert.notStrictEqual(plain(yield* source.idToken), plain(tokens.idToken))
    }).pipe(Effect.provide(layer()))
  )
})

describe("sign-in required", () => {
  it.scoped("a refused refresh token: once a POST, then the same error without one, until the store has a token", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const { tokens } = yield* signIn()
      const { source, store } = yield* provide({ tokens })
      const exchange = source.exchange(() => (request) => request)
      yield* erp.revokeRefreshTokens(login)
      const error = yield* Effect.flip(exchange)
      assert.strictEqual(required(error), "refused InvalidGrant")
      assert.isTrue(Option.isNone(yield* store.get))
      const before = yield* posts
      assert.strictEqual(yield* Effect.flip(exchange), error)
      assert.strictEqual(yield* posts, before)
      const again = yield* signIn()
      yield* store.set(Option.getOrThrow(again.tokens.refreshToken))
      yield* exchange
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("the answer is lost: one refusal, no loop", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const { tokens } = yield* signIn()
      const { source } = yield* provide({ tokens })
      yield* erp.loseNextAnswer("token")
      const exchange = source.exchange(() => (request) => request)
      const fiber = yield* Effect.fork(Effect.flip(exchange))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(required(yield* Fiber.join(fiber)), "refused InvalidGrant")
      assert.strictEqual(yield* posts, 3)
      yield* Effect.flip(exchange)
      assert.strictEqual(yield* posts, 3)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("without a refresh token: no POST, no log, the token to its end; nobody inherits an earlier one", () =>
    Effect.gen(function* () {
      const { tokens } = yield* signIn(publicApplication)
      assert.isTrue(Option.isNone(tokens.refreshToken))
      const store = yield* RefreshTokenStore.memory(Redacted.make("of an earlier person"))
      const lines: Array<string> = []
      yield* Effect.gen(function* () {
        const { provider } = yield* provide({ tokens, store, application: publicApplication })
        assert.isTrue(Option.isNone(yield* store.get))
        for (let minute = 0; minute < 59; minute++) {
          yield* TestClock.adjust("1 minute")
          assert.strictEqual((yield* provider.get).fingerprint, tokens.accessToken.fingerprint)
        }
        assert.deepStrictEqual(lines, [])
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(required(yield* Effect.flip(provider.get)), "noRefreshToken undefined")
        assert.strictEqual(yield* posts, 1)
      }).pipe(Effect.provide(logged(lines)))
    }).pipe(Effect.provide(layer({ publicRefreshTokens: false })))
  )

  it.scoped("another process was faster: the token that it stored is tried, once", () =>
    Effect.gen(function* () {
      const first = yield* signIn()
      const second = yield* signIn()
      const stored = yield* Ref.make(Option.getOrThrow(first.tokens.refreshToken))
      const newer = Option.getOrThrow(second.tokens.refreshToken)
      const erp = yield* emulator
      // the stored token is spent by the other process, which stores its own a moment later
      const store: RefreshTokenStore.Service = {
        get: Effect.asSome(Ref.getAndSet(stored, newer)),
        set: (token) => Ref.set(stored, token),
        remove: Effect.dieMessage("the newer token must not be removed")
      }
      const { source } = yield* provide({ store })
      yield* erp.failNext("token", ErpNetEmulator.Fault.status(400, { body: '{"error":"invalid_grant"}' }))
      yield* source.exchange(() => (request) => request)
      assert.notStrictEqual(Redacted.value(yield* Ref.get(stored)), Redacted.value(newer))
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("another person in the id_token of a renewal: the tokens are discarded", () =>
    Effect.gen(function* () {
      const maria = yield* signIn()
      const erp = yield* emulator
      const other = yield* SignIn.start(erp.instance, application)
      const callback = yield* erp.authorize(other.url, { login: "peter" })
      const peter = yield* SignIn.finish(erp.instance, application, other.pending, callback)
      const mixed = { ...maria.tokens, refreshToken: peter.tokens.refreshToken }
      const { source, store } = yield* provide({ tokens: mixed })
      const error = yield* Effect.flip(source.exchange(() => (request) => request))
      assert.strictEqual(required(error), "refused IdTokenInvalid")
      assert.isTrue(Option.isNone(yield* store.get))
    }).pipe(
      Effect.provide(
        layer({ users: [ErpNetEmulator.demoUser, { login: "peter", password: Redacted.make("peters password") }] })
      )
    )
  )
})

describe("the store", () => {
  const failure = (operation: "get" | "set" | "remove") =>
    Effect.fail(new ErpNetError.RefreshTokenStoreError({ operation, detail: "SystemError" }))

  it.scoped(
    "that cannot be written: the sign-in goes on in memory, with a warning each time, and closing tries again",
    () =>
      Effect.gen(function* () {
        const { tokens } = yield* signIn()
        const memory = yield* RefreshTokenStore.memory()
        let broken = true
        const store: RefreshTokenStore.Service = {
          ...memory,
          set: (token) => (broken ? failure("set") : memory.set(token))
        }
        const lines: Array<string> = []
        const scope = yield* Scope.make()
        yield* Effect.gen(function* () {
          const { provider } = yield* Scope.extend(provide({ tokens, store }), scope)
          yield* TestClock.adjust("61 minutes")
          yield* provider.get
          yield* TestClock.adjust("61 minutes")
          yield* provider.get
        }).pipe(Effect.provide(logged(lines)))
        assert.isAbove(lines.length, 2)
        assert.notInclude(lines.join(), plain(tokens.refreshToken) ?? "none")
        assert.isTrue(Option.isNone(yield* memory.get))
        broken = false
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Option.isSome(yield* memory.get))
      }).pipe(Effect.provide(layer()))
  )

  it.scoped("that cannot be read, or does not answer: TokenEndpointUnavailable, without a POST", () =>
    Effect.gen(function* () {
      const memory = yield* RefreshTokenStore.memory()
      const failing: ReadonlyArray<RefreshTokenStore.Service["get"]> = [failure("get"), Effect.never]
      for (const get of failing) {
        const { source } = yield* provide({ store: { ...memory, get } })
        const fiber = yield* Effect.fork(Effect.flip(source.exchange(() => (request) => request)))
        yield* TestClock.adjust("5 seconds")
        const error = yield* Fiber.join(fiber)
        assert.deepInclude({ ...error }, { _tag: "TokenEndpointUnavailable", reason: "store" })
      }
      assert.strictEqual(yield* posts, 0)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("with exclusive: two sources use it by turns", () =>
    Effect.gen(function* () {
      const { tokens } = yield* signIn()
      const memory = yield* RefreshTokenStore.memory()
      const semaphore = yield* Effect.makeSemaphore(1)
      const store: RefreshTokenStore.Service = { ...memory, exclusive: semaphore.withPermits(1) }
      const one = yield* provide({ tokens, store })
      const two = yield* provide({ store })
      const run = (source: UserTokens.UserTokenSource) => source.exchange(() => (request) => request)
      const all = [one, two, one, two].map(({ source }) => run(source))
      yield* Effect.all(all, { concurrency: "unbounded" })
      yield* Effect.all(all, { concurrency: "unbounded" })
      assert.isAbove(yield* posts, 3)
    }).pipe(Effect.provide(layer({ reuse: "revokesFamily" })))
  )
})

describe("a process that ends", () => {
  it.scoped("an exchange whose caller goes away is finished and stored", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const { tokens } = yield* signIn()
      const { source, store } = yield* provide({ tokens })
      yield* erp.setLatency({ token: "3 seconds" })
      const fiber = yield* Effect.fork(source.exchange(() => (request) => request))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("3 seconds")
      assert.notStrictEqual(plain(yield* store.get), plain(tokens.refreshToken))
      assert.strictEqual(yield* posts, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("closing waits for the exchange, at most 5 seconds", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const { tokens } = yield* signIn()
      const closes = (latency: number) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const { source } = yield* Scope.extend(provide({ tokens }), scope)
          yield* erp.setLatency({ token: latency })
          yield* Effect.forkDaemon(source.exchange(() => (request) => request))
          yield* TestClock.adjust(1)
          const start = yield* TestClock.currentTimeMillis
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          for (let step = 0; step < 80; step++) {
            yield* TestClock.adjust(100)
            if (Option.isSome(yield* Fiber.poll(closing))) break
          }
          return (yield* TestClock.currentTimeMillis) - start
        })
      assert.approximately(yield* closes(2_000), 2_000, 150)
      assert.approximately(yield* closes(9_000), 5_000, 150)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("killed between any two steps of a renewal and started again from its store, it goes on", () =>
    Effect.gen(function* () {
      const steps = ["before get", "after get", "after the POST and set"] as const
      for (const step of steps) {
        yield* Effect.gen(function* () {
          const { tokens } = yield* signIn()
          const memory = yield* RefreshTokenStore.memory(Option.getOrThrow(tokens.refreshToken))
          const here = (at: string) => (at === step ? Effect.never : Effect.void)
          const store: RefreshTokenStore.Service = {
            get: here("before get").pipe(Effect.zipRight(memory.get), Effect.zipLeft(here("after get"))),
            set: (token) => Effect.zipRight(memory.set(token), here("after the POST and set")),
            remove: memory.remove
          }
          const killed = yield* provide({ store }).pipe(
            Effect.flatMap(({ source }) => source.exchange(() => (request) => request)),
            Effect.scoped,
            Effect.fork
          )
          yield* TestClock.adjust("1 second")
          yield* Fiber.interruptFork(killed)
          // the process is gone: nothing of it runs on
          const again = yield* Effect.scoped(
            Effect.flatMap(provide({ store: memory }), ({ source }) => source.exchange(() => (request) => request))
          )
          assert.isDefined(again.fingerprint, step)
        }).pipe(Effect.provide(layer()))
      }
    })
  )
})

describe("ErpNet.layerUser", () => {
  const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Id: Schema.UUID }))

  it.scoped("runs a program in the name of a person", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const { tokens } = yield* signIn()
      const services = ErpNet.layerUser({ instance: erp.instance, application, tokens })
      const rows = yield* Effect.provide(DomainApi.list(Customers, { top: 2 }), services)
      assert.strictEqual(Chunk.fromIterable(rows).length, 2)
      assert.strictEqual((yield* erp.counters).licencesUsed, 1)
    }).pipe(Effect.provide(layer()))
  )
})
