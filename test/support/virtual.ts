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

const maximumTasks = 20_000_000

/** Without `random`, fibers run in turn and are never made to yield. */
export const makeVirtual = (random?: Seeded): Virtual => {
  let elapsed = 0
  let offset = Date.UTC(2026, 0, 1)
  let order = 0
  const sleeps: Array<Sleep> = []
  let tasks: Array<() => void> = []
  let ran = 0
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
    sleep: (duration) =>
      Effect.async<void>((resume) => {
        order += 1
        const sleep: Sleep = {
          until: elapsed + Math.ceil(Math.max(0, Duration.toMillis(duration))),
          order,
          wake: () => resume(Effect.void)
        }
        insert(sleep)
        return Effect.sync(() => {
          const index = sleeps.indexOf(sleep)
          if (index >= 0) sleeps.splice(index, 1)
        })
      })
  }

  const scheduler: Scheduler.Scheduler = {
    shouldYield: (fiber) =>
      random === undefined ? (fiber.currentOpCount > 100_000 ? 0 : false) : random.chance(0.05) ? 0 : false,
    scheduleTask: (task) => {
      tasks.push(task)
    }
  }

  const settle = (): void => {
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
    while (tasks.length > 0) {
      const index = random.below(tasks.length)
      const task = tasks[index]!
      tasks[index] = tasks[tasks.length - 1]!
      tasks.pop()
      ran += 1
      if (ran > maximumTasks) throw new Error("fibers run in a loop")
      task()
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
