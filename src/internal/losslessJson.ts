import * as BigDecimal from "effect/BigDecimal"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { parse as losslessParse, stringify as losslessStringify } from "lossless-json"

/** A JSON number that a double cannot hold: its digits, as they were written. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  /** The nearest double, for a field that is read as a plain number. */
  toNumber(): number {
    return Number(this.text)
  }
  /** A plain `JSON.stringify` writes a string rather than lose a digit. */
  toJSON(): string {
    return this.text
  }
  toString(): string {
    return this.text
  }
}

// A bound on digits and on the exponent, so that "1e999999999" cannot be made to fill the memory.
const maxLength = 400
const decimalPattern = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** The exact value of a JSON number or of a string that holds one; none for anything else. */
export const toBigDecimal = (value: number | string | JsonNumber): Option.Option<BigDecimal.BigDecimal> => {
  const text = String(value)
  return text.length <= maxLength && decimalPattern.test(text)
    ? Option.filter(BigDecimal.fromString(text), isWritable)
    : Option.none()
}

/** Whether a decimal can be written out without an exponent in a reasonable number of digits. */
export const isWritable = (decimal: BigDecimal.BigDecimal): boolean => Math.abs(decimal.scale) <= maxLength

/** Writes a decimal without an exponent, which OData 4.0 does not allow. */
export const formatDecimal = (decimal: BigDecimal.BigDecimal): string => {
  const { scale, value } = BigDecimal.normalize(decimal)
  const digits = String(value < 0n ? -value : value)
  const sign = value < 0n ? "-" : ""
  if (scale <= 0) {
    return sign + digits + (value === 0n ? "" : "0".repeat(-scale))
  }
  const padded = digits.padStart(scale + 1, "0")
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
}

/** A double as OData names those that are no JSON numbers, in JSON and in a URL. */
export const formatDouble = (value: number): string => (Number.isNaN(value) ? "NaN" : value > 0 ? "INF" : "-INF")

/** The decimal as a JavaScript number when that prints the same digits, else as {@link JsonNumber}. */
export const fromBigDecimal = (decimal: BigDecimal.BigDecimal): number | JsonNumber => {
  const text = formatDecimal(decimal)
  return String(Number(text)) === text ? Number(text) : new JsonNumber(text)
}

const isExact = (text: string): boolean => {
  // A double keeps any 15 significant digits.
  if (text.length <= 15 && !/e/i.test(text)) {
    return true
  }
  // Beyond 2^53 some integers are exact by chance, and cannot be told from those that are not.
  if (/^-?\d+$/.test(text)) {
    return Number.isSafeInteger(Number(text))
  }
  const exact = toBigDecimal(text)
  const double = toBigDecimal(Number(text))
  return Option.isSome(exact) && Option.isSome(double) && BigDecimal.equals(exact.value, double.value)
}

const parseNumber = (text: string): number | JsonNumber => (isExact(text) ? Number(text) : new JsonNumber(text))

// Sixteen digits in a row (with or without a point), or an exponent where a JSON number may stand. A hit inside a
// string only costs time.
const mayLoseDigits = /\d[\d.]{15,}|(?:^|[:[,\s])-?\d[\d.]*[eE]/

/**
 * Parses JSON so that no number loses a digit: where a double is exact the value is a number, elsewhere a
 * {@link JsonNumber}. A text without long numbers is parsed by `JSON.parse`; one with them gives the same
 * values except for those numbers. The error quotes nothing of the text.
 */
export const parse = (text: string): Either.Either<unknown, SyntaxError> =>
  Either.try({
    try: (): unknown =>
      mayLoseDigits.test(text)
        ? losslessParse(text, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue })
        : JSON.parse(text),
    catch: () => new SyntaxError("The text is not valid JSON.")
  })

/** What a JSON text holds, numbers as doubles; nothing where it is none. */
export const parsePlain: (text: string) => Option.Option<unknown> = Option.liftThrowable((text: string): unknown =>
  JSON.parse(text)
)

/** Writes JSON; `BigDecimal`, `bigint` and {@link JsonNumber} become JSON numbers with all their digits. */
export const stringify = (value: unknown): string | undefined =>
  losslessStringify(value, undefined, undefined, [
    { test: (item) => item instanceof JsonNumber, stringify: String },
    {
      test: BigDecimal.isBigDecimal,
      stringify: (item) => (BigDecimal.isBigDecimal(item) ? formatDecimal(item) : "null")
    }
  ])
