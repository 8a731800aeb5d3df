/** The commands in memory: what they print where, and their exit codes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Either, Fiber, TestClock } from "effect"
import { Instance } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import manifest from "../../package.json" with { type: "json" }
import { green, red, withColours } from "../../src/cli/output.ts"
import { urlOf } from "../../src/cli/reading.ts"
import { formatJson, formatTable, parse, plainText } from "../../src/cli/table.ts"
import { assertClean, demoSecret, demoSettings, runCli } from "./support.ts"

const emulator = Effect.provide(ErpNetEmulator.layer())

/** A file with these lines, for one test. */
const fileOf = (text: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "effect-erpnet-cli-"))
      const path = join(folder, "settings.env")
      writeFileSync(path, text)
      return { folder, path }
    }),
    ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ).pipe(Effect.map(({ path }) => path))

/** An instance that gives this body to every GET of its API. */
const withBody = (body: string) =>
  Effect.updateService(HttpClient.HttpClient, (client) =>
    HttpClient.make((request) =>
      request.method === "GET"
        ? Effect.succeed(HttpClientResponse.fromWeb(request, new Response(body)))
        : client.execute(request)
    )
  )

describe("effect-erpnet token", () => {
  it.effect("prints fingerprint, scopes and expiry, and not the token", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* runCli(["token"])
      assert.strictEqual(code, 0, err)
      assert.match(out, /^instance +https:\/\/testdb\.my\.erp\.net\n/)
      assert.match(out, /^fingerprint +[0-9a-f]{8}$/m)
      assert.match(out, /^scopes +read$/m)
      assert.match(out, /^expires +1970-01-01T01:00:00\.000Z \(in 3600 s\)$/m)
      assert.strictEqual(err, "")
      assertClean(out)
    }).pipe(emulator)
  )

  it.effect("--show prints the token alone on standard output", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* runCli(["token", "--show"])
      assert.strictEqual(code, 0)
      assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
      assert.match(err, /fingerprint/)
      assertClean(err)
    }).pipe(emulator)
  )

  it.effect("names every setting that is missing, with exit code 2", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* runCli(["token"], { settings: { ERPNET_INSTANCE: "testdb" } })
      assert.strictEqual(code, 2)
      assert.strictEqual(out, "")
      assert.match(err, /^Error: ERPNET_CLIENT_ID is not set; ERPNET_CLIENT_SECRET is not set\. Set it/)
    }).pipe(emulator)
  )

  it.effect("a setting that is wrong is exit code 2, a refusal of the server 1", () =>
    Effect.gen(function* () {
      const blank = yield* runCli(["token"], { settings: { ...demoSettings, ERPNET_CLIENT_SECRET: `${demoSecret}\n` } })
      assert.strictEqual(blank.code, 2)
      assert.match(blank.err, /ERPNET_CLIENT_SECRET.*white space/)
      assertClean(blank.err)
      const path = yield* runCli(["token", "--instance", "https://user:hunter2@testdb.my.erp.net"])
      assert.strictEqual(path.code, 2)
      assert.notInclude(path.err, "hunter2")
      const refused = yield* runCli(["token"], { settings: { ...demoSettings, ERPNET_CLIENT_SECRET: "hunter2" } })
      assert.strictEqual(refused.code, 1)
      assert.match(refused.err, /^Error: .*invalid_client.*ApplicationSecretHash/)
      assert.notInclude(refused.err, "hunter2")
      assert.strictEqual(refused.err.trim().split("\n").length, 1)
    }).pipe(emulator)
  )
})

