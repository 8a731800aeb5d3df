/**
 * An `HttpClient` for the Domain API: it resolves URLs against the instance, adds the bearer token, and when the API
 * answers 401 gets a fresh token and sends the request again.
 *
 * @example
 * ```ts
 * import { AuthorizedClient, TokenProvider } from "effect-erpnet"
 * import { NodeHttpClient } from "@effect/platform-node"
 * import { Effect, Layer } from "effect"
 *
 * const ApiLive = AuthorizedClient.layer().pipe(
 *   Layer.provide(TokenProvider.layerConfig()),
 *   Layer.provide(NodeHttpClient.layerUndici)
 * )
 *
 * export const program = Effect.gen(function* () {
 *   const client = yield* AuthorizedClient.AuthorizedClient
 *   const response = yield* client.get("Crm_Customers?$top=10")
 *   return yield* response.json
 * }).pipe(Effect.provide(ApiLive))
 * ```
 *
 * @since 0.1.0
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Tracer from "effect/Tracer"
import type * as AccessToken from "./AccessToken.ts"
import { fromFailure } from "./AuthorizedClient/apiError.ts"
import * as Challenge from "./AuthorizedClient/challenge.ts"
import { type ApiError, Expired, ForeignOrigin, type TokenError, Unauthorized } from "./ErpNetError.ts"
import * as Instance from "./Instance.ts"
import * as Body from "./internal/body.ts"
import * as CallerResponse from "./internal/callerResponse.ts"
import * as ContentEncoding from "./internal/contentEncoding.ts"
import { serverText, withoutQuery } from "./internal/redaction.ts"
import * as RetryAfter from "./internal/retryAfter.ts"
import { withSpan } from "./internal/tracing.ts"
import * as Transport from "./internal/transport.ts"
import { TokenProvider } from "./TokenProvider.ts"

export { type Failure, fromFailure } from "./AuthorizedClient/apiError.ts"

/**
 * What a call can fail with. Platform errors are told of the caller's own request, without the token.
 *
 * @category errors
 * @since 0.1.0
 */
export type AuthorizedClientError = TokenError | Unauthorized | ForeignOrigin | HttpClientError.HttpClientError

/**
 * The client as a service; {@link layer} provides it.
 *
 * @category services
 * @since 0.1.0
 */
export class AuthorizedClient extends Context.Tag("effect-erpnet/AuthorizedClient")<
  AuthorizedClient,
  HttpClient.HttpClient.With<AuthorizedClientError>
>() {}

/**
 * Options of {@link make}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * When to send a request again that the API answered with 401, each time with a renewed token. It is not run before
   * the first 401.
   *
   * @default Schedule.recurs(1)
   */
  readonly retryUnauthorized?: Schedule.Schedule<unknown, Unauthorized | Expired> | undefined
  /**
   * Sends the trace context (`traceparent`, `b3`) of the span `AuthorizedClient.execute` to the API.
   *
   * @default false
   */
  readonly tracePropagation?: boolean | undefined
}

/** The caller's request as one call of the API. */
interface Call {
  /** As the caller made it, without any Authorization: what responses and errors show. */
  readonly own: HttpClientRequest.HttpClientRequest
  /** The same with its absolute URL: what is sent, but for the token. */
  readonly outgoing: HttpClientRequest.HttpClientRequest
  readonly url: URL
}

const withoutAuthorization = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  Headers.has(request.headers, "authorization")
    ? HttpClientRequest.make(request.method)(request.url, {
        urlParams: request.urlParams,
        headers: Headers.remove(request.headers, "authorization"),
        body: request.body
      }).pipe((copy) => (request.hash._tag === "Some" ? HttpClientRequest.setHash(copy, request.hash.value) : copy))
    : request

const resolve = (
  instance: Instance.Instance,
  request: HttpClientRequest.HttpClientRequest
): Either.Either<Call, ForeignOrigin | HttpClientError.RequestError> => {
  const anonymous = withoutAuthorization(request)
  if (!URL.canParse(request.url, instance.odata)) {
    return Either.left(
      new HttpClientError.RequestError({
        request: anonymous,
        reason: "InvalidUrl",
        description: "the URL cannot be parsed"
      })
    )
  }
  const url = new URL(request.url, instance.odata)
  if (!Instance.owns(instance, url)) {
    return Either.left(new ForeignOrigin({ origin: url.origin, expected: new URL(instance.odata).origin }))
  }
  // A user name and password are another Authorization, so they are neither sent nor shown.
  const hasUserInfo = url.username !== "" || url.password !== ""
  url.username = ""
  url.password = ""
  const own = hasUserInfo ? HttpClientRequest.setUrl(anonymous, url.href) : anonymous
  // A fragment is not for the server, and undici would send it.
  url.hash = ""
  // As a text: the platform would write a URL object anew, and links of the server go out byte for byte.
  const outgoing = HttpClientRequest.removeHash(HttpClientRequest.setUrl(own, url.href))
  return Either.right({ own, outgoing, url })
}

