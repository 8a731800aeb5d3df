import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/**
 * Makes fetch return a redirect instead of following it (the other transports never follow), keeping what the
 * user configured. It goes through the context because the platform's fetch client reads it there at each request.
 */
const withoutRedirects = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.mapInputContext(effect, (context: Context.Context<R>) =>
    Context.add(context, FetchHttpClient.RequestInit, {
      ...Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit)),
      redirect: "manual"
    })
  )

/** Returns the answer where the user's client turns statuses into errors (`filterStatusOk`): this package checks them. */
const withStatus: <R>(
  effect: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R>
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R> = Effect.catchTag(
  "ResponseError",
  (error) => (error.reason === "StatusCode" ? Effect.succeed(error.response) : Effect.fail(error))
)

/**
 * The HttpClient of the context as this package uses it: no redirect is followed, no status is an error, and the
 * platform makes no span and sends no trace headers of its own.
 */
export const harden = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  client.pipe(
    HttpClient.transformResponse((effect) => withStatus(withoutRedirects(effect))),
    HttpClient.withTracerPropagation(false),
    HttpClient.withTracerDisabledWhen(() => true)
  )

/** {@link harden} applied to the HttpClient of the context. */
export const client: Effect.Effect<HttpClient.HttpClient, never, HttpClient.HttpClient> = Effect.map(
  HttpClient.HttpClient,
  harden
)

/** The first error code such as `ECONNREFUSED` along a chain of causes. */
const errorCode = (error: unknown, depth = 0): string | undefined => {
  if (depth > 5 || !Predicate.isRecord(error)) return undefined
  const code = error["code"]
  if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,63}$/.test(code)) return code
  const errors = error["errors"]
  return errorCode(error["cause"], depth + 1) ?? (Array.isArray(errors) ? errorCode(errors[0], depth + 1) : undefined)
}

/** Describes a platform error by the code of the operating system or library, never by its request or text. */
export const describe = (error: HttpClientError.HttpClientError): string | undefined => errorCode(error.cause)

/** True where the transport answered for another origin than was asked: a redirect was followed on the way. */
export const wasRedirected = (asked: string, answered: string): boolean =>
  URL.canParse(answered) && new URL(asked).origin !== new URL(answered).origin

// Where there was no connection, nothing can have been sent.
const notConnected = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT"
])

/** Whether a code of {@link describe} says that the request was never sent. */
export const wasNotSent = (code: string | undefined): boolean => code !== undefined && notConnected.has(code)
