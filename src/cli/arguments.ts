/** Puts the name of the command in front, so that options may stand anywhere, and finds values that are missing. */
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings"

/** A command line that cannot be meant. */
export class UsageFault extends Error {
  readonly command: string | undefined
  constructor(message: string, command: string | undefined) {
    super(message)
    this.command = command
  }
}

interface Walk {
  readonly command: string | undefined
  readonly at: number
  /** The option whose value is missing. */
  readonly missing: string | undefined
}

const isOption = (text: string | undefined): boolean => text !== undefined && /^-{1,2}[a-z]/i.test(text)

const takesValue = (options: ReadonlyArray<Option>, text: string): boolean =>
  options.some((option) => option.required && (option.long === text || option.short === text))

const walk = (program: CommandUnknownOpts, args: ReadonlyArray<string>): Walk => {
  const options = [program, ...program.commands].flatMap((command) => [...command.options])
  let found: { command: string; at: number } | undefined
  let missing: string | undefined
  for (let at = 0; at < args.length; at++) {
    const text = args[at] ?? ""
    if (text === "--") break
    if (isOption(text)) {
      if (!takesValue(options, text)) continue
      if (args[at + 1] === undefined || isOption(args[at + 1])) missing ??= text
      else at++
    } else found ??= { command: text, at }
  }
  return { command: found?.command, at: found?.at ?? -1, missing }
}

/** The same command line with its command in front. */
export const nameFirst = (program: CommandUnknownOpts, args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { at, command, missing } = walk(program, args)
  const isKnown = program.commands.some((known) => known.name() === command)
  if (missing !== undefined && (isKnown || command === undefined)) {
    throw new UsageFault(`The option ${missing} needs a value.`, isKnown ? command : undefined)
  }
  return at <= 0 || command === undefined ? args : [command, ...args.slice(0, at), ...args.slice(at + 1)]
}
