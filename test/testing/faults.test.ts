import { gunzipSync } from "node:zlib"
import { HttpClient, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream, TestClock } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { callApi, demo, issueToken, json, layer, postToken, send } from "./support.ts"

const { Fault } = ErpNetEmulator

const ver = HttpClientRequest.get("/tools/ver")

const plan = (fault: ErpNetEmulator.Fault, times?: number) =>
  Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) => erp.failNext("any", fault, times))

const last = Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) =>
  Effect.map(erp.journal, (entries) => entries.at(-1))
)

/** The tag and reason of a failure. */
const failure = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    const { _tag, reason } = Object(error)
    return `${_tag} ${reason}`
  })

describe("faults in memory", () => {
  it.effect("status: an answer of one's own, once", () =>
    Effect.gen(function* () {
      yield* plan(Fault.status(418, { headers: { "x-brewing": "tea" }, body: "{}" }))
      const got = yield* send(ver)
      assert.strictEqual(got.status, 418)
      assert.strictEqual(got.headers["x-brewing"], "tea")
      assert.strictEqual(got.headers["content-type"], "application/json; charset=utf-8")
      assert.strictEqual(got.body, "{}")
      assert.strictEqual((yield* send(ver)).status, 200)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("are met in order, by their endpoint, as often as planned, until cleared", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.failNext("token", Fault.status(500), 2)
      yield* erp.failNext("token", Fault.status(503))
      yield* erp.failNext("api", Fault.status(502))
      yield* erp.failNext("discovery", Fault.status(504), Number.POSITIVE_INFINITY)
      const discovery = Effect.map(send(HttpClientRequest.get("/sys/auto-discovery")), (got) => got.status)
      const token = Effect.map(postToken(), (got) => got.status)
      assert.strictEqual((yield* send(ver)).status, 200)
      assert.deepStrictEqual(yield* Effect.replicateEffect(token, 4), [500, 500, 503, 200])
      assert.strictEqual((yield* callApi("x")).status, 502)
      assert.strictEqual((yield* callApi("x")).status, 401)
      assert.deepStrictEqual(yield* Effect.replicateEffect(discovery, 3), [504, 504, 504])
      yield* erp.clearFaults
      assert.strictEqual(yield* discovery, 200)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("reset: a transport error, nothing executed", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      yield* erp.clearJournal
      yield* plan(Fault.reset)
      assert.strictEqual(yield* failure(callApi(token)), "RequestError Transport")
      assert.propertyVal(yield* last, "status", undefined)
      assert.propertyVal(yield* last, "aborted", false)
      assert.strictEqual((yield* erp.counters).sessions, 0)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("resetAfterExecution: a transport error, but executed", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken()
      yield* plan(Fault.resetAfterExecution)
      assert.strictEqual(yield* failure(callApi(token)), "RequestError Transport")
      assert.propertyVal(yield* last, "status", undefined)
      assert.strictEqual((yield* erp.counters).sessions, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("hang: no answer, and the journal sees the caller give up", () =>
    Effect.gen(function* () {
      yield* plan(Fault.hang)
      const fiber = yield* Effect.fork(send(ver))
      yield* TestClock.adjust("1 day")
      assert.isNull(fiber.unsafePoll())
      assert.propertyVal(yield* last, "aborted", false)
      yield* Fiber.interrupt(fiber)
      assert.propertyVal(yield* last, "aborted", true)
      assert.propertyVal(yield* last, "status", undefined)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("delay: the usual answer, later by the clock", () =>
    Effect.gen(function* () {
      yield* plan(Fault.delay("1 minute"))
      const fiber = yield* Effect.fork(send(ver))
      yield* TestClock.adjust("59 seconds")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).body, "26.2.0.76")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("slow: headers at once, then the body over the duration", () =>
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* plan(Fault.slow("9 seconds", 3))
      const response = yield* client.get(`${erp.origin}/tools/ver`)
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers["content-length"], "9")
      const fiber = yield* Effect.fork(response.text)
      yield* TestClock.adjust("6 seconds")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "26.2.0.76")
      assert.propertyVal(yield* last, "aborted", false)
      yield* plan(Fault.slow(0))
      const streamed = yield* client.get(`${erp.origin}/tools/ver`)
      assert.strictEqual(yield* Stream.mkString(Stream.decodeText(streamed.stream)), "26.2.0.76")
      assert.propertyVal(yield* last, "aborted", false, "the platform's own abort at the end of a stream is none")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("truncated: fewer bytes than promised, then an error", () =>
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* plan(Fault.truncated(4), 2)
      const response = yield* client.get(`${erp.origin}/tools/ver`)
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers["content-length"], "9")
      assert.strictEqual(yield* failure(response.text), "ResponseError Decode")
      const streamed = yield* client.get(`${erp.origin}/tools/ver`)
      const parts: Array<string> = []
      const exit = yield* streamed.stream.pipe(
        Stream.runForEach((part) => Effect.sync(() => parts.push(new TextDecoder().decode(part)))),
        Effect.exit
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(parts, ["26.2"])
      assert.propertyVal(yield* last, "aborted", false, "the instance cut it, not the caller")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("stall: part of the body, then silence until the caller gives up", () =>
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* plan(Fault.stall())
      const response = yield* client.get(`${erp.origin}/tools/ver`)
      const fiber = yield* Effect.fork(response.text)
      yield* TestClock.adjust("1 day")
      assert.isNull(fiber.unsafePoll())
      assert.propertyVal(yield* last, "aborted", false)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust(0)
      assert.propertyVal(yield* last, "aborted", true)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("redirect: handed back, not followed", () =>
    Effect.gen(function* () {
      yield* plan(Fault.redirect(307, "https://evil.example/"))
      const got = yield* send(ver)
      assert.strictEqual(got.status, 307)
      assert.strictEqual(got.headers["location"], "https://evil.example/")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("garbage: claims to be JSON and is not", () =>
    Effect.gen(function* () {
      yield* plan(Fault.garbage)
      const got = yield* send(ver)
      assert.strictEqual(got.status, 200)
      assert.match(got.headers["content-type"] ?? "", /^application\/json/)
      assert.throws(() => json(got))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("wrongContentType: the usual answer under another name", () =>
    Effect.gen(function* () {
      yield* plan(Fault.wrongContentType())
      const got = yield* postToken(demo)
      assert.match(got.headers["content-type"] ?? "", /^text\/html/)
      assert.property(json(got), "access_token")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("oversized: as many bytes as asked for, declared or not", () =>
    Effect.gen(function* () {
      const bytes = 200_001
      yield* plan(Fault.oversized(bytes))
      const declared = yield* send(ver)
      assert.strictEqual(declared.headers["content-length"], String(bytes))
      assert.strictEqual(declared.body.length, bytes)
      assert.lengthOf(String(json(declared)), bytes - 2, "it is JSON")
      yield* plan(Fault.oversized(bytes, { declared: false }))
      const undeclared = yield* send(ver)
      assert.isUndefined(undeclared.headers["content-length"])
      assert.strictEqual(undeclared.body.length, bytes)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("gzip: the usual answer, compressed", () =>
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* plan(Fault.gzip)
      const response = yield* client.get(`${erp.origin}/tools/ver`)
      assert.strictEqual(response.headers["content-encoding"], "gzip")
      assert.strictEqual(gunzipSync(new Uint8Array(yield* response.arrayBuffer)).toString(), "26.2.0.76")
    }).pipe(Effect.provide(layer()))
  )
})

describe("latency", () => {
  it.effect("is that of each endpoint, by the clock, and can change", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* Effect.fork(issueToken())
      yield* TestClock.adjust("1999 millis")
      assert.isNull(token.unsafePoll())
      yield* TestClock.adjust("1 millis")
      const value = yield* Fiber.join(token)
      yield* erp.setLatency({ api: "3 seconds" })
      assert.strictEqual((yield* postToken()).status, 200)
      const call = yield* Effect.fork(callApi(value))
      yield* TestClock.adjust("2999 millis")
      assert.isNull(call.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(call)).status, 200)
    }).pipe(Effect.provide(layer({ latency: { token: "2 seconds" } })))
  )
})
