/**
 * One exchange with the token endpoint: a grant goes out, tokens or a typed error come back. The grants are client
 * credentials (RFC 6749 section 4.4), an authorization code with its code verifier (section 4.1, RFC 7636) and a refresh
 * token (section 6). Nothing is kept; {@link "TokenProvider"} is what keeps a token.
 *
 * @example
 * ```ts
 * import { Instance, TokenEndpoint, TrustedApplication } from "effect-erpnet"
 * import { Console, Effect } from "effect"
 *
 * export const program = Effect.gen(function* () {
 *   const instance = yield* Instance.make("testdb")
 *   const application = yield* TrustedApplication.config
 *   const token = yield* TokenEndpoint.request(instance, application)
 *   yield* Console.log(token.fingerprint, token.scopes)
 * })
 * ```
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as AccessToken from "./AccessToken.ts"
import {
  InvalidClient,
  InvalidGrant,
  InvalidScope,
  TokenEndpointUnavailable,
  type TokenError,
  TokenRequestRejected,
  TokenResponseInvalid,
  UnauthorizedClient
} from "./ErpNetError.ts"
import type { Instance } from "./Instance.ts"
import type { InteractiveApplication } from "./InteractiveApplication.ts"
import * as Body from "./internal/body.ts"
import { plainCause } from "./internal/callerResponse.ts"
import * as Faults from "./internal/faults.ts"
import { lazySchema } from "./internal/lazySchema.ts"
import * as LosslessJson from "./internal/losslessJson.ts"
import { formEncode, serverText, withoutQuery } from "./internal/redaction.ts"
import * as RetryAfter from "./internal/retryAfter.ts"
import * as SettingShape from "./internal/settingShape.ts"
import * as Millis from "./internal/settings.ts"
import * as Transport from "./internal/transport.ts"
import type { TrustedApplication } from "./TrustedApplication.ts"

/**
 * How a client shows who it is: the registered names of OAuth 2.0, and the short ones of before.
 *
 * @category models
 * @since 0.2.0
 */
export type ClientAuthentication = "client_secret_post" | "client_secret_basic" | "post" | "basic"

/**
 * Options of every exchange.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * How the client authenticates: `client_secret_post` sends id and secret as form fields, as ERP.net documents;
   * `client_secret_basic` sends them form-encoded in an `Authorization: Basic` header (RFC 6749 section 2.3.1). A
   * Public application has no secret, so `client_secret_basic` is a defect for it. `post` and `basic` are the old names.
   *
   * @default "client_secret_post"
   */
  readonly clientAuthentication?: ClientAuthentication | undefined
  /**
   * How long one attempt may take, from sending to the last byte of the answer. All attempts together end after 45
   * seconds.
   *
   * @default "10 seconds"
   */
  readonly requestTimeout?: Duration.DurationInput | undefined
  /**
   * When to try again after a transient fault: no connection, a broken one, 408, 425, 429 or 5xx; not after a timeout,
   * nor after a fault that stays, such as a certificate that does not verify or a proxy that refuses. A `Retry-After` of at most 30 seconds is waited for as well; a longer one fails at once and is carried by the error.
   *
   * @default exponential from 200 milliseconds, jittered, 2 retries
   */
  readonly retryTransient?: Schedule.Schedule<unknown, TokenEndpointUnavailable> | undefined
}

/**
 * What a person's grant gives.
 *
 * @category models
 * @since 0.2.0
 */
export interface Tokens {
  /** The token for the API. */
  readonly accessToken: AccessToken.AccessToken
  /** For the next tokens; it replaces the one that was sent. None: that one is still good, or there is none. */
  readonly refreshToken: Option.Option<Redacted.Redacted<string>>
  /** Who signed in, where `openid` was requested; not checked here. */
  readonly idToken: Option.Option<Redacted.Redacted<string>>
}

const totalTime = 45_000
const longestRetryAfter = 30_000
const defaultLifetime = 300
/** The largest time value of ECMAScript, so that `new Date(expiresAt)` is always a date. */
const maximumTime = 8.64e15

const defaultRetry = Schedule.exponential("200 millis").pipe(Schedule.jittered, Schedule.intersect(Schedule.recurs(2)))

