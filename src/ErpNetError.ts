/**
 * Every error of the package. Each is a tagged class whose `message` says what happened, why, and what to do,
 * and none carries a secret, a token, a request or a response in any rendering.
 *
 * **Details**
 *
 * Fields that several errors have; an optional one is missing where the answer does not tell:
 *
 * - `method`, `path`: the call, the path without its query; `entitySet`: the name of the entity set.
 * - `status`: the HTTP status of the answer; `retryAfter`: how long the server asks to wait (`Retry-After`).
 * - `code`, `type`, `detail`: number, type and text of the API's error; without one, `detail` says more of the fault.
 * - `error`, `errorDescription`: those of an OAuth error (RFC 6749 section 5.2) or of a challenge (RFC 6750 section 3).
 * - `tokenEndpoint`, `clientId`: who was asked for the token, and for which application.
 * - `grantType`: the grant of the token request (RFC 6749 section 1.3) that was refused.
 * - `rejected`: the 401 of the API that made the renewal necessary which then failed.
 * - `reason`: the kind of the fault where its type lists them, else what is wrong, in words.
 *
 * A text that comes from a server is cut to 512 characters and one line, and tokens and secrets in it are masked.
 *
 * @example
 * ```ts
 * import { DomainApi, EntitySet, type ErpNetError } from "effect-erpnet"
 * import { Console, Effect, Schema } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Customers", Schema.Struct({ Id: Schema.UUID }))
 *
 * export const program = DomainApi.list(Customers).pipe(
 *   Effect.catchTags({
 *     InvalidClient: (error: ErpNetError.InvalidClient) => Console.error(error.message),
 *     Unauthorized: (error: ErpNetError.Unauthorized) => Console.error(error.message)
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as ClientSettings from "./internal/clientSettings.ts"
import * as Faults from "./internal/faults.ts"
import { lazySchema } from "./internal/lazySchema.ts"
import { ErrorTypeId, taggedError } from "./internal/taggedError.ts"

/**
 * Marks every error of this package.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: "~effect-erpnet/ErpNetError" = ErrorTypeId

/**
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

// The fields of the errors, as functions: see `taggedError`.
const text = Schema.String
const optionalText = () => Schema.optional(Schema.String)
const optionalNumber = () => Schema.optional(Schema.Number)
const optionalWait = () => Schema.optional(Schema.DurationFromMillis)
const rejected = () => Schema.optional(Unauthorized)

const quoted = (prefix: string, value: string | undefined): string =>
  value === undefined || value === "" ? "" : `${prefix}"${value}"`

const seconds = (duration: Duration.Duration): string => `${Math.ceil(Duration.toSeconds(duration))} s`

// --- set-up ---------------------------------------------------------------------------------------------------------

/**
 * The name or URL of an instance cannot be used. `reason` says what is wrong with it; the input itself is not
 * repeated where it could hold a password or a key. `setting` names the setting, where it came from one.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidInstance extends /* @__PURE__ */ taggedError<InvalidInstance>()("InvalidInstance", () => ({
  reason: text,
  setting: optionalText()
})) {
  override get message(): string {
    const setting = this.setting === undefined ? "" : ` (setting ${this.setting})`
    return `The ERP.net instance${setting} cannot be used: ${this.reason}.`
  }
}

/**
 * A setting of the Trusted Application cannot be used. `field` names the setting, `reason` says what is wrong.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidApplication extends /* @__PURE__ */ taggedError<InvalidApplication>()("InvalidApplication", () => ({
  field: Schema.Literal("clientId", "clientSecret", "scope", "redirectUri", "postLogoutRedirectUri"),
  reason: text
})) {
  override get message(): string {
    return `The Trusted Application cannot be used: ${this.field} (setting ${ClientSettings.names[this.field]}) ${this.reason}.`
  }
}

/**
 * An option of the HTTP client of `effect-erpnet/node`, or the variable of the environment that stands for it, cannot
 * be used. `option` names it, `reason` says what is wrong; the value is not repeated, since it could hold a password.
 *
 * @category errors
 * @since 0.2.0
 */
export class InvalidTransport extends /* @__PURE__ */ taggedError<InvalidTransport>()("InvalidTransport", () => ({
  option: text,
  reason: text
})) {
  override get message(): string {
    return `The HTTP client cannot be made: ${this.option} ${this.reason}.`
  }
}

// --- the store of the refresh token ---------------------------------------------------------------------------------

/**
 * The store of a refresh token failed. `operation` is what it was asked to do, `detail` the kind of the failure.
 *
 * @category errors
 * @since 0.2.0
 */
export class RefreshTokenStoreError extends /* @__PURE__ */ taggedError<RefreshTokenStoreError>()(
  "RefreshTokenStoreError",
  () => ({ operation: Schema.Literal("get", "set", "remove", "exclusive"), detail: text })
) {
  override get message(): string {
    return (
      `The store of the refresh token failed (${this.operation}): ${this.detail}. ` +
      "Check that it can be reached, read and written."
    )
  }
}

// --- the API refuses the token --------------------------------------------------------------------------------------

const rejection = () => ({
  status: optionalNumber(),
  error: optionalText(),
  errorDescription: optionalText(),
  method: optionalText(),
  path: optionalText()
})

interface Rejection {
  readonly status?: number | undefined
  readonly error?: string | undefined
  readonly errorDescription?: string | undefined
  readonly method?: string | undefined
  readonly path?: string | undefined
}

const describeRejection = (self: Rejection): string => {
  const where = self.method === undefined ? "" : ` to ${self.method} ${self.path ?? ""}`
  return `The API answered ${self.status ?? 401}${where}${quoted(", error ", self.error)}${quoted(": ", self.errorDescription)}`
}

