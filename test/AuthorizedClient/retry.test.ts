import { HttpBody, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Redacted, Schedule, Stream, TestClock } from "effect"
import { AuthorizedClient, ErpNetError, TokenProvider } from "effect-erpnet"
import { clientOf, fakeApi, settled, token, tokenNumber, unauthorized } from "../support/fakeApi.ts"
import { instance } from "../support/fixtures.ts"

const ok = () => Response.json({ value: [] })

/** An API that accepts no token but the n-th. */
const accepting = (n: number) =>
  fakeApi((call) => (call.token === tokenNumber(n) ? new Response(`got ${call.text}`) : unauthorized()))

const expiredChallenge = `Bearer error="invalid_token", error_description="The token expired at '11/03/2025 16:56:00'"`

describe("AuthorizedClient: 401", () => {
  it.scoped("a new token, and the same request again", () =>
    Effect.gen(function* () {
      const fake = accepting(2)
      const { client } = yield* clientOf(fake)
      const json = '{"Name":"Ünïcode 日本","Amount":12345678901234567890.10,"n":[1, 2]}'
      const response = yield* client.execute(
        HttpClientRequest.patch("Crm_Customers(1)?$select=Id", {
          headers: { "X-Mine": "a", Prefer: "return=representation", authorization: "Bearer mine" }
        }).pipe(HttpClientRequest.bodyText(json, "application/json; charset=utf-8"))
      )
      assert.strictEqual(response.status, 200)
      assert.lengthOf(fake.calls, 2)
      const [first, second] = fake.calls.map(({ token: _, headers, ...call }) => ({
        ...call,
        headers: { ...headers, authorization: undefined }
      }))
      assert.deepStrictEqual(first, second)
      assert.deepInclude(second, { method: "PATCH", text: json, contentType: "application/json; charset=utf-8" })
      assert.strictEqual(fake.calls[1]?.headers["x-mine"], "a")
      assert.strictEqual(fake.calls[1]?.headers["prefer"], "return=representation")
      assert.deepStrictEqual(
        fake.calls.map((call) => call.headers["authorization"]),
        [`Bearer ${tokenNumber(1)}`, `Bearer ${tokenNumber(2)}`]
      )
      assert.strictEqual(yield* response.text, `got ${json}`)
      assert.lengthOf(fake.exchanges, 2)
    })
  )

  const form = new FormData()
  form.append("field", "välue")
  form.append("file", new Blob(["content of the file"], { type: "text/csv" }), "a.csv")
  const bodies: ReadonlyArray<readonly [string, HttpBody.HttpBody]> = [
    ["no body", HttpBody.empty],
    ["JSON", HttpBody.unsafeJson({ a: 1, b: ["ü"] })],
    ["text", HttpBody.text("plain ü")],
    ["urlParams", HttpBody.urlParams([["a", "b c&"]])],
    ["bytes", HttpBody.uint8Array(new Uint8Array([0, 255, 1, 254]))],
    ["empty bytes", HttpBody.uint8Array(new Uint8Array())],
    ["FormData", HttpBody.formData(form)],
    ["raw text", HttpBody.raw("raw")],
    ["raw bytes", HttpBody.raw(new Uint8Array([7, 8]))],
    ["raw ArrayBuffer", HttpBody.raw(new Uint8Array([7, 9]).buffer)],
    ["raw Blob", HttpBody.raw(new Blob(["blob"]))],
    ["raw URLSearchParams", HttpBody.raw(new URLSearchParams({ q: "1 2" }))],
    ["raw FormData", HttpBody.raw(form)]
  ]
  for (const [name, body] of bodies) {
    it.scoped(`${name}: sent again with the same bytes`, () =>
      Effect.gen(function* () {
        const fake = accepting(2)
        const { client } = yield* clientOf(fake)
        const response = yield* client.post("x", { body })
        assert.strictEqual(response.status, 200)
        const normalize = (text: string | undefined) => text?.replaceAll(/-{4,}[-\w]+/g, "boundary")
        const [first, second] = fake.calls
        if (name.endsWith("FormData")) {
          assert.include(second?.text, "content of the file")
          assert.strictEqual(normalize(first?.text), normalize(second?.text))
        } else {
          assert.deepStrictEqual(first?.body, second?.body)
        }
        assert.strictEqual(normalize(first?.contentType), normalize(second?.contentType))
        if (name.startsWith("raw") || name === "text") assert.notStrictEqual(second?.body.byteLength, 0)
      })
    )
  }

  const streams: ReadonlyArray<readonly [string, () => HttpBody.HttpBody]> = [
    ["Stream", () => HttpBody.stream(Stream.make(new Uint8Array([1, 2])))],
    ["raw ReadableStream", () => HttpBody.raw(new Blob(["x"]).stream())],
    [
      "raw async iterable",
      () =>
        HttpBody.raw(
          (async function* () {
            yield new Uint8Array([1])
          })()
        )
    ]
  ]
  for (const [name, body] of streams) {
    it.scoped(`${name}: not sent again, but the token is given up for the calls after it`, () =>
      Effect.gen(function* () {
        const fake = fakeApi((call) =>
          call.token === tokenNumber(2) ? ok() : unauthorized('Bearer error="invalid_token"')
        )
        const { client } = yield* clientOf(fake, { retryUnauthorized: Schedule.recurs(5) })
        const error = yield* Effect.flip(client.post("upload", { body: body() }))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.lengthOf(fake.calls, 1)
        assert.strictEqual((yield* client.get("x")).status, 200)
        assert.deepStrictEqual(
          fake.calls.map((call) => call.token),
          [tokenNumber(1), tokenNumber(2)]
        )
        assert.lengthOf(fake.exchanges, 2)
      })
    )
  }

  it.scoped("Unauthorized says what the API said, without the query and without the token", () =>
    Effect.gen(function* () {
      const fake = fakeApi((call) =>
        unauthorized(`Bearer realm="x", error="invalid_token", error_description="signature of ${call.token}\t\x85bad"`)
      )
      const { client } = yield* clientOf(fake)
      const error = yield* Effect.flip(client.del("Crm_Customers(1)?$select=Secret#f"))
      assert.strictEqual(error._tag, "Unauthorized")
      assert.deepInclude(error, {
        status: 401,
        error: "invalid_token",
        errorDescription: "signature of <redacted> bad",
        method: "DELETE",
        path: "/api/domain/odata/Crm_Customers(1)"
      })
      assert.notInclude(error.message, "Secret")
    })
  )

  it.scoped("Expired when the challenge says that the token expired", () =>
    Effect.gen(function* () {
      const fake = fakeApi(() => unauthorized(expiredChallenge))
      const { client } = yield* clientOf(fake)
      const error = yield* Effect.flip(client.get("x"))
      assert.strictEqual(error._tag, "Expired")
      assert.deepInclude(error, {
        status: 401,
        error: "invalid_token",
        errorDescription: "The token expired at '11/03/2025 16:56:00'",
        method: "GET",
        path: "/api/domain/odata/x"
      })
      assert.lengthOf(fake.calls, 2)
    })
  )

  const bareChallenges: ReadonlyArray<string | null> = [null, "", "Bearer", 'Basic realm="x"', "Negotiate", ",,,"]
  for (const challenge of bareChallenges) {
    it.scoped(`a 401 with the challenge ${JSON.stringify(challenge)} is renewed too`, () =>
      Effect.gen(function* () {
        const fake = fakeApi((call) => (call.token === tokenNumber(2) ? ok() : unauthorized(challenge)))
        const { client } = yield* clientOf(fake)
        assert.strictEqual((yield* client.get("x")).status, 200)
        yield* TestClock.adjust("30 seconds")
        const always = fakeApi(() => unauthorized(challenge))
        const error = yield* Effect.flip((yield* clientOf(always)).client.get("x"))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.deepInclude(error, { status: 401, error: undefined, errorDescription: undefined })
      })
    )
  }

  it.scoped("recurs(0): one request, and the token is given up", () =>
    Effect.gen(function* () {
      const fake = accepting(2)
      const { client } = yield* clientOf(fake, { retryUnauthorized: Schedule.recurs(0) })
      assert.strictEqual((yield* Effect.flip(client.get("x")))._tag, "Unauthorized")
      assert.lengthOf(fake.calls, 1)
      assert.strictEqual((yield* client.get("x")).status, 200)
    })
  )

  it.scoped("recurs(2): at most three requests, each with a newer token where the provider gives one", () =>
    Effect.gen(function* () {
      const fake = accepting(3)
      const { client } = yield* clientOf(fake, { retryUnauthorized: Schedule.recurs(2) }, { minimumTokenAge: 0 })
      assert.strictEqual((yield* client.get("x")).status, 200)
      assert.deepStrictEqual(
        fake.calls.map((call) => call.token),
        [1, 2, 3].map(tokenNumber)
      )
      const always = accepting(0)
      const other = yield* clientOf(always, { retryUnauthorized: Schedule.recurs(2) }, { minimumTokenAge: 0 })
      yield* Effect.flip(other.client.get("x"))
      assert.lengthOf(always.calls, 3)
    })
  )

  it.scoped("recurs(2) with the usual minimumTokenAge: the token just renewed is not thrown away", () =>
    Effect.gen(function* () {
      const fake = accepting(0)
      const { client } = yield* clientOf(fake, { retryUnauthorized: Schedule.recurs(2) })
      assert.strictEqual((yield* Effect.flip(client.get("x")))._tag, "Unauthorized")
      assert.deepStrictEqual([fake.calls.length, fake.exchanges.length], [2, 2])
    })
  )

  it.scoped("exponential: waits by the Clock before each renewal", () =>
    Effect.gen(function* () {
      const fake = accepting(0)
      const { client } = yield* clientOf(
        fake,
        { retryUnauthorized: Schedule.intersect(Schedule.exponential("1 second"), Schedule.recurs(2)) },
        { minimumTokenAge: 0 }
      )
      const fiber = yield* Effect.fork(Effect.flip(client.get("x")))
      yield* settled(() => fake.calls.length === 1)
      yield* TestClock.adjust("999 millis")
      assert.lengthOf(fake.exchanges, 1)
      yield* TestClock.adjust("1 millis")
      yield* settled(() => fake.calls.length === 2)
      yield* TestClock.adjust("1999 millis")
      assert.lengthOf(fake.exchanges, 2)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(fake.exchanges, [0, 1000, 3000])
    })
  )

  it.scoped("the schedule is given the 401 and is not run before the first one", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const schedule = Schedule.recurs(1).pipe(
        Schedule.tapInput((error: { readonly _tag: string; readonly errorDescription?: string | undefined }) =>
          Effect.sync(() => seen.push(`${error._tag}: ${error.errorDescription}`))
        )
      )
      const fake = fakeApi((call, index) =>
        index === 1 || call.token === tokenNumber(2) ? ok() : unauthorized(expiredChallenge)
      )
      const { client } = yield* clientOf(fake, { retryUnauthorized: schedule })
      yield* client.get("x")
      assert.deepStrictEqual(seen, [])
      yield* client.get("x")
      assert.deepStrictEqual(seen, ["Expired: The token expired at '11/03/2025 16:56:00'"])
    })
  )

  it.scoped("each call starts the schedule anew", () =>
    Effect.gen(function* () {
      const fake = fakeApi((call, index) => (index % 2 === 1 ? unauthorized() : new Response(call.token)))
      const { client } = yield* clientOf(fake, undefined, { minimumTokenAge: 0 })
      for (let call = 0; call < 5; call++) assert.strictEqual((yield* client.get("x")).status, 200)
      assert.lengthOf(fake.calls, 10)
    })
  )

  const renewalFailures: ReadonlyArray<readonly [string, () => Response | "reset"]> = [
    ["InvalidClient", () => Response.json({ error: "invalid_client" }, { status: 401 })],
    ["UnauthorizedClient", () => Response.json({ error: "unauthorized_client" }, { status: 400 })],
    ["InvalidScope", () => Response.json({ error: "invalid_scope" }, { status: 400 })],
    ["InvalidGrant", () => Response.json({ error: "invalid_grant" }, { status: 400 })],
    ["TokenRequestRejected", () => Response.json({ error: "invalid_request" }, { status: 400 })],
    ["TokenEndpointUnavailable", () => "reset"],
    ["TokenResponseInvalid", () => Response.json({ access_token: "" })]
  ]
  for (const [tag, answer] of renewalFailures) {
    it.scoped(`a renewal that fails with ${tag} is that error, with the 401 in it`, () =>
      Effect.gen(function* () {
        const fake = fakeApi(
          () => unauthorized(expiredChallenge),
          (index) => (index === 1 ? token(1) : answer())
        )
        const { client, tokens } = yield* clientOf(fake, undefined, { retryTransient: Schedule.stop })
        const error = yield* Effect.flip(client.get("x?$top=1"))
        assert.strictEqual(error._tag, tag)
        const rejected = "rejected" in error ? error.rejected : undefined
        assert.strictEqual(rejected?._tag, "Unauthorized")
        assert.deepInclude(rejected, {
          status: 401,
          error: "invalid_token",
          errorDescription: "The token expired at '11/03/2025 16:56:00'",
          method: "GET",
          path: "/api/domain/odata/x"
        })
        assert.strictEqual(error.message.includes("/id/connect/token"), true)
        const plain = yield* Effect.flip(tokens.get)
        assert.isUndefined("rejected" in plain ? plain.rejected : undefined, "the error of others stays as it was")
      })
    )
  }

  it.scoped("a renewal that comes back dead is Expired, with the 401 in it", () =>
    Effect.gen(function* () {
      const fake = fakeApi(
        () => unauthorized(),
        (index) => (index === 1 ? token(1) : Effect.as(Effect.sleep("5 seconds"), token(2, 1)))
      )
      const { client } = yield* clientOf(fake)
      const fiber = yield* Effect.fork(Effect.flip(client.get("x")))
      yield* settled(() => fake.exchanges.length === 2)
      yield* TestClock.adjust("5 seconds")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "Expired")
      assert.propertyVal("rejected" in error ? error.rejected : undefined, "status", 401)
    })
  )

  it.scoped("what an error of the renewal says stays in it when the 401 is added", () =>
    Effect.gen(function* () {
      const fake = fakeApi(() => unauthorized())
      const { tokens } = yield* clientOf(fake)
      const cause = new ErpNetError.TokenEndpointUnavailable({
        tokenEndpoint: instance.tokenEndpoint,
        reason: "status",
        status: 503,
        detail: "detail",
        retryAfter: Duration.seconds(7)
      })
      const oauth = {
        error: "the_code",
        errorDescription: "the description",
        status: 400,
        clientId: "client",
        tokenEndpoint: instance.tokenEndpoint
      }
      const errors = [
        new ErpNetError.Expired({ cause }),
        cause,
        new ErpNetError.InvalidScope({ ...oauth, scopes: ["read"] }),
        new ErpNetError.TokenRequestRejected(oauth),
        new ErpNetError.TokenResponseInvalid({ tokenEndpoint: "e", reason: "r", path: "p", status: 200 })
      ]
      for (const original of errors) {
        const client = yield* AuthorizedClient.make().pipe(
          Effect.provideService(TokenProvider.TokenProvider, { ...tokens, renew: () => original }),
          Effect.provide(fake.layer)
        )
        const error = yield* Effect.flip(client.get("x"))
        assert.strictEqual(error.constructor, original.constructor)
        assert.strictEqual(error.message, original.message)
        assert.deepStrictEqual({ ...error, rejected: undefined }, { ...original, rejected: undefined })
        assert.propertyVal("rejected" in error ? error.rejected : undefined, "status", 401)
        assert.isUndefined(original.rejected)
      }
    })
  )

  for (const status of [200, 201, 204, 301, 304, 400, 402, 403, 404, 407, 409, 412, 429, 500, 502, 503]) {
    it.scoped(`${status} passes through and renews nothing`, () =>
      Effect.gen(function* () {
        const body = status === 204 || status === 304 ? null : "body"
        const fake = fakeApi(
          () => new Response(body, { status, headers: { "www-authenticate": 'Bearer error="invalid_token"' } })
        )
        const { client } = yield* clientOf(fake)
        const response = yield* client.get("x")
        assert.strictEqual(response.status, status)
        assert.strictEqual(yield* response.text, body ?? "")
        assert.deepStrictEqual([fake.calls.length, fake.exchanges.length], [1, 1])
      })
    )
  }

  it.scoped("a 401 that became something else is handed out as it is", () =>
    Effect.gen(function* () {
      const fake = fakeApi((call) =>
        call.token === tokenNumber(1) ? unauthorized() : new Response("no", { status: 403 })
      )
      const { client } = yield* clientOf(fake)
      const response = yield* client.get("x")
      assert.deepStrictEqual([response.status, yield* response.text, fake.calls.length], [403, "no", 2])
    })
  )

  it.scoped("a fault of the transport is not sent again, neither first nor after a renewal", () =>
    Effect.gen(function* () {
      const first = fakeApi(() => "reset")
      assert.strictEqual((yield* Effect.flip((yield* clientOf(first)).client.get("x")))._tag, "RequestError")
      assert.lengthOf(first.calls, 1)
      const second = fakeApi((call) => (call.token === tokenNumber(1) ? unauthorized() : "reset"))
      const { client } = yield* clientOf(second, { retryUnauthorized: Schedule.recurs(5) })
      assert.strictEqual((yield* Effect.flip(client.get("x")))._tag, "RequestError")
      assert.lengthOf(second.calls, 2)
    })
  )

  it.scoped("a 401 whose body never ends is dropped", () =>
    Effect.gen(function* () {
      let cancelled = false
      const stalling = () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new Uint8Array(10)),
            cancel: () => {
              cancelled = true
            }
          }),
          { status: 401 }
        )
      const fake = fakeApi((call) => (call.token === tokenNumber(1) ? stalling() : ok()))
      const { client } = yield* clientOf(fake)
      const fiber = yield* Effect.fork(client.get("x"))
      yield* settled(() => fake.calls.length === 1)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
      assert.isTrue(cancelled)
    })
  )
})

