/** People who sign in to the embedded instance. */
import { Effect, Either, Redacted } from "effect"
import { InteractiveApplication, SignIn } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"

const web = ErpNetEmulator.demoWebApplication

export const redirectUri = "http://localhost:3000/signin-callback"
export const login = ErpNetEmulator.demoUser.login

const options = {
  scope: "openid profile read update offline_access",
  redirectUri,
  postLogoutRedirectUri: "http://localhost:3000/"
}

/** The web application of the demo. */
export const application = Either.getOrThrow(
  InteractiveApplication.make({
    ...options,
    clientId: web.applicationUri,
    clientSecret: web.secret ?? Redacted.make("")
  })
)

/** The Public application of the demo. */
export const publicApplication = Either.getOrThrow(
  InteractiveApplication.make({
    ...options,
    clientId: ErpNetEmulator.demoPublicApplication.applicationUri,
    redirectUri: "http://127.0.0.1:53177/callback"
  })
)

/** Signs the person of the demo in, from start to finish. */
export const signIn = (client: InteractiveApplication.InteractiveApplication = application) =>
  Effect.gen(function* () {
    const erp = yield* ErpNetEmulator.ErpNetEmulator
    const { pending, url } = yield* SignIn.start(erp.instance, client)
    return yield* SignIn.finish(erp.instance, client, pending, yield* erp.authorize(url, { login }))
  })

/** The bodies of the token requests so far. */
export const tokenRequests = Effect.gen(function* () {
  const erp = yield* ErpNetEmulator.ErpNetEmulator
  return (yield* erp.journal).filter((entry) => entry.path === "/id/connect/token").map((entry) => entry.body)
})
