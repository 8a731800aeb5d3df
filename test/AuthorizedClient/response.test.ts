import { inspect } from "node:util"
import {
  Cookies,
  HttpBody,
  HttpClient,
  HttpClientError,
  HttpClientRequest,
  HttpClientResponse,
  HttpIncomingMessage,
  UrlParams
} from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Option, Schema, Stream } from "effect"
import { type Answer, clientOf, fakeApi, tokenNumber, unauthorized } from "../support/fakeApi.ts"
import { instance } from "../support/fixtures.ts"

const get = (answer: () => Answer, request = HttpClientRequest.get("Crm_Customers?$top=1")) =>
  Effect.flatMap(clientOf(fakeApi(answer)), ({ client }) => client.execute(request))

/** A transport whose calls to the API fail with what the test makes of the request, token and all. */
const failing = (toError: (request: HttpClientRequest.HttpClientRequest) => HttpClientError.HttpClientError) => {
  const { http } = fakeApi(() => new Response())
  const client = HttpClient.make((request) =>
    request.url === instance.tokenEndpoint ? http.execute(request) : toError(request)
  )
  return { layer: Layer.succeed(HttpClient.HttpClient, client) }
}

const json = (body: unknown, init?: ResponseInit) => () => Response.json(body, init)

/** Every way in which a value is usually shown. */
const renderings = (value: unknown): string =>
  [
    inspect(value, { depth: null, showHidden: true, getters: true }),
    inspect(value, { depth: null, showHidden: true, customInspect: false }),
    JSON.stringify(value),
    String(value),
    `${value}`,
    Cause.pretty(Cause.fail(value), { renderErrorCause: true }),
    inspect(Cause.fail(value), { depth: null }),
    inspect(Exit.succeed(value), { depth: null }),
    JSON.stringify(Exit.fail(value)),
    value instanceof Error ? `${value.stack} ${inspect(value.cause, { depth: null })}` : ""
  ].join("\n")

const isClean = (value: unknown) => {
  const text = renderings(value)
  assert.notInclude(text, tokenNumber(1))
  assert.notInclude(text, tokenNumber(2))
  assert.notInclude(text, "Bearer ")
}