describe("settings", () => {
  it.scoped("--instance wins over the environment, and that over the file", () =>
    Effect.gen(function* () {
      const file = yield* fileOf(
        [
          "# a comment",
          "export ERPNET_INSTANCE=nowhere",
          `ERPNET_CLIENT_ID=${demoSettings["ERPNET_CLIENT_ID"]}`,
          `ERPNET_CLIENT_SECRET='${demoSecret}'`,
          'ERPNET_SCOPE="read update"'
        ].join("\n")
      )
      const both = yield* runCli(["token", "--env-file", file], {
        settings: { ERPNET_INSTANCE: "testdb", ERPNET_SCOPE: "read" }
      })
      assert.match(both.out, /testdb[\s\S]*scopes +read\n/, both.err)
      const typed = yield* runCli(["token", "--env-file", file, "--instance", "testdb"], { settings: {} })
      assert.match(typed.out, /testdb[\s\S]*scopes +read update\n/, typed.err)
    }).pipe(emulator)
  )

  it.scoped("takes the values of a file as they are written, dollar signs too", () =>
    Effect.gen(function* () {
      const secret = ["a$b$", "{c}\\$d"].join("")
      const instance = yield* ErpNetEmulator.ErpNetEmulator
      yield* instance.updateApplication(ErpNetEmulator.demoApplication.applicationUri, {
        applicationSecretHash: (yield* runCli(["secret-hash"], { input: secret })).out.trim()
      })
      const file = yield* fileOf(`ERPNET_CLIENT_SECRET='${secret}'\n`)
      const { ERPNET_CLIENT_ID = "", ERPNET_INSTANCE = "" } = demoSettings
      const { code, err } = yield* runCli(["token", "--env-file", file], {
        settings: { ERPNET_CLIENT_ID, ERPNET_INSTANCE }
      })
      assert.strictEqual(code, 0, err)
    }).pipe(
      Effect.provide(ErpNetEmulator.layer({ applications: [{ ...ErpNetEmulator.demoApplication, secret: undefined }] }))
    )
  )

  it.effect("a file that cannot be read is exit code 2", () =>
    Effect.gen(function* () {
      const { code, err } = yield* runCli(["token", "--env-file", "/no/such/file"])
      assert.strictEqual(code, 2)
      assert.match(err, /^Error: The file of --env-file cannot be read: .*\/no\/such\/file/)
    }).pipe(emulator)
  )
})

describe("effect-erpnet get", () => {
  it.effect("prints JSON on standard output and nothing else", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* runCli(["get", "Crm_Customers?$top=2&$select=Number"])
      assert.strictEqual(code, 0, err)
      assert.strictEqual(JSON.parse(out).value.length, 2)
      assert.strictEqual(err, "")
      assertClean(out)
    }).pipe(emulator)
  )

  it.effect("--format table prints a line for each row, and says on standard error that there are more", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* runCli(["get", "Crm_Customers?$top=2&$select=Number", "--format", "table"])
      assert.strictEqual(code, 0, err)
      assert.match(out, /^Number\n-{6}\n\d{6}\n\d{6}\n$/)
      const link = /path '([^']+)'/.exec(err)?.[1]
      assert.isDefined(link)
      const next = yield* runCli(["get", link ?? "", "--format", "table"])
      assert.match(next.out, /^Number\n-{6}\n\d{6}\n\d{6}\n$/)
      assert.notStrictEqual(next.out, out)
    }).pipe(emulator)
  )

  it.effect("prints what is not JSON as it is", () =>
    Effect.gen(function* () {
      const metadata = yield* runCli(["get", "$metadata"])
      assert.match(metadata.out, /^<\?xml/)
      const count = yield* runCli(["get", "Crm_Customers/$count"])
      assert.match(count.out, /^\d+\n$/)
    }).pipe(emulator)
  )

  it.effect("keeps every digit of a number", () =>
    Effect.gen(function* () {
      const { out } = yield* runCli(["get", "Any"])
      assert.deepStrictEqual(out.match(/[\d.]{5,}/g), ["123456789012345678.123456", "9007199254740993"])
      const table = yield* runCli(["get", "Any", "--format", "table"])
      assert.include(table.out, "123456789012345678.123456 EUR")
      assert.include(table.out, "9007199254740993")
    }).pipe(
      withBody('{"value":[{"A":{"Value":123456789012345678.123456,"Currency":"EUR"},"N":9007199254740993}]}'),
      emulator
    )
  )

  it.effect("does not print an answer that holds the access token", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* runCli(["get", "Echo"])
      assert.strictEqual(code, 1)
      assert.strictEqual(out, "")
      assert.match(err, /holds the access token/)
      assertClean(err)
    }).pipe(
      Effect.updateService(HttpClient.HttpClient, (client) =>
        HttpClient.make((request) =>
          request.method === "GET"
            ? Effect.succeed(
                HttpClientResponse.fromWeb(request, Response.json({ echo: request.headers["authorization"] }))
              )
            : client.execute(request)
        )
      ),
      emulator
    )
  )

  it.effect("an error of the API is exit code 1 and one line", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* runCli(["get", "Crm_Customers(00000000-0000-0000-0000-000000000000)"])
      assert.strictEqual(code, 1)
      assert.strictEqual(out, "")
      assert.match(err, /^Error: GET \/api\/domain\/odata\/Crm_Customers\(.*\) was answered 404.*\n$/)
    }).pipe(emulator)
  )

  it.effect("says after a while that it waits for a busy instance", () =>
    Effect.gen(function* () {
      const instance = yield* ErpNetEmulator.ErpNetEmulator
      yield* instance.failNext("api", ErpNetEmulator.Fault.delay("20 seconds"))
      const fiber = yield* Effect.fork(runCli(["get", "GetVersion"]))
      yield* TestClock.adjust("21 seconds")
      const { code, err } = yield* Fiber.join(fiber)
      assert.strictEqual(code, 0)
      assert.match(err, /^Still waiting/)
    }).pipe(emulator)
  )

  it("takes a path below the OData root, however it is written, and no other", () => {
    const instance = Either.getOrThrow(Instance.make("testdb"))
    const root = "https://testdb.my.erp.net/api/domain/odata/"
    for (const path of ["Crm_Customers", "/Crm_Customers", "/api/domain/odata/Crm_Customers", `${root}Crm_Customers`]) {
      assert.strictEqual(Either.getOrThrow(urlOf(instance, path)), `${root}Crm_Customers`)
    }
    assert.strictEqual(
      Either.getOrThrow(urlOf(instance, "Crm_Customers?$filter=Number eq 'a/b:c'")),
      `${root}Crm_Customers?$filter=Number%20eq%20%27a/b:c%27`
    )
    const refused = [
      "../../../id/connect/token",
      "https://example.com/api/domain/odata/Crm_Customers",
      "https://testdb.my.erp.net/sys",
      "https://user@testdb.my.erp.net/api/domain/odata/Crm_Customers",
      "Crm_Customers?$filter=Number eq '#1'"
    ]
    for (const path of refused) assert.isTrue(Either.isLeft(urlOf(instance, path)), path)
    assert.strictEqual(Either.getOrThrow(urlOf(instance, "//example.com/x")), `${root}example.com/x`)
  })

  it.effect("a path that cannot be used is exit code 2, and nothing is sent", () =>
    Effect.gen(function* () {
      const { code, err } = yield* runCli(["get", "https://example.com/"])
      assert.strictEqual(code, 2)
      assert.match(err, /does not lie below https:\/\/testdb\.my\.erp\.net\/api\/domain\/odata\//)
      const instance = yield* ErpNetEmulator.ErpNetEmulator
      assert.deepStrictEqual(yield* instance.journal, [])
    }).pipe(emulator)
  )
})

