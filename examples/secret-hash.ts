/**
 * Prints the value to register as ApplicationSecretHash. The secret comes from standard input, so that it stays out of
 * the shell's history and the list of processes.
 *
 *   npm run --silent secret-hash < secret.txt
 */
import { text } from "node:stream/consumers"
import { Console, Effect, Redacted } from "effect"
import { TrustedApplication } from "effect-erpnet"
import { run } from "./support/terminal.ts"

run(
  Effect.gen(function* () {
    const input = yield* Effect.promise(() => text(process.stdin))
    // The line break that an editor or echo adds is not part of the secret.
    const application = yield* TrustedApplication.make({
      clientId: "unused",
      clientSecret: Redacted.make(input.replace(/\r?\n$/, ""))
    })
    yield* Console.log(yield* TrustedApplication.secretHash(application.clientSecret))
  })
)
