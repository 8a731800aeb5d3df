import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck, Option, Redacted, Schema, TestClock } from "effect"
import { Instance, InteractiveApplication, SignIn } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { exportJWK, generateKeyPair, SignJWT } from "jose"
import { codeOf } from "../src/SignIn/pending.ts"
import { application, login, publicApplication, redirectUri, signIn } from "./support/people.ts"
import { layer } from "./testing/support.ts"

const instance = Either.getOrThrow(Instance.make("testdb"))
const emulator = ErpNetEmulator.ErpNetEmulator

describe("start", () => {
  it.effect("asks for a code with PKCE, state and nonce, and nothing secret", () =>
    Effect.gen(function* () {
      const { pending, url } = yield* SignIn.start(instance, application, {
        prompt: "login",
        loginHint: "maria",
        maxAge: 60,
        uiLocales: "bg en"
      })
      assert.strictEqual(url.origin + url.pathname, "https://testdb.my.erp.net/id/connect/authorize")
      assert.deepStrictEqual(Object.fromEntries(url.searchParams), {
        client_id: application.clientId,
        redirect_uri: redirectUri,
        response_type: "code",
        response_mode: "query",
        scope: "openid profile read update offline_access",
        state: Redacted.value(pending.state),
        nonce: Redacted.value(pending.nonce ?? Redacted.make("")),
        code_challenge: createHash("sha256").update(Redacted.value(pending.codeVerifier)).digest("base64url"),
        code_challenge_method: "S256",
        prompt: "login",
        login_hint: "maria",
        max_age: "60",
        ui_locales: "bg en"
      })
      for (const secret of [pending.state, pending.codeVerifier, pending.nonce ?? Redacted.make("")]) {
        assert.match(Redacted.value(secret), /^[\w-]{43}$/)
        assert.notInclude(inspect(pending, { depth: 9 }), Redacted.value(secret))
      }
    })
  )

  it.effect("is different each time, also under a seeded Random", () =>
    Effect.gen(function* () {
      const values = new Set<string>()
      for (let round = 0; round < 100; round++) {
        const { pending } = yield* SignIn.start(instance, application)
        for (const value of [pending.state, pending.codeVerifier, pending.nonce ?? Redacted.make("")]) {
          values.add(Redacted.value(value))
        }
      }
      assert.strictEqual(values.size, 300)
    })
  )

  it.effect("keeps a returnTo only where it is a path of the own origin", () =>
    Effect.gen(function* () {
      const kept = (returnTo: string) =>
        Effect.map(SignIn.start(instance, application, { returnTo }), ({ pending }) => pending.returnTo)
      for (const path of ["/", "/a/b?c=d#e", "/a//b"]) assert.strictEqual(yield* kept(path), path)
      const foreign = [
        "//evil",
        "/\\evil",
        "https:/evil",
        "https://evil",
        "evil",
        "",
        "/\tevil",
        "/\r\nx: y",
        "\\/evil"
      ]
      for (const path of foreign) assert.strictEqual(yield* kept(path), "/", path)
    })
  )

  it.effect("pending survives its encoding", () =>
    Effect.gen(function* () {
      const { pending } = yield* SignIn.start(instance, application, { maxAge: 5, returnTo: "/x" })
      const text = JSON.stringify(yield* Schema.encode(SignIn.Pending)(pending))
      assert.include(text, Redacted.value(pending.codeVerifier))
      const back = yield* Schema.decode(Schema.parseJson(SignIn.Pending))(text)
      assert.strictEqual(Redacted.value(back.state), Redacted.value(pending.state))
      assert.deepStrictEqual([back.maxAge, back.returnTo], [5, "/x"])
    })
  )
})

