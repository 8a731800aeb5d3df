/** The synchronisation of examples/03-sync-customers.ts: run twice, interrupted, killed. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { NodeHttpClient } from "@effect/platform-node"
import { SqlClient } from "@effect/sql"
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Deferred, Effect, Fiber, Layer, Redacted, Schema } from "effect"
import { DomainApi, ErpNet, type Instance } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import * as CustomerCopy from "../../examples/support/customerCopy.ts"

const size = 2500
const data: ErpNetEmulator.Options = { customers: size, products: 2, salesOrders: 2 }

const client = (instance: Instance.Instance) =>
  ErpNet.layer({ instance, credentials: { ...ErpNetEmulator.demoCredentials, scopes: ["read"] } })

const inMemory = Layer.unwrapEffect(Effect.map(ErpNetEmulator.ErpNetEmulator, ({ instance }) => client(instance))).pipe(
  Layer.provideMerge(ErpNetEmulator.layer(data))
)

/** A file of its own, gone with the scope. */
const file = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-erpnet-test-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => join(folder, "customers.sqlite")
)

const ServerRows = Schema.Struct({
  value: Schema.Array(
    Schema.Struct({
      Id: Schema.String,
      Number: Schema.NullOr(Schema.String),
      Active: Schema.Boolean,
      CreditLimit: Schema.NullOr(Schema.Struct({ Value: Schema.Number, Currency: Schema.String })),
      Party: Schema.Struct({ PartyName: Schema.Struct({ EN: Schema.String }) }),
      AggregateLastUpdateTimeUtc: Schema.NullOr(Schema.String)
    })
  )
})

/** All customers in one answer: no paging, none of the decoding that the copy went through. */
const serverRows = Effect.map(
  DomainApi.request(
    `${CustomerCopy.Customers.name}?$select=Id,Number,Active,CreditLimit,AggregateLastUpdateTimeUtc&$expand=Party($select=PartyName)`,
    ServerRows
  ),
  ({ value }) =>
    value
      .map((row) => ({
        id: row.Id,
        number: row.Number,
        name: row.Party.PartyName.EN,
        active: row.Active,
        creditLimit: row.CreditLimit?.Value ?? null,
        currency: row.CreditLimit?.Currency ?? null,
        updatedAt: row.AggregateLastUpdateTimeUtc === null ? null : Date.parse(row.AggregateLastUpdateTimeUtc)
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
)

const copiedRows = Effect.map(CustomerCopy.rows, (rows) =>
  rows.map((row) => ({
    ...row,
    creditLimit: row.creditLimit === null ? null : BigDecimal.unsafeToNumber(row.creditLimit),
    updatedAt: row.updatedAt === null ? null : Date.parse(row.updatedAt)
  }))
)

const assertSame = Effect.gen(function* () {
  const [server, copy] = yield* Effect.all([serverRows, copiedRows])
  assert.strictEqual(server.length, size)
  assert.deepStrictEqual(copy, server)
})

const watermarks = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ readonly watermark: string }>`SELECT watermark FROM watermarks`
)

/** What a broken run has left: these many rows and no watermark. Gives the number of rows without a time. */
const assertBrokenOff = (copied: number) =>
  Effect.gen(function* () {
    const rows = yield* CustomerCopy.rows
    assert.strictEqual(rows.length, copied)
    assert.deepStrictEqual(yield* watermarks, [])
    return rows.filter((row) => row.updatedAt === null).length
  })

describe("synchronising customers", () => {
  it.scoped("writes everything, then only what has changed", () =>
    Effect.gen(function* () {
      const emulator = yield* ErpNetEmulator.ErpNetEmulator
      const { ids, update } = yield* emulator.data
      const first = yield* CustomerCopy.sync()
      assert.deepStrictEqual([first.mode, first.applied, first.total], ["full", size, size])
      yield* assertSame

      const again = yield* CustomerCopy.sync()
      assert.deepStrictEqual([again.mode, again.applied], ["incremental", 0])
      yield* assertSame

      const now = Date.parse(first.watermark!) + 60_000
      for (const [index, id] of ids(CustomerCopy.Customers.name).slice(0, 3).entries()) {
        update(CustomerCopy.Customers.name, id, { Number: `N${index}`, AggregateLastUpdateTimeUtc: now })
      }
      const changed = yield* CustomerCopy.sync()
      assert.strictEqual(changed.applied, 3)
      assert.isBelow(changed.pulled, 100)
      yield* assertSame
      assert.deepStrictEqual(yield* watermarks, [{ watermark: changed.watermark! }])
    }).pipe(Effect.provide(Layer.unwrapScoped(Effect.map(file, CustomerCopy.layer))), Effect.provide(inMemory))
  )

  it.scoped("goes on where an interrupted run has stopped", () =>
    Effect.gen(function* () {
      const reached = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        CustomerCopy.sync(({ pulled }) =>
          pulled < 1000 ? Effect.void : Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)
        )
      )
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(fiber)
      const withoutTime = yield* assertBrokenOff(1000)
      const resumed = yield* CustomerCopy.sync()
      assert.deepStrictEqual([resumed.mode, resumed.applied], ["full", size - 1000 + withoutTime])
      yield* assertSame
    }).pipe(Effect.provide(Layer.unwrapScoped(Effect.map(file, CustomerCopy.layer))), Effect.provide(inMemory))
  )

  it.scopedLive("goes on where a killed process has stopped", () =>
    Effect.gen(function* () {
      const emulator = yield* ErpNetEmulator.ErpNetEmulator
      const path = yield* file
      // The number of rows and two pages are answered, the third page never.
      yield* emulator.failNext("api", ErpNetEmulator.Fault.delay(0), 3)
      yield* emulator.failNext("api", ErpNetEmulator.Fault.hang)
      yield* killAfter("2,000 of 2,500", path, emulator.origin)
      yield* emulator.clearFaults

      yield* Effect.gen(function* () {
        const withoutTime = yield* assertBrokenOff(2000)
        const resumed = yield* CustomerCopy.sync()
        assert.deepStrictEqual([resumed.mode, resumed.applied], ["full", size - 2000 + withoutTime])
        yield* assertSame
      }).pipe(Effect.provide(Layer.merge(client(emulator.instance), CustomerCopy.layer(path))))
    }).pipe(Effect.provide(Layer.merge(ErpNetEmulator.serve(data), NodeHttpClient.layerUndici)))
  )
})

/** Runs the example in a process of its own, which dies by SIGKILL as soon as it has printed a text. */
const killAfter = (text: string, path: string, origin: string) =>
  Effect.acquireUseRelease(
    Effect.sync(() => start(path, origin)),
    (child) =>
      Effect.promise(async () => {
        let printed = ""
        child.stderr.on("data", (part) => {
          printed += String(part)
        })
        for await (const line of createInterface({ input: child.stdout })) {
          printed += `${line}\n`
          if (!line.includes(text)) continue
          const exit = once(child, "exit")
          child.kill("SIGKILL")
          assert.strictEqual((await exit)[1], "SIGKILL")
          return
        }
        assert.fail(`the process ended by itself:\n${printed}`)
      }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const start = (path: string, origin: string) =>
  spawn(process.execPath, ["--import", "tsx", "examples/03-sync-customers.ts", path], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: {
      ...process.env,
      ERPNET_INSTANCE: origin,
      ERPNET_CLIENT_ID: ErpNetEmulator.demoApplication.applicationUri,
      ERPNET_CLIENT_SECRET: Redacted.value(ErpNetEmulator.demoSecret),
      ERPNET_SCOPE: "read"
    },
    stdio: ["ignore", "pipe", "pipe"]
  })