const TokenResponse = lazySchema(() => {
  const Lifetime = Schema.Union(
    Schema.Number,
    Schema.compose(Schema.String.pipe(Schema.pattern(/^\d+(\.\d+)?([eE]\+?\d+)?$/)), Schema.NumberFromString)
  ).pipe(Schema.filter((seconds) => Number.isFinite(seconds) && seconds > 0))
  return Schema.Struct({
    access_token: Schema.String.pipe(Schema.filter(AccessToken.isSendable)),
    token_type: Schema.optional(Schema.NullOr(Schema.String.pipe(Schema.pattern(/^bearer$/i)))),
    expires_in: Schema.optional(Schema.NullOr(Lifetime)),
    scope: Schema.optional(Schema.NullOr(Schema.Union(Schema.String, Schema.Array(Schema.String))))
  })
})

/** What a person's grant gives beside the access token. RFC 6749 appendix A.17: a refresh token is of %x20-7E. */
const PersonalTokens = lazySchema(() =>
  Schema.Struct({
    refresh_token: Schema.optional(Schema.NullOr(Schema.String.pipe(Schema.pattern(/^[\x20-\x7E]+$/)))),
    id_token: Schema.optional(Schema.NullOr(Schema.String.pipe(Schema.pattern(/^[\x21-\x7E]+$/))))
  })
)

// Own words for each member: those of the parser would quote the value, which may be the token.
const faults: Readonly<Record<string, string>> = {
  access_token: "it is missing, empty, not a text, or holds characters that no bearer token has (%x21-7E)",
  token_type: "only Bearer tokens can be used",
  expires_in: "it must be a number of seconds greater than zero",
  scope: "it must be a text of scopes separated by blanks",
  refresh_token: "it is empty, not a text, or holds characters that no refresh token has (%x20-7E)",
  id_token: "it is empty or not a text of visible characters"
}

/** A member that stands in the answer itself, whatever its name. */
const memberOf = (body: object, name: string): unknown =>
  Object.hasOwn(body, name) ? Reflect.get(body, name) : undefined

/** Who sends the request: a service application, one of people, with or without a secret. */
interface Client {
  readonly clientId: string
  readonly clientSecret?: Redacted.Redacted<string> | undefined
  readonly scopes: ReadonlyArray<string>
}

type Form = ReadonlyArray<readonly [string, string]>

/** One grant: its name and the fields that it has beside those of the client. */
interface Grant {
  readonly type: "client_credentials" | "authorization_code" | "refresh_token"
  readonly fields: Form
  /** Values of the fields that must not stand in any text of an answer. */
  readonly secrets: ReadonlyArray<string>
  readonly isRepeatable: (error: TokenEndpointUnavailable) => boolean
}

/** What one exchange needs to know to answer in its own words. */
interface Exchange {
  readonly address: string
  readonly client: Client
  readonly grant: Grant
  readonly secrets: ReadonlyArray<string>
}

const unavailable = (
  exchange: Exchange,
  fields: Omit<ConstructorParameters<typeof TokenEndpointUnavailable>[0], "tokenEndpoint">
): TokenEndpointUnavailable =>
  new TokenEndpointUnavailable({ tokenEndpoint: withoutQuery(exchange.address), ...fields })

const invalid = (exchange: Exchange, status: number, reason: string, path?: string): TokenResponseInvalid =>
  new TokenResponseInvalid({ tokenEndpoint: withoutQuery(exchange.address), status, reason, path })

const oauthError = (
  exchange: Exchange,
  status: number,
  error: string,
  description: unknown
): InvalidClient | UnauthorizedClient | InvalidScope | InvalidGrant | TokenRequestRejected => {
  const fields = {
    grantType: exchange.grant.type,
    error: serverText(error, exchange.secrets),
    errorDescription: typeof description === "string" ? serverText(description, exchange.secrets) : undefined,
    status,
    clientId: exchange.client.clientId,
    tokenEndpoint: withoutQuery(exchange.address)
  }
  switch (error) {
    case "invalid_client":
      return new InvalidClient({
        ...fields,
        hint:
          exchange.client.clientSecret === undefined
            ? undefined
            : SettingShape.secretHintOf(Redacted.value(exchange.client.clientSecret))
      })
    case "unauthorized_client":
      return new UnauthorizedClient(fields)
    case "invalid_scope":
      return new InvalidScope({ ...fields, scopes: exchange.client.scopes })
    case "invalid_grant":
      return new InvalidGrant(fields)
    default:
      return new TokenRequestRejected(fields)
  }
}

