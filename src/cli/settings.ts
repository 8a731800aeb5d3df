/** Where the commands take their settings from: options, then the environment, then a file. */
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { InvalidApplication, InvalidInstance, Unreachable } from "../ErpNetError.ts"
import * as TextFile from "../internal/textFile.ts"
import { parseEnvFile } from "./envFile.ts"
import { UsageError } from "./output.ts"

/** The options that every command with settings has. */
export interface Settings {
  readonly instance: Option.Option<string>
  readonly envFile: Option.Option<string>
}

export const settings: { readonly [K in keyof Settings]: Options.Options<Settings[K]> } = {
  instance: Options.text("instance").pipe(
    Options.withDescription("Name, host or URL of the instance, instead of ERPNET_INSTANCE."),
    Options.optional
  ),
  envFile: Options.text("env-file").pipe(
    Options.withPseudoName("file"),
    Options.withDescription("A file of NAME=value lines with the settings that the environment does not have."),
    Options.optional
  )
}

/** What is wrong with the settings. */
export type SettingsError = ConfigError.ConfigError | InvalidInstance | InvalidApplication | Unreachable | UsageError

const fromFile = (path: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const bytes = yield* Effect.mapError(
      fs.readFile(path),
      (error) => new UsageError({ message: `The file of --env-file cannot be read: ${error.message}` })
    )
    const refuse = (reason: string) => new UsageError({ message: `The file of --env-file (${path}) ${reason}.` })
    const text = yield* Either.mapLeft(TextFile.decode(bytes), refuse)
    const { faults, values } = parseEnvFile(text)
    if (faults.length > 0) return yield* refuse(`cannot be used: ${faults.join("; ")}`)
    return ConfigProvider.fromMap(new Map(values))
  })

/** Runs an effect with the settings of the options, the environment and the file; the first that has one counts. */
export const withSettings =
  ({ envFile, instance }: Settings) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | UsageError, R | FileSystem.FileSystem> =>
    Effect.gen(function* () {
      const environment = yield* Effect.configProviderWith(Effect.succeed)
      const file = yield* Effect.transposeMapOption(envFile, fromFile)
      const typed = ConfigProvider.fromMap(new Map(Option.toArray(instance).map((name) => ["ERPNET_INSTANCE", name])))
      const provider = [environment, ...Option.toArray(file)].reduce(
        (first, second) => ConfigProvider.orElse(first, () => second),
        typed
      )
      return yield* Effect.withConfigProvider(effect, provider)
    })
