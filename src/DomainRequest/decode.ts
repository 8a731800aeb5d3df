import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as EntityId from "../EntityId.ts"
import type * as EntitySet from "../EntitySet.ts"
import { ResponseInvalid } from "../ErpNetError.ts"
import * as AnswerBody from "../internal/answerBody.ts"
import { isGuid } from "../internal/guid.ts"
import { describe, formatPath } from "../internal/parseFault.ts"
import { serverText } from "../internal/redaction.ts"

type Decoded<A> = Either.Either<A, ResponseInvalid>

/** The parts of an answer that are needed here. */
interface Text {
  readonly text: string
  readonly holdsToken: (text: string) => boolean
}

export const refuse = (entitySet: string, path: string, reason: string): Either.Either<never, ResponseInvalid> =>
  Either.left(new ResponseInvalid({ entitySet, path, reason }))

export const parse = (entitySet: string, text: string, lossless: boolean): Decoded<unknown> =>
  Either.mapLeft(AnswerBody.parse(text, lossless), (reason) => new ResponseInvalid({ entitySet, path: "", reason }))

/** The error of a value that does not fit its Schema. */
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

/** The rows of a page as they were sent. */
export const rowsOf = (entitySet: string, body: unknown): Decoded<ReadonlyArray<unknown>> => {
  const value: unknown = Predicate.hasProperty(body, "value") ? body.value : undefined
  return Array.isArray(value) ? Either.right(value) : refuse(entitySet, "value", "expected an array of rows")
}

/** The link at this name of an object; nothing where there is none. */
export const linkOf = (
  entitySet: string,
  answer: Text,
  object: unknown,
  name: string,
  path: string
): Decoded<string | undefined> => {
  const link = Predicate.hasProperty(object, name) ? (object[name] ?? "") : ""
  // Taken for the last page it would lose rows.
  if (typeof link !== "string") return refuse(entitySet, path, "expected a link or nothing")
  if (answer.holdsToken(link)) {
    return refuse(entitySet, path, "the link holds the access token, which belongs in no URL")
  }
  return Either.right(link === "" ? undefined : link)
}

export const decodeRow = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  row: unknown,
  skipNulls: boolean
): Either.Either<A, ResponseInvalid> =>
  Either.mapLeft(set.decode(row, { skipNulls }), (error) => invalid(set.name, error, []))

/** The id in the annotation of a row, in lower case. */
export const namedId = (row: unknown): string | undefined => {
  const named = Predicate.hasProperty(row, "@odata.id") ? row["@odata.id"] : undefined
  const id = typeof named === "string" ? Option.getOrUndefined(EntityId.parse(named)) : undefined
  return id?.id.toLowerCase()
}

/** The id of a row as it was sent, in lower case. */
export const idOfRow = (row: unknown): string | undefined => {
  const named = namedId(row)
  if (named !== undefined) return named
  const plain = Predicate.hasProperty(row, "Id") ? row.Id : undefined
  return typeof plain === "string" && isGuid(plain) ? plain.toLowerCase() : undefined
}
