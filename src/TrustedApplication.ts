/**
 * The service application as it is registered in ERP.net: its client id, secret and scopes.
 *
 * @example
 * ```ts
 * import { TrustedApplication } from "effect-erpnet"
 * import { Either, Redacted } from "effect"
 *
 * const application = Either.getOrThrow(
 *   TrustedApplication.make({
 *     clientId: "my.trusted.app/service",
 *     clientSecret: Redacted.make("plain secret"),
 *     scope: "read"
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 */
import { sha256 } from "@noble/hashes/sha2"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidApplication } from "./ErpNetError.ts"
import * as ClientSettings from "./internal/clientSettings.ts"
import * as TextFile from "./internal/textFile.ts"

/**
 * A Trusted Application: what ERP.net calls a registered OAuth client.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrustedApplication {
  /** The `ApplicationUri` of the registration. */
  readonly clientId: string
  /** The plain secret whose hash is registered. */
  readonly clientSecret: Redacted.Redacted<string>
  /** The scopes to request. None means all that the registration allows. */
  readonly scopes: ReadonlyArray<string>
}

/**
 * Options of {@link make}, not checked yet.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The `ApplicationUri` of the registration, such as `my.trusted.app/service`. */
  readonly clientId: string
  /** The plain client secret. */
  readonly clientSecret: Redacted.Redacted<string>
  /**
   * The scopes to request: `read`, `update`. A string may list several, separated by blanks.
   *
   * @default all scopes of the registration
   */
  readonly scope?: string | ReadonlyArray<string> | undefined
}

/**
 * Checks and makes a Trusted Application.
 *
 * **Details**
 *
 * White space around the id, the secret or the scope is refused, not removed. In a scope string runs of
 * blanks and duplicates are normalised; each scope follows RFC 6749 appendix A.4. An empty scope requests none, which
 * grants every scope of the registration.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Either.Either<TrustedApplication, InvalidApplication> =>
  Either.gen(function* () {
    const texts = { clientId: options.clientId, clientSecret: Redacted.value(options.clientSecret) }
    for (const field of ["clientId", "clientSecret"] as const) {
      const reason = ClientSettings.textFault(field, texts[field])
      if (reason !== undefined) return yield* Either.left(new InvalidApplication({ field, reason }))
    }
    const scopes = yield* Either.mapLeft(
      ClientSettings.parseScope(options.scope ?? []),
      (reason) => new InvalidApplication({ field: "scope", reason })
    )
    return { clientId: options.clientId, clientSecret: options.clientSecret, scopes }
  })

/** The secret, or the text of the file that holds it: read again whenever the configuration is. */
const clientSecret: Config.Config<Redacted.Redacted<string>> = Config.all({
  value: Config.option(Config.redacted("ERPNET_CLIENT_SECRET")).pipe(
    Config.withDescription("plain client secret of the Trusted Application")
  ),
  file: Config.option(Config.string("ERPNET_CLIENT_SECRET_FILE")).pipe(
    Config.withDescription("path of a file that holds the plain client secret, instead of ERPNET_CLIENT_SECRET")
  )
}).pipe(
  Config.mapOrFail(({ file, value }) => {
    if (Option.isSome(value) && Option.isSome(file)) {
      const reason =
        "is set beside ERPNET_CLIENT_SECRET, so that it is not clear which secret is meant; unset one of them"
      return Either.left(ConfigError.InvalidData(["ERPNET_CLIENT_SECRET_FILE"], reason))
    }
    if (Option.isSome(value)) return Either.right(value.value)
    if (Option.isNone(file)) {
      const reason = "Expected ERPNET_CLIENT_SECRET, or ERPNET_CLIENT_SECRET_FILE with the path of a file that holds it"
      return Either.left(ConfigError.MissingData(["ERPNET_CLIENT_SECRET"], reason))
    }
    return Either.mapBoth(TextFile.readFile(file.value), {
      onLeft: (reason) => ConfigError.InvalidData(["ERPNET_CLIENT_SECRET_FILE"], `the file ${file.value} ${reason}`),
      onRight: (text) => Redacted.make(TextFile.withoutLineBreak(text))
    })
  })
)

/**
 * The settings as they stand in the configuration, unchecked: `ERPNET_CLIENT_ID`, `ERPNET_CLIENT_SECRET` and
 * `ERPNET_SCOPE` (which may be missing). In place of the secret `ERPNET_CLIENT_SECRET_FILE` may name a file that holds
 * it, as Docker and Kubernetes give out secrets; it is read each time, and one line break at its end is dropped.
 *
 * @category configuration
 * @since 0.1.0
 */
export const configOptions: Config.Config<Options> = Config.all({
  clientId: Config.string("ERPNET_CLIENT_ID").pipe(
    Config.withDescription("ApplicationUri of the Trusted Application, for example my.trusted.app/service")
  ),
  clientSecret,
  scope: Config.string("ERPNET_SCOPE").pipe(
    Config.withDescription("scopes to request, separated by blanks, for example read"),
    Config.option,
    Config.map(Option.getOrUndefined)
  )
})

/**
 * The Trusted Application from the configuration: `ERPNET_CLIENT_ID`, `ERPNET_CLIENT_SECRET` and `ERPNET_SCOPE` (may
 * be missing). A value that {@link make} refuses is a `ConfigError` that names the setting.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Config.Config<TrustedApplication> = Config.mapOrFail(configOptions, (options) =>
  Either.mapLeft(make(options), (error) => ConfigError.InvalidData([ClientSettings.names[error.field]], error.reason))
)

/**
 * The value to register as `ApplicationSecretHash` for a secret: `base64(sha256(utf8(secret)))`, 44 characters.
 *
 * @category combinators
 * @since 0.1.0
 */
export const secretHash = (secret: Redacted.Redacted<string>): Effect.Effect<string> =>
  Effect.sync(() => Encoding.encodeBase64(sha256(Redacted.value(secret))))