describe("output", () => {
  it.effect("has colours only where the stream is to have them", () =>
    Effect.gen(function* () {
      const printed: Array<unknown> = []
      const print = (...parts: ReadonlyArray<unknown>) => Effect.sync(() => void printed.push(...parts))
      const console = { ...(yield* Effect.consoleWith(Effect.succeed)), log: print, error: print }
      const both = Effect.zipRight(Console.log(green("out")), Console.error(red("err")))
      yield* Console.withConsole(both, withColours(console, { out: false, err: true }))
      yield* Console.withConsole(both, withColours(console, { out: true, err: false }))
      assert.deepStrictEqual(printed, ["out", red("err"), green("out"), "err"])
      assert.notStrictEqual(green("out"), "out")
    })
  )

  const value = (text: string) => Effect.runSync(parse(text))

  it("steers no terminal", () => {
    const csi = "\u009B2J"
    assert.strictEqual(formatJson(value(`{"a":"${csi}"}`)), '{\n  "a": "\\u009b2J"\n}')
    assert.strictEqual(
      formatTable(value(`{"value":[{"a":"x${csi}\\u001b[2J\\ny\\u202Ez"}]}`)),
      "a\n------------\nx 2J [2J y z"
    )
    assert.strictEqual(plainText(`a\u001B[2J${csi}\tb\n`), "a[2J2J\tb\n")
  })

  it("shows references, nothing, numbers and long values in a table", () => {
    const row = {
      Id: 7,
      Name: "x".repeat(60),
      Ref: { "@odata.id": "A(1)" },
      None: null,
      Many: [1, 2],
      "@odata.id": "B(2)"
    }
    assert.strictEqual(
      formatTable(value(JSON.stringify({ value: [row, { ...row, Id: 12 }] }))).replace(/x{40,}/g, "xx"),
      [
        "Id  Name                                              Ref   None  Many",
        `--  ${"-".repeat(48)}  ----  ----  -----`,
        " 7  xx…  A(1)        [1,2]",
        "12  xx…  A(1)        [1,2]"
      ].join("\n")
    )
    assert.strictEqual(formatTable(value('{"value":[]}')), "(no rows)")
    assert.strictEqual(formatTable(value('{"Number":"1"}')), "Number\n------\n1")
    assert.strictEqual(formatTable(value('{"value":["a","b"]}')), "value\n-----\na\nb")
  })
})

