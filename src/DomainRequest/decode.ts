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

/** The header `Date` (RFC 9110 section 6.6.1), in milliseconds. */
export const dateOf = ({ headers }: { readonly headers: Readonly<Record<string, string>> }): number | undefined => {
  const date = Date.parse(headers["date"] ?? "")
  return Number.isNaN(date) ? undefined : date
}

/** The message of an error object that a server put into a 2xx answer. */
const reported = (answer: Text, error: unknown): string => {
  const message = Predicate.hasProperty(error, "message") ? error.message : undefined
  return typeof message === "string" && !answer.holdsToken(message)
    ? `the server reports an error in its answer: "${serverText(message)}"`
    : "the server reports an error in its answer"
}

/** An object with a member `error` that is not asked for is no row: servers that stream find their faults late. */
const isError = <A, I>(set: EntitySet.EntitySet<A, I>, row: unknown): row is { readonly error: unknown } =>
  Predicate.hasProperty(row, "error") && Predicate.isRecord(row.error) && set.select?.includes("error") !== true

export const checkError = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  answer: Text,
  row: unknown,
  path: string
): Decoded<void> => (isError(set, row) ? refuse(set.name, path, reported(answer, row.error)) : Either.void)

export const checkRows = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  answer: Text,
  rows: ReadonlyArray<unknown>
): Decoded<void> => {
  const place = rows.findIndex((row) => isError(set, row))
  return place === -1 ? Either.void : checkError(set, answer, rows[place], `value[${place}]`)
}

/** The rows of a page; the error of one that does not fit names it by its id and by its place in the whole. */
export const decodeRows = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  rows: ReadonlyArray<unknown>,
  before: { readonly number: number },
  query: { readonly skipNulls?: boolean | undefined; readonly options?: ReadonlyArray<string> | undefined }
): Decoded<ReadonlyArray<A>> => {
  const skipNulls = query.skipNulls === true || query.options?.includes("skipnulls") === true
  return Either.mapLeft(set.decodeAll(rows, { skipNulls }), (error) => {
    const fault = invalid(set.name, error, ["value"])
    const id = fault.row === undefined ? undefined : idOfRow(rows[fault.row])
    return new ResponseInvalid({
      entitySet: fault.entitySet,
      path: fault.path,
      reason: fault.reason,
      row: fault.row,
      entity: id === undefined ? undefined : `${set.name}(${id})`,
      page: before.number
    })
  })
}
