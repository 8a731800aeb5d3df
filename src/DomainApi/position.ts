import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { DomainApiError, Read } from "../DomainRequest.ts"
import type { Position } from "../Query.ts"

/** The error as it was met at a page. A copy, because one error may be given to several callers. */
export const attach = <E extends DomainApiError>(error: E, read: Read<unknown>, rows: number): E => {
  if (read.request._tag === "Left") return error
  const from: Position = { url: read.request.right.url, rows }
  const copy = Object.create(Object.getPrototypeOf(error), Object.getOwnPropertyDescriptors(error))
  // Not shown: the address may hold values of a filter.
  return Object.defineProperty(copy, "from", { value: from, enumerable: false })
}

/** Where the reading stood when an error was met. */
export const positionOf = (error: unknown): Option.Option<Position> =>
  Predicate.hasProperty(error, "from") &&
  Predicate.hasProperty(error.from, "url") &&
  Predicate.hasProperty(error.from, "rows") &&
  Predicate.isString(error.from.url) &&
  Predicate.isNumber(error.from.rows)
    ? Option.some({ url: error.from.url, rows: error.from.rows })
    : Option.none()
