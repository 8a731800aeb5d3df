import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Permits from "./permits.ts"

const window = 60_000

/** Waits so that no more than `perMinute` starts fall into any 60 seconds; starts are given in the order of asking. */
export const make = (perMinute: number): Effect.Effect<void> => {
  if (perMinute === Number.POSITIVE_INFINITY) return Effect.void
  // The last `perMinute` starts; the oldest decides when the next may be.
  const starts: Array<number> = []
  let index = 0
  const start: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const oldest = starts[index] ?? Number.NEGATIVE_INFINITY
    // The clock was set back: the times of the starts are unknown, so all of them count as of now.
    if (oldest > now) starts.fill(now)
    const wait = Math.min(oldest, now) + window - now
    // Looked at again after the wait, so that whoever is interrupted in it uses up no start.
    if (wait > 0) return Effect.zipRight(Effect.sleep(wait), start)
    starts[index] = now
    index = (index + 1) % perMinute
    return Effect.void
  })
  // One waits for the clock, the others for their turn.
  return Permits.make(1).withPermit(start)
}
