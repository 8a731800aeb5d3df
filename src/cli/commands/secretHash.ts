/** `effect-erpnet secret-hash`: what to register for a secret. */

import type * as PlatformError from "@effect/platform/Error"
import type * as Terminal from "@effect/platform/Terminal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { InvalidApplication } from "../../ErpNetError.ts"
import * as TrustedApplication from "../../TrustedApplication.ts"
import type { UsageError } from "../output.ts"
import { askHidden, readText, StandardInput } from "../standardInput.ts"

/** The line break that an editor or echo adds is not part of the secret. */
const withoutLineBreak = (text: string): string => text.replace(/\r?\n$/, "")

const readSecret = Effect.gen(function* () {
  const { isTerminal } = yield* StandardInput
  return isTerminal ? yield* askHidden("Client secret") : Redacted.make(withoutLineBreak(yield* readText))
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
