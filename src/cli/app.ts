/** Runs a command line, and tells how it ended. */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { parse } from "./commandLine.ts"
import { note } from "./note.ts"
import { describe, exitCodeOf } from "./output.ts"
import type { Common, Environment, Parsed, Program } from "./program.ts"
import { Screen } from "./screen.ts"
import { ExitCode, red } from "./style.ts"
import { shown } from "./verbose.ts"

/** Whatever failed, as a message on standard error and an exit code. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<number> => {
  const error = Option.getOrElse(Cause.failureOption(cause), () => Cause.squash(cause))
  return Effect.as(note(`${red("Error:")} ${describe(error)}`), exitCodeOf(error))
}

const withOptions = (program: Program, { logLevel, verbose = false }: Common): Program => {
  const told = verbose ? shown(program) : program
  if (logLevel === undefined) return told
  const level = LogLevel.allLevels.find(({ _tag }) => _tag.toLowerCase() === logLevel) ?? LogLevel.Info
  return Logger.withMinimumLogLevel(told, level)
}

const withoutBreak = (text: string): string => text.replace(/\n$/, "")

/** Runs what a command line came to, and gives the exit code. */
export const execute = (parsed: Parsed): Effect.Effect<number, never, Environment> => {
  if (parsed._tag === "Print") {
    return Effect.gen(function* () {
      if (parsed.out !== "") yield* Console.log(withoutBreak(parsed.out))
      if (parsed.err !== "") yield* Console.error(withoutBreak(parsed.err))
      return parsed.code
    })
  }
  return Effect.promise(parsed.load).pipe(
    Effect.flatMap((program) => withOptions(program, parsed.options)),
    Effect.as(ExitCode.done),
    Effect.catchAllCause((cause) => (Cause.isInterruptedOnly(cause) ? Effect.interrupt : report(cause)))
  )
}

/** Runs a command line (without the runtime and the script in front) and gives the exit code. */
export const run = (args: ReadonlyArray<string>): Effect.Effect<number, never, Environment> =>
  Effect.flatMap(Screen, ({ columns }) => execute(parse(args, columns)))
