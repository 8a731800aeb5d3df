/**
 * How do I exchange an authorization code for tokens? `SignIn.start` gives the address to send a person to, and
 * `SignIn.finish` takes the address that the person comes back to: one request, after every check of it.
 *
 * The settings are ERPNET_INSTANCE, ERPNET_CLIENT_ID, ERPNET_CLIENT_SECRET (not for a Public application) and
 * ERPNET_REDIRECT_URI; without them the demo user of an embedded instance signs in.
 *
 *   npm run exchange-code
 */
import { createInterface } from "node:readline/promises"
import { NodeHttpClient } from "@effect/platform-node"
import { Config, ConfigProvider, Effect, Option, Redacted } from "effect"
import { Instance, InteractiveApplication, SignIn } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { green, heading, line, run } from "./support/terminal.ts"

/** `come` takes the address to open, and gives the one that the browser came back to. */
const signIn = (come: (url: URL) => Effect.Effect<string | URL, unknown>) =>
  Effect.gen(function* () {
    const instance = yield* Instance.make(yield* Config.string("ERPNET_INSTANCE"))
    const application = yield* InteractiveApplication.config
    yield* heading("1. Send the person to the identity server")
    const { pending, url } = yield* SignIn.start(instance, application)
    yield* line(`${url.origin}${url.pathname}, with state, nonce and a PKCE challenge`)
    const callback = yield* come(url)
    yield* heading("2. Exchange the code of the callback")
    const { identity, tokens } = yield* SignIn.finish(instance, application, pending, callback)
    const who = Option.match(identity, { onNone: () => "somebody", onSome: ({ subject }) => subject })
    yield* line(`${green("ok")} ${who} signed in, token ${tokens.accessToken.fingerprint}`)
    yield* line(`scopes ${tokens.accessToken.scopes.join(" ")}`)
    yield* line(Option.isSome(tokens.refreshToken) ? "with a refresh token" : "without a refresh token")
  }).pipe(Effect.provide(NodeHttpClient.layerUndici))

const atTheTerminal = (url: URL) =>
  Effect.promise(async () => {
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    const callback = await terminal.question(`  Open ${url}\n  and paste the address that you come back to: `)
    terminal.close()
    return callback
  })

const demo = Effect.gen(function* () {
  const erp = yield* ErpNetEmulator.ErpNetEmulator
  const application = ErpNetEmulator.demoWebApplication
  const provider = ConfigProvider.fromMap(
    new Map([
      ["ERPNET_INSTANCE", erp.origin],
      ["ERPNET_CLIENT_ID", application.applicationUri],
      ["ERPNET_CLIENT_SECRET", Redacted.value(application.secret ?? Redacted.make(""))],
      ["ERPNET_REDIRECT_URI", "http://localhost:3000/signin-callback"]
    ])
  )
  const { login } = ErpNetEmulator.demoUser
  yield* Effect.withConfigProvider(
    signIn((url) => erp.authorize(url, { login })),
    provider
  )
}).pipe(Effect.provide(ErpNetEmulator.serve()))

run(process.env["ERPNET_REDIRECT_URI"] === undefined ? demo : signIn(atTheTerminal))
