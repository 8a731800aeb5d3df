/**
 * The Domain API of ERP.net: its OData v4 service, read with typed rows.
 *
 * @example
 * ```ts
 * import { DomainApi, EntitySet, Filter } from "effect-erpnet"
 * import { Console, Effect, Schema, Stream } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({
 *   Id: Schema.UUID,
 *   Number: Schema.NullOr(Schema.String),
 *   Active: Schema.Boolean
 * }))
 *
 * export const program = DomainApi.stream(Customers, { filter: Filter.eq("Active", true) }).pipe(
 *   Stream.runForEach((customer) => Console.log(customer.Number))
 * )
 *
 * export const count = Effect.flatMap(DomainApi.count(Customers), Console.log)
 * ```
 *
 * @since 0.1.0
 */
import * as Headers from "@effect/platform/Headers"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AuthorizedClient from "./AuthorizedClient.ts"
import type * as ComplexType from "./ComplexType.ts"
import type * as EntitySet from "./EntitySet.ts"
import {
  type ForeignOrigin,
  InvalidQuery,
  PagingLoop,
  ResponseInvalid,
  type TokenError,
  type Unauthorized,
  Unreachable
} from "./ErpNetError.ts"
import type * as Instance from "./Instance.ts"
import { type ApiError, fromFailure } from "./internal/apiError.ts"
import * as Body from "./internal/body.ts"
import * as Millis from "./internal/duration.ts"
import { isGuid } from "./internal/literal.ts"
import * as LosslessJson from "./internal/losslessJson.ts"
import { describe, formatPath } from "./internal/parseFault.ts"
import * as Permits from "./internal/permits.ts"
import * as RateLimit from "./internal/rateLimit.ts"
import { secretsOf } from "./internal/response.ts"
import * as RetryAfter from "./internal/retryAfter.ts"
import { prepare, shapeOf } from "./internal/rowShape.ts"
import { maskSecrets, serverText } from "./internal/text.ts"
import { withSpan } from "./internal/tracing.ts"
import * as Transport from "./internal/transport.ts"
import * as Query from "./Query.ts"
import { TokenProvider } from "./TokenProvider.ts"

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
 * A 2xx answer of the API.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly text: string
  /** Tells whether a text of the answer holds the token that was sent for it. */
  readonly holdsToken: (text: string) => boolean
}

/**
 * @category services
 * @since 0.1.0
 */
export interface Service {
  /** The instance that is read. */
  readonly instance: Instance.Instance
  /** The client that the calls go through, for what is not modelled here. Its calls are not counted by the limits. */
  readonly client: HttpClient.HttpClient.With<AuthorizedClient.AuthorizedClientError>
  /** The answer to a GET of a URL below the service root, within the limits, with the retries and the typed errors. */
  readonly read: (
    url: string,
    headers?: Readonly<Record<string, string>> | undefined
  ) => Effect.Effect<Answer, DomainApiError>
}

/**
 * @category services
 * @since 0.1.0
 */
export class DomainApi extends Context.Tag("effect-erpnet/DomainApi")<DomainApi, Service>() {}

/**
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
   * How long one request may take, from sending to the last byte of the answer.
   *
   * @default "2 minutes"
   */
  readonly callTimeout?: Duration.DurationInput | undefined
}

const defaultTop = 1000
const longestRetryAfter = 60_000
const retries = 2

const limit = (name: string, value: number, mayBeInfinite: boolean) =>
  (Number.isInteger(value) && value > 0) || (mayBeInfinite && value === Number.POSITIVE_INFINITY)
    ? Effect.succeed(value)
    : Effect.die(new Cause.IllegalArgumentException(`${name} is ${value}; give a whole number greater than zero`))

