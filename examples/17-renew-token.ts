/**
 * How do I renew the tokens of a person? One request by hand with `TokenEndpoint.refresh`; and what one wants in a
 * program: `ErpNet.layerUser`, which renews by itself and keeps the newest refresh token in a store.
 *
 * An embedded instance signs its demo user in.
 *
 *   npm run renew-token
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Option, Redacted, Schema } from "effect"
import {
  DomainApi,
  EntitySet,
  ErpNet,
  InteractiveApplication,
  RefreshTokenStore,
  SignIn,
  TokenEndpoint
} from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { green, heading, line, run, yellow } from "./support/terminal.ts"

const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({ Id: Schema.UUID }))

const demo = Effect.gen(function* () {
  const erp = yield* ErpNetEmulator.ErpNetEmulator
  const { instance } = erp
  const { applicationUri, secret } = ErpNetEmulator.demoWebApplication
  const { login } = ErpNetEmulator.demoUser
  const application = yield* InteractiveApplication.make({
    clientId: applicationUri,
    clientSecret: secret ?? Redacted.make(""),
    scope: "openid read offline_access",
    redirectUri: "http://localhost:3000/signin-callback"
  })
  const { pending, url } = yield* SignIn.start(instance, application)
  const { tokens } = yield* SignIn.finish(instance, application, pending, yield* erp.authorize(url, { login }))
  const first = yield* tokens.refreshToken

  yield* heading("1. Renew by hand")
  const renewed = yield* TokenEndpoint.refresh(instance, application, first)
  yield* line(`${green("ok")} token ${tokens.accessToken.fingerprint} -> ${renewed.accessToken.fingerprint}`)
  yield* line("the refresh token is another one now: the old one was good for one use")
  yield* TokenEndpoint.refresh(instance, application, first).pipe(
    Effect.catchTag("InvalidGrant", (error) => line(`${yellow("caught")} ${error._tag}: ${error.message}`))
  )

  yield* heading("2. Renewed by the layer, from a store")
  const store = yield* RefreshTokenStore.memory(Option.getOrUndefined(renewed.refreshToken))
  const count = DomainApi.count(Customers).pipe(
    Effect.flatMap((customers) => line(`${green("ok")} ${customers} customers in the name of ${login}`))
  )
  yield* Effect.gen(function* () {
    yield* count
    yield* erp.expireTokens
    yield* count
    yield* heading("3. The person signs out elsewhere")
    yield* erp.signOutUser(login)
    yield* erp.expireTokens
    yield* Effect.catchTag(count, "SignInRequired", (error) =>
      line(`${yellow("caught")} ${error._tag}: ${error.message}`)
    )
    // minimumTokenAge is for this demo alone, which lets tokens expire as soon as they are there
  }).pipe(Effect.provide(ErpNet.layerUser({ instance, application, store, minimumTokenAge: 0 })))
}).pipe(Effect.provide(ErpNetEmulator.serve()), Effect.provide(NodeHttpClient.layerUndici))

run(demo)