describe("AuthorizedClient: many calls", () => {
  it.scoped("100 calls with a revoked token cost one more exchange, and all succeed", () =>
    Effect.gen(function* () {
      let revoked = false
      const fake = fakeApi((call) =>
        Effect.as(
          Effect.sleep("10 millis"),
          !revoked || call.token === tokenNumber(2) ? new Response(call.text) : unauthorized()
        )
      )
      const { client } = yield* clientOf(fake)
      const warm = yield* Effect.fork(client.get("x"))
      yield* settled(() => fake.calls.length === 1)
      yield* TestClock.adjust("10 millis")
      yield* Fiber.join(warm)
      revoked = true
      const fiber = yield* Effect.fork(
        Effect.forEach(
          Array.from({ length: 100 }, (_, index) => `body ${index}`),
          (body) => Effect.flatMap(client.post("x", { body: HttpBody.text(body) }), (response) => response.text),
          { concurrency: "unbounded" }
        )
      )
      yield* settled(() => fake.calls.length === 101)
      yield* TestClock.adjust("10 millis")
      yield* settled(() => fake.calls.length === 201)
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(
        yield* Fiber.join(fiber),
        Array.from({ length: 100 }, (_, index) => `body ${index}`)
      )
      assert.deepStrictEqual([fake.calls.length, fake.exchanges.length], [201, 2])
    })
  )

  it.scoped("20 rejections that arrive one after another cost one exchange", () =>
    Effect.gen(function* () {
      const gates = yield* Effect.forEach(Array.from({ length: 20 }), () => Deferred.make<void>())
      const fake = fakeApi((call) => {
        const gate = gates[Number(call.url.searchParams.get("n"))]
        return call.token === tokenNumber(1) && gate !== undefined
          ? Effect.as(Deferred.await(gate), unauthorized())
          : ok()
      })
      const { client, tokens } = yield* clientOf(fake)
      yield* tokens.get
      const fibers = yield* Effect.forEach(gates, (_, n) => Effect.fork(client.get(`x?n=${n}`)))
      yield* settled(() => fake.calls.length === 20)
      for (const [n, gate] of gates.entries()) {
        yield* Deferred.succeed(gate, undefined)
        yield* settled(() => fake.calls.length === 21 + n)
        // Longer than minimumTokenAge: only the value of the token keeps the newer one alive.
        yield* TestClock.adjust("31 seconds")
      }
      for (const fiber of fibers) assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
      assert.lengthOf(fake.exchanges, 2)
    })
  )

  it.scoped("an API that always answers 401: 2,000 calls cost at most three exchanges", () =>
    Effect.gen(function* () {
      const fake = fakeApi(() => unauthorized())
      const { client } = yield* clientOf(fake)
      for (let call = 0; call < 1000; call++) {
        assert.strictEqual((yield* Effect.flip(client.get("x")))._tag, "Unauthorized")
      }
      yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.flip(client.get("x")), { concurrency: 100 })
      assert.isAtMost(fake.exchanges.length, 3)
    })
  )

  it.scoped("an API that always answers 401: over ten hours at most one exchange for each minimumTokenAge", () =>
    Effect.gen(function* () {
      const fake = fakeApi(() => unauthorized())
      const { client } = yield* clientOf(fake, undefined, { minimumTokenAge: "40 minutes" })
      for (let round = 0; round < 30; round++) {
        for (let call = 0; call < 10; call++) yield* Effect.flip(client.get("x"))
        yield* TestClock.adjust("20 minutes")
      }
      assert.isAtMost(fake.exchanges.length, 600 / 40 + 2)
      const gaps = fake.exchanges.slice(2).map((at, index) => at - (fake.exchanges[index + 1] ?? 0))
      assert.isAtLeast(Math.min(...gaps), Duration.toMillis("40 minutes"))
    })
  )

  it.scoped("one forbidden resource does not burn the token of the others", () =>
    Effect.gen(function* () {
      const fake = fakeApi((call) => (call.url.pathname.endsWith("forbidden") ? unauthorized() : ok()))
      const { client } = yield* clientOf(fake)
      for (let round = 0; round < 50; round++) {
        assert.strictEqual((yield* Effect.flip(client.get("forbidden")))._tag, "Unauthorized")
        assert.strictEqual((yield* client.get("fine")).status, 200)
      }
      assert.lengthOf(fake.exchanges, 2)
      const fine = fake.calls.filter((call) => call.url.pathname.endsWith("fine"))
      assert.deepStrictEqual([...new Set(fine.map((call) => call.token))], [tokenNumber(2)])
    })
  )

  it.scoped("a caller that is interrupted while the token is renewed leaves the others alone", () =>
    Effect.gen(function* () {
      const fake = fakeApi(
        (call) => (call.token === tokenNumber(2) ? ok() : unauthorized()),
        (index) => (index === 1 ? token(1) : Effect.as(Effect.sleep("1 seconds"), token(index)))
      )
      const { client, tokens } = yield* clientOf(fake)
      yield* tokens.get
      const first = yield* Effect.fork(client.get("x"))
      yield* settled(() => fake.exchanges.length === 2)
      const second = yield* Effect.fork(client.get("x"))
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* Fiber.join(second)).status, 200)
      assert.lengthOf(fake.exchanges, 2)
    })
  )

  it.scoped("a reference token is never renewed", () =>
    Effect.gen(function* () {
      for (const [challenge, tag] of [
        [expiredChallenge, "Expired"],
        ["Bearer", "Unauthorized"]
      ] as const) {
        const fake = fakeApi(() => unauthorized(challenge))
        const client = yield* AuthorizedClient.make({ retryUnauthorized: Schedule.recurs(3) }).pipe(
          Effect.provide(TokenProvider.layerReferenceToken({ instance, token: Redacted.make("enrt_abc") })),
          Effect.provide(fake.layer)
        )
        const error = yield* Effect.flip(client.get("x"))
        assert.strictEqual(error._tag, tag)
        assert.deepInclude(error, { status: 401, method: "GET", path: "/api/domain/odata/x" })
        assert.deepStrictEqual(
          fake.calls.map((call) => call.token),
          ["enrt_abc"]
        )
        assert.lengthOf(fake.exchanges, 0)
      }
    })
  )

  it.scoped("two clients of one provider share its token", () =>
    Effect.gen(function* () {
      const fake = fakeApi(ok)
      const { client, tokens } = yield* clientOf(fake)
      const other = yield* AuthorizedClient.make().pipe(
        Effect.provideService(TokenProvider.TokenProvider, tokens),
        Effect.provide(fake.layer)
      )
      yield* Effect.all([client.get("x"), other.get("y")], { concurrency: 2 })
      assert.lengthOf(fake.exchanges, 1)
    })
  )
})
