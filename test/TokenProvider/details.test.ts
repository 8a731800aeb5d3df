/** What is easily lost in TokenProvider: boundaries, words, labels. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigError, Duration, Effect, Fiber, HashMap, Logger, LogLevel, Metric, Redacted, TestClock } from "effect"
import { AccessToken, TokenProvider, TrustedApplication } from "effect-erpnet"
import { application, instance } from "../support/fixtures.ts"
import { recordingTracer } from "../support/recordingTracer.ts"
import { delayed, provider, settle, valueOf } from "../support/tokens.ts"
import { fakeServer, issuing, json } from "../support/transport.ts"

const failing = () => json(500, {})

/** Issues a token, then answers what `after` says. */
const thenAnswering = (after: (n: number) => Response, lifetime = 3600) => {
  const issue = issuing(lifetime)
  return fakeServer((request, index) => (index === 1 ? issue(request, index) : after(index)))
}

describe("TokenProvider: inside the leeway", () => {
  it.scoped("one failure does not hold the next attempt up, a second one does", () =>
    Effect.gen(function* () {
      // 404 is not repeated, so each exchange is one request here.
      const server = thenAnswering(() => json(404, {}))
      const tokens = yield* provider(server)
      yield* tokens.get
      yield* TestClock.adjust(Duration.minutes(59.5))
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      assert.strictEqual(server.received.length, 2)
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      assert.strictEqual(server.received.length, 3, "after one failure the next call asks again")
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      assert.strictEqual(server.received.length, 3, "after two it does not")
      yield* TestClock.adjust("10 seconds")
      yield* tokens.get
      assert.strictEqual(server.received.length, 4)
    })
  )

  it.scoped("a pause ends with the token, at the very millisecond", () =>
    Effect.gen(function* () {
      const server = thenAnswering(() => json(404, {}))
      const tokens = yield* provider(server)
      yield* tokens.get
      yield* TestClock.adjust(3_595_000)
      yield* tokens.get
      yield* tokens.get
      yield* TestClock.adjust(4_999)
      assert.strictEqual(valueOf(yield* tokens.get), "token-1")
      assert.strictEqual(server.received.length, 3)
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Effect.flip(tokens.get))._tag, "TokenEndpointUnavailable")
      assert.strictEqual(server.received.length, 4)
    })
  )

  it.scoped("a token that replaced an expiring one may be refused at once", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* provider(server)
      yield* tokens.get
      yield* TestClock.adjust(Duration.minutes(59.5))
      const second = yield* tokens.get
      assert.strictEqual(valueOf(second), "token-2")
      assert.strictEqual(valueOf(yield* tokens.renew(second)), "token-3")
    })
  )

  it.scoped("a refusal of an older token sends nothing, and gives the one that is held", () =>
    Effect.gen(function* () {
      const server = thenAnswering(() => json(404, {}))
      const tokens = yield* provider(server)
      const held = yield* tokens.get
      const older = AccessToken.make({ ...held, value: Redacted.make("token-0") })
      yield* TestClock.adjust(Duration.minutes(59.5))
      assert.strictEqual(valueOf(yield* tokens.renew(older)), "token-1")
      assert.strictEqual(server.received.length, 1)
    })
  )
})

