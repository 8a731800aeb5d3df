import { HttpClientError, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Chunk,
  ConfigProvider,
  Context,
  Data,
  Effect,
  Exit,
  Fiber,
  Layer,
  Redacted,
  Schedule,
  Schema,
  type Scope,
  Stream,
  TestClock
} from "effect"
import {
  AccessToken,
  AuthorizedClient,
  DomainApi,
  EntitySet,
  ErpNet,
  ErpNetError,
  Instance,
  TokenEndpoint,
  TokenProvider,
  TrustedApplication
} from "effect-erpnet"
import {
  type Answer,
  application,
  clientId,
  echoes,
  granted,
  type Hostile,
  headerSafe,
  hostile,
  instance,
  needles,
  rows,
  type Seen,
  secret,
  tokenNumber
} from "./support/hostile.ts"
import { errorOf, find, leaks, needlesOf, observe, recordingLogger, renderings, spellings } from "./support/leaks.ts"

type Skip = { readonly skip?: ReadonlyArray<PropertyKey> }

/** Runs a program and asserts that nothing it lets out holds a secret; gives its exit. */
const clean = <A, E, R>(name: string, program: Effect.Effect<A, E, R>, options: Skip = {}) =>
  Effect.map(observe(program, needles, options), (observed) => {
    assert.deepStrictEqual(observed.leaks.slice(0, 10), [], name)
    return observed
  })

/** The same for a program that must fail with the given tag. */
const cleanFailure = <A, E extends { readonly _tag: string }, R>(
  name: string,
  tag: E["_tag"],
  program: Effect.Effect<A, E, R>,
  options: Skip = {}
) =>
  Effect.map(clean(name, program, options), ({ exit }) => {
    const error = errorOf(exit)
    assert.strictEqual(error?._tag, tag, name)
    return error as E
  })

const once = { retryTransient: Schedule.recurs(0) }

const exchange = (server: Hostile, options: TokenEndpoint.Options = {}) =>
  TokenEndpoint.request(instance, application, { ...once, ...options }).pipe(Effect.provide(server.layer))

const provider = (server: Hostile, options: Partial<TokenProvider.Options> = {}) =>
  TokenProvider.make({ instance, credentials: application, ...once, ...options }).pipe(Effect.provide(server.layer))

/** Runs a call through an AuthorizedClient of its own. */
const calling = <A, E>(
  server: Hostile,
  call: (client: Context.Tag.Service<AuthorizedClient.AuthorizedClient>) => Effect.Effect<A, E>,
  options: AuthorizedClient.Options = {}
) =>
  Effect.flatMap(AuthorizedClient.AuthorizedClient, call).pipe(
    Effect.provide(
      AuthorizedClient.layer(options).pipe(
        Layer.provide(TokenProvider.layer({ instance, credentials: application, ...once })),
        Layer.provide(server.layer)
      )
    )
  )

const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Number: Schema.NullOr(Schema.String) }))

const reading = <A, E>(server: Hostile, program: Effect.Effect<A, E, ErpNet.Services>) =>
  program.pipe(
    Effect.provide(
      ErpNet.layer({ instance, credentials: application, ...once, requestsPerMinute: 600 }).pipe(
        Layer.provide(server.layer)
      )
    )
  )

/** What a server that repeats everything answers with: the whole request, and each text of it in one spelling. */
const repeat = (seen: Seen, echo: (told: string) => string): string => {
  const texts = [seen.told, ...(seen.body === "" ? [] : [secret])]
  return texts.map(echo).join(" ")
}

const transportError = (seen: Seen): HttpClientError.RequestError => {
  const told = `${seen.headers["authorization"] ?? ""} ${seen.body} ${seen.told}`
  const inner = Object.assign(new Error(`write ${told}`), { request: seen.request, headers: seen.headers })
  const cause = Object.assign(new AggregateError([inner, new Error(told)], `fetch failed: ${told}`, { cause: inner }), {
    code: "ECONNRESET",
    request: seen.request,
    options: { headers: seen.headers, body: seen.body }
  })
  return new HttpClientError.RequestError({ request: seen.request, reason: "Transport", cause, description: told })
}

const brokenBody = (seen: Seen, status = 200): Response =>
  new Response(
    new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode(`{"access_token":"${tokenNumber(1)}"`))
        controller.error(Object.assign(new Error(`terminated: ${seen.told} ${seen.body}`), { request: seen.request }))
      }
    }),
    { status }
  )

