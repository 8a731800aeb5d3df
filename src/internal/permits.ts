import * as Effect from "effect/Effect"

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
  const waiters = new Set<() => void>()

  const release = Effect.sync(() => {
    const next = waiters.values().next()
    if (next.done === true) {
      free += 1
    } else {
      waiters.delete(next.value)
      next.value()
    }
  })

  const wait = Effect.async<void>((resume) => {
    const waiter = () => resume(Effect.void)
    waiters.add(waiter)
    // Interrupted after it was called: the permit is its own already, and goes to the next.
    return Effect.suspend(() => (waiters.delete(waiter) ? Effect.void : release))
  })

  const acquire = Effect.suspend(() => {
    if (free === 0) return wait
    free -= 1
    return Effect.void
  })

  return {
    withPermit: (effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(restore(acquire), Effect.ensuring(restore(effect), release))
      )
  }
}
