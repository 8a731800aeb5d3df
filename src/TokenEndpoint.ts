/**
 * One exchange with the token endpoint: the client-credentials request (RFC 6749 section 4.4) goes out, an access
 * token or a typed error comes back. Nothing is kept; {@link "TokenProvider"} is what keeps a token.
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
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
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
 * Options of {@link request}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * How the client authenticates: `post` sends id and secret as form fields, as ERP.net documents; `basic` sends
   * them form-encoded in an `Authorization: Basic` header (RFC 6749 section 2.3.1).
   *
   * @default "post"
   */
  readonly clientAuthentication?: "post" | "basic" | undefined
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

// Own words for each member: those of the parser would quote the value, which may be the token.
const faults: Readonly<Record<string, string>> = {
  access_token: "it is missing, empty, not a text, or holds characters that no bearer token has (%x21-7E)",
  token_type: "only Bearer tokens can be used",
  expires_in: "it must be a number of seconds greater than zero",
  scope: "it must be a text of scopes separated by blanks"
}

/** A member that stands in the answer itself, whatever its name. */
const memberOf = (body: object, name: string): unknown =>
  Object.hasOwn(body, name) ? Reflect.get(body, name) : undefined

/** What one exchange needs to know to answer in its own words. */
interface Exchange {
  readonly instance: Instance
  readonly application: TrustedApplication
  readonly secrets: ReadonlyArray<string>
}

const unavailable = (
  exchange: Exchange,
  fields: Omit<ConstructorParameters<typeof TokenEndpointUnavailable>[0], "tokenEndpoint">
): TokenEndpointUnavailable =>
  new TokenEndpointUnavailable({ tokenEndpoint: withoutQuery(exchange.instance.tokenEndpoint), ...fields })

const invalid = (exchange: Exchange, status: number, reason: string, path?: string): TokenResponseInvalid =>
  new TokenResponseInvalid({ tokenEndpoint: withoutQuery(exchange.instance.tokenEndpoint), status, reason, path })

const oauthError = (
  exchange: Exchange,
  status: number,
  error: string,
  description: unknown
): InvalidClient | UnauthorizedClient | InvalidScope | InvalidGrant | TokenRequestRejected => {
  const fields = {
    error: serverText(error, exchange.secrets),
    errorDescription: typeof description === "string" ? serverText(description, exchange.secrets) : undefined,
    status,
    clientId: exchange.application.clientId,
    tokenEndpoint: withoutQuery(exchange.instance.tokenEndpoint)
  }
  switch (error) {
    case "invalid_client":
      return new InvalidClient({
        ...fields,
        hint: SettingShape.secretHintOf(Redacted.value(exchange.application.clientSecret))
      })
    case "unauthorized_client":
      return new UnauthorizedClient(fields)
    case "invalid_scope":
      return new InvalidScope({ ...fields, scopes: exchange.application.scopes })
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
          scopes: scopesOf(token.scope, exchange.application.scopes),
          issuedAt: sentAt,
          expiresAt: Math.min(maximumTime, Math.floor(sentAt + (token.expires_in ?? defaultLifetime) * 1000))
        })
      )
  })

const isSuccess = (status: number): boolean => status >= 200 && status < 300
const mayBeOAuthError = (status: number): boolean =>
  isSuccess(status) || status === 400 || status === 401 || status === 403

const readResponse = (exchange: Exchange, sentAt: number, response: HttpClientResponse.HttpClientResponse) =>
  Effect.gen(function* () {
    const status = response.status
    const isRedirect =
      status === 0 ||
      (status >= 300 && status < 400) ||
      Transport.wasRedirected(exchange.instance.tokenEndpoint, response.request.url)
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
    const parsed = Option.getOrUndefined(LosslessJson.parsePlain(yield* Body.read(response)))
    const body = Predicate.isRecord(parsed) ? parsed : undefined
    const error = body && memberOf(body, "error")
    if (body !== undefined && typeof error === "string" && error !== "") {
      const token = memberOf(body, "access_token")
      const secrets = typeof token === "string" ? [...exchange.secrets, token] : exchange.secrets
      return yield* oauthError({ ...exchange, secrets }, status, error, memberOf(body, "error_description"))
    }
    if (!isSuccess(status)) return yield* unavailable(exchange, { reason: "status", status })
    if (body === undefined) {
      const encoding = response.headers["content-encoding"]
      const encoded = encoding === undefined ? "" : ` (content-encoding ${serverText(encoding, exchange.secrets)})`
      return yield* invalid(exchange, status, `the body is not a JSON object${encoded}`)
    }
    return yield* readToken(exchange, sentAt, status, body)
  })

