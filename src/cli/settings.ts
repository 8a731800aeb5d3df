/** Where the commands take their settings from: options, then the environment, then a file. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Array from "effect/Array"
import type * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { InvalidApplication, InvalidInstance, Unreachable } from "../ErpNetError.ts"
import * as TextFile from "../internal/textFile.ts"
import { parseEnvFile } from "./envFile.ts"
import { UsageError } from "./output.ts"

/** The options that every command with settings has. */
export interface Settings {
  readonly instance?: string | undefined
  /** A file of NAME=value lines. */
  readonly settings?: string | undefined
  /** The same under its first name, which Node takes for itself where it stands before the script. */
  readonly envFile?: string | undefined
}

/** What is wrong with the settings. */
export type SettingsError = ConfigError.ConfigError | InvalidInstance | InvalidApplication | Unreachable | UsageError

const fromFile = (option: string, path: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const bytes = yield* Effect.mapError(
      fs.readFile(path),
      (error) => new UsageError({ message: `The file of ${option} cannot be read: ${error.message}` })
    )
    const refuse = (reason: string) => new UsageError({ message: `The file of ${option} (${path}) ${reason}.` })
    const text = yield* Either.mapLeft(TextFile.decode(bytes), refuse)
    const { faults, values } = parseEnvFile(text)
    if (faults.length > 0) return yield* refuse(`cannot be used: ${faults.join("; ")}`)
    return ConfigProvider.fromMap(new Map(values))
  })

/** Runs an effect with the settings of the options, the environment and the file; the first that has one counts. */
export const withSettings =
  ({ envFile, instance, settings }: Settings) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | UsageError, R | FileSystem.FileSystem> =>
    Effect.gen(function* () {
      const environment = yield* Effect.configProviderWith(Effect.succeed)
      const named = [
        ["--settings", settings],
        ["--env-file", envFile]
      ] as const
      const files = yield* Effect.forEach(named, ([option, path]) =>
        path === undefined ? Effect.succeedNone : Effect.asSome(fromFile(option, path))
      )
      const typed = ConfigProvider.fromMap(new Map(instance === undefined ? [] : [["ERPNET_INSTANCE", instance]]))
      const provider = [environment, ...Array.getSomes(files)].reduce(
        (first, second) => ConfigProvider.orElse(first, () => second),
        typed
      )
      return yield* Effect.withConfigProvider(effect, provider)
    })
