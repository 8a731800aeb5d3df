/** How the commands print: results on standard output, everything else on standard error. */
import * as ConfigError from "effect/ConfigError"
import type * as Console from "effect/Console"
import * as Data from "effect/Data"
import { isErpNetError } from "../ErpNetError.ts"
import { ExitCode, withoutColours } from "./style.ts"

export { bold, cyan, dim, ExitCode, green, red, withoutColours } from "./style.ts"

/** Commands always print in colour; a stream that is no terminal gets the text alone. */
export const withColours = (
  console: Console.Console,
  colours: { readonly out: boolean; readonly err: boolean }
): Console.Console => {
  const plain = (keep: boolean) => (part: unknown) => (!keep && typeof part === "string" ? withoutColours(part) : part)
  const out = plain(colours.out)
  const err = plain(colours.err)
  return {
    ...console,
    log: (...parts) => console.log(...parts.map(out)),
    error: (...parts) => console.error(...parts.map(err)),
    unsafe: {
      ...console.unsafe,
      log: (...parts) => console.unsafe.log(...parts.map(out)),
      error: (...parts) => console.unsafe.error(...parts.map(err))
    }
  }
}

/** The settings that are missing or wrong, each once: a file beside the environment makes every one appear twice. */
const settingFaults = (error: ConfigError.ConfigError): ReadonlyArray<string> => {
  switch (error._op) {
    case "And":
    case "Or":
      return [...new Set([...settingFaults(error.left), ...settingFaults(error.right)])]
    case "MissingData":
      return [`${error.path.join("_")} is not set`]
    default:
      return [`${error.path.join("_")}: ${error.message}`]
  }
}

/** What an error tells a person, without a stack trace. */
export const describe = (error: unknown): string => {
  if (ConfigError.isConfigError(error)) {
    const faults = settingFaults(error)
    const other = faults.includes("ERPNET_CLIENT_SECRET is not set")
      ? " ERPNET_CLIENT_SECRET_FILE can name a file that holds the secret instead."
      : ""
    return (
      `${faults.join("; ")}. Set it in the environment, or in a file that --settings names; ` +
      `effect-erpnet --help lists the settings.${other}`
    )
  }
  return error instanceof Error ? error.message : "An unexpected fault that has no message."
}

/** What was typed cannot be used. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {}

/** The exit code for an error: 2 where the settings are to blame, else 1. */
export const exitCodeOf = (error: unknown): number => {
  const isSetting =
    ConfigError.isConfigError(error) ||
    error instanceof UsageError ||
    (isErpNetError(error) &&
      (error._tag === "InvalidInstance" || error._tag === "InvalidApplication" || error._tag === "InvalidTransport"))
  return isSetting ? ExitCode.usage : ExitCode.failed
}