/** A token answer with a member replaced. */
const answering =
  (members: Record<string, unknown>, status = 200) =>
  (_: Seen, n: number): Response =>
    Response.json({ access_token: tokenNumber(n), expires_in: 3600, token_type: "Bearer", ...members }, { status })

describe("the detector", () => {
  const planted = "pl4nt3d\"\\/+ Ün&=%'~Kz81mQ"
  const found = needlesOf("planted", planted)

  class Typed extends Data.TaggedError("Typed")<{ readonly token: string }> {}
  class Hidden {
    readonly #value = planted
    get value(): string {
      return this.#value
    }
  }

  it.effect("finds a text planted in each rendering", () =>
    Effect.gen(function* () {
      // A value that shows its secret to all printers; the few that cannot show an object get another below.
      const open = Object.assign(new Error(planted), { name: "Open", token: planted, toJSON: () => ({ token: planted }) })
      const seen = yield* renderings(open, { everyLevel: true })
      for (const { name, text } of seen) {
        assert.isNotEmpty(find(text, found), `${name} does not show what was planted`)
      }
      const names = new Set(seen.map(({ name }) => name))
      for (const name of ["string", "logfmt", "json", "pretty", "structured"]) assert.isTrue(names.has(`${name} logger`))
      // Six levels, four placements, five loggers.
      assert.strictEqual(seen.filter(({ name }) => name.endsWith(" logger")).length, 120)
    })
  )

  it.effect("finds every spelling, and parts of it", () =>
    Effect.sync(() => {
      for (const [name, text] of Object.entries(spellings(planted))) {
        assert.include(find(`x${text}y`, found), `planted (${name})`)
        assert.isNotEmpty(find(`x${text.slice(2, 14)}y`, found), `part of ${name}`)
        assert.isNotEmpty(find(text.replace(/.{5}/g, "$&\n"), found), `${name} in lines`)
      }
      assert.deepStrictEqual(find("nothing of the kind, <redacted>", found), [])
    })
  )

  it.effect("finds it wherever a value can hold it", () =>
    Effect.gen(function* () {
      const bytes = new TextEncoder().encode(planted)
      const symbol = Symbol("s")
      const holders: Record<string, unknown> = {
        property: { a: { b: { c: { d: { e: [planted] } } } } },
        key: { [planted]: 1 },
        symbol: { [symbol]: planted },
        "symbol key": { [Symbol(planted)]: 1 },
        "not enumerable": Object.defineProperty({}, "x", { value: planted, enumerable: false }),
        getter: new Hidden(),
        bytes: { body: bytes },
        "array buffer": bytes.slice().buffer,
        map: new Map([["a", planted]]),
        set: new Set([planted]),
        "cause of an error": new Error("x", { cause: new Error(planted) }),
        "tagged error": new Typed({ token: planted }),
        stack: Object.assign(new Error("x"), { stack: planted }),
        "behind a toJSON": Object.assign(Object.create({ toJSON: () => "clean" }), { token: planted }),
        request: HttpClientRequest.get("https://x.example").pipe(HttpClientRequest.bearerToken(planted)),
        form: HttpClientRequest.post("https://x.example").pipe(
          HttpClientRequest.bodyUrlParams({ client_secret: planted })
        ),
        "request error": new HttpClientError.RequestError({
          reason: "Transport",
          request: HttpClientRequest.get("https://x.example").pipe(HttpClientRequest.basicAuth("id", "pl4nt3d-Kz81mQ"))
        }),
        function: Object.assign(() => 1, { planted }),
        context: Context.make(AuthorizedClient.AuthorizedClient, { planted } as never),
        cause: Cause.sequential(Cause.fail("x"), Cause.die({ planted })),
        exit: Exit.fail(new Typed({ token: planted })),
        effect: Effect.succeed(planted),
        URL: new URL(`https://x.example/?key=${encodeURIComponent(planted)}`)
      }
      const basic = { name: "basic", pieces: ["aWQ6cGw0bnQzZC1LejgxbVE"] }
      for (const [name, value] of Object.entries(holders)) {
        assert.isNotEmpty(yield* leaks(value, [...found, basic]), name)
      }
      assert.deepStrictEqual(yield* leaks({ token: Redacted.make(planted), list: [Redacted.make(planted)] }, found), [])
    })
  )

  it.effect("finds it in logs, on the console, in spans and in defects of a program", () =>
    Effect.gen(function* () {
      const programs: Record<string, Effect.Effect<unknown, unknown>> = {
        log: Effect.logTrace("x", planted),
        annotation: Effect.annotateLogs(Effect.logDebug("x"), "token", planted),
        console: Effect.consoleWith((console) => console.log(planted)),
        "span name": Effect.withSpan(Effect.void, planted),
        attribute: Effect.withSpan(Effect.void, "x", { attributes: { planted } }),
        event: Effect.withSpan(Effect.log(planted), "x"),
        "exit of a span": Effect.ignore(Effect.withSpan(Effect.fail({ planted }), "x")),
        link: Effect.withSpan(Effect.void, "x", {
          links: [{ _tag: "SpanLink", span: { _tag: "ExternalSpan" } as never, attributes: { planted } }]
        }),
        failure: Effect.fail(planted),
        success: Effect.succeed({ planted }),
        defect: Effect.die(new Error(planted))
      }
      for (const [name, program] of Object.entries(programs)) {
        assert.isNotEmpty((yield* observe(program, found)).leaks, name)
      }
    })
  )
})

