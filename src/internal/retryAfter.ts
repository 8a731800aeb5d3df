import * as Duration from "effect/Duration"

/** The three forms of HTTP-date (RFC 9110 section 5.6.7) begin with the name of a day. */
const httpDate = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? /i

/** An HTTP-date in epoch milliseconds. It is always in GMT, though its oldest form does not say so. */
const parseDate = (value: string): number =>
  httpDate.test(value) ? Date.parse(/gmt$/i.test(value) ? value : `${value} GMT`) : Number.NaN

/**
 * How long the `Retry-After` header (RFC 9110 section 10.2.3) asks to wait, counted from `now` in epoch milliseconds.
 * Seconds and dates are understood; a date in the past is zero; anything else is none.
 */
export const parse = (header: string | undefined, now: number): Duration.Duration | undefined => {
  const value = header?.trim()
  if (value === undefined || value === "") return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Duration.seconds(Number(value))
  const date = parseDate(value)
  return Number.isNaN(date) ? undefined : Duration.millis(Math.max(0, date - now))
}