const scopesOf = (scope: string | ReadonlyArray<string> | null | undefined, requested: ReadonlyArray<string>) => {
  const granted = typeof scope === "string" ? scope.split(/\s+/) : (scope ?? [])
  const named = granted.filter((token) => token !== "")
  return named.length === 0 ? requested : named
}

const readToken = (
  exchange: Exchange,
  sentAt: number,
  status: number,
  body: object
): Either.Either<AccessToken.AccessToken, TokenResponseInvalid> =>
  Either.match(Schema.decodeUnknownEither(TokenResponse)(body), {
    onLeft: (error) => {
      const name = String(ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.path[0])
      return Either.left(invalid(exchange, status, faults[name] ?? "it is not a token answer", name))
    },
    onRight: (token) =>
      Either.right(
        AccessToken.make({
          value: Redacted.make(token.access_token),
          scopes: scopesOf(token.scope, exchange.client.scopes),
          issuedAt: sentAt,
          expiresAt: Math.min(maximumTime, Math.floor(sentAt + (token.expires_in ?? defaultLifetime) * 1000))
        })
      )
  })

const tokenMembers = ["access_token", "refresh_token", "id_token"]

const readTokens = (
  exchange: Exchange,
  sentAt: number,
  status: number,
  body: object
): Either.Either<Tokens, TokenResponseInvalid> =>
  Either.flatMap(readToken(exchange, sentAt, status, body), (accessToken) => {
    // A service application is given neither, and what it has no use for is not looked at.
    if (exchange.grant.type === "client_credentials") {
      return Either.right({ accessToken, refreshToken: Option.none(), idToken: Option.none() })
    }
    const redacted = (text: string | null | undefined) => Option.map(Option.fromNullable(text), Redacted.make)
    return Either.mapBoth(Schema.decodeUnknownEither(PersonalTokens)(body), {
      onLeft: (error) => {
        const name = String(ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.path[0])
        return invalid(exchange, status, faults[name] ?? "it is not a token answer", name)
      },
      onRight: (tokens) => ({
        accessToken,
        refreshToken: redacted(tokens.refresh_token),
        idToken: redacted(tokens.id_token)
      })
    })
  })

const isSuccess = (status: number): boolean => status >= 200 && status < 300
const mayBeOAuthError = (status: number): boolean =>
  isSuccess(status) || status === 400 || status === 401 || status === 403