/**
 * Makes the service.
 *
 * **Details**
 *
 * - At most `maxConcurrent` requests are in flight and `requestsPerMinute` start in any minute; callers wait in order.
 * - 429 and 503 are tried again twice, after `Retry-After` (one of more than 60 seconds fails at once and is carried by
 *   the error) or else after 1 and 2 seconds. 500, which ERP.net answers to most faults of a request, never is.
 * - Nonsense in the limits (zero, negative, NaN) is a defect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<Service, never, TokenProvider | HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const maxConcurrent = yield* limit("maxConcurrent", options.maxConcurrent ?? 4, false)
    const perMinute = yield* limit("requestsPerMinute", options.requestsPerMinute ?? 600, true)
    const timeout = yield* Effect.orDie(Millis.millis("callTimeout", options.callTimeout ?? "2 minutes", 1))
    const { instance } = yield* TokenProvider
    const client = yield* AuthorizedClient.make(options)
    const permits = Permits.make(maxConcurrent)
    const start = RateLimit.make(perMinute)

    /** One request, holding its permit until the body is read. */
    const attempt = (request: HttpClientRequest.HttpClientRequest, path: string) => {
      const { method } = request
      const unreachable = (reason: Unreachable["reason"], detail: string | undefined) =>
        new Unreachable({ method, path, reason, detail })
      const call = client.execute(request).pipe(
        Effect.flatMap((response) => readBody(response, method, path)),
        Effect.catchTags({
          RequestError: (error) =>
            unreachable(error.reason === "Transport" ? "transport" : "invalidRequest", Transport.describe(error)),
          ResponseError: (error) => unreachable("transport", Transport.describe(error))
        }),
        Effect.timeoutFail({
          duration: timeout,
          onTimeout: () => unreachable("timeout", `no whole answer in ${timeout} ms`)
        })
      )
      return permits.withPermit(Effect.zipRight(start, call))
    }

    const read: Service["read"] = (url, headers = {}) => {
      const request = HttpClientRequest.get(url, { headers: { accept: "application/json", ...headers } })
      const path = URL.canParse(url, instance.odata) ? new URL(url, instance.odata).pathname : ""
      const run = (tried: number): Effect.Effect<Answer, DomainApiError> =>
        Effect.catchAll(attempt(request, path), (error) => {
          const wait = tried < retries ? retryDelay(error, tried) : undefined
          return wait === undefined ? Effect.fail(error) : Effect.delay(run(tried + 1), wait)
        })
      return run(0)
    }
    return { instance, client, read }
  })

/** The body of a 2xx answer, or the typed error for any other. */
const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  method: string,
  path: string
): Effect.Effect<Answer, HttpClientError.ResponseError | ApiError> =>
  response.status >= 200 && response.status < 300
    ? Effect.map(response.text, (text) => ({
        text,
        holdsToken: (part) => maskSecrets(part, secretsOf(response)) !== part
      }))
    : Effect.gen(function* () {
        // The status counts, also where the body is cut off or too long to be an error of the API.
        const body = yield* Effect.orElseSucceed(Body.read(response), () => "")
        const retryAfter = RetryAfter.parse(response.headers["retry-after"], yield* Clock.currentTimeMillis)
        const { status } = response
        return yield* fromFailure({ method, path, status, retryAfter, body, secrets: secretsOf(response) })
      })

/** How long to wait before the same GET goes out again; nothing where it does not. */
const retryDelay = (error: DomainApiError, tried: number): Duration.Duration | undefined => {
  if (error._tag !== "RateLimited" && error._tag !== "LicenseUnavailable" && error._tag !== "ServerError") {
    return undefined
  }
  if (error.status !== 429 && error.status !== 503) return undefined
  const wait = error.retryAfter ?? Duration.seconds(2 ** tried)
  return Duration.toMillis(wait) <= longestRetryAfter ? wait : undefined
}

