/** A client that was not written here signs people in at the embedded instance. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { createRemoteJWKSet, jwtVerify } from "jose"
import * as client from "openid-client"

const web = ErpNetEmulator.demoWebApplication
const login = ErpNetEmulator.demoUser.login
const redirectUri = "http://127.0.0.1:3000/signin-callback"

const promise = <A>(run: () => Promise<A>): Effect.Effect<A, unknown> => Effect.tryPromise(run)

const discover = (origin: string) =>
  promise(() =>
    client.discovery(
      new URL(`${origin}/id`),
      web.applicationUri,
      Redacted.value(web.secret ?? Redacted.make("")),
      undefined,
      {
        execute: [client.allowInsecureRequests]
      }
    )
  )

describe("openid-client against the embedded instance", () => {
  it.live("discovers, signs in with PKCE, renews, asks who it is, revokes and signs out", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const config = yield* discover(erp.origin)
      const verifier = client.randomPKCECodeVerifier()
      const challenge = yield* promise(() => client.calculatePKCECodeChallenge(verifier))
      const state = client.randomState()
      const nonce = client.randomNonce()
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: "openid profile read offline_access",
        code_challenge: challenge,
        code_challenge_method: "S256",
        state,
        nonce
      })
      const callback = yield* erp.authorize(url, { login })
      const tokens = yield* promise(() =>
        client.authorizationCodeGrant(config, callback, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce
        })
      )
      const claims = tokens.claims()
      assert.strictEqual(claims?.sub, login)
      const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? ""))
      const verified = yield* promise(() =>
        jwtVerify(tokens.id_token ?? "", keys, { issuer: `${erp.origin}/id`, audience: web.applicationUri })
      )
      assert.strictEqual(verified.payload.sub, login)
      const access = yield* promise(() =>
        jwtVerify(tokens.access_token, keys, { issuer: `${erp.origin}/id`, audience: "DomainAPI", typ: "at+jwt" })
      )
      assert.strictEqual(access.payload.sub, login)

      const renewed = yield* promise(() => client.refreshTokenGrant(config, tokens.refresh_token ?? ""))
      assert.notStrictEqual(renewed.refresh_token, tokens.refresh_token)
      const who = yield* promise(() => client.fetchUserInfo(config, renewed.access_token, login))
      assert.strictEqual(who.name, "Maria Demo")
      yield* promise(() => client.tokenRevocation(config, renewed.refresh_token ?? ""))
      const refused = yield* Effect.flip(promise(() => client.refreshTokenGrant(config, renewed.refresh_token ?? "")))
      assert.include(String(Reflect.get(Object(Reflect.get(Object(refused), "cause")), "error")), "invalid_grant")

      const end = client.buildEndSessionUrl(config, {
        id_token_hint: renewed.id_token ?? "",
        post_logout_redirect_uri: "http://127.0.0.1:3000/",
        state: "bye"
      })
      const response = yield* promise(() => fetch(end, { redirect: "manual" }))
      assert.strictEqual(response.headers.get("location"), "http://127.0.0.1:3000/?state=bye")
    }).pipe(Effect.provide(ErpNetEmulator.serve({ customers: 1, products: 1, salesOrders: 1 })))
  )

  it.live("takes the refusal of a person for one", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const config = yield* discover(erp.origin)
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: "openid",
        state: "s",
        code_challenge: yield* promise(() => client.calculatePKCECodeChallenge("v".repeat(43))),
        code_challenge_method: "S256"
      })
      const callback = yield* erp.authorize(url, { login, decision: "deny" })
      const denied = yield* Effect.flip(
        promise(() => client.authorizationCodeGrant(config, callback, { expectedState: "s" }))
      )
      assert.strictEqual(Reflect.get(Object(Reflect.get(Object(denied), "cause")), "error"), "access_denied")
    }).pipe(Effect.provide(ErpNetEmulator.serve({ customers: 1, products: 1, salesOrders: 1 })))
  )
})
