/** Calls of the API over real sockets, on each of the three HTTP layers. */
import { request as httpRequest } from "node:http"
import { inspect } from "node:util"
import { HttpBody, HttpClient, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Option, Stream } from "effect"
import { AuthorizedClient, TokenProvider } from "effect-erpnet"
import {
  application,
  eventually,
  type Handler,
  instanceAt,
  isTokenRequest,
  type SocketServer,
  sendJson,
  socketServer,
  withTokens
} from "../support/socketServer.ts"
import { transports } from "../support/transports.ts"

const ok: Handler = (_, response) => sendJson(response, 200, { value: [] })

const unauthorized: Handler = (_, response) => {
  response.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"', "content-length": "0" })
  response.end()
}

/** An API for which every token is revoked but the n-th. */
const accepting =
  (n: number, refuse: Handler = unauthorized): Handler =>
  (request, response, index) =>
    (request.bearer === `token-${n}` ? ok : refuse)(request, response, index)

const apiRequests = (server: SocketServer) => server.requests.filter((request) => !isTokenRequest(request))

describe.each(transports)("API over $name", ({ name, layer, oneConnection }) => {
  /** A client in the test's scope, whose transport stays open as long. */
  const connect = (
    api: Handler,
    options: AuthorizedClient.Options & TokenProvider.RenewalOptions = {},
    transport: Layer.Layer<HttpClient.HttpClient> = layer
  ) =>
    Effect.gen(function* () {
      const server = yield* socketServer(withTokens(api))
      const context = yield* Layer.build(transport)
      const tokens = yield* TokenProvider.make({
        ...options,
        instance: instanceAt(server),
        credentials: application
      }).pipe(Effect.provide(context))
      const client = yield* AuthorizedClient.make(options).pipe(
        Effect.provideService(TokenProvider.TokenProvider, tokens),
        Effect.provide(context)
      )
      return { server, client, tokens }
    })

  it.scopedLive("the call on the wire: target byte for byte, one Authorization, no fragment", () =>
    Effect.gen(function* () {
      const { client, server } = yield* connect(ok)
      const target = "/api/domain/odata/Crm_Customers?$top=10&$skiptoken=%2f%2F%C3%bc%27~+*()[]|&=&&x"
      const response = yield* client.get(`${server.url}${target}#fragment`)
      assert.deepStrictEqual(yield* response.json, { value: [] })
      yield* Effect.flatMap(
        client.get("Crm_Customers?$top=10", { headers: { Authorization: "Basic eA==" } }),
        (r) => r.text
      )
      yield* Effect.flatMap(
        client.execute(HttpClientRequest.setHash(HttpClientRequest.get("x"), "part")),
        (r) => r.text
      )
      assert.deepStrictEqual(
        apiRequests(server).map((request) => request.target),
        [target, "/api/domain/odata/Crm_Customers?$top=10", "/api/domain/odata/x"]
      )
      assert.lengthOf(server.bytes().match(/^authorization: Bearer token-1\r$/gim) ?? [], 3)
      assert.notInclude(server.bytes(), "Basic")
    })
  )

  for (const status of [301, 302, 303, 307, 308]) {
    it.scopedLive(`${status} to another host is handed back: not one byte reaches it`, () =>
      Effect.gen(function* () {
        const other = yield* socketServer(ok)
        const { client, server } = yield* connect((_, response) => {
          response.writeHead(status, { location: `${other.url}/steal`, "content-length": "5" })
          response.end("moved")
        })
        for (const request of [
          HttpClientRequest.get("x"),
          HttpClientRequest.bodyText(HttpClientRequest.post("x"), "a body")
        ]) {
          const response = yield* client.execute(request)
          assert.strictEqual(response.status, status)
          assert.strictEqual(response.headers["location"], `${other.url}/steal`)
          assert.strictEqual(yield* response.text, "moved")
        }
        assert.strictEqual(other.accepted(), 0)
        assert.lengthOf(apiRequests(server), 2)
      })
    )
  }

  it.scopedLive("a transport that follows redirects is found out", () =>
    Effect.gen(function* () {
      const other = yield* socketServer(ok)
      const following = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, HttpClient.followRedirects())
      ).pipe(Layer.provide(layer))
      const { client } = yield* connect(
        (_, response) => {
          response.writeHead(307, { location: `${other.url}/x` })
          response.end()
        },
        {},
        following
      )
      const error = yield* Effect.flip(client.get("x"))
      assert.deepInclude(error, { _tag: "ForeignOrigin", origin: other.url })
    })
  )

  const json = '{"Name":"Ünïcode 日本","Amount":12345678901234567890.10,"n":[1, 2]}'
  const bodies: ReadonlyArray<readonly [string, () => HttpBody.HttpBody, string]> = [
    ["JSON", () => HttpBody.text(json, "application/json"), json],
    ["text", () => HttpBody.text("plain ü"), "plain ü"],
    ["urlParams", () => HttpBody.urlParams([["a", "b c&ü"]]), "a=b+c%26%C3%BC"],
    ["bytes", () => HttpBody.uint8Array(new TextEncoder().encode("bytes")), "bytes"],
    ["raw text", () => HttpBody.raw("raw text"), "raw text"]
  ]
  for (const [what, body, expected] of bodies) {
    it.scopedLive(`${what} is sent again byte for byte with its headers`, () =>
      Effect.gen(function* () {
        const { client, server } = yield* connect(accepting(2))
        const response = yield* client.patch("x", { body: body(), headers: { "x-mine": "1", prefer: "a, b" } })
        assert.strictEqual(response.status, 200)
        const [first, second] = apiRequests(server)
        assert.strictEqual(first?.body, expected)
        assert.strictEqual(second?.body, expected)
        const comparable = (request: typeof first) => ({ ...request?.headers, authorization: undefined })
        assert.deepStrictEqual(comparable(first), comparable(second))
        assert.deepStrictEqual([second?.headers["x-mine"], second?.headers["prefer"]], ["1", "a, b"])
        assert.deepStrictEqual([first?.bearer, second?.bearer], ["token-1", "token-2"])
      })
    )
  }

  // The FormData of Node is none for the undici of npm.
  if (name !== "undici") {
    it.scopedLive("a form with a file is sent again", () =>
      Effect.gen(function* () {
        const { client, server } = yield* connect(accepting(2))
        const form = new FormData()
        form.append("file", new Blob(["content of the file"]), "a.csv")
        assert.strictEqual((yield* client.post("x", { body: HttpBody.formData(form) })).status, 200)
        const sent = apiRequests(server)
        assert.lengthOf(sent, 2)
        for (const request of sent) {
          assert.match(request.headers["content-type"] ?? "", /^multipart\/form-data; ?boundary=/)
          assert.include(request.body, "content of the file")
        }
      })
    )
  }

  it.scopedLive("a stream is sent once, and the next call has a new token", () =>
    Effect.gen(function* () {
      const { client, server } = yield* connect(accepting(2))
      const body = HttpBody.stream(Stream.make(new TextEncoder().encode("streamed")))
      assert.strictEqual((yield* Effect.flip(client.post("x", { body })))._tag, "Unauthorized")
      assert.strictEqual((yield* client.get("x")).status, 200)
      assert.deepStrictEqual(
        apiRequests(server).map((request) => [request.bearer, request.body]),
        [
          ["token-1", "streamed"],
          ["token-2", ""]
        ]
      )
    })
  )

  it.scopedLive("several WWW-Authenticate headers", () =>
    Effect.gen(function* () {
      const { client } = yield* connect((_, response) => {
        response.setHeader("www-authenticate", [
          'Basic realm="a, Bearer error=\\"fake\\""',
          "Negotiate",
          'Bearer error="invalid_token", error_description="The token expired at \'11/03/2025 16:56:00\'"'
        ])
        response.writeHead(401)
        response.end()
      })
      const error = yield* Effect.flip(client.get("x?y=1"))
      assert.deepInclude(error, {
        _tag: "Expired",
        status: 401,
        error: "invalid_token",
        errorDescription: "The token expired at '11/03/2025 16:56:00'",
        method: "GET",
        path: "/api/domain/odata/x"
      })
    })
  )

  it.scopedLive("100 calls at once with a revoked token: one more exchange, all succeed", () =>
    Effect.gen(function* () {
      const { client, server, tokens } = yield* connect(accepting(2))
      yield* tokens.get
      const responses = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => Effect.tap(client.post("x", { body: HttpBody.text("body") }), (response) => response.text),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([...new Set(responses.map((response) => response.status))], [200])
      assert.lengthOf(server.requests.filter(isTokenRequest), 2)
      assert.lengthOf(apiRequests(server), 200)
    })
  )

  it.scopedLive("a 401 of 256 KiB gives its connection back before the retry: 100 calls over one connection", () =>
    Effect.gen(function* () {
      const page = Buffer.alloc(256 * 1024, "x")
      const { client, server } = yield* connect(
        (request, response, index) => {
          if (index % 2 === 0) return ok(request, response, index)
          response.writeHead(401, { "content-type": "text/html" })
          response.end(page)
          return undefined
        },
        { minimumTokenAge: 0 },
        oneConnection
      )
      for (let call = 0; call < 100; call++) {
        const response = yield* client.get("x").pipe(
          Effect.tap((answer) => answer.text),
          Effect.timeoutFail({ duration: "10 seconds", onTimeout: () => new Error("no connection was free") })
        )
        assert.strictEqual(response.status, 200)
      }
      assert.lengthOf(apiRequests(server), 200)
      assert.lengthOf(server.requests.filter(isTokenRequest), 101)
      yield* eventually(() => server.open() <= 1, "one socket is open")
    })
  )

  it.scopedLive("a 401 whose body stalls is dropped with its socket", () =>
    Effect.gen(function* () {
      let stalled = 0
      const { client, server } = yield* connect(
        accepting(2, (_, response) => {
          stalled += 1
          response.writeHead(401, { "content-length": "1000" })
          response.write("the beginning of a page")
        })
      )
      assert.strictEqual((yield* Effect.tap(client.get("x"), (response) => response.text)).status, 200)
      assert.strictEqual(stalled, 1)
      yield* eventually(() => apiRequests(server)[0]?.socket.destroyed === true, "the socket is closed")
    })
  )

  it.scopedLive("keep-alive is not leaked: 100 calls, refused and accepted, leave a socket or two", () =>
    Effect.gen(function* () {
      const { client, server } = yield* connect((request, response, index) => {
        if (index % 4 === 0) unauthorized(request, response, index)
        else ok(request, response, index)
      })
      for (let call = 0; call < 100; call++) {
        yield* Effect.ignore(Effect.flatMap(client.get("x"), (response) => response.json))
      }
      yield* eventually(() => server.open() <= 2, "at most two sockets are open")
      // The node:http layer of the platform opens a connection for each request.
      if (name !== "node") assert.isBelow(server.accepted(), 20)
    })
  )

  it.scopedLive("no cookie is kept or sent back", () =>
    Effect.gen(function* () {
      const { client, server } = yield* connect((request, response, index) => {
        response.setHeader("set-cookie", ["ASP.NET_SessionId=abc; Path=/", "other=1"])
        ok(request, response, index)
      })
      for (let call = 0; call < 3; call++) {
        const response = yield* client.get("x")
        assert.strictEqual(Object.keys(response.cookies.cookies).length, 2)
        yield* response.text
      }
      assert.deepStrictEqual(
        server.requests.map((request) => request.headers.cookie),
        [undefined, undefined, undefined, undefined]
      )
    })
  )

  it.scopedLive("the API is down", () =>
    Effect.gen(function* () {
      const { url } = yield* Effect.scoped(socketServer(ok))
      const { tokens } = yield* connect(ok)
      const context = yield* Layer.build(layer)
      const client = yield* AuthorizedClient.make().pipe(
        Effect.provideService(TokenProvider.TokenProvider, { ...tokens, instance: instanceAt({ url }) }),
        Effect.provide(context)
      )
      const error = yield* Effect.flip(client.get("x"))
      assert.deepInclude(error, { _tag: "RequestError", reason: "Transport", message: "Transport error (GET x)" })
      assert.include(inspect(error.cause), "ECONNREFUSED")
      assert.notInclude(inspect(error, { depth: null, showHidden: true, customInspect: false }), "token-1")
    })
  )

  it.scopedLive("a reset before the headers and one in the body: errors without the token", () =>
    Effect.gen(function* () {
      const { client, server } = yield* connect((request, response) => {
        if (request.target.endsWith("early")) return request.socket.resetAndDestroy()
        response.writeHead(200, { "content-type": "application/json", "content-length": "500" })
        response.write('{"value":[', () => request.socket.resetAndDestroy())
        return undefined
      })
      const early = yield* Effect.flip(client.get("early"))
      assert.deepInclude(early, { _tag: "RequestError", reason: "Transport" })
      const late = yield* client.get("late").pipe(
        Effect.flatMap((response) => response.json),
        Effect.flip
      )
      assert.propertyVal(
        late,
        "message",
        late._tag === "ResponseError" ? "Decode error (200 GET late)" : "Transport error (GET late)"
      )
      for (const error of [early, late]) {
        for (const text of [
          inspect(error, { depth: null, showHidden: true }),
          inspect(error, { depth: null, showHidden: true, customInspect: false }),
          JSON.stringify(error),
          Cause.pretty(Cause.fail(error), { renderErrorCause: true }),
          inspect(Exit.fail(error), { depth: null })
        ]) {
          assert.notInclude(text, "token-1")
        }
      }
      assert.isAtLeast(apiRequests(server).length, 2)
    })
  )

  it.scopedLive("an interrupted call closes its socket: before the headers and in the body", () =>
    Effect.gen(function* () {
      const { client, server } = yield* connect((request, response) => {
        if (request.target.endsWith("early")) return
        response.writeHead(200, { "content-type": "text/plain" })
        response.write("some")
      })
      const early = yield* Effect.fork(client.get("early"))
      yield* eventually(() => apiRequests(server).length === 1, "the request has come")
      yield* Fiber.interrupt(early)
      yield* eventually(() => apiRequests(server)[0]?.socket.destroyed === true, "the socket is closed")
      let isReading = false
      const late = yield* client.get("late").pipe(
        Effect.tap(() => Effect.sync(() => (isReading = true))),
        Effect.flatMap((response) => response.text),
        Effect.fork
      )
      yield* eventually(() => isReading, "the headers have come")
      yield* Fiber.interrupt(late)
      yield* eventually(() => apiRequests(server)[1]?.socket.destroyed === true, "the socket is closed")
    })
  )

  it.scopedLive("a caller that takes the beginning of a large stream closes its socket", () =>
    Effect.gen(function* () {
      const { client, server } = yield* connect((_, response) => {
        response.writeHead(200, { "content-type": "text/plain" })
        const chunk = Buffer.alloc(64 * 1024, "x")
        const write = () => {
          while (!response.destroyed && response.write(chunk)) {}
          if (!response.destroyed) response.once("drain", write)
        }
        write()
      })
      const response = yield* client.get("x")
      assert.isAbove(
        yield* response.stream.pipe(
          Stream.take(1),
          Stream.runFold(0, (sum, chunk) => sum + chunk.length)
        ),
        0
      )
      yield* eventually(() => apiRequests(server)[0]?.socket.destroyed === true, "the socket is closed")
    })
  )

  it.scopedLive("the accessors of a response, each on its own", () =>
    Effect.gen(function* () {
      const { client } = yield* connect((request, response) => {
        const multipart = '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
        response.setHeader(
          "content-type",
          request.target.endsWith("form") ? "multipart/form-data; boundary=x" : "application/json"
        )
        response.end(
          request.target.endsWith("form") ? multipart : request.target.endsWith("params") ? "a=b" : '{"a":"ü"}'
        )
      })
      assert.deepStrictEqual(yield* (yield* client.get("x")).json, { a: "ü" })
      assert.strictEqual(yield* (yield* client.get("x")).text, '{"a":"ü"}')
      assert.strictEqual((yield* (yield* client.get("x")).arrayBuffer).byteLength, 10)
      assert.deepStrictEqual(yield* (yield* client.get("params")).urlParamsBody, [["a", "b"]])
      // The undici layer of the platform cannot decode forms.
      if (name !== "undici") assert.strictEqual((yield* (yield* client.get("form")).formData).get("a"), "b")
      const streamed = (yield* client.get("x")).stream.pipe(Stream.decodeText(), Stream.mkString)
      assert.strictEqual(yield* streamed, '{"a":"ü"}')
      const printed = yield* client.get("x")
      assert.strictEqual(inspect(printed), "{ _id: 'HttpClientResponse', method: 'GET', status: 200 }")
      assert.deepStrictEqual(yield* printed.json, { a: "ü" })
      assert.strictEqual(Option.getOrUndefined(printed.remoteAddress), name === "node" ? "127.0.0.1" : undefined)
    })
  )

  it.scopedLive("HEAD, 204 and 304 have no body and hang nowhere", () =>
    Effect.gen(function* () {
      const { client } = yield* connect((request, response) => {
        response.writeHead(request.method === "HEAD" ? 200 : Number(request.target.slice(-3)))
        response.end()
      })
      assert.strictEqual((yield* client.head("x")).status, 200)
      for (const status of [204, 304]) {
        const response = yield* client.get(`x/${status}`)
        assert.deepStrictEqual([response.status, yield* response.text], [status, ""])
      }
      const refusing = yield* connect(accepting(2))
      assert.strictEqual((yield* refusing.client.head("x")).status, 200)
    })
  )
})

it.live("the test server itself counts bytes and sockets", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* socketServer(ok)
      yield* Effect.async<void>((resume) => {
        httpRequest(`${server.url}/x`, { agent: false }, (response) => {
          response.resume().on("end", () => resume(Effect.void))
        }).end("body")
      })
      assert.strictEqual(server.accepted(), 1)
      assert.match(server.bytes(), /^GET \/x HTTP\/1\.1\r\n[\s\S]*body/)
      yield* eventually(() => server.open() === 0, "the socket is closed")
    })
  )
)
