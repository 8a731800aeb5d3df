/** The pages of a query: what the next one is, and when there is none. */
import * as Headers from "@effect/platform/Headers"
import * as Either from "effect/Either"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import type { Answer, DomainApiError, Page, Read, Step, WireRequest } from "../DomainRequest.ts"
import type * as EntitySet from "../EntitySet.ts"
import { type InvalidQuery, PagingLoop } from "../ErpNetError.ts"
import * as Query from "../Query.ts"
import { completed, resolveLink } from "./complete.ts"
import * as Decode from "./decode.ts"

/** What has been read before a page. */
interface Before {
  /** The number of the page, from 1. */
  readonly number: number
  /** Rows that the server gave before it. */
  readonly rows: number
  /** The server gives links, so that a page without one is the last. */
  readonly isLinked: boolean
  /** The addresses of all pages so far, and what their rows began and ended with. */
  readonly seen: HashSet.HashSet<string>
}

const skipPattern = /[?&](?:\$|%24)skip=(\d+)(?:&|$)/i

/** The size of a page where a query does not say: ERP.net's recommended and largest page. */
const defaultPageSize = 1000

const withQuery = (path: string, query: string): string => (query === "" ? path : `${path}?${query}`)

/** The rows of a page that are still wanted. */
const wanted = (query: Pick<Query.Query<never, never>, "top">, before: Before): number =>
  Math.max(0, (query.top ?? Number.POSITIVE_INFINITY) - before.rows)

/** `$top` of a page. */
const sizeOf = (query: Pick<Query.Query<never, never>, "top" | "pageSize">, before: Before): number =>
  Math.min(query.pageSize ?? defaultPageSize, wanted(query, before))

/** The headers of the pages after the first: a link may lack the context, which ERP.net takes as `Prefer` as well. */
const linkHeaders = (query: Query.RequestOptions): Readonly<Record<string, string>> => {
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
const canonical = (url: string, root: string): string => {
  if (!URL.canParse(url, root)) return url
  const parsed = new URL(url, root)
  return `${parsed.origin}${parsed.pathname}?${new URLSearchParams(parsed.search)}`
}

/** What the rows of a page begin and end with, where they carry ids: two pages with the same repeat rows. */
const fingerprint = (rows: ReadonlyArray<unknown>): string | undefined => {
  const first = Decode.idOfRow(rows[0])
  const last = Decode.idOfRow(rows.at(-1))
  return rows.length < 2 || first === undefined || last === undefined ? undefined : `${first} ${last} ${rows.length}`
}

/** The request for rows from a place on: the first page, and where the server gives no link the later ones. */
const skipping = <A, I, F, O extends string>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<A, I, F, O>,
  before: Before
): Either.Either<WireRequest, InvalidQuery> => {
  const skip = before.rows === 0 ? query.skip : (query.skip ?? 0) + before.rows
  return Either.map(
    Either.flatMap(Query.checkPaging(query), () =>
      Query.render<A, I, F, O>(set, { ...query, top: sizeOf(query, before), skip })
    ),
    (text) => ({ method: "GET", url: withQuery(set.name, text), headers: query.headers })
  )
}

const pageRead = <A, I, F, O extends string>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<A, I, F, O>,
  before: Before,
  request: Either.Either<WireRequest, DomainApiError>
): Read<Page<A>> => ({
  _tag: "Read",
  operation: "page",
  target: set.name,
  attributes: { "erpnet.entity_set": set.name },
  request,
  decode: (answer) =>
    decodePage(set, query, before, Either.match(request, { onLeft: () => "", onRight: ({ url }) => url }), answer)
})

const decodePage = <A, I, F, O extends string>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<A, I, F, O>,
  before: Before,
  url: string,
  answer: Answer
): Either.Either<Step<Page<A>>, DomainApiError> =>
  Either.gen(function* () {
    const body = yield* Decode.parse(set.name, answer.text, set.lossless)
    const sent = yield* Decode.rowsOf(set.name, body)
    yield* Decode.checkRows(set, answer, sent)
    const link = yield* Decode.linkOf(set.name, answer, body, "@odata.nextLink", "@odata.nextLink")
    const mark = fingerprint(sent)
    const addressed = HashSet.add(before.seen, canonical(url, answer.root))
    if (mark !== undefined && HashSet.has(before.seen, mark)) {
      return yield* Either.left(new PagingLoop({ entitySet: set.name, page: before.number }))
    }
    const after: Before = {
      number: before.number + 1,
      rows: before.rows + sent.length,
      isLinked: before.isLinked || link !== undefined,
      seen: mark === undefined ? addressed : HashSet.add(addressed, mark)
    }
    const next = yield* nextOf(set, query, before, after, {
      url,
      link,
      answer,
      full: sent.length >= sizeOf(query, before)
    })
    const rows = sent.slice(0, wanted(query, before))
    return yield* completed({ target: set.name, lossless: set.lossless, url, answer }, rows, "value", (whole) =>
      Either.map(
        Decode.decodeRows(set, whole, before, query),
        (decoded): Step<Page<A>> => ({
          _tag: "Done",
          value: {
            rows: decoded,
            nextLink:
              next === undefined ? undefined : (Option.getOrUndefined(Either.getRight(next.request))?.url ?? link),
            next,
            date: Decode.dateOf(answer)
          }
        })
      )
    )
  })

/** The request for the page after one; nothing where that was the last. */
const nextOf = <A, I, F, O extends string>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<A, I, F, O>,
  before: Before,
  after: Before,
  got: { readonly url: string; readonly link: string | undefined; readonly answer: Answer; readonly full: boolean }
): Either.Either<Read<Page<A>> | undefined, DomainApiError> => {
  if (wanted(query, after) === 0) return Either.right(undefined)
  // Servers before 26.2 give no links: a full page may be the last one or not, and the next request tells.
  if (got.link === undefined) {
    return Either.right(
      got.full && !after.isLinked && after.rows > before.rows
        ? pageRead(set, query, after, skipping(set, query, after))
        : undefined
    )
  }
  return Either.map(resolveLink(set.name, "@odata.nextLink", got.link, got.url, got.answer), (address) => {
    const request: Either.Either<WireRequest, DomainApiError> = HashSet.has(
      after.seen,
      canonical(address, got.answer.root)
    )
      ? Either.left(new PagingLoop({ entitySet: set.name, page: after.number }))
      : Either.right({ method: "GET", url: address, headers: linkHeaders(query) })
    return pageRead(set, query, after, request)
  })
}

/** The first page of a query, or the one that it goes on from. */
export const first = <A, I, F, O extends string>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<A, I, F, O>
): Read<Page<A>> => {
  const { from } = query
  const start: Before = { number: 1, rows: 0, isLinked: false, seen: HashSet.empty() }
  if (from === undefined) return pageRead(set, query, start, skipping(set, query, start))
  const position = typeof from === "string" ? { url: from, rows: skippedBy(from, query.skip) } : from
  // A link without a number of rows was given by a server that gives links.
  const isLinked = !skipPattern.test(position.url)
  const before: Before = { ...start, rows: position.rows, isLinked }
  return pageRead(
    set,
    query,
    before,
    Either.map(Query.checkPaging(query), () => ({
      method: "GET",
      url: position.url,
      headers: linkHeaders(query)
    }))
  )
}

/** The rows before the page of a link that names a number of them. */
const skippedBy = (link: string, skip = 0): number => {
  const [, rows] = skipPattern.exec(link) ?? []
  return rows === undefined ? 0 : Math.max(0, Number(rows) - skip)
}