/**
 * The API refuses the access token, and a fresh one did not help or was not asked for because the refused one was
 * itself just issued. `error` and `errorDescription` are those of the `WWW-Authenticate: Bearer` challenge
 * (RFC 6750 section 3), `path` is without the query.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unauthorized extends /* @__PURE__ */ taggedError<Unauthorized>()("Unauthorized", rejection) {
  override get message(): string {
    return (
      `${describeRejection(this)}. A token of this application is not accepted there. ` +
      "Check that the token and the API belong to the same instance, that the Trusted Application is enabled " +
      "with SystemUserAllowed and a SystemUser, and that its Scope covers what you call."
    )
  }
}

// --- the token endpoint ---------------------------------------------------------------------------------------------

/**
 * Why no usable answer came from the token endpoint:
 *
 * - `transport`: no connection, or it broke before the whole answer was read;
 * - `timeout`: no whole answer in time;
 * - `status`: an answer that is neither a token nor an OAuth error (`status` tells which);
 * - `redirect`: a redirect, which is never followed because it could carry the secret elsewhere;
 * - `tooLarge`: an answer of more than 1 MiB;
 * - `credentials`: the Effect that supplies the Trusted Application failed;
 * - `store`: the store of the refresh token failed or did not answer;
 * - `closed`: the layer that holds the token is closed.
 *
 * @category models
 * @since 0.1.0
 */
export const UnavailableReason = /* @__PURE__ */ Schema.Literal(
  "transport",
  "timeout",
  "status",
  "redirect",
  "tooLarge",
  "credentials",
  "store",
  "closed"
)

/**
 * @category models
 * @since 0.1.0
 */
export type UnavailableReason = typeof UnavailableReason.Type

/** What to do about a fault of the transport, and whether to try again helps. */
const transportAdvice = (detail: string | undefined): string => {
  const { advice, isPermanent } = Faults.ofDetail(detail)
  return isPermanent ? advice : `${advice} ${unavailableAdvice.transport}.`
}

const unavailableAdvice: Record<UnavailableReason, string> = {
  transport: "It is safe to try again",
  timeout: "It is safe to try again; requestTimeout sets how long one attempt may take",
  status: "Check that the instance is running and that its identity site is at {instance}/id",
  redirect: "Redirects are not followed, so that the secret goes nowhere else. Use the final address of the instance",
  tooLarge: "This is not a token answer. Check the address of the instance",
  credentials: "Check the settings of the Trusted Application, or the store that they come from",
  store: "Check that the store of the refresh token can be reached and read",
  closed: "Run the call inside the scope of the layer that provides TokenProvider"
}

/**
 * The token endpoint gave no usable answer. `retryAfter` is what the server asked to wait.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenEndpointUnavailable extends /* @__PURE__ */ taggedError<TokenEndpointUnavailable>()(
  "TokenEndpointUnavailable",
  () => ({
    tokenEndpoint: text,
    reason: UnavailableReason,
    detail: optionalText(),
    status: optionalNumber(),
    retryAfter: optionalWait(),
    rejected: rejected()
  })
) {
  override get message(): string {
    const status = this.status === undefined ? "" : `, status ${this.status}`
    const detail = this.detail === undefined ? "" : ` (${this.detail})`
    const wait = this.retryAfter === undefined ? "" : ` The server asks to wait ${seconds(this.retryAfter)}.`
    return (
      `No token from ${this.tokenEndpoint}: ${this.reason}${status}${detail}.${wait} ` +
      (this.reason === "transport" ? transportAdvice(this.detail) : `${unavailableAdvice[this.reason]}.`)
    )
  }
}

const grant = () => Schema.optional(Schema.Literal("client_credentials", "authorization_code", "refresh_token"))

type GrantType = "client_credentials" | "authorization_code" | "refresh_token"

/** Whether a person has to sign in for this grant; without one, it is that of a service application. */
const isOfPerson = (self: { readonly grantType?: GrantType | undefined }): boolean =>
  self.grantType === "authorization_code" || self.grantType === "refresh_token"

const oauth = () => ({
  grantType: grant(),
  error: text,
  errorDescription: optionalText(),
  status: Schema.Number,
  clientId: text,
  tokenEndpoint: text,
  rejected: rejected()
})

interface OAuthError {
  readonly error: string
  readonly errorDescription?: string | undefined
  readonly clientId: string
  readonly tokenEndpoint: string
}

const describeOAuth = (self: OAuthError, advice: string): string =>
  `${self.tokenEndpoint} refused client "${self.clientId}" with ${self.error}` +
  `${quoted(": ", self.errorDescription)}. ${advice}`

/**
 * OAuth `invalid_client` (RFC 6749 section 5.2): ERP.net does not know the application, or it is disabled, or the
 * secret is wrong. `hint` says what the form of the secret suggests, such as a hash in its place; never the secret.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidClient extends /* @__PURE__ */ taggedError<InvalidClient>()("InvalidClient", () => ({
  ...oauth(),
  hint: optionalText()
})) {
  override get message(): string {
    return describeOAuth(
      this,
      (this.hint === undefined ? "" : `${this.hint}. `) +
        "The application is not found or disabled, or the secret is wrong. In the Trusted Application of this " +
        "instance check ApplicationUri (it is the client id), IsEnabled, ClientType = Confidential, and that " +
        "ApplicationSecretHash is base64(sha256(secret))."
    )
  }
}

