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
import { isWellFormed } from "./internal/redaction.ts"
import * as SettingShape from "./internal/settingShape.ts"
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

const refuse = (field: InvalidApplication["field"], reason: string): Either.Either<never, InvalidApplication> =>
  Either.left(new InvalidApplication({ field, reason }))

const checkText = (field: "clientId" | "clientSecret", value: string): Either.Either<void, InvalidApplication> => {
  if (value === "") return refuse(field, "is empty")
  if (value.trim() === "") return refuse(field, "is blank")
  if (value.trim() !== value) {
    return refuse(field, "has white space around it; remove it (a secret file often ends in a line break)")
  }
  if (/[\u0000-\u001F\u007F]/.test(value)) return refuse(field, "holds a control character")
  if (!isWellFormed(value)) return refuse(field, "is not well-formed Unicode text")
  const fault = field === "clientId" ? SettingShape.faultOf(value) : SettingShape.secretFaultOf(value)
  return fault === undefined ? Either.void : refuse(field, fault)
}

// RFC 6749 appendix A.4: a scope-token is one or more of %x21 / %x23-5B / %x5D-7E.
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

const parseScope = (
  scope: string | ReadonlyArray<string>
): Either.Either<ReadonlyArray<string>, InvalidApplication> => {
  if (typeof scope === "string" && scope.trim() !== scope) {
    return refuse("scope", "has white space around it; remove it")
  }
  if (typeof scope === "string") {
    const fault = SettingShape.scopeFaultOf(scope)
    if (fault !== undefined) return refuse("scope", fault)
  }
  const tokens = typeof scope === "string" ? (scope === "" ? [] : scope.split(/ +/)) : scope
  const bad = tokens.findIndex((token) => !scopeToken.test(token))
  return bad === -1
    ? Either.right([...new Set(tokens)])
    : refuse(
        "scope",
        `does not follow the grammar of RFC 6749: entry ${bad + 1} is empty or holds a character that is not allowed ` +
          "(scopes are separated by single blanks and hold no quotes, backslashes or non-ASCII characters)"
      )
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
    yield* checkText("clientId", options.clientId)
    yield* checkText("clientSecret", Redacted.value(options.clientSecret))
    const scopes = yield* parseScope(options.scope ?? [])
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

const settings: Record<InvalidApplication["field"], string> = {
  clientId: "ERPNET_CLIENT_ID",
  clientSecret: "ERPNET_CLIENT_SECRET",
  scope: "ERPNET_SCOPE"
}

/**
 * The Trusted Application from the configuration: `ERPNET_CLIENT_ID`, `ERPNET_CLIENT_SECRET` and `ERPNET_SCOPE` (may
 * be missing). A value that {@link make} refuses is a `ConfigError` that names the setting.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Config.Config<TrustedApplication> = Config.mapOrFail(configOptions, (options) =>
  Either.mapLeft(make(options), (error) => ConfigError.InvalidData([settings[error.field]], error.reason))
)

/**
 * The value to register as `ApplicationSecretHash` for a secret: `base64(sha256(utf8(secret)))`, 44 characters.
 *
 * @category combinators
 * @since 0.1.0
 */
export const secretHash = (secret: Redacted.Redacted<string>): Effect.Effect<string> =>
  Effect.sync(() => Encoding.encodeBase64(sha256(Redacted.value(secret))))
