import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  ConfigError,
  ConfigProvider,
  type Duration,
  Effect,
  Either,
  Exit,
  Fiber,
  Layer,
  Metric,
  MetricState,
  Redacted,
  TestClock,
  Tracer
} from "effect"
import { AccessToken, Instance, TokenProvider, TrustedApplication } from "effect-erpnet"
import { application, instance, secret } from "../support/fixtures.ts"
import { seeded } from "../support/random.ts"
import { provider, settle, valueOf } from "../support/tokens.ts"
import { fakeServer, issuing, json } from "../support/transport.ts"

const options = { instance, credentials: application }

describe("TokenProvider: options", () => {
  const nonsense: ReadonlyArray<readonly [string, Duration.DurationInput]> = [
    ["negative", -1],
    ["NaN", Number.NaN],
    ["negative text", "-5 seconds"],
    ["negative bigint", -1n],
    ["negative parts", [-1, 0]]
  ]
  const names = ["expiryLeeway", "refreshAhead", "minimumTokenAge", "rejectionCooldown", "requestTimeout"] as const
  for (const name of names) {
    it.scoped(`${name}: nonsense is a defect when it is built, which names the option`, () =>
      Effect.gen(function* () {
        const server = fakeServer(issuing())
        for (const [what, input] of nonsense) {
          const exit = yield* Effect.exit(
            Layer.build(Layer.provide(TokenProvider.layer({ ...options, [name]: input }), server.layer))
          )
          assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause), what)
          assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", name)
        }
        assert.strictEqual(server.received.length, 0)
      })
    )
  }

  it.scoped("zero and infinity are no nonsense", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      for (const duration of [0, "0 seconds", Number.POSITIVE_INFINITY] as const) {
        const all = {
          expiryLeeway: duration,
          refreshAhead: duration,
          minimumTokenAge: duration,
          rejectionCooldown: duration
        }
        const tokens = yield* provider(server, all)
        assert.isTrue(AccessToken.isSendable(valueOf(yield* tokens.get)))
      }
    })
  )

  it.scoped("requestTimeout zero is nonsense", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(provider(fakeServer(issuing()), { requestTimeout: 0 }))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
    })
  )

  it.scoped("those of the token endpoint are passed on", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* provider(server, { clientAuthentication: "basic" })
      yield* tokens.get
      assert.strictEqual(server.received[0]!.body, "grant_type=client_credentials&scope=read")
    })
  )
})

