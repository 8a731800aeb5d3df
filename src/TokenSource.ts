/**
 * Where access tokens come from. {@link "TokenProvider"} holds a token and decides when another one is needed; a
 * source gets it: by client credentials, from a reference token that was issued by hand, or by an Effect of your own.
 *
 * @example
 * ```ts
 * import { AccessToken, Instance, TokenProvider, TokenSource } from "effect-erpnet"
 * import { Clock, Effect, Redacted } from "effect"
 *
 * // A token that another program of the same machine hands out.
 * const fromAgent = Effect.map(Clock.currentTimeMillis, (issuedAt) =>
 *   AccessToken.make({ value: Redacted.make("opaque"), scopes: ["read"], issuedAt, expiresAt: issuedAt + 300_000 })
 * )
 *
 * export const program = Effect.gen(function* () {
 *   const instance = yield* Instance.make("testdb")
 *   const source = yield* TokenSource.fromEffect(fromAgent)
 *   const tokens = yield* TokenProvider.make({ instance, source })
 *   return yield* tokens.get
 * })
 * ```
 *
 * @since 0.2.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as AccessToken from "./AccessToken.ts"
import { InvalidApplication, type InvalidClient, TokenEndpointUnavailable, type TokenError } from "./ErpNetError.ts"
import type { Instance } from "./Instance.ts"
import { serverText, withoutQuery } from "./internal/redaction.ts"
import * as Settings from "./internal/settings.ts"
import * as TokenEndpoint from "./TokenEndpoint.ts"
import type { TrustedApplication } from "./TrustedApplication.ts"

/**
 * What the span of an exchange says of it, beside the instance and the fingerprint of the token. No secrets.
 *
 * @category models
 * @since 0.2.0
 */
export type Attributes = Readonly<Record<string, unknown>>

/**
 * Puts the span `TokenProvider.exchange` and the metrics around a request for a token. The request may give the token,
 * or what holds it.
 *
 * @category models
 * @since 0.2.0
 */
export type Around = (
  attributes: Attributes
) => <A extends AccessToken.AccessToken | { readonly accessToken: AccessToken.AccessToken }, E extends TokenError>(
  request: Effect.Effect<A, E>
) => Effect.Effect<A, E>

/**
 * A source of access tokens.
 *
 * @category models
 * @since 0.2.0
 */
export interface TokenSource {
  /**
   * Gets a token. `around` goes around a request that is really sent, and around nothing else. {@link "TokenProvider"}
   * runs one exchange at a time, in a fiber of its own.
   */
  readonly exchange: (around: Around) => Effect.Effect<AccessToken.AccessToken, TokenError>
  /** A token to begin with, which is served without an exchange. */
  readonly initial?: AccessToken.AccessToken | undefined
  /**
   * Whether another exchange gives another token. Where it does not, the token is kept when the API refuses it, and the
   * call fails with `Unauthorized` or `Expired`.
   *
   * @default true
   */
  readonly renewable?: boolean | undefined
}

/**
 * A Trusted Application, or an Effect of one that is run at every exchange, so that a rotated secret is used without a
 * restart. Where that Effect fails, or takes longer than 45 seconds, the exchange fails with
 * `TokenEndpointUnavailable` (reason `credentials`).
 *
 * @category options
 * @since 0.2.0
 */
export type Credentials = TrustedApplication | Effect.Effect<TrustedApplication, unknown>

/**
 * Options of {@link clientCredentials}.
 *
 * @category options
 * @since 0.2.0
 */
export interface ClientCredentialsOptions extends TokenEndpoint.Options {
  /** The instance that issues the tokens. */
  readonly instance: Instance
  /** Who asks for the token. */
  readonly credentials: Credentials
  /**
   * For this long after `InvalidClient` the same credentials fail at once without a request, so that a wrong secret
   * does not lock the account. Changed credentials end it.
   *
   * @default "30 seconds"
   */
  readonly rejectionCooldown?: Duration.DurationInput | undefined
}

/** Credentials that the identity server refused. */
interface Rejection {
  readonly error: InvalidClient
  readonly at: number
  readonly application: TrustedApplication
}

/** As long as an exchange may take: an Effect of the user that hangs must not hold up callers for ever. */
const longestWait = Duration.seconds(45)

const isSameApplication = (a: TrustedApplication, b: TrustedApplication): boolean =>
  a.clientId === b.clientId && Redacted.value(a.clientSecret) === Redacted.value(b.clientSecret)

