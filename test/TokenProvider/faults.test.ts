import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, HashMap, Logger, LogLevel, Redacted, Schedule, TestClock } from "effect"
import { type AccessToken, ErpNetError, type TokenProvider, TrustedApplication } from "effect-erpnet"
import { application, secret } from "../support/fixtures.ts"
import { delayed, provider, settle, valueOf } from "../support/tokens.ts"
import { type Answer, fakeServer, issuing, json } from "../support/transport.ts"
import { makeVirtual, type Virtual } from "../support/virtual.ts"
import { reply, type VirtualAnswer, virtualServer } from "../support/virtualServer.ts"

const hour = 3_600_000
const notRetried = { retryTransient: Schedule.recurs(0) }

const withSecret = (secret: string): TrustedApplication.TrustedApplication => ({
  ...application,
  clientSecret: Redacted.make(secret)
})

/** A server that works, or answers with a fault. */
const faulty = (lifetime: unknown = 3600) => {
  const issue = issuing(lifetime)
  const control: { fault: Answer | Effect.Effect<Answer> | undefined } = { fault: undefined }
  const server = fakeServer((request, index) => {
    const { fault } = control
    if (fault === undefined) return issue(request, index)
    return fault instanceof Response ? fault.clone() : fault
  })
  return { server, control }
}

const html = (status: number, headers: Record<string, string> = {}): Response =>
  new Response("<html>no</html>", { status, headers: { "content-type": "text/html", ...headers } })

const faults: ReadonlyArray<readonly [string, VirtualAnswer]> = [
  ["down", Effect.succeed("reset")],
  ["500 HTML", Effect.succeed(reply(500, "<html>"))],
  ["502 HTML", Effect.succeed(reply(502, "<html>"))],
  ["503 with Retry-After", Effect.succeed(reply(503, "", { "retry-after": "2" }))],
  ["429 with a long Retry-After", Effect.succeed(reply(429, "", { "retry-after": "3600" }))],
  ["404", Effect.succeed(reply(404, ""))],
  ["a redirect", Effect.succeed(reply(302, "", { location: "https://evil.example/" }))],
  ["200 with an error", Effect.succeed(reply(200, { error: "server_error" }))],
  ["invalid_client", Effect.succeed(reply(400, { error: "invalid_client" }))],
  ["rubbish", Effect.succeed(reply(200, "<html>"))],
  ["hanging", Effect.never],
  ["slow and then broken", Effect.as(Effect.sleep("8 seconds"), "reset")],
  ["dying", Effect.die("boom")],
  ["interrupting itself", Effect.interrupt]
]

/** What a call gives that is over without time passing; `undefined` while it waits. */
const polled = (world: Virtual, effect: Effect.Effect<AccessToken.AccessToken, unknown>): string | undefined => {
  const fiber = world.fork(effect)
  world.settle()
  const exit = fiber.unsafePoll()
  return exit === null ? undefined : Exit.match(exit, { onFailure: (cause) => Cause.pretty(cause), onSuccess: valueOf })
}