/** Refuses a redirect, and every answer whose status is that of no OAuth answer. */
const checkStatus = (
  exchange: Exchange,
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<void, TokenEndpointUnavailable> =>
  Effect.gen(function* () {
    const { status } = response
    const isRedirect =
      status === 0 || (status >= 300 && status < 400) || Transport.wasRedirected(exchange.address, response.request.url)
    if (isRedirect) {
      yield* Body.discard(response)
      return yield* unavailable(exchange, { reason: "redirect", status })
    }
    if (!mayBeOAuthError(status)) {
      yield* Body.discard(response)
      const now = yield* Clock.currentTimeMillis
      const retryAfter = RetryAfter.parse(response.headers["retry-after"], now)
      return yield* unavailable(exchange, { reason: "status", status, retryAfter })
    }
  })

/** The JSON object of an answer, where it is one and no OAuth error. */
const readObject = (exchange: Exchange, response: HttpClientResponse.HttpClientResponse) =>
  Effect.gen(function* () {
    const { status } = response
    yield* checkStatus(exchange, response)
    const parsed = Option.getOrUndefined(LosslessJson.parsePlain(yield* Body.read(response)))
    const body = Predicate.isRecord(parsed) ? parsed : undefined
    const error = body && memberOf(body, "error")
    if (body !== undefined && typeof error === "string" && error !== "") {
      const answered = tokenMembers.map((name) => memberOf(body, name)).filter(Predicate.isString)
      const secrets = [...exchange.secrets, ...answered.filter((token) => token !== "")]
      return yield* oauthError({ ...exchange, secrets }, status, error, memberOf(body, "error_description"))
    }
    if (!isSuccess(status)) return yield* unavailable(exchange, { reason: "status", status })
    return body
  })

const readResponse = (exchange: Exchange, sentAt: number, response: HttpClientResponse.HttpClientResponse) =>
  Effect.gen(function* () {
    const { status } = response
    const body = yield* readObject(exchange, response)
    if (body === undefined) {
      const encoding = response.headers["content-encoding"]
      const encoded = encoding === undefined ? "" : ` (content-encoding ${serverText(encoding, exchange.secrets)})`
      return yield* invalid(exchange, status, `the body is not a JSON object${encoded}`)
    }
    return yield* readTokens(exchange, sentAt, status, body)
  })

const isBasic = (authentication: ClientAuthentication | undefined): boolean =>
  authentication === "basic" || authentication === "client_secret_basic"

/** The form fields of the client, or none where it authenticates by a header. */
const clientFields = (client: Client, authentication: ClientAuthentication | undefined): Form => {
  if (isBasic(authentication)) return []
  const id = ["client_id", client.clientId] as const
  return client.clientSecret === undefined ? [id] : [id, ["client_secret", Redacted.value(client.clientSecret)]]
}

const makeRequest = (
  address: string,
  client: Client,
  form: Form,
  authentication: ClientAuthentication | undefined
): Effect.Effect<HttpClientRequest.HttpClientRequest> => {
  const request = HttpClientRequest.post(address).pipe(
    // identity, because two of the three transports of the platform cannot decompress.
    HttpClientRequest.setHeaders({ accept: "application/json", "accept-encoding": "identity" }),
    HttpClientRequest.bodyUrlParams(form)
  )
  if (!isBasic(authentication)) return Effect.succeed(request)
  if (client.clientSecret === undefined) {
    return Effect.die(
      new Cause.IllegalArgumentException(
        "clientAuthentication client_secret_basic needs a client secret, and a Public application has none"
      )
    )
  }
  const credentials = `${formEncode(client.clientId)}:${formEncode(Redacted.value(client.clientSecret))}`
  return Effect.succeed(
    HttpClientRequest.setHeader(request, "authorization", `Basic ${Encoding.encodeBase64(credentials)}`)
  )
}

/** One attempt: never longer than `timeout`, and no platform error (they hold the request) gets out. */
const attempt = <A>(
  exchange: Exchange,
  timeout: number,
  once: Effect.Effect<A, TokenError | HttpClientError.HttpClientError | Body.BodyTooLarge | Body.BodyBroken>
): Effect.Effect<A, TokenError> =>
  once.pipe(
    Effect.catchTags({
      BodyTooLarge: () => unavailable(exchange, { reason: "tooLarge" }),
      RequestError: (error: HttpClientError.RequestError) =>
        unavailable(exchange, { reason: "transport", detail: Transport.describe(error) }),
      ResponseError: (error: HttpClientError.ResponseError) =>
        unavailable(exchange, { reason: "transport", detail: Transport.describe(error) }),
      BodyBroken: ({ detail }: Body.BodyBroken) => unavailable(exchange, { reason: "transport", detail })
    }),
    // A defect of the transport stays one, without the request that it may hold.
    Effect.catchAllDefect((defect) => Effect.die(plainCause(defect, exchange.secrets))),
    Effect.timeoutFail({
      duration: timeout,
      onTimeout: () => unavailable(exchange, { reason: "timeout", detail: `no whole answer in ${timeout} ms` })
    })
  )

/** There was no connection, and there may be one next time. */
const isUnsent = (error: TokenEndpointUnavailable): boolean => {
  const fault = Faults.ofDetail(error.detail)
  return fault.isUnsent && !fault.isPermanent
}

const isBusy = (error: TokenEndpointUnavailable): boolean => error.status === 429 || error.status === 503

const isPassing = (error: TokenEndpointUnavailable): boolean =>
  (error.reason === "transport" && !Faults.ofDetail(error.detail).isPermanent) ||
  (error.reason === "status" && Faults.isTransientStatus(error.status))

/** Makes attempts until one is answered, the schedule ends or the time is over. */
const withRetries = <A>(
  exchange: Exchange,
  options: Options,
  once: (timeout: number) => Effect.Effect<A, TokenError>
): Effect.Effect<A, TokenError> =>
  Effect.gen(function* () {
    const requestTimeout = yield* Effect.orDie(
      Millis.millis("requestTimeout", options.requestTimeout ?? "10 seconds", 1)
    )
    const driver = yield* Schedule.driver(options.retryTransient ?? defaultRetry)
    const deadline = (yield* Clock.currentTimeMillis) + totalTime

    /** Waits for the next attempt as the schedule and the server ask, or fails with the error where none is due. */
    const wait = (error: TokenEndpointUnavailable) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const asked = error.retryAfter === undefined ? 0 : Duration.toMillis(error.retryAfter)
        const isOver = asked > longestRetryAfter || now + asked >= deadline
        if (!exchange.grant.isRepeatable(error) || isOver) return yield* error
        yield* driver.next(error).pipe(
          Effect.zipRight(Clock.currentTimeMillis),
          // Between 0 and what was asked, also where the clock was set meanwhile.
          Effect.flatMap((then) => Effect.sleep(Math.min(asked, Math.max(0, now + asked - then)))),
          Effect.timeoutFail({ duration: deadline - now, onTimeout: () => error }),
          Effect.mapError(() => error)
        )
      })

    const run: Effect.Effect<A, TokenError> = Clock.currentTimeMillis.pipe(
      Effect.flatMap((now) => once(Math.min(requestTimeout, deadline - now))),
      Effect.catchTag("TokenEndpointUnavailable", (error) =>
        Effect.zipRight(
          wait(error),
          Effect.suspend(() => run)
        )
      )
    )
    return yield* run
  })

