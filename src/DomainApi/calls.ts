import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as AccessToken from "../AccessToken.ts"
import { fromFailure } from "../AuthorizedClient/apiError.ts"
import * as AuthorizedClient from "../AuthorizedClient.ts"
import {
  type ApiError,
  ConcurrencyConflict,
  type ForeignOrigin,
  type InvalidQuery,
  type InvalidValue,
  OutcomeUnknown,
  type PagingLoop,
  type ResponseInvalid,
  type TokenError,
  Unauthorized,
  Unreachable
} from "../ErpNetError.ts"
import type * as Instance from "../Instance.ts"
import * as Body from "../internal/body.ts"
import { secretsOf } from "../internal/callerResponse.ts"
import { maskSecrets } from "../internal/redaction.ts"
import * as RetryAfter from "../internal/retryAfter.ts"
import * as Settings from "../internal/settings.ts"
import * as Transport from "../internal/transport.ts"
import { TokenProvider } from "../TokenProvider.ts"
import * as Coalesce from "./coalesce.ts"
import * as Permits from "./permits.ts"
import * as RateLimit from "./rateLimit.ts"

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
  | InvalidQuery

/**
 * What writing can fail with: what reading can, and what only a change can meet.
 *
 * @category errors
 * @since 0.1.0
 */
export type WriteError = DomainApiError | InvalidValue | ConcurrencyConflict | OutcomeUnknown

/**
 * A 2xx answer of the API.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly text: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Tells whether a text of the answer holds the token that was sent for it. */
  readonly holdsToken: (text: string) => boolean
}

/**
 * A request that may change data. It is never sent again where it may have been executed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Write {
  readonly method: "POST" | "PATCH" | "DELETE"
  /** Below the service root. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: { readonly text: string; readonly contentType: string } | undefined
  /** It only reads (a batch without changes), so it is sent again as a GET would be. */
  readonly readOnly?: boolean | undefined
}

/** The two kinds of requests, with the limits, the retries and the typed errors. */
export interface Calls {
  /** The answer to a GET of a URL below the service root. */
  readonly read: (
    url: string,
    headers?: Readonly<Record<string, string>> | undefined
  ) => Effect.Effect<Answer, DomainApiError>
  /** The answer to a request that may change data. */
  readonly write: (request: Write) => Effect.Effect<Answer, WriteError>
}

/**
 * What the service offers: the instance, its client, and the requests that the functions of this module are made of.
 *
 * @category services
 * @since 0.1.0
 */
export interface Service extends Calls {
  /** The instance that the calls go to. */
  readonly instance: Instance.Instance
  /**
   * The client that the calls go through, for what is not modelled here. Its calls are not counted by the limits; in a
   * transaction they carry its header.
   */
  readonly client: HttpClient.HttpClient.With<AuthorizedClient.AuthorizedClientError>
  /** The id of the transaction that the calls belong to. */
  readonly transaction: string | undefined
  /** Whether lookups by id are joined where a call does not say. */
  readonly coalesces: boolean
  /** Looks up an id together with what other fibers ask for. */
  readonly lookup: Coalesce.Lookup<unknown, DomainApiError>
  /** Runs with one session of its own; others that ask meanwhile wait, because the server has one transaction for each. */
  readonly withSession: <A, E, R>(
    use: (session: Session) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TokenError, R>
}

/** A session of the server: calls that all use the same token, one at a time. */
export interface Session {
  /** Calls that belong to no transaction. */
  readonly calls: Calls
  /** The service whose calls belong to this transaction. */
  readonly inTransaction: (id: string) => Service
  /** Takes another token, where the server refused this one before there was a transaction. */
  readonly renew: Effect.Effect<void, TokenError | Unauthorized>
}

/**
 * The service behind the functions of this module; {@link layer} provides it.
 *
 * @category services
 * @since 0.1.0
 */
export class DomainApi extends Context.Tag("effect-erpnet/DomainApi")<DomainApi, Service>() {}

/**
 * Options of {@link make}: the limits on requests, how long one may take, and those of {@link "AuthorizedClient"}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends AuthorizedClient.Options {
  /**
   * How many requests may be in flight at a time; the others wait. A session of ERP.net runs one request at a time and
   * lets five more wait; what comes then is refused with 429.
   *
   * @default 4
   */
  readonly maxConcurrent?: number | undefined
  /**
   * How many requests may start within any 60 seconds; the others wait. `Infinity` switches it off. ERP.net allows 600
   * for each session by default.
   *
   * @default 600
   */
  readonly requestsPerMinute?: number | undefined
  /**
   * How long one request may take, from sending to the last byte of the answer. The longest that ERP.net takes on
   * purpose is two minutes, in `WaitForChanges`.
   *
   * @default "150 seconds"
   */
  readonly callTimeout?: Duration.DurationInput | undefined
  /**
   * Whether `get` and `find` join those that other fibers ask for within a short time into one request; a call can say
   * otherwise. An object says how as well.
   *
   * @default false
   */
  readonly coalesce?: boolean | CoalesceOptions | undefined
}

