/** Where the commands take their settings from: options, then the environment, then a file. */
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as PlatformConfigProvider from "@effect/platform/PlatformConfigProvider"
import type * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { InvalidApplication, InvalidInstance } from "../ErpNetError.ts"
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
export type SettingsError = ConfigError.ConfigError | InvalidInstance | InvalidApplication | UsageError

/** Values are taken as they are written: a dollar sign in a secret is no reference to another variable. */
const literal = (fs: FileSystem.FileSystem): FileSystem.FileSystem => ({
  ...fs,
  readFileString: (path, encoding) =>
    Effect.map(fs.readFileString(path, encoding), (text) => text.replace(/\$/g, "\\$"))
})

const fromFile = (path: string) =>
  PlatformConfigProvider.fromDotEnv(path).pipe(
    Effect.updateService(FileSystem.FileSystem, literal),
    Effect.mapError((error) => new UsageError({ message: `The file of --env-file cannot be read: ${error.message}` }))
  )

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
