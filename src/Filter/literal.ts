import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as EntityId from "../EntityId.ts"
import { isMoment, isTimeOfDay } from "../internal/calendar.ts"
import { isGuid } from "../internal/guid.ts"
import { formatDecimal, formatDouble, isWritable, toBigDecimal } from "../internal/losslessJson.ts"
import { isWellFormed } from "../internal/redaction.ts"
import type { LiteralKind } from "../internal/rowShape.ts"
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

/** A text that is a time of day whatever the type of the field. */
export class TimeLiteral {
  readonly time: string
  constructor(time: string) {
    this.time = time
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
  | TimeLiteral

const refuse = (reason: string): Either.Either<never, string> => Either.left(reason)

const texts: Readonly<Record<LiteralKind, (text: string) => Either.Either<string, string>>> = {
  guid: (text) =>
    isGuid(text) ? Either.right(text.toLowerCase()) : refuse("the field holds guids and the value is none"),
  date: (text) =>
    isMoment(text)
      ? Either.right(text)
      : refuse("the text is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z, or no day of the calendar"),
  timeOfDay: (text) =>
    isTimeOfDay(text) ? Either.right(text) : refuse("the text is not a time of day such as 08:30:00"),
  double: () => refuse("the field holds numbers and the value is a text")
}

const number = (value: number, kind: LiteralKind | undefined): Either.Either<string, string> =>
  kind === "double" && !Number.isFinite(value)
    ? Either.right(formatDouble(value))
    : Either.fromOption(
        Option.map(toBigDecimal(value), formatDecimal),
        () => "the number is not finite, or too large or small to be written"
      )

/**
 * A value as an OData literal, not percent-encoded; the left side says why there is none. `kind` is that of the field,
 * where its schema tells: a string is then written without quotes.
 */
export const literal = (value: Value, kind: LiteralKind | undefined): Either.Either<string, string> => {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") {
    return Either.right(String(value))
  }
  if (typeof value === "string") {
    if (kind !== undefined) return texts[kind](value)
    return isWellFormed(value) ? Either.right(quote(value)) : refuse("the text holds half of a surrogate pair")
  }
  if (typeof value === "number") return number(value, kind)
  if (value instanceof GuidLiteral) return texts.guid(value.guid)
  if (value instanceof DateLiteral) return texts.date(value.date)
  if (value instanceof TimeLiteral) return texts.timeOfDay(value.time)
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