describe("TokenProvider: renewal ahead of expiry that fails all the time", () => {
  for (const [name, fault] of faults) {
    it(`${name}: no error surfaces, attempts are spaced, the old token serves to its last millisecond`, () => {
      const world = makeVirtual()
      const server = virtualServer(world, notRetried)
      const { times, tokens } = server
      assert.strictEqual(polled(world, tokens.get), "token-1")
      server.fault = fault
      world.advance(hour - 120_000)
      // In the minute ahead of the leeway every call is answered at once.
      while (world.elapsed() < hour - 60_000) {
        assert.strictEqual(polled(world, tokens.get), "token-1", `at ${world.elapsed()}`)
        world.advance(500)
      }
      const ahead = times.slice(1)
      assert.isAtLeast(ahead.length, 1)
      for (const [index, time] of ahead.slice(1).entries()) assert.isAtLeast(time - ahead[index]!, 10_000)
      // In the leeway a call may wait for an attempt, but gets the old token.
      const fibers: Array<Fiber.RuntimeFiber<AccessToken.AccessToken, unknown>> = []
      while (world.elapsed() < hour - 11_000) {
        fibers.push(world.fork(tokens.get))
        world.advance(500)
      }
      world.advance(10_999)
      for (const fiber of fibers) {
        const exit = fiber.unsafePoll()
        assert.isTrue(exit !== null && Exit.isSuccess(exit) && valueOf(exit.value) === "token-1")
      }
      assert.strictEqual(world.elapsed(), hour - 1)
      // Two hundred calls: at most one attempt in 10 s, and a second one at the start of the leeway.
      assert.isAtMost(times.length, 1 + 12 + 2)
      assert.deepStrictEqual([world.pendingSleeps(), world.liveFibers()], [0, 0])
    })
  }

  it("attempts back off: 10, 20, 40, 60, 60 s", () => {
    const world = makeVirtual()
    const server = virtualServer(world, { ...notRetried, refreshAhead: "10 minutes" }, { lifetime: 7200 })
    polled(world, server.tokens.get)
    server.fault = Effect.succeed(reply(404, ""))
    const from = 2 * hour - 600_000
    world.advance(from)
    while (world.elapsed() < 2 * hour - 300_000) {
      polled(world, server.tokens.get)
      world.advance(1000)
    }
    assert.deepStrictEqual(
      server.times.slice(1).map((time) => (time - from) / 1000),
      [0, 10, 30, 70, 130, 190, 250]
    )
  })

  it("a Retry-After that is longer than the pause is kept to", () => {
    const world = makeVirtual()
    const server = virtualServer(world, notRetried)
    polled(world, server.tokens.get)
    server.fault = Effect.succeed(reply(503, "", { "retry-after": "25" }))
    const from = hour - 120_000
    world.advance(from)
    while (world.elapsed() < from + 30_000) {
      polled(world, server.tokens.get)
      world.advance(500)
    }
    assert.deepStrictEqual(
      server.times.slice(1).map((time) => (time - from) / 1000),
      [0, 25]
    )
  })

  it("after a success the pauses are forgotten", () => {
    const world = makeVirtual()
    const server = virtualServer(world, notRetried, { lifetime: 300 })
    const attemptsIn = (millis: number): number => {
      const before = server.times.length
      const end = world.elapsed() + millis
      while (world.elapsed() < end) {
        polled(world, server.tokens.get)
        world.advance(1000)
      }
      return server.times.length - before
    }
    polled(world, server.tokens.get)
    world.advance(180_000)
    server.fault = Effect.succeed(reply(404, ""))
    assert.strictEqual(attemptsIn(25_000), 2, "at 0 and 10 s")
    server.fault = undefined
    assert.strictEqual(attemptsIn(10_000), 1, "at 30 s")
    world.advance(175_000)
    server.fault = Effect.succeed(reply(404, ""))
    assert.strictEqual(attemptsIn(15_000), 2, "at 0 and 10 s again")
  })

  it("the log says at debug level that it failed, without a secret, and nothing of a defect", () => {
    for (const [fault, expected] of [
      [
        Effect.succeed(reply(400, { error: "invalid_scope", error_description: `is ${secret} right?` })),
        "invalid_scope"
      ],
      [Effect.die(new Error(`client_secret=${secret}`)), "it died"]
    ] as ReadonlyArray<readonly [VirtualAnswer, string]>) {
      const lines: Array<string> = []
      const logger = Logger.make(({ annotations, logLevel, message }) => {
        lines.push(`${logLevel.label} ${String(HashMap.unsafeGet(annotations, "module"))} ${JSON.stringify(message)}`)
      })
      const world = makeVirtual()
      const logging = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
        effect.pipe(
          Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
          Logger.withMinimumLogLevel(LogLevel.All)
        )
      const server = virtualServer({ ...world, run: (effect) => world.run(logging(effect)) }, notRetried)
      polled(world, server.tokens.get)
      server.fault = fault
      world.advance(hour - 100_000)
      polled(world, server.tokens.get)
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0]!, /^DEBUG TokenProvider .*renewing the token ahead of its expiry failed/)
      assert.include(lines[0]!, expected)
      assert.notInclude(lines[0]!, secret)
    }
  })
})

