/** Reading whole sets, in every format, and what changes data. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { pageOf } from "../../src/cli/pages.ts"
import { assertClean, demoSettings, runCli } from "./support.ts"

const emulator = Effect.provide(ErpNetEmulator.layer({ customers: 2500 }))
const writable = { ...demoSettings, ERPNET_SCOPE: "read update" }

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-erpnet-out-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** An instance that gives these bodies to the GETs of its API, one after the other. */
const withBodies = (...bodies: ReadonlyArray<string>) => {
  let next = 0
  return Effect.updateService(HttpClient.HttpClient, (client) =>
    HttpClient.make((request) =>
      request.method === "GET" && request.url.includes("/odata/")
        ? Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(bodies[next++] ?? "", { status: 200 })))
        : client.execute(request)
    )
  )
}

const root = "https://testdb.my.erp.net/api/domain/odata/"

describe("get --all", () => {
  it.effect("reads every page once, in ndjson, json and csv alike", () =>
    Effect.gen(function* () {
      const path = "Crm_Customers?$select=Number"
      const lines = yield* runCli(["get", path, "--all", "--format", "ndjson"])
      assert.strictEqual(lines.code, 0, lines.err)
      const rows = lines.out.trim().split("\n")
      assert.strictEqual(rows.length, 2500)
      const numbers = rows.map((row) => JSON.parse(row).Number)
      assert.strictEqual(new Set(numbers).size, 2500)
      const json = yield* runCli(["get", path, "--all"])
      assert.deepStrictEqual(
        JSON.parse(json.out).value.map((row: { Number: string }) => row.Number),
        numbers
      )
      const csv = yield* runCli(["get", path, "--all", "--format", "csv"])
      assert.deepStrictEqual(csv.out.trim().split(/\r?\n/), ["Number", ...numbers])
      const { counters } = yield* ErpNetEmulator.ErpNetEmulator
      assert.strictEqual((yield* counters).apiRequests, 9)
    }).pipe(emulator)
  )

  it.effect("keeps the digits, the order and the escapes of each row", () =>
    Effect.gen(function* () {
      const { out } = yield* runCli(["get", "Any?$top=2", "--all", "--format", "ndjson"])
      assert.strictEqual(out, '{"A":1.10,"B":"x]}\\"\\\\"}\n{"A":123456789012345678.1234560}\n{"A":1E+2}\n')
    }).pipe(
      withBodies(
        `{"@odata.context":"[{","@odata.nextLink":"${root}Any?$top=2&$skip=2","value":[ {"A":1.10,"B":"x]}\\"\\\\"},\n{"A":123456789012345678.1234560}]}`,
        '{"value":[{"A":1E+2}]}'
      ),
      emulator
    )
  )

  it.effect("ends where pages go round, lead away, or are no rows", () =>
    Effect.gen(function* () {
      const round = yield* runCli(["get", "Any?$top=1", "--all", "--format", "ndjson"]).pipe(
        withBodies(...Array.from({ length: 3 }, () => `{"value":[{}],"@odata.nextLink":"${root}Any?$top=1"}`))
      )
      assert.deepStrictEqual([round.code, /no end/.test(round.err)], [1, true], round.err)
      const away = yield* runCli(["get", "Any?$top=1", "--all"]).pipe(
        withBodies('{"value":[{}],"@odata.nextLink":"https://example.com/x"}')
      )
      assert.deepStrictEqual([away.code, /does not lie below/.test(away.err)], [2, true], away.err)
      const none = yield* runCli(["get", "GetVersion", "--all"]).pipe(withBodies('{"version":"1"}'))
      assert.deepStrictEqual([none.code, /no list of rows/.test(none.err)], [2, true], none.err)
    }).pipe(emulator)
  )

  it("finds the rows of every page as they were written", () => {
    const json = fc.jsonValue().map((value) => JSON.stringify(value))
    void fc.assert(
      fc.property(fc.array(json), fc.boolean(), fc.string(), (items, spaced, before) => {
        const gap = spaced ? " \n" : ""
        const text = `{"@odata.x":${JSON.stringify(before)},${gap}"value":${gap}[${gap}${items.join(`,${gap}`)}${gap}],"@odata.nextLink":"n"}`
        assert.deepStrictEqual(pageOf(text), { rows: items, nextLink: "n" })
      })
    )
    for (const text of ["", "[]", '{"value":1}', '{"a":{"value":[1]}}', '{"value":[1', "<x/>"]) {
      assert.isUndefined(pageOf(text), text)
    }
  })
})