describe("TokenProvider: the exchange", () => {
  it.scoped("a token that expires in the millisecond of its arrival is nobody's", () =>
    Effect.gen(function* () {
      const tokens = yield* provider(fakeServer(delayed(1000, issuing(1))))
      const waiting = yield* Effect.fork(Effect.flip(tokens.get))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "Expired")
    })
  )

  it.scoped("a transport that interrupts itself is told so", () =>
    Effect.gen(function* () {
      const tokens = yield* provider(fakeServer(() => Effect.interrupt))
      const error = yield* Effect.flip(tokens.get)
      assert.strictEqual(error._tag, "TokenEndpointUnavailable")
      assert.include(error.message, "the exchange was interrupted")
    })
  )

  it.scoped("its span is a root with the scopes as text, linked to who asked and to nobody else", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordingTracer()
      yield* Effect.gen(function* () {
        const credentials = { ...application, scopes: ["read", "update"] }
        const tokens = yield* provider(fakeServer(issuing()), { credentials }).pipe(Effect.withSpan("building"))
        const token = yield* tokens.get
        yield* Effect.withSpan(tokens.renew(token), "asking")
      }).pipe(Effect.withTracer(tracer))
      const exchanges = spans.filter((span) => span.name === "TokenProvider.exchange")
      assert.deepStrictEqual(
        exchanges.map((span) => [span.parent, span.attributes["erpnet.scopes"], span.links.length]),
        [
          [undefined, "read update", 0],
          [undefined, "read update", 1]
        ]
      )
      assert.match(exchanges[1]!.links[0]!, /^asking#/)
    })
  )

  it.scoped("the first exchange is no renewal", () =>
    Effect.gen(function* () {
      const tokens = yield* provider(fakeServer(issuing()))
      yield* tokens.get
      const causes = (yield* Metric.snapshot)
        .filter((pair) => pair.metricKey.name === "erpnet_token_renewals")
        .flatMap((pair) => [...pair.metricKey.tags].map((tag) => tag.value))
      assert.deepStrictEqual(
        causes.filter((cause) => cause !== "expiry" && cause !== "ahead" && cause !== "unauthorized"),
        []
      )
    })
  )
})

describe("TokenProvider: what it logs", () => {
  const recording = () => {
    const logged: Array<{ readonly text: string; readonly annotations: Record<string, unknown> }> = []
    const logger = Logger.make(({ annotations, message }) => {
      logged.push({ text: String(message), annotations: Object.fromEntries(HashMap.toEntries(annotations)) })
    })
    return { logged, layer: Logger.replace(Logger.defaultLogger, logger) }
  }

  it.scoped("a failure ahead of expiry at debug level, with where it comes from; no other failure", () => {
    const { layer, logged } = recording()
    return Effect.gen(function* () {
      const tokens = yield* provider(thenAnswering(() => json(404, {})))
      yield* tokens.get
      yield* TestClock.adjust(Duration.minutes(58.5))
      yield* tokens.get
      yield* settle
      assert.strictEqual(logged.length, 1)
      assert.deepInclude(logged[0]!.annotations, { package: "effect-erpnet", module: "TokenProvider" })
      yield* TestClock.adjust("1 hour")
      yield* Effect.flip(tokens.get)
      assert.strictEqual(logged.length, 1, "that one is raised, so it is not logged")
    }).pipe(Effect.provide(layer), Logger.withMinimumLogLevel(LogLevel.Debug))
  })
})

describe("TokenProvider: credentials that cannot be had", () => {
  const cases: ReadonlyArray<readonly [string, unknown, string]> = [
    ["a ConfigError", ConfigError.MissingData(["erp", "secret"], "gone"), "MissingData erp.secret"],
    ["an error with a tag", { _tag: "VaultError" }, "VaultError"],
    ["a tag that is no text", { _tag: 5 }, "it failed"],
    ["null", null, "it failed"],
    ["a text", "hunter2", "it failed"]
  ]
  for (const [what, error, detail] of cases) {
    it.scoped(`${what} is told as ${detail}`, () =>
      Effect.gen(function* () {
        const tokens = yield* provider(fakeServer(failing), { credentials: Effect.fail(error) })
        const failure = yield* Effect.flip(tokens.get)
        assert.strictEqual(failure._tag === "TokenEndpointUnavailable" ? failure.detail : undefined, detail)
      })
    )
  }

  it.scoped("a setting that cannot be used is told in its own words", () =>
    Effect.gen(function* () {
      const credentials = TrustedApplication.make({ clientId: "", clientSecret: Redacted.make("x") })
      const failure = yield* Effect.flip((yield* provider(fakeServer(failing), { credentials })).get)
      assert.include(failure.message, "clientId (setting ERPNET_CLIENT_ID) is empty")
    })
  )

  it.effect("a reference token that cannot be sent says why", () =>
    Effect.gen(function* () {
      const { get } = yield* TokenProvider.TokenProvider
      assert.include((yield* Effect.flip(get)).message, "a blank or line break around it")
    }).pipe(Effect.provide(TokenProvider.layerReferenceToken({ instance, token: Redacted.make("enrt_1\n") })))
  )
})
