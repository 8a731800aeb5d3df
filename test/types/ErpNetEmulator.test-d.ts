import type { HttpClient } from "@effect/platform"
import type { Effect, Layer, Redacted } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { expectTypeOf } from "vitest"

expectTypeOf(ErpNetEmulator.layer()).toEqualTypeOf<Layer.Layer<ErpNetEmulator.ErpNetEmulator | HttpClient.HttpClient>>()
expectTypeOf(ErpNetEmulator.serve({ port: 0, customers: 1 })).toEqualTypeOf<
  Layer.Layer<ErpNetEmulator.ErpNetEmulator, ErpNetEmulator.ServeError>
>()
expectTypeOf<ErpNetEmulator.Service["issueReferenceToken"]>().returns.toEqualTypeOf<Effect.Effect<Redacted.Redacted>>()
expectTypeOf(ErpNetEmulator.Fault.slow("1 second")).toEqualTypeOf<ErpNetEmulator.Fault>()

// @ts-expect-error a port belongs to a socket
ErpNetEmulator.layer({ port: 0 })
// @ts-expect-error a plain secret may not be given as a string
ErpNetEmulator.layer({ applications: [{ applicationUri: "a", secret: "plain" }] })
// @ts-expect-error no such version mode
ErpNetEmulator.layer({ licenceError: 429 })