describe("get --output", () => {
  it.scoped("writes the file whole, and nothing where it fails", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, "rows.ndjson")
      const args = ["get", "Crm_Customers?$select=Number", "--all", "--format", "ndjson", "--output", file]
      const { code, err, out } = yield* runCli(args)
      assert.deepStrictEqual([code, out], [0, ""], err)
      assert.strictEqual(readFileSync(file, "utf8").trim().split("\n").length, 2500)
      assert.deepStrictEqual(readdirSync(path), ["rows.ndjson"])
      const whole = readFileSync(file, "utf8")
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.failWhen(({ query }) => (/skip/.test(query) ? ErpNetEmulator.Fault.status(500) : undefined))
      const failed = yield* runCli(args)
      assert.strictEqual(failed.code, 1, failed.err)
      assert.deepStrictEqual(readdirSync(path), ["rows.ndjson"])
      assert.strictEqual(readFileSync(file, "utf8"), whole)
      const nowhere = yield* runCli([...args.slice(0, -1), join(path, "no", "rows")])
      assert.deepStrictEqual([nowhere.code, /--output cannot be written/.test(nowhere.err)], [2, true], nowhere.err)
    }).pipe(emulator)
  )
})

describe("formats", () => {
  it.effect("csv quotes what it must, and names what a later row has more", () =>
    Effect.gen(function* () {
      const { out } = yield* runCli(["get", "Any", "--format", "csv"])
      assert.strictEqual(out, 'A,B\r\n"x,""y""",1.10 EUR\r\n"a\nb",\r\n'.replace(/\r\n$/, "\n"))
      const chosen = yield* runCli(["get", "Any", "--format", "csv", "--columns", "B,C"]).pipe(
        withBodies('{"value":[{"A":1,"B":2}]}')
      )
      assert.strictEqual(chosen.out, "B,C\r\n2,\n")
      const later = yield* runCli(["get", "Any?$top=1", "--all", "--format", "csv"]).pipe(
        withBodies(`{"value":[{"A":1}],"@odata.nextLink":"${root}Any?$skip=1"}`, '{"value":[{"A":1,"Z":2}]}')
      )
      assert.deepStrictEqual([later.code, /the field Z/.test(later.err)], [2, true], later.err)
    }).pipe(
      withBodies('{"value":[{"A":"x,\\"y\\"","B":{"Value":1.10,"Currency":"EUR"}},{"A":"a\\nb","B":null}]}'),
      emulator
    )
  )

  it.effect("--columns without a table is a mistake", () =>
    Effect.gen(function* () {
      const { code, err } = yield* runCli(["get", "Crm_Customers", "--columns", "Number"])
      assert.deepStrictEqual([code, /--columns is for/.test(err)], [2, true])
    }).pipe(emulator)
  )
})

describe("count and describe", () => {
  it.effect("counts all rows, or those of a filter", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* runCli(["count", "Crm_Customers"])).out, "2500\n")
      const some = yield* runCli(["count", "Crm_Customers?$filter=Active eq true"])
      assert.isBelow(Number(some.out), 2500, some.err)
      assert.isAbove(Number(some.out), 0)
    }).pipe(emulator)
  )

  it.effect("lists the sets, the fields of one, and the name that was meant", () =>
    Effect.gen(function* () {
      const sets = yield* runCli(["describe"])
      assert.match(sets.out, /^Crm_Sales_Customers$/m)
      const fields = yield* runCli(["describe", "Crm_Sales_Customers"])
      assert.strictEqual(fields.code, 0, fields.err)
      assert.match(fields.out, /^Field +Type /)
      assert.match(fields.out, /^CreditLimit +Amount/m)
      assert.match(fields.out, /^Id +Guid/m)
      const inherited = yield* runCli(["describe", "Crm_Sales_SalesOrders"])
      assert.match(inherited.out, /^DocumentNo +String/m)
      const wrong = yield* runCli(["describe", "Crm_Sales_Customer"])
      assert.strictEqual(wrong.code, 2)
      assert.match(wrong.err, /no entity set Crm_Sales_Customer\. Did you mean Crm_Sales_Customers\?/)
    }).pipe(emulator)
  )
})

