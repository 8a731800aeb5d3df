/** `effect-erpnet completions`: scripts that complete commands, options and their values. */

import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings"
import * as Console from "effect/Console"
import type * as Effect from "effect/Effect"

export type Shell = "bash" | "zsh" | "fish"

interface Flag {
  readonly long: string
  readonly about: string
  readonly takesValue: boolean
  readonly takesFile: boolean
  readonly choices: ReadonlyArray<string>
}

interface Described {
  readonly name: string
  readonly about: string
  readonly flags: ReadonlyArray<Flag>
  readonly choices: ReadonlyArray<string>
}

const flagOf = (option: Option): Flag => ({
  long: option.long ?? "",
  about: option.description,
  takesValue: option.required,
  takesFile: /<file>/.test(option.flags),
  choices: option.argChoices ?? []
})

const describe = (command: CommandUnknownOpts): Described => ({
  name: command.name(),
  about: command.summary(),
  flags: [
    ...command.options.filter((option) => !option.hidden).map(flagOf),
    { long: "--help", about: "Explain the command.", takesValue: false, takesFile: false, choices: [] }
  ],
  choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? [])
})

/** A word of the line in a script of bash. */
const typed = (index: string): string => `\${COMP_WORDS[${index}]}`

const bash = (commands: ReadonlyArray<Described>): string => {
  const values = new Map(commands.flatMap(({ flags }) => flags).map((flag) => [flag.long, flag]))
  const valueCases = [...values.values()].flatMap((flag) =>
    flag.choices.length > 0
      ? [`    ${flag.long}) COMPREPLY=($(compgen -W '${flag.choices.join(" ")}' -- "$word")); return ;;`]
      : flag.takesFile
        ? [`    ${flag.long}) COMPREPLY=($(compgen -f -- "$word")); return ;;`]
        : flag.takesValue
          ? [`    ${flag.long}) return ;;`]
          : []
  )
  const cases = commands.map(
    ({ choices, flags, name }) => `    ${name}) words='${[...flags.map(({ long }) => long), ...choices].join(" ")}' ;;`
  )
  return [
    "_effect_erpnet() {",
    "  local word before command words at",
    '  word="$2"',
    '  before="$3"',
    "  COMPREPLY=()",
    '  case "$before" in',
    ...valueCases,
    "  esac",
    "  for ((at = 1; at < COMP_CWORD; at++)); do",
    `    case "${typed("at")}" in`,
    `      ${commands.map(({ name }) => name).join("|")}) command="${typed("at")}"; break ;;`,
    "    esac",
    "  done",
    `  words='${commands.map(({ name }) => name).join(" ")} --help --version'`,
    '  case "$command" in',
    ...cases,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    "complete -F _effect_erpnet effect-erpnet"
  ].join("\n")
}

/** Inside of single quotes. */
const quoted = (text: string): string => text.replace(/'/g, "'\\''")

const zshText = (text: string): string => quoted(text.replace(/([\\[\]:])/g, "\\$1"))

const zshFlag = ({ about, choices, long, takesFile, takesValue }: Flag): string => {
  const values = choices.length > 0 ? `:value:(${choices.join(" ")})` : takesFile ? ":file:_files" : ":value: "
  return `'${long}[${zshText(about)}]${takesValue ? values : ""}'`
}

const zsh = (commands: ReadonlyArray<Described>): string =>
  [
    "#compdef effect-erpnet",
    "_effect_erpnet() {",
    "  local state line",
    "  local -a commands",
    "  commands=(",
    ...commands.map(({ about, name }) => `    '${name}:${zshText(about)}'`),
    "  )",
    "  _arguments -C '1:command:->command' '*::argument:->argument'",
    '  case "$state" in',
    "    command) _describe command commands ;;",
    "    argument)",
    '      case "$words[1]" in',
    ...commands.map(({ choices, flags, name }) => {
      const values = choices.length > 0 ? ` '1:value:(${choices.join(" ")})'` : " '*:argument: '"
      return `        ${name}) _arguments ${flags.map(zshFlag).join(" ")}${values} ;;`
    }),
    "      esac ;;",
    "  esac",
    "}",
    'if [ "$funcstack[1]" = "_effect_erpnet" ]; then _effect_erpnet "$@"; else compdef _effect_erpnet effect-erpnet; fi'
  ].join("\n")

const fish = (commands: ReadonlyArray<Described>): string => {
  const start = "complete -c effect-erpnet"
  return [
    `${start} -f`,
    ...commands.map(({ about, name }) => `${start} -n __fish_use_subcommand -a ${name} -d '${quoted(about)}'`),
    ...commands.flatMap(({ choices, flags, name }) => {
      const within = `${start} -n '__fish_seen_subcommand_from ${name}'`
      return [
        ...flags.map(({ about, choices, long, takesFile, takesValue }) => {
          const values =
            choices.length > 0 ? ` -xa '${choices.join(" ")}'` : takesFile ? " -rF" : takesValue ? " -x" : ""
          return `${within} -l ${long.slice(2)}${values} -d '${quoted(about)}'`
        }),
        ...(choices.length > 0 ? [`${within} -a '${choices.join(" ")}'`] : [])
      ]
    })
  ].join("\n")
}

const shells = { bash, zsh, fish }

/** Prints the completion script of a shell. */
export const completions = (shell: Shell, commands: ReadonlyArray<CommandUnknownOpts>): Effect.Effect<void> =>
  Console.log(shells[shell](commands.map(describe)))
