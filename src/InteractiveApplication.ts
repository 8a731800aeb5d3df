/**
 * An application that people sign in to, as it is registered in ERP.net: its client id, its secret if it has one, its
 * scopes and the addresses that the identity server sends people back to.
 *
 * @example
 * ```ts
 * import { InteractiveApplication } from "effect-erpnet"
 * import { Either } from "effect"
 *
 * const application = Either.getOrThrow(
 *   InteractiveApplication.make({
 *     clientId: "my.trusted.app/web",
 *     scope: "openid profile read offline_access",
 *     redirectUri: "https://app.example.com/callback"
 *   })
 * )
 * ```
 *
 * @since 0.2.0
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidApplication } from "./ErpNetError.ts"
import * as ClientSettings from "./internal/clientSettings.ts"

/**
 * A Trusted Application of ERP.net that people sign in to. With a secret it is Confidential, without one Public
 * (RFC 6749 section 2.1).
 *
 * @category models
 * @since 0.2.0
 */
export interface InteractiveApplication {
  /** The `ApplicationUri` of the registration. */
  readonly clientId: string
  /** The plain secret whose hash is registered; a Public application has none. */
  readonly clientSecret?: Redacted.Redacted<string> | undefined
  /** The scopes to request. */
  readonly scopes: ReadonlyArray<string>
  /** Where the identity server sends people after the sign-in, byte for byte as it is registered. */
  readonly redirectUri: string
  /** Where the identity server sends people after the sign-out, byte for byte as it is registered. */
  readonly postLogoutRedirectUri?: string | undefined
}

/**
 * Options of {@link make}, not checked yet.
 *
 * @category options
 * @since 0.2.0
 */
export interface Options {
  /** The `ApplicationUri` of the registration, such as `my.trusted.app/web`. */
  readonly clientId: string
  /** The plain client secret. Without one the application is Public. */
  readonly clientSecret?: Redacted.Redacted<string> | undefined
  /** The scopes to request, at least one. A string may list several, separated by blanks. */
  readonly scope: string | ReadonlyArray<string>
  /** One of the addresses of `ImpersonateLoginUrl`: https, http on loopback, or a private scheme with a dot in it. */
  readonly redirectUri: string
  /** One of the addresses of `ImpersonateLogoutUrl`. */
  readonly postLogoutRedirectUri?: string | undefined
}

type Field = InvalidApplication["field"]

const refuse = (field: Field, reason: string): Either.Either<never, InvalidApplication> =>
  Either.left(new InvalidApplication({ field, reason }))

const checkText = (field: Field, value: string): Either.Either<void, InvalidApplication> => {
  const fault = ClientSettings.textFault(field, value)
  return fault === undefined ? Either.void : refuse(field, fault)
}

// The limits of the identity server.
const longestScope = 300
const longestAddress = 400

/** Scopes that say something of a person: the identity server grants them only together with `openid`. */
const identityScopes = new Set(["profile", "email", "address", "phone"])

const checkScope = (
  scope: string | ReadonlyArray<string>
): Either.Either<ReadonlyArray<string>, InvalidApplication> => {
  const parsed = ClientSettings.parseScope(scope)
  if (Either.isLeft(parsed)) return refuse("scope", parsed.left)
  const scopes = parsed.right
  if (scopes.length === 0) return refuse("scope", "is empty; request at least one scope, such as read")
  if (scopes.join(" ").length > longestScope) return refuse("scope", `is longer than ${longestScope} characters`)
  if (!scopes.includes("openid") && scopes.some((one) => identityScopes.has(one))) {
    return refuse("scope", "asks for what is known of the person (such as profile) without openid; add openid")
  }
  return Either.right(scopes)
}

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)

/** Checks an address and leaves it as it is: the server compares it byte for byte. */
const checkAddress = (field: Field, address: string): Either.Either<void, InvalidApplication> =>
  Either.gen(function* () {
    yield* checkText(field, address)
    if (/\s/.test(address)) return yield* refuse(field, "has white space in it")
    if (address.length > longestAddress) return yield* refuse(field, `is longer than ${longestAddress} characters`)
    if (!URL.canParse(address)) return yield* refuse(field, "is not an absolute URL")
    if (address.includes("#")) return yield* refuse(field, "has a fragment (#…); remove it")
    const url = new URL(address)
    if (url.username !== "" || url.password !== "") return yield* refuse(field, "holds a user name or password")
    const scheme = url.protocol.slice(0, -1)
    const isAllowed = scheme === "https" || (scheme === "http" ? isLoopback(url.hostname) : scheme.includes("."))
    if (!isAllowed) {
      return yield* refuse(field, "must be https, http on loopback, or a private scheme with a dot in it (RFC 8252)")
    }
  })

/**
 * Checks and makes an application that people sign in to.
 *
 * **Details**
 *
 * White space around a value is an error rather than a guess. The addresses are kept byte for byte, because the server
 * compares them exactly. `scope` has no default at the identity server, so it is required; what is known of the person
 * (`profile`) needs `openid`. Scopes are at most 300 characters together, an address at most 400.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Options): Either.Either<InteractiveApplication, InvalidApplication> =>
  Either.gen(function* () {
    const { clientId, clientSecret, postLogoutRedirectUri, redirectUri } = options
    yield* checkText("clientId", clientId)
    if (clientSecret !== undefined) yield* checkText("clientSecret", Redacted.value(clientSecret))
    const scopes = yield* checkScope(options.scope)
    yield* checkAddress("redirectUri", redirectUri)
    if (postLogoutRedirectUri !== undefined) yield* checkAddress("postLogoutRedirectUri", postLogoutRedirectUri)
    return {
      clientId,
      ...(clientSecret === undefined ? {} : { clientSecret }),
      scopes,
      redirectUri,
      ...(postLogoutRedirectUri === undefined ? {} : { postLogoutRedirectUri })
    }
  })

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> =>
  Config.map(Config.option(config), Option.getOrUndefined)

/**
 * The application from the configuration: `ERPNET_CLIENT_ID`, `ERPNET_CLIENT_SECRET` (may be missing), `ERPNET_SCOPE`
 * (by default `openid profile read offline_access`), `ERPNET_REDIRECT_URI` and `ERPNET_POST_LOGOUT_REDIRECT_URI` (may
 * be missing). A value that {@link make} refuses is a `ConfigError` that names the setting.
 *
 * @category configuration
 * @since 0.2.0
 */
export const config: Config.Config<InteractiveApplication> = /* @__PURE__ */ Config.all({
  clientId: Config.string(ClientSettings.names.clientId).pipe(
    Config.withDescription("ApplicationUri of the Trusted Application, for example my.trusted.app/web")
  ),
  clientSecret: optional(
    Config.redacted(ClientSettings.names.clientSecret).pipe(
      Config.withDescription("plain client secret of the Trusted Application; none where it is Public")
    )
  ),
  scope: Config.string(ClientSettings.names.scope).pipe(
    Config.withDescription("scopes to request, separated by blanks"),
    Config.withDefault("openid profile read offline_access")
  ),
  redirectUri: Config.string(ClientSettings.names.redirectUri).pipe(
    Config.withDescription("where people come back to after the sign-in, exactly as it is registered")
  ),
  postLogoutRedirectUri: optional(
    Config.string(ClientSettings.names.postLogoutRedirectUri).pipe(
      Config.withDescription("where people come back to after the sign-out, exactly as it is registered")
    )
  )
}).pipe(
  Config.mapOrFail((options) =>
    Either.mapLeft(make(options), (error) => ConfigError.InvalidData([ClientSettings.names[error.field]], error.reason))
  )
)