describe("create, update, remove, call", () => {
  it.effect("--dry-run shows the request and sends nothing", () =>
    Effect.gen(function* () {
      const { code, out } = yield* runCli(["create", "Crm_Customers", "--dry-run"], { input: '{"A":1.10}\n' })
      assert.deepStrictEqual(
        [code, out],
        [0, `POST ${root}Crm_Customers\ncontent-type: application/json\n\n{"A":1.10}\n`]
      )
      const removed = yield* runCli(["remove", "Crm_Customers(1)", "--dry-run"])
      assert.strictEqual(removed.out, `DELETE ${root}Crm_Customers(1)\n`)
      const { journal } = yield* ErpNetEmulator.ErpNetEmulator
      assert.deepStrictEqual(yield* journal, [])
    }).pipe(emulator)
  )

  it.effect("creates, changes, calls and removes", () =>
    Effect.gen(function* () {
      const settings = writable
      const read = yield* runCli(["get", "Crm_Customers?$top=1&$select=Id,Active"], { settings })
      const { Active, Id } = JSON.parse(read.out).value[0]
      const path = `Crm_Customers(${Id})`
      const changed = yield* runCli(["update", path], { settings, input: JSON.stringify({ Active: !Active }) })
      assert.strictEqual(changed.code, 0, changed.err)
      const after = yield* runCli(["get", `${path}?$select=Active`], { settings })
      assert.strictEqual(JSON.parse(after.out).Active, !Active)
      const copy = yield* runCli(["call", `${path}/CreateCopy`], { settings, input: "" })
      assert.strictEqual(copy.code, 0, copy.err)
      const created = yield* runCli(["create", "General_Products_ProductGroups"], {
        settings,
        input: '{"Code":"CLI","Name":{"EN":"From the command line"}}'
      })
      assert.strictEqual(created.code, 0, created.err)
      const id = /\((.*)\)/.exec(JSON.parse(created.out)["@odata.id"])?.[1]
      const removed = yield* runCli(["remove", `General_Products_ProductGroups(${id})`], { settings })
      assert.deepStrictEqual([removed.code, removed.out], [0, ""], removed.err)
    }).pipe(emulator)
  )

  it.effect("refuses what cannot be meant, before anything is sent", () =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, string, RegExp]> = [
        [["create", "Crm_Customers"], "", /There is no body/],
        [["create", "Crm_Customers"], "[1]", /not a JSON object/],
        [["create", "Crm_Customers"], "{", /not a JSON object/],
        [["create", "Crm_Customers(1)"], "{}", /without an id/],
        [["update", "Crm_Customers"], "{}", /takes one entity/],
        [["remove", "Crm_Customers"], "", /takes one entity/],
        [["remove", "Crm_Customers?$filter=Active eq true"], "", /takes one entity/]
      ]
      for (const [args, input, message] of wrong) {
        const { code, err, out } = yield* runCli(args, { settings: writable, input })
        assert.deepStrictEqual([code, out], [2, ""], err)
        assert.match(err, message)
      }
      const { journal } = yield* ErpNetEmulator.ErpNetEmulator
      assert.deepStrictEqual(yield* journal, [])
    }).pipe(emulator)
  )
})

describe("mistakes", () => {
  const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["gte", "X"], /Unknown command 'gte'\. Did you mean get\?\nRun effect-erpnet --help/],
    [
      ["get", "X", "--fromat", "csv"],
      /Unknown option '--fromat'\. Did you mean --format\?\nRun effect-erpnet get --help/
    ],
    [["get", "X", "--format"], /The option --format needs a value\.\nRun effect-erpnet get --help/],
    [["get", "--instance", "--all", "X"], /The option --instance needs a value/],
    [["get"], /Missing required argument 'path'\.\nRun effect-erpnet get --help/],
    [["get", "X", "Y"], /Too many arguments for 'get'/],
    [["--format", "xml", "get", "X"], /Allowed choices are json, ndjson, csv, table\./],
    [["emulator", "--port", "70000"], /The port must be a number from 0 to 65535\./],
    [["get", "X", "--columns", "a,,b"], /commas between/]
  ]
  for (const [args, message] of mistakes) {
    it.effect(`"${args.join(" ")}" says what is wrong`, () =>
      Effect.gen(function* () {
        const { code, err, out } = yield* runCli(args)
        assert.deepStrictEqual([code, out], [2, ""])
        assert.match(err, message)
        assert.isTrue(err.startsWith("Error: "))
      }).pipe(emulator)
    )
  }

  it.effect("options stand anywhere", () =>
    Effect.gen(function* () {
      const path = "Crm_Customers?$top=1&$select=Number"
      const expected = yield* runCli(["get", path, "--format", "csv"])
      assert.strictEqual(expected.code, 0)
      for (const args of [
        ["--format", "csv", "get", path],
        ["--format=csv", "get", path],
        ["get", "--format", "csv", path],
        ["--instance", "testdb", "get", path, "--format", "csv"]
      ]) {
        assert.deepStrictEqual(yield* runCli(args), expected)
      }
    }).pipe(emulator)
  )

  it.effect("--verbose shows each request, and no secret", () =>
    Effect.gen(function* () {
      const { err } = yield* runCli(["get", "Crm_Customers?$top=1", "--verbose"])
      assert.match(
        err,
        /^GET \/sys\/auto-discovery 200 \d+ ms\nPOST \/id\/connect\/token 200 \d+ ms\nGET \/api\/domain\/odata\/Crm_Customers 200 \d+ ms\n$/
      )
      assertClean(err)
    }).pipe(emulator)
  )

  it.effect("demo needs no settings", () =>
    Effect.gen(function* () {
      const { code, out } = yield* runCli(["demo"], { settings: {} })
      assert.strictEqual(code, 0)
      assert.strictEqual(out.trim().split("\n").length, 7)
      for (const line of out.split("\n")) assert.isAtMost(line.length, 80)
    }).pipe(emulator)
  )
})
