import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { DomainApiError, Page, Read } from "../DomainRequest.ts"
import * as Position from "./position.ts"

/** A page whose body has arrived; decoding waits until its rows are wanted. */
export type Arrived<A> = Effect.Effect<Page<A>, DomainApiError>

/** How pages are asked for. */
export interface Source<A> {
  readonly first: Read<Page<A>>
  /** Rows before the first page. */
  readonly before: number
  /** Sends the request of a page. */
  readonly fetch: (read: Read<Page<A>>) => Effect.Effect<Arrived<A>, DomainApiError>
}

/** How much of a page the consumer has taken when the next one is asked for. */
const readAhead = 0.6

/** Asks for a page; its errors know where the reading stood. */
const fetch = <A>(source: Source<A>, read: Read<Page<A>>, rows: number): Effect.Effect<Arrived<A>, DomainApiError> => {
  const placed = <B>(effect: Effect.Effect<B, DomainApiError>) =>
    Effect.mapError(effect, (error) => Position.attach(error, read, rows))
  return Effect.map(placed(source.fetch(read)), placed)
}

/** Pulls page by page; the next one is asked for when a page is taken. */
export const pullPages = <A>(
  source: Source<A>
): Effect.Effect<Effect.Effect<Page<A>, Option.Option<DomainApiError>>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    let rows = source.before
    let next: Effect.Effect<Arrived<A>, DomainApiError> | undefined = fetch(source, source.first, rows)
    return Effect.suspend(() => {
      if (next === undefined) return Effect.fail(Option.none())
      return Effect.flatMap(Effect.mapError(Effect.flatten(next), Option.some), (page) => {
        next = undefined
        rows += page.rows.length
        if (page.next === undefined) return Effect.succeed(page)
        return Effect.map(Effect.forkIn(fetch(source, page.next, rows), scope), (fiber) => {
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
    // The page whose rest is still to come out, and the one that was asked for ahead.
    let rest: Chunk.Chunk<A> = Chunk.empty()
    let next: Read<Page<A>> | undefined
    let ahead: Fiber.Fiber<Arrived<A>, DomainApiError> | undefined
    let begun = false
    let rows = source.before

    // The prefetched page stays text until it is consumed: decoded early, its rows would survive into the old
    // generation of the heap.
    const emit = (arriving: Effect.Effect<Arrived<A>, DomainApiError>) =>
      Effect.flatMap(Effect.mapError(Effect.flatten(arriving), Option.some), (page) => {
        const [first, second] = Chunk.splitAt(Chunk.unsafeFromArray(page.rows), Math.ceil(page.rows.length * readAhead))
        rest = second
        next = page.next
        rows += page.rows.length
        // An empty page with a link is not the end.
        return Chunk.isEmpty(first) ? pullRows : Effect.succeed(first)
      })

    const pullRows: Effect.Effect<Chunk.Chunk<A>, Option.Option<DomainApiError>> = Effect.suspend(() => {
      if (!begun) {
        begun = true
        return emit(fetch(source, source.first, rows))
      }
      if (Chunk.isNonEmpty(rest)) {
        const taken: Chunk.Chunk<A> = rest
        rest = Chunk.empty()
        return next === undefined
          ? Effect.succeed(taken)
          : Effect.map(Effect.forkIn(fetch(source, next, rows), scope), (fiber) => {
              ahead = fiber
              return taken
            })
      }
      if (ahead !== undefined) {
        const page = Fiber.join(ahead)
        ahead = undefined
        return emit(page)
      }
      if (next === undefined) return Effect.fail(Option.none())
      return emit(fetch(source, next, rows))
    })
    return pullRows
  })
