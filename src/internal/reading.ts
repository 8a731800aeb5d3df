import * as Headers from "@effect/platform/Headers"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import * as ComplexType from "../ComplexType.ts"
import { type Answer, DomainApi, type DomainApiError } from "../DomainApi/calls.ts"
import type * as EntitySet from "../EntitySet.ts"
import { InvalidQuery, NotFound, PagingLoop, ResponseInvalid } from "../ErpNetError.ts"
import * as Query from "../Query.ts"
import { isGuid } from "./guid.ts"
import { lazySchema } from "./lazySchema.ts"
import * as LosslessJson from "./losslessJson.ts"
import { describe, formatPath } from "./parseFault.ts"
import { serverText } from "./redaction.ts"
import { prepare, shapeOf } from "./rowShape.ts"
import { withSpan } from "./tracing.ts"

export const defaultTop = 1000

// --- decoding -------------------------------------------------------------------------------------------------------

const withoutMark = (text: string): string => (text.startsWith("\uFEFF") ? text.slice(1) : text)

const invalidBody = (entitySet: string) => () =>
  new ResponseInvalid({
    entitySet,
    path: "",
    reason: "the body is not JSON (was it cut off, or is it a page of a proxy?)"
  })

export const parse = (entitySet: string, text: string, lossless: boolean): Either.Either<unknown, ResponseInvalid> =>
  lossless
    ? Either.mapLeft(LosslessJson.parse(withoutMark(text)), invalidBody(entitySet))
    : Either.try({ try: (): unknown => JSON.parse(withoutMark(text)), catch: invalidBody(entitySet) })

export const invalid = (
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

export interface Page<A> {
  readonly rows: ReadonlyArray<A>
  readonly nextLink: string | undefined
}

export const decodePage = <A, I>(
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

export const skipsNulls = (query: { readonly options?: ReadonlyArray<string> | undefined }): boolean =>
  query.options?.includes("skipnulls") ?? false

const attributes = (entitySet: string) => () => ({ "erpnet.entity_set": entitySet })

export const spanned = <A, E, R>(
  operation: string,
  entitySet: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => withSpan(`DomainApi.${operation}`, attributes(entitySet), () => effect)

// --- reading --------------------------------------------------------------------------------------------------------

export const withQuery = (path: string, query: string): string => (query === "" ? path : `${path}?${query}`)

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
        withSpan("DomainApi.page", attributes(set.name), () => api.read(url, headers))
      const fetchFirst: Effect.Effect<Answer, DomainApiError> = Effect.flatMap(
        Query.render(set, query, { defaultTop }),
        (text) => {
          const first = withQuery(set.name, text)
          fetched.add(canonical(first, api.instance.odata))
          return fetch(first, query.headers ?? {})
        }
      )
      const fetchNext = (link: string): Effect.Effect<Answer, DomainApiError> => {
        const page = canonical(link, api.instance.odata)
        if (fetched.has(page)) return new PagingLoop({ entitySet: set.name, page: fetched.size + 1 })
        fetched.add(page)
        return fetch(link, headers)
      }

      // The page whose rest is still to come out, and the one on its way.
      let rest: Chunk.Chunk<A> = Chunk.empty()
      let nextLink: string | undefined
      let ahead: Fiber.Fiber<Answer, DomainApiError> | undefined
      let begun = false

      // A page that is on its way stays a text until it is wanted: as rows it would be garbage that has grown old.
      const emit = (answer: Effect.Effect<Answer, DomainApiError>) =>
        Effect.flatMap(
          Effect.mapError(
            Effect.flatMap(answer, (whole) => decodePage(set, whole, skipNulls)),
            Option.some
          ),
          (page) => {
            const [first, second] = Chunk.splitAt(
              Chunk.unsafeFromArray(page.rows),
              Math.ceil(page.rows.length * readAheadFrom)
            )
            rest = second
            nextLink = page.nextLink
            // An empty page with a link is not the end.
            return Chunk.isEmpty(first) ? pull : Effect.succeed(first)
          }
        )

      const pull: Effect.Effect<Chunk.Chunk<A>, Option.Option<DomainApiError>> = Effect.suspend(() => {
        if (!begun) {
          begun = true
          return emit(fetchFirst)
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
          return emit(page)
        }
        if (nextLink === undefined) return Effect.fail(Option.none())
        return emit(fetchNext(nextLink))
      })
      return pull
    })
  )

type EntityQuery = Pick<Query.Query<never, never>, "options" | "headers" | "context">

export const entityPath = (
  entitySet: string,
  id: string | ComplexType.EntityId
): Either.Either<string, InvalidQuery> => {
  const guid = typeof id === "string" ? id : id.id
  return isGuid(guid)
    ? Either.right(`${entitySet}(${guid.toLowerCase()})`)
    : Either.left(new InvalidQuery({ option: "id", reason: "it must be a guid" }))
}

