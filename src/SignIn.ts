/**
 * How a person signs in, as a pair: `start` gives the address to send the person to, `finish` takes the
 * address that the person comes back to and gives tokens. Authorization code with PKCE (RFC 6749 section 4.1, RFC 7636)
 * and OpenID Connect.
 *
 * **Details**
 *
 * What lies between the two, the `Pending`, is kept by the caller, in a place that belongs to this browser alone,
 * and is forgotten before `finish` runs: it is good for one callback. Register one redirect address for each instance.
 *
 * @example
 * ```ts
 * import { Instance, InteractiveApplication, SignIn } from "effect-erpnet"
 * import { Console, Effect } from "effect"
 *
 * export const program = Effect.gen(function* () {
 *   const instance = yield* Instance.make("testdb")
 *   const application = yield* InteractiveApplication.config
 *   const { pending, url } = yield* SignIn.start(instance, application)
 *   yield* Console.log(`Open ${url}`)
 *   // later, with the address that the person came back to
 *   const { identity, tokens } = yield* SignIn.finish(instance, application, pending, "/callback?code=…&state=…")
 *   return { identity, tokens }
 * })
 * ```
 *
 * @since 0.2.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import { sha256 } from "@noble/hashes/sha2"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { IdTokenInvalid, type SignInError } from "./ErpNetError.ts"
import type { Instance } from "./Instance.ts"
import type { InteractiveApplication } from "./InteractiveApplication.ts"
import * as IdToken from "./internal/idToken.ts"
import * as Random from "./internal/random.ts"
import * as Callback from "./SignIn/pending.ts"
import * as TokenEndpoint from "./TokenEndpoint.ts"

/**
 * A sign-in that has begun: what {@link finish} checks the callback against. State, nonce and code verifier are
 * `Redacted` in memory and plain when encoded: keep the encoded form as one keeps a password.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Pending = Callback.Pending

/**
 * @category models
 * @since 0.2.0
 */
export type Pending = Callback.Pending

/**
 * Options of {@link start}.
 *
 * @category options
 * @since 0.2.0
 */
export interface StartOptions {
  /**
   * What the identity server asks: `login` for the password in any case, `consent` for consent, `select_account` for
   * the person; `none` asks nothing, and answers `InteractionRequired` where it would have to.
   *
   * @default what is needed: nothing for a person who is signed in there
   */
  readonly prompt?: "login" | "none" | "consent" | "select_account" | undefined
  /** The login to fill in. */
  readonly loginHint?: string | undefined
  /** How many seconds ago the password may have been given. Any age by default. A negative number or NaN is a defect. */
  readonly maxAge?: number | undefined
  /** The languages of the pages, the preferred one first, separated by blanks. */
  readonly uiLocales?: string | undefined
  /**
   * Where the person goes after the sign-in: a path of the application. Anything else becomes `/`.
   *
   * @default "/"
   */
  readonly returnTo?: string | undefined
}

/**
 * Who signed in, as the id_token says. It has no name and no e-mail address: those are at the Profile site.
 *
 * @category models
 * @since 0.2.0
 */
export interface Identity {
  /** The login. */
  readonly subject: string
  /** The session at the identity server, which is also the key of the licence slot. */
  readonly sessionId: Option.Option<string>
  /** When the password was given: milliseconds since the epoch. */
  readonly authenticatedAt: Option.Option<number>
  /** `local`, or the external provider. */
  readonly identityProvider: Option.Option<string>
  /** How the person proved who they are, such as `pwd`. */
  readonly methods: ReadonlyArray<string>
}

/**
 * A person who has signed in.
 *
 * @category models
 * @since 0.2.0
 */
export interface SignedIn {
  readonly tokens: TokenEndpoint.Tokens
  /** None where the scope has no `openid`. */
  readonly identity: Option.Option<Identity>
  /** The path that {@link start} was given. */
  readonly returnTo: string
}

/**
 * Begins a sign-in. The address holds no secret: the challenge is the hash of the code verifier, always by S256.
 *
 * @category constructors
 * @since 0.2.0
 */
