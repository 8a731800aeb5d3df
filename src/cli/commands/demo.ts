/** `effect-erpnet demo`: a first result, with nothing to set up. */

import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as DomainApi from "../../DomainApi.ts"
import * as ErpNet from "../../ErpNet.ts"
import * as TrustedApplication from "../../TrustedApplication.ts"
import { note } from "../note.ts"
import { readPath, urlOf } from "../reading.ts"
import { Screen } from "../screen.ts"
import { parse, tableOf } from "../table.ts"

const path = "Crm_Customers?$top=5&$select=Number,Active,CreationTime,CreditLimit"

/** Starts the embedded instance in memory and prints some of its customers. */
export const demo: Effect.Effect<void, unknown> = Effect.gen(function* () {
  const { demoApplication, demoSecret, layer } = yield* Effect.promise(() => import("../../testing/ErpNetEmulator.ts"))
  const application = yield* TrustedApplication.make({
    clientId: demoApplication.applicationUri,
    clientSecret: demoSecret,
    scope: "read"
  })
  yield* Effect.gen(function* () {
    const { instance } = yield* DomainApi.DomainApi
    const { columns } = yield* Screen
    yield* note(`The embedded instance answers: GET ${path}`)
    const text = yield* readPath(yield* urlOf(instance, path))
    yield* Console.log(
      tableOf(
        parse(text).pipe((body) => (body._tag === "Some" ? body.value : [])),
        { width: columns }
      ).text
    )
    yield* Console.error(
      "It ran in memory and is gone. Next: effect-erpnet emulator > demo.env keeps one for your own program."
    )
  }).pipe(Effect.provide(ErpNet.layer({ instance: "testdb", credentials: application })), Effect.provide(layer()))
})
