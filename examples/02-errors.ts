/**
 * The errors a service application meets, each caught by its tag, with what its message tells a person.
 *
 *   npm run errors
 */
import { Effect, Layer, Redacted, Schema } from "effect"
import { DomainApi, EntitySet, ErpNet, TokenProvider, TrustedApplication } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { green, heading, line, run } from "./support/terminal.ts"

const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Id: Schema.UUID }))

const readCustomers = Effect.asVoid(DomainApi.list(Customers, { top: 1 }))

const clientId = ErpNetEmulator.demoApplication.applicationUri

/** Runs the program as a Trusted Application with this secret and scope. */
const runAs = (options: { readonly secret?: string; readonly scope?: string } = {}) =>
  Effect.gen(function* () {
    const { instance } = yield* ErpNetEmulator.ErpNetEmulator
    const credentials = yield* TrustedApplication.make({
      clientId,
      clientSecret: options.secret === undefined ? ErpNetEmulator.demoSecret : Redacted.make(options.secret),
      scope: options.scope ?? "read"
    })
    yield* Effect.provide(readCustomers, ErpNet.layer({ instance, credentials }))
  })

const caught = (error: { readonly _tag: string; readonly message: string }) =>
  Effect.zipRight(line(`${green("caught")} ${error._tag}`), line(error.message))

const wrongSecret = Effect.gen(function* () {
  yield* heading("Wrong secret")
  yield* runAs({ secret: "not the secret" }).pipe(Effect.catchTag("InvalidClient", caught))
})

const disabledApplication = Effect.gen(function* () {
  yield* heading("Disabled application")
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  yield* emulator.disable(clientId)
  yield* runAs().pipe(Effect.catchTag("InvalidClient", caught))
  yield* emulator.enable(clientId)
})

const noSystemUser = Effect.gen(function* () {
  yield* heading("Application that may not act on its own")
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  yield* emulator.updateApplication(clientId, { systemUserAllowed: false })
  yield* runAs().pipe(Effect.catchTag("UnauthorizedClient", caught))
  yield* emulator.updateApplication(clientId, { systemUserAllowed: true })
})

const scopeNotAllowed = Effect.gen(function* () {
  yield* heading("Scope that is not allowed")
  yield* runAs({ scope: "read admin" }).pipe(Effect.catchTag("InvalidScope", caught))
})

const apiThatRefuses = Effect.gen(function* () {
  yield* heading("API that refuses every token")
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  yield* emulator.alwaysUnauthorized(true)
  yield* runAs().pipe(Effect.catchTag("Unauthorized", caught))
  yield* emulator.alwaysUnauthorized(false)
})

const expiredReferenceToken = Effect.gen(function* () {
  yield* heading("Reference token that has expired, and cannot be renewed")
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  const token = yield* emulator.issueReferenceToken({ clientId })
  yield* emulator.expireTokens
  const ReferenceToken = TokenProvider.layerReferenceToken({ instance: emulator.instance, token })
  yield* readCustomers.pipe(
    Effect.provide(Layer.provide(DomainApi.layer(), ReferenceToken)),
    Effect.catchTag("Expired", caught)
  )
})

const missingScope = Effect.gen(function* () {
  yield* heading("Token without the scope that the call needs")
  yield* runAs({ scope: "update" }).pipe(Effect.catchTag("Forbidden", caught))
})

const identityServerDown = Effect.gen(function* () {
  yield* heading("Identity server that is down")
  const emulator = yield* ErpNetEmulator.ErpNetEmulator
  yield* emulator.failNext("token", ErpNetEmulator.Fault.reset, 3)
  yield* runAs().pipe(Effect.catchTag("TokenEndpointUnavailable", caught))
})

const renamedEntitySet = Effect.gen(function* () {
  yield* heading("Entity set with a new name")
  yield* runAs().pipe(Effect.catchTag("EntityRenamed", caught))
}).pipe(Effect.provide(ErpNetEmulator.layer({ renamedNames: "byVersion" })))

run(
  Effect.all(
    [
      wrongSecret,
      disabledApplication,
      noSystemUser,
      scopeNotAllowed,
      apiThatRefuses,
      expiredReferenceToken,
      missingScope,
      identityServerDown,
      renamedEntitySet
    ],
    { discard: true }
  ).pipe(Effect.provide(ErpNetEmulator.layer()))
)
