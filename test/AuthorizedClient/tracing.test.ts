import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { clientOf, fakeApi, tokenNumber, unauthorized } from "../support/fakeApi.ts"
import { recordingTracer } from "../support/recordingTracer.ts"

const traceHeaders = (headers: Readonly<Record<string, string>> | undefined) =>
  Object.keys(headers ?? {}).filter((name) => /^(traceparent|tracestate|b3|x-b3-.*)$/.test(name))

const fingerprint = /^[0-9a-f]{8}$/

describe("AuthorizedClient: tracing", () => {
  it.scoped("one logical call is one span, its attempts are events, the query and the token stay out", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordingTracer()
      const fake = fakeApi((call) => (call.token === tokenNumber(2) ? Response.json([]) : unauthorized()))
      const { client, tokens } = yield* clientOf(fake)
      yield* tokens.get
      yield* client
        .post("Crm_Customers?$filter=Name eq 'Secret'")
        .pipe(Effect.withSpan("mine"), Effect.withTracer(tracer))
      const [mine, execute] = spans
      assert.deepStrictEqual(
        spans.map((span) => span.name),
        ["mine", "AuthorizedClient.execute"]
      )
      assert.strictEqual(mine?.outcome, "success")
      assert.deepInclude(execute, { kind: "client", parent: "mine#1", outcome: "success" })
      assert.deepStrictEqual(execute?.attributes, {
        "http.request.method": "POST",
        "server.address": "testdb.my.erp.net",
        "url.path": "/api/domain/odata/Crm_Customers",
        "http.response.status_code": 200
      })
      const events = execute?.events ?? []
      assert.deepStrictEqual(
        events.map(({ name, attributes }) => [
          name,
          attributes["http.request.resend_count"],
          attributes["http.response.status_code"]
        ]),
        [
          ["attempt", 0, 401],
          ["attempt", 1, 200]
        ]
      )
      const fingerprints = events.map(({ attributes }) => String(attributes["erpnet.token.fingerprint"]))
      for (const shown of fingerprints) assert.match(shown, fingerprint)
      assert.strictEqual(new Set(fingerprints).size, 2)
      assert.notInclude(JSON.stringify(spans), "Secret")
      assert.notInclude(JSON.stringify(spans), "tok3n")
    })
  )

  it.scoped("a call that fails is a span that failed", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordingTracer()
      const { client } = yield* clientOf(fakeApi(() => unauthorized()))
      yield* Effect.flip(client.get("x")).pipe(Effect.withTracer(tracer))
      const span = spans.find(({ name }) => name === "AuthorizedClient.execute")
      assert.deepInclude(span, { outcome: "failure", parent: undefined })
      assert.propertyVal(span?.attributes, "http.response.status_code", 401)
      assert.lengthOf(span?.events ?? [], 2)
    })
  )

  it.scoped("the platform makes no span of its own, neither for the call nor for the token", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordingTracer()
      const fake = fakeApi(() => Response.json([]))
      yield* Effect.gen(function* () {
        const { client } = yield* clientOf(fake)
        yield* client.get("x")
      }).pipe(Effect.withTracer(tracer))
      assert.deepStrictEqual(spans.map((span) => span.name).sort(), [
        "AuthorizedClient.execute",
        "TokenProvider.exchange"
      ])
      const exchange = spans.find((span) => span.name === "TokenProvider.exchange")
      assert.isUndefined(exchange?.parent)
      assert.deepStrictEqual(exchange?.links, ["AuthorizedClient.execute#1"])
    })
  )

  it.scoped("without a tracer, and with tracing switched off, there is no span", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordingTracer()
      let seen: ReadonlyArray<string> = []
      const fake = fakeApi(() =>
        Effect.map(Effect.option(Effect.currentParentSpan), (parent) => {
          seen = parent._tag === "Some" && parent.value._tag === "Span" ? [...seen, parent.value.name] : seen
          return Response.json([])
        })
      )
      const { client } = yield* clientOf(fake)
      yield* client.get("x").pipe(Effect.withSpan("mine"))
      assert.deepStrictEqual(seen, ["mine"], "the span of the caller is the current one")
      yield* client.get("x").pipe(Effect.withTracerEnabled(false), Effect.withTracer(tracer))
      assert.lengthOf(spans, 0)
    })
  )

  it.scoped("no trace headers without the option, also inside a span", () =>
    Effect.gen(function* () {
      const { tracer } = recordingTracer()
      const fake = fakeApi(() => Response.json([]))
      const { client } = yield* clientOf(fake)
      yield* client.get("x").pipe(Effect.withSpan("mine"))
      yield* client.get("x").pipe(Effect.withSpan("mine"), Effect.withTracer(tracer))
      assert.deepStrictEqual(
        fake.calls.flatMap((call) => traceHeaders(call.headers)),
        []
      )
    })
  )

  it.scoped("no trace headers either where the user's transport insists on spans of its own", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordingTracer()
      const fake = fakeApi(() => Response.json([]))
      const tracing = HttpClient.withTracerDisabledWhen(fake.http, () => false)
      const { client } = yield* clientOf({ layer: Layer.succeed(HttpClient.HttpClient, tracing) })
      yield* client.get("x").pipe(Effect.withTracer(tracer))
      assert.include(
        spans.map((span) => span.name),
        "http.client GET"
      )
      assert.deepStrictEqual(traceHeaders(fake.calls[0]?.headers), [])
      assert.notInclude(JSON.stringify(spans), tokenNumber(1))
    })
  )

  it.scoped("trace headers with the option, those of the span of the call, on each attempt", () =>
    Effect.gen(function* () {
      const { tracer } = recordingTracer()
      const fake = fakeApi((call) => (call.token === tokenNumber(2) ? Response.json([]) : unauthorized()))
      const { client } = yield* clientOf(fake, { tracePropagation: true })
      const response = yield* client.get("x").pipe(Effect.withTracer(tracer))
      const expected = "00-0af7651916cd43dd8448eb211c80319c-AuthorizedClient.execute#1-01"
      assert.deepStrictEqual(
        fake.calls.map((call) => call.headers["traceparent"]),
        [expected, expected]
      )
      assert.deepStrictEqual(traceHeaders(response.request.headers), [])
    })
  )

  it.scoped("trace propagation without a tracer sends nothing", () =>
    Effect.gen(function* () {
      const fake = fakeApi(() => Response.json([]))
      const { client } = yield* clientOf(fake, { tracePropagation: true })
      yield* client.get("x")
      assert.deepStrictEqual(traceHeaders(fake.calls[0]?.headers), [])
    })
  )

  it.scoped("ForeignOrigin makes no span of a call that never was", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordingTracer()
      const { client } = yield* clientOf(fakeApi(() => Response.json([])))
      yield* Effect.flip(client.get("https://evil.example")).pipe(Effect.withTracer(tracer))
      assert.lengthOf(spans, 0)
    })
  )
})