describe("finish", () => {
  for (const client of [application, publicApplication]) {
    it.effect(`signs in to ${client.clientId}`, () =>
      Effect.gen(function* () {
        const { identity, returnTo, tokens } = yield* signIn(client)
        assert.strictEqual(returnTo, "/")
        const { subject, methods, sessionId } = Option.getOrThrow(identity)
        assert.strictEqual(subject, login)
        assert.deepStrictEqual(methods, ["pwd"])
        assert.isTrue(Option.isSome(sessionId))
        assert.isTrue(Option.isSome(tokens.refreshToken))
        const [entry] = yield* Effect.flatMap(emulator, (erp) => erp.journal)
        assert.deepStrictEqual(
          Object.keys(Object(entry?.body)).filter((name) => !["code", "redirect_uri", "code_verifier"].includes(name)),
          client === application ? ["grant_type", "client_id", "client_secret"] : ["grant_type", "client_id"]
        )
        assert.lengthOf(Object.keys(Object(entry?.body)), client === application ? 6 : 5)
      }).pipe(Effect.provide(layer()))
    )
  }

  it.effect("has no identity without openid", () =>
    Effect.gen(function* () {
      const { identity } = yield* signIn({ ...application, scopes: ["read"] })
      assert.isTrue(Option.isNone(identity))
    }).pipe(Effect.provide(layer()))
  )

  const failures: ReadonlyArray<readonly [string, (url: URL) => unknown, string]> = [
    ["no state", (url) => url.searchParams.delete("state"), "StateMismatch missing"],
    ["another state", (url) => url.searchParams.set("state", "x".repeat(43)), "StateMismatch different"],
    ["two states", (url) => url.searchParams.append("state", "x"), "StateMismatch doubled"],
    [
      "a foreign refusal",
      (url) => Reflect.set(url, "search", "?error=access_denied&state=x"),
      "StateMismatch different"
    ],
    ["two codes", (url) => url.searchParams.append("code", "x"), "AuthorizationFailed response"],
    ["code and error", (url) => url.searchParams.append("error", "x"), "AuthorizationFailed response"],
    ["no code", (url) => url.searchParams.delete("code"), "AuthorizationFailed response"],
    ["another issuer", (url) => url.searchParams.append("iss", "https://evil/id"), "AuthorizationFailed issuer"]
  ]
  for (const [name, change, expected] of failures) {
    it.effect(`${name}: ${expected}, and nothing is sent`, () =>
      Effect.gen(function* () {
        const erp = yield* emulator
        const { pending, url } = yield* SignIn.start(instance, application)
        const callback = yield* erp.authorize(url, { login })
        change(callback)
        const error = yield* Effect.flip(SignIn.finish(instance, application, pending, callback))
        assert.strictEqual("reason" in error ? `${error._tag} ${error.reason}` : error._tag, expected)
        assert.lengthOf(yield* erp.journal, 0)
      }).pipe(Effect.provide(layer()))
    )
  }

  it.effect("a refusal, an interaction, and any other error are told apart", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const run = (prompt: "none" | undefined, decision: "allow" | "deny") =>
        Effect.gen(function* () {
          const { pending, url } = yield* SignIn.start(instance, application, { prompt })
          return yield* SignIn.finish(instance, application, pending, yield* erp.authorize(url, { login, decision }))
        })
      assert.strictEqual((yield* Effect.flip(run(undefined, "deny")))._tag, "AuthorizationDenied")
      assert.strictEqual((yield* Effect.flip(run("none", "allow")))._tag, "InteractionRequired")
      const { pending } = yield* SignIn.start(instance, application)
      const state = Redacted.value(pending.state)
      const query = new URLSearchParams({ state, error: "server_error", error_description: `a\r\nb ${state}` })
      const error = yield* Effect.flip(SignIn.finish(instance, application, pending, `?${query}`))
      assert.strictEqual(error._tag, "AuthorizationFailed")
      assert.notInclude(inspect(error), state)
      assert.notInclude(error.message, "\n")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("a sign-in of another instance, of another redirect address, or of 10 minutes ago", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const { pending, url } = yield* SignIn.start(instance, application)
      const callback = yield* erp.authorize(url, { login })
      const other = Either.getOrThrow(Instance.make("other"))
      const reason = (run: ReturnType<typeof SignIn.finish>) =>
        Effect.map(Effect.flip(run), (error) => (error._tag === "StateMismatch" ? error.reason : error._tag))
      assert.strictEqual(yield* reason(SignIn.finish(other, application, pending, callback)), "otherInstance")
      const moved = { ...application, redirectUri: `${redirectUri}2` }
      assert.strictEqual(yield* reason(SignIn.finish(instance, moved, pending, callback)), "otherInstance")
      yield* TestClock.adjust(600_001)
      assert.strictEqual(yield* reason(SignIn.finish(instance, application, pending, callback)), "expired")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("uses the query alone: scheme and host of the callback do not matter, a fragment is ignored", () =>
    Effect.gen(function* () {
      const erp = yield* emulator
      const { pending, url } = yield* SignIn.start(instance, application)
      const callback = yield* erp.authorize(url, { login })
      const seen = `http://10.0.0.1:8080/signin-callback${callback.search}#_=_&state=x`
      assert.isTrue(Option.isSome((yield* SignIn.finish(instance, application, pending, seen)).identity))
    }).pipe(Effect.provide(layer()))
  )

  it.effect(
    "never sends anything unless every check holds (10,000 callbacks, some of them to the end)",
    () =>
      Effect.gen(function* () {
        const { pending } = yield* SignIn.start(instance, application)
        const state = Redacted.value(pending.state)
        let sent = 0
        const client = HttpClient.make((request) =>
          Effect.sync(() => {
            sent++
            return HttpClientResponse.fromWeb(request, Response.json({ error: "invalid_grant" }, { status: 400 }))
          })
        )
        const name = FastCheck.constantFrom("state", "code", "error", "iss", "error_description", "other")
        const value = FastCheck.oneof(
          { weight: 4, arbitrary: FastCheck.constantFrom(state, "code", instance.issuer) },
          FastCheck.constantFrom(
            "",
            `${state} `,
            state.slice(1),
            state.toUpperCase(),
            "access_denied",
            "https://evil/id"
          )
        )
        const likely = FastCheck.constantFrom<ReadonlyArray<readonly [string, string]>>(
          [],
          [["state", state]],
          [
            ["state", state],
            ["code", "code"]
          ]
        )
        const pairs = FastCheck.tuple(likely, FastCheck.array(FastCheck.tuple(name, value), { maxLength: 3 }))
        let good = 0
        let runs = 0
        yield* Effect.promise(() =>
          FastCheck.assert(
            FastCheck.asyncProperty(pairs, async ([first, more]) => {
              const fields = [...first, ...more]
              const all = (wanted: string) => fields.flatMap(([name, value]) => (name === wanted ? [value] : []))
              const holds =
                all("state").length === 1 &&
                all("state")[0] === state &&
                all("code").length === 1 &&
                all("code")[0] !== "" &&
                all("error").length === 0 &&
                all("iss").length <= 1 &&
                all("iss").every((issuer) => issuer === instance.issuer)
              const query = new URLSearchParams(fields.map(([name, value]) => [name, value]))
              const expected = { issuer: instance.issuer, redirectUri, now: pending.startedAt }
              assert.strictEqual(Either.isRight(codeOf(pending, expected, query)), holds, String(query))
              if (holds) good++
              if (runs++ % 20 > 0) return
              const before = sent
              await Effect.runPromise(
                SignIn.finish(instance, application, { ...pending, startedAt: Date.now() }, `/?${query}`).pipe(
                  Effect.flip,
                  Effect.provideService(HttpClient.HttpClient, client)
                )
              )
              assert.strictEqual(sent - before, holds ? 1 : 0, String(query))
            }),
            { numRuns: 10_000 }
          )
        )
        assert.isAbove(good, 100)
      }),
    60_000
  )
})

describe("id_token", () => {
  const now = 1_800_000_000
  const nonceOf = (pending: SignIn.Pending) => Redacted.value(pending.nonce ?? Redacted.make(""))
  const keys = Effect.promise(() => generateKeyPair("RS256"))

  const finishWith = (
    claims: (pending: SignIn.Pending) => Readonly<Record<string, unknown>>,
    options: {
      readonly header?: Readonly<Record<string, unknown>>
      readonly maxAge?: number
      readonly token?: string
    } = {}
  ) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now * 1000)
      const { pending } = yield* SignIn.start(instance, application, { maxAge: options.maxAge })
      const { privateKey } = yield* keys
      const base = {
        iss: instance.issuer,
        aud: application.clientId,
        iat: now,
        nbf: now,
        exp: now + 300,
        nonce: nonceOf(pending),
        sub: login
      }
      const jwt = new SignJWT({ ...base, ...claims(pending) })
      const id_token =
        options.token ??
        (yield* Effect.promise(() => jwt.setProtectedHeader({ alg: "RS256", ...options.header }).sign(privateKey)))
      const client = HttpClient.make((request) =>
        Effect.succeed(
          HttpClientResponse.fromWeb(request, Response.json({ access_token: "at", expires_in: 3600, id_token }))
        )
      )
      const callback = `/?code=c&state=${Redacted.value(pending.state)}`
      const result = yield* SignIn.finish(instance, application, pending, callback).pipe(
        Effect.either,
        Effect.provideService(HttpClient.HttpClient, client)
      )
      return Either.match(result, {
        onLeft: (error) => (error._tag === "IdTokenInvalid" ? error.claim : error._tag),
        onRight: () => "accepted"
      })
    })

  const atHash = createHash("sha256").update("at").digest().subarray(0, 16).toString("base64url")
  const cases: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>, string]> = [
    ["as it should be", { at_hash: atHash }, "accepted"],
    ["a list of one audience", { aud: [application.clientId] }, "accepted"],
    ["two audiences with azp", { aud: [application.clientId, "b"], azp: application.clientId }, "accepted"],
    ["a clock 4 minutes fast", { nbf: now + 240, exp: now + 540 }, "accepted"],
    ["expired 5 minutes ago", { exp: now - 300 }, "accepted"],
    ["expired 301 s ago", { exp: now - 301 }, "exp"],
    ["without exp", { exp: undefined }, "exp"],
    ["valid in 301 s", { nbf: now + 301 }, "nbf"],
    ["another issuer", { iss: "https://other/id" }, "iss"],
    ["the issuer with a slash", { iss: `${instance.issuer}/` }, "iss"],
    ["another audience", { aud: "other" }, "aud"],
    ["no audience", { aud: undefined }, "aud"],
    ["two audiences without azp", { aud: [application.clientId, "b"] }, "azp"],
    ["another azp", { azp: "b" }, "azp"],
    ["another nonce", { nonce: "b" }, "nonce"],
    ["no nonce", { nonce: undefined }, "nonce"],
    ["another at_hash", { at_hash: "b" }, "at_hash"],
    ["no sub", { sub: "" }, "sub"]
  ]
  for (const [name, claims, expected] of cases) {
    it.effect(`${name}: ${expected}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* finishWith(() => claims), expected)
      })
    )
  }

  it.effect("auth_time within maxAge and 5 minutes, where maxAge was asked", () =>
    Effect.gen(function* () {
      const run = (auth_time: number | undefined) => finishWith(() => ({ auth_time }), { maxAge: 60 })
      assert.strictEqual(yield* run(now - 360), "accepted")
      assert.strictEqual(yield* run(now - 361), "auth_time")
      assert.strictEqual(yield* run(undefined), "auth_time")
    })
  )

  it.effect("another algorithm, a crit header, and what is no token", () =>
    Effect.gen(function* () {
      const unsigned = [{ alg: "none" }, { nonce: "x" }]
        .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
        .join(".")
      assert.strictEqual(yield* finishWith(() => ({}), { token: `${unsigned}.` }), "alg")
      const { publicKey } = yield* keys
      assert.isDefined(yield* Effect.promise(() => exportJWK(publicKey)))
      const crit = Buffer.from(JSON.stringify({ alg: "RS256", crit: ["b64"] })).toString("base64url")
      assert.strictEqual(yield* finishWith(() => ({}), { token: `${crit}.${unsigned.split(".")[1]}.x` }), "crit")
      for (const token of ["a", "a.b.c", "a.b.c.d", "....", `${unsigned}.x.y`]) {
        assert.strictEqual(yield* finishWith(() => ({}), { token }), "id_token")
      }
    })
  )
})

describe("endSessionUrl", () => {
  it("asks to come back only with a hint", () => {
    const url = SignIn.endSessionUrl(instance, application, { idToken: Redacted.make("hint"), state: "s" })
    assert.strictEqual(
      url.href,
      "https://testdb.my.erp.net/id/connect/endsession?id_token_hint=hint&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A3000%2F&state=s"
    )
    assert.strictEqual(SignIn.endSessionUrl(instance, application, { state: "s" }).search, "")
  })

  it("takes applications as InteractiveApplication makes them", () => {
    assert.isTrue(Either.isRight(InteractiveApplication.make({ clientId: "a", scope: "openid", redirectUri })))
  })
})