describe("the token endpoint", () => {
  const codes = {
    invalid_client: "InvalidClient",
    unauthorized_client: "UnauthorizedClient",
    invalid_scope: "InvalidScope",
    invalid_grant: "InvalidGrant",
    invalid_request: "TokenRequestRejected",
    unsupported_grant_type: "TokenRequestRejected"
  } as const

  for (const clientAuthentication of ["post", "basic"] as const) {
    it.effect(`every OAuth error of a server that repeats the request (${clientAuthentication})`, () =>
      Effect.gen(function* () {
        for (const [code, tag] of Object.entries(codes)) {
          for (const status of [200, 400, 401, 403]) {
            const server = hostile({
              identity: (seen) =>
                Response.json(
                  {
                    error: code,
                    error_description: `${repeat(seen, (told) => told)} ${seen.body}`,
                    error_uri: seen.told,
                    access_token: tokenNumber(1),
                    request: seen
                  },
                  {
                    status,
                    headers: {
                      "www-authenticate": `Basic realm="${headerSafe(seen.told)}"`,
                      location: `https://x.example/${headerSafe(seen.told)}`,
                      "x-request": headerSafe(seen.headers["authorization"] ?? seen.body)
                    }
                  }
                )
            })
            const error = yield* cleanFailure(`${code} ${status}`, tag, exchange(server, { clientAuthentication }))
            assert.include(error.message, code)
            assert.include(error.message, "<redacted>")
          }
        }
      })
    )

    it.effect(`every spelling in error and error_description (${clientAuthentication})`, () =>
      Effect.gen(function* () {
        for (const [name, echo] of Object.entries(echoes)) {
          const server = hostile({
            identity: (seen) =>
              Response.json({ error: `e ${repeat(seen, echo)}`, error_description: repeat(seen, echo) }, { status: 400 })
          })
          yield* cleanFailure(name, "TokenRequestRejected", exchange(server, { clientAuthentication }))
        }
      })
    )
  }

  it.effect("the secret across the end of what is kept of a text", () =>
    Effect.gen(function* () {
      for (let before = 512 - secret.length - 2; before <= 513; before++) {
        const server = hostile({
          identity: () =>
            Response.json({ error: "invalid_client", error_description: "x".repeat(before) + secret }, { status: 400 })
        })
        yield* cleanFailure(`${before} before`, "InvalidClient", exchange(server))
      }
    })
  )

  it.effect("every other answer of a server that repeats the request", () =>
    Effect.gen(function* () {
      const text = (seen: Seen) => `${seen.body} ${seen.headers["authorization"] ?? ""} ${seen.told}`
      const html = (seen: Seen) => `<html><title>${text(seen)}</title></html>`
      const headers = (seen: Seen) => ({
        "x-echo": headerSafe(text(seen)),
        "set-cookie": `s=${encodeURIComponent(seen.told)}`,
        "content-type": `text/html; x="${headerSafe(seen.told)}"`
      })
      const answers: Record<string, readonly [ErpNetError.TokenError["_tag"], (seen: Seen) => Answer]> = {
        "HTML 200": ["TokenResponseInvalid", (seen) => new Response(html(seen), { headers: headers(seen) })],
        "JSON text 200": ["TokenResponseInvalid", (seen) => Response.json(text(seen))],
        "JSON array 200": ["TokenResponseInvalid", (seen) => Response.json([text(seen)])],
        "starts wrongly": ["TokenResponseInvalid", () => new Response(`${tokenNumber(1)}`)],
        truncated: ["TokenResponseInvalid", () => new Response(`{"access_token":"${tokenNumber(1)}`)],
        "error is not a text": ["TokenResponseInvalid", (seen) => Response.json({ error: [text(seen)] })],
        "redirect 302": [
          "TokenEndpointUnavailable",
          (seen) => new Response(html(seen), { status: 302, headers: { location: `/x?s=${headerSafe(seen.told)}` } })
        ],
        "redirect 307": [
          "TokenEndpointUnavailable",
          (seen) =>
            new Response(null, { status: 307, headers: { location: `https://x.example/${headerSafe(seen.told)}` } })
        ],
        "404": ["TokenEndpointUnavailable", (seen) => new Response(html(seen), { status: 404, headers: headers(seen) })],
        "405 JSON": ["TokenEndpointUnavailable", (seen) => Response.json({ error: text(seen) }, { status: 405 })],
        "500": ["TokenEndpointUnavailable", (seen) => new Response(html(seen), { status: 500, headers: headers(seen) })],
        "429, Retry-After garbage": [
          "TokenEndpointUnavailable",
          (seen) => new Response(null, { status: 429, headers: { "retry-after": headerSafe(seen.told) } })
        ],
        "503, Retry-After with more": [
          "TokenEndpointUnavailable",
          (seen) => new Response(null, { status: 503, headers: { "retry-after": `3; ${headerSafe(seen.told)}` } })
        ],
        "401 HTML": [
          "TokenEndpointUnavailable",
          (seen) =>
            new Response(html(seen), {
              status: 401,
              headers: { "www-authenticate": `Basic realm="${headerSafe(seen.told)}"` }
            })
        ],
        "body breaks": ["TokenEndpointUnavailable", (seen) => brokenBody(seen)],
        "body breaks, 500": ["TokenEndpointUnavailable", (seen) => brokenBody(seen, 500)],
        "transport error": ["TokenEndpointUnavailable", (seen) => Effect.fail(transportError(seen))],
        "too large": [
          "TokenEndpointUnavailable",
          (seen) => new Response(text(seen), { headers: { "content-length": "50000000" } })
        ]
      }
      for (const [name, [tag, answer]] of Object.entries(answers)) {
        for (const clientAuthentication of ["post", "basic"] as const) {
          const server = hostile({ identity: answer })
          yield* cleanFailure(name, tag, exchange(server, { clientAuthentication }))
          assert.isTrue(server.identity.length > 0)
        }
      }
    })
  )

  it.effect("tokens in odd places of an answer", () =>
    Effect.gen(function* () {
      const token = tokenNumber(1)
      const bodies: Record<string, Record<string, unknown>> = {
        number: { access_token: 12345678901234 },
        nested: { access_token: { value: token } },
        array: { access_token: [token] },
        null: { access_token: null, refresh_token: token },
        empty: { access_token: "", id_token: token },
        ...Object.fromEntries(
          ["\n", "\r", "\r\nX-Evil: 1", "\u0000", "\t", " ", "\u007F", "é", "€", "\u{1F600}", "\uD800", "\u2028"].flatMap(
            (bad) => [
              [`${JSON.stringify(bad)} inside`, { access_token: `${token}${bad}${token}` }],
              [`${JSON.stringify(bad)} after`, { access_token: `${token}${bad}` }],
              [`${JSON.stringify(bad)} before`, { access_token: `${bad}${token}` }]
            ]
          )
        ),
        "expires_in zero": { access_token: token, expires_in: 0 },
        "expires_in negative": { access_token: token, expires_in: -1 },
        "expires_in the token": { access_token: token, expires_in: token },
        "expires_in an object": { access_token: token, expires_in: { token } },
        "token_type the token": { access_token: token, token_type: token },
        "token_type an array": { access_token: token, token_type: [token] },
        "scope a number": { access_token: token, scope: 7 },
        "scope an object": { access_token: token, scope: { token } },
        "other case": { Access_Token: token }
      }
      for (const [name, body] of Object.entries(bodies)) {
        const server = hostile({ identity: answering({ access_token: undefined, ...body }) })
        yield* cleanFailure(name, "TokenResponseInvalid", exchange(server))
        const refused = yield* cleanFailure(name, "TokenResponseInvalid", calling(server, (client) => client.get("Crm")))
        assert.notInclude(refused.message, "undefined")
        assert.strictEqual(server.api.length, 0, `${name}: nothing goes out`)
      }
    })
  )

  it.effect("timeouts, an exchange under way, interruption", () =>
    Effect.gen(function* () {
      for (const identity of [
        () => Effect.never,
        () => new Response(new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode(tokenNumber(1))) }))
      ]) {
        const server = hostile({ identity })
        const fiber = yield* Effect.fork(clean("timeout", exchange(server)))
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* leaks(fiber, needles), [])
        yield* TestClock.adjust("60 seconds")
        const { exit } = yield* Fiber.join(fiber)
        const error = errorOf(exit)
        assert.isTrue(error?._tag === "TokenEndpointUnavailable" && error.reason === "timeout")

        const interrupted = yield* Effect.fork(exchange(server))
        yield* TestClock.adjust("1 seconds")
        const end = yield* Fiber.interrupt(interrupted)
        assert.isTrue(Exit.isInterrupted(end))
        assert.deepStrictEqual(yield* leaks(end, needles), [])
      }
    })
  )

  it.effect("a fiber, a request under way and the waiters show nothing to a printer", () =>
    Effect.gen(function* () {
      const server = hostile({ identity: () => Effect.never })
      const fiber = yield* Effect.fork(exchange(server, { clientAuthentication: "basic" }))
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(server.identity.length, 1)
      assert.deepStrictEqual(yield* leaks(fiber, needles), [])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("__proto__ and constructor in an answer do nothing", () =>
    Effect.gen(function* () {
      const token = { access_token: tokenNumber(1), expires_in: 3600, token_type: "Bearer" }
      const bodies = [
        `{"constructor":${JSON.stringify(token)}}`,
        `{"constructor":{"prototype":${JSON.stringify(token)}}}`,
        `{"prototype":${JSON.stringify(token)}}`,
        `[{"__proto__":${JSON.stringify(token)}}]`
      ]
      for (const body of bodies) {
        const server = hostile({ identity: () => new Response(body) })
        yield* cleanFailure(body, "TokenResponseInvalid", exchange(server))
      }
      assert.isUndefined(Reflect.get({}, "access_token"))
      assert.deepStrictEqual(Object.keys(Object.prototype), [])
    })
  )

  it.effect("__proto__ in an answer is no token", () =>
    Effect.gen(function* () {
      const body = `{"__proto__":{"access_token":"${tokenNumber(1)}"},"expires_in":3600}`
      const server = hostile({ identity: () => new Response(body) })
      yield* cleanFailure("token", "TokenResponseInvalid", exchange(server))
    })
  )

  it.effect("__proto__ in an answer is no error", () =>
    Effect.gen(function* () {
      const body = `{"__proto__":{"error":"invalid_client"},"access_token":"${tokenNumber(1)}","expires_in":3600}`
      const server = hostile({ identity: () => new Response(body) })
      const token = yield* exchange(server)
      assert.strictEqual(Redacted.value(token.value), tokenNumber(1))
    })
  )

  it.effect("the secret in Content-Encoding", () =>
    Effect.gen(function* () {
      const server = hostile({
        identity: (seen) => new Response("x", { headers: { "content-encoding": encodeURIComponent(seen.told) } })
      })
      yield* cleanFailure("content-encoding", "TokenResponseInvalid", exchange(server))
    })
  )

  it.effect("the token of the same answer in its error", () =>
    Effect.gen(function* () {
      const server = hostile({
        identity: () =>
          Response.json({ access_token: tokenNumber(1), error: "x", error_description: `revoke ${tokenNumber(1)}` })
      })
      yield* cleanFailure("token beside an error", "TokenRequestRejected", exchange(server))
    })
  )

  it.effect("a defect of the transport that holds the request", () =>
    Effect.gen(function* () {
      for (const clientAuthentication of ["post", "basic"] as const) {
        const server = hostile({
          identity: (seen) =>
            Effect.die(Object.assign(new Error(`bad header ${seen.told} ${seen.body}`), { request: seen.request }))
        })
        const { exit } = yield* clean("defect", exchange(server, { clientAuthentication }))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      }
    })
  )
})
