import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Either, Exit, Fiber, Redacted, Schedule, TestClock } from "effect"
import { type AccessToken, type ErpNetError, Instance, TokenEndpoint, TrustedApplication } from "effect-erpnet"
import { application, instance, secret } from "../support/fixtures.ts"
import { valueOf } from "../support/tokens.ts"
import { type Answer, type FakeServer, fakeServer, issuing, json } from "../support/transport.ts"

const request = (
  server: FakeServer,
  options?: TokenEndpoint.Options,
  app: TrustedApplication.TrustedApplication = application
): Effect.Effect<AccessToken.AccessToken, ErpNetError.TokenError> =>
  Effect.provide(TokenEndpoint.request(instance, app, options), server.layer)

const sentHeaders = ["accept", "accept-encoding", "content-length", "content-type"]

const once = { retryTransient: Schedule.recurs(0) }

const answered = (answer: Answer) =>
  Effect.either(
    request(
      fakeServer(() => answer),
      once
    )
  )

const app = (
  clientId: string,
  clientSecret: string,
  scope?: string | ReadonlyArray<string>
): TrustedApplication.TrustedApplication =>
  Either.getOrThrow(TrustedApplication.make({ clientId, clientSecret: Redacted.make(clientSecret), scope }))

describe("TokenEndpoint: the request", () => {
  it.effect("is that of the walkthrough, and no more", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      yield* request(server, {}, app("my.trusted.app/service", "<your_plain_client_secret>", "read"))
      assert.strictEqual(server.received.length, 1)
      const [sent] = server.received
      assert.strictEqual(sent!.method, "POST")
      assert.strictEqual(sent!.url.href, "https://testdb.my.erp.net/id/connect/token")
      assert.strictEqual(sent!.headers["content-type"], "application/x-www-form-urlencoded")
      assert.strictEqual(
        sent!.body,
        "grant_type=client_credentials&client_id=my.trusted.app%2Fservice&client_secret=%3Cyour_plain_client_secret%3E&scope=read"
      )
      assert.deepStrictEqual([...sent!.form.keys()], ["grant_type", "client_id", "client_secret", "scope"])
      assert.deepStrictEqual(Object.keys(sent!.headers).sort(), sentHeaders)
      assert.strictEqual(sent!.headers["accept"], "application/json")
      assert.strictEqual(sent!.headers["accept-encoding"], "identity")
    })
  )

  it.effect("has three fields where no scope is configured", () =>
    Effect.gen(function* () {
      for (const scope of [undefined, "", []]) {
        const server = fakeServer(issuing())
        yield* request(server, {}, app("id", "pw", scope))
        assert.strictEqual(server.received[0]!.body, "grant_type=client_credentials&client_id=id&client_secret=pw")
      }
    })
  )

  it.effect("carries several scopes, and any characters, through the form", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      yield* request(server, {}, app("a&b=c/+ %ü", secret, "read  update read"))
      const { form } = server.received[0]!
      assert.deepStrictEqual(
        [form.get("client_id"), form.get("client_secret"), form.get("scope")],
        ["a&b=c/+ %ü", secret, "read update"]
      )
    })
  )

  it.effect("with basic authentication has the credentials in the header only, form-encoded first", () =>
    Effect.gen(function* () {
      for (const [id, password, expected] of [
        ["my.trusted.app/service", "s3cret", "my.trusted.app%2Fservice:s3cret"],
        ["a:b", "p+ %", "a%3Ab:p%2B+%25"],
        ["id", "Ünï", "id:%C3%9Cn%C3%AF"]
      ] as const) {
        const server = fakeServer(issuing())
        yield* request(server, { clientAuthentication: "basic" }, app(id, password, "read"))
        const [sent] = server.received
        assert.strictEqual(sent!.body, "grant_type=client_credentials&scope=read")
        assert.strictEqual(sent!.headers["authorization"], `Basic ${Buffer.from(expected).toString("base64")}`)
      }
    })
  )

  it.effect("post sends no Authorization", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      yield* request(server, { clientAuthentication: "post" })
      assert.isUndefined(server.received[0]!.headers["authorization"])
    })
  )

  it.effect("goes where the instance says", () =>
    Effect.gen(function* () {
      const moved = yield* Instance.make("testdb", { tokenEndpoint: "https://login.example.com/connect/token" })
      const server = fakeServer(issuing())
      yield* Effect.provide(TokenEndpoint.request(moved, application), server.layer)
      assert.strictEqual(server.received[0]!.url.href, "https://login.example.com/connect/token")
    })
  )

  it.effect("sends no trace headers, also inside a span", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      yield* Effect.withSpan(request(server), "outer")
      assert.deepStrictEqual(Object.keys(server.received[0]!.headers).sort(), sentHeaders)
    })
  )

  it.effect("nonsense for requestTimeout is a defect", () =>
    Effect.gen(function* () {
      for (const requestTimeout of [-1, Number.NaN, 0, "0 seconds"] as const) {
        const exit = yield* Effect.exit(request(fakeServer(issuing()), { requestTimeout }))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause), String(requestTimeout))
      }
    })
  )
})