describe("TokenProvider.layer", () => {
  it.scoped("does nothing when it is built, and one layer is one token however often it is used", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const TokensLive = TokenProvider.layer(options).pipe(Layer.provide(server.layer))
      const clients = Layer.mergeAll(
        Layer.empty,
        ...Array.from({ length: 50 }, () =>
          Layer.effectDiscard(Effect.flatMap(TokenProvider.TokenProvider, (tokens) => tokens.get)).pipe(
            Layer.provide(TokensLive)
          )
        )
      )
      assert.strictEqual(server.received.length, 0)
      yield* Layer.build(clients)
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.scoped("two independent layers are two tokens", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const make = () => TokenProvider.layer(options).pipe(Layer.provide(server.layer))
      const token = Effect.flatMap(TokenProvider.TokenProvider, (tokens) => tokens.get)
      const first = yield* Effect.provide(token, make())
      const second = yield* Effect.provide(token, make())
      assert.notStrictEqual(valueOf(first), valueOf(second))
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("tells the instance of its tokens", () =>
    Effect.gen(function* () {
      const tokens = yield* provider(fakeServer(issuing()))
      assert.strictEqual(tokens.instance, instance)
    })
  )
})

describe("TokenProvider.layerConfig", () => {
  /** Settings that can be changed while the program runs. */
  const changeable = (settings: Record<string, string>): ConfigProvider.ConfigProvider => {
    const now = () => ConfigProvider.fromMap(new Map(Object.entries(settings)))
    return ConfigProvider.make({
      load: (config) => Effect.suspend(() => now().load(config)),
      flattened: now().flattened
    })
  }
  const complete = {
    ERPNET_INSTANCE: "testdb",
    ERPNET_CLIENT_ID: "my.trusted.app/service",
    ERPNET_CLIENT_SECRET: "first",
    ERPNET_SCOPE: "read"
  }
  const build = (
    server: ReturnType<typeof fakeServer>,
    settings: Record<string, string>,
    more?: TokenProvider.RenewalOptions
  ) =>
    Effect.map(
      Layer.build(
        TokenProvider.layerConfig(more).pipe(
          Layer.provide(server.layer),
          Layer.provide(Layer.setConfigProvider(changeable(settings)))
        )
      ),
      (context) => context.unsafeMap.get(TokenProvider.TokenProvider.key) as TokenProvider.Service
    )

  it.scoped("reads the settings", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const tokens = yield* build(server, complete)
      yield* tokens.get
      assert.strictEqual(tokens.instance.origin, "https://testdb.my.erp.net")
      assert.strictEqual(
        server.received[0]!.body,
        "grant_type=client_credentials&client_id=my.trusted.app%2Fservice&client_secret=first&scope=read"
      )
    })
  )

  it.scoped("the scope may be missing, and options may be given", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const { ERPNET_SCOPE: _, ...settings } = complete
      const tokens = yield* build(server, settings, { clientAuthentication: "basic" })
      yield* tokens.get
      assert.strictEqual(server.received[0]!.body, "grant_type=client_credentials")
    })
  )

  for (const name of ["ERPNET_INSTANCE", "ERPNET_CLIENT_ID", "ERPNET_CLIENT_SECRET"]) {
    it.scoped(`without ${name} it is a ConfigError that names it`, () =>
      Effect.gen(function* () {
        const settings = Object.fromEntries(Object.entries(complete).filter(([key]) => key !== name))
        const error = yield* Effect.flip(build(fakeServer(issuing()), settings))
        assert.isTrue(ConfigError.isConfigError(error))
        assert.include(String(error), name)
        assert.notInclude(String(error), "first")
      })
    )
  }

  it.scoped("settings that cannot be used are typed errors without the secret", () =>
    Effect.gen(function* () {
      for (const [settings, tag] of [
        [{ ERPNET_INSTANCE: "ftp://x" }, "InvalidInstance"],
        [{ ERPNET_CLIENT_SECRET: "hunter2\n" }, "InvalidApplication"],
        [{ ERPNET_CLIENT_ID: " " }, "InvalidApplication"],
        [{ ERPNET_SCOPE: 'a "quote"' }, "InvalidApplication"]
      ] as ReadonlyArray<readonly [Record<string, string>, string]>) {
        const error = yield* Effect.flip(build(fakeServer(issuing()), { ...complete, ...settings }))
        assert.strictEqual("_tag" in error ? error._tag : "ConfigError", tag)
        assert.notInclude(String(error), "hunter2")
      }
    })
  )

  it.scoped("reads id, secret and scope again at every exchange, so that a rotated secret is used", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const settings: Record<string, string> = { ...complete }
      const tokens = yield* build(server, settings)
      const first = yield* tokens.get
      settings["ERPNET_CLIENT_SECRET"] = "second"
      settings["ERPNET_SCOPE"] = "read update"
      yield* tokens.get
      yield* tokens.renew(first)
      assert.deepStrictEqual(
        server.received.map((request) => [request.form.get("client_secret"), request.form.get("scope")]),
        [
          ["first", "read"],
          ["second", "read update"]
        ]
      )
    })
  )

  it.scoped("correcting a wrong secret works at once", () =>
    Effect.gen(function* () {
      const server = fakeServer((request) =>
        request.form.get("client_secret") === "second"
          ? json(200, { access_token: "good", expires_in: 3600 })
          : json(400, { error: "invalid_client" })
      )
      const settings: Record<string, string> = { ...complete }
      const tokens = yield* build(server, settings)
      yield* Effect.flip(tokens.get)
      yield* Effect.flip(tokens.get)
      settings["ERPNET_CLIENT_SECRET"] = "second"
      assert.strictEqual(valueOf(yield* tokens.get), "good")
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.scoped("a setting that vanishes or spoils is TokenEndpointUnavailable (credentials) and says which", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const settings: Record<string, string> = { ...complete }
      const tokens = yield* build(server, settings)
      const token = yield* tokens.get
      delete settings["ERPNET_CLIENT_SECRET"]
      const missing = yield* Effect.flip(tokens.renew(token))
      assert.isTrue(missing._tag === "TokenEndpointUnavailable" && missing.reason === "credentials")
      assert.include(missing.message, "ERPNET_CLIENT_SECRET")
      settings["ERPNET_CLIENT_SECRET"] = "hunter2 "
      const spoilt = yield* Effect.flip(tokens.get)
      assert.include(spoilt.message, "white space")
      assert.notInclude(spoilt.message, "hunter2")
      settings["ERPNET_CLIENT_SECRET"] = "second"
      assert.strictEqual(valueOf(yield* tokens.get), "token-2")
    })
  )
})

