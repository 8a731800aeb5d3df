/** Collections inside an answer that the server cut short: their links are followed, at any depth. */
import * as Either from "effect/Either"
import * as HashSet from "effect/HashSet"
import * as Predicate from "effect/Predicate"
import type { Answer, DomainApiError, Step } from "../DomainRequest.ts"
import { PagingLoop, type ResponseInvalid } from "../ErpNetError.ts"
import { formatPath } from "../internal/parseFault.ts"
import * as Decode from "./decode.ts"

/** Where an answer comes from. */
export interface Origin {
  readonly target: string
  readonly lossless: boolean
  /** The address of the request as it was sent. */
  readonly url: string
  readonly answer: Answer
}

/** A link as it is sent: a relative one is resolved against the address of the request that it came with (RFC 3986). */
export const resolveLink = (
  target: string,
  path: string,
  link: string,
  url: string,
  { root }: Pick<Answer, "root">
): Either.Either<string, ResponseInvalid> => {
  const place = url.replace(/[?#].*$/s, "")
  const isWhole = /^(?:[a-z][a-z\d+.-]*:|\/)/i.test(link)
  const address = isWhole ? link : link.startsWith("?") ? `${place}${link}` : `${place.replace(/[^/]*$/, "")}${link}`
  // Its own error says so where it is followed.
  if (!URL.canParse(address, root)) return Either.right(address)
  const { origin, pathname } = new URL(address, root)
  const service = new URL(root)
  // A foreign origin is refused, by its own error, where the link is followed.
  return origin !== service.origin || pathname.startsWith(service.pathname)
    ? Either.right(address)
    : Decode.refuse(target, path, "the link leads to another path of the site, outside the service")
}

const suffix = "@odata.nextLink"

/** A collection that is not whole. */
interface Part {
  readonly owner: Record<string, unknown>
  readonly name: string
  readonly rows: Array<unknown>
  readonly path: ReadonlyArray<PropertyKey>
}

/** The first collection below a value that has a link to its rest. */
const findPart = (value: unknown, path: ReadonlyArray<PropertyKey>): Part | undefined => {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const part = findPart(item, [...path, index])
      if (part !== undefined) return part
    }
    return undefined
  }
  if (!Predicate.isRecord(value)) return undefined
  for (const [name, member] of Object.entries(value)) {
    if (name.endsWith(suffix) && member !== null && member !== "") {
      const collection = name === suffix ? "value" : name.slice(0, -suffix.length)
      const rows = value[collection]
      const owner: Record<string, unknown> = value
      // Without its rows the whole collection is behind the link.
      const held: Array<unknown> = Array.isArray(rows) ? rows : []
      owner[collection] = held
      return { owner, name, rows: held, path: [...path, name] }
    }
    const part = typeof member === "object" ? findPart(member, [...path, name]) : undefined
    if (part !== undefined) return part
  }
  return undefined
}

/**
 * Completes the collections below a parsed value, one request for each part that is missing, and finishes with it. The
 * value is the program's own: its collections are filled in place.
 */
export const completed = <V, A>(
  origin: Origin,
  value: V,
  path: string,
  finish: (value: V) => Either.Either<Step<A>, DomainApiError>,
  seen: HashSet.HashSet<string> = HashSet.empty()
): Either.Either<Step<A>, DomainApiError> =>
  Either.gen(function* () {
    const { answer, target, url } = origin
    // A quick look spares the walk: most answers are whole.
    if (HashSet.size(seen) === 0 && !mayHoldParts(answer.text, path)) return yield* finish(value)
    const part = findPart(value, path === "" ? [] : [path])
    if (part === undefined) return yield* finish(value)
    const place = formatPath(part.path)
    const link = yield* Decode.linkOf(target, answer, part.owner, part.name, place)
    const address = yield* resolveLink(target, place, link ?? "", url, answer)
    if (HashSet.has(seen, address)) {
      return yield* Either.left(new PagingLoop({ entitySet: target, page: HashSet.size(seen) + 1 }))
    }
    delete part.owner[part.name]
    return {
      _tag: "More",
      next: {
        _tag: "Read",
        operation: "page",
        target,
        attributes: { "erpnet.entity_set": target },
        request: Either.right({ method: "GET", url: address }),
        decode: (rest) =>
          Either.gen(function* () {
            const body = yield* Decode.parse(target, rest.text, origin.lossless)
            for (const row of yield* Decode.rowsOf(target, body)) part.rows.push(row)
            const further = yield* Decode.linkOf(target, rest, body, suffix, place)
            if (further !== undefined) {
              part.owner[part.name] = yield* resolveLink(target, place, further, address, rest)
            }
            return yield* completed({ ...origin, answer: rest }, value, path, finish, HashSet.add(seen, address))
          })
      }
    } satisfies Step<A>
  })

/** With a path the top of the answer was looked at already. */
const mayHoldParts = (text: string, path: string): boolean =>
  path === "" ? text.includes(suffix) : /[^"]@odata\.nextLink"/.test(text)