describe("TokenProvider: past the expiry", () => {
  const alive = 1_000_000
  for (const [name, fault, tag] of [
    ["down", "reset", "Expired"],
    ["503", html(503), "Expired"],
    ["429 with a long Retry-After", html(429, { "retry-after": "3600" }), "Expired"],
    ["hanging", Effect.never, "Expired"],
    ["404 is no passing failure", html(404), "TokenEndpointUnavailable"],
    ["a redirect is no passing failure", html(302), "TokenEndpointUnavailable"],
    ["invalid_client", json(400, { error: "invalid_client" }), "InvalidClient"],
    ["invalid_scope", json(400, { error: "invalid_scope" }), "InvalidScope"],
    ["unauthorized_client", json(400, { error: "unauthorized_client" }), "UnauthorizedClient"],
    ["rubbish", html(200), "TokenResponseInvalid"]
  ] as ReadonlyArray<readonly [string, Answer | Effect.Effect<Answer>, string]>) {
    it.scoped(`${name}: ${tag}`, () =>
      Effect.gen(function* () {
        const { control, server } = faulty(1000)
        const tokens = yield* provider(server, notRetried)
        yield* tokens.get
        control.fault = fault
        yield* TestClock.setTime(alive)
        const fiber = yield* Effect.fork(Effect.flip(tokens.get))
        yield* TestClock.adjust("10 seconds")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error._tag, tag)
        if (error._tag === "Expired") assert.strictEqual(error.cause?._tag, "TokenEndpointUnavailable")
      })
    )
  }

  it.scoped("the cause tells what the server said", () =>
    Effect.gen(function* () {
      const { control, server } = faulty(1000)
      const tokens = yield* provider(server, notRetried)
      yield* tokens.get
      control.fault = html(503, { "retry-after": "3600" })
      yield* TestClock.setTime(alive)
      const error = yield* Effect.flip(tokens.get)
      assert.isTrue(error._tag === "Expired" && error.cause?.status === 503)
      assert.isTrue(ErpNetError.isTransient(error))
    })
  )

  it.scoped("without a token before, a passing failure is raised as it is", () =>
    Effect.gen(function* () {
      const { control, server } = faulty()
      control.fault = html(503)
      const tokens = yield* provider(server, notRetried)
      const error = yield* Effect.flip(tokens.get)
      assert.isTrue(error._tag === "TokenEndpointUnavailable" && error.status === 503)
    })
  )

  it.scoped("a token that is refused while callers wait for its successor is not called expired", () =>
    Effect.gen(function* () {
      const { control, server } = faulty()
      const tokens = yield* provider(server, notRetried)
      const first = yield* tokens.get
      control.fault = Effect.as(Effect.sleep("5 seconds"), html(503))
      yield* TestClock.setTime(hour - 30_000)
      const waiting = yield* Effect.fork(Effect.flip(tokens.get))
      yield* settle
      const renewal = yield* Effect.fork(Effect.flip(tokens.renew(first)))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "TokenEndpointUnavailable")
      assert.strictEqual((yield* Fiber.join(renewal))._tag, "TokenEndpointUnavailable")
    })
  )

  it.scoped("recovery: the first call after the server is back succeeds, and 1,000 at once are one request", () =>
    Effect.gen(function* () {
      const { control, server } = faulty(1000)
      const tokens = yield* provider(server)
      yield* tokens.get
      control.fault = "reset"
      yield* TestClock.setTime(alive)
      for (let call = 0; call < 20; call++) {
        const fiber = yield* Effect.fork(Effect.flip(tokens.get))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "Expired")
      }
      control.fault = undefined
      const before = server.received.length
      const fibers = yield* Effect.forkAll(Array.from({ length: 1000 }, () => tokens.get))
      yield* settle
      assert.deepStrictEqual([...new Set((yield* Fiber.join(fibers)).map(valueOf))], ["token-2"])
      assert.strictEqual(server.received.length, before + 1)
    })
  )

  it.scoped("while it is down, 1,000 waiting callers are one exchange of three attempts, not a herd", () =>
    Effect.gen(function* () {
      const { control, server } = faulty()
      control.fault = "reset"
      const tokens = yield* provider(server)
      const fibers = yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.fork(Effect.flip(tokens.get)))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(Fiber.all(fibers))
      assert.strictEqual(server.received.length, 3)
    })
  )
})

