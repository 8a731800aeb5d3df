import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { DomainApiError, Page, Read } from "../DomainRequest.ts"
import { PagingLoop } from "../ErpNetError.ts"

/** A page whose body has arrived; decoding waits until its rows are wanted. */
export type Arrived<A> = Effect.Effect<Page<A>, DomainApiError>

/** How pages are asked for. */
export interface Source<A> {
  readonly entitySet: string
  /** The service root, which relative links are resolved against. */
  readonly root: string
  readonly first: Read<Page<A>>
  readonly next: (link: string) => Read<Page<A>>
  /** Sends the request of a page. */
  readonly fetch: (read: Read<Page<A>>) => Effect.Effect<Arrived<A>, DomainApiError>
}

/** How much of a page the consumer has taken when the next one is asked for. */
const readAhead = 0.6

/** The same text for all spellings of a URL, so that a page that comes again is known by it. */
const canonical = (url: string, base: string): string => {
  if (!URL.canParse(url, base)) return url
  const parsed = new URL(url, base)
  return `${parsed.origin}${parsed.pathname}?${new URLSearchParams(parsed.search)}`
}

/** Asks for pages, and refuses a link that was followed before: it would repeat rows. */
const fetchOnce = <A>(source: Source<A>): Source<A>["fetch"] => {
  const fetched = new Set<string>()
  return (read) =>
    Effect.suspend(() => {
      if (read.request._tag === "Right") {
        const page = canonical(read.request.right.url, source.root)
        if (fetched.has(page)) return new PagingLoop({ entitySet: source.entitySet, page: fetched.size + 1 })
        fetched.add(page)
      }
      return source.fetch(read)
    })
}

/** Pulls page by page; the next one is asked for when a page is taken. */
export const pullPages = <A>(
  source: Source<A>
): Effect.Effect<Effect.Effect<Page<A>, Option.Option<DomainApiError>>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const fetch = fetchOnce(source)
    let next: Effect.Effect<Arrived<A>, DomainApiError> | undefined = fetch(source.first)
    return Effect.suspend(() => {
      if (next === undefined) return Effect.fail(Option.none())
      return Effect.flatMap(Effect.mapError(Effect.flatten(next), Option.some), (page) => {
        const { nextLink } = page
        next = undefined
        if (nextLink === undefined) return Effect.succeed(page)
        return Effect.map(Effect.forkIn(fetch(source.next(nextLink)), scope), (fiber) => {
          next = Fiber.join(fiber)
          return page
        })
      })
    })
  })

/** Pulls the rows of all pages. */
export const pull = <A>(
  source: Source<A>
): Effect.Effect<Effect.Effect<Chunk.Chunk<A>, Option.Option<DomainApiError>>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const fetch = fetchOnce(source)

    // The page whose rest is still to come out, and the one that was asked for ahead.
    let rest: Chunk.Chunk<A> = Chunk.empty()
    let nextLink: string | undefined
    let ahead: Fiber.Fiber<Arrived<A>, DomainApiError> | undefined
    let begun = false

    // The prefetched page stays text until it is consumed: decoded early, its rows would survive into the old
    // generation of the heap.
    const emit = (arriving: Effect.Effect<Arrived<A>, DomainApiError>) =>
      Effect.flatMap(Effect.mapError(Effect.flatten(arriving), Option.some), (page) => {
        const [first, second] = Chunk.splitAt(Chunk.unsafeFromArray(page.rows), Math.ceil(page.rows.length * readAhead))
        rest = second
        nextLink = page.nextLink
        // An empty page with a link is not the end.
        return Chunk.isEmpty(first) ? pullRows : Effect.succeed(first)
      })

    const pullRows: Effect.Effect<Chunk.Chunk<A>, Option.Option<DomainApiError>> = Effect.suspend(() => {
      if (!begun) {
        begun = true
        return emit(fetch(source.first))
      }
      if (Chunk.isNonEmpty(rest)) {
        const rows: Chunk.Chunk<A> = rest
        rest = Chunk.empty()
        return nextLink === undefined
          ? Effect.succeed(rows)
          : Effect.map(Effect.forkIn(fetch(source.next(nextLink)), scope), (fiber) => {
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
      return emit(fetch(source.next(nextLink)))
    })
    return pullRows
  })
