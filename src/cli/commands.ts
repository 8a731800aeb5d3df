/** The arguments, options and examples of each command. What a command does is loaded when it runs. */
import { Command, type CommandUnknownOpts, InvalidArgumentError, Option } from "@commander-js/extra-typings"
import type { Common, Program } from "./program.ts"

/** Called with the command that was typed, and whether it needs no network. */
export type Choose = (load: () => Promise<Program>, options: Common, isLocal?: boolean) => void

const logLevels = ["all", "trace", "debug", "info", "warning", "error", "fatal", "none"] as const

const plain = (name: string) =>
  new Command(name)
    .allowExcessArguments(false)
    .addOption(new Option("--log-level <level>", "Print what is logged.").choices(logLevels).hideHelp())

/** A command that talks to an instance. */
const connected = (name: string) =>
  plain(name)
    .option("--instance <name>", "Name, host or URL, instead of ERPNET_INSTANCE.")
    .option("--settings <file>", "Settings that the environment does not have, as NAME=value.")
    .addOption(new Option("--env-file <file>", "The same; Node reads such a file as well.").hideHelp())
    .option("--verbose", "Show each request with its status and milliseconds.")

const examples = (...lines: ReadonlyArray<string>): string =>
  ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n")

const wholeNumber = (what: string, least: number, most: number) => (text: string) => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new InvalidArgumentError(`${what} must be a number from ${least} to ${most}.`)
  }
  return value
}

const names = (text: string): ReadonlyArray<string> => {
  const list = text.split(",").map((name) => name.trim())
  if (list.includes("")) throw new InvalidArgumentError("Write names with commas between, as in Number,Name.")
  return list
}

const diagnosis = (choose: Choose): ReadonlyArray<CommandUnknownOpts> => [
  connected("doctor")
    .summary("Check a set-up, and say what to do about what fails.")
    .description(
      "Check a real set-up step by step: settings, instance, TLS, discovery, token, scopes, API and licence. It " +
        "changes nothing, and takes one licence slot as every application does."
    )
    .addHelpText("after", examples("effect-erpnet doctor --settings demo.env"))
    .action((options) => choose(async () => (await import("./commands/doctor.ts")).doctor(options), options)),
  connected("token")
    .summary("Request an access token and tell what it is.")
    .description("Request an access token and print its fingerprint, scopes and expiry.")
    .option("--show", "Print the token itself, alone on standard output. It is a password.")
    .addHelpText("after", examples("effect-erpnet token --instance testdb"))
    .action((options) => choose(async () => (await import("./commands/token.ts")).token(options), options)),
  plain("secret-hash")
    .summary("Print the ApplicationSecretHash of a secret.")
    .description(
      "Read a client secret from standard input and print the value to register as ApplicationSecretHash: " +
        "base64(sha256(secret)). A line break at the end is not part of the secret. On a terminal it asks, and " +
        "shows nothing of what is typed."
    )
    .addHelpText("after", examples("effect-erpnet secret-hash < secret.txt"))
    .action((options) => choose(async () => (await import("./commands/secretHash.ts")).secretHash, options, true))
]

const path = "An entity set, entity, function or next link, with its query. In single quotes: the shell replaces $top."

const reading = (choose: Choose): ReadonlyArray<CommandUnknownOpts> => [
  connected("get")
    .summary("Read a path of the Domain API.")
    .description("Read a path of the Domain API below the OData root. json and ndjson keep every digit.")
    .argument("<path>", path)
    .option("--all", "Every page, one after the other.")
    .addOption(
      new Option("--format <format>", "What to print.")
        .choices(["json", "ndjson", "csv", "table"] as const)
        .default("json" as const)
    )
    .option("--columns <names>", "The columns of csv and table, with commas between.", names)
    .option("--output <file>", "Write a file, whole or not at all.")
    .option("--no-pager", "Do not show a long answer in a pager.")
    .addHelpText(
      "after",
      examples(
        "effect-erpnet get 'Crm_Customers?$top=5&$select=Number' --format table",
        "effect-erpnet get Crm_Customers --all --format ndjson --output rows.ndjson"
      )
    )
    .action((path, options) => choose(async () => (await import("./commands/get.ts")).get(path, options), options)),
  connected("count")
    .summary("Count the rows of an entity set.")
    .description("Count the rows of an entity set, or those that a filter takes.")
    .argument("<set>", "An entity set, with $filter where wanted.")
    .addHelpText("after", examples("effect-erpnet count 'Crm_Customers?$filter=Active eq true'"))
    .action((path, options) => choose(async () => (await import("./commands/count.ts")).count(path, options), options)),
  connected("describe")
    .summary("List the entity sets, or the fields of one.")
    .description(
      "List the entity sets of the instance, or the fields of one with their types and what filters and orders: from " +
        "$metadata, and from the model of the instance where it has one."
    )
    .argument("[set]", "An entity set.")
    .option("--no-pager", "Do not show a long answer in a pager.")
    .addHelpText("after", examples("effect-erpnet describe Crm_Customers"))
    .action((set, options) =>
      choose(async () => (await import("./commands/describe.ts")).describe(set, options), options)
    )
]

