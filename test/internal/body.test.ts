import { HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, TestClock } from "effect"
import * as Body from "../../src/internal/body.ts"

const request = HttpClientRequest.get("https://testdb.my.erp.net/")

/** A body of the given chunks that tells what was read of it; without `ends` more is awaited for ever. */
const body = (
  chunks: ReadonlyArray<Uint8Array>,
  options: { readonly ends: boolean; readonly headers?: HeadersInit }
) => {
  const seen = { bytes: 0, cancelled: false }
  const source = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const chunk = chunks[seen.bytes === 0 ? 0 : pulled]
        pulled += 1
        if (chunk !== undefined) {
          seen.bytes += chunk.byteLength
          controller.enqueue(chunk)
          return undefined
        }
        if (options.ends) {
          controller.close()
          return undefined
        }
        return new Promise(() => undefined)
      },
      cancel: () => {
        seen.cancelled = true
      }
    },
    { highWaterMark: 0 }
  )
  let pulled = 0
  const response = HttpClientResponse.fromWeb(request, new Response(source, { headers: options.headers ?? {} }))
  return { response, seen }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const kibibytes = (count: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: count }, () => new Uint8Array(1024))

describe("read", () => {
  it.effect("joins chunks, also those that split a character, and drops a byte order mark", () =>
    Effect.gen(function* () {
      const all = bytes("\uFEFFÜnïcode 日本 🎈")
      const { response } = body(
        [...all].map((byte) => new Uint8Array([byte])),
        { ends: true }
      )
      assert.strictEqual(yield* Body.read(response), "Ünïcode 日本 🎈")
    })
  )

  it.effect("an empty body, with and without a stream, is an empty text", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Body.read(body([], { ends: true }).response), "")
      const bare = HttpClientResponse.fromWeb(request, new Response(null, { status: 204 }))
      assert.strictEqual(yield* Body.read(bare), "")
    })
  )

  it.effect("bytes that are no UTF-8 become replacement characters, cut ones too", () =>
    Effect.gen(function* () {
      const { response } = body([new Uint8Array([0x61, 0xff, 0xc3])], { ends: true })
      assert.strictEqual(yield* Body.read(response), "a\uFFFD\uFFFD")
    })
  )

  it.effect("exactly the limit is read, one byte more is not", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Body.read(body(kibibytes(4), { ends: true }).response, 4096)).length, 4096)
      const { response, seen } = body([...kibibytes(4), new Uint8Array(1), ...kibibytes(100)], { ends: true })
      const error = yield* Effect.flip(Body.read(response, 4096))
      assert.deepInclude(error, { _tag: "BodyTooLarge", limit: 4096 })
      assert.isTrue(seen.cancelled)
      assert.isAtMost(seen.bytes, 4096 + 2 * 1024)
    })
  )

  it.effect("the default limit is 1 MiB", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Body.read(body(kibibytes(1024), { ends: true }).response)).length, 1024 * 1024)
      const { response } = body([...kibibytes(1024), new Uint8Array(1)], { ends: true })
      assert.propertyVal(yield* Effect.flip(Body.read(response)), "limit", 1024 * 1024)
    })
  )

  it.effect("a declared length above the limit is refused without reading it all", () =>
    Effect.gen(function* () {
      const { response, seen } = body(kibibytes(1000), { ends: true, headers: { "content-length": "1024000" } })
      assert.propertyVal(yield* Effect.flip(Body.read(response, 100_000)), "_tag", "BodyTooLarge")
      assert.isTrue(seen.cancelled)
      assert.isBelow(seen.bytes, 100_000)
    })
  )

  for (const length of ["12", "0", "-5", "abc", "1e9", ""]) {
    it.effect(`a declared length of ${JSON.stringify(length)} does no harm`, () =>
      Effect.gen(function* () {
        const { response } = body([bytes("twelve bytes")], { ends: true, headers: { "content-length": length } })
        assert.strictEqual(yield* Body.read(response, 12), "twelve bytes")
      })
    )
  }

  it.effect("a body that breaks is told by its code, without the platform's error", () =>
    Effect.gen(function* () {
      const cause = Object.assign(new Error("reset"), { code: "ECONNRESET" })
      const broken = new ReadableStream({ start: (controller) => controller.error(cause) })
      const response = HttpClientResponse.fromWeb(request, new Response(broken))
      const error = yield* Effect.flip(Body.read(response))
      assert.instanceOf(error, Body.BodyBroken)
      assert.strictEqual(error.detail, "ECONNRESET")
      assert.deepStrictEqual(Object.keys(error).sort(), ["_tag", "detail"])
    })
  )

  it.live("interruption cancels the body", () =>
    Effect.gen(function* () {
      const { response, seen } = body([bytes("a")], { ends: false })
      const fiber = yield* Effect.fork(Body.read(response))
      yield* Effect.promise(async () => {
        while (seen.bytes === 0) await new Promise((resolve) => setImmediate(resolve))
      })
      yield* Fiber.interrupt(fiber)
      assert.isTrue(seen.cancelled)
    })
  )
})

describe("discard", () => {
  it.effect("reads a small body to its end", () =>
    Effect.gen(function* () {
      const { response, seen } = body(kibibytes(64), { ends: true })
      yield* Body.discard(response)
      assert.deepStrictEqual(seen, { bytes: 64 * 1024, cancelled: false })
    })
  )

  it.effect("cancels a larger one soon after 64 KiB", () =>
    Effect.gen(function* () {
      const { response, seen } = body(kibibytes(1000), { ends: true })
      yield* Body.discard(response)
      assert.isTrue(seen.cancelled)
      assert.isAtMost(seen.bytes, 66 * 1024)
    })
  )

  it.effect("cancels one that stalls, after a second", () =>
    Effect.gen(function* () {
      const { response, seen } = body(kibibytes(1), { ends: false })
      const fiber = yield* Effect.fork(Body.discard(response))
      yield* TestClock.adjust("999 millis")
      assert.isFalse(seen.cancelled)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
      assert.isTrue(seen.cancelled)
    })
  )

  it.effect("no body and a broken body are no error", () =>
    Effect.gen(function* () {
      yield* Body.discard(HttpClientResponse.fromWeb(request, new Response(null)))
      const broken = new ReadableStream({ start: (controller) => controller.error(new Error("reset")) })
      yield* Body.discard(HttpClientResponse.fromWeb(request, new Response(broken)))
    })
  )
})
