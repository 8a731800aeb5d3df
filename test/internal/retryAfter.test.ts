import { assert, describe, it } from "@effect/vitest"
import { Duration, FastCheck } from "effect"
import * as RetryAfter from "../../src/internal/retryAfter.ts"

// RFC 9110 section 5.6.7 gives this moment in three forms.
const moment = Date.UTC(1994, 10, 6, 8, 49, 37)

const millis = (header: string | undefined, now: number): number | undefined => {
  const duration = RetryAfter.parse(header, now)
  return duration === undefined ? undefined : Duration.toMillis(duration)
}

describe("Retry-After", () => {
  const table: ReadonlyArray<readonly [string | undefined, number | undefined]> = [
    [undefined, undefined],
    ["", undefined],
    ["  ", undefined],
    ["0", 0],
    ["120", 120_000],
    [" 120 ", 120_000],
    ["1.5", 1500],
    ["-1", undefined],
    ["+1", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["120s", undefined],
    ["soon", undefined],
    ["2050", 2_050_000],
    ["foo 2050", undefined],
    ["2050-01-01T00:00:00Z", undefined],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 60_000],
    ["sun, 06 nov 1994 08:49:37 gmt", 60_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 60_000],
    ["Sun Nov  6 08:49:37 1994", 60_000],
    ["Sun, 06 Nov 1994 08:47:37 GMT", 0],
    ["Sun, 99 Nov 1994 08:49:37 GMT", undefined]
  ]
  for (const [header, expected] of table) {
    it(`${JSON.stringify(header)} asks to wait ${expected} ms`, () => {
      assert.strictEqual(millis(header, moment - 60_000), expected)
    })
  }

  it.prop(
    "every date in the form that servers send is read to the second",
    [FastCheck.integer({ min: 0, max: 4e9 }), FastCheck.integer({ min: 0, max: 1e6 })],
    ([now, wait]) => {
      assert.strictEqual(millis(new Date((now + wait) * 1000).toUTCString(), now * 1000), wait * 1000)
    }
  )

  it.prop(
    "no text makes it throw, or wait less than nothing",
    [FastCheck.string({ unit: "binary" }), FastCheck.integer({ min: 0, max: 4e12 })],
    ([header, now]) => {
      const wait = millis(header, now)
      assert.isTrue(wait === undefined || wait >= 0)
    }
  )
})
