/** `effect-erpnet emulator`: the embedded instance on a loopback port. */

import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { ServeError } from "../../testing/ErpNetEmulator.ts"

const port = Options.integer("port").pipe(
  Options.filterMap(
    Option.liftPredicate((port) => port >= 0 && port <= 65535),
    "The port must be a number from 0 to 65535."
  ),
  Options.withDefault(0),
  Options.withDescription("The port on 127.0.0.1; 0 takes any that is free.")
)

export const emulator: Command.Command<"emulator", never, ServeError, { readonly port: number }> = Command.make(
  "emulator",
  { port },
  ({ port }) =>
    Effect.gen(function* () {
      // Its data takes time to load, which the other commands need not spend.
      const { ErpNetEmulator, demoApplication, demoSecret, serve } = yield* Effect.promise(
        () => import("../../testing/ErpNetEmulator.ts")
      )
      yield* Effect.gen(function* () {
        const { origin } = yield* ErpNetEmulator
        yield* Console.log(
          [
            `# Embedded ERP.net instance with invented demo data and public demo credentials; Ctrl-C stops it.`,
            `export ERPNET_INSTANCE=${origin}`,
            `export ERPNET_CLIENT_ID=${demoApplication.applicationUri}`,
            `export ERPNET_CLIENT_SECRET=${Redacted.value(demoSecret)}`,
            `export ERPNET_SCOPE="read update"`
          ].join("\n")
        )
        yield* Console.error(
          `Listening on ${origin}. Give these settings to the other commands, in the environment or with --env-file.`
        )
        yield* Effect.never
      }).pipe(Effect.provide(serve({ port })))
    })
).pipe(
  Command.withDescription(
    "Start the embedded ERP.net instance on a loopback port, print the settings that lead to it, and run until " +
      "Ctrl-C. Its data is invented and forgotten at the end."
  )
)