describe("TokenProvider.layerReferenceToken", () => {
  const use = <A, E>(token: string, effect: Effect.Effect<A, E, TokenProvider.TokenProvider>) =>
    Effect.provide(effect, TokenProvider.layerReferenceToken({ instance, token: Redacted.make(token) }))

  it.effect("serves the token as it is, for ever, and needs no HTTP", () =>
    use(
      "enrt_abc",
      Effect.gen(function* () {
        const tokens = yield* TokenProvider.TokenProvider
        const token = yield* tokens.get
        assert.strictEqual(valueOf(token), "enrt_abc")
        assert.deepStrictEqual(token.scopes, [])
        assert.strictEqual(token.expiresAt, Number.POSITIVE_INFINITY)
        assert.strictEqual(tokens.instance, instance)
        yield* TestClock.adjust("3650 days")
        assert.strictEqual(yield* tokens.get, token)
      })
    )
  )

  it.effect("cannot be renewed", () =>
    use(
      "enrt_abc",
      Effect.gen(function* () {
        const tokens = yield* TokenProvider.TokenProvider
        const error = yield* Effect.flip(tokens.renew(yield* tokens.get))
        assert.strictEqual(error._tag, "Unauthorized")
      })
    )
  )

  it.effect("refuses what cannot stand in a header, without repeating it", () =>
    Effect.gen(function* () {
      for (const token of ["", "hunter2\n", "hunter2 x", "hunter2\r\nX-Evil: 1", "hunter2é", "hunter2\u0000"]) {
        const error = yield* use(
          token,
          Effect.flatMap(TokenProvider.TokenProvider, (tokens) => Effect.flip(tokens.get))
        )
        assert.strictEqual(error._tag, "TokenResponseInvalid")
        assert.notInclude(error.message + JSON.stringify(error), "hunter2")
      }
    })
  )
})

describe("TokenProvider: several in one process", () => {
  it.scoped("4 providers, 10,000 interleaved calls, no cross use", () =>
    Effect.gen(function* () {
      const random = seeded(7)
      const made = yield* Effect.forEach([0, 1, 2, 3], (key) =>
        Effect.gen(function* () {
          const own = yield* Instance.make(key < 2 ? "one" : "two")
          const credentials = yield* TrustedApplication.make({
            clientId: `app-${key % 2}`,
            clientSecret: Redacted.make(`secret-${key}`)
          })
          let issued = 0
          const server = fakeServer(() => {
            issued += 1
            return json(200, { access_token: `${key}-${issued}`, expires_in: 3600 })
          })
          const tokens = yield* TokenProvider.make({ instance: own, credentials }).pipe(Effect.provide(server.layer))
          return { key, own, server, tokens }
        })
      )
      for (let call = 0; call < 10_000; call++) {
        const one = random.pick(made)
        const other = random.pick(made)
        const token = yield* one.tokens.get
        assert.isTrue(valueOf(token).startsWith(`${one.key}-`))
        if (random.chance(0.01)) {
          const answer = yield* Effect.either(other.tokens.renew(token))
          if (Either.isRight(answer)) assert.isTrue(valueOf(answer.right).startsWith(`${other.key}-`))
        }
      }
      for (const { key, own, server } of made) {
        for (const sent of server.received) {
          assert.strictEqual(sent.url.href, own.tokenEndpoint)
          assert.strictEqual(sent.form.get("client_id"), `app-${key % 2}`)
          assert.strictEqual(sent.form.get("client_secret"), `secret-${key}`)
        }
      }
    })
  )

  it.scoped("one identity server that hangs delays nobody else", () =>
    Effect.gen(function* () {
      const hanging = yield* provider(fakeServer(() => Effect.never))
      const working = yield* provider(fakeServer(issuing()))
      const waiting = yield* Effect.fork(hanging.get)
      yield* settle
      assert.strictEqual(valueOf(yield* working.get), "token-1")
      assert.strictEqual((yield* Fiber.poll(waiting))._tag, "None")
      yield* Fiber.interrupt(waiting)
    })
  )
})

