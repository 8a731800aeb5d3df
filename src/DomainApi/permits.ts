import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"

/** Lets at most so many effects run at a time; the others wait in the order of their coming, each interruptible. */
export interface Permits {
  readonly withPermit: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/**
 * Makes permits. Not an Effect Semaphore, which wakes every waiter at every release and so costs the square of their
 * number in time and memory.
 */
export const make = (count: number): Permits => {
  let free = count
  // A Set keeps the order of insertion and forgets an interrupted waiter without a search.
  const waiters = new Set<Deferred.Deferred<void>>()

  const release = Effect.sync(() => {
    const next = waiters.values().next()
    if (next.done === true) {
      free += 1
    } else {
      waiters.delete(next.value)
      Deferred.unsafeDone(next.value, Exit.void)
    }
  })

  return {
    withPermit: (effect) =>
      // Only the waiting is interruptible: between any two other steps a permit could get lost.
      Effect.uninterruptibleMask((restore) => {
        const acquire = Effect.suspend(() => {
          if (free > 0) {
            free -= 1
            return Effect.void
          }
          const waiter = Deferred.unsafeMake<void>(FiberId.none)
          waiters.add(waiter)
          return Effect.onInterrupt(restore(Deferred.await(waiter)), () =>
            // No longer among the waiters, it was given a permit already, which goes to the next.
            Effect.suspend(() => (waiters.delete(waiter) ? Effect.void : release))
          )
        })
        return Effect.zipRight(acquire, Effect.ensuring(restore(effect), release))
      })
  }
}