describe("TokenEndpoint: a token", () => {
  const body = { access_token: "abc", expires_in: 3600, token_type: "Bearer", scope: "read" }

  it.effect("is read with scopes, life and fingerprint", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1000)
      const token = yield* request(fakeServer(() => json(200, body)))
      assert.strictEqual(valueOf(token), "abc")
      assert.deepStrictEqual(
        { ...token, value: null },
        { value: null, fingerprint: "ba7816bf", scopes: ["read"], issuedAt: 1000, expiresAt: 3_601_000 }
      )
    })
  )

  it.effect("may come as anything that RFC 6749 and its servers allow", () =>
    Effect.gen(function* () {
      const allowed: ReadonlyArray<readonly [string, Record<string, unknown>]> = [
        ["bearer", { ...body, token_type: "bearer" }],
        ["BEARER", { ...body, token_type: "BEARER" }],
        ["no type", { access_token: "abc", expires_in: 3600 }],
        ["type null", { ...body, token_type: null }],
        ["life as text", { ...body, expires_in: "3600" }],
        ["life as fraction", { ...body, expires_in: 3600.0004 }],
        ["more members", { ...body, __proto__x: 1, constructor: {}, toString: "x", id_token: null }],
        ["error null", { ...body, error: null }],
        ["error empty", { ...body, error: "" }]
      ]
      for (const [name, answer] of allowed) {
        const result = yield* answered(json(200, answer))
        assert.isTrue(Either.isRight(result), name)
        assert.strictEqual(Either.getOrThrow(result).expiresAt, 3_600_000, name)
      }
      assert.isTrue(Either.isRight(yield* answered(json(201, body))), "201")
    })
  )

  it.effect("has the scopes that were granted; where none are named, those that were requested", () =>
    Effect.gen(function* () {
      for (const [scope, expected] of [
        ["read update", ["read", "update"]],
        ["  read   update ", ["read", "update"]],
        ["other", ["other"]],
        [
          ["a", "b"],
          ["a", "b"]
        ],
        ["", ["read"]],
        [" ", ["read"]],
        [null, ["read"]],
        [undefined, ["read"]],
        [[], ["read"]]
      ] as const) {
        const token = Either.getOrThrow(yield* answered(json(200, { ...body, scope })))
        assert.deepStrictEqual(token.scopes, expected, JSON.stringify(scope))
      }
    })
  )

  it.effect("with a byte order mark or a wrong content type is read", () =>
    Effect.gen(function* () {
      const text = JSON.stringify(body)
      assert.isTrue(Either.isRight(yield* answered(new Response(`\uFEFF${text}`))))
      assert.isTrue(Either.isRight(yield* answered(new Response(text, { headers: { "content-type": "text/html" } }))))
      const latin = { "content-type": "application/json; charset=iso-8859-1" }
      assert.isTrue(Either.isRight(yield* answered(new Response(text, { headers: latin }))))
    })
  )

  it.effect("__proto__ members do nothing", () =>
    Effect.gen(function* () {
      const text = '{"__proto__":{"access_token":"evil","expires_in":3600},"constructor":{"prototype":{"polluted":1}}}'
      const result = yield* answered(new Response(text))
      assert.strictEqual(Either.isLeft(result) ? result.left._tag : "token", "TokenResponseInvalid")
      assert.isUndefined(Object.getOwnPropertyDescriptor(Object.prototype, "polluted"))
      assert.isFalse("access_token" in {})
    })
  )

  const unusable: ReadonlyArray<readonly [string, unknown, string | undefined]> = [
    ["no token", { expires_in: 3600 }, "access_token"],
    ["token null", { ...body, access_token: null }, "access_token"],
    ["token a number", { ...body, access_token: 12345 }, "access_token"],
    ["token empty", { ...body, access_token: "" }, "access_token"],
    ["token with CR LF", { ...body, access_token: "hunter2\r\nx-evil: 1" }, "access_token"],
    ["token with LF at its end", { ...body, access_token: "hunter2\n" }, "access_token"],
    ["token with NUL", { ...body, access_token: "hunter2\u0000" }, "access_token"],
    ["token with a blank", { ...body, access_token: "hunter2 x" }, "access_token"],
    ["token with a tab", { ...body, access_token: "hunter2\tx" }, "access_token"],
    ["token not ASCII", { ...body, access_token: "hunter2é" }, "access_token"],
    ["token with DEL", { ...body, access_token: "hunter2\u007F" }, "access_token"],
    ["type mac", { ...body, token_type: "mac" }, "token_type"],
    ["type empty", { ...body, token_type: "" }, "token_type"],
    ["type DPoP", { ...body, token_type: "DPoP" }, "token_type"],
    ["life zero", { ...body, expires_in: 0 }, "expires_in"],
    ["life negative", { ...body, expires_in: -1 }, "expires_in"],
    ["life text", { ...body, expires_in: "hunter2" }, "expires_in"],
    ["life empty", { ...body, expires_in: "" }, "expires_in"],
    ["life with a unit", { ...body, expires_in: "3600s" }, "expires_in"],
    ["life true", { ...body, expires_in: true }, "expires_in"],
    ["scope a number", { ...body, scope: 7 }, "scope"],
    ["a list", [body], undefined],
    ["null", null, undefined],
    ["a text", "abc", undefined],
    ["a number", 7, undefined]
  ]
  for (const [name, answer, path] of unusable) {
    it.effect(`${name}: TokenResponseInvalid, nothing echoed`, () =>
      Effect.gen(function* () {
        const result = yield* answered(json(200, answer))
        const error = Either.isLeft(result) ? result.left : assert.fail("a token")
        if (error._tag !== "TokenResponseInvalid") return assert.fail(error._tag)
        assert.deepStrictEqual([error.path, error.status], [path, 200])
        assert.notInclude(`${error.message}${JSON.stringify(error)}${Cause.pretty(Cause.fail(error))}`, "hunter2")
      })
    )
  }

  it.effect("a life beyond every number is TokenResponseInvalid", () =>
    Effect.gen(function* () {
      const result = yield* answered(new Response('{"access_token":"abc","expires_in":1e999}'))
      assert.strictEqual(Either.isLeft(result) ? result.left._tag : "token", "TokenResponseInvalid")
    })
  )

  for (const [name, text] of [
    ["empty", ""],
    ["white space", "  \n"],
    ["truncated", '{"access_token":"hunter2","expi'],
    ["HTML", "<html>hunter2</html>"],
    ["not UTF-8", "\uFFFD{"]
  ] as const) {
    it.effect(`a 200 whose body is ${name}: TokenResponseInvalid`, () =>
      Effect.gen(function* () {
        const result = yield* answered(new Response(text, { headers: { "content-type": "application/json" } }))
        const error = Either.isLeft(result) ? result.left : assert.fail("a token")
        assert.strictEqual(error._tag, "TokenResponseInvalid")
        assert.notInclude(error.message, "hunter2")
      })
    )
  }

  it.effect("a compressed answer is named", () =>
    Effect.gen(function* () {
      const headers = { "content-encoding": "gzip" }
      const result = yield* answered(new Response(new Uint8Array([31, 139, 8, 0, 0]), { headers }))
      assert.include(Either.isLeft(result) ? result.left.message : "", "content-encoding gzip")
    })
  )

  it.effect("more than 1 MiB is not read", () =>
    Effect.gen(function* () {
      let pulled = 0
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          pulled += 1
          controller.enqueue(new Uint8Array(64 * 1024).fill(32))
        }
      })
      const result = yield* answered(new Response(endless))
      const error = Either.isLeft(result) ? result.left : assert.fail("a token")
      assert.strictEqual(error._tag === "TokenEndpointUnavailable" ? error.reason : error._tag, "tooLarge")
      assert.isAtMost(pulled, 20)
    })
  )
})

