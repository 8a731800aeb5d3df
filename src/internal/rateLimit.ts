import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const window = 60_000

/**
 * Waits so that no more than `perMinute` starts fall into any 60 seconds. Meant to be asked by few at a time: whoever
 * is interrupted while waiting has used up a start.
 */
export const make = (perMinute: number): Effect.Effect<void> => {
  if (perMinute === Number.POSITIVE_INFINITY) return Effect.void
  // The last `perMinute` starts; the oldest decides when the next may be.
  const starts = new Array<number>(perMinute).fill(Number.NEGATIVE_INFINITY)
  let index = 0
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const oldest = starts[index] ?? Number.NEGATIVE_INFINITY
    // Never longer than the window, also where the clock was set back.
    const wait = Math.min(window, Math.max(0, oldest + window - now))
    starts[index] = now + wait
    index = (index + 1) % perMinute
    return wait === 0 ? Effect.void : Effect.sleep(wait)
  })
}
