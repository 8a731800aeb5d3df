import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Either, Redacted } from "effect"
import { InteractiveApplication } from "effect-erpnet"

const valid: InteractiveApplication.Options = {
  clientId: "my.trusted.app/web",
  scope: "openid profile  read openid",
  redirectUri: "https://app.example.com"
}

describe("InteractiveApplication.make", () => {
  it("keeps addresses byte for byte, and scopes once each", () => {
    assert.deepStrictEqual(Either.getOrThrow(InteractiveApplication.make(valid)), {
      clientId: "my.trusted.app/web",
      scopes: ["openid", "profile", "read"],
      redirectUri: "https://app.example.com"
    })
    for (const redirectUri of [
      "https://app.example.com/callback?tenant=7",
      "http://127.0.0.1:8400/callback",
      "http://localhost:3000/",
      "http://[::1]:1/",
      "com.example.app:/callback"
    ]) {
      const made = InteractiveApplication.make({ ...valid, redirectUri, postLogoutRedirectUri: redirectUri })
      assert.deepInclude(Either.getOrThrow(made), { redirectUri, postLogoutRedirectUri: redirectUri })
    }
  })

  const refused: ReadonlyArray<readonly [Partial<InteractiveApplication.Options>, string, RegExp]> = [
    [{ clientId: "" }, "clientId", /is empty/],
    [{ clientSecret: Redacted.make("hunter2\n") }, "clientSecret", /white space/],
    [{ scope: "" }, "scope", /is empty/],
    [{ scope: [] }, "scope", /is empty/],
    [{ scope: "profile read" }, "scope", /without openid/],
    [{ scope: 'a "b"' }, "scope", /RFC 6749/],
    [{ scope: `openid ${"x".repeat(300)}` }, "scope", /longer than 300/],
    [{ redirectUri: "" }, "redirectUri", /is empty/],
    [{ redirectUri: "/callback" }, "redirectUri", /absolute/],
    [{ redirectUri: "http://app.example.com/" }, "redirectUri", /must be https/],
    [{ redirectUri: "javascript:alert(1)" }, "redirectUri", /must be https/],
    [{ redirectUri: "https://app.example.com/#" }, "redirectUri", /fragment/],
    [{ redirectUri: "https://u:hunter2@app.example.com/" }, "redirectUri", /user name/],
    [{ redirectUri: " https://app.example.com/" }, "redirectUri", /white space/],
    [{ redirectUri: `https://app.example.com/${"x".repeat(400)}` }, "redirectUri", /longer than 400/],
    [{ postLogoutRedirectUri: "https://app.example.com/#a" }, "postLogoutRedirectUri", /fragment/]
  ]
  for (const [options, field, reason] of refused) {
    it(`refuses ${field}: ${reason.source}`, () => {
      const made = InteractiveApplication.make({ ...valid, ...options })
      assert(Either.isLeft(made))
      assert.strictEqual(made.left.field, field)
      assert.match(made.left.message, reason)
      assert.notInclude(made.left.message, "hunter2")
    })
  }
})

describe("InteractiveApplication.config", () => {
  const read = (settings: Record<string, string>) =>
    Effect.withConfigProvider(InteractiveApplication.config, ConfigProvider.fromMap(new Map(Object.entries(settings))))

  it.effect("reads the settings, with a scope by default and no secret", () =>
    Effect.gen(function* () {
      const settings = { ERPNET_CLIENT_ID: "my.trusted.app/web", ERPNET_REDIRECT_URI: "https://app.example.com/" }
      assert.deepStrictEqual(yield* read(settings), {
        clientId: "my.trusted.app/web",
        scopes: ["openid", "profile", "read", "offline_access"],
        redirectUri: "https://app.example.com/"
      })
      const whole = yield* read({
        ...settings,
        ERPNET_CLIENT_SECRET: "s",
        ERPNET_SCOPE: "read",
        ERPNET_POST_LOGOUT_REDIRECT_URI: "https://app.example.com/bye"
      })
      assert.deepStrictEqual(whole.scopes, ["read"])
      assert.strictEqual(whole.clientSecret && Redacted.value(whole.clientSecret), "s")
      const error = yield* Effect.flip(read({ ...settings, ERPNET_REDIRECT_URI: "nowhere" }))
      assert.include(String(error), "ERPNET_REDIRECT_URI")
    })
  )
})
