/** The commands, their arguments and options, and what a command line says. It needs no Effect, so that help is quick. */
import { Command, CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings"
import manifest from "../../package.json" with { type: "json" }
import { nameFirst, UsageFault } from "./arguments.ts"
import { addCommands } from "./commands.ts"
import type { Common, Parsed, Program } from "./program.ts"
import { ExitCode, red } from "./style.ts"

const footer = `
Settings, from the environment or a file that --settings names:
  ERPNET_INSTANCE       Name (testdb), host (testdb.my.erp.net) or URL.
  ERPNET_CLIENT_ID      ApplicationUri of the Trusted Application.
  ERPNET_CLIENT_SECRET  Its plain secret. No option takes it: other users see
                        the arguments of a process.
  ERPNET_CLIENT_SECRET_FILE  Path of a file that holds it.
  ERPNET_TOKEN_ENDPOINT, ERPNET_ODATA  Addresses of moved sites, where
                        discovery does not tell them.
  ERPNET_ALLOW_INSECURE  true allows http to other hosts than loopback.
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS  The way to it.
  ERPNET_SCOPE          Scopes, separated by blanks. Not set: all it has.
  NO_COLOR, PAGER       Switches colours off; shows what is longer than a screen.

Exit codes: 0 done, or ended with Ctrl-C; 1 the operation failed, or doctor
found a fault; 2 the command, an option or a setting is wrong.

Examples:
  effect-erpnet emulator > demo.env
  effect-erpnet get 'Crm_Customers?$top=5' --settings demo.env --format table
  source <(effect-erpnet completions bash)`

const sentence = (text: string): string => {
  const plain = text
    .replace(/^error: /, "")
    .replace(/\s*\n?\(Did you mean (one of )?(.*)\?\)/s, (_, several: string | undefined, names: string) =>
      several === undefined ? `. Did you mean ${names}?` : `. Did you mean one of ${names}?`
    )
    .trim()
  const ended = /[.?]$/.test(plain) ? plain : `${plain}.`
  return ended.charAt(0).toUpperCase() + ended.slice(1)
}

/** The whole name of a command, as it is typed. */
const nameOf = (command: CommandUnknownOpts): string =>
  command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`

const hint = (name: string): string => `Run ${name} --help to see what it takes.`

interface Printed {
  out: string
  err: string
}

type Chosen = { load: (() => Promise<Program>) | undefined; options: Common; isLocal: boolean }

const makeProgram = (columns: number, printed: Printed, chosen: Chosen) => {
  const program = new Command("effect-erpnet")
    .description("Reads, writes, tokens and diagnosis for ERP.net, and an embedded instance to try them on.")
    .version(manifest.version, "--version", "Print the version.")
    .helpOption("-h, --help", "Explain the command.")
    .helpCommand("help [command]", "Explain a command.")
    .addHelpText("after", footer)
  addCommands(program, (load, options, isLocal = false) => {
    chosen.isLocal = isLocal
    chosen.load = load
    chosen.options = options
  })
  for (const command of [program, ...program.commands]) {
    command
      .helpOption("-h, --help", "Explain the command.")
      .exitOverride()
      .configureHelp({
        helpWidth: Math.max(60, Math.min(columns, 100)),
        subcommandTerm: (subcommand) => subcommand.name()
      })
      .configureOutput({
        writeOut: (text) => {
          printed.out += text
        },
        writeErr: (text) => {
          printed.err += text
        },
        outputError: (text, write) => write(`${red("Error:")} ${sentence(text)}\n${hint(nameOf(command))}\n`)
      })
  }
  return program
}

const successes = new Set(["commander.helpDisplayed", "commander.help", "commander.version"])

const failure = (error: unknown, printed: Printed): Parsed => {
  if (error instanceof CommanderError) {
    return { _tag: "Print", ...printed, code: successes.has(error.code) ? ExitCode.done : ExitCode.usage }
  }
  if (error instanceof UsageFault) {
    const name = error.command === undefined ? "effect-erpnet" : `effect-erpnet ${error.command}`
    return { _tag: "Print", out: "", err: `${red("Error:")} ${error.message}\n${hint(name)}\n`, code: ExitCode.usage }
  }
  throw error
}

/** Reads a command line (without the runtime and the script in front), for a screen with so many columns. */
export const parse = (args: ReadonlyArray<string>, columns = 80): Parsed => {
  const printed: Printed = { out: "", err: "" }
  const chosen: Chosen = { load: undefined, options: {}, isLocal: false }
  const program = makeProgram(columns, printed, chosen)
  // The name of the command `completions` in 0.1.
  if (args[0] === "--completions") return parse(["completions", ...args.slice(1)], columns)
  if (args.length === 0) {
    program.outputHelp()
    return { _tag: "Print", ...printed, code: ExitCode.done }
  }
  try {
    program.parse(nameFirst(program as unknown as CommandUnknownOpts, args), { from: "user" })
  } catch (error) {
    return failure(error, printed)
  }
  const { isLocal, load, options } = chosen
  return load === undefined
    ? { _tag: "Print", ...printed, code: ExitCode.done }
    : { _tag: "Run", load, options, isLocal }
}
