/** The command with its subcommands, and how a run ends. */
import type * as CliApp from "@effect/cli/CliApp"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import manifest from "../../package.json" with { type: "json" }
import { doctor } from "./commands/doctor.ts"
import { emulator } from "./commands/emulator.ts"
import { get } from "./commands/get.ts"
import { type StandardInput, secretHash } from "./commands/secretHash.ts"
import { token } from "./commands/token.ts"
import { describe, ExitCode, exitCodeOf, red } from "./output.ts"

const section = (title: string, entries: ReadonlyArray<readonly [name: string, meaning: string]>): HelpDoc.HelpDoc => {
  const widest = Math.max(...entries.map(([name]) => name.length))
  const lines = entries.map(([name, meaning]) => `  ${name.padEnd(widest)}  ${meaning}`.trimEnd())
  return HelpDoc.blocks([HelpDoc.h1(title), HelpDoc.p(lines.join("\n"))])
}

const footer = HelpDoc.blocks([
  section("EVERY COMMAND", [
    ["--help", "Explains the command."],
    ["--version", "Prints the version."],
    ["--log-level <level>", "Prints what is logged on standard error, for example with debug."],
    ["--completions <shell>", "Prints a completion script for bash, zsh or fish."]
  ]),
  section("EXAMPLES", [
    ["effect-erpnet emulator > demo.env", ""],
    ["effect-erpnet doctor --env-file demo.env", ""],
    ["effect-erpnet token --instance testdb", ""],
    ["effect-erpnet get 'Crm_Customers?$top=5&$select=Number' --format table", ""],
    ["effect-erpnet get 'Crm_Customers?$top=5' | jq '.value[].Number'", ""],
    ["effect-erpnet secret-hash < secret.txt", ""],
    ["source <(effect-erpnet --completions bash)", ""]
  ]),
  section("ENVIRONMENT", [
    ["ERPNET_INSTANCE", "Name (testdb), host (testdb.my.erp.net) or URL of the instance."],
    ["ERPNET_CLIENT_ID", "ApplicationUri of the Trusted Application."],
    ["ERPNET_CLIENT_SECRET", "Its plain secret. No option takes it: other users see the arguments of a process."],
    ["ERPNET_CLIENT_SECRET_FILE", "Path of a file that holds the secret, instead of ERPNET_CLIENT_SECRET."],
    [
      "ERPNET_TOKEN_ENDPOINT",
      "Address of the token endpoint, where the identity site was moved and discovery does not say so."
    ],
    ["ERPNET_ODATA", "OData service root, where the API site was moved and discovery does not say so."],
    ["ERPNET_ALLOW_INSECURE", "true allows http to other hosts than loopback: the secret then travels in clear."],
    ["HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "The proxy, and the hosts that are reached without it."],
    ["NODE_EXTRA_CA_CERTS", "A PEM file of further certificate authorities; it has to be set before the start."],
    ["ERPNET_SCOPE", "Scopes to request, separated by blanks. Not set: all that the application has."],
    ["NO_COLOR", "Switches colours off."]
  ]),
  section("EXIT CODES", [
    ["0", "Done, or ended with Ctrl-C."],
    ["1", "The operation failed, or doctor found a fault."],
    ["2", "The command, an option or a setting is wrong."]
  ])
])

const root = Command.make("effect-erpnet").pipe(
  Command.withDescription("Tokens, reads and diagnosis for ERP.net, and an embedded instance to try them on."),
  Command.withSubcommands([doctor, token, get, secretHash, emulator])
)

const parseAndRun = Command.run(root, { name: "effect-erpnet", version: manifest.version, footer })

/** Whatever failed, as a message on standard error and an exit code; help is already printed for a wrong command. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<number> => {
  const error = Option.getOrElse(Cause.failureOption(cause), () => Cause.squash(cause))
  if (ValidationError.isValidationError(error)) return Effect.succeed(ExitCode.usage)
  return Effect.as(Console.error(`${red("Error:")} ${describe(error)}`), exitCodeOf(error))
}

/** What the program needs from the outside. */
export type Environment = CliApp.CliApp.Environment | HttpClient.HttpClient | StandardInput

/** Runs a command line (without the runtime and the script in front) and gives the exit code. */
export const run = (args: ReadonlyArray<string>): Effect.Effect<number, never, Environment> =>
  parseAndRun(["node", "effect-erpnet", ...args]).pipe(
    Effect.as(ExitCode.done),
    Effect.catchAllCause((cause) => (Cause.isInterruptedOnly(cause) ? Effect.interrupt : report(cause)))
  )