describe("TokenProvider: a wrong or changed secret", () => {
  it.scoped("10,000 calls with a wrong secret in two minutes are a handful of requests", () =>
    Effect.gen(function* () {
      const server = fakeServer(() => json(401, { error: "invalid_client" }, { "www-authenticate": "Basic" }))
      const tokens = yield* provider(server)
      const errors = new Set<string>()
      for (let round = 0; round < 12; round++) {
        for (let call = 0; call < 833; call++) errors.add((yield* Effect.flip(tokens.get))._tag)
        yield* TestClock.adjust("10 seconds")
      }
      assert.deepStrictEqual([...errors], ["InvalidClient"])
      assert.strictEqual(server.received.length, 4)
    })
  )

  it.scoped("the cooldown lasts exactly as long as it says", () =>
    Effect.gen(function* () {
      const server = fakeServer(() => json(400, { error: "invalid_client" }))
      const tokens = yield* provider(server, { rejectionCooldown: "5 seconds" })
      const first = yield* Effect.flip(tokens.get)
      yield* TestClock.adjust(4999)
      assert.strictEqual(yield* Effect.flip(tokens.get), first, "the very same error")
      assert.strictEqual(server.received.length, 1)
      yield* TestClock.adjust(1)
      yield* Effect.flip(tokens.get)
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("cooldown zero asks every time", () =>
    Effect.gen(function* () {
      const server = fakeServer(() => json(400, { error: "invalid_client" }))
      const tokens = yield* provider(server, { rejectionCooldown: 0 })
      for (let call = 0; call < 5; call++) yield* Effect.flip(tokens.get)
      assert.strictEqual(server.received.length, 5)
    })
  )

  it.scoped("other refusals are not remembered", () =>
    Effect.gen(function* () {
      for (const error of ["invalid_scope", "unauthorized_client", "invalid_grant", "invalid_request", "x"]) {
        const server = fakeServer(() => json(400, { error }))
        const tokens = yield* provider(server)
        for (let call = 0; call < 3; call++) yield* Effect.flip(tokens.get)
        assert.strictEqual(server.received.length, 3, error)
      }
    })
  )

  it.scoped("correcting the secret works at once; so does going back to the wrong one fail", () =>
    Effect.gen(function* () {
      let current = withSecret("wrong")
      const server = fakeServer((request) =>
        request.form.get("client_secret") === "right"
          ? json(200, { access_token: "good", expires_in: 3600 })
          : json(400, { error: "invalid_client" })
      )
      const tokens = yield* provider(server, { credentials: Effect.sync(() => current) })
      yield* Effect.flip(tokens.get)
      yield* Effect.flip(tokens.get)
      assert.strictEqual(server.received.length, 1)
      current = withSecret("right")
      assert.strictEqual(valueOf(yield* tokens.get), "good")
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("other credentials end the cooldown also for those that were refused, when they come back", () =>
    Effect.gen(function* () {
      let current = application
      const server = fakeServer((request) =>
        request.form.get("client_secret") === "right"
          ? json(200, { access_token: "good", expires_in: 3600 })
          : json(400, { error: "invalid_client" })
      )
      const tokens = yield* provider(server, { credentials: Effect.sync(() => current), rejectionCooldown: "1 hour" })
      yield* Effect.flip(tokens.get)
      current = withSecret("right")
      const token = yield* tokens.get
      current = application
      yield* Effect.flip(tokens.renew(token))
      assert.strictEqual(server.received.length, 3)
    })
  )

  it.scoped("another client id is other credentials too", () =>
    Effect.gen(function* () {
      let current = application
      const server = fakeServer(() => json(400, { error: "invalid_client" }))
      const tokens = yield* provider(server, { credentials: Effect.sync(() => current) })
      yield* Effect.flip(tokens.get)
      current = { ...application, clientId: "another" }
      yield* Effect.flip(tokens.get)
      assert.deepStrictEqual(
        server.received.map((request) => request.form.get("client_id")),
        ["my.trusted.app/service", "another"]
      )
    })
  )

  it.scoped("a secret changed while running is used at the next exchange, and read at each exchange only", () =>
    Effect.gen(function* () {
      let reads = 0
      const server = fakeServer(issuing())
      const tokens = yield* provider(server, {
        credentials: Effect.sync(() => {
          reads += 1
          return withSecret(`secret-${reads}`)
        })
      })
      const first = yield* tokens.get
      yield* tokens.get
      yield* tokens.renew(first)
      yield* TestClock.adjust("1 hour")
      yield* tokens.get
      assert.deepStrictEqual(
        server.received.map((request) => request.form.get("client_secret")),
        ["secret-1", "secret-2", "secret-3"]
      )
    })
  )

  it("a wrong secret after a rotation: the old token serves while it lives", () => {
    const world = makeVirtual()
    const server = virtualServer(world)
    polled(world, server.tokens.get)
    server.fault = Effect.succeed(reply(400, { error: "invalid_client" }))
    world.advance(hour - 120_000)
    while (world.elapsed() < hour) {
      assert.strictEqual(polled(world, server.tokens.get), "token-1")
      world.advance(1000)
    }
    assert.isAtMost(server.times.length, 1 + 4)
    assert.include(polled(world, server.tokens.get), "InvalidClient")
  })
})

describe("TokenProvider: credentials from an Effect", () => {
  const reasonOf = (error: ErpNetError.TokenError): string =>
    error._tag === "TokenEndpointUnavailable" ? `${error.reason}: ${error.detail}` : error._tag

  it.scoped("that fails: TokenEndpointUnavailable (credentials) without a request and without the text", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const failures: ReadonlyArray<readonly [unknown, string]> = [
        ["hunter2", "credentials: it failed"],
        [new Error("hunter2"), "credentials: it failed"],
        [{ _tag: "VaultSealed", secret: "hunter2" }, "credentials: VaultSealed"]
      ]
      for (const [failure, expected] of failures) {
        const tokens = yield* provider(server, { credentials: Effect.fail(failure) })
        const error = yield* Effect.flip(tokens.get)
        assert.strictEqual(reasonOf(error), expected)
        assert.notInclude(`${error.message}${JSON.stringify(error)}`, "hunter2")
      }
      assert.strictEqual(server.received.length, 0)
    })
  )

  it.scoped("that dies is a defect, and the next call asks again", () =>
    Effect.gen(function* () {
      let healthy = false
      const server = fakeServer(issuing())
      const tokens = yield* provider(server, {
        credentials: Effect.suspend(() => (healthy ? Effect.succeed(application) : Effect.die("boom")))
      })
      assert.deepStrictEqual(yield* Effect.exit(tokens.get), Exit.die("boom"))
      healthy = true
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
    })
  )

  it.scoped("that never answers does not hold up callers for ever", () =>
    Effect.gen(function* () {
      let healthy = false
      const server = fakeServer(issuing())
      const tokens = yield* provider(server, {
        credentials: Effect.suspend(() => (healthy ? Effect.succeed(application) : Effect.never))
      })
      const fiber = yield* Effect.fork(Effect.flip(tokens.get))
      yield* TestClock.adjust("45 seconds")
      const polled = yield* Fiber.poll(fiber)
      assert.isTrue(polled._tag === "Some" && Exit.isSuccess(polled.value))
      assert.strictEqual(reasonOf(yield* Fiber.join(fiber)), "credentials: no answer in 45s")
      healthy = true
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
    })
  )

  it.scoped("that is slow is asked once for all callers", () =>
    Effect.gen(function* () {
      let reads = 0
      const server = fakeServer(delayed(10, issuing()))
      const tokens = yield* provider(server, {
        credentials: Effect.delay(
          Effect.sync(() => {
            reads += 1
            return application
          }),
          "1 second"
        )
      })
      const fibers = yield* Effect.forkAll(Array.from({ length: 100 }, () => tokens.get))
      yield* TestClock.adjust("1010 millis")
      yield* Fiber.join(fibers)
      assert.deepStrictEqual([reads, server.received.length], [1, 1])
    })
  )

  it.scoped("a TrustedApplication is told from an Effect", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const made = yield* TrustedApplication.make({ clientId: "a", clientSecret: Redacted.make("b") })
      const tokens: TokenProvider.Service = yield* provider(server, { credentials: made })
      yield* tokens.get
      assert.strictEqual(server.received[0]!.form.get("client_id"), "a")
    })
  )
})