/** The kind of a failure of the user's own Effect, not its text, which may hold a secret. */
const describeFailure = (error: unknown): string => {
  if (error instanceof InvalidApplication) return error.message
  if (ConfigError.isConfigError(error)) {
    return "path" in error ? `${error._op} ${error.path.join(".")}` : error._op
  }
  return Predicate.hasProperty(error, "_tag") && typeof error._tag === "string" ? serverText(error._tag) : "it failed"
}

/** The credentials, read anew each time where they are an Effect. */
const readCredentials = (
  instance: Instance,
  credentials: Credentials
): Effect.Effect<TrustedApplication, TokenEndpointUnavailable> => {
  if (!Effect.isEffect(credentials)) return Effect.succeed(credentials)
  const failure = (detail: string) =>
    new TokenEndpointUnavailable({
      tokenEndpoint: withoutQuery(instance.tokenEndpoint),
      reason: "credentials",
      detail
    })
  return credentials.pipe(
    Effect.mapError((error) => failure(describeFailure(error))),
    // Also where it cannot be interrupted the time is kept, and its late answer is ignored.
    Effect.disconnect,
    Effect.timeoutFail({
      duration: longestWait,
      onTimeout: () => failure(`no answer in ${Duration.format(longestWait)}`)
    })
  )
}

/**
 * Tokens of a Trusted Application, by the client-credentials grant (RFC 6749 section 4.4). Nonsense in the durations
 * is a defect.
 *
 * @category constructors
 * @since 0.2.0
 */
export const clientCredentials = (
  options: ClientCredentialsOptions
): Effect.Effect<TokenSource, never, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const { instance } = options
    const cooldown = yield* Effect.orDie(
      Settings.millis("rejectionCooldown", options.rejectionCooldown ?? "30 seconds")
    )
    yield* Effect.orDie(Settings.millis("requestTimeout", options.requestTimeout ?? "10 seconds", 1))
    const client = yield* HttpClient.HttpClient
    const credentials = readCredentials(instance, options.credentials)
    let rejection: Rejection | undefined

    const request = (application: TrustedApplication) =>
      TokenEndpoint.request(instance, application, options).pipe(
        Effect.tapErrorTag("InvalidClient", (error) =>
          Effect.map(Clock.currentTimeMillis, (at) => {
            rejection = { error, at, application }
          })
        ),
        Effect.provideService(HttpClient.HttpClient, client)
      )

    return {
      exchange: (around) =>
        Effect.gen(function* () {
          const application = yield* credentials
          const now = yield* Clock.currentTimeMillis
          if (rejection !== undefined && isSameApplication(application, rejection.application)) {
            const since = now - rejection.at
            // A clock that is set back ends it.
            if (since >= 0 && since < cooldown) return yield* rejection.error
          }
          rejection = undefined
          const attributes = {
            "erpnet.client_id": application.clientId,
            "erpnet.scopes": application.scopes.join(" ")
          }
          return yield* around(attributes)(request(application))
        })
    }
  })

/**
 * A reference token of ERP.net (PAT or SAT, `enrt_…`), which an administrator or user issued by hand. It is sent as it
 * is, has no scopes and no expiry that are known here, and cannot be renewed: where the API answers 401 the call fails
 * with `Expired` or `Unauthorized`. A text that cannot stand in a header fails with `TokenResponseInvalid`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const referenceToken = (token: Redacted.Redacted<string>): TokenSource => ({
  exchange: () =>
    Effect.map(Clock.currentTimeMillis, (issuedAt) =>
      AccessToken.make({ value: token, scopes: [], issuedAt, expiresAt: Number.POSITIVE_INFINITY })
    ),
  renewable: false
})

/**
 * A source from an Effect of your own, which is run for each token that is needed, with the context that it has here.
 * `initial` is a token to begin with.
 *
 * **Details**
 *
 * The Effect is given 45 seconds; then the exchange fails with `TokenEndpointUnavailable` (reason `timeout`) and its
 * late answer is ignored, also where it cannot be interrupted.
 *
 * @category constructors
 * @since 0.2.0
 */
export const fromEffect = <R>(
  exchange: Effect.Effect<AccessToken.AccessToken, TokenError, R>,
  initial?: AccessToken.AccessToken | undefined
): Effect.Effect<TokenSource, never, R> =>
  Effect.map(Effect.context<R>(), (context) => {
    const bounded = Effect.provide(exchange, context).pipe(
      Effect.disconnect,
      Effect.timeoutFail({
        duration: longestWait,
        onTimeout: () =>
          new TokenEndpointUnavailable({
            tokenEndpoint: "the source of tokens",
            reason: "timeout",
            detail: `no answer in ${Duration.format(longestWait)}`
          })
      })
    )
    return { exchange: (around) => around({})(bounded), initial }
  })
