import { connect } from "node:net"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { callApi, demo, issueToken, json, postToken, send, small } from "./support.ts"

const { Fault } = ErpNetEmulator

const serve = (options: ErpNetEmulator.ServeOptions = {}) => ErpNetEmulator.serve({ ...small, ...options })

const layer = Layer.merge(serve(), NodeHttpClient.layerUndici)

const ver = HttpClientRequest.get("/tools/ver")

const plan = (fault: ErpNetEmulator.Fault) =>
  Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) => erp.failNext("any", fault))

/** The newest entry of the journal, once it is as expected: the server sees a client go away only after it has gone. */
const eventually = (predicate: (entry: ErpNetEmulator.JournalEntry) => boolean) =>
  Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) => erp.journal).pipe(
    Effect.delay("1 millis"),
    Effect.repeat({ until: (entries) => entries.slice(-1).some(predicate) }),
    Effect.timeout("10 seconds")
  )

describe("on a socket", () => {
  it.live("is the same instance", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      assert.match(erp.origin, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.strictEqual(erp.instance.odata, `${erp.origin}/api/domain/odata/`)
      const token = yield* issueToken({ ...demo, scope: "read" })
      const got = yield* callApi(token)
      assert.strictEqual(got.status, 200)
      assert.include(got.body, `"@odata.context":"${erp.origin}/api/domain/odata/$metadata#`)
      const refused = yield* callApi("x")
      assert.strictEqual(refused.status, 401)
      assert.strictEqual(refused.headers["www-authenticate"], `Bearer error="invalid_token"`)
      assert.strictEqual(refused.headers["content-length"], "0")
      const wrong = yield* postToken({ ...demo, client_secret: "x" })
      assert.strictEqual(wrong.status, 400)
      assert.deepStrictEqual(json(wrong), { error: "invalid_client" })
      const discovery = yield* send(HttpClientRequest.get("/sys/auto-discovery"))
      assert.propertyVal(json(discovery), "Host", new URL(erp.origin).host)
      const statuses = (yield* erp.journal).map((entry) => entry.status)
      assert.deepStrictEqual(statuses, [200, 200, 401, 400, 200])
      const head = yield* send(HttpClientRequest.head("/tools/ver"))
      assert.strictEqual(head.headers["content-length"], "9")
    }).pipe(Effect.provide(layer))
  )

  it.live("takes writes, in a transaction too", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      const root = "/api/domain/odata/"
      const call = (method: "POST" | "PATCH" | "DELETE", path: string, body: unknown, id = "") =>
        HttpClientRequest.make(method)(root + path).pipe(
          HttpClientRequest.setHeaders({ authorization: `Bearer ${token}`, transactionid: id }),
          HttpClientRequest.bodyText(JSON.stringify(body), "application/json"),
          send
        )
      const id = (yield* call("POST", "BeginTransaction", {})).body
      const created = yield* call("POST", "General_Currencies_Currencies", { CurrencySign: "XAU", Name: "Злато" }, id)
      assert.strictEqual(created.status, 201)
      const location = created.headers["location"] ?? ""
      assert(location.startsWith(erp.origin + root), location)
      const path = location.slice((erp.origin + root).length)
      assert.strictEqual((yield* callApi(token, root + path)).status, 404)
      const ended = yield* call("POST", "EndTransaction", { commit: true }, id)
      assert.deepStrictEqual([ended.status, ended.body], [204, ""])
      assert.strictEqual((yield* call("PATCH", path, { ShowOrder: 7 })).status, 204)
      assert.deepInclude(json(yield* callApi(token, root + path)), { Name: "Злато", ShowOrder: 7 })
      yield* plan(Fault.resetAfterExecution)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(call("DELETE", path, {}))))
      assert.strictEqual((yield* callApi(token, root + path)).status, 404)
    }).pipe(Effect.provide(layer))
  )

  it.live("takes bodies in parts and refuses those beyond 30 MB", () =>
    Effect.gen(function* () {
      const form = new TextEncoder().encode(new URLSearchParams(demo).toString())
      const parts = HttpClientRequest.post("/id/connect/token").pipe(
        HttpClientRequest.bodyStream(Stream.make(form.slice(0, 10), form.slice(10)), {
          contentType: "application/x-www-form-urlencoded"
        })
      )
      assert.strictEqual((yield* send(parts)).status, 200)
      const huge = HttpClientRequest.post("/id/connect/token").pipe(
        HttpClientRequest.bodyUint8Array(new Uint8Array(30_000_001))
      )
      assert.isTrue(Exit.isFailure(yield* Effect.exit(send(huge))))
      yield* eventually((entry) => entry.status === undefined && entry.body === "")
    }).pipe(Effect.provide(layer))
  )

  it.live("cannot be talked into another host", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const { port } = new URL(erp.origin)
      const ask = (target: string) =>
        Effect.async<string>((resume) => {
          const socket = connect(Number(port), "127.0.0.1", () =>
            socket.write(`GET ${target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`)
          )
          let text = ""
          socket.setEncoding("utf8")
          socket.on("data", (chunk: string) => {
            text += chunk
          })
          socket.on("close", () => resume(Effect.succeed(text)))
        })
      assert.include(yield* ask("//evil.example/tools/ver"), "404")
      assert.include(yield* ask("/sys/auto-discovery"), erp.origin)
      assert.notInclude(yield* ask("http://evil.example/sys/auto-discovery"), "evil.example")
    }).pipe(Effect.provide(layer))
  )

  it.live("cuts, truncates, compresses and delays like in memory", () =>
    Effect.gen(function* () {
      const failure = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
        Effect.map(Effect.flip(effect), (error) => Object(error)._tag)
      yield* plan(Fault.reset)
      assert.strictEqual(yield* failure(send(ver)), "RequestError")
      yield* plan(Fault.resetAfterExecution)
      assert.strictEqual(yield* failure(send(ver)), "RequestError")
      yield* plan(Fault.truncated())
      assert.strictEqual(yield* failure(send(ver)), "ResponseError")
      yield* eventually((entry) => entry.status === 200 && !entry.aborted)
      yield* plan(Fault.slow("30 millis", 3))
      assert.strictEqual((yield* send(ver)).body, "26.2.0.76")
      yield* plan(Fault.delay("1 millis"))
      assert.strictEqual((yield* send(ver)).body, "26.2.0.76")
      yield* plan(Fault.redirect(302, "/tools/server-info"))
      assert.strictEqual((yield* send(ver)).status, 302)
      yield* plan(Fault.oversized(300_000, { declared: false }))
      assert.strictEqual((yield* send(ver)).body.length, 300_000)
      yield* plan(Fault.gzip)
      const plain = yield* Effect.provide(send(ver), FetchHttpClient.layer)
      assert.strictEqual(plain.body, "26.2.0.76", "fetch decompresses")
      assert.strictEqual((yield* send(ver)).body, "26.2.0.76")
    }).pipe(Effect.provide(layer))
  )

  it.live("lets go of a request whose client has gone, before and within the answer", () =>
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* plan(Fault.hang)
      const hanging = yield* Effect.fork(send(ver))
      yield* eventually((entry) => entry.status === undefined && !entry.aborted)
      yield* Fiber.interrupt(hanging)
      yield* eventually((entry) => entry.status === undefined && entry.aborted)
      yield* plan(Fault.stall())
      const response = yield* client.get(`${erp.origin}/tools/ver`)
      assert.strictEqual(response.status, 200)
      const reading = yield* Effect.fork(response.text)
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(reading)
      yield* eventually((entry) => entry.status === 200 && entry.aborted)
      assert.strictEqual((yield* send(ver)).status, 200)
    }).pipe(Effect.provide(layer))
  )

  it.live("sees a client go away within its request", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const socket = connect(Number(new URL(erp.origin).port), "127.0.0.1", () =>
        socket.write("POST /id/connect/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ngrant_type=")
      )
      yield* eventually((entry) => entry.path === "/id/connect/token" && !entry.aborted)
      socket.destroy()
      yield* eventually((entry) => entry.status === undefined && entry.aborted)
    }).pipe(Effect.provide(layer))
  )

  it.live("stops with its scope, closing open sockets, and frees the port", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(serve(), scope)
      const erp = yield* Effect.provide(ErpNetEmulator.ErpNetEmulator, context)
      const started = yield* Deferred.make<void>()
      yield* erp.failNext("any", Fault.hang)
      const hanging = yield* send(ver).pipe(
        Effect.provide(context),
        Effect.provide(NodeHttpClient.layerUndici),
        Effect.tap(() => Deferred.succeed(started, undefined)),
        Effect.fork
      )
      yield* Effect.provide(
        eventually((entry) => entry.path === "/tools/ver"),
        context
      )
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(hanging)))
      const port = Number(new URL(erp.origin).port)
      const again = yield* Layer.build(serve({ port })).pipe(Effect.scoped)
      assert.strictEqual((yield* Effect.provide(ErpNetEmulator.ErpNetEmulator, again)).origin, erp.origin)
    })
  )

  it.live("says why it cannot listen", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const port = Number(new URL(erp.origin).port)
      const error = yield* Layer.build(serve({ port })).pipe(Effect.scoped, Effect.flip)
      assert.strictEqual(error._tag, "ServeError")
      assert.strictEqual(error.port, port)
      assert.include(error.message, "EADDRINUSE")
    }).pipe(Effect.provide(serve()))
  )
})