export const start = (
  instance: Instance,
  application: InteractiveApplication,
  options: StartOptions = {}
): Effect.Effect<{ readonly url: URL; readonly pending: Pending }> =>
  Effect.gen(function* () {
    const { maxAge } = options
    if (maxAge !== undefined && !(maxAge >= 0)) return yield* Effect.dieMessage("maxAge must be a number of seconds")
    const [state, codeVerifier, nonce] = yield* Effect.all([Random.text, Random.text, Random.text])
    const { clientId, redirectUri, scopes } = application
    const fields: ReadonlyArray<readonly [string, string | undefined]> = [
      ["client_id", clientId],
      ["redirect_uri", redirectUri],
      ["response_type", "code"],
      ["response_mode", "query"],
      ["scope", scopes.join(" ")],
      ["state", state],
      ["nonce", scopes.includes("openid") ? nonce : undefined],
      ["code_challenge", Encoding.encodeBase64Url(sha256(codeVerifier))],
      ["code_challenge_method", "S256"],
      ["prompt", options.prompt],
      ["login_hint", options.loginHint],
      ["max_age", maxAge === undefined ? undefined : String(Math.trunc(maxAge))],
      ["ui_locales", options.uiLocales]
    ]
    const pending: Pending = {
      state: Redacted.make(state),
      nonce: scopes.includes("openid") ? Redacted.make(nonce) : undefined,
      codeVerifier: Redacted.make(codeVerifier),
      issuer: instance.issuer,
      redirectUri,
      scopes,
      startedAt: yield* Clock.currentTimeMillis,
      returnTo: Callback.safePath(options.returnTo),
      maxAge
    }
    return { url: withFields(instance.authorizationEndpoint, fields), pending }
  })

const withFields = (address: string, fields: ReadonlyArray<readonly [string, string | undefined]>): URL => {
  const url = new URL(address)
  for (const [name, value] of fields) if (value !== undefined) url.searchParams.append(name, value)
  return url
}

/**
 * Ends a sign-in: checks the callback, exchanges the code, checks the id_token. Only the query of `callback` is used.
 *
 * **Details**
 *
 * Nothing is sent before every check of the callback holds:
 *
 * - `StateMismatch`: it does not belong to this sign-in, which must be no older than 10 minutes, for this instance and
 *   this redirect address. An error of another tab is one too.
 * - `AuthorizationDenied`: the person refused; `InteractionRequired`: `prompt: "none"` was not enough;
 *   `AuthorizationFailed`: every other answer, and one that is malformed or names another issuer (RFC 9207).
 *
 * Then come the errors of {@link "TokenEndpoint"}, and `IdTokenInvalid` where `openid` was asked.
 *
 * @category constructors
 * @since 0.2.0
 */
export const finish = (
  instance: Instance,
  application: InteractiveApplication,
  pending: Pending,
  callback: string | URL,
  options: TokenEndpoint.Options = {}
): Effect.Effect<SignedIn, SignInError, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const expected = {
      issuer: instance.issuer,
      redirectUri: application.redirectUri,
      now: yield* Clock.currentTimeMillis
    }
    const code = yield* Callback.codeOf(pending, expected, Callback.queryOf(callback))
    const { codeVerifier, redirectUri, returnTo } = pending
    const tokens = yield* TokenEndpoint.exchangeCode(
      instance,
      application,
      { code, codeVerifier, redirectUri },
      options
    )
    return { tokens, identity: yield* identityOf(instance, application, pending, tokens), returnTo }
  })

const identityOf = (
  instance: Instance,
  application: InteractiveApplication,
  pending: Pending,
  tokens: TokenEndpoint.Tokens
): Effect.Effect<Option.Option<Identity>, IdTokenInvalid> =>
  Effect.gen(function* () {
    if (pending.nonce === undefined) return Option.none()
    if (Option.isNone(tokens.idToken)) {
      return yield* new IdTokenInvalid({ claim: "id_token", reason: "it is missing, although openid was asked" })
    }
    const checked = IdToken.check(tokens.idToken.value, {
      issuer: instance.issuer,
      clientId: application.clientId,
      now: yield* Clock.currentTimeMillis,
      nonce: Redacted.value(pending.nonce),
      accessToken: Redacted.value(tokens.accessToken.value),
      maxAge: pending.maxAge
    })
    return Option.some(yield* Either.mapLeft(checked, (fault) => new IdTokenInvalid(fault)))
  })

/**
 * The address that ends the session of the person at the identity server, in the browser. With the id_token as a hint
 * the browser comes back to `postLogoutRedirectUri`; without one the identity server asks, and does not send it back.
 *
 * @category constructors
 * @since 0.2.0
 */
export const endSessionUrl = (
  instance: Instance,
  application: InteractiveApplication,
  options: {
    /** The id_token of the sign-in; one that has expired is fine. */
    readonly idToken?: Redacted.Redacted<string> | undefined
    /** Comes back with the redirect. */
    readonly state?: string | undefined
  } = {}
): URL => {
  const { idToken, state } = options
  const target = idToken === undefined ? undefined : application.postLogoutRedirectUri
  return withFields(instance.endSessionEndpoint, [
    ["id_token_hint", idToken === undefined ? undefined : Redacted.value(idToken)],
    ["post_logout_redirect_uri", target],
    ["state", target === undefined ? undefined : state]
  ])
}
