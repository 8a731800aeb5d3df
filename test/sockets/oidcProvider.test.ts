/** The token life cycle against an identity server that nobody here wrote: oidc-provider, over real sockets. */
import type { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Redacted, Schedule } from "effect"
import { AuthorizedClient, type Instance, TokenEndpoint, TokenProvider, TrustedApplication } from "effect-erpnet"
import { clients, identityServer } from "../support/identityServer.ts"
import { transports } from "../support/transports.ts"

const application = (client: { readonly id: string; readonly secret: string }, scope?: string) =>
  TrustedApplication.make({ clientId: client.id, clientSecret: Redacted.make(client.secret), scope })

/** A client in the test's scope, whose transport stays open as long. */
const connect = (
  instance: Instance.Instance,
  credentials: TrustedApplication.TrustedApplication,
  layer: Layer.Layer<HttpClient.HttpClient>
) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(layer)
    const tokens = yield* TokenProvider.make({ instance, credentials }).pipe(Effect.provide(context))
    const client = yield* AuthorizedClient.make().pipe(
      Effect.provideService(TokenProvider.TokenProvider, tokens),
      Effect.provide(context)
    )
    const call = Effect.flatMap(client.get("Crm_Customers?$top=10"), (response) =>
      Effect.map(response.json, (body) => ({ status: response.status, body }))
    )
    return { tokens, call }
  })

const value = (token: { readonly value: Redacted.Redacted<string> }): string => Redacted.value(token.value)

/** A clock that does not see time pass, as on a machine whose clock is slow: for it a token never expires. */
const standingStill = (now: number): Clock.Clock => {
  const live = Clock.make()
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => now,
    unsafeCurrentTimeNanos: () => live.unsafeCurrentTimeNanos(),
    currentTimeMillis: Effect.succeed(now),
    currentTimeNanos: live.currentTimeNanos,
    sleep: (duration) => live.sleep(duration)
  }
}

describe.each(transports)("oidc-provider over $name", ({ layer }) => {
  it.scopedLive("token, call, revocation, 401, a fresh token, the same call again", () =>
    Effect.gen(function* () {
      const server = yield* identityServer
      const { call, tokens } = yield* connect(server.instance, yield* application(clients.service, "read"), layer)
      const expected = { status: 200, body: { value: [{ client: clients.service.id, scope: "read" }] } }
      assert.deepStrictEqual(yield* call, expected)
      assert.deepStrictEqual(yield* call, expected)
      const first = yield* tokens.get
      assert.deepStrictEqual(first.scopes, ["read"])
      assert.strictEqual(first.expiresAt - first.issuedAt, 600_000)
      assert.strictEqual(server.tokenRequests(), 1)

      yield* server.revoke(value(first))
      assert.deepStrictEqual(yield* call, expected)
      const second = yield* tokens.get
      assert.notStrictEqual(value(second), value(first))
      assert.strictEqual(server.tokenRequests(), 2)
      assert.deepStrictEqual(server.received, [value(first), value(first), value(first), value(second)])
    })
  )

  it.scopedLive("50 calls at once with a revoked token cost one more token", () =>
    Effect.gen(function* () {
      const server = yield* identityServer
      const { call, tokens } = yield* connect(server.instance, yield* application(clients.service), layer)
      yield* server.revoke(value(yield* tokens.get))
      const answers = yield* Effect.all(
        Array.from({ length: 50 }, () => call),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([...new Set(answers.map(({ status }) => status))], [200])
      assert.strictEqual(server.tokenRequests(), 2)
    })
  )

  it.scopedLive("a wrong secret and an unknown application are InvalidClient", () =>
    Effect.gen(function* () {
      const server = yield* identityServer
      for (const client of [
        { id: clients.service.id, secret: "wrong" },
        { id: "nobody", secret: "x" }
      ]) {
        const { call } = yield* connect(server.instance, yield* application(client, "read"), layer)
        const error = yield* Effect.flip(call)
        assert.deepInclude(error, { _tag: "InvalidClient", error: "invalid_client", status: 401, clientId: client.id })
        assert.deepInclude(yield* Effect.flip(call), { _tag: "InvalidClient" })
      }
      assert.strictEqual(server.tokenRequests(), 2)
      assert.lengthOf(server.received, 0)
    })
  )

  it.scopedLive("a scope that is not allowed is InvalidScope", () =>
    Effect.gen(function* () {
      const server = yield* identityServer
      const { call } = yield* connect(server.instance, yield* application(clients.service, "update"), layer)
      const error = yield* Effect.flip(call)
      assert.deepInclude(error, { _tag: "InvalidScope", error: "invalid_scope", status: 400 })
      assert.lengthOf(server.received, 0)
    })
  )

  it.scopedLive("Basic authentication, with an id and a secret that need encoding", () =>
    Effect.gen(function* () {
      const server = yield* identityServer
      const ask = (client: { readonly id: string; readonly secret: string }) =>
        Effect.flatMap(application(client, "read"), (credentials) =>
          TokenEndpoint.request(server.instance, credentials, { clientAuthentication: "basic" })
        ).pipe(Effect.provide(layer))
      assert.deepStrictEqual((yield* ask(clients.basic)).scopes, ["read"])
      assert.strictEqual((yield* Effect.flip(ask({ ...clients.basic, secret: "b" })))._tag, "InvalidClient")
    })
  )
})

it.scopedLive("a token that expires at the server is replaced: 401, renewal, success, over all three layers", () =>
  Effect.gen(function* () {
    const server = yield* identityServer
    const credentials = yield* application(clients.shortLived, "read")
    const clock = standingStill(yield* Clock.currentTimeMillis)
    const connections = yield* Effect.forEach(transports, ({ layer }) =>
      Effect.withClock(connect(server.instance, credentials, layer), clock)
    )
    const callAll = Effect.forEach(connections, ({ call }) => Effect.withClock(call, clock), { concurrency: 3 })
    yield* callAll
    assert.deepStrictEqual([server.tokenRequests(), server.received.length], [3, 3])
    for (const token of [...server.received]) {
      yield* Effect.repeat(server.isExpired(token), {
        until: (expired) => expired,
        schedule: Schedule.spaced("20 millis")
      })
    }
    const answers = yield* callAll
    assert.deepStrictEqual(
      answers.map(({ status }) => status),
      [200, 200, 200]
    )
    assert.deepStrictEqual([server.tokenRequests(), server.received.length], [6, 9])
  })
)
