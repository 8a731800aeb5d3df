/** Settings that are well-formed but not meant, secrets in files, moved sites: doctor, token and a program alike. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted, Stream } from "effect"
import { Instance, TokenProvider, TrustedApplication } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { assertClean, demoSecret, demoSettings, runCli } from "./support.ts"

const emulator = Effect.provide(ErpNetEmulator.layer())
const doctor = (settings: Readonly<Record<string, string>>) =>
  Effect.map(runCli(["doctor"], { settings: { ...demoSettings, ...settings } }), ({ out }) => {
    assertClean(out)
    return out
  })
const hashOf = (secret: string) => Effect.runSync(TrustedApplication.secretHash(Redacted.make(secret)))
const hidden = String.fromCodePoint(0x200b)

describe("values that cannot be meant", () => {
  it.effect.each([
    ["ERPNET_INSTANCE", '"testdb"', /quotation marks, which the tool/],
    ["ERPNET_INSTANCE", "'https://testdb.my.erp.net'", /quotation marks, which the tool/],
    ["ERPNET_INSTANCE", "$" + "{INSTANCE}", /reference to a variable/],
    ["ERPNET_INSTANCE", "testdb,testdb2", /list/],
    ["ERPNET_CLIENT_ID", '"my.trusted.app"', /quotation marks, which the tool/],
    ["ERPNET_CLIENT_ID", "%CLIENT_ID%", /reference to a variable/],
    ["ERPNET_CLIENT_ID", `my${hidden}app`, /cannot be seen \(U\+200B\)/],
    ["ERPNET_CLIENT_SECRET", `pass\u00AD`, /cannot be seen \(U\+00AD\)/],
    ["ERPNET_CLIENT_SECRET", "\uFEFFpass", /white space around it|cannot be seen/],
    ["ERPNET_SCOPE", '"read update"', /quotation marks, which the tool/],
    ["ERPNET_SCOPE", "read,update", /commas/],
    ["ERPNET_SCOPE", "read; update", /commas/]
  ] as const)("%s=%j fails at the settings and names the setting", ([name, value, advice]) =>
    Effect.gen(function* () {
      const out = yield* doctor({ [name]: value })
      const line = /^fail +settings .*$/m.exec(out)?.[0] ?? ""
      assert.match(line, advice)
      assert.include(line, name)
      assert.deepStrictEqual(yield* (yield* ErpNetEmulator.ErpNetEmulator).journal, [])
    }).pipe(emulator)
  )

  it.effect.each([
    [hashOf(demoSecret), /looks like an ApplicationSecretHash/],
    [Buffer.from(hashOf(demoSecret), "base64").toString("hex"), /looks like an ApplicationSecretHash/],
    [`"${demoSecret}"`, /\(ERPNET_CLIENT_SECRET\) begins and ends with quotation marks/],
    [`'${demoSecret}'`, /\(ERPNET_CLIENT_SECRET\) begins and ends with quotation marks/],
    ["$" + "{SECRET}", /\(ERPNET_CLIENT_SECRET\) holds a reference/]
  ] as const)("a secret of a telling form has a hint beside invalid_client (%#)", ([secret, hint]) =>
    Effect.gen(function* () {
      const out = yield* doctor({ ERPNET_CLIENT_SECRET: secret })
      const line = /^fail +token .*$/m.exec(out)?.[0] ?? ""
      assert.match(line, /invalid_client/)
      assert.match(line, hint)
      assert.notInclude(out, secret)
    }).pipe(emulator)
  )

  it.effect("any other secret has none", () =>
    Effect.gen(function* () {
      const out = yield* doctor({ ERPNET_CLIENT_SECRET: 'a"b' })
      assert.match(out, /invalid_client\. The application is not found/)
    }).pipe(emulator)
  )
})

describe("ERPNET_CLIENT_SECRET_FILE", () => {
  const withFile = <A, E, R>(use: (path: string) => Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "erpnet-"))),
      (folder) => use(join(folder, "secret")),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )
  const { ERPNET_CLIENT_SECRET: _, ...others } = demoSettings

  it.effect("is read by the commands, with one line break at the end dropped", () =>
    withFile((path) =>
      Effect.gen(function* () {
        writeFileSync(path, `${demoSecret}\r\n`)
        for (const command of ["token", "doctor"]) {
          const { code, err } = yield* runCli([command], { settings: { ...others, ERPNET_CLIENT_SECRET_FILE: path } })
          assert.strictEqual(code, 0, err)
        }
      })
    ).pipe(emulator)
  )

  it.effect("is read again at every exchange", () =>
    withFile((path) =>
      Effect.gen(function* () {
        writeFileSync(path, "wrong")
        const program = Effect.gen(function* () {
          const tokens = yield* TokenProvider.TokenProvider
          const refused = yield* Effect.flip(tokens.get)
          assert.strictEqual(refused._tag, "InvalidClient")
          writeFileSync(path, `${demoSecret}\n`)
          assert.deepStrictEqual((yield* tokens.get).scopes, ["read"])
        })
        yield* program.pipe(Effect.provide(TokenProvider.layerConfig()))
      }).pipe(
        Effect.withConfigProvider(
          ConfigProvider.fromMap(new Map(Object.entries({ ...others, ERPNET_CLIENT_SECRET_FILE: path })))
        )
      )
    ).pipe(emulator)
  )

  it.effect("a file that cannot be used is told with its path; so are both at once, and none", () =>
    withFile((path) =>
      Effect.gen(function* () {
        const run = (settings: Readonly<Record<string, string>>) =>
          Effect.map(runCli(["token"], { settings: { ...others, ...settings } }), ({ code, err }) => {
            assert.strictEqual(code, 2)
            return err
          })
        assert.include(yield* run({ ERPNET_CLIENT_SECRET_FILE: path }), `${path} cannot be read (ENOENT)`)
        assert.include(yield* run({ ERPNET_CLIENT_SECRET_FILE: tmpdir() }), "(EISDIR)")
        writeFileSync(path, Buffer.from("größe", "latin1"))
        assert.match(yield* run({ ERPNET_CLIENT_SECRET_FILE: path }), /secret is not UTF-8/)
        writeFileSync(path, Buffer.from("groesse", "utf16le"))
        assert.match(yield* run({ ERPNET_CLIENT_SECRET_FILE: path }), /is UTF-16/)
        writeFileSync(path, "\n")
        assert.match(yield* run({ ERPNET_CLIENT_SECRET_FILE: path }), /empty/)
        assert.match(yield* run({ ERPNET_CLIENT_SECRET_FILE: path, ERPNET_CLIENT_SECRET: "x" }), /unset one/)
        assert.match(yield* run({}), /ERPNET_CLIENT_SECRET is not set.*ERPNET_CLIENT_SECRET_FILE can name a file/)
      })
    ).pipe(emulator)
  )
})

describe("moved sites", () => {
  const root = "https://testdb.my.erp.net"
  const body = JSON.stringify({
    WebSites: [
      { Type: "ID", Status: "Working", Url: `${root}/identity` },
      { Type: "DomainAPI", Status: "Working", Url: `${root}/services`, AdditionalProperties: null }
    ]
  })
  const config = Effect.withConfigProvider(
    ConfigProvider.fromMap(
      new Map(Object.entries({ ...demoSettings, ERPNET_ODATA: `${root}/services/odata`, ERPNET_TOKEN_ENDPOINT: "" }))
    )
  )

  it.effect("token asks where doctor asks", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* erp.failNext("discovery", ErpNetEmulator.Fault.status(200, { body }))
      yield* runCli(["token"])
      const paths = (yield* erp.journal).map(({ path }) => path)
      assert.deepStrictEqual(paths.slice(0, 2), ["/sys/auto-discovery", "/identity/connect/token"])
    }).pipe(emulator)
  )

  it.effect("the settings name the addresses, and a bad one is told by its name", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(config(Instance.fromConfig))
      assert.match(error.message, /setting ERPNET_TOKEN_ENDPOINT.*is empty/)
      const moved = ConfigProvider.fromMap(
        new Map([
          ["ERPNET_INSTANCE", "testdb"],
          ["ERPNET_TOKEN_ENDPOINT", `${root}/identity/connect/token`],
          ["ERPNET_ODATA", `${root}/services/odata`]
        ])
      )
      const instance = yield* Effect.withConfigProvider(Instance.discoverFromConfig(), moved)
      assert.strictEqual(instance.odata, `${root}/services/odata/`)
      assert.strictEqual(instance.tokenEndpoint, `${root}/identity/connect/token`)
      assert.deepStrictEqual(yield* (yield* ErpNetEmulator.ErpNetEmulator).journal, [])
    }).pipe(emulator)
  )

  it.effect("insecure hosts have to be allowed", () =>
    Effect.gen(function* () {
      const at = (allow: string) =>
        Effect.withConfigProvider(
          Instance.fromConfig,
          ConfigProvider.fromMap(
            new Map([
              ["ERPNET_INSTANCE", "http://erp:8080"],
              ["ERPNET_ALLOW_INSECURE", allow]
            ])
          )
        )
      assert.match((yield* Effect.flip(at("false"))).message, /in clear/)
      assert.strictEqual((yield* at("true")).origin, "http://erp:8080")
    })
  )
})

describe("secret-hash", () => {
  it.effect("hashes UTF-8, and refuses what is not", () =>
    Effect.gen(function* () {
      const good = yield* runCli(["secret-hash"], { input: "größe" })
      assert.strictEqual(good.out, "01OiZxtnr/8JQa5Fblx26TlL1leXdK51QqYYX7mEM4Q=\n")
      for (const encoding of ["latin1", "utf16le"] as const) {
        const bad = yield* runCli(["secret-hash"], {
          bytes: Stream.make(new Uint8Array(Buffer.from("größe", encoding)))
        })
        assert.strictEqual(bad.code, 2)
        assert.match(bad.err, /secret on standard input is/)
        assert.strictEqual(bad.out, "")
      }
    }).pipe(emulator)
  )
})
