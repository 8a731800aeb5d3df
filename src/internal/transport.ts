import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Faults from "./faults.ts"

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

/** What can be said of a platform error, see `faults.ts`: never the request or a text. */
export const describe = (error: HttpClientError.HttpClientError): string | undefined => Faults.detailOf(error.cause)

/** True where the transport answered for another origin than was asked: a redirect was followed on the way. */
export const wasRedirected = (asked: string, answered: string): boolean =>
  URL.canParse(answered) && new URL(asked).origin !== new URL(answered).origin