describe("AuthorizedClient: responses", () => {
  it.scoped("status, headers, cookies, address and guards", () =>
    Effect.gen(function* () {
      const response = yield* get(() => (request) => {
        const inner = HttpClientResponse.fromWeb(
          request,
          new Response("x", { status: 201, headers: { "x-a": "1", "set-cookie": "session=abc; Path=/" } })
        )
        return new Proxy(inner, {
          get: (target, key) => (key === "remoteAddress" ? Option.some("127.0.0.1") : Reflect.get(target, key, target))
        })
      })
      assert.strictEqual(response.status, 201)
      assert.strictEqual(response.headers["x-a"], "1")
      assert.strictEqual(Option.getOrThrow(Cookies.getValue(response.cookies, "session")), "abc")
      assert.strictEqual(Option.getOrUndefined(response.remoteAddress), "127.0.0.1")
      assert.isTrue(HttpClientResponse.TypeId in response)
      assert.isTrue(HttpIncomingMessage.TypeId in response)
      assert.strictEqual(response.request.url, "Crm_Customers?$top=1")
    })
  )

  it.scoped("json, and the same again", () =>
    Effect.gen(function* () {
      const response = yield* get(json({ value: [1, "ü"] }))
      assert.deepStrictEqual(yield* response.json, { value: [1, "ü"] })
      assert.deepStrictEqual(yield* response.json, { value: [1, "ü"] })
      assert.strictEqual(yield* response.text, '{"value":[1,"ü"]}')
    })
  )

  it.scoped("arrayBuffer, stream, urlParamsBody, formData", () =>
    Effect.gen(function* () {
      const bytes = new Uint8Array([1, 2, 250])
      assert.deepStrictEqual(new Uint8Array(yield* (yield* get(() => new Response(bytes))).arrayBuffer), bytes)
      const streamed = yield* Stream.runCollect((yield* get(() => new Response(bytes))).stream)
      assert.deepStrictEqual(
        [...streamed].flatMap((chunk) => [...chunk]),
        [1, 2, 250]
      )
      const params = yield* (yield* get(() => new Response("a=1&b=2+3"))).urlParamsBody
      assert.deepStrictEqual(Option.getOrNull(UrlParams.getFirst(params, "b")), "2 3")
      const sent = new FormData()
      sent.append("name", "välue")
      const received = yield* (yield* get(() => new Response(sent))).formData
      assert.strictEqual(received.get("name"), "välue")
    })
  )

  it.scoped("a response after a renewal reads as any other", () =>
    Effect.gen(function* () {
      const fake = fakeApi((call) => (call.token === tokenNumber(2) ? Response.json([1]) : unauthorized()))
      const { client } = yield* clientOf(fake)
      const response = yield* client.get("x")
      assert.deepStrictEqual(yield* response.json, [1])
      isClean(response)
    })
  )

  it.scoped("the decoders of the platform: body, headers, status", () =>
    Effect.gen(function* () {
      const Body = Schema.Struct({ value: Schema.Array(Schema.Number) })
      const answer = json({ value: [1] }, { headers: { "x-total": "7" } })
      assert.deepStrictEqual(yield* HttpClientResponse.schemaBodyJson(Body)(yield* get(answer)), { value: [1] })
      const all = yield* HttpClientResponse.schemaJson(
        Schema.Struct({ status: Schema.Number, body: Body, headers: Schema.Struct({ "x-total": Schema.String }) })
      )(yield* get(answer))
      assert.deepStrictEqual(all, { status: 200, body: { value: [1] }, headers: { "x-total": "7" } })
      const headers = Schema.Struct({ "x-total": Schema.NumberFromString })
      assert.deepStrictEqual(yield* HttpIncomingMessage.schemaHeaders(headers)(yield* get(answer)), { "x-total": 7 })
      const wrong = yield* Effect.flip(HttpClientResponse.schemaBodyJson(Schema.String)(yield* get(answer)))
      assert.strictEqual(wrong._tag, "ParseError")
    })
  )

  it.scoped("filterStatusOk and matchStatus", () =>
    Effect.gen(function* () {
      const ok = yield* get(json({}))
      assert.strictEqual(yield* HttpClientResponse.filterStatusOk(ok), ok)
      const missing = yield* get(json({ error: "none" }, { status: 404 }))
      const error = yield* Effect.flip(HttpClientResponse.filterStatusOk(missing))
      assert.deepInclude(error, { _tag: "ResponseError", reason: "StatusCode" })
      assert.strictEqual(error.response, missing)
      assert.deepStrictEqual(yield* error.response.json, { error: "none" })
      isClean(error)
      const matched = HttpClientResponse.matchStatus(missing, {
        404: () => "not found",
        "2xx": () => "ok",
        orElse: () => "else"
      })
      assert.strictEqual(matched, "not found")
    })
  )

  it.scoped("the stream of the client", () =>
    Effect.gen(function* () {
      const { client } = yield* clientOf(fakeApi(() => new Response("streamed")))
      const text = yield* client.get("x").pipe(HttpClientResponse.stream, Stream.decodeText(), Stream.mkString)
      assert.strictEqual(text, "streamed")
    })
  )

  it.scoped("printing shows no body, no token, and starts no reading", () =>
    Effect.gen(function* () {
      for (const read of [false, true]) {
        const response = yield* get(json({ secret: "in the body" }, { headers: { "x-secret": "in a header" } }))
        if (read) assert.deepStrictEqual(yield* response.json, { secret: "in the body" })
        isClean(response)
        const text = renderings(response)
        assert.notInclude(text, "in the body")
        assert.notInclude(text, "in a header")
        if (!read) {
          const chunks = yield* Stream.runCollect(response.stream)
          assert.strictEqual(Buffer.concat([...chunks]).toString(), '{"secret":"in the body"}')
        }
      }
      const response = yield* get(json({}))
      assert.strictEqual(inspect(response), "{ _id: 'HttpClientResponse', method: 'GET', status: 200 }")
      assert.deepStrictEqual(JSON.parse(JSON.stringify(response)), {
        _id: "HttpClientResponse",
        method: "GET",
        status: 200
      })
      assert.deepStrictEqual(JSON.parse(String(response)), JSON.parse(JSON.stringify(response)))
    })
  )

  it.scoped("no property of a response, own or inherited, leads to the token", () =>
    Effect.gen(function* () {
      const response = yield* get(json({}))
      const seen = new Set<unknown>()
      const walk = (value: unknown, path: string): void => {
        if (typeof value === "string") assert.notInclude(value, tokenNumber(1), path)
        if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return
        seen.add(value)
        for (const key of Reflect.ownKeys(value)) {
          const descriptor = Reflect.getOwnPropertyDescriptor(value, key)
          if (descriptor !== undefined && "value" in descriptor) walk(descriptor.value, `${path}.${String(key)}`)
        }
      }
      walk(response, "response")
      for (const key of ["request", "headers", "cookies", "status", "remoteAddress"] as const) walk(response[key], key)
      assert.isAbove(seen.size, 5)
    })
  )
})