/**
 * OAuth `unauthorized_client`: the application may not use this grant.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnauthorizedClient extends /* @__PURE__ */ taggedError<UnauthorizedClient>()("UnauthorizedClient", oauth) {
  override get message(): string {
    return describeOAuth(
      this,
      isOfPerson(this)
        ? "People may not sign in to the application. Set ImpersonateAsInternalUserAllowed (for people outside the " +
            "company ImpersonateAsCommunityUserAllowed) = true in the Trusted Application."
        : "The application may not act on its own. Set SystemUserAllowed = true and a SystemUser in the Trusted Application."
    )
  }
}

/**
 * OAuth `invalid_scope`: a requested scope is not in the Scope of the Trusted Application. `scopes` are those that were
 * requested; none means all of the application.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidScope extends /* @__PURE__ */ taggedError<InvalidScope>()("InvalidScope", () => ({
  ...oauth(),
  scopes: Schema.Array(Schema.String)
})) {
  override get message(): string {
    const asked = this.scopes.length === 0 ? "no scope" : `scope "${this.scopes.join(" ")}"`
    return describeOAuth(
      this,
      `Requested was ${asked}. Request only what the Scope of the Trusted Application lists (read, update), ` +
        `or extend it there${isOfPerson(this) ? "" : "; openid, profile and offline_access are not for service applications"}.`
    )
  }
}

/**
 * OAuth `invalid_grant`: the grant is malformed, expired or revoked.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidGrant extends /* @__PURE__ */ taggedError<InvalidGrant>()("InvalidGrant", oauth) {
  override get message(): string {
    if (this.grantType === "authorization_code") {
      return describeOAuth(
        this,
        "The authorization code is expired, was used before, or belongs to another application, redirect address or " +
          "code verifier. Sign in again."
      )
    }
    if (this.grantType === "refresh_token") {
      return describeOAuth(
        this,
        "The refresh token is expired or revoked, was used before, or belongs to another application. Sign in again."
      )
    }
    return describeOAuth(
      this,
      "The server takes the grant for malformed, expired or revoked. Check that the address is the token endpoint " +
        "of this instance and that nothing between here and there changes the request."
    )
  }
}

/**
 * Any other OAuth error: `invalid_request`, `unsupported_grant_type`, or a code that RFC 6749 does not define.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenRequestRejected extends /* @__PURE__ */ taggedError<TokenRequestRejected>()(
  "TokenRequestRejected",
  oauth
) {
  override get message(): string {
    const advice =
      this.error === "unsupported_grant_type"
        ? `The server does not offer the grant ${this.grantType ?? "client_credentials"}. Check that this is the identity server of an ERP.net instance.`
        : this.error === "invalid_request"
          ? "A parameter is missing or malformed. Check the client id and secret, and that no proxy rewrites the form."
          : "The code is not one of RFC 6749. Look it up in the log of the identity server."
    return describeOAuth(this, advice)
  }
}

/**
 * The token endpoint answered 2xx with something that is not a usable token. `reason` says what is wrong, `path`
 * names the member of the answer; its value is not repeated.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenResponseInvalid extends /* @__PURE__ */ taggedError<TokenResponseInvalid>()(
  "TokenResponseInvalid",
  () => ({
    tokenEndpoint: text,
    reason: text,
    path: optionalText(),
    status: optionalNumber(),
    rejected: rejected()
  })
) {
  override get message(): string {
    const path = this.path === undefined ? "" : `, at ${this.path}`
    return (
      `${this.tokenEndpoint} gave no usable token${path}: ${this.reason}. ` +
      "Check that the address is the token endpoint of an ERP.net instance (by default {instance}/id/connect/token)."
    )
  }
}

/**
 * The access token has expired and there is no newer one: either renewal failed for a passing reason (`cause`), or
 * the API says that the token expired and a renewal did not help or is impossible (then the fields of the API's
 * answer are set, as in {@link Unauthorized}).
 *
 * @category errors
 * @since 0.1.0
 */
export class Expired extends /* @__PURE__ */ taggedError<Expired>()("Expired", () => ({
  ...rejection(),
  cause: Schema.optional(TokenEndpointUnavailable),
  rejected: rejected()
})) {
  override get message(): string {
    if (this.cause !== undefined) {
      return `The access token has expired and could not be renewed. ${this.cause.message}`
    }
    if (this.status !== undefined) {
      return (
        `${describeRejection(this)}. The token has expired for the API. ` +
        "Check the clocks of both sides; replace a reference token by a new one in ERP.net."
      )
    }
    return (
      "The access token had expired before it could be used: the answer of the identity server took longer than " +
      "the lifetime of the token. Check expires_in and the response time of the identity server."
    )
  }
}

// --- people sign in -------------------------------------------------------------------------------------------------

/**
 * The id_token cannot be accepted (OpenID Connect Core 3.1.3.7). `claim` names the claim or header at fault, or
 * `id_token` where it is missing or malformed; `reason` says what is wrong, never its value.
 *
 * @category errors
 * @since 0.2.0
 */
export class IdTokenInvalid extends /* @__PURE__ */ taggedError<IdTokenInvalid>()("IdTokenInvalid", () => ({
  claim: Schema.Literal(
    "iss",
    "aud",
    "azp",
    "exp",
    "nbf",
    "nonce",
    "alg",
    "crit",
    "at_hash",
    "sub",
    "auth_time",
    "id_token"
  ),
  reason: text
})) {
  override get message(): string {
    return (
      `The id_token was not accepted, because of ${this.claim}: ${this.reason}. ` +
      "Sign in again; if it happens each time, check the clocks of both sides and that the identity server is that of the instance."
    )
  }
}

const signInReasons = {
  noRefreshToken: "there is no refresh token, and the access token has expired",
  refused: "the refresh token was refused",
  signedOut: "the person signed out",
  noSession: "there is no session",
  crossSite: "the request came from another site"
}

