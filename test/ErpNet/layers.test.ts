import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Console, Effect, Either, Exit, Layer, Redacted, Schema, TestClock } from "effect"
import {
  AuthorizedClient,
  DomainApi,
  EntitySet,
  ErpNet,
  type ErpNetError,
  Instance,
  TokenProvider
} from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { apiJournal, Customers, demo, emulated, failureOf, fakeDomain, page, rows } from "../support/domain.ts"
import { application, instance } from "../support/fixtures.ts"

const settings = {
  ERPNET_INSTANCE: "testdb",
  ERPNET_CLIENT_ID: "my.trusted.app/service",
  ERPNET_CLIENT_SECRET: Redacted.value(ErpNetEmulator.demoSecret),
  ERPNET_SCOPE: "read"
}

const withSettings = (values: Readonly<Record<string, string>>) =>
  Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(values))))

const emulator = ErpNetEmulator.layer({ customers: 20, products: 1, salesOrders: 1 })

describe("ErpNet.layer", () => {
  it.effect("all services share one token", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const client = yield* AuthorizedClient.AuthorizedClient
      const tokens = yield* TokenProvider.TokenProvider
      const api = yield* DomainApi.DomainApi
      yield* Effect.all(
        [
          DomainApi.list(Customers),
          client.get("Crm_Customers?$top=1"),
          api.client.get("Crm_Customers?$top=1"),
          tokens.get,
          DomainApi.count(Customers)
        ],
        { concurrency: "unbounded" }
      )
      const fingerprints = new Set((yield* apiJournal).map((entry) => entry.headers["authorization"]))
      assert.deepStrictEqual([...fingerprints], [`Bearer ${(yield* tokens.get).fingerprint}`])
      assert.strictEqual((yield* erp.counters).tokenRequests, 1)
      assert.strictEqual(api.instance, tokens.instance)
      // A renewal that one of them causes is for all.
      yield* erp.revokeTokens
      yield* DomainApi.count(Customers)
      assert.strictEqual((yield* client.get("Crm_Customers?$top=1")).status, 200)
      assert.strictEqual((yield* erp.counters).tokenRequests, 2)
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("building it sends nothing", () => {
    const fake = fakeDomain(() => page([]))
    return Effect.gen(function* () {
      yield* Effect.all([DomainApi.DomainApi, TokenProvider.TokenProvider, AuthorizedClient.AuthorizedClient])
      yield* TestClock.adjust("1 days")
      assert.strictEqual(fake.exchanges(), 0)
    }).pipe(Effect.provide(fake.layer))
  })

  for (const [name, given] of [
    ["a name", "testdb"],
    ["a host", "testdb.my.erp.net"],
    ["a URL", "https://testdb.my.erp.net/"],
    ["a value", instance]
  ] as const) {
    it.effect(`the instance as ${name}`, () => {
      const fake = fakeDomain(() => page(rows(0, 1)))
      return Effect.gen(function* () {
        assert.deepStrictEqual(yield* DomainApi.list(Customers), rows(0, 1))
        assert.strictEqual(fake.calls[0]?.url.origin, "https://testdb.my.erp.net")
      }).pipe(Effect.provide(ErpNet.layer({ instance: given, credentials: application })), Effect.provide(fake.http))
    })
  }

  it.effect("an instance that has moved", () => {
    const fake = fakeDomain(() => page(rows(0, 1)))
    const moved = Either.getOrThrow(Instance.make("testdb", { odata: "https://api.example.com/odata" }))
    return Effect.gen(function* () {
      yield* DomainApi.list(Customers)
      assert.strictEqual(
        fake.calls[0]?.url.href,
        "https://api.example.com/odata/Crm_Customers?$top=1000&$select=Id,Number"
      )
    }).pipe(Effect.provide(ErpNet.layer({ instance: moved, credentials: application })), Effect.provide(fake.http))
  })

  it.effect("an instance that cannot be is InvalidInstance", () =>
    Effect.gen(function* () {
      for (const bad of ["", "ftp://testdb", " testdb", "http://testdb.my.erp.net"]) {
        const exit = yield* DomainApi.list(Customers).pipe(
          Effect.provide(ErpNet.layer({ instance: bad, credentials: application })),
          Effect.exit
        )
        assert.strictEqual(failureOf(exit)._tag, "InvalidInstance", bad)
      }
    }).pipe(Effect.provide(fakeDomain(() => page([])).http))
  )

  it.effect("credentials that are an Effect are asked for at each exchange", () => {
    let asked = 0
    const credentials = Effect.sync(() => {
      asked += 1
      return demo
    })
    return Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* Effect.gen(function* () {
        yield* DomainApi.count(Customers)
        yield* erp.revokeTokens
        yield* DomainApi.count(Customers)
      }).pipe(Effect.provide(ErpNet.layer({ instance: erp.instance, credentials })))
      assert.strictEqual(asked, 2)
    }).pipe(Effect.provide(emulator))
  })

  it.effect("options reach every service", () => {
    const fake = fakeDomain(() => ({ status: 401 }), { minimumTokenAge: 0, requestsPerMinute: 1 })
    return Effect.gen(function* () {
      const exit = yield* Effect.exit(DomainApi.list(Customers))
      assert.strictEqual(failureOf(exit)._tag, "Unauthorized")
      assert.lengthOf(fake.calls, 2)
      const timed = yield* Effect.fork(Effect.exit(DomainApi.list(Customers)))
      yield* TestClock.adjust("59 seconds")
      assert.lengthOf(fake.calls, 2)
      assert.isNull(timed.unsafePoll())
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("ErpNet.layerConfig", () => {
  it.effect("the first program of the documentation, as it stands", () => {
    const printed: Array<unknown> = []
    const table = (data: unknown) => Effect.sync(() => void printed.push(data))

    const Customers = EntitySet.make(
      "Crm_Customers",
      Schema.Struct({
        Id: Schema.UUID,
        Number: Schema.NullOr(Schema.String)
      })
    )

    const program = DomainApi.list(Customers, { top: 10 }).pipe(Effect.flatMap(Console.table))

    return Effect.gen(function* () {
      yield* Console.consoleWith((console) =>
        program.pipe(Effect.provide(ErpNet.layerConfig()), Effect.withConsole({ ...console, table }))
      )
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const ids = (yield* erp.data).ids("Crm_Sales_Customers").slice(0, 10)
      assert(Array.isArray(printed[0]))
      assert.deepStrictEqual(
        printed[0].map((printedRow) => Reflect.get(printedRow, "Id")),
        [...ids]
      )
      assert.deepStrictEqual(
        (yield* erp.journal).map((entry) => [entry.method, entry.path, entry.status]),
        [
          ["POST", "/id/connect/token", 200],
          ["GET", "/api/domain/odata/Crm_Customers", 200]
        ]
      )
    }).pipe(Effect.provide(emulator), Effect.provide(withSettings(settings)))
  })

  it.effect("the scope may be missing", () => {
    const { ERPNET_SCOPE: _, ...others } = settings
    return Effect.gen(function* () {
      assert.strictEqual(yield* DomainApi.count(Customers), 20)
      assert.sameMembers([...(yield* (yield* TokenProvider.TokenProvider).get).scopes], ["read", "update", "DomainApi"])
    }).pipe(Effect.provide(ErpNet.layerConfig()), Effect.provide(emulator), Effect.provide(withSettings(others)))
  })

  for (const missing of ["ERPNET_INSTANCE", "ERPNET_CLIENT_ID", "ERPNET_CLIENT_SECRET"]) {
    it.effect(`without ${missing}: a ConfigError that names it`, () => {
      const others = Object.fromEntries(Object.entries(settings).filter(([name]) => name !== missing))
      return Effect.gen(function* () {
        const exit = yield* Effect.exit(Effect.provide(DomainApi.count(Customers), ErpNet.layerConfig()))
        assert.isTrue(Exit.isFailure(exit))
        assert.include(String(exit), missing)
        assert.notInclude(String(exit), settings.ERPNET_CLIENT_SECRET)
      }).pipe(Effect.provide(emulator), Effect.provide(withSettings(others)))
    })
  }

  const invalid: ReadonlyArray<readonly [keyof typeof settings, string, ErpNetError.ErpNetError["_tag"]]> = [
    ["ERPNET_INSTANCE", "ftp://testdb", "InvalidInstance"],
    ["ERPNET_CLIENT_ID", " my.trusted.app/service", "InvalidApplication"],
    ["ERPNET_CLIENT_SECRET", "a secret with a line break\n", "InvalidApplication"]
  ]
  for (const [name, value, tag] of invalid) {
    it.effect(`${name} that cannot be is ${tag}`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Effect.provide(DomainApi.count(Customers), ErpNet.layerConfig()))
        assert.strictEqual(failureOf(exit)._tag, tag)
        assert.notInclude(String(exit), value)
      }).pipe(Effect.provide(emulator), Effect.provide(withSettings({ ...settings, [name]: value })))
    )
  }

  it.effect("options as for layer", () =>
    Effect.gen(function* () {
      const exit = yield* DomainApi.count(Customers).pipe(
        Effect.provide(ErpNet.layerConfig({ maxConcurrent: 0 })),
        Effect.exit
      )
      assert.include(String(exit), "maxConcurrent")
    }).pipe(Effect.provide(emulator), Effect.provide(withSettings(settings)))
  )
})
