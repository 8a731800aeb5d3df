/** `effect-erpnet/node` on loopback: a real CONNECT proxy, a private CA, a client certificate. */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { FetchHttpClient, type HttpClient } from "@effect/platform"
import { NodeHttpClient, Undici } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Either, Layer, Redacted, Schema, type Scope } from "effect"
import { DomainApi, EntitySet, ErpNet, ErpNetError, Instance } from "effect-erpnet"
import { NodeTransport } from "effect-erpnet/node"
import { certificate, connectProxy, tlsServer, withProcessEnv } from "../support/proxy.ts"
import { Company, ThroughTheProxy, WithCertificates } from "../support/readmeNetwork.ts"
import { application, type Handler, sendJson, socketServer, withTokens } from "../support/socketServer.ts"

const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Number: Schema.String }))
const api: Handler = (_, response) => sendJson(response, 200, { value: [{ Number: "1" }] })
const ca = certificate("ca.pem")

const list = (instance: string, transport: Layer.Layer<HttpClient.HttpClient, ErpNetError.InvalidTransport>) =>
  DomainApi.list(Customers, { top: 1 }).pipe(
    Effect.provide(
      ErpNet.layer({ instance: Either.getOrThrow(Instance.make(instance)), credentials: application }).pipe(
        Layer.provide(transport)
      )
    ),
    Effect.either
  )

const succeeded = <A, E>(result: Either.Either<A, E>): A => Either.getOrThrowWith(result, (error) => error)
const failed = <A, E>(result: Either.Either<A, E>): E => Either.getOrThrow(Either.flip(result))

