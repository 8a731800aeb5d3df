import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as AuthorizedClient from "../AuthorizedClient.ts"
import { type Answer, isNotExecuted, toWriteError, type WireRequest } from "../DomainRequest.ts"
import { type ApiError, type DomainApiError, Unreachable, type WriteError } from "../ErpNetError.ts"
import type * as Instance from "../Instance.ts"
import { secretsOf } from "../internal/callerResponse.ts"
import * as Faults from "../internal/faults.ts"
import { maskSecrets } from "../internal/redaction.ts"
import * as Transport from "../internal/transport.ts"
import type * as Permits from "./permits.ts"

/** Sends requests, with the limits, the retries and the typed errors. */
export interface Calls {
  /** Sends a request that changes nothing: it is sent again where that may help. */
  readonly read: (request: WireRequest) => Effect.Effect<Answer, DomainApiError>
  /** Sends a request that may change data: it is never sent again where it may have been executed. */
  readonly write: (request: WireRequest) => Effect.Effect<Answer, WriteError>
}

/** How requests are sent. */
export interface CallPolicy {
  readonly client: HttpClient.HttpClient.With<AuthorizedClient.AuthorizedClientError>
  readonly instance: Instance.Instance
  readonly withPermit: Permits.Permits["withPermit"]
  readonly start: Effect.Effect<void>
  readonly timeout: number
  readonly headers: Readonly<Record<string, string>>
}

const longestRetryAfter = 60_000
const retries = 2

/** The body of a 2xx answer, or the typed error for any other. */
const readAnswer = (
  response: HttpClientResponse.HttpClientResponse,
  path: string,
  root: string
): Effect.Effect<Answer, HttpClientError.ResponseError | ApiError> =>
  Effect.flatMap(AuthorizedClient.filterStatus(response, path), ({ headers, text: whole }) =>
    Effect.zipWith(whole, Clock.currentTimeMillis, (text, receivedAt) => ({
      text,
      headers,
      root,
      path,
      receivedAt,
      holdsToken: (part) => maskSecrets(part, secretsOf(response)) !== part
    }))
  )

/** How long to wait before the same request goes out again; nothing where it does not. */
const retryDelay = (error: WriteError, tried: number): Duration.Duration | undefined => {
  const asked = "retryAfter" in error ? error.retryAfter : undefined
  const wait = asked ?? Duration.seconds(2 ** tried)
  return tried < retries && Duration.toMillis(wait) <= longestRetryAfter ? wait : undefined
}

/** 429 and 503: the only answers after which a GET is sent again. */
const isBusy = (error: WriteError): boolean =>
  (error._tag === "RateLimited" || error._tag === "LicenseUnavailable" || error._tag === "ServerError") &&
  (error.status === 429 || error.status === 503)

/** One request, holding its permit until the body is read. */
const attempt = (policy: CallPolicy, wire: WireRequest): Effect.Effect<Answer, DomainApiError> => {
  const { body, headers = {}, method, url } = wire
  const bare = HttpClientRequest.make(method)(url, { headers: { accept: "application/json", ...headers } })
  const request = body === undefined ? bare : HttpClientRequest.bodyText(bare, body.text, body.contentType)
  const path = URL.canParse(url, policy.instance.odata) ? new URL(url, policy.instance.odata).pathname : ""
  const unreachable = (reason: Unreachable["reason"], detail: string | undefined) =>
    new Unreachable({ method, path, reason, detail })
  const call = policy.client.execute(HttpClientRequest.setHeaders(request, policy.headers)).pipe(
    Effect.flatMap((response) => readAnswer(response, path, policy.instance.odata)),
    Effect.catchTags({
      RequestError: (error) =>
        unreachable(error.reason === "Transport" ? "transport" : "invalidRequest", Transport.describe(error)),
      ResponseError: (error) => unreachable("transport", Transport.describe(error))
    }),
    // The ends of a transaction run where nothing is interruptible, and there the timeout would wait for ever.
    Effect.interruptible,
    Effect.timeoutFail({
      duration: policy.timeout,
      onTimeout: () => unreachable("timeout", `no whole answer in ${policy.timeout} ms`)
    })
  )
  return policy.withPermit(Effect.zipRight(policy.start, call))
}

const repeat = <E extends WriteError>(
  once: Effect.Effect<Answer, E>,
  isRepeated: (error: E) => boolean,
  tried = 0
): Effect.Effect<Answer, E> =>
  Effect.catchAll(once, (error) => {
    const wait = isRepeated(error) ? retryDelay(error, tried) : undefined
    return wait === undefined ? Effect.fail(error) : Effect.delay(repeat(once, isRepeated, tried + 1), wait)
  })

/** A change is sent again where nothing was executed, and the fault is none that stays, such as a bad certificate. */
const isSentAgain = (error: WriteError): boolean =>
  isNotExecuted(error) && !(error._tag === "Unreachable" && Faults.ofDetail(error.detail).isPermanent)

export const make = (policy: CallPolicy): Calls => ({
  read: (request) => repeat(attempt(policy, request), isBusy),
  write: (request) => repeat(Effect.mapError(attempt(policy, request), toWriteError), isSentAgain)
})