const makeRequest = (exchange: Exchange, authentication: "post" | "basic"): HttpClientRequest.HttpClientRequest => {
  const { clientId, clientSecret, scopes } = exchange.application
  const grant: ReadonlyArray<readonly [string, string]> = [["grant_type", "client_credentials"]]
  const credentials: ReadonlyArray<readonly [string, string]> =
    authentication === "post"
      ? [
          ["client_id", clientId],
          ["client_secret", Redacted.value(clientSecret)]
        ]
      : []
  const scope: ReadonlyArray<readonly [string, string]> = scopes.length === 0 ? [] : [["scope", scopes.join(" ")]]
  const request = HttpClientRequest.post(exchange.instance.tokenEndpoint).pipe(
    // identity, because two of the three transports of the platform cannot decompress.
    HttpClientRequest.setHeaders({ accept: "application/json", "accept-encoding": "identity" }),
    HttpClientRequest.bodyUrlParams([...grant, ...credentials, ...scope])
  )
  return authentication === "post"
    ? request
    : HttpClientRequest.setHeader(
        request,
        "authorization",
        `Basic ${Encoding.encodeBase64(`${formEncode(clientId)}:${formEncode(Redacted.value(clientSecret))}`)}`
      )
}

/** One attempt: never longer than `timeout`, and no platform error (they hold the request) gets out. */
const attempt = (
  exchange: Exchange,
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  timeout: number
): Effect.Effect<AccessToken.AccessToken, TokenError> =>
  Effect.gen(function* () {
    const sentAt = yield* Clock.currentTimeMillis
    const response = yield* client.execute(request)
    return yield* readResponse(exchange, sentAt, response)
  }).pipe(
    Effect.catchTags({
      BodyTooLarge: () => unavailable(exchange, { reason: "tooLarge" }),
      RequestError: (error) => unavailable(exchange, { reason: "transport", detail: Transport.describe(error) }),
      ResponseError: (error) => unavailable(exchange, { reason: "transport", detail: Transport.describe(error) }),
      BodyBroken: ({ detail }) => unavailable(exchange, { reason: "transport", detail })
    }),
    // A defect of the transport stays one, without the request that it may hold.
    Effect.catchAllDefect((defect) => Effect.die(plainCause(defect, exchange.secrets))),
    Effect.timeoutFail({
      duration: timeout,
      onTimeout: () => unavailable(exchange, { reason: "timeout", detail: `no whole answer in ${timeout} ms` })
    })
  )

const isRetryable = (error: TokenEndpointUnavailable): boolean =>
  (error.reason === "transport" && !Faults.ofDetail(error.detail).isPermanent) ||
  (error.reason === "status" && Faults.isTransientStatus(error.status))

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
): Effect.Effect<AccessToken.AccessToken, TokenError, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const requestTimeout = yield* Effect.orDie(
      Millis.millis("requestTimeout", options.requestTimeout ?? "10 seconds", 1)
    )
    const client = yield* Transport.client
    const secret = Redacted.value(application.clientSecret)
    const exchange: Exchange = {
      instance,
      application,
      secrets: [
        secret,
        `${application.clientId}:${secret}`,
        `${formEncode(application.clientId)}:${formEncode(secret)}`
      ]
    }
    const tokenRequest = makeRequest(exchange, options.clientAuthentication ?? "post")
    const driver = yield* Schedule.driver(options.retryTransient ?? defaultRetry)
    const deadline = (yield* Clock.currentTimeMillis) + totalTime

    /** Waits for the next attempt as the schedule and the server ask, or fails with the error where none is due. */
    const wait = (error: TokenEndpointUnavailable) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const asked = error.retryAfter === undefined ? 0 : Duration.toMillis(error.retryAfter)
        if (!isRetryable(error) || asked > longestRetryAfter || now + asked >= deadline) return yield* error
        yield* driver.next(error).pipe(
          Effect.zipRight(Clock.currentTimeMillis),
          // Between 0 and what was asked, also where the clock was set meanwhile.
          Effect.flatMap((then) => Effect.sleep(Math.min(asked, Math.max(0, now + asked - then)))),
          Effect.timeoutFail({ duration: deadline - now, onTimeout: () => error }),
          Effect.mapError(() => error)
        )
      })

    const run: Effect.Effect<AccessToken.AccessToken, TokenError> = Clock.currentTimeMillis.pipe(
      Effect.flatMap((now) => attempt(exchange, client, tokenRequest, Math.min(requestTimeout, deadline - now))),
      Effect.catchTag("TokenEndpointUnavailable", (error) =>
        Effect.zipRight(
          wait(error),
          Effect.suspend(() => run)
        )
      )
    )
    return yield* run
  })