/** Sends a form of a client, and reads the answer. */
const send = <A>(
  address: string,
  client: Client,
  grant: Grant,
  form: Form,
  options: Options,
  read: (
    exchange: Exchange,
    sentAt: number,
    response: HttpClientResponse.HttpClientResponse
  ) => Effect.Effect<A, TokenError | HttpClientError.HttpClientError | Body.BodyTooLarge | Body.BodyBroken>
): Effect.Effect<A, TokenError, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const transport = yield* Transport.client
    const secret = client.clientSecret === undefined ? undefined : Redacted.value(client.clientSecret)
    const ofClient =
      secret === undefined
        ? []
        : [secret, `${client.clientId}:${secret}`, `${formEncode(client.clientId)}:${formEncode(secret)}`]
    const exchange: Exchange = { address, client, grant, secrets: [...ofClient, ...grant.secrets] }
    const request = yield* makeRequest(address, client, form, options.clientAuthentication)
    const once = Effect.flatMap(Clock.currentTimeMillis, (sentAt) =>
      Effect.flatMap(transport.execute(request), (response) => read(exchange, sentAt, response))
    )
    return yield* withRetries(exchange, options, (timeout) => attempt(exchange, timeout, once))
  })

/** Sends a grant to the token endpoint. */
const exchange = (
  instance: Instance,
  client: Client,
  grant: Grant,
  options: Options
): Effect.Effect<Tokens, TokenError, HttpClient.HttpClient> => {
  const own = clientFields(client, options.clientAuthentication)
  const form: Form = [["grant_type", grant.type], ...own, ...grant.fields]
  return send(instance.tokenEndpoint, client, grant, form, options, readResponse)
}

/**
 * Requests an access token with the client-credentials grant.
 *
 * **Details**
 *
 * - The request is form-encoded: `grant_type`, `client_id`, `client_secret`, and `scope` only when scopes are
 *   configured. Redirects are not followed, no trace headers are sent, at most 1 MiB of the answer is read.
 * - An answer of status 2xx, 400, 401 or 403 whose JSON has an `error` is that OAuth error: `InvalidClient`,
 *   `UnauthorizedClient`, `InvalidScope`, `InvalidGrant`, or `TokenRequestRejected` for the others.
 * - No connection, a timeout, a redirect and every other status are `TokenEndpointUnavailable`.
 * - A 2xx answer that is not a usable token is `TokenResponseInvalid`. `expires_in` may be a number or a numeric
 *   text of seconds, and counts from when the request was sent; missing or null means 300 seconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const request = (
  instance: Instance,
  application: TrustedApplication,
  options: Options = {}
): Effect.Effect<AccessToken.AccessToken, TokenError, HttpClient.HttpClient> => {
  const { scopes } = application
  const grant: Grant = {
    type: "client_credentials",
    fields: scopes.length === 0 ? [] : [["scope", scopes.join(" ")]],
    secrets: [],
    isRepeatable: isPassing
  }
  return Effect.map(exchange(instance, application, grant, options), ({ accessToken }) => accessToken)
}

/**
 * What is exchanged for a person's first tokens.
 *
 * @category models
 * @since 0.2.0
 */