export const decodeEntity = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  text: string,
  skipNulls: boolean
): Either.Either<A, ResponseInvalid> =>
  Either.flatMap(parse(set.name, text, set.lossless), (body) =>
    Either.mapLeft(set.decode(body, { skipNulls }), (error) => invalid(set.name, error, []))
  )

/**
 * What may be said with a lookup by id.
 *
 * @category options
 * @since 0.1.0
 */
export interface LookupOptions extends EntityQuery {
  /**
   * Joins the lookup with those of the same entity set and options that other fibers ask for within a short time: one
   * request with `$filter=Id in (...)` instead of one for each. Nothing is remembered. In a transaction it has no effect.
   *
   * @default the option of the layer, which is `false`
   */
  readonly coalesce?: boolean | undefined
}

const idOf = (row: unknown): string | undefined => {
  const named = Predicate.hasProperty(row, "@odata.id") ? row["@odata.id"] : undefined
  const id = typeof named === "string" ? Option.getOrUndefined(ComplexType.parseEntityId(named)) : undefined
  if (id !== undefined) return id.id.toLowerCase()
  const plain = Predicate.hasProperty(row, "Id") ? row.Id : undefined
  return typeof plain === "string" && isGuid(plain) ? plain.toLowerCase() : undefined
}

/** The rows of the answer to a request for several ids, each as it was sent. */
const rowsById = (
  entitySet: string,
  answer: Answer,
  lossless: boolean,
  notFound: (id: string) => DomainApiError
): Either.Either<(id: string) => Either.Either<unknown, DomainApiError>, ResponseInvalid> =>
  Either.flatMap(parse(entitySet, answer.text, lossless), (body) => {
    const value: unknown = Predicate.hasProperty(body, "value") ? body.value : undefined
    if (!Array.isArray(value)) {
      return Either.left(new ResponseInvalid({ entitySet, path: "value", reason: "expected an array of rows" }))
    }
    const rows = new Map<string | undefined, unknown>(value.map((row: unknown) => [idOf(row), row]))
    const missing = rows.has(undefined)
      ? new ResponseInvalid({ entitySet, path: "value", reason: "a row without an id, so it is nobody's" })
      : Predicate.hasProperty(body, "@odata.nextLink") && Predicate.isNotNullable(body["@odata.nextLink"])
        ? new ResponseInvalid({
            entitySet,
            path: "@odata.nextLink",
            reason: "the answer is not all that was asked for"
          })
        : undefined
    return Either.right((id) => (rows.has(id) ? Either.right(rows.get(id)) : Either.left(missing ?? notFound(id))))
  })

/** A lookup that shares its request. Each caller decodes its own row, by its own Schema. */
const getJoined = <A, I>(
  api: DomainApi["Type"],
  set: EntitySet.EntitySet<A, I>,
  id: string,
  options: string,
  query: EntityQuery
): Effect.Effect<A, DomainApiError> => {
  const root = new URL(api.instance.odata).pathname
  const headers = Object.entries(Headers.fromInput(query.headers)).sort()
  const kind = {
    key: JSON.stringify([set.name, options, set.lossless, headers]),
    path: `${root}${set.name}`,
    fetch: (ids: ReadonlyArray<string>, spans: ReadonlyArray<Tracer.AnySpan>) => {
      const filter = `$filter=Id%20in%20(${ids.join(",")})`
      const url = withQuery(set.name, options === "" ? filter : `${filter}&${options}`)
      const notFound = (id: string) => new NotFound({ method: "GET", path: `${root}${set.name}(${id})`, status: 404 })
      // It serves several callers, so it is nobody's child.
      const links = spans.map((span): Tracer.SpanLink => ({ _tag: "SpanLink", span, attributes: {} }))
      return withSpan(
        "DomainApi.lookup",
        () => ({ "erpnet.entity_set": set.name, "erpnet.lookup.ids": ids.length }),
        () =>
          Effect.flatMap(api.read(url, query.headers), (answer) => rowsById(set.name, answer, set.lossless, notFound)),
        { root: true, links }
      )
    }
  }
  return Effect.flatMap(api.lookup(kind, id), (row) =>
    Either.mapLeft(set.decode(row, { skipNulls: skipsNulls(query) }), (error) => invalid(set.name, error, []))
  )
}

/**
 * Reads one entity by its id: a guid, or an `EntityId` as rows hold them. `NotFound` where there is none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const get = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: string | ComplexType.EntityId,
  query: LookupOptions = {}
): Effect.Effect<A, DomainApiError, DomainApi> =>
  spanned(
    "get",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const path = yield* entityPath(set.name, id)
      const options = yield* Query.renderEntity(set, query)
      if (api.transaction === undefined && (query.coalesce ?? api.coalesces)) {
        return yield* getJoined(api, set, (typeof id === "string" ? id : id.id).toLowerCase(), options, query)
      }
      const { text } = yield* api.read(withQuery(path, options), query.headers)
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
  query: LookupOptions = {}
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

const RenamedEntityTypes = lazySchema(() =>
  Schema.Struct({ value: Schema.Array(Schema.Struct({ OldName: Schema.String, NewName: Schema.String })) })
)

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