/**
 * A person has to sign in (again): the only error that calls for a browser. `reason` says why; `cause` is the refusal
 * of the refresh token or of the id_token that came with a renewal; `instance` is the origin of the instance.
 *
 * @category errors
 * @since 0.2.0
 */
export class SignInRequired extends /* @__PURE__ */ taggedError<SignInRequired>()("SignInRequired", () => ({
  reason: Schema.Literal("noRefreshToken", "refused", "signedOut", "noSession", "crossSite"),
  instance: text,
  clientId: text,
  cause: Schema.optional(Schema.Union(InvalidGrant, IdTokenInvalid)),
  rejected: rejected()
})) {
  override get message(): string {
    const cause = this.cause === undefined ? "" : ` ${this.cause.message}`
    return (
      `A person has to sign in at ${this.instance} for client "${this.clientId}": ${signInReasons[this.reason]}.${cause} ` +
      "Send the person to the sign-in page; trying again without it does not help."
    )
  }
}

const stateReasons = {
  missing: "the callback has no state",
  different: "the state of the callback is not that of this sign-in",
  doubled: "the callback has more than one state",
  expired: "the sign-in was begun more than 10 minutes ago",
  otherInstance: "the sign-in was begun for another instance or redirect address"
}

/**
 * The callback does not belong to the sign-in that was begun here: it comes from another tab, an old page, or from
 * somebody else (RFC 6749 section 10.12). Nothing was sent. `reason` says what differs.
 *
 * @category errors
 * @since 0.2.0
 */
export class StateMismatch extends /* @__PURE__ */ taggedError<StateMismatch>()("StateMismatch", () => ({
  reason: Schema.Literal("missing", "different", "doubled", "expired", "otherInstance")
})) {
  override get message(): string {
    return `The sign-in was not completed: ${stateReasons[this.reason]}. Begin the sign-in again.`
  }
}

const callback = () => ({ error: text, errorDescription: optionalText() })

/**
 * The person, or the identity server for them, denied access (`access_denied`, RFC 6749 section 4.1.2.1).
 *
 * @category errors
 * @since 0.2.0
 */
export class AuthorizationDenied extends /* @__PURE__ */ taggedError<AuthorizationDenied>()(
  "AuthorizationDenied",
  callback
) {
  override get message(): string {
    return (
      `The sign-in was denied with ${this.error}${quoted(": ", this.errorDescription)}. ` +
      "The person cancelled it or gave no consent; offer to sign in again."
    )
  }
}

/**
 * The identity server cannot answer without showing a page (OpenID Connect Core 3.1.2.6), which `prompt: "none"`
 * forbids.
 *
 * @category errors
 * @since 0.2.0
 */
export class InteractionRequired extends /* @__PURE__ */ taggedError<InteractionRequired>()(
  "InteractionRequired",
  callback
) {
  override get message(): string {
    return (
      `The sign-in needs the person: ${this.error}${quoted(": ", this.errorDescription)}. ` +
      'Begin it again without prompt "none".'
    )
  }
}

/**
 * The identity server gave no authorization code. `reason` is `error` where it named an OAuth error, `issuer` where the
 * answer is that of another issuer (RFC 9207), `response` where the callback is malformed.
 *
 * @category errors
 * @since 0.2.0
 */
export class AuthorizationFailed extends /* @__PURE__ */ taggedError<AuthorizationFailed>()(
  "AuthorizationFailed",
  () => ({
    reason: Schema.Literal("error", "issuer", "response"),
    error: optionalText(),
    errorDescription: optionalText()
  })
) {
  override get message(): string {
    if (this.reason === "issuer") {
      return "The callback comes from another identity server than the one that was asked. Nothing was sent. Begin the sign-in again."
    }
    if (this.reason === "response") {
      return "The callback has no authorization code, or a parameter more than once. Nothing was sent. Begin the sign-in again."
    }
    return (
      `The identity server refused the sign-in with ${this.error ?? "an error"}${quoted(": ", this.errorDescription)}. ` +
      "Check the redirect address and the Scope in the Trusted Application."
    )
  }
}

/**
 * Nobody completed the sign-in in time. `after` is how long it was waited for.
 *
 * @category errors
 * @since 0.2.0
 */
export class SignInTimeout extends /* @__PURE__ */ taggedError<SignInTimeout>()("SignInTimeout", () => ({
  after: Schema.DurationFromMillis
})) {
  override get message(): string {
    return `The sign-in was not completed within ${seconds(this.after)}. Begin it again, or allow more time.`
  }
}

/**
 * No listener for the callback of a sign-in could be opened. `host` and `ports` are the addresses that were tried,
 * `port` the last of them, `reason` is what the system said.
 *
 * @category errors
 * @since 0.2.0
 */
export class ListenFailed extends /* @__PURE__ */ taggedError<ListenFailed>()("ListenFailed", () => ({
  host: text,
  port: Schema.Number,
  ports: Schema.Array(Schema.Number),
  reason: text
})) {
  override get message(): string {
    return (
      `Cannot listen on ${this.host} for the callback of the sign-in (ports tried: ${this.ports.join(", ")}): ` +
      `${this.reason}. Free the port, or register a redirect address with another one.`
    )
  }
}

// --- calls to the API -----------------------------------------------------------------------------------------------

/**
 * The URL is not on the instance's API, the only origin that may see the token. Nothing was sent. `origin` is that of
 * the URL, `expected` that of the API.
 *
 * @category errors
 * @since 0.1.0
 */
export class ForeignOrigin extends /* @__PURE__ */ taggedError<ForeignOrigin>()("ForeignOrigin", () => ({
  origin: text,
  expected: text
})) {
  override get message(): string {
    return (
      `The token of ${this.expected} is not sent to ${this.origin}. Call paths of the API of the instance only; ` +
      "if its API has moved, set the address with Instance.make(name, { odata }), and do not follow redirects in " +
      "the HttpClient that you provide."
    )
  }
}