/** A body that can be sent twice: streams can be read once, and a second reading may be silently empty. */
const isReplayable = (request: HttpClientRequest.HttpClientRequest): boolean => {
  const { body } = request
  if (body._tag === "Stream") return false
  if (body._tag !== "Raw") return true
  return (
    typeof body.body === "string" ||
    ArrayBuffer.isView(body.body) ||
    body.body instanceof ArrayBuffer ||
    body.body instanceof Blob ||
    body.body instanceof FormData ||
    body.body instanceof URLSearchParams
  )
}

/** The tokens that a call has sent so far, the newest first: what must not stand in any text of an answer to it. */
type Sent = readonly [AccessToken.AccessToken, ...ReadonlyArray<AccessToken.AccessToken>]

const secretsOf = (sent: Sent) => () => sent.map((token) => Redacted.value(token.value))

/** The 401 as an error: what the API said, free of the tokens that it answered to. Made when it is asked for. */
const refusal =
  (call: Call, response: HttpClientResponse.HttpClientResponse, sent: Sent) => (): Unauthorized | Expired => {
    const challenge = Challenge.bearer(response.headers["www-authenticate"])
    const clean = (text: string | undefined) => (text === undefined ? undefined : serverText(text, secretsOf(sent)()))
    const fields = {
      status: response.status,
      error: clean(challenge.error),
      errorDescription: clean(challenge.errorDescription),
      method: call.own.method,
      path: call.url.pathname
    }
    return Challenge.saysExpired(challenge) ? new Expired(fields) : new Unauthorized(fields)
  }

/** A copy of a token error that also carries the 401 which made the renewal necessary; the original is shared. */
const withRejected = (error: TokenError, refused: Unauthorized | Expired): TokenError =>
  error.with({ rejected: new Unauthorized({ ...refused }) })

const attributesOf = (call: Call) => ({
  "http.request.method": call.own.method,
  "server.address": call.url.hostname,
  "url.path": call.url.pathname
})

const note = (
  span: Tracer.Span | undefined,
  attempt: number,
  token: AccessToken.AccessToken,
  status: number
): Effect.Effect<void> =>
  span === undefined
    ? Effect.void
    : Effect.map(Clock.currentTimeNanos, (now) => {
        span.event("attempt", now, {
          "http.request.resend_count": attempt - 1,
          "http.response.status_code": status,
          "erpnet.token.fingerprint": token.fingerprint
        })
        span.attribute("http.response.status_code", status)
      })

/** What a call is sent with. */
interface Sending {
  readonly tokens: TokenProvider["Type"]
  readonly transport: HttpClient.HttpClient
  readonly propagates: boolean
  readonly retryUnauthorized: Options["retryUnauthorized"]
}

/** Sends the call with the newest of the tokens. */
const send = (
  { propagates, transport }: Sending,
  call: Call,
  span: Tracer.Span | undefined,
  sent: Sent
): Effect.Effect<HttpClientResponse.HttpClientResponse, ForeignOrigin | HttpClientError.HttpClientError> => {
  const request =
    propagates && span !== undefined
      ? HttpClientRequest.setHeaders(call.outgoing, HttpTraceContext.toHeaders(span))
      : call.outgoing
  const [token] = sent
  const bearer = `Bearer ${Redacted.value(token.value)}`
  const secrets = secretsOf(sent)
  return transport.execute(HttpClientRequest.setHeader(request, "authorization", bearer)).pipe(
    Effect.mapError((error) => CallerResponse.clientError(error, call.own, secrets)),
    // A defect of the transport stays one, without the request that it may hold.
    Effect.catchAllDefect((defect) => Effect.die(CallerResponse.plainCause(defect, secrets()))),
    Effect.flatMap((response) => {
      const answered = response.request.url
      if (answered !== call.outgoing.url && Transport.wasRedirected(call.outgoing.url, answered)) {
        const origin = serverText(new URL(answered).origin, secrets())
        const error = new ForeignOrigin({ origin, expected: call.url.origin })
        return Effect.zipRight(Body.discard(response), error)
      }
      return Effect.as(note(span, sent.length, token, response.status), response)
    })
  )
}