describe("effect-erpnet secret-hash", () => {
  it.effect("hashes what is read, without the line break at its end", () =>
    Effect.gen(function* () {
      const hash = "T/AGymuI51LwjLeIFxRQXOs9IHnupDKs/ajhWODR2C4=\n"
      for (const input of ["DEMO", "DEMO\n", "DEMO\r\n"]) {
        assert.deepStrictEqual(yield* runCli(["secret-hash"], { input, settings: {} }), { code: 0, out: hash, err: "" })
      }
    }).pipe(emulator)
  )

  it.effect("asks on a terminal, and does not show what is typed", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* runCli(["secret-hash"], { keys: [..."DEMO", "enter"] })
      assert.deepStrictEqual([code, out], [0, "T/AGymuI51LwjLeIFxRQXOs9IHnupDKs/ajhWODR2C4=\n"])
      assert.match(err, /Client secret/)
      assert.notMatch(err, /D\S*E|DEMO/)
      const ended = yield* runCli(["secret-hash"], { keys: ["D"] })
      assert.deepStrictEqual([ended.code, ended.out], [2, ""])
      assert.match(ended.err, /Error: No secret was given\./)
    }).pipe(emulator)
  )

  it.effect("refuses a secret that no application can have", () =>
    Effect.gen(function* () {
      for (const input of ["", "\n", " DEMO\n", "DEMO\n\n"]) {
        const { code, err, out } = yield* runCli(["secret-hash"], { input, settings: {} })
        assert.strictEqual(code, 2)
        assert.strictEqual(out, "")
        assert.notInclude(err, "DEMO")
      }
    }).pipe(emulator)
  )
})

const commandNames = [
  ...["get", "count", "describe", "create", "update", "remove", "call"],
  ...["doctor", "token", "secret-hash", "emulator", "demo", "completions"]
]

describe("usage", () => {
  const wrong = [
    [],
    ["nonsense"],
    ["get"],
    ["get", "Crm_Customers", "--format", "xml"],
    ["get", "Crm_Customers", "more"],
    ["emulator", "--port", "70000"],
    ["emulator", "--port", "x"],
    ["token", "--client-secret", "x"]
  ]
  for (const args of wrong.filter((args) => args.length > 0)) {
    it.effect(`"${args.join(" ")}" is exit code 2`, () =>
      Effect.gen(function* () {
        const { code, err, out } = yield* runCli(args)
        assert.strictEqual(code, 2)
        assert.strictEqual(out, "")
        assert.match(err, /\S/)
      }).pipe(emulator)
    )
  }

  it.effect("without a command it prints the help", () =>
    Effect.gen(function* () {
      const { code, out } = yield* runCli([])
      assert.strictEqual(code, 0)
      for (const text of [...commandNames, "ERPNET_CLIENT_SECRET", "Exit codes"]) {
        assert.include(out, text)
      }
      assert.notMatch(out, /--[a-z-]*secret/, "no option takes a secret")
    }).pipe(emulator)
  )

  it.effect("every command has help with its example; --version is that of the package", () =>
    Effect.gen(function* () {
      for (const name of commandNames) {
        const { code, out } = yield* runCli([name, "--help"])
        assert.strictEqual(code, 0)
        assert.isTrue(out.startsWith(`Usage: effect-erpnet ${name} [options]`), out)
        assert.match(out, /\nExamples:\n {2}\S/)
        assert.isBelow(out.split("\n").length, 30, out)
        for (const line of out.split("\n")) assert.isAtMost(line.length, 80, line)
        assert.include(out, `effect-erpnet ${name} `)
      }
      assert.strictEqual((yield* runCli(["--version"])).out.trim(), manifest.version)
    }).pipe(emulator)
  )

  it.effect("prints completion scripts that know the commands", () =>
    Effect.gen(function* () {
      for (const shell of ["bash", "zsh", "fish"]) {
        const { code, out } = yield* runCli(["--completions", shell])
        assert.strictEqual(code, 0)
        for (const text of ["doctor", "secret-hash", "format"]) assert.include(out, text)
      }
    }).pipe(emulator)
  )
})