/** A command that changes data. */
const changing = (name: string) => connected(name).option("--dry-run", "Show the request, and send nothing.")

const body = "The body is JSON from standard input; its numbers keep every digit."

const writing = (choose: Choose): ReadonlyArray<CommandUnknownOpts> => [
  changing("create")
    .summary("Create an entity.")
    .description(`Create an entity and print it. ${body}`)
    .argument("<set>", "An entity set.")
    .addHelpText("after", examples("effect-erpnet create Crm_Customers --dry-run < customer.json"))
    .action((path, options) =>
      choose(async () => (await import("./commands/write.ts")).write("create", path, options), options)
    ),
  changing("update")
    .summary("Change the fields of an entity.")
    .description(`Change the fields of an entity that the body names. ${body}`)
    .argument("<entity>", "An entity: Set(id).")
    .addHelpText("after", examples(`echo '{"Active":false}' | effect-erpnet update 'Crm_Customers(<id>)'`))
    .action((path, options) =>
      choose(async () => (await import("./commands/write.ts")).write("update", path, options), options)
    ),
  changing("remove")
    .summary("Delete an entity.")
    .description("Delete an entity. There is no way back.")
    .argument("<entity>", "An entity: Set(id).")
    .addHelpText("after", examples("effect-erpnet remove 'Crm_Customers(<id>)' --dry-run"))
    .action((path, options) =>
      choose(async () => (await import("./commands/write.ts")).write("remove", path, options), options)
    ),
  changing("call")
    .summary("Call an action.")
    .description(`Call an action and print its result; a function is read with get. ${body} None: no parameters.`)
    .argument("<action>", "An action, or Set(id)/Action.")
    .addHelpText("after", examples(`echo '{"newState":"New"}' | effect-erpnet call 'Set(<id>)/ChangeState'`))
    .action((path, options) =>
      choose(async () => (await import("./commands/write.ts")).write("call", path, options), options)
    )
]

const embedded = (choose: Choose): ReadonlyArray<CommandUnknownOpts> => [
  plain("emulator")
    .summary("Start the embedded ERP.net instance.")
    .description(
      "Start the embedded ERP.net instance on a loopback port, print the settings that lead to it, show each " +
        "request, and run until Ctrl-C. Its data is invented and forgotten at the end."
    )
    .option("--port <number>", "The port; 0 takes any that is free.", wholeNumber("The port", 0, 65535), 0)
    .option("--host <address>", "The address to listen on. Others than loopback are open to all.", "127.0.0.1")
    .option("--customers <number>", "How many customers to invent.", wholeNumber("The number", 0, 100_000))
    .option("--seed <number>", "Another seed invents other data.", wholeNumber("The seed", 0, 2 ** 31))
    .option("--quiet", "Do not show the requests.")
    .addHelpText("after", examples("effect-erpnet emulator > demo.env", "effect-erpnet emulator --customers 1000"))
    .action((options) => choose(async () => (await import("./commands/emulator.ts")).emulator(options), options, true)),
  plain("demo")
    .summary("Read the embedded instance, with nothing to set up.")
    .description("Start the embedded instance, read some customers of it, print them and end. It needs no settings.")
    .addHelpText("after", examples("effect-erpnet demo"))
    .action((options) => choose(async () => (await import("./commands/demo.ts")).demo, options, true)),
  plain("completions")
    .summary("Print a completion script for a shell.")
    .description("Print a script that completes commands, options and their values.")
    .addArgument(new Command().createArgument("<shell>", "The shell.").choices(["bash", "zsh", "fish"] as const))
    .addHelpText(
      "after",
      examples(
        "source <(effect-erpnet completions bash)",
        "effect-erpnet completions zsh > ~/.zfunc/_effect-erpnet",
        "effect-erpnet completions fish > ~/.config/fish/completions/effect-erpnet.fish"
      )
    )
    .action((shell, options, { parent }) =>
      choose(
        async () => (await import("./commands/completions.ts")).completions(shell, parent?.commands ?? []),
        options,
        true
      )
    )
]

/** Adds every command to the program. */
export const addCommands = (program: { addCommand(command: CommandUnknownOpts): unknown }, choose: Choose): void => {
  for (const command of [...reading(choose), ...writing(choose), ...diagnosis(choose), ...embedded(choose)]) {
    program.addCommand(command)
  }
}