/** From the first 401 on: the schedule decides, the token is renewed, the request goes out again. */
const retry = (
  sending: Sending,
  call: Call,
  span: Tracer.Span | undefined,
  first: HttpClientResponse.HttpClientResponse,
  token: AccessToken.AccessToken
): Effect.Effect<HttpClientResponse.HttpClientResponse, AuthorizedClientError> =>
  Effect.gen(function* () {
    const { retryUnauthorized, tokens } = sending
    const driver = retryUnauthorized === undefined ? undefined : yield* Schedule.driver(retryUnauthorized)
    const replayable = isReplayable(call.own)
    let response = first
    let sent: Sent = [token]
    while (response.status === 401) {
      const refused = refusal(call, response, sent)
      yield* Body.discard(response)
      const goesOn =
        replayable &&
        // What `Schedule.recurs(1)` says, without making the error: when a token is revoked, all calls ask.
        (driver === undefined ? sent.length === 1 : yield* Effect.isSuccess(driver.next(refused())))
      if (!goesOn) {
        // Not sent again, but the next call shall not use this token either.
        if (sent.length === 1) {
          // The caller does not wait for what is of no use to it; one turn is enough to drop the token.
          yield* Effect.forkDaemon(Effect.ignore(tokens.renew(sent[0])))
          yield* Effect.yieldNow()
        }
        return yield* refused()
      }
      const renewed = yield* Effect.mapError(tokens.renew(sent[0]), (error) =>
        error._tag === "Unauthorized" ? refused() : withRejected(error, refused())
      )
      sent = [renewed, ...sent]
      response = yield* send(sending, call, span, sent)
    }
    return CallerResponse.make(response, call.own, secretsOf(sent))
  })

/**
 * Makes the client; it keeps no state of its own.
 *
 * **Details**
 *
 * - URLs resolve as in a browser against the OData root of the instance. One that the instance does not own fails
 *   with `ForeignOrigin` before a token is fetched; redirects are handed back, not followed.
 * - After a 401 its body is discarded, the token renewed and the same request sent again, as often as
 *   `retryUnauthorized` allows. Then the error is `Expired` where the challenge says that the token expired, else
 *   `Unauthorized`. A request whose body is a stream is not sent twice. Where the renewal fails its own error is
 *   raised, with the 401 in its field `rejected`.
 * - Every other answer passes through, whatever its status. Without a token there is no call.
 * - Responses and platform errors that come out are bound to the caller's own request, without the token, and
 *   printing a response prints no body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<HttpClient.HttpClient.With<AuthorizedClientError>, never, TokenProvider | HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const tokens = yield* TokenProvider
    const transport = ContentEncoding.decoded(yield* Transport.client)
    const { instance } = tokens
    const sending: Sending = {
      tokens,
      transport,
      propagates: options.tracePropagation ?? false,
      retryUnauthorized: options.retryUnauthorized
    }

    const execute = (
      request: HttpClientRequest.HttpClientRequest
    ): Effect.Effect<HttpClientResponse.HttpClientResponse, AuthorizedClientError> => {
      const resolved = resolve(instance, request)
      if (Either.isLeft(resolved)) return Effect.fail(resolved.left)
      const call = resolved.right
      return withSpan(
        "AuthorizedClient.execute",
        () => attributesOf(call),
        (span) =>
          Effect.flatMap(tokens.get, (token) =>
            Effect.flatMap(send(sending, call, span, [token]), (response) =>
              response.status === 401
                ? retry(sending, call, span, response, token)
                : Effect.succeed(CallerResponse.make(response, call.own, secretsOf([token])))
            )
          ),
        { kind: "client" }
      )
    }
    return HttpClient.makeWith<never, never, AuthorizedClientError, never>(Effect.flatMap(execute), Effect.succeed)
  })

/**
 * {@link make} as a layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<AuthorizedClient, never, TokenProvider | HttpClient.HttpClient> =>
  Layer.effect(AuthorizedClient, make(options))

/**
 * Passes a 2xx answer on, and fails with the typed error of any other: `Forbidden`, `NotFound`, `RateLimited`,
 * `LicenseUnavailable`, `EntityRenamed`, `ValidationFailed`, `DuplicateKey` or `ServerError`. The status counts, also
 * where the body is cut off or too long to be an error of the API. The error names the path of the request, or the one
 * that is given.
 *
 * @example
 * ```ts
 * import { AuthorizedClient } from "effect-erpnet"
 * import { Effect } from "effect"
 *
 * export const program = Effect.gen(function* () {
 *   const client = yield* AuthorizedClient.AuthorizedClient
 *   const response = yield* client.get("GetVersion")
 *   return yield* AuthorizedClient.filterStatus(response)
 * })
 * ```
 *
 * @category errors
 * @since 0.2.0
 */
export const filterStatus = (
  response: HttpClientResponse.HttpClientResponse,
  path?: string
): Effect.Effect<HttpClientResponse.HttpClientResponse, ApiError> =>
  response.status >= 200 && response.status < 300
    ? Effect.succeed(response)
    : Effect.gen(function* () {
        const body = yield* Effect.orElseSucceed(Body.read(response), () => "")
        const { request, status } = response
        return yield* fromFailure({
          method: request.method,
          path: path ?? (URL.canParse(request.url) ? new URL(request.url).pathname : withoutQuery(request.url)),
          status,
          retryAfter: RetryAfter.parse(response.headers["retry-after"], yield* Clock.currentTimeMillis),
          body,
          secrets: CallerResponse.secretsOf(response)
        })
      })
