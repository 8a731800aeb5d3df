import { assert, describe, it } from "@effect/vitest"
import { Duration, Either } from "effect"
import * as Millis from "../../src/internal/settings.ts"

describe("duration options", () => {
  const accepted: ReadonlyArray<readonly [Duration.DurationInput, number]> = [
    [0, 0],
    [1500, 1500],
    [0.5, 0.5],
    [1_500_000n, 1.5],
    ["30 seconds", 30_000],
    ["1.5 seconds", 1500],
    ["2 hours", 7_200_000],
    [[1, 500_000_000], 1500],
    [Duration.minutes(2), 120_000],
    [Duration.infinity, Number.POSITIVE_INFINITY],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  ]
  for (const [input, expected] of accepted) {
    it(`${String(input)} is ${expected} ms`, () => {
      assert.deepStrictEqual(Millis.millis("option", input), Either.right(expected))
    })
  }

  const refused: ReadonlyArray<unknown> = [
    -1,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    -1n,
    "-1 seconds",
    " -1 seconds",
    [-1, 0],
    [0, -1],
    [Number.NaN, 0],
    "soon",
    "",
    "10",
    "10 fortnights",
    null,
    {}
  ]
  for (const input of refused) {
    it(`${typeof input} ${String(input)} is nonsense, and the message names the option`, () => {
      const result = Millis.millis("expiryLeeway", input as Duration.DurationInput)
      assert.match(Either.isLeft(result) ? result.left.message : "", /^expiryLeeway .*give a duration/)
    })
  }

  it("a minimum is kept", () => {
    assert.isTrue(Either.isLeft(Millis.millis("requestTimeout", 0, 1)))
    assert.isTrue(Either.isLeft(Millis.millis("requestTimeout", "0 seconds", 1)))
    assert.deepStrictEqual(Millis.millis("requestTimeout", 1, 1), Either.right(1))
  })
})