const call = () => ({ method: text, path: text })

const answer = () => ({
  ...call(),
  status: Schema.Number,
  code: optionalNumber(),
  type: optionalText(),
  detail: optionalText()
})

interface Answer {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly code?: number | undefined
  readonly type?: string | undefined
  readonly detail?: string | undefined
}

const describeAnswer = (self: Answer): string => {
  const code = self.code === undefined ? "" : `, code ${self.code}`
  const type = self.type === undefined ? "" : `, type ${self.type}`
  return `${self.method} ${self.path} was answered ${self.status}${code}${type}${quoted(": ", self.detail)}`
}

/**
 * A query that cannot be written: a number out of range, a text that is not well-formed, a guid that is none. Nothing
 * was sent. `option` names the option, `reason` says what is wrong, and neither repeats the value.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidQuery extends /* @__PURE__ */ taggedError<InvalidQuery>()("InvalidQuery", () => ({
  option: text,
  reason: text
})) {
  override get message(): string {
    return `The query was not sent, because of its ${this.option}: ${this.reason}.`
  }
}

/**
 * A value to write does not fit the Schema of its entity set. Nothing was sent. `path` leads to the place, `reason`
 * names what was expected and the type found, never the value.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidValue extends /* @__PURE__ */ taggedError<InvalidValue>()("InvalidValue", () => ({
  entitySet: text,
  path: text,
  reason: text
})) {
  override get message(): string {
    const path = this.path === "" ? "" : ` at ${this.path}`
    return `The value for ${this.entitySet} was not sent, because it does not fit the Schema${path}: ${this.reason}.`
  }
}

/**
 * No whole answer came from the instance: no connection, a broken one, or a timeout.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unreachable extends /* @__PURE__ */ taggedError<Unreachable>()("Unreachable", () => ({
  ...call(),
  reason: Schema.Literal("transport", "timeout", "status", "invalidRequest"),
  detail: optionalText(),
  status: optionalNumber()
})) {
  override get message(): string {
    const status = this.status === undefined ? "" : `, status ${this.status}`
    const detail = this.detail === undefined ? "" : ` (${this.detail})`
    return (
      `No answer to ${this.method} ${this.path}: ${this.reason}${status}${detail}. ` +
      (this.reason === "transport" && this.detail !== undefined
        ? Faults.ofDetail(this.detail).advice
        : "Check the name of the instance, the network, the proxy and TLS, and that the site is running.")
    )
  }
}

/**
 * 403: the token is good but its scope, or the rights of the System User, do not cover the call.
 *
 * @category errors
 * @since 0.1.0
 */
export class Forbidden extends /* @__PURE__ */ taggedError<Forbidden>()("Forbidden", answer) {
  override get message(): string {
    return (
      `${describeAnswer(this)}. The scope of the token or the rights of the System User do not cover this. ` +
      "Request the scope (update for writing), add it to the Trusted Application, or give the user the right."
    )
  }
}

/**
 * 404: there is no such entity, entity set or path.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotFound extends /* @__PURE__ */ taggedError<NotFound>()("NotFound", answer) {
  override get message(): string {
    return `${describeAnswer(this)}. There is no such entity or path. Check the id and the name of the entity set.`
  }
}

/**
 * 429: more requests than the instance allows (by default 600 a minute and one at a time for each session), still
 * so after the retries.
 *
 * @category errors
 * @since 0.1.0
 */
export class RateLimited extends /* @__PURE__ */ taggedError<RateLimited>()("RateLimited", () => ({
  ...answer(),
  retryAfter: optionalWait()
})) {
  override get message(): string {
    const wait = this.retryAfter === undefined ? "" : ` The server asks to wait ${seconds(this.retryAfter)}.`
    return (
      `${describeAnswer(this)}. The instance limits requests for each session.${wait} ` +
      "Lower maxConcurrent or requestsPerMinute, or ask the administrator for higher limits."
    )
  }
}

/**
 * No licence slot is free: every session of a service application takes one. Nothing was executed.
 *
 * @category errors
 * @since 0.1.0
 */
export class LicenseUnavailable extends /* @__PURE__ */ taggedError<LicenseUnavailable>()("LicenseUnavailable", () => ({
  ...answer(),
  retryAfter: optionalWait()
})) {
  override get message(): string {
    const wait = this.retryAfter === undefined ? "" : ` The server asks to wait ${seconds(this.retryAfter)}.`
    return (
      `${describeAnswer(this)}. No licence is free for a new session.${wait} ` +
      "Nothing was executed. A slot is freed 20 minutes after the last request of a session; reserve one or add licences."
    )
  }
}

/**
 * The entity set has a new name since some server version: `oldName` is the one that was asked for, `newName` the one
 * to use.
 *
 * @category errors
 * @since 0.1.0
 */
export class EntityRenamed extends /* @__PURE__ */ taggedError<EntityRenamed>()("EntityRenamed", () => ({
  ...answer(),
  oldName: text,
  newName: text
})) {
  override get message(): string {
    return (
      `${this.method} ${this.path} was answered ${this.status}: the entity set ${this.oldName} is now called ` +
      `${this.newName}. Use the new name in EntitySet.make.`
    )
  }
}

/**
 * A validation rule of ERP.net refused the change. `ruleId` is the rule, such as `R27159`, where the server names it.
 *
 * @category errors
 * @since 0.1.0
 */