/**
 * {@link make} as a layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<DomainApi, never, TokenProvider | HttpClient.HttpClient> =>
  Layer.effect(DomainApi, make(options))

// --- decoding -------------------------------------------------------------------------------------------------------

const withoutMark = (text: string): string => (text.startsWith("\uFEFF") ? text.slice(1) : text)

const invalidBody = (entitySet: string) => () =>
  new ResponseInvalid({
    entitySet,
    path: "",
    reason: "the body is not JSON (was it cut off, or is it a page of a proxy?)"
  })

const parse = (entitySet: string, text: string, lossless: boolean): Either.Either<unknown, ResponseInvalid> =>
  lossless
    ? Either.mapLeft(LosslessJson.parse(withoutMark(text)), invalidBody(entitySet))
    : Either.try({ try: (): unknown => JSON.parse(withoutMark(text)), catch: invalidBody(entitySet) })

const invalid = (
  entitySet: string,
  error: ParseResult.ParseError,
  above: ReadonlyArray<PropertyKey>
): ResponseInvalid => {
  const fault = describe(error.issue)
  const [row] = fault.path
  return new ResponseInvalid({
    entitySet,
    // The keys of a record come from the server.
    path: serverText(formatPath([...above, ...fault.path])),
    reason: fault.reason,
    row: above[0] === "value" && typeof row === "number" ? row : undefined
  })
}

interface Page<A> {
  readonly rows: ReadonlyArray<A>
  readonly nextLink: string | undefined
}

const decodePage = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  answer: Answer,
  skipNulls: boolean
): Either.Either<Page<A>, ResponseInvalid> =>
  Either.flatMap(parse(set.name, answer.text, set.lossless), (body) => {
    const value = Predicate.hasProperty(body, "value") ? body.value : undefined
    if (!Array.isArray(value)) {
      return Either.left(
        new ResponseInvalid({ entitySet: set.name, path: "value", reason: "expected an array of rows" })
      )
    }
    const link = Predicate.hasProperty(body, "@odata.nextLink") ? (body["@odata.nextLink"] ?? "") : ""
    if (typeof link !== "string") {
      // Taken for the last page it would lose rows.
      return Either.left(
        new ResponseInvalid({ entitySet: set.name, path: "@odata.nextLink", reason: "expected a link or nothing" })
      )
    }
    if (answer.holdsToken(link)) {
      return Either.left(
        new ResponseInvalid({
          entitySet: set.name,
          path: "@odata.nextLink",
          reason: "the link holds the access token, which belongs in no URL"
        })
      )
    }
    return Either.mapBoth(set.decodeAll(value, { skipNulls }), {
      onLeft: (error) => invalid(set.name, error, ["value"]),
      onRight: (rows) => ({ rows, nextLink: link === "" ? undefined : link })
    })
  })

const skipsNulls = (query: { readonly options?: ReadonlyArray<string> | undefined }): boolean =>
  query.options?.includes("skipnulls") ?? false

const attributes = (entitySet: string) => () => ({ "erpnet.entity_set": entitySet })

const spanned = <A>(
  operation: string,
  entitySet: string,
  effect: Effect.Effect<A, DomainApiError, DomainApi>
): Effect.Effect<A, DomainApiError, DomainApi> =>
  withSpan(`DomainApi.${operation}`, attributes(entitySet), () => effect)

// --- reading --------------------------------------------------------------------------------------------------------

const withQuery = (path: string, query: string): string => (query === "" ? path : `${path}?${query}`)

/**
 * Reads one page of rows with one request: at most `top` of them, 1000 where the query does not say.
 *
 * @category combinators
 * @since 0.1.0
 */
export const list = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  query: Query.Query<NoInfer<A>, NoInfer<I>> = {}
): Effect.Effect<ReadonlyArray<A>, DomainApiError, DomainApi> =>
  spanned(
    "list",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const url = withQuery(set.name, yield* Query.render(set, query, { defaultTop }))
      return (yield* decodePage(set, yield* api.read(url, query.headers), skipsNulls(query))).rows
    })
  )

/** How much of a page the consumer has taken when the next one is asked for. */
const readAheadFrom = 0.6