describe("TokenEndpoint: OAuth errors", () => {
  const tags: ReadonlyArray<readonly [string, string]> = [
    ["invalid_client", "InvalidClient"],
    ["unauthorized_client", "UnauthorizedClient"],
    ["invalid_scope", "InvalidScope"],
    ["invalid_grant", "InvalidGrant"],
    ["invalid_request", "TokenRequestRejected"],
    ["unsupported_grant_type", "TokenRequestRejected"],
    ["use_dpop_nonce", "TokenRequestRejected"],
    ["INVALID_CLIENT", "TokenRequestRejected"]
  ]
  for (const [code, tag] of tags) {
    it.effect(`${code} is ${tag} with status 400, 401, 403 and 200`, () =>
      Effect.gen(function* () {
        for (const status of [400, 401, 403, 200]) {
          const result = yield* answered(json(status, { error: code, error_description: "because\r\nof this" }))
          const error = Either.isLeft(result) ? result.left : assert.fail("a token")
          assert.strictEqual(error._tag, tag)
          assert.strictEqual("error" in error ? error.error : undefined, code)
          assert.strictEqual("status" in error ? error.status : undefined, status)
          assert.strictEqual("errorDescription" in error ? error.errorDescription : undefined, "because of this")
          assert.notInclude(error.message, "\n")
        }
      })
    )
  }

  it.effect("an error beside a token is an error", () =>
    Effect.gen(function* () {
      const result = yield* answered(json(200, { access_token: "abc", expires_in: 3600, error: "invalid_scope" }))
      assert.strictEqual(Either.isLeft(result) ? result.left._tag : "token", "InvalidScope")
    })
  )

  it.effect("what the server says is one short line without the secret in any spelling", () =>
    Effect.gen(function* () {
      const spellings = [
        secret,
        encodeURIComponent(secret),
        new URLSearchParams([["", secret]]).toString().slice(1),
        Buffer.from(secret).toString("base64"),
        Buffer.from(secret).toString("base64url"),
        Buffer.from(`${application.clientId}:${secret}`).toString("base64")
      ]
      for (const spelling of spellings) {
        const result = yield* answered(
          json(400, {
            error: `invalid_client ${spelling}`,
            error_description: `a\u001b[31m ${spelling} ${"x".repeat(2000)}`
          })
        )
        const error = Either.isLeft(result) ? result.left : assert.fail("a token")
        const rendered = `${error.message}${JSON.stringify(error)}${Cause.pretty(Cause.fail(error))}`
        for (const hidden of spellings) assert.notInclude(rendered, hidden)
        assert.notInclude(rendered, "\u001b")
        assert.isAtMost(("errorDescription" in error ? (error.errorDescription ?? "") : "").length, 512)
      }
    })
  )

  it.effect("an error description that is no text is left out", () =>
    Effect.gen(function* () {
      const result = yield* answered(json(400, { error: "invalid_scope", error_description: { a: 1 } }))
      const error = Either.isLeft(result) ? result.left : assert.fail("a token")
      assert.isUndefined("errorDescription" in error ? error.errorDescription : undefined)
    })
  )
})