describe("the proxy", () => {
  it.scopedLive("of the environment, for https and http; with credentials", () =>
    Effect.gen(function* () {
      const server = yield* tlsServer(api)
      const proxy = yield* connectProxy({ port: server.port, credentials: "me:p@ss" })
      yield* withProcessEnv({ HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${proxy.port}` })
      assert.lengthOf(succeeded(yield* list("https://erp.test", NodeTransport.layer({ ca }))), 1)
      assert.deepStrictEqual(new Set(proxy.connected.map(({ target }) => target)), new Set(["erp.test:443"]))
      assert.lengthOf(server.requests, 2)
    })
  )

  it.scopedLive("HTTP_PROXY for http, also where the address has no scheme", () =>
    Effect.gen(function* () {
      const server = yield* socketServer(withTokens(api))
      const proxy = yield* connectProxy({ port: Number(new URL(server.url).port) })
      yield* withProcessEnv({ http_proxy: `127.0.0.1:${proxy.port}` })
      succeeded(yield* list(server.url, NodeTransport.layer()))
      assert.isAbove(proxy.connected.length, 0)
    })
  )

  it.scopedLive("NO_PROXY and proxy: false go past it, an option goes before the environment", () =>
    Effect.gen(function* () {
      const server = yield* tlsServer(api)
      const proxy = yield* connectProxy({ port: server.port, refusal: 403 })
      const good = yield* connectProxy({ port: server.port })
      yield* withProcessEnv({ HTTPS_PROXY: proxy.url, NO_PROXY: "erp.test, localhost" })
      const instance = `https://localhost:${server.port}`
      succeeded(yield* list(instance, NodeTransport.layer({ ca })))
      yield* withProcessEnv({ HTTPS_PROXY: proxy.url })
      succeeded(yield* list(instance, NodeTransport.layer({ ca, proxy: false })))
      for (const option of [good.url, new URL(good.url), Redacted.make(good.url)]) {
        succeeded(yield* list(instance, NodeTransport.layer({ ca, proxy: option })))
      }
      assert.lengthOf(proxy.connected, 0)
      assert.isAtLeast(good.connected.length, 3)
    })
  )

  it.scopedLive.each([407, 403, 405])("a refusal of %s is told, once, and is not transient", (status) =>
    Effect.gen(function* () {
      const server = yield* tlsServer(api)
      const proxy = yield* connectProxy({ port: server.port, refusal: status })
      const transports = [
        NodeTransport.layer({ ca, proxy: `http://me:s3cr3t@127.0.0.1:${proxy.port}` }),
        // As somebody may have set up fetch.
        FetchHttpClient.layer.pipe(
          Layer.provide(
            Layer.succeed(FetchHttpClient.Fetch, ((input: string, init: object) =>
              Undici.fetch(input, {
                ...init,
                dispatcher: new Undici.ProxyAgent(proxy.url)
              })) as unknown as typeof fetch)
          )
        )
      ]
      for (const transport of transports) {
        proxy.connected.length = 0
        const error = failed(yield* list("https://erp.test", transport))
        assert.strictEqual(error._tag, "TokenEndpointUnavailable")
        assert.include(error.message, `the proxy answered ${status}`)
        assert.match(error.message, /[Pp]roxy (asks for credentials|does not allow|could not connect)/)
        assert.notInclude(error.message, "s3cr3t")
        assert.notInclude(error.message, "safe to try again")
        assert.isFalse(ErpNetError.isTransient(error))
        assert.lengthOf(proxy.connected, 1)
      }
    })
  )

  it.scopedLive("a 407 of the token endpoint itself is told on fetch, too", () =>
    Effect.gen(function* () {
      const server = yield* socketServer((_, response) => sendJson(response, 407, {}))
      for (const transport of [FetchHttpClient.layer, NodeHttpClient.layerUndici, NodeTransport.layer()]) {
        const before = server.requests.length
        const error = failed(yield* list(server.url, transport))
        assert.match(error.message, /407/)
        assert.isFalse(ErpNetError.isTransient(error))
        assert.lengthOf(server.requests, before + 1)
      }
    })
  )

  it.scopedLive("a proxy that answers 503 is tried again", () =>
    Effect.gen(function* () {
      const proxy = yield* connectProxy({ port: 1, refusal: 503 })
      const error = failed(yield* list("https://erp.test", NodeTransport.layer({ proxy: proxy.url })))
      assert.isTrue(ErpNetError.isTransient(error))
      assert.lengthOf(proxy.connected, 3)
    })
  )

  it.scopedLive.each(["ftp://me:s3cr3t@proxy.test:21", "http://me:s3cr3t@proxy.test:99999", "http://"])(
    "an address that cannot be used names the variable and not the password: %s",
    (value) =>
      Effect.gen(function* () {
        yield* withProcessEnv({ HTTPS_PROXY: value })
        const error = failed(yield* Effect.either(Layer.build(NodeTransport.layer())))
        assert.strictEqual(error._tag, "InvalidTransport")
        assert.strictEqual(error.option, "HTTPS_PROXY")
        assert.notInclude(error.message, "s3cr3t")
      })
  )
})

describe("certificates", () => {
  it.scopedLive.each([
    ["server", "https://localhost", /not signed by an authority.*NODE_EXTRA_CA_CERTS/, undefined],
    ["other", "https://localhost", /for another name/, ca],
    ["expired", "https://localhost", /has expired/, ca]
  ] as const)("%s at %s: one handshake, not transient, the advice", ([name, host, advice, authority]) =>
    Effect.gen(function* () {
      const server = yield* tlsServer(api, { name })
      const transport = NodeTransport.layer({ proxy: false, ca: authority })
      const error = failed(yield* list(`${host}:${server.port}`, transport))
      assert.match(error.message, advice)
      assert.notInclude(error.message, "safe to try again")
      assert.isFalse(ErpNetError.isTransient(error))
      assert.strictEqual(server.accepted(), 1)
    })
  )

  it.scopedLive("a client certificate is shown to the server that asks for one", () =>
    Effect.gen(function* () {
      const server = yield* tlsServer(api, { requestCert: true })
      const clientCertificate = { cert: certificate("client.pem"), key: Redacted.make(certificate("client.key")) }
      const instance = `https://localhost:${server.port}`
      succeeded(yield* list(instance, NodeTransport.layer({ proxy: false, ca: [ca], clientCertificate })))
      assert.deepStrictEqual(server.clients, ["svc.integration", "svc.integration"])
      const error = failed(yield* list(instance, NodeTransport.layer({ proxy: false, ca })))
      assert.match(error.message, /asks for a client certificate|connection was cut/)
    })
  )

  it.effect("an authority that is not PEM is refused", () =>
    Effect.gen(function* () {
      const error = failed(
        yield* Effect.either(Effect.scoped(Layer.build(NodeTransport.layer({ ca: new Uint8Array([0x30, 0x82]) }))))
      )
      assert.match(error.message, /ca is not a certificate in PEM/)
    })
  )
})

describe("a change", () => {
  it.scopedLive("that a certificate or a proxy stopped was certainly not executed, and is not sent again", () =>
    Effect.gen(function* () {
      const server = yield* tlsServer(api, { name: "other" })
      const proxy = yield* connectProxy({ port: server.port, refusal: 403 })
      const identity = yield* socketServer(withTokens(api))
      const addresses = { tokenEndpoint: `${identity.url}/id/connect/token` }
      const cases = [
        [`https://localhost:${server.port}`, NodeTransport.layer({ ca, proxy: false }), /for another name/],
        [
          "https://erp.test",
          Layer.unwrapScoped(
            Effect.as(withProcessEnv({ HTTPS_PROXY: proxy.url, NO_PROXY: "127.0.0.1" }), NodeTransport.layer({ ca }))
          ),
          /proxy answered 403/
        ]
      ] as const
      for (const [origin, transport, message] of cases) {
        const instance = Either.getOrThrow(Instance.make(origin, addresses))
        const error = yield* Effect.flip(
          DomainApi.create(Customers, { Number: "1" }).pipe(
            Effect.provide(ErpNet.layer({ instance, credentials: application }).pipe(Layer.provide(transport)))
          )
        )
        assert.strictEqual(error._tag, "Unreachable")
        assert.match(error.message, message)
      }
      assert.strictEqual(server.accepted(), 1)
      assert.lengthOf(proxy.connected, 1)
    })
  )
})

describe("the README", () => {
  const path = (name: string) => fileURLToPath(new URL(`../support/certificates/${name}`, import.meta.url))

  const settings = (instance: string, more: Readonly<Record<string, string>> = {}) =>
    Effect.withConfigProvider(
      ConfigProvider.fromMap(
        new Map(
          Object.entries({
            ERPNET_INSTANCE: instance,
            ERPNET_CLIENT_ID: "my.trusted.app/service",
            ERPNET_CLIENT_SECRET: "secret",
            ...more
          })
        )
      )
    )

  it("holds this code", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
    assert.include(readme, readFileSync(new URL("../support/readmeNetwork.ts", import.meta.url), "utf8").trim())
  })

  it.scopedLive("through the proxy of the environment", () =>
    Effect.gen(function* () {
      const server = yield* socketServer(withTokens(api))
      const proxy = yield* connectProxy({ port: Number(new URL(server.url).port) })
      yield* withProcessEnv({ HTTP_PROXY: proxy.url })
      const rows = yield* DomainApi.list(Customers, { top: 1 }).pipe(
        Effect.provide(ThroughTheProxy),
        settings(server.url)
      )
      assert.lengthOf(rows, 1)
      assert.isAbove(proxy.connected.length, 0)
    })
  )

  it.scopedLive("proxy with credentials, private CA and client certificate at once", () =>
    Effect.gen(function* () {
      const server = yield* tlsServer(api, { requestCert: true })
      const proxy = yield* connectProxy({ port: server.port, credentials: "me:word" })
      const more = {
        COMPANY_PROXY: `http://me:word@127.0.0.1:${proxy.port}`,
        COMPANY_CA: path("ca.pem"),
        CLIENT_CERTIFICATE: path("client.pem"),
        CLIENT_KEY: path("client.key")
      }
      const rows = yield* DomainApi.list(Customers, { top: 1 }).pipe(
        Effect.provide(WithCertificates),
        settings("https://erp.test", more)
      )
      assert.lengthOf(rows, 1)
      assert.include(server.clients, "svc.integration")
      assert.isDefined(Company)
    })
  )
})

describe("the command line", () => {
  const doctor = (env: Readonly<Record<string, string>>): Effect.Effect<string, never, Scope.Scope> =>
    Effect.async((resume) => {
      execFile(
        process.execPath,
        ["--import", "tsx", fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url)), "doctor"],
        {
          env: {
            PATH: process.env["PATH"] ?? "",
            ERPNET_INSTANCE: "https://erp.test",
            ERPNET_CLIENT_ID: "my.trusted.app/service",
            ERPNET_CLIENT_SECRET: "secret",
            ...env
          }
        },
        (_, out, err) => resume(Effect.succeed(out + err))
      )
    })

  it.scopedLive("goes through the proxy of the environment, and tells its refusal without its password", () =>
    Effect.gen(function* () {
      const server = yield* tlsServer(api)
      const proxy = yield* connectProxy({ port: server.port, credentials: "me:right" })
      const extra = { NODE_EXTRA_CA_CERTS: fileURLToPath(new URL("../support/certificates/ca.pem", import.meta.url)) }
      const reached = yield* doctor({ ...extra, HTTPS_PROXY: `http://me:right@127.0.0.1:${proxy.port}` })
      assert.match(reached, /pass +reachable/)
      assert.match(reached, /pass +TLS/)
      const refused = yield* doctor({ ...extra, HTTPS_PROXY: `http://me:wr0ng@127.0.0.1:${proxy.port}` })
      assert.match(refused, /fail +reachable.*the proxy answered 407.*credentials/)
      assert.notInclude(refused, "wr0ng")
    })
  )
})