/** The headers of the pages after the first: a link may lack the context, which ERP.net takes as `Prefer` as well. */
const linkHeaders = (query: {
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly context?: Query.QueryContext | undefined
}): Readonly<Record<string, string>> => {
  const headers = Headers.fromInput(query.headers)
  const preferences = [
    ["CurrentEnterpriseCompanyId", query.context?.enterpriseCompany],
    ["CurrentEnterpriseCompanyLocationId", query.context?.enterpriseCompanyLocation],
    ["CurrentRoleId", query.context?.role]
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  if (preferences.length === 0) return headers
  const own = Option.toArray(Headers.get(headers, "prefer"))
  return Headers.set(headers, "prefer", [...own, ...preferences].join(", "))
}

/** The same text for all spellings of a URL, so that a page that comes again is known by it. */
const canonical = (url: string, base: string): string => {
  if (!URL.canParse(url, base)) return url
  const parsed = new URL(url, base)
  return `${parsed.origin}${parsed.pathname}?${new URLSearchParams(parsed.search)}`
}

/**
 * Reads all rows of a query, page by page.
 *
 * **Details**
 *
 * - The query's `top` is the page size, 1000 where it does not say. The server's `@odata.nextLink` is followed as it
 *   is given; a link to another origin is `ForeignOrigin`, one to a page that was read before is `PagingLoop`.
 * - The next page is asked for once the consumer has taken some 60 % of the current one: never earlier, and never two
 *   ahead. `Stream.take(1500)` makes two requests.
 * - The rows of a page come out when the whole page has arrived and fits the Schema; what came out before a failure
 *   stays out. A token that dies on the way costs one renewal and repeats no row.
 *
 * @category combinators
 * @since 0.1.0
 */
export const stream = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  query: Query.Query<NoInfer<A>, NoInfer<I>> = {}
): Stream.Stream<A, DomainApiError, DomainApi> =>
  Stream.fromPull(
    Effect.gen(function* () {
      const api = yield* DomainApi
      const scope = yield* Effect.scope
      const skipNulls = skipsNulls(query)
      const headers = linkHeaders(query)
      // Every page asked for so far, the first among them: a link back to it would repeat its rows.
      const fetched = new Set<string>()

      const fetch = (url: string, headers: Readonly<Record<string, string>>) =>
        withSpan("DomainApi.page", attributes(set.name), () =>
          Effect.flatMap(api.read(url, headers), (answer) => decodePage(set, answer, skipNulls))
        )
      const fetchFirst: Effect.Effect<Page<A>, DomainApiError> = Effect.flatMap(
        Query.render(set, query, { defaultTop }),
        (text) => {
          const first = withQuery(set.name, text)
          fetched.add(canonical(first, api.instance.odata))
          return fetch(first, query.headers ?? {})
        }
      )
      const fetchNext = (link: string): Effect.Effect<Page<A>, DomainApiError> => {
        const page = canonical(link, api.instance.odata)
        if (fetched.has(page)) return new PagingLoop({ entitySet: set.name, page: fetched.size + 1 })
        fetched.add(page)
        return fetch(link, headers)
      }

      // The page whose rest is still to come out, and the one on its way.
      let rest: Chunk.Chunk<A> = Chunk.empty()
      let nextLink: string | undefined
      let ahead: Fiber.Fiber<Page<A>, DomainApiError> | undefined
      let begun = false

      const emit = (page: Page<A>): Effect.Effect<Chunk.Chunk<A>, Option.Option<DomainApiError>> => {
        const [first, second] = Chunk.splitAt(
          Chunk.unsafeFromArray(page.rows),
          Math.ceil(page.rows.length * readAheadFrom)
        )
        rest = second
        nextLink = page.nextLink
        // An empty page with a link is not the end.
        return Chunk.isEmpty(first) ? pull : Effect.succeed(first)
      }

      const pull: Effect.Effect<Chunk.Chunk<A>, Option.Option<DomainApiError>> = Effect.suspend(() => {
        if (!begun) {
          begun = true
          return Effect.flatMap(Effect.mapError(fetchFirst, Option.some), emit)
        }
        if (Chunk.isNonEmpty(rest)) {
          const rows: Chunk.Chunk<A> = rest
          rest = Chunk.empty()
          return nextLink === undefined
            ? Effect.succeed(rows)
            : Effect.map(Effect.forkIn(fetchNext(nextLink), scope), (fiber) => {
                ahead = fiber
                return rows
              })
        }
        if (ahead !== undefined) {
          const page = Fiber.join(ahead)
          ahead = undefined
          return Effect.flatMap(Effect.mapError(page, Option.some), emit)
        }
        if (nextLink === undefined) return Effect.fail(Option.none())
        return Effect.flatMap(Effect.mapError(fetchNext(nextLink), Option.some), emit)
      })
      return pull
    })
  )

