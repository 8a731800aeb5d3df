/**
 * A world of its own for Effects: a clock that moves only by hand, a scheduler that runs fibers only when told to, in
 * an order that a seed decides, and a count of the fibers alive. Everything is synchronous, so that hours of traffic
 * take moments and a failure can be repeated from its seed.
 */
import {
  Clock,
  type Context,
  Duration,
  Effect,
  type Exit,
  type Fiber,
  Option,
  Random,
  type Scheduler,
  Supervisor
} from "effect"
import type { Random as Seeded } from "./random.ts"

interface Sleep {
  readonly until: number
  readonly order: number
  readonly wake: () => void
}

class Counting extends Supervisor.AbstractSupervisor<number> {
  alive = 0
  started = 0
  get value(): Effect.Effect<number> {
    return Effect.sync(() => this.alive)
  }
  override onStart<A, E, R>(
    _context: Context.Context<R>,
    _effect: Effect.Effect<A, E, R>,
    _parent: Option.Option<Fiber.RuntimeFiber<unknown, unknown>>,
    _fiber: Fiber.RuntimeFiber<A, E>
  ): void {
    this.alive += 1
    this.started += 1
  }
  override onEnd<A, E>(_value: Exit.Exit<A, E>, _fiber: Fiber.RuntimeFiber<A, E>): void {
    this.alive -= 1
  }
}

export interface Virtual {
  /** What the clock on the wall shows, in epoch milliseconds. */
  readonly now: () => number
  /** How much time has really passed. */
  readonly elapsed: () => number
  readonly pendingSleeps: () => number
  readonly liveFibers: () => number
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.RuntimeFiber<A, E>
  /** Runs fibers until each is waiting; no time passes. */
  readonly settle: () => void
  /** Runs an Effect that needs no time, and settles. */
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Exit.Exit<A, E>
  /** Lets time pass, waking each sleeper at its time. */
  readonly advance: (millis: number) => void
  /** Sets the clock on the wall forward or back; no time passes. */
  readonly setClock: (byMillis: number) => void
}

const maximumTasks = 1_000_000

/** Without `random`, fibers run in turn and are never made to yield. */
export const makeVirtual = (random?: Seeded): Virtual => {
  let elapsed = 0
  let offset = Date.UTC(2026, 0, 1)
  let order = 0
  const sleeps: Array<Sleep> = []
  let tasks: Array<() => void> = []
  const last: Array<() => void> = []
  const counting = new Counting()

  const insert = (sleep: Sleep): void => {
    let low = 0
    let high = sleeps.length
    // Sorted with the next one last.
    while (low < high) {
      const middle = (low + high) >> 1
      const other = sleeps[middle]!
      if (other.until > sleep.until || (other.until === sleep.until && other.order > sleep.order)) low = middle + 1
      else high = middle
    }
    sleeps.splice(low, 0, sleep)
  }

  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => offset + elapsed,
    currentTimeMillis: Effect.sync(() => offset + elapsed),
    unsafeCurrentTimeNanos: () => BigInt(Math.floor(offset + elapsed)) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(Math.floor(offset + elapsed)) * 1_000_000n),
    sleep: (duration) => {
      if (Duration.toMillis(duration) <= 0) return Effect.yieldNow()
      // The finalizer is there before the sleep is: that of `Effect.async` itself comes a few steps after it, and an
      // interruption between the two would leave the sleep behind.
      return Effect.suspend(() => {
        let sleep: Sleep | undefined
        return Effect.async<void>((resume) => {
          order += 1
          sleep = {
            until: elapsed + Math.ceil(Duration.toMillis(duration)),
            order,
            wake: () => resume(Effect.void)
          }
          insert(sleep)
        }).pipe(
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              const index = sleep === undefined ? -1 : sleeps.indexOf(sleep)
              if (index >= 0) sleeps.splice(index, 1)
            })
          )
        )
      })
    }
  }

  // With a seed, a fiber may be made to yield at any step. Most then take their turn at random; a few wait until no
  // other can run, which finds what happens when everything overtakes one fiber in the middle of its work.
  interface Pace {
    readonly isSlow: boolean
    /** Steps to take before the next yield: a yield itself takes some, which must not lead to yet another. */
    quiet: number
  }
  const paces = new WeakMap<Fiber.RuntimeFiber<unknown, unknown>, Pace>()
  const overtaken = new WeakSet<Fiber.RuntimeFiber<unknown, unknown>>()
  const scheduler: Scheduler.Scheduler = {
    shouldYield: (fiber) => {
      if (random === undefined) return fiber.currentOpCount > 100_000 ? 0 : false
      const pace = paces.get(fiber) ?? { isSlow: random.chance(0.15), quiet: 0 }
      paces.set(fiber, pace)
      pace.quiet -= 1
      if (pace.quiet > 0 || !random.chance(pace.isSlow ? 0.2 : 0.04)) return false
      pace.quiet = 25
      if (pace.isSlow) overtaken.add(fiber)
      return 0
    },
    scheduleTask: (task, _priority, fiber) => {
      if (fiber !== undefined && overtaken.delete(fiber)) last.push(task)
      else tasks.push(task)
    }
  }

  const take = (from: Array<() => void>, index: number): (() => void) | undefined => {
    const task = from[index]
    const end = from.pop()
    if (end !== undefined && index < from.length) from[index] = end
    return task
  }

  const settle = (): void => {
    let ran = 0
    if (random === undefined) {
      while (tasks.length > 0) {
        const batch = tasks
        tasks = []
        for (const task of batch) task()
        ran += batch.length
        if (ran > maximumTasks) throw new Error("fibers run in a loop")
      }
      return
    }
    while (tasks.length + last.length > 0) {
      const task = tasks.length > 0 ? take(tasks, random.below(tasks.length)) : take(last, random.below(last.length))
      ran += 1
      if (ran > maximumTasks) throw new Error("fibers run in a loop")
      task?.()
    }
  }

  const chance = Random.make(random?.below(2 ** 31) ?? 1)

  const fork: Virtual["fork"] = (effect) =>
    Effect.runFork(effect.pipe(Effect.withClock(clock), Effect.withRandom(chance), Effect.supervised(counting)), {
      scheduler
    })

  return {
    now: () => offset + elapsed,
    elapsed: () => elapsed,
    pendingSleeps: () => sleeps.length,
    liveFibers: () => counting.alive,
    fork,
    settle,
    run: (effect) => {
      const fiber = fork(effect)
      settle()
      return Option.getOrThrowWith(
        Option.fromNullable(fiber.unsafePoll()),
        () => new Error("it waits for time to pass")
      )
    },
    advance: (millis) => {
      const end = elapsed + millis
      settle()
      for (let next = sleeps.at(-1); next !== undefined && next.until <= end; next = sleeps.at(-1)) {
        sleeps.pop()
        elapsed = Math.max(elapsed, next.until)
        next.wake()
        settle()
      }
      elapsed = end
    },
    setClock: (byMillis) => {
      offset += byMillis
    }
  }
}
