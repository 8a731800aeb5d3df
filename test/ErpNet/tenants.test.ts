/** Many instances in one process: the recipe of the README, with `LayerMap` of effect. */
import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, LayerMap, Redacted, Schema, TestClock } from "effect"
import { AuthorizedClient, DomainApi, EntitySet, ErpNet, TrustedApplication } from "effect-erpnet"
import { fakeServer, json, type Received } from "../support/transport.ts"

const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Number: Schema.String }))

const tenantOf = (request: Received): string => request.url.hostname.split(".")[0] ?? ""

/** Every instance issues tokens that carry its name, and answers with its name to nobody else's token. */
const makeServer = () => {
  const issued = new Map<string, number>()
  return fakeServer((request) => {
    const tenant = tenantOf(request)
    if (request.method === "POST") {
      const count = (issued.get(tenant) ?? 0) + 1
      issued.set(tenant, count)
      return request.form.get("client_secret") === `secret of ${tenant}`
        ? json(200, { access_token: `${tenant}-${count}`, expires_in: 3600 })
        : json(400, { error: "invalid_client" })
    }
    return request.headers["authorization"]?.startsWith(`Bearer ${tenant}-`)
      ? json(200, { value: [{ Number: tenant }] })
      : json(401, {})
  })
}

const server = makeServer()

class Tenants extends LayerMap.Service<Tenants>()("test/Tenants", {
  lookup: (instance: string) =>
    ErpNet.layer({
      instance,
      credentials: TrustedApplication.make({
        clientId: "my.trusted.app/service",
        clientSecret: Redacted.make(`secret of ${instance}`)
      }),
      requestsPerMinute: Number.POSITIVE_INFINITY
    }),
  idleTimeToLive: "20 minutes",
  dependencies: [server.layer]
}) {}

const read = Effect.map(DomainApi.list(Customers, { top: 1 }), (rows) => rows[0]?.Number)

const readAs = (tenant: string) => Effect.provide(read, Tenants.get(tenant))

const tokenRequests = () => server.received.filter((request) => request.method === "POST").length

describe("many tenants", () => {
  it.scoped("10,000 interleaved calls of four tenants use four tokens, each its own", () =>
    Effect.gen(function* () {
      server.received.length = 0
      const names = ["alpha", "beta", "gamma", "delta"]
      const calls = Array.from({ length: 10_000 }, (_, index) => names[(index * 7 + (index >> 3)) % names.length] ?? "")
      const contexts = new Map(
        yield* Effect.forEach(names, (name) => Effect.map(Tenants.runtime(name), (runtime) => [name, runtime] as const))
      )
      const seen = yield* Effect.forEach(calls, (name) => Effect.provide(read, contexts.get(name)!), {
        concurrency: 50
      })
      assert.deepStrictEqual(seen, calls)
      assert.strictEqual(tokenRequests(), names.length)
    }).pipe(Effect.provide(Tenants.Default))
  )

  it.effect("a tenant that is idle for long is let go, and comes back with a new token", () =>
    Effect.gen(function* () {
      server.received.length = 0
      yield* readAs("alpha")
      yield* TestClock.adjust("19 minutes")
      yield* readAs("alpha")
      assert.strictEqual(tokenRequests(), 1)
      yield* TestClock.adjust("21 minutes")
      yield* readAs("alpha")
      assert.strictEqual(tokenRequests(), 2)
    }).pipe(Effect.provide(Tenants.Default))
  )

  it.scoped("one layer given to 50 clients is one token, two layers are two", () =>
    Effect.gen(function* () {
      server.received.length = 0
      const make = () =>
        ErpNet.layer({
          instance: "alpha",
          credentials: TrustedApplication.make({
            clientId: "my.trusted.app/service",
            clientSecret: Redacted.make("secret of alpha")
          })
        })
      const once = make()
      const call = Effect.flatMap(AuthorizedClient.AuthorizedClient, (client) => client.get("Crm_Customers"))
      const fifty = Effect.gen(function* () {
        const clients = yield* Effect.replicateEffect(AuthorizedClient.make(), 50)
        yield* Effect.forEach(clients, (client) => client.get("Crm_Customers"), { concurrency: "unbounded" })
        yield* call
      })
      yield* Effect.provide(fifty, once)
      assert.strictEqual(tokenRequests(), 1)
      yield* Effect.all([Effect.provide(call, make()), Effect.provide(call, make())])
      assert.strictEqual(tokenRequests(), 3)
    }).pipe(Effect.provideService(HttpClient.HttpClient, server.client))
  )
})