describe("TokenProvider: what can be observed", () => {
  const recording = () => {
    const spans: Array<Tracer.Span & { readonly links: ReadonlyArray<Tracer.SpanLink> }> = []
    const tracer = Tracer.make({
      context: (f) => f(),
      span: (name, parent, context, links, startTime, kind) => {
        const attributes = new Map<string, unknown>()
        let status: Tracer.SpanStatus = { _tag: "Started", startTime }
        const span: Tracer.Span = {
          _tag: "Span",
          name,
          parent,
          context,
          kind,
          links: [...links],
          attributes,
          sampled: true,
          spanId: `span-${spans.length}`,
          traceId: "trace",
          get status() {
            return status
          },
          attribute: (key, value) => {
            attributes.set(key, value)
          },
          addLinks: () => {},
          event: () => {},
          end: (endTime, exit) => {
            status = { _tag: "Ended", startTime, endTime, exit }
          }
        }
        spans.push(span)
        return span
      }
    })
    return { spans, tracer }
  }

  it.scoped("a span TokenProvider.exchange around each exchange, linked to who asked, and none without", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recording()
      yield* Effect.gen(function* () {
        const server = fakeServer(issuing())
        const tokens = yield* provider(server)
        const first = yield* Effect.withSpan(tokens.get, "caller")
        yield* Effect.withSpan(tokens.get, "later")
        yield* tokens.get
        yield* Effect.withSpan(tokens.renew(first), "refused")
        yield* Effect.withSpan(Effect.flip(tokens.renew(yield* tokens.get)), "too-soon")
      }).pipe(Effect.withTracer(tracer))
      const exchanges = spans.filter(
        (span) => span.name !== "caller" && !["later", "refused", "too-soon"].includes(span.name)
      )
      assert.deepStrictEqual(
        exchanges.map((span) => span.name),
        ["TokenProvider.exchange", "TokenProvider.exchange"]
      )
      for (const [index, span] of exchanges.entries()) {
        assert.strictEqual(span.parent._tag, "None")
        assert.strictEqual(span.kind, "client")
        assert.strictEqual(span.status._tag, "Ended")
        assert.deepStrictEqual(
          span.links.map((link) => (link.span._tag === "Span" ? link.span.name : "")),
          [["caller", "refused"][index]!]
        )
        const attributes = Object.fromEntries(span.attributes)
        assert.deepStrictEqual(attributes, {
          "erpnet.instance": "https://testdb.my.erp.net",
          "erpnet.client_id": "my.trusted.app/service",
          "erpnet.scopes": "read",
          "erpnet.token.fingerprint": AccessToken.make({
            value: Redacted.make(`token-${index + 1}`),
            scopes: [],
            issuedAt: 0,
            expiresAt: 0
          }).fingerprint
        })
        assert.notInclude(JSON.stringify(attributes), secret)
      }
    })
  )

  it.scoped("no span while the cooldown answers, and a failed span where the exchange fails", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recording()
      yield* Effect.gen(function* () {
        const tokens = yield* provider(fakeServer(() => json(400, { error: "invalid_client" })))
        yield* Effect.flip(tokens.get)
        yield* Effect.flip(tokens.get)
      }).pipe(Effect.withTracer(tracer))
      assert.strictEqual(spans.length, 1)
      const [span] = spans
      assert.isTrue(span!.status._tag === "Ended" && Exit.isFailure(span!.status.exit))
      assert.isFalse(span!.attributes.has("erpnet.token.fingerprint"))
    })
  )

  const counterOf = (name: string, key: string, value: string): Effect.Effect<number> =>
    Effect.map(
      Metric.value(
        Metric.tagged(Metric.counter(name, { description: descriptions[name]!, incremental: true }), key, value)
      ),
      (state) => state.count
    )
  const descriptions: Record<string, string> = {
    erpnet_token_exchanges: "Exchanges with the token endpoint, by outcome: success or the tag of the error",
    erpnet_token_renewals: "Renewals of a token that was held, by cause: expiry, ahead, unauthorized"
  }
  const durations = Effect.map(Metric.snapshot, (pairs) =>
    pairs
      .filter((pair) => pair.metricKey.name === "erpnet_token_exchange_duration")
      .map((pair) => (MetricState.isHistogramState(pair.metricState) ? pair.metricState.count : 0))
      .reduce((a, b) => a + b, 0)
  )
  const counts = Effect.all({
    success: counterOf("erpnet_token_exchanges", "outcome", "success"),
    invalidScope: counterOf("erpnet_token_exchanges", "outcome", "InvalidScope"),
    unavailable: counterOf("erpnet_token_exchanges", "outcome", "TokenEndpointUnavailable"),
    aborted: counterOf("erpnet_token_exchanges", "outcome", "aborted"),
    expiry: counterOf("erpnet_token_renewals", "cause", "expiry"),
    ahead: counterOf("erpnet_token_renewals", "cause", "ahead"),
    unauthorized: counterOf("erpnet_token_renewals", "cause", "unauthorized"),
    durations
  })

  it.scoped("metrics: exchanges by outcome, renewals by cause, duration", () =>
    Effect.gen(function* () {
      const issue = issuing()
      let broken = false
      let dying = false
      const server = fakeServer((request, index) =>
        dying ? Effect.die("boom") : broken ? json(400, { error: "invalid_scope" }) : issue(request, index)
      )
      const tokens = yield* provider(server)
      const before = yield* counts
      const since = Effect.map(counts, (now) =>
        Object.fromEntries(
          Object.entries(now)
            .map(([key, count]) => [key, count - before[key as keyof typeof before]] as const)
            .filter(([, count]) => count !== 0)
        )
      )
      const first = yield* tokens.get
      yield* tokens.get
      assert.deepStrictEqual(yield* since, { success: 1, durations: 1 })
      yield* tokens.renew(first)
      assert.deepStrictEqual(yield* since, { success: 2, unauthorized: 1, durations: 2 })
      yield* TestClock.adjust("3500 seconds")
      yield* tokens.get
      yield* settle
      assert.deepStrictEqual(yield* since, { success: 3, unauthorized: 1, ahead: 1, durations: 3 })
      yield* TestClock.adjust("1 hour")
      yield* tokens.get
      assert.deepStrictEqual(yield* since, { success: 4, unauthorized: 1, ahead: 1, expiry: 1, durations: 4 })
      yield* TestClock.adjust("1 hour")
      broken = true
      yield* Effect.flip(tokens.get)
      dying = true
      yield* Effect.exit(tokens.get)
      assert.deepStrictEqual(yield* since, {
        success: 4,
        invalidScope: 1,
        aborted: 1,
        unauthorized: 1,
        ahead: 1,
        expiry: 3,
        durations: 4
      })
    })
  )

  it.scoped("a user's span, annotations and log level of the caller do not reach the exchange", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const server = fakeServer((request, index) =>
        Effect.map(Effect.option(Effect.currentSpan), (span) => {
          seen.push(span._tag === "Some" ? span.value.name : undefined)
          return issuing()(request, index)
        })
      )
      const tokens = yield* provider(server)
      yield* Effect.withSpan(tokens.get, "caller")
      assert.deepStrictEqual(seen, ["TokenProvider.exchange"])
    })
  )
})
