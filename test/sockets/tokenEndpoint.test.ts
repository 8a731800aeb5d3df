/** The token endpoint over real sockets, on each of the three HTTP layers. */

import type { ServerResponse } from "node:http"
import { gzipSync } from "node:zlib"
import { FetchHttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Redacted, Schedule, Scope } from "effect"
import { Instance, TokenEndpoint, TokenProvider, TrustedApplication } from "effect-erpnet"
import { secret } from "../support/fixtures.ts"
import { application, eventually, type Handler, instanceAt, sendJson, socketServer } from "../support/socketServer.ts"
import { transports } from "../support/transports.ts"

const issued = { access_token: "issued", expires_in: 3600, token_type: "Bearer", scope: "read" }
const issue: Handler = (_, response) => sendJson(response, 200, issued)

const once: TokenEndpoint.Options = { retryTransient: Schedule.stop }
const quick: TokenEndpoint.Options = { retryTransient: Schedule.recurs(2) }

const raw = (response: ServerResponse, status: number, body: string | Buffer, headers: Record<string, string> = {}) => {
  response.writeHead(status, headers)
  response.end(body)
}

describe.each(transports)("token endpoint over $name", ({ name, layer, oneConnection }) => {
  const ask = (handler: Handler, options: TokenEndpoint.Options = once) =>
    Effect.gen(function* () {
      const server = yield* socketServer(handler)
      const exit = yield* TokenEndpoint.request(instanceAt(server), application, options).pipe(
        Effect.either,
        Effect.provide(layer)
      )
      return { server, exit }
    })

  const failure = (handler: Handler, options: TokenEndpoint.Options = once) =>
    Effect.flatMap(ask(handler, options), ({ server, exit }) =>
      exit._tag === "Left" ? Effect.succeed({ server, error: exit.left }) : Effect.dieMessage("a token was issued")
    )

  const success = (handler: Handler, options: TokenEndpoint.Options = once) =>
    Effect.flatMap(ask(handler, options), ({ server, exit }) =>
      exit._tag === "Right" ? Effect.succeed({ server, token: exit.right }) : Effect.die(exit.left)
    )

  /** A provider in the test's scope, whose transport stays open as long. */
  const provider = (server: { readonly url: string }, options: TokenEndpoint.Options = {}) =>
    Effect.flatMap(Layer.build(layer), (context) =>
      Effect.provide(
        TokenProvider.make({ ...options, instance: instanceAt(server), credentials: application }),
        context
      )
    )

  it.scopedLive("the form on the wire: four fields, and nothing that is not asked for", () =>
    Effect.gen(function* () {
      const { server } = yield* success(issue)
      const [head, body] = server.bytes().split("\r\n\r\n")
      const [requestLine, ...lines] = (head ?? "").split("\r\n")
      assert.strictEqual(requestLine, "POST /id/connect/token HTTP/1.1")
      assert.strictEqual(
        body,
        "grant_type=client_credentials&client_id=my.trusted.app%2Fservice" +
          "&client_secret=s3cret%2F%2B+%C3%9Cn%C3%AFcode%26%3D%25&scope=read"
      )
      const headers = new Map(lines.map((line) => [line.split(":")[0]?.toLowerCase(), line.replace(/^[^:]*: ?/, "")]))
      assert.strictEqual(headers.get("content-type"), "application/x-www-form-urlencoded")
      assert.strictEqual(headers.get("content-length"), String(body?.length))
      assert.strictEqual(headers.get("accept"), "application/json")
      assert.strictEqual(headers.get("accept-encoding"), "identity")
      for (const absent of ["authorization", "cookie", "traceparent", "b3", "origin", "referer"]) {
        assert.isFalse(headers.has(absent), absent)
      }
      assert.lengthOf(server.requests, 1)
      const fields = [...new URLSearchParams(body)]
      assert.deepStrictEqual(fields, [
        ["grant_type", "client_credentials"],
        ["client_id", "my.trusted.app/service"],
        ["client_secret", secret],
        ["scope", "read"]
      ])
    })
  )

  it.scopedLive("no scope configured, no field scope; Basic puts id and secret into the header", () =>
    Effect.gen(function* () {
      const server = yield* socketServer(issue)
      const bare = yield* TrustedApplication.make({ clientId: "id", clientSecret: Redacted.make("p+ %ü") })
      const request = TokenEndpoint.request(instanceAt(server), bare, { ...once, clientAuthentication: "basic" })
      yield* Effect.provide(request, layer)
      assert.strictEqual(server.requests[0]?.body, "grant_type=client_credentials")
      assert.strictEqual(
        server.requests[0]?.headers.authorization,
        `Basic ${Buffer.from("id:p%2B+%25%C3%BC").toString("base64")}`
      )
    })
  )

  for (const status of [301, 302, 303, 307, 308]) {
    it.scopedLive(`${status} to another host: not one byte reaches it`, () =>
      Effect.gen(function* () {
        const other = yield* socketServer(issue)
        const { server, error } = yield* failure((_, response) =>
          raw(response, status, "moved", { location: `${other.url}/id/connect/token` })
        )
        assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "redirect", status })
        assert.strictEqual(other.accepted(), 0)
        assert.lengthOf(server.requests, 1)
        assert.notInclude(error.message, other.url)
      })
    )
  }

  it.scopedLive("a redirect is refused also where the user asked fetch to follow them, and other options stay", () =>
    Effect.gen(function* () {
      const other = yield* socketServer(issue)
      const server = yield* socketServer((_, response) => raw(response, 302, "", { location: other.url }))
      const init = Layer.succeed(FetchHttpClient.RequestInit, { redirect: "follow", headers: { "x-mine": "1" } })
      const error = yield* TokenEndpoint.request(instanceAt(server), application, once).pipe(
        Effect.flip,
        Effect.provide(Layer.merge(Layer.provide(layer, init), init))
      )
      assert.deepInclude(error, { reason: "redirect", status: 302 })
      assert.strictEqual(other.accepted(), 0)
      assert.strictEqual(server.requests[0]?.headers["x-mine"], name === "fetch" ? "1" : undefined)
    })
  )

  it.live("nobody listens", () =>
    Effect.gen(function* () {
      const { url } = yield* Effect.scoped(socketServer(issue))
      const error = yield* TokenEndpoint.request(instanceAt({ url }), application, quick).pipe(
        Effect.flip,
        Effect.provide(layer)
      )
      assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "transport" })
      assert.include(error.message, "ECONNREFUSED")
    })
  )

  it.scopedLive("hanging before the headers: the timeout, once, and the socket is closed", () =>
    Effect.gen(function* () {
      const { server, error } = yield* failure(() => undefined, { requestTimeout: "120 millis" })
      assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "timeout" })
      assert.isAtMost(server.requests.length, 1)
      yield* eventually(() => server.open() === 0, "the socket is closed")
    })
  )

  it.scopedLive("stalling in the body: the timeout counts for the body too", () =>
    Effect.gen(function* () {
      const { server, error } = yield* failure(
        (_, response) => {
          response.writeHead(200, { "content-type": "application/json" })
          response.write('{"access_token":"iss')
        },
        { requestTimeout: "120 millis" }
      )
      assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "timeout" })
      assert.isAtMost(server.requests.length, 1)
      yield* eventually(() => server.open() === 0, "the socket is closed")
    })
  )

  it.scopedLive("reset before the headers: tried again, then an error without the secret", () =>
    Effect.gen(function* () {
      const reset: Handler = (request) => request.socket.resetAndDestroy()
      const { server, error } = yield* failure(reset, quick)
      assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "transport" })
      assert.lengthOf(server.requests, 3)
      const second = yield* success(
        (request, response, index) =>
          index === 1 ? request.socket.resetAndDestroy() : issue(request, response, index),
        quick
      )
      assert.lengthOf(second.server.requests, 2)
    })
  )

  it.scopedLive("reset in the body: tried again", () =>
    Effect.gen(function* () {
      const { server } = yield* success((request, response, index) => {
        if (index > 1) return issue(request, response, index)
        response.writeHead(200, { "content-type": "application/json", "content-length": "500" })
        response.write('{"access_token":"iss', () => request.socket.resetAndDestroy())
        return undefined
      }, quick)
      assert.lengthOf(server.requests, 2)
    })
  )

  it.scopedLive("an idle connection that the server resets is no error", () =>
    Effect.gen(function* () {
      const seen = new Set<unknown>()
      let resets = 0
      const server = yield* socketServer((request, response, index) => {
        // The second request on a connection finds it gone, as behind a proxy that dropped it while idle.
        if (seen.has(request.socket)) {
          resets += 1
          request.socket.resetAndDestroy()
        } else {
          seen.add(request.socket)
          issue(request, response, index)
        }
      })
      const request = TokenEndpoint.request(instanceAt(server), application, {
        retryTransient: Schedule.recurs(2)
      })
      const tokens = yield* Effect.all([request, request, request]).pipe(Effect.provide(oneConnection))
      assert.lengthOf(tokens, 3)
      assert.isAbove(resets, 0)
    })
  )

  for (const status of [500, 502, 503]) {
    it.scopedLive(`${status} with a page of HTML: tried again, then its status`, () =>
      Effect.gen(function* () {
        const page: Handler = (_, response) =>
          raw(response, status, "<html><h1>Bad Gateway</h1></html>".repeat(100), { "content-type": "text/html" })
        const { server, error } = yield* failure(page, quick)
        assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "status", status })
        assert.notInclude(error.message, "html")
        assert.lengthOf(server.requests, 3)
        const second = yield* success(
          (request, response, index) =>
            index === 1 ? page(request, response, index) : issue(request, response, index),
          quick
        )
        assert.lengthOf(second.server.requests, 2)
      })
    )
  }

  it.scopedLive("429 with Retry-After in seconds is waited for, a long one is carried", () =>
    Effect.gen(function* () {
      const { error, server } = yield* failure(
        (_, response) => raw(response, 429, "slow down", { "retry-after": "3600" }),
        quick
      )
      assert.deepInclude(error, { reason: "status", status: 429 })
      assert.deepStrictEqual("retryAfter" in error ? error.retryAfter : undefined, Duration.seconds(3600))
      assert.lengthOf(server.requests, 1)
    })
  )

  for (const status of [200, 400, 401, 403]) {
    it.scopedLive(`${status} with an OAuth error`, () =>
      Effect.gen(function* () {
        const { error, server } = yield* failure((_, response) => {
          response.setHeader("www-authenticate", 'Basic realm="id", charset="UTF-8"')
          sendJson(response, status, { error: "invalid_client", error_description: `unknown: ${secret}` })
        }, quick)
        assert.deepInclude(error, { _tag: "InvalidClient", status, errorDescription: "unknown: <redacted>" })
        assert.lengthOf(server.requests, 1)
      })
    )
  }

  const unusable: ReadonlyArray<readonly [string, string | Buffer, Record<string, string>]> = [
    ["an empty body", "", {}],
    ["null", "null", { "content-type": "application/json" }],
    ["an array", "[]", { "content-type": "application/json" }],
    ["a text", '"issued"', { "content-type": "application/json" }],
    ["truncated JSON", '{"access_token":"issued","expires_in":36', { "content-type": "application/json" }],
    ["HTML", "<html>log in</html>", { "content-type": "text/html" }],
    ["gzip that is none", "no gzip", { "content-encoding": "gzip", "content-type": "application/json" }],
    ["bytes that are no UTF-8", Buffer.from([0xff, 0xfe, 0x00]), { "content-type": "application/json" }]
  ]
  for (const [what, body, headers] of unusable) {
    it.scopedLive(`200 with ${what}`, () =>
      Effect.gen(function* () {
        const { error } = yield* failure((_, response) => raw(response, 200, body, headers))
        const broken = what === "gzip that is none" && name === "fetch"
        assert.strictEqual(error._tag, broken ? "TokenEndpointUnavailable" : "TokenResponseInvalid")
        assert.notInclude(error.message, "issued")
        if (headers["content-encoding"] !== undefined && !broken) assert.include(error.message, "content-encoding gzip")
      })
    )
  }

  it.scopedLive("a connection that ends before the declared length", () =>
    Effect.gen(function* () {
      const { error } = yield* failure((request, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "500" })
        response.write(JSON.stringify(issued), () => request.socket.end())
      })
      assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "transport" })
    })
  )

  it.scopedLive("an answer compressed although nobody asked: fetch reads it, the others say why not", () =>
    Effect.gen(function* () {
      const { exit } = yield* ask((_, response) =>
        raw(response, 200, gzipSync(JSON.stringify(issued)), {
          "content-type": "application/json",
          "content-encoding": "gzip"
        })
      )
      if (exit._tag === "Right") {
        assert.strictEqual(name, "fetch")
        assert.strictEqual(Redacted.value(exit.right.value), "issued")
      } else {
        assert.notStrictEqual(name, "fetch")
        assert.strictEqual(exit.left._tag, "TokenResponseInvalid")
        assert.include(exit.left.message, "content-encoding gzip")
      }
    })
  )

  const accepted: ReadonlyArray<readonly [string, string, Record<string, string>]> = [
    ["a byte order mark", `\uFEFF${JSON.stringify(issued)}`, { "content-type": "application/json" }],
    ["no content type", JSON.stringify(issued), {}],
    ["a wrong content type", JSON.stringify(issued), { "content-type": "text/html; charset=utf-8" }],
    ["blanks around it", ` \n ${JSON.stringify(issued)} \r\n`, { "content-type": "application/json" }]
  ]
  for (const [what, body, headers] of accepted) {
    it.scopedLive(`a token with ${what} is a token`, () =>
      Effect.gen(function* () {
        const { token } = yield* success((_, response) => raw(response, 200, body, headers))
        assert.strictEqual(Redacted.value(token.value), "issued")
        assert.deepStrictEqual(token.scopes, ["read"])
      })
    )
  }

  for (const declared of [true, false]) {
    it.scopedLive(`50 MB ${declared ? "declared" : "in chunks"}: stops at 1 MiB and closes the socket`, () =>
      Effect.gen(function* () {
        const size = 50_000_000
        let written = 0
        let finished = false
        const { server, error } = yield* failure((_, response) => {
          response.writeHead(200, {
            "content-type": "application/json",
            ...(declared ? { "content-length": String(size) } : {})
          })
          const chunk = Buffer.alloc(64 * 1024, " ")
          const write = () => {
            while (written < size) {
              const part = chunk.subarray(0, Math.min(chunk.length, size - written))
              written += part.length
              if (!response.write(part)) {
                response.once("drain", write)
                return
              }
            }
            finished = true
            response.end()
          }
          write()
        })
        assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "tooLarge" })
        yield* eventually(() => server.open() === 0, "the socket is closed")
        assert.isFalse(finished)
        // What the buffers of both ends hold comes on top of the limit.
        assert.isBelow(written, 20_000_000)
      })
    )
  }

  it.scopedLive("no cookie is kept or sent back, and other headers of the answer do nothing", () =>
    Effect.gen(function* () {
      const server = yield* socketServer((_, response) => {
        response.setHeader("set-cookie", ["session=abc; Path=/; HttpOnly", "idsrv=1"])
        sendJson(response, 200, issued)
      })
      const request = TokenEndpoint.request(instanceAt(server), application, once)
      yield* Effect.all([request, request]).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        server.requests.map((received) => received.headers.cookie),
        [undefined, undefined]
      )
    })
  )

  it.scopedLive("a caller that leaves does not disturb the exchange; closing the layer ends it with its socket", () =>
    Effect.gen(function* () {
      const waiting: Array<() => void> = []
      const server = yield* socketServer((request, response, index) => {
        waiting.push(() => issue(request, response, index))
      })
      const scope = yield* Scope.make()
      const tokens = yield* provider(server, once).pipe(Scope.extend(scope))
      const leader = yield* Effect.fork(tokens.get)
      yield* eventually(() => waiting.length === 1, "the request has come")
      const other = yield* Effect.fork(tokens.get)
      yield* Fiber.interrupt(leader)
      assert.strictEqual(server.open(), 1)
      waiting[0]?.()
      assert.strictEqual(Redacted.value((yield* Fiber.join(other)).value), "issued")
      assert.lengthOf(server.requests, 1)

      const renewal = yield* Effect.fork(Effect.flip(tokens.renew(yield* tokens.get)))
      yield* eventually(() => waiting.length === 2, "the second request has come")
      yield* Scope.close(scope, Exit.void)
      const error = yield* Fiber.join(renewal)
      assert.deepInclude(error, { _tag: "TokenEndpointUnavailable", reason: "closed" })
      yield* eventually(() => server.requests[1]?.socket.destroyed === true, "the socket is closed")
    })
  )

  it.scopedLive("a caller's own timeout ends its waiting, and the token arrives for the next", () =>
    Effect.gen(function* () {
      let release: () => void = () => undefined
      const server = yield* socketServer((request, response, index) => {
        release = () => issue(request, response, index)
      })
      const tokens = yield* provider(server)
      const timedOut = yield* Effect.option(Effect.timeout(tokens.get, "50 millis"))
      assert.strictEqual(timedOut._tag, "None")
      yield* eventually(() => server.requests.length === 1, "the request has come")
      release()
      assert.strictEqual(Redacted.value((yield* tokens.get).value), "issued")
      assert.lengthOf(server.requests, 1)
    })
  )

  it.scopedLive("recovery: the first call after the server is back succeeds", () =>
    Effect.gen(function* () {
      let isUp = false
      const server = yield* socketServer((request, response, index) =>
        isUp ? issue(request, response, index) : request.socket.resetAndDestroy()
      )
      const tokens = yield* provider(server, once)
      const errors = yield* Effect.all(
        Array.from({ length: 20 }, () => Effect.flip(tokens.get)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([...new Set(errors.map((error) => error._tag))], ["TokenEndpointUnavailable"])
      assert.lengthOf(server.requests, 1)
      isUp = true
      assert.strictEqual(Redacted.value((yield* tokens.get).value), "issued")
      assert.lengthOf(server.requests, 2)
    })
  )

  it.scopedLive("sockets do not pile up over 30 exchanges, good and bad", () =>
    Effect.gen(function* () {
      const large = Buffer.alloc(300_000, "x")
      const server = yield* socketServer((request, response, index) => {
        if (index % 3 === 0) raw(response, 500, large, { "content-type": "text/html" })
        else if (index % 3 === 1) raw(response, 302, large, { location: "https://elsewhere.example/" })
        else issue(request, response, index)
      })
      const request = Effect.either(TokenEndpoint.request(instanceAt(server), application, once))
      yield* Effect.gen(function* () {
        for (let index = 0; index < 30; index++) yield* request
        yield* eventually(() => server.open() <= 2, "at most two sockets are open")
      }).pipe(Effect.provide(layer))
    })
  )

  it.scopedLive("Instance.discover over a socket", () =>
    Effect.gen(function* () {
      const server = yield* socketServer((request, response) => {
        if (request.target === "/sys/auto-discovery") sendJson(response, 200, { WebSites: [] })
        else raw(response, 404, "")
      })
      const found = yield* Instance.discover(server.url).pipe(Effect.provide(layer))
      assert.strictEqual(found.odata, `${server.url}/api/domain/odata/`)
    })
  )
})