export class ValidationFailed extends /* @__PURE__ */ taggedError<ValidationFailed>()("ValidationFailed", () => ({
  ...answer(),
  ruleId: optionalText()
})) {
  override get message(): string {
    const rule = this.ruleId === undefined ? "" : ` (rule ${this.ruleId})`
    return `${describeAnswer(this)}. A validation rule${rule} refused the change. Correct the data and send it again.`
  }
}

/**
 * The change would have made a second row with a key that must be unique.
 *
 * @category errors
 * @since 0.1.0
 */
export class DuplicateKey extends /* @__PURE__ */ taggedError<DuplicateKey>()("DuplicateKey", answer) {
  override get message(): string {
    return `${describeAnswer(this)}. Such a row exists already. Change the existing one, or use another key.`
  }
}

/**
 * The entity was changed by somebody else since it was read (`ObjectVersion`). Nothing was written. Read it again,
 * apply the change to what it is now, and update under the new version.
 *
 * @category errors
 * @since 0.1.0
 */
export class ConcurrencyConflict extends /* @__PURE__ */ taggedError<ConcurrencyConflict>()(
  "ConcurrencyConflict",
  answer
) {
  override get message(): string {
    return (
      `${describeAnswer(this)}. Somebody else changed the entity since it was read, and nothing was written. ` +
      "Read it again, apply the change to what it is now, and update it under its new ObjectVersion."
    )
  }
}

const outcome = () => ({
  ...call(),
  reason: Schema.Literal("transport", "timeout", "status"),
  detail: optionalText(),
  status: optionalNumber()
})

/**
 * A change was sent and its answer is lost: it may have been executed or not. It is never sent again by this package.
 *
 * @category errors
 * @since 0.1.0
 */
export class OutcomeUnknown extends /* @__PURE__ */ taggedError<OutcomeUnknown>()("OutcomeUnknown", outcome) {
  override get message(): string {
    const status = this.status === undefined ? "" : `, status ${this.status}`
    const detail = this.detail === undefined ? "" : ` (${this.detail})`
    return (
      `${this.method} ${this.path} was sent, but its answer is lost: ${this.reason}${status}${detail}. ` +
      "It may have been executed or not, so it was not sent again. Look whether the change is there before you repeat it; " +
      "an ExternalId and the action merge make it safe to repeat."
    )
  }
}

/**
 * The API transaction is gone: it lives 25 minutes at most and ends with its session (an hour, a refused token, a
 * restart of the server). Nothing of it was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class TransactionLost extends /* @__PURE__ */ taggedError<TransactionLost>()("TransactionLost", () => ({
  reason: Schema.Literal("unknown to the server", "session ended"),
  detail: optionalText()
})) {
  override get message(): string {
    return (
      `The API transaction is lost: ${this.reason}${quoted(", ", this.detail)}. Nothing of it was written. ` +
      "Transactions live 25 minutes at most, and no longer than their session. Run it again, with less to do in it."
    )
  }
}

/**
 * The server answered with an error that has no class of its own; ERP.net answers 500 for most faults of a request.
 *
 * @category errors
 * @since 0.1.0
 */
export class ServerError extends /* @__PURE__ */ taggedError<ServerError>()("ServerError", () => ({
  ...answer(),
  retryAfter: optionalWait()
})) {
  override get message(): string {
    const advice =
      this.status >= 300 && this.status < 400
        ? "Redirects are not followed. Check the address of the instance and that its API site is running"
        : this.status === 503
          ? "The API is not available; it was tried again before this was raised"
          : this.type?.endsWith("NotSupportedException") === true
            ? "The server does not support this construct. Its filters know eq, ge, le, in, and, contains, startswith, endswith"
            : "It was not tried again. The text of the server says what it did not accept"
    return `${describeAnswer(this)}. ${advice}.`
  }
}

/**
 * A 2xx answer does not have the shape that the Schema asks for. `path` leads to the first place that differs
 * (`value[12].CreditLimit.Value`), `reason` names what was expected and the type found, never the value. `row` is the
 * number of the row in its page, from 0, where there is one; `page` that of the page, from 1; `entity` the id of the row
 * as `Set(guid)`, where it carries one.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResponseInvalid extends /* @__PURE__ */ taggedError<ResponseInvalid>()("ResponseInvalid", () => ({
  entitySet: text,
  path: text,
  reason: text,
  row: optionalNumber(),
  entity: optionalText(),
  page: optionalNumber()
})) {
  override get message(): string {
    const path = this.path === "" ? "" : ` at ${this.path}`
    const page = this.page === undefined || this.page === 1 ? "" : ` of page ${this.page}`
    const row = this.entity === undefined ? "" : ` (${this.entity}, row ${this.row ?? 0}${page})`
    return (
      `The answer for ${this.entitySet} does not fit its Schema${path}: ${this.reason}${row}. ` +
      "Correct the Schema (a field that may be null needs Schema.NullOr), or check the version of the server."
    )
  }
}

/**
 * A list without `top` would hold more than `maxRows` rows. Nothing of it comes out, because a part must not pass for
 * the whole.
 *
 * @category errors
 * @since 0.2.0
 */
export class TooManyRows extends /* @__PURE__ */ taggedError<TooManyRows>()("TooManyRows", () => ({
  entitySet: text,
  maxRows: Schema.Number
})) {
  override get message(): string {
    return (
      `The list of ${this.entitySet} has more than ${this.maxRows} rows. Read it with DomainApi.stream, which holds one ` +
      "page at a time, or say how many are wanted: top, or a greater maxRows."
    )
  }
}

/**
 * The server gave a link to a next page that was already fetched; following it would never end. `page` is the number
 * that this page would have had, from 1.
 *
 * @category errors
 * @since 0.1.0
 */
