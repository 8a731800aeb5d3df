import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as EntityId from "../EntityId.ts"
import { isGuid } from "../internal/guid.ts"
import { formatDecimal, isWritable, toBigDecimal } from "../internal/losslessJson.ts"
import { isWellFormed } from "../internal/redaction.ts"
import { quote } from "../internal/uri.ts"

/** A text that is a guid whatever the type of the field. */
export class GuidLiteral {
  readonly guid: string
  constructor(guid: string) {
    this.guid = guid
  }
}

/** A text that is a date or a date-time whatever the type of the field. */
export class DateLiteral {
  readonly date: string
  constructor(date: string) {
    this.date = date
  }
}

/** What can stand on the right side of a comparison. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | BigDecimal.BigDecimal
  | Date
  | DateTime.Utc
  | EntityId.EntityId
  | GuidLiteral
  | DateLiteral

const datePattern = /^\d{4}-\d{2}-\d{2}(?:Z|T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?(?:Z|[+-]\d{2}:\d{2}))?$/

const refuse = (reason: string): Either.Either<never, string> => Either.left(reason)

/**
 * A value as an OData literal, not percent-encoded; the left side says why there is none. A string becomes a bare guid
 * only where the caller knows that the field holds guids.
 */
export const literal = (value: Value, guidField: boolean): Either.Either<string, string> => {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") {
    return Either.right(String(value))
  }
  if (typeof value === "string") {
    if (guidField) {
      return guid(value)
    }
    return isWellFormed(value) ? Either.right(quote(value)) : refuse("the text holds half of a surrogate pair")
  }
  if (typeof value === "number") {
    return Either.fromOption(
      Option.map(toBigDecimal(value), formatDecimal),
      () => "the number is not finite, or too large or small to be written"
    )
  }
  if (value instanceof GuidLiteral) {
    return guid(value.guid)
  }
  if (value instanceof DateLiteral) {
    return datePattern.test(value.date) && !Number.isNaN(Date.parse(value.date.replace(/^(.{10})Z$/, "$1")))
      ? Either.right(value.date)
      : refuse("the text is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z")
  }
  if (EntityId.is(value)) {
    return Either.right(quote(EntityId.format(value)))
  }
  if (BigDecimal.isBigDecimal(value)) {
    return isWritable(value) ? Either.right(formatDecimal(value)) : refuse("the number has too many digits")
  }
  const date = DateTime.isDateTime(value) ? DateTime.toDateUtc(value) : value
  const year = date.getUTCFullYear()
  // ISO 8601 needs a sign outside these years, and OData has none.
  return year >= 0 && year <= 9999 ? Either.right(date.toISOString()) : refuse("the date is invalid or out of range")
}

const guid = (text: string): Either.Either<string, string> =>
  isGuid(text) ? Either.right(text.toLowerCase()) : refuse("the field holds guids and the value is none")
