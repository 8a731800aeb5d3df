/** The doctor in memory: for each fault the line that fails, and what it advises. */
import { HttpClient, HttpClientError } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, TestClock } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { isTlsFault } from "../../src/cli/connection.ts"
import { assertClean, demoSettings, type Outcome, runCli } from "./support.ts"

const names = ["settings", "reachable", "TLS", "discovery", "token", "scopes", "API", "licence"]

/** The status of each check, in order. */
const statuses = ({ out }: Outcome): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...out.matchAll(/^(pass|fail|skipped) +(\w+) /gm)].map((match) => [match[2] ?? "", match[1] ?? ""])
  )

/** The line of a check. */
const lineOf = ({ out }: Outcome, name: string): string =>
  out.split("\n").find((line) => new RegExp(`^\\w+ +${name} `).test(line)) ?? ""

/** What the lines are when these checks fail: all before the first pass, all that need it are skipped. */
const assertFails = (outcome: Outcome, name: string, advice: RegExp): void => {
  const at = names.indexOf(name)
  const expected = names.map((other, index) => [other, index < at ? "pass" : index === at ? "fail" : "skipped"])
  assert.deepStrictEqual(statuses(outcome), Object.fromEntries(expected), outcome.out)
  assert.match(lineOf(outcome, name), advice)
  assert.strictEqual(outcome.code, 1)
  assert.strictEqual(outcome.err, `Error: The set-up does not work yet: ${name} failed.\n`)
  assertClean(outcome.out)
}

const erp = ErpNetEmulator.ErpNetEmulator
const clientId = ErpNetEmulator.demoApplication.applicationUri

const fault = (
  name: string,
  advice: RegExp,
  options: {
    readonly settings?: Readonly<Record<string, string>>
    readonly emulator?: ErpNetEmulator.Options
    readonly before?: Effect.Effect<void, never, ErpNetEmulator.ErpNetEmulator>
  }
) =>
  Effect.gen(function* () {
    yield* options.before ?? Effect.void
    const fiber = yield* Effect.fork(runCli(["doctor"], { settings: { ...demoSettings, ...options.settings } }))
    // Long enough for every retry and timeout.
    yield* TestClock.adjust("5 minutes")
    assertFails(yield* Fiber.join(fiber), name, advice)
  }).pipe(Effect.provide(ErpNetEmulator.layer(options.emulator)))

