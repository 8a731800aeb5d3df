/** Compressed answers of the API come to the same on each of the HTTP layers. */
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema, Stream } from "effect"
import { AuthorizedClient, DomainApi, EntitySet, ErpNet } from "effect-erpnet"
import { NodeTransport } from "effect-erpnet/node"
import { application, instanceAt, isTokenRequest, socketServer, withTokens } from "../support/socketServer.ts"
import { transports } from "../support/transports.ts"

const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Number: Schema.String }))
const rows = Array.from({ length: 500 }, (_, index) => ({ Number: `größe ${index}` }))
const text = JSON.stringify({ value: rows })

const encodings: Readonly<Record<string, (body: string) => Uint8Array>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  "x-gzip": gzipSync,
  "deflate, gzip": (body) => gzipSync(deflateSync(body)),
  identity: (body) => Buffer.from(body)
}

const layers = [...transports, { name: "NodeTransport", layer: Layer.orDie(NodeTransport.layer({ proxy: false })) }]

describe.each(layers)("compressed answers over $name", ({ name, layer }) => {
  const serve = (encoding: string, body: Uint8Array) =>
    Effect.map(
      socketServer(
        withTokens((_, response) => {
          response.writeHead(200, {
            "content-type": "application/json",
            "content-encoding": encoding,
            "content-length": body.byteLength
          })
          response.end(body)
        })
      ),
      (server) => ({
        server,
        services: ErpNet.layer({ instance: instanceAt(server), credentials: application }).pipe(Layer.provide(layer))
      })
    )

  it.scopedLive.each(Object.keys(encodings).filter((encoding) => name !== "fetch" || encoding !== "deflate, gzip"))(
    "%s: the rows",
    (encoding) =>
      Effect.gen(function* () {
        const { server, services } = yield* serve(encoding, encodings[encoding]?.(text) ?? new Uint8Array())
        const result = yield* Effect.provide(DomainApi.list(Customers, { top: 500 }), services)
        assert.deepStrictEqual(result, rows)
        const asked = server.requests.find((request) => !isTokenRequest(request))?.headers["accept-encoding"] ?? ""
        assert.match(asked, /gzip/)
      })
  )

  it.scopedLive("the caller's own accept-encoding, and the answer of AuthorizedClient as text, JSON and stream", () =>
    Effect.gen(function* () {
      const { server, services } = yield* serve("gzip", gzipSync(text))
      yield* Effect.gen(function* () {
        const client = yield* AuthorizedClient.AuthorizedClient
        const headers = { "accept-encoding": "gzip;q=0.5" }
        const get = client.execute(HttpClientRequest.get("Crm_Customers", { headers }))
        assert.strictEqual(yield* Effect.flatMap(get, (response) => response.text), text)
        assert.deepStrictEqual(yield* Effect.flatMap(get, (response) => response.json), { value: rows })
        const streamed = yield* Effect.flatMap(get, (response) => Stream.mkString(Stream.decodeText(response.stream)))
        assert.strictEqual(streamed, text)
      }).pipe(Effect.provide(services))
      const asked = server.requests.filter((request) => !isTokenRequest(request))
      assert.deepStrictEqual(new Set(asked.map(({ headers }) => headers["accept-encoding"])), new Set(["gzip;q=0.5"]))
    })
  )

  it.scopedLive("what is no gzip, or cut off, is an error", () =>
    Effect.gen(function* () {
      for (const body of [Buffer.from("no gzip"), gzipSync(text).subarray(0, 60)]) {
        const { services } = yield* serve("gzip", body)
        const error = yield* Effect.flip(Effect.provide(DomainApi.list(Customers, { top: 500 }), services))
        assert.include(["Unreachable", "ResponseInvalid"], error._tag)
      }
    })
  )

  if (name !== "fetch") {
    it.scopedLive("an encoding that is not known is told", () =>
      Effect.gen(function* () {
        const { services } = yield* serve("compress", Buffer.from(text))
        const error = yield* Effect.flip(Effect.provide(DomainApi.list(Customers, { top: 500 }), services))
        assert.match(error.message, /compressed in a way that cannot be read here/)
      })
    )

    it.scopedLive("a bomb is not unpacked to its end", () =>
      Effect.gen(function* () {
        const { services } = yield* serve("gzip", gzipSync(Buffer.alloc(200_000_000, 0x20)))
        const error = yield* Effect.flip(Effect.provide(DomainApi.list(Customers, { top: 500 }), services))
        assert.match(error.message, /unpacks to far more than data do/)
      })
    )
  }
})
