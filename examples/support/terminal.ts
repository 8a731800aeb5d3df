/** What the examples share: how they print, and how they end. */
import { NodeRuntime } from "@effect/platform-node"
import { Cause, ConfigError, Console, Effect, Option } from "effect"

const colours = process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined

const style =
  (code: number) =>
  (text: string): string =>
    colours ? `\u001B[${code}m${text}\u001B[0m` : text

export const bold = style(1)
export const dim = style(2)
export const green = style(32)
export const yellow = style(33)

export const heading = (text: string) => Console.log(`\n${bold(text)}`)
export const line = (text: string) => Console.log(`  ${text}`)

const describe = (cause: Cause.Cause<unknown>): string => {
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  if (ConfigError.isConfigError(failure)) return `A setting is missing or wrong: ${String(failure)}`
  return failure instanceof Error ? `${failure.name}: ${failure.message}` : Cause.pretty(cause)
}

/** Runs an example; an error becomes its message on standard error and exit code 1. */
export const run = (program: Effect.Effect<void, unknown>): void =>
  program.pipe(
    Effect.tapErrorCause((cause) =>
      Cause.isInterruptedOnly(cause) ? Effect.void : Console.error(`\n${describe(cause)}`)
    ),
    NodeRuntime.runMain({ disableErrorReporting: true })
  )
