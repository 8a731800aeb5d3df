import * as Duration from "effect/Duration"

/**
 * How long the `Retry-After` header (RFC 9110 section 10.2.3) asks to wait, counted from `now` in epoch milliseconds.
 * Seconds and dates are understood; a date in the past means not at all; anything else says nothing.
 */
export const parse = (header: string | undefined, now: number): Duration.Duration | undefined => {
  const value = header?.trim()
  if (value === undefined || value === "") return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Duration.seconds(Number(value))
  const date = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Duration.millis(Math.max(0, date - now))
}