/**
 * How lookups by id are joined.
 *
 * @category options
 * @since 0.1.0
 */
export interface CoalesceOptions {
  /**
   * How long the first lookup waits for others.
   *
   * @default "5 millis"
   */
  readonly window?: Duration.DurationInput | undefined
  /**
   * How many ids one request may ask for. With so many it goes out at once.
   *
   * @default 100
   */
  readonly maxIds?: number | undefined
}

const longestRetryAfter = 60_000
const retries = 2

/** The body of a 2xx answer, or the typed error for any other. */
const readAnswer = (
  response: HttpClientResponse.HttpClientResponse,
  method: string,
  path: string
): Effect.Effect<Answer, HttpClientError.ResponseError | ApiError> =>
  response.status >= 200 && response.status < 300
    ? Effect.map(response.text, (text) => ({
        text,
        headers: response.headers,
        holdsToken: (part) => maskSecrets(part, secretsOf(response)) !== part
      }))
    : Effect.gen(function* () {
        // The status counts, also where the body is cut off or too long to be an error of the API.
        const body = yield* Effect.orElseSucceed(Body.read(response), () => "")
        const retryAfter = RetryAfter.parse(response.headers["retry-after"], yield* Clock.currentTimeMillis)
        const { status } = response
        return yield* fromFailure({ method, path, status, retryAfter, body, secrets: secretsOf(response) })
      })

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

// The request never left: there was nobody to send it to.
const notSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT"
])

/** Where nothing can have been executed, a change may be sent again. */
const isNotExecuted = (error: WriteError): boolean =>
  (error._tag === "LicenseUnavailable" && error.status === 503) ||
  (error._tag === "Unreachable" && error.detail !== undefined && notSent.has(error.detail))

/** What an answer means to whoever sent a change: a lost race, or nobody knows what. */
export const ofWrite = (error: DomainApiError): WriteError => {
  if (error._tag === "Unreachable" && error.reason !== "invalidRequest" && !isNotExecuted(error)) {
    return new OutcomeUnknown({ method: error.method, path: error.path, reason: error.reason, detail: error.detail })
  }
  // Nobody documents the code of a lost race; a failed check at saving has one of its own.
  if (error._tag !== "ServerError" && error._tag !== "ValidationFailed") return error
  const { code, detail, method, path, status, type } = error
  if (status === 409 || status === 412 || /object\s?version/i.test(detail ?? "")) {
    return new ConcurrencyConflict({ method, path, status, code, type, detail })
  }
  // A gateway gave up, and what it asked may have been executed.
  return status === 502 || status === 504 ? new OutcomeUnknown({ method, path, reason: "status", status }) : error
}

/** What the calls of a service go through. */
interface Way {
  readonly client: Service["client"]
  readonly instance: Instance.Instance
  readonly withPermit: Permits.Permits["withPermit"]
  readonly start: Effect.Effect<void>
  readonly timeout: number
  readonly headers: Readonly<Record<string, string>>
}