describe("TokenEndpoint: no usable answer", () => {
  const unavailable = (result: Either.Either<AccessToken.AccessToken, ErpNetError.TokenError>) => {
    const error = Either.isLeft(result) ? result.left : assert.fail("a token")
    return error._tag === "TokenEndpointUnavailable" ? error : assert.fail(error._tag)
  }

  for (const status of [301, 302, 303, 307, 308, 304]) {
    it.effect(`${status} is not followed`, () =>
      Effect.gen(function* () {
        const server = fakeServer(() => new Response(null, { status, headers: { location: "https://evil.example/" } }))
        const error = unavailable(yield* Effect.either(request(server)))
        assert.deepStrictEqual([error.reason, error.status, server.received.length], ["redirect", status, 1])
      })
    )
  }

  it.effect("an answer for another origin is a redirect that a transport has followed", () =>
    Effect.gen(function* () {
      const server = fakeServer(issuing())
      const following = HttpClient.mapRequest(server.client, (sent) => ({ ...sent, url: "https://evil.example/" }))
      const result = yield* Effect.either(
        Effect.provideService(TokenEndpoint.request(instance, application), HttpClient.HttpClient, following)
      )
      assert.strictEqual(unavailable(result).reason, "redirect")
    })
  )

  for (const status of [404, 405, 410, 418, 400, 401, 403]) {
    it.effect(`${status} without an OAuth error is not repeated`, () =>
      Effect.gen(function* () {
        const server = fakeServer(() => new Response("<html>", { status }))
        const error = unavailable(yield* Effect.either(request(server)))
        assert.deepStrictEqual([error.reason, error.status, server.received.length], ["status", status, 1])
      })
    )
  }

  for (const status of [500, 502, 503, 504, 429]) {
    it.effect(`${status} is repeated twice, with growing pauses, and then raised`, () =>
      Effect.gen(function* () {
        const times: Array<number> = []
        const server = fakeServer(() =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            times.push(now)
            return json(status, { error: "invalid_client" })
          })
        )
        const fiber = yield* Effect.fork(Effect.either(request(server)))
        yield* TestClock.adjust("2 seconds")
        const error = unavailable(yield* Fiber.join(fiber))
        assert.deepStrictEqual([error.reason, error.status, times.length], ["status", status, 3])
        assert.isTrue(times[1]! >= 160 && times[1]! <= 240, `the first pause is ${times[1]}`)
        const second = times[2]! - times[1]!
        assert.isTrue(second >= 320 && second <= 480, `the second pause is ${second}`)
      })
    )
  }

  it.effect("a broken connection is repeated, and the third attempt may succeed", () =>
    Effect.gen(function* () {
      const issue = issuing()
      const server = fakeServer((sent, index) => (index < 3 ? "reset" : issue(sent, index)))
      const fiber = yield* Effect.fork(request(server))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(valueOf(yield* Fiber.join(fiber)), "token-1")
      assert.strictEqual(server.received.length, 3)
    })
  )

  it.effect("a body that breaks off is a broken connection", () =>
    Effect.gen(function* () {
      const server = fakeServer(
        () =>
          new Response(
            new ReadableStream<Uint8Array>({
              start: (controller) => {
                controller.enqueue(new TextEncoder().encode('{"access_token":'))
                controller.error(new Error(`socket hang up ${secret}`))
              }
            })
          )
      )
      const error = unavailable(yield* Effect.either(request(server, once)))
      assert.strictEqual(error.reason, "transport")
      assert.notInclude(JSON.stringify(error), secret)
    })
  )

  it.effect("an attempt that takes too long is not repeated: before the headers and in the body", () =>
    Effect.gen(function* () {
      const stalling = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode("{"))
      })
      for (const answer of [Effect.never, Effect.succeed(new Response(stalling))]) {
        const server = fakeServer(() => answer)
        const fiber = yield* Effect.fork(Effect.either(request(server, { requestTimeout: "3 seconds" })))
        yield* TestClock.adjust(2999)
        assert.strictEqual((yield* Fiber.poll(fiber))._tag, "None")
        yield* TestClock.adjust(1)
        assert.strictEqual(unavailable(yield* Fiber.join(fiber)).reason, "timeout")
        assert.strictEqual(server.received.length, 1)
      }
    })
  )

  it.effect("an attempt takes 10 seconds at most by default", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.either(request(fakeServer(() => Effect.never))))
      yield* TestClock.adjust(9999)
      assert.strictEqual((yield* Fiber.poll(fiber))._tag, "None")
      yield* TestClock.adjust(1)
      assert.strictEqual(unavailable(yield* Fiber.join(fiber)).reason, "timeout")
    })
  )

  it.effect("Retry-After is waited for, in seconds and as a date", () =>
    Effect.gen(function* () {
      const start = Date.UTC(2026, 0, 1)
      yield* TestClock.setTime(start)
      for (const header of ["20", new Date(start + 20_000).toUTCString()]) {
        yield* TestClock.setTime(start)
        const issue = issuing()
        const server = fakeServer((sent, index) =>
          index === 1 ? new Response(null, { status: 503, headers: { "retry-after": header } }) : issue(sent, index)
        )
        const fiber = yield* Effect.fork(request(server))
        yield* TestClock.adjust(19_999)
        assert.strictEqual(server.received.length, 1, header)
        yield* TestClock.adjust(1)
        yield* Fiber.join(fiber)
        assert.strictEqual(server.received.length, 2, header)
      }
    })
  )

  it.effect("Retry-After of more than 30 seconds fails at once and is carried", () =>
    Effect.gen(function* () {
      for (const [header, seconds, count] of [
        ["31", 31, 1],
        ["3600", 3600, 1]
      ] as const) {
        const server = fakeServer(() => new Response(null, { status: 429, headers: { "retry-after": header } }))
        const error = unavailable(yield* Effect.either(request(server)))
        assert.strictEqual(
          error.retryAfter === undefined ? undefined : Duration.toMillis(error.retryAfter),
          seconds * 1000
        )
        assert.strictEqual(server.received.length, count)
      }
    })
  )

  it.effect("a Retry-After that says nothing, or lies in the past, does not shorten the pause", () =>
    Effect.gen(function* () {
      for (const header of ["soon", "-5", "Thu, 01 Jan 1970 00:00:00 GMT", ""]) {
        const server = fakeServer(() => new Response(null, { status: 503, headers: { "retry-after": header } }))
        const fiber = yield* Effect.fork(Effect.either(request(server)))
        yield* TestClock.adjust(100)
        assert.strictEqual(server.received.length, 1, header)
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(fiber)
        assert.strictEqual(server.received.length, 3, header)
      }
    })
  )

  it.effect("all attempts together end after 45 seconds, whatever the schedule", () =>
    Effect.gen(function* () {
      const start = yield* Clock.currentTimeMillis
      const times: Array<number> = []
      const server = fakeServer(() =>
        Effect.gen(function* () {
          times.push((yield* Clock.currentTimeMillis) - start)
          yield* Effect.sleep("8 seconds")
          return "reset" as const
        })
      )
      const fiber = yield* Effect.fork(
        Effect.either(
          Effect.zip(
            Effect.flip(request(server, { retryTransient: Schedule.spaced("2 seconds") })),
            Clock.currentTimeMillis
          )
        )
      )
      yield* TestClock.adjust("2 minutes")
      const [error, end] = Either.getOrThrow(yield* Fiber.join(fiber))
      assert.strictEqual(error._tag, "TokenEndpointUnavailable")
      assert.strictEqual(end - start, 45_000)
      assert.deepStrictEqual(times, [0, 10_000, 20_000, 30_000, 40_000])
    })
  )

  it.effect("retryTransient sees the error and decides", () =>
    Effect.gen(function* () {
      const seen: Array<number | undefined> = []
      const server = fakeServer(() => new Response(null, { status: 502 }))
      const retryTransient = Schedule.tapInput(Schedule.recurs(4), (error: ErpNetError.TokenEndpointUnavailable) =>
        Effect.sync(() => {
          seen.push(error.status)
        })
      )
      yield* Effect.either(request(server, { retryTransient }))
      assert.strictEqual(server.received.length, 5)
      assert.deepStrictEqual([...new Set(seen)], [502])
    })
  )

  it.effect("nothing of the transport's error but its kind and code gets out", () =>
    Effect.gen(function* () {
      const error = unavailable(yield* answered("reset"))
      assert.strictEqual(error.reason, "transport")
      assert.notInclude(JSON.stringify(error), "socket hang up")
      assert.notInclude(JSON.stringify(error) + Cause.pretty(Cause.fail(error)), secret)
    })
  )

  it.effect("interrupting the caller aborts the request", () =>
    Effect.gen(function* () {
      let aborted = 0
      const server = fakeServer(() =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.sync(() => {
            aborted += 1
          })
        )
      )
      const fiber = yield* Effect.fork(request(server))
      yield* TestClock.adjust(5)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(aborted, 1)
    })
  )
})