type EntityQuery = Pick<Query.Query<never, never>, "options" | "headers" | "context">

const entityPath = (entitySet: string, id: string | ComplexType.EntityId): Either.Either<string, InvalidQuery> => {
  const guid = typeof id === "string" ? id : id.id
  return isGuid(guid)
    ? Either.right(`${entitySet}(${guid.toLowerCase()})`)
    : Either.left(new InvalidQuery({ option: "id", reason: "it must be a guid" }))
}

const decodeEntity = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  text: string,
  skipNulls: boolean
): Either.Either<A, ResponseInvalid> =>
  Either.flatMap(parse(set.name, text, set.lossless), (body) =>
    Either.mapLeft(set.decode(body, { skipNulls }), (error) => invalid(set.name, error, []))
  )

/**
 * Reads one entity by its id: a guid, or an `EntityId` as rows hold them. `NotFound` where there is none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const get = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: string | ComplexType.EntityId,
  query: EntityQuery = {}
): Effect.Effect<A, DomainApiError, DomainApi> =>
  spanned(
    "get",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const path = yield* entityPath(set.name, id)
      const { text } = yield* api.read(withQuery(path, yield* Query.renderEntity(set, query)), query.headers)
      return yield* decodeEntity(set, text, skipsNulls(query))
    })
  )

/**
 * Reads one entity by its id, or nothing where there is none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const find = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: string | ComplexType.EntityId,
  query: EntityQuery = {}
): Effect.Effect<Option.Option<A>, DomainApiError, DomainApi> =>
  get(set, id, query).pipe(
    Effect.asSome,
    Effect.catchTag("NotFound", () => Effect.succeedNone)
  )

/**
 * The number of rows that match the filter and the search of a query.
 *
 * @category combinators
 * @since 0.1.0
 */
export const count = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  query: Pick<Query.Query<NoInfer<A>, NoInfer<I>>, "filter" | "search" | "context" | "headers"> = {}
): Effect.Effect<number, DomainApiError, DomainApi> =>
  spanned(
    "count",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const path = withQuery(`${set.name}/$count`, yield* Query.renderCount(set, query))
      const answer = yield* api.read(path, { accept: "text/plain", ...query.headers })
      const text = withoutMark(answer.text).trim()
      if (/^\d+$/.test(text)) return Number(text)
      return yield* new ResponseInvalid({ entitySet: set.name, path: "$count", reason: "expected a whole number" })
    })
  )

/**
 * Reads anything else below the service root: `path` is resolved against it, the JSON answer decoded by `schema`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const request = <A, I, R>(
  path: string,
  schema: Schema.Schema<A, I, R>,
  options: { readonly headers?: Readonly<Record<string, string>> | undefined } = {}
): Effect.Effect<A, DomainApiError, DomainApi | R> => {
  const name = path.replace(/[?#].*$/s, "")
  return withSpan(
    "DomainApi.request",
    () => ({ "url.path": name }),
    () =>
      Effect.gen(function* () {
        const api = yield* DomainApi
        const shape = shapeOf(schema)
        const { text } = yield* api.read(path, options.headers)
        const body = prepare(shape, yield* parse(name, text, shape.holdsLossless), false)
        return yield* Effect.mapError(Schema.decodeUnknown(schema)(body), (error) => invalid(name, error, []))
      })
  )
}

const RenamedEntityTypes = Schema.Struct({
  value: Schema.Array(Schema.Struct({ OldName: Schema.String, NewName: Schema.String }))
})

/**
 * The current name of an entity set, by the server's list of renames (`GetRenamedEntityTypes`); a name that was never
 * changed is the answer itself.
 *
 * @category combinators
 * @since 0.1.0
 */
export const currentName = (entitySet: string): Effect.Effect<string, DomainApiError, DomainApi> =>
  Effect.map(request("GetRenamedEntityTypes", RenamedEntityTypes), ({ value }) => {
    const renames = new Map(value.map(({ NewName, OldName }) => [OldName, NewName]))
    const seen = new Set<string>()
    let name = entitySet
    for (let next = renames.get(name); next !== undefined && !seen.has(next); next = renames.get(name)) {
      seen.add(name)
      name = next
    }
    return name
  })
