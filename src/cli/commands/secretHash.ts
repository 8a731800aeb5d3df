/** `effect-erpnet secret-hash`: what to register for a secret. */

import type * as PlatformError from "@effect/platform/Error"
import type * as Terminal from "@effect/platform/Terminal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { InvalidApplication } from "../../ErpNetError.ts"
import * as TextFile from "../../internal/textFile.ts"
import * as TrustedApplication from "../../TrustedApplication.ts"
import { UsageError } from "../output.ts"
import { askHidden, readBytes, StandardInput } from "../standardInput.ts"

const readSecret = Effect.gen(function* () {
  const { isTerminal } = yield* StandardInput
  if (isTerminal) return yield* askHidden("Client secret")
  const text = yield* Either.mapLeft(
    TextFile.decode(yield* readBytes),
    (reason) => new UsageError({ message: `The secret on standard input ${reason}.` })
  )
  return Redacted.make(TextFile.withoutLineBreak(text))
})

/** Prints the ApplicationSecretHash of the secret that is read. */
export const secretHash: Effect.Effect<
  void,
  InvalidApplication | PlatformError.PlatformError | UsageError,
  StandardInput | Terminal.Terminal
> = Effect.gen(function* () {
  const clientSecret = yield* readSecret
  // Refuses what no registration can hold, such as an empty secret.
  const application = yield* TrustedApplication.make({ clientId: "unused", clientSecret })
  yield* Console.log(yield* TrustedApplication.secretHash(application.clientSecret))
})