export class PagingLoop extends /* @__PURE__ */ taggedError<PagingLoop>()("PagingLoop", () => ({
  entitySet: text,
  page: Schema.Number
})) {
  override get message(): string {
    return (
      `The link to page ${this.page} of ${this.entitySet} is one that was already followed. ` +
      "Reading stopped so as not to go round for ever; the server, or a proxy that caches, is at fault."
    )
  }
}

/**
 * The server gave fewer ids (`received`) than it counts (`expected`), so a sweep for deleted rows cannot tell which are
 * gone. Nothing was removed.
 *
 * @category errors
 * @since 0.2.0
 */
export class SweepIncomplete extends /* @__PURE__ */ taggedError<SweepIncomplete>()("SweepIncomplete", () => ({
  entitySet: text,
  /** How many rows the server counts. */
  expected: Schema.Number,
  /** How many ids it gave. */
  received: Schema.Number
})) {
  override get message(): string {
    return (
      `The server counts ${this.expected} rows of ${this.entitySet}, but gave ${this.received} ids. ` +
      "Nothing was removed from the copy. Run the sweep again; if it happens each time, the answers are cut on the way."
    )
  }
}

/**
 * A change of an import whose answer is lost: each of these rows may have been imported or not. Rows before `firstRow`
 * have had their results, and those after `lastRow` were not sent. It has the tag of {@link OutcomeUnknown}.
 *
 * @category errors
 * @since 0.1.0
 */
export class ImportOutcomeUnknown extends OutcomeUnknown {
  static override readonly fields = () => ({ ...outcome(), firstRow: Schema.Number, lastRow: Schema.Number })
  readonly firstRow: number
  readonly lastRow: number
  declare readonly with: (
    fields: Partial<Schema.Struct.Type<ReturnType<typeof ImportOutcomeUnknown.fields>>>
  ) => ImportOutcomeUnknown
  constructor({ firstRow, lastRow, ...fields }: Schema.Struct.Type<ReturnType<typeof ImportOutcomeUnknown.fields>>) {
    super(fields)
    this.firstRow = firstRow
    this.lastRow = lastRow
  }
  override get message(): string {
    return `Rows ${this.firstRow} to ${this.lastRow} of the import: ${super.message}`
  }
}

/**
 * ERP.net did not save an object of an import. `detail` is its text, which may be in another language; `code` and
 * `type` are those of its error, where it names them.
 *
 * @category errors
 * @since 0.1.0
 */
export class ImportFailure extends /* @__PURE__ */ taggedError<ImportFailure>()("ImportFailure", () => ({
  detail: text,
  code: optionalNumber(),
  type: optionalText()
})) {
  override get message(): string {
    const code = this.code === undefined ? "" : ` (code ${this.code})`
    return `ERP.net did not save the object${code}: "${this.detail}". Correct the row and import it again.`
  }
}

/**
 * An operation of a changeset failed, so nothing of the changeset was written. `operation` is its name, where the
 * server says which; `error` is what it failed with.
 *
 * @category errors
 * @since 0.1.0
 */
export class ChangesetFailed extends /* @__PURE__ */ taggedError<ChangesetFailed>()("ChangesetFailed", () => ({
  operation: optionalText(),
  error: Schema.Union(
    TokenError,
    Unauthorized,
    ForeignOrigin,
    Unreachable,
    Forbidden,
    NotFound,
    RateLimited,
    LicenseUnavailable,
    EntityRenamed,
    ValidationFailed,
    DuplicateKey,
    ServerError,
    ResponseInvalid,
    PagingLoop,
    TooManyRows,
    SweepIncomplete,
    InvalidQuery,
    InvalidValue,
    ConcurrencyConflict,
    OutcomeUnknown
  )
})) {
  override get message(): string {
    const name = this.operation === undefined ? "An operation" : `The operation "${this.operation}"`
    return `${name} of the changeset failed, and nothing of the changeset was written. ${this.error.message}`
  }
}

// --- unions and guards ----------------------------------------------------------------------------------------------

/**
 * What acquiring a token can fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type TokenError =
  | InvalidClient
  | UnauthorizedClient
  | InvalidScope
  | InvalidGrant
  | TokenRequestRejected
  | TokenEndpointUnavailable
  | TokenResponseInvalid
  | Expired
  | SignInRequired

const tokenErrorClasses = () =>
  [
    InvalidClient,
    UnauthorizedClient,
    InvalidScope,
    InvalidGrant,
    TokenRequestRejected,
    TokenEndpointUnavailable,
    TokenResponseInvalid,
    Expired,
    SignInRequired
  ] as const

/**
 * {@link TokenError} as a Schema, for example to declare it as an error of an `HttpApi` endpoint.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TokenError: Schema.Schema<
  TokenError,
  Schema.Schema.Encoded<ReturnType<typeof tokenErrorClasses>[number]>
> = /* @__PURE__ */ lazySchema(() => Schema.Union(...tokenErrorClasses()))

/**
 * What completing a sign-in can fail with.
 *
 * @category errors
 * @since 0.2.0
 */
export type SignInError =
  | StateMismatch
  | AuthorizationDenied
  | InteractionRequired
  | AuthorizationFailed
  | IdTokenInvalid
  | TokenError

const signInErrorClasses = () =>
  [
    StateMismatch,
    AuthorizationDenied,
    InteractionRequired,
    AuthorizationFailed,
    IdTokenInvalid,
    ...tokenErrorClasses()
  ] as const

/**
 * {@link SignInError} as a Schema.
 *
 * @category schemas
 * @since 0.2.0
 */
export const SignInError: Schema.Schema<
  SignInError,
  Schema.Schema.Encoded<ReturnType<typeof signInErrorClasses>[number]>
