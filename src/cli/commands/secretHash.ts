/** `effect-erpnet secret-hash`: what to register for a secret. */

import * as Command from "@effect/cli/Command"
import * as Prompt from "@effect/cli/Prompt"
import type * as PlatformError from "@effect/platform/Error"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { InvalidApplication } from "../../ErpNetError.ts"
import * as TextFile from "../../internal/textFile.ts"
import * as TrustedApplication from "../../TrustedApplication.ts"
import { UsageError } from "../output.ts"

/** What the person or the pipe writes to the program. */
export class StandardInput extends Context.Tag("effect-erpnet/cli/StandardInput")<
  StandardInput,
  { readonly isTerminal: boolean; readonly bytes: Stream.Stream<Uint8Array, PlatformError.PlatformError> }
>() {}

const readSecret = Effect.gen(function* () {
  const input = yield* StandardInput
  if (input.isTerminal) {
    return yield* Effect.mapError(
      Prompt.run(Prompt.hidden({ message: "Client secret" })),
      () => new UsageError({ message: "No secret was given." })
    )
  }
  const chunks = yield* Stream.runCollect(input.bytes)
  const bytes = Uint8Array.from([...chunks].flatMap((chunk) => [...chunk]))
  const text = yield* Either.mapLeft(
    TextFile.decode(bytes),
    (reason) => new UsageError({ message: `The secret on standard input ${reason}.` })
  )
  return Redacted.make(TextFile.withoutLineBreak(text))
})

export const secretHash: Command.Command<
  "secret-hash",
  StandardInput | Prompt.Prompt.Environment,
  InvalidApplication | PlatformError.PlatformError | UsageError,
  object
> = Command.make("secret-hash", {}, () =>
  Effect.gen(function* () {
    const clientSecret = yield* readSecret
    // Refuses what no registration can hold, such as an empty secret.
    const application = yield* TrustedApplication.make({ clientId: "unused", clientSecret })
    yield* Console.log(yield* TrustedApplication.secretHash(application.clientSecret))
  })
).pipe(
  Command.withDescription(
    "Read a client secret from standard input and print the value to register as ApplicationSecretHash: " +
      "base64(sha256(secret)). A line break at the end is not part of the secret. On a terminal it asks, and shows " +
      "nothing of what is typed."
  )
)