describe("AuthorizedClient: platform errors", () => {
  it.scoped("RequestError is told of the caller's request, its cause cut down to plain text", () =>
    Effect.gen(function* () {
      const { client } = yield* clientOf(fakeApi(() => "reset"))
      const request = HttpClientRequest.post("x?y=1", { body: HttpBody.text("sent") })
      const error = yield* Effect.flip(client.execute(request))
      assert.instanceOf(error, HttpClientError.RequestError)
      assert.strictEqual(error.request, request)
      assert.strictEqual(error.reason, "Transport")
      assert.strictEqual(error.message, "Transport error (POST x?y=1)")
      assert.deepInclude(error.cause, { name: "Error", message: "socket hang up", code: "ECONNRESET" })
      assert.notProperty(error.cause, "request")
      isClean(error)
    })
  )

  it.scoped("a transport that quotes the token in its texts, or hides the request in its causes", () =>
    Effect.gen(function* () {
      const bearer = `Bearer ${tokenNumber(1)}`
      const hostile = (request: HttpClientRequest.HttpClientRequest) => {
        const inner = Object.assign(new Error(`at ${bearer}`), { request, name: `E ${bearer}`, code: bearer })
        return new HttpClientError.RequestError({
          request,
          reason: "Encode",
          description: `Headers.append: "${bearer}" is an invalid header value`,
          cause: Object.assign(new Error(`while sending ${bearer}`, { cause: inner }), { headers: request.headers })
        })
      }
      const { client } = yield* clientOf(failing(hostile))
      const error = yield* Effect.flip(client.get("x"))
      assert.instanceOf(error, HttpClientError.RequestError)
      assert.strictEqual(error.description, 'Headers.append: "Bearer <redacted>" is an invalid header value')
      assert.notInclude(renderings(error), tokenNumber(1))
      assert.include(inspect(error.cause), "while sending Bearer <redacted>")
    })
  )

  it.scoped("a ResponseError of the transport itself is rebuilt with its response", () =>
    Effect.gen(function* () {
      const badGateway = (request: HttpClientRequest.HttpClientRequest) =>
        new HttpClientError.ResponseError({
          request,
          response: HttpClientResponse.fromWeb(request, new Response("answer", { status: 502 })),
          reason: "Decode"
        })
      const { client } = yield* clientOf(failing(badGateway))
      const error = yield* Effect.flip(client.get("x"))
      assert.instanceOf(error, HttpClientError.ResponseError)
      assert.strictEqual(error.message, "Decode error (502 GET x)")
      assert.strictEqual(error.response.request.url, "x")
      assert.strictEqual(yield* error.response.text, "answer")
      isClean(error)
    })
  )

  type Accessor = (
    response: HttpClientResponse.HttpClientResponse
  ) => Effect.Effect<unknown, HttpClientError.ResponseError>
  const accessors: Readonly<Record<string, Accessor>> = {
    text: (response) => response.text,
    json: (response) => response.json,
    arrayBuffer: (response) => response.arrayBuffer,
    urlParamsBody: (response) => response.urlParamsBody,
    formData: (response) => response.formData,
    stream: (response) => Stream.runDrain(response.stream)
  }
  for (const [name, read] of Object.entries(accessors)) {
    it.scoped(`${name}: a body that breaks is a ResponseError of the caller's request`, () =>
      Effect.gen(function* () {
        const breaking = () =>
          new Response(
            new ReadableStream({
              start: (controller) =>
                controller.error(Object.assign(new Error(`${tokenNumber(1)} aborted`), { code: "E1" }))
            }),
            {
              headers: { "content-type": name === "formData" ? "multipart/form-data; boundary=x" : "application/json" }
            }
          )
        const request = HttpClientRequest.get("x?y=1")
        const response = yield* get(breaking, request)
        const error = yield* Effect.flip(read(response))
        assert.instanceOf(error, HttpClientError.ResponseError)
        assert.strictEqual(error.request, request)
        assert.strictEqual(error.response, response)
        assert.strictEqual(error.reason, "Decode")
        isClean(error)
      })
    )
  }

  it.scoped("JSON that cannot be parsed, and a body that quotes the token", () =>
    Effect.gen(function* () {
      const response = yield* get(() => new Response(`${tokenNumber(1)} is not JSON`))
      const error = yield* Effect.flip(response.json)
      assert.strictEqual(error.reason, "Decode")
      isClean(error)
      assert.strictEqual(yield* response.text, `${tokenNumber(1)} is not JSON`)
    })
  )

  it.scoped("an empty body has no stream, and says so", () =>
    Effect.gen(function* () {
      const response = yield* get(() => new Response(null, { status: 204 }))
      const error = yield* Effect.flip(Stream.runDrain(response.stream))
      assert.deepInclude(error, { _tag: "ResponseError", reason: "EmptyBody" })
      assert.strictEqual(error.response, response)
    })
  )

  it.scoped("the transport's causes are cut at any depth, and a cycle ends", () =>
    Effect.gen(function* () {
      const cause: Error & { cause?: unknown } = new Error("round")
      cause.cause = cause
      const { client } = yield* clientOf(
        failing((request) => new HttpClientError.RequestError({ request, reason: "Transport", cause }))
      )
      const error = yield* Effect.flip(client.get("x"))
      assert.include(inspect(error), "round")
    })
  )

  for (const cause of [undefined, null, "text", 42, { message: "object" }, ["array"], Symbol("symbol")]) {
    it.scoped(`a cause that is ${String(inspect(cause))} does no harm`, () =>
      Effect.gen(function* () {
        const { client } = yield* clientOf(
          failing((request) => new HttpClientError.RequestError({ request, reason: "Transport", cause }))
        )
        const error = yield* Effect.flip(client.get("x"))
        assert.instanceOf(error, HttpClientError.RequestError)
        assert.strictEqual(error.cause instanceof Error, cause !== undefined)
      })
    )
  }
})