> = /* @__PURE__ */ lazySchema(() => Schema.Union(...signInErrorClasses()))

/**
 * What an answer of the API that is not 2xx becomes.
 *
 * @category errors
 * @since 0.2.0
 */
export type ApiError =
  | Forbidden
  | NotFound
  | RateLimited
  | LicenseUnavailable
  | EntityRenamed
  | ValidationFailed
  | DuplicateKey
  | ServerError

const apiErrorClasses = () =>
  [
    Forbidden,
    NotFound,
    RateLimited,
    LicenseUnavailable,
    EntityRenamed,
    ValidationFailed,
    DuplicateKey,
    ServerError
  ] as const

/**
 * {@link ApiError} as a Schema.
 *
 * @category schemas
 * @since 0.2.0
 */
export const ApiError: Schema.Schema<
  ApiError,
  Schema.Schema.Encoded<ReturnType<typeof apiErrorClasses>[number]>
> = /* @__PURE__ */ lazySchema(() => Schema.Union(...apiErrorClasses()))

/**
 * What reading can fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type DomainApiError =
  | TokenError
  | Unauthorized
  | ForeignOrigin
  | Unreachable
  | ApiError
  | ResponseInvalid
  | PagingLoop
  | TooManyRows
  | InvalidQuery

const domainApiErrorClasses = () =>
  [
    ...tokenErrorClasses(),
    Unauthorized,
    ForeignOrigin,
    Unreachable,
    ...apiErrorClasses(),
    ResponseInvalid,
    PagingLoop,
    TooManyRows,
    InvalidQuery
  ] as const

/**
 * {@link DomainApiError} as a Schema.
 *
 * @category schemas
 * @since 0.2.0
 */
export const DomainApiError: Schema.Schema<
  DomainApiError,
  Schema.Schema.Encoded<ReturnType<typeof domainApiErrorClasses>[number]>
> = /* @__PURE__ */ lazySchema(() => Schema.Union(...domainApiErrorClasses()))

/**
 * What writing can fail with: what reading can, and what only a change can meet.
 *
 * @category errors
 * @since 0.1.0
 */
export type WriteError = DomainApiError | InvalidValue | ConcurrencyConflict | OutcomeUnknown

const writeErrorClasses = () => [...domainApiErrorClasses(), InvalidValue, ConcurrencyConflict, OutcomeUnknown] as const

/**
 * {@link WriteError} as a Schema.
 *
 * @category schemas
 * @since 0.2.0
 */
export const WriteError: Schema.Schema<
  WriteError,
  Schema.Schema.Encoded<ReturnType<typeof writeErrorClasses>[number]>
> = /* @__PURE__ */ lazySchema(() => Schema.Union(...writeErrorClasses()))

/**
 * Every error of this package.
 *
 * @category errors
 * @since 0.1.0
 */
export type ErpNetError =
  | TokenError
  | InvalidInstance
  | InvalidApplication
  | IdTokenInvalid
  | StateMismatch
  | AuthorizationDenied
  | InteractionRequired
  | AuthorizationFailed
  | SignInTimeout
  | ListenFailed
  | RefreshTokenStoreError
  | InvalidTransport
  | Unauthorized
  | ForeignOrigin
  | InvalidQuery
  | InvalidValue
  | ConcurrencyConflict
  | OutcomeUnknown
  | TransactionLost
  | ImportFailure
  | ChangesetFailed
  | Unreachable
  | Forbidden
  | NotFound
  | RateLimited
  | LicenseUnavailable
  | EntityRenamed
  | ValidationFailed
  | DuplicateKey
  | ServerError
  | ResponseInvalid
  | PagingLoop
  | SweepIncomplete
  | TooManyRows

/**
 * Tells whether a value is an error of this package.
 *
 * @category guards
 * @since 0.1.0
 */
export const isErpNetError = (u: unknown): u is ErpNetError => Predicate.hasProperty(u, TypeId)

const tokenErrors: Readonly<Record<TokenError["_tag"], true>> = {
  InvalidClient: true,
  UnauthorizedClient: true,
  InvalidScope: true,
  InvalidGrant: true,
  TokenRequestRejected: true,
  TokenEndpointUnavailable: true,
  TokenResponseInvalid: true,
  Expired: true,
  SignInRequired: true
}

/**
 * Tells whether a value is one of {@link TokenError}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTokenError = (u: unknown): u is TokenError => isErpNetError(u) && Object.hasOwn(tokenErrors, u._tag)

/**
 * Tells whether the same call may succeed later with nothing changed: no connection, a timeout, 408, 425, 429, 5xx
 * of the identity server, 502 to 504 of the API, no free licence. A refusal (wrong secret, missing scope, validation) is
 * not transient, nor is a certificate that does not verify or a proxy that refuses.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTransient = (u: unknown): boolean => {
  if (!isErpNetError(u)) return false
  switch (u._tag) {
    case "TokenEndpointUnavailable":
      return (
        (u.reason === "transport" && !Faults.ofDetail(u.detail).isPermanent) ||
        u.reason === "timeout" ||
        u.reason === "credentials" ||
        u.reason === "store" ||
        (u.reason === "status" && Faults.isTransientStatus(u.status))
      )
    case "Expired":
      return u.cause !== undefined
    case "Unreachable":
      return u.reason !== "invalidRequest" && !(u.reason === "transport" && Faults.ofDetail(u.detail).isPermanent)
    case "ServerError":
      // A 500 of the API is its answer to this very call; of a gateway it is the others.
      return u.status !== 500 && Faults.isTransientStatus(u.status)
    case "RateLimited":
    case "LicenseUnavailable":
      return true
    default:
      return false
  }
}