const makeCalls = (way: Way): Calls => {
  /** One request, holding its permit until the body is read. */
  const attempt = (request: HttpClientRequest.HttpClientRequest): Effect.Effect<Answer, DomainApiError> => {
    const { method, url } = request
    const path = URL.canParse(url, way.instance.odata) ? new URL(url, way.instance.odata).pathname : ""
    const unreachable = (reason: Unreachable["reason"], detail: string | undefined) =>
      new Unreachable({ method, path, reason, detail })
    const call = way.client.execute(HttpClientRequest.setHeaders(request, way.headers)).pipe(
      Effect.flatMap((response) => readAnswer(response, method, path)),
      Effect.catchTags({
        RequestError: (error) =>
          unreachable(error.reason === "Transport" ? "transport" : "invalidRequest", Transport.describe(error)),
        ResponseError: (error) => unreachable("transport", Transport.describe(error))
      }),
      // The ends of a transaction run where nothing is interruptible, and there the timeout would wait for ever.
      Effect.interruptible,
      Effect.timeoutFail({
        duration: way.timeout,
        onTimeout: () => unreachable("timeout", `no whole answer in ${way.timeout} ms`)
      })
    )
    return way.withPermit(Effect.zipRight(way.start, call))
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

  return {
    read: (url, headers = {}) =>
      repeat(attempt(HttpClientRequest.get(url, { headers: { accept: "application/json", ...headers } })), isBusy),
    write: ({ body, headers = {}, method, readOnly = false, url }) => {
      const request = HttpClientRequest.make(method)(url, { headers: { accept: "application/json", ...headers } })
      const whole = body === undefined ? request : HttpClientRequest.bodyText(request, body.text, body.contentType)
      return readOnly ? repeat(attempt(whole), isBusy) : repeat(Effect.mapError(attempt(whole), ofWrite), isNotExecuted)
    }
  }
}

/**
 * Makes the service.
 *
 * **Details**
 *
 * - At most `maxConcurrent` requests are in flight and `requestsPerMinute` start in any minute; callers wait in order.
 * - 429 and 503 are tried again twice, after `Retry-After` (one of more than 60 seconds fails at once and is carried by
 *   the error) or else after 1 and 2 seconds. 500, which ERP.net answers to most faults of a request, never is.
 * - A change is tried again only where nothing can have been executed: no free licence (503), nobody to connect to.
 *   Where the answer is lost the error is `OutcomeUnknown`.
 * - Nonsense in the limits (zero, negative, NaN) is a defect.
 * - When the scope is closed, lookups that wait for a joined request fail with `Unreachable`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<Service, never, TokenProvider | HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    const maxConcurrent = yield* Settings.count("maxConcurrent", options.maxConcurrent ?? 4)
    const perMinute = yield* Settings.count("requestsPerMinute", options.requestsPerMinute ?? 600, true)
    const timeout = yield* Effect.orDie(Settings.millis("callTimeout", options.callTimeout ?? "150 seconds", 1))
    const joining = typeof options.coalesce === "object" ? options.coalesce : {}
    const window = yield* Effect.orDie(Settings.millis("coalesce.window", joining.window ?? "5 millis"))
    const maxIds = yield* Settings.count("coalesce.maxIds", joining.maxIds ?? 100)
    const tokens = yield* TokenProvider
    const http = yield* HttpClient.HttpClient
    const { instance } = tokens
    const client = yield* AuthorizedClient.make(options)
    const permits = Permits.make(maxConcurrent)
    const sessions = Permits.make(1)
    const way: Way = {
      client,
      instance,
      withPermit: permits.withPermit,
      start: RateLimit.make(perMinute),
      timeout,
      headers: {}
    }

    const coalesces = options.coalesce !== undefined && options.coalesce !== false
    const lookup = yield* Coalesce.make<unknown, DomainApiError>({
      window,
      maxIds,
      closed: (path) => new Unreachable({ method: "GET", path, reason: "transport", detail: "the layer was closed" })
    })

    const openSession = Effect.gen(function* () {
      let token: AccessToken.AccessToken = yield* tokens.get
      const own = yield* AuthorizedClient.make(options).pipe(
        Effect.provideService(TokenProvider, {
          instance,
          get: Effect.sync(() => token),
          // Another token would be another session, and the transaction lives in this one.
          renew: () => new Unauthorized({})
        }),
        Effect.provideService(HttpClient.HttpClient, http)
      )
      const single = Permits.make(1)
      const ownWay: Way = {
        ...way,
        client: own,
        withPermit: (effect) => single.withPermit(permits.withPermit(effect))
      }
      const session: Session = {
        calls: makeCalls(ownWay),
        inTransaction: (id) => {
          const headers = { transactionid: id }
          return {
            ...makeCalls({ ...ownWay, headers }),
            instance,
            client: HttpClient.mapRequest(own, HttpClientRequest.setHeaders(headers)),
            transaction: id,
            coalesces: false,
            lookup,
            withSession: (use) => use(session)
          }
        },
        renew: Effect.map(
          Effect.suspend(() => tokens.renew(token)),
          (next) => {
            token = next
          }
        )
      }
      return session
    })

    return {
      ...makeCalls(way),
      instance,
      client,
      transaction: undefined,
      coalesces,
      lookup,
      withSession: (use) => sessions.withPermit(Effect.flatMap(openSession, use))
    }
  })

/**
 * {@link make} as a layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<DomainApi, never, TokenProvider | HttpClient.HttpClient> =>
  Layer.scoped(DomainApi, make(options))