describe("TokenEndpoint: details", () => {
  for (const [what, answer] of [
    ["300", () => new Response(null, { status: 300 })],
    ["an opaque redirect of a browser, status 0", () => Response.error()]
  ] as const) {
    it.effect(`${what} is a redirect`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(request(fakeServer(answer), once))
        assert.strictEqual(error._tag === "TokenEndpointUnavailable" ? error.reason : error._tag, "redirect")
      })
    )
  }

  it.effect("the token beside an error, and the credentials of Basic, are masked in its description", () =>
    Effect.gen(function* () {
      const server = fakeServer((sent) =>
        json(200, {
          error: "odd",
          access_token: "tok3n-of-the-answer",
          error_description: `revoke tok3n-of-the-answer, sent by ${sent.headers["authorization"]} with ${secret}`
        })
      )
      const error = yield* Effect.flip(request(server, { clientAuthentication: "basic" }))
      assert.strictEqual(
        error._tag === "TokenRequestRejected" ? error.errorDescription : undefined,
        "revoke <redacted>, sent by Basic <redacted>== with <redacted>"
      )
    })
  )

  it.effect("a body that is no JSON names no content-encoding where there is none", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        request(
          fakeServer(() => new Response("x")),
          once
        )
      )
      assert.strictEqual(
        error._tag === "TokenResponseInvalid" ? error.reason : undefined,
        "the body is not a JSON object"
      )
    })
  )

  it.effect("a client that makes errors of statuses changes nothing", () =>
    Effect.gen(function* () {
      const server = fakeServer(() => json(400, { error: "invalid_scope" }))
      const error = yield* TokenEndpoint.request(instance, application).pipe(
        Effect.flip,
        Effect.provideService(HttpClient.HttpClient, HttpClient.filterStatusOk(server.client))
      )
      assert.strictEqual(error._tag, "InvalidScope")
    })
  )

  it.effect("a timeout says how long it waited, and a nonsense one which option it is", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(
        Effect.flip(
          request(
            fakeServer(() => Effect.never),
            { requestTimeout: 1500 }
          )
        )
      )
      yield* TestClock.adjust(1500)
      assert.include((yield* Fiber.join(fiber)).message, "no whole answer in 1500 ms")
      const exit = yield* Effect.exit(request(fakeServer(issuing()), { requestTimeout: -1 }))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "requestTimeout is negative")
    })
  )

  it.effect("a Retry-After of 30 seconds is waited for once; a second one would pass the 45 seconds and is not", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("5 minutes")
      const start = yield* Clock.currentTimeMillis
      const server = fakeServer(() => json(503, {}, { "retry-after": "30" }))
      const fiber = yield* Effect.fork(Effect.zip(Effect.flip(request(server)), Clock.currentTimeMillis))
      yield* TestClock.adjust("1 minute")
      const [error, end] = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "TokenEndpointUnavailable")
      assert.strictEqual(server.received.length, 2)
      assert.strictEqual(end - start, 30_000)
    })
  )

  it.effect("a pause that reaches the 45th second is not begun", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("5 minutes")
      const start = yield* Clock.currentTimeMillis
      // 15 s have passed with the second answer; 30 s of waiting would end at the very end.
      const pausing = { retryTransient: Schedule.spaced("6 seconds") }
      const server = fakeServer((_, index) =>
        index === 1 ? Effect.delay(Effect.succeed(json(503, {})), "9 seconds") : json(503, {}, { "retry-after": "30" })
      )
      const fiber = yield* Effect.fork(Effect.zip(Effect.flip(request(server, pausing)), Clock.currentTimeMillis))
      yield* TestClock.adjust("2 minutes")
      const [, end] = yield* Fiber.join(fiber)
      assert.strictEqual(end - start, 15_000)
      assert.strictEqual(server.received.length, 2)
    })
  )

  it.effect("a schedule that waits too long is cut off after 45 seconds with the error that it waited on", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("5 minutes")
      const start = yield* Clock.currentTimeMillis
      const server = fakeServer(() => json(502, {}))
      const patient = { retryTransient: Schedule.spaced("10 minutes") }
      const fiber = yield* Effect.fork(Effect.zip(Effect.flip(request(server, patient)), Clock.currentTimeMillis))
      yield* TestClock.adjust("1 hour")
      const [error, end] = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag === "TokenEndpointUnavailable" ? error.status : undefined, 502)
      assert.strictEqual(end - start, 45_000)
    })
  )
})