describe("effect-erpnet doctor", () => {
  it.effect("passes every check of a set-up that works, and takes one token and one session for it", () =>
    Effect.gen(function* () {
      const outcome = yield* runCli(["doctor"])
      assert.strictEqual(outcome.code, 0)
      assert.deepStrictEqual(statuses(outcome), Object.fromEntries(names.map((name) => [name, "pass"])))
      assert.match(outcome.out, /The set-up works\.\n$/)
      assert.strictEqual(outcome.err, "")
      assertClean(outcome.out)
      const { apiRequests, sessions, tokenRequests } = yield* (yield* erp).counters
      assert.deepStrictEqual(
        { apiRequests, sessions, tokenRequests },
        { apiRequests: 1, sessions: 1, tokenRequests: 1 }
      )
    }).pipe(Effect.provide(ErpNetEmulator.layer({ licences: 1 })))
  )

  it.effect("settings: names each one that is missing", () =>
    Effect.gen(function* () {
      const outcome = yield* runCli(["doctor"], { settings: {} })
      assertFails(
        outcome,
        "settings",
        /ERPNET_INSTANCE is not set; ERPNET_CLIENT_ID is not set; ERPNET_CLIENT_SECRET is not set/
      )
    }).pipe(Effect.provide(ErpNetEmulator.layer()))
  )

  it.effect("settings: one that is not well-formed", () =>
    fault("settings", /ERPNET_SCOPE.*white space/, { settings: { ERPNET_SCOPE: "read " } })
  )

  it.effect("settings: http to another host", () =>
    fault("settings", /http on testdb\.my\.erp\.net/, { settings: { ERPNET_INSTANCE: "http://testdb.my.erp.net" } })
  )

  it.effect("reachable: an unknown instance", () =>
    fault("reachable", /No connection to https:\/\/nowhere\.my\.erp\.net/, { settings: { ERPNET_INSTANCE: "nowhere" } })
  )

  it.effect("reachable: a proxy in front of an instance that is down", () =>
    fault("reachable", /answers 502.*running/, {
      before: Effect.flatMap(erp, (erp) => erp.failNext("any", ErpNetEmulator.Fault.status(502)))
    })
  )

  it.effect("reachable: no answer", () =>
    fault("reachable", /no answer in 10 seconds/, {
      before: Effect.flatMap(erp, (erp) => erp.failNext("any", ErpNetEmulator.Fault.hang))
    })
  )

  it.effect("TLS: a verification that is switched off", () =>
    fault("TLS", /anyone can read the secret/, { settings: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } })
  )

  it.effect("discovery: out of order", () =>
    fault("discovery", /auto-discovery.*status 503/, {
      before: Effect.flatMap(erp, (erp) => erp.failNext("discovery", ErpNetEmulator.Fault.status(503), 2))
    })
  )

  it.effect("discovery: another origin is refused before the secret is sent", () =>
    Effect.gen(function* () {
      const body = JSON.stringify({ WebSites: [{ Type: "ID", Status: "Working", Url: "https://evil.example/id" }] })
      yield* (yield* erp).failNext("discovery", ErpNetEmulator.Fault.status(200, { body }))
      const outcome = yield* runCli(["doctor"])
      assertFails(outcome, "discovery", /another origin/)
      assert.strictEqual((yield* (yield* erp).counters).tokenRequests, 0)
    }).pipe(Effect.provide(ErpNetEmulator.layer()))
  )

  it.effect("token: a wrong secret", () =>
    fault("token", /invalid_client.*ApplicationSecretHash/, { settings: { ERPNET_CLIENT_SECRET: "wrong" } })
  )

  it.effect("token: a disabled application", () =>
    fault("token", /invalid_client.*IsEnabled/, { before: Effect.flatMap(erp, (erp) => erp.disable(clientId)) })
  )

  it.effect("token: an application that may not act on its own", () =>
    fault("token", /unauthorized_client.*SystemUserAllowed/, {
      before: Effect.flatMap(erp, (erp) => erp.updateApplication(clientId, { systemUserAllowed: false }))
    })
  )

  it.effect("token: an identity server that is down", () =>
    fault("token", /No token from .*: transport/, {
      before: Effect.flatMap(erp, (erp) => erp.failNext("token", ErpNetEmulator.Fault.reset, 3))
    })
  )

  it.effect("scopes: one that the application does not have; the token could not be had for it", () =>
    Effect.gen(function* () {
      const outcome = yield* runCli(["doctor"], { settings: { ...demoSettings, ERPNET_SCOPE: "read admin" } })
      assert.strictEqual(outcome.code, 1)
      assert.match(lineOf(outcome, "token"), /^skipped .*credentials are right/)
      assert.match(lineOf(outcome, "scopes"), /^fail .*invalid_scope.*"read admin"/)
      assert.match(lineOf(outcome, "API"), /^skipped .*needs scopes/)
      assert.include(outcome.err, ": scopes failed.")
    }).pipe(Effect.provide(ErpNetEmulator.layer()))
  )

  it.effect("scopes: a token that may not read", () =>
    fault("scopes", /Granted: update\. Without read/, { settings: { ERPNET_SCOPE: "update" } })
  )

  it.effect("API: a token that is always refused", () =>
    fault("API", /401.*SystemUserAllowed/, { before: Effect.flatMap(erp, (erp) => erp.alwaysUnauthorized(true)) })
  )

  it.effect("API: out of order", () =>
    fault("API", /was answered 503/, {
      before: Effect.flatMap(erp, (erp) => erp.failNext("api", ErpNetEmulator.Fault.status(503)))
    })
  )

  it.effect("API: the connection breaks", () =>
    fault("API", /The API gave no answer/, {
      before: Effect.flatMap(erp, (erp) => erp.failNext("api", ErpNetEmulator.Fault.reset))
    })
  )

  it.effect("API: something else answers", () =>
    fault("API", /gave no version/, {
      before: Effect.flatMap(erp, (erp) => erp.failNext("api", ErpNetEmulator.Fault.garbage))
    })
  )

  it.effect("licence: none is free, told at once and not after the minutes that a client would wait", () =>
    Effect.gen(function* () {
      const outcome = yield* runCli(["doctor"])
      assertFails(outcome, "licence", /No licence is free.*wait 60 s/)
    }).pipe(Effect.provide(ErpNetEmulator.layer({ licences: 0, version: "27.1.0.1" })))
  )

  it.effect("licence: none is free, as older servers say it", () =>
    fault("licence", /No licence is free/, { emulator: { licences: 0 } })
  )

  it.effect("licence: too many requests", () =>
    fault("licence", /was answered 429/, {
      before: Effect.flatMap(erp, (erp) => erp.failNext("api", ErpNetEmulator.Fault.status(429)))
    })
  )

  describe("a connection that fails with", () => {
    const advice: ReadonlyArray<readonly [code: string, name: string, advice: RegExp]> = [
      ["ENOTFOUND", "reachable", /No such host/],
      ["ECONNREFUSED", "reachable", /Nothing listens there/],
      ["ETIMEDOUT", "reachable", /firewall/],
      ["SOMETHING_NEW", "reachable", /\(SOMETHING_NEW\)/],
      ["DEPTH_ZERO_SELF_SIGNED_CERT", "TLS", /NODE_EXTRA_CA_CERTS/],
      ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "TLS", /NODE_EXTRA_CA_CERTS/],
      ["CERT_HAS_EXPIRED", "TLS", /expired/],
      ["ERR_TLS_CERT_ALTNAME_INVALID", "TLS", /another name/],
      ["ERR_SSL_WRONG_VERSION_NUMBER", "TLS", /Check the port/]
    ]
    for (const [code, name, text] of advice) {
      it.effect(code, () =>
        Effect.gen(function* () {
          assert.strictEqual(isTlsFault(code), name === "TLS")
          assertFails(yield* runCli(["doctor"]), name, text)
        }).pipe(
          Effect.provideService(
            HttpClient.HttpClient,
            HttpClient.make((request) => {
              const cause = Object.assign(new TypeError("fetch failed"), { cause: { code } })
              return Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", cause }))
            })
          )
        )
      )
    }
  })
})