export interface AuthorizationCode {
  /** The `code` of the callback. */
  readonly code: Redacted.Redacted<string>
  /** The secret whose SHA-256 was the `code_challenge` (RFC 7636). */
  readonly codeVerifier: Redacted.Redacted<string>
  /** The redirect address of the authorization request, byte for byte. */
  readonly redirectUri: string
}

/**
 * Exchanges an authorization code for a person's tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
 *
 * **Details**
 *
 * As {@link request}, with these differences. A Public application sends no `client_secret`. The code is sent again
 * only after 429, 503, or where no connection was made: after a broken connection or a timeout it may be spent. A
 * refresh token or id_token that is empty or malformed is `TokenResponseInvalid`; both may be missing. `InvalidGrant`
 * means that the person has to sign in again.
 *
 * @category constructors
 * @since 0.2.0
 */
export const exchangeCode = (
  instance: Instance,
  application: InteractiveApplication,
  authorization: AuthorizationCode,
  options: Options = {}
): Effect.Effect<Tokens, TokenError, HttpClient.HttpClient> => {
  const code = Redacted.value(authorization.code)
  const verifier = Redacted.value(authorization.codeVerifier)
  const grant: Grant = {
    type: "authorization_code",
    fields: [
      ["code", code],
      ["redirect_uri", authorization.redirectUri],
      ["code_verifier", verifier]
    ],
    secrets: [code, verifier],
    isRepeatable: (error) =>
      error.reason === "transport" ? isUnsent(error) : error.reason === "status" && isBusy(error)
  }
  return exchange(instance, application, grant, options)
}

/**
 * Gets a person's next tokens for a refresh token (RFC 6749 section 6). Where the answer has a refresh token, it
 * replaces the one that was sent; else that one is still good. No `scope` is sent, so the scopes stay as they were.
 * Retries are those of {@link request}. `InvalidGrant` means that the person has to sign in again.
 *
 * @category constructors
 * @since 0.2.0
 */
export const refresh = (
  instance: Instance,
  application: InteractiveApplication,
  refreshToken: Redacted.Redacted<string>,
  options: Options = {}
): Effect.Effect<Tokens, TokenError, HttpClient.HttpClient> =>
  exchange(instance, application, refreshGrant(refreshToken), options)

const refreshGrant = (refreshToken: Redacted.Redacted<string>): Grant => {
  const value = Redacted.value(refreshToken)
  return { type: "refresh_token", fields: [["refresh_token", value]], secrets: [value], isRepeatable: isPassing }
}

/**
 * Revokes a refresh token (RFC 7009), so that it gives no more tokens. An access token lives on to its end. A server
 * without revocation (404, 405) is no error, and neither is a token that it does not know.
 *
 * @category constructors
 * @since 0.2.0
 */
export const revoke = (
  instance: Instance,
  application: InteractiveApplication,
  refreshToken: Redacted.Redacted<string>,
  options: Options = {}
): Effect.Effect<void, TokenError, HttpClient.HttpClient> => {
  const form: Form = [
    ...clientFields(application, options.clientAuthentication),
    ["token", Redacted.value(refreshToken)],
    ["token_type_hint", "refresh_token"]
  ]
  const address = instance.revocationEndpoint
  return send(address, application, refreshGrant(refreshToken), form, options, (exchange, _sentAt, response) =>
    response.status === 404 || response.status === 405
      ? Body.discard(response)
      : Effect.asVoid(readObject(exchange, response))
  )
}
