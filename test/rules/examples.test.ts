/** The examples as a person runs them: what they print, how they end, and that no secret is on the screen. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"

interface Outcome {
  readonly code: number
  readonly output: string
}

const root = fileURLToPath(new URL("../..", import.meta.url))

const runExample = (
  name: string,
  settings: Readonly<Record<string, string>> = {},
  input = ""
): Effect.Effect<Outcome> =>
  Effect.async((resume) => {
    const { PATH } = process.env
    const child = execFile(
      process.execPath,
      ["--import", "tsx", `examples/${name}.ts`],
      { cwd: root, env: { ...(PATH === undefined ? {} : { PATH }), ...settings } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1
        resume(Effect.succeed({ code, output: stdout + stderr }))
      }
    )
    child.stdin?.end(input)
    return Effect.sync(() => child.kill())
  })

const demoSecret = Redacted.value(ErpNetEmulator.demoSecret)

const assertNoSecret = (output: string): void => {
  for (const secret of [demoSecret, encodeURIComponent(demoSecret), btoa(demoSecret), "eyJ", "Bearer ", "\u001B["]) {
    assert.notInclude(output, secret)
  }
}

describe("examples", () => {
  it.live("01-walkthrough shows the three steps on the embedded instance", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("01-walkthrough")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(output, /1\. Request an access token[\s\S]*token [0-9a-f]{8}, scope "read", expires in 3600 s/)
      assert.match(output, /2\. Call the API[\s\S]*ok 10 customers[\s\S]*│ Number\s+│ Name/)
      assert.match(output, /Crm_Customers -> 401\n.*connect\/token -> 200\n.*Crm_Customers -> 200/)
      const fingerprints = [...output.matchAll(/token ([0-9a-f]{8}), scope/g)].map((match) => match[1])
      assert.strictEqual(new Set(fingerprints).size, 2, "the second token is another one")
    })
  )

  it.live("01-walkthrough runs the first two steps on the instance of its settings", () =>
    Effect.gen(function* () {
      const emulator = yield* ErpNetEmulator.ErpNetEmulator
      const { code, output } = yield* runExample("01-walkthrough", {
        ERPNET_INSTANCE: emulator.origin,
        ERPNET_CLIENT_ID: ErpNetEmulator.demoApplication.applicationUri,
        ERPNET_CLIENT_SECRET: demoSecret
      })
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(output, /renamed this server calls the entity set Crm_Sales_Customers/)
      assert.match(output, /ok 10 customers/)
      assert.notMatch(output, /Handle expiry/)
    }).pipe(Effect.provide(ErpNetEmulator.serve({ renamedNames: "byVersion" })))
  )

  it.live("a missing or wrong setting is named, with exit code 1 and no stack trace", () =>
    Effect.gen(function* () {
      const missing = yield* runExample("01-walkthrough", { ERPNET_INSTANCE: "testdb", ERPNET_CLIENT_ID: "app" })
      assert.strictEqual(missing.code, 1)
      assert.include(missing.output, "ERPNET_CLIENT_SECRET")
      assert.notMatch(missing.output, /^\s+at /m)
      const wrong = yield* runExample("01-walkthrough", {
        ERPNET_INSTANCE: "http://user:hunter2@testdb.my.erp.net",
        ERPNET_CLIENT_ID: "app",
        ERPNET_CLIENT_SECRET: "secret"
      })
      assert.strictEqual(wrong.code, 1)
      assert.match(wrong.output, /InvalidInstance: .*user name or password/)
      assert.notInclude(wrong.output, "hunter2")
      assert.notMatch(wrong.output, /^\s+at /m)
    })
  )

  it.live("02-errors catches each error by its tag", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("02-errors")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.deepStrictEqual(
        [...output.matchAll(/caught (\w+)/g)].map((match) => match[1]),
        [
          "InvalidClient",
          "InvalidClient",
          "UnauthorizedClient",
          "InvalidScope",
          "Unauthorized",
          "Expired",
          "Forbidden",
          "TokenEndpointUnavailable",
          "EntityRenamed"
        ]
      )
    })
  )

  it.live("04-sales-order creates, changes under a version, and releases", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("04-sales-order")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(output, /ConcurrencyConflict/)
      assert.match(output, /Released/)
    })
  )

  it.live("05-bulk-import imports 10,000 products, and says which failed", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("05-bulk-import")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(output, /9,991 added, 0 modified, 0 unchanged, 9 failed/)
      assert.match(output, /caught OutcomeUnknown \(transport\): rows 0 to 99/)
      assert.match(output, /200 added, 0 modified, 100 unchanged, 0 failed/)
    })
  )

  it.live("06-http-service maps errors to statuses, and shows a request from end to end", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("06-http-service")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(output, /1\. What it serves\n {2}000001 .*\n {2}\d+ .*\n {2}\d+ /)
      const answers = [...output.matchAll(/^ {2}GET \/\S+ -> (\d+), Retry-After (\w+), (.*)$/gm)]
      assert.deepStrictEqual(
        answers.map(([, status, retryAfter, body]) => [status, retryAfter, JSON.parse(body ?? "")]),
        [
          ["404", "none", { id: "00000000-0000-0000-0000-000000000000", _tag: "CustomerNotFound" }],
          ["503", "90", { retryAfterSeconds: 90, _tag: "ErpBusy" }],
          ["502", "none", { _tag: "ErpFailed" }]
        ]
      )
      assert.match(output, /WARN .*RateLimited: /)
      assert.match(output, /WARN .*Unauthorized: /)
      const tree = output.slice(output.indexOf("3. One request")).trimEnd().split("\n").slice(1)
      assert.deepStrictEqual(
        tree.map((text) => /^ +[\w.]+(?: to)?(?: [\w.]+)?/.exec(text)?.[0]),
        [
          "  a caller",
          "    http.client GET",
          "      http.server GET",
          "        DomainApi.get",
          "          AuthorizedClient.execute",
          "  TokenProvider.exchange",
          "    linked to AuthorizedClient.execute"
        ]
      )
      assert.match(tree[2] ?? "", /http\.route=\/customers\/:id .*status_code=200/)
      assert.match(tree[4] ?? "", /attempts=401,200/)
    })
  )

  it.live("07-scheduled-worker pulls as the cron says, and ends in good order on SIGTERM", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("07-scheduled-worker")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(output, /ok full pull: 3,000 received, 3,000 written, 0 skipped/)
      assert.match(output, /changed 3 customers[\s\S]*ok incremental pull: \d+ received, 3 written/)
      assert.match(output, /changed 3000 customers.*\n.*1,000 of 3,\d+ customers\n.*SIGTERM.*\n.*stopped in good order/)
      assert.lengthOf([...output.matchAll(/ok \w+ pull/g)], 2, "the third pull did not finish")
    })
  )

  it.live("08-several-instances gives each its token, and lets one fail alone", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("08-several-instances")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      const rows = [
        ...output.matchAll(/'(NORTH|SOUTH|WEST)'\s+│\s+(\d*)\s+│\s+(?:'([0-9a-f]{8})')?\s*│(?:\s+'(\w+)')?/g)
      ]
      assert.deepStrictEqual(
        rows.map(([, name, customers, , error]) => [name, customers, error]),
        [
          ["NORTH", "120", undefined],
          ["SOUTH", "45", undefined],
          ["WEST", "", "InvalidClient"],
          ["NORTH", "120", undefined],
          ["SOUTH", "45", undefined],
          ["WEST", "7", undefined]
        ]
      )
      const [north, south, , northAgain, southAgain, west] = rows.map((row) => row[3])
      assert.deepStrictEqual([northAgain, southAgain], [north, south], "the others keep their tokens")
      assert.strictEqual(new Set([north, south, west]).size, 3, "each has its own")
    })
  )

  it.live("10-promises rejects with the typed error, and disposes of the runtime", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("10-promises")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(output, /caught NotFound: .*404.*\n {2}two calls, 1 token\n {2}disposed\n$/)
    })
  )

  it.live("11-reference-token reads with a token that was issued, until it is revoked", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("11-reference-token")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.notInclude(output, "enrt_")
      assert.match(output, /ok 300 customers with token [0-9a-f]{8}/)
      assert.match(output, /caught Unauthorized: .*401.*invalid_token.*\n {2}1 request:/)
    })
  )

  it.live("16-exchange-code signs the demo user in", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("16-exchange-code")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(
        output,
        /ok maria\.demo signed in, token [0-9a-f]{8}\n {2}scopes .*read.*\n {2}with a refresh token\n$/
      )
    })
  )

  it.live("17-renew-token renews by hand and by the layer, until the person signs out", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("17-renew-token")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.notMatch(output, /[0-9A-F]{64}/)
      assert.match(output, /ok token [0-9a-f]{8} -> [0-9a-f]{8}\n[\s\S]*caught InvalidGrant: /)
      assert.match(output, /ok 300 customers in the name of maria\.demo\n {2}ok 300 customers/)
      assert.match(output, /caught SignInRequired: /)
    })
  )

  it.live("12-metrics shows what a scrape by Prometheus gives", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("12-metrics")
      assert.strictEqual(code, 0, output)
      assertNoSecret(output)
      assert.match(output, /# TYPE erpnet_token_exchanges_total counter/)
      assert.match(output, /erpnet_token_exchanges_total\{outcome="success",.*\} 2\n/)
      assert.match(output, /erpnet_token_exchanges_total\{outcome="InvalidClient",.*\} 1\n/)
      assert.match(output, /erpnet_token_renewals_total\{cause="unauthorized",.*\} 2\n/)
      assert.match(output, /# TYPE erpnet_token_exchange_duration histogram/)
      assert.match(output, /erpnet_token_exchange_duration_count\{time_unit="milliseconds",.*\} 2\n/)
    })
  )

  it.live("secret-hash prints what to register", () =>
    Effect.gen(function* () {
      const { code, output } = yield* runExample("secret-hash", {}, "DEMO\n")
      assert.strictEqual(code, 0)
      assert.strictEqual(output, "T/AGymuI51LwjLeIFxRQXOs9IHnupDKs/ajhWODR2C4=\n")
    })
  )
})
