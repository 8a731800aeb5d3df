import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"

/** What can be looked up together. */
export interface LookupGroup<A, E> {
  /** Lookups with the same key may share a request. */
  readonly key: string
  /** What the error of a closed scope names. */
  readonly path: string
  /** One request for these ids, which the spans wait for; then the result of each. */
  readonly fetch: (
    ids: ReadonlyArray<string>,
    spans: ReadonlyArray<Tracer.AnySpan>
  ) => Effect.Effect<(id: string) => Either.Either<A, E>, E>
}

/** Looks up one id, together with what others ask for meanwhile. */
export type Lookup<A, E> = (kind: LookupGroup<A, E>, id: string) => Effect.Effect<A, E>

export interface Options<E> {
  /** How long the first lookup waits for others, in milliseconds. */
  readonly window: number
  /** With so many ids a request goes out at once. */
  readonly maxIds: number
  /** What callers get when the scope is closed. */
  readonly closed: (path: string) => E
}

interface Entry<A, E> {
  readonly result: Deferred.Deferred<A, E>
  waiting: number
}

interface Group<A, E> {
  readonly kind: LookupGroup<A, E>
  readonly entries: Map<string, Entry<A, E>>
  readonly spans: Set<Tracer.AnySpan>
  readonly full: Deferred.Deferred<void>
  waiting: number
  settled: boolean
}

/** The state of a lookup. */
interface Lookups<A, E> {
  readonly options: Options<E>
  readonly runtime: Runtime.Runtime<never>
  /** Groups that still take ids. */
  readonly open: Map<string, Group<A, E>>
  /** The fibers of all groups that are not settled. */
  readonly running: Map<Group<A, E>, Fiber.RuntimeFiber<void>>
  closed: boolean
}

const shut = <A, E>({ open }: Lookups<A, E>, group: Group<A, E>): void => {
  if (open.get(group.kind.key) === group) open.delete(group.kind.key)
}

const settle = <A, E>(
  { options, running }: Lookups<A, E>,
  group: Group<A, E>,
  exit: Exit.Exit<(id: string) => Either.Either<A, E>, E>
): void => {
  running.delete(group)
  group.settled = true
  for (const [id, { result }] of group.entries) {
    // An interruption of others could not be handled by a caller.
    const own: Exit.Exit<A, E> = Exit.isInterrupted(exit)
      ? Exit.fail(options.closed(group.kind.path))
      : Exit.flatMap(exit, (resultOf) => Either.match(resultOf(id), { onLeft: Exit.fail, onRight: Exit.succeed }))
    Deferred.unsafeDone(result, own)
  }
}

/** The request of a group: waits for more ids, asks, and gives each caller its row. */
const request = <A, E>(lookups: Lookups<A, E>, group: Group<A, E>): Effect.Effect<void> => {
  const work = Effect.flatMap(Effect.timeoutOption(Deferred.await(group.full), lookups.options.window), () => {
    shut(lookups, group)
    for (const [id, entry] of group.entries) {
      if (entry.waiting === 0) group.entries.delete(id)
    }
    return group.kind.fetch([...group.entries.keys()], [...group.spans])
  })
  return Effect.uninterruptibleMask((restore) =>
    Effect.map(Effect.exit(restore(work)), (exit) => settle(lookups, group, exit))
  )
}

const begin = <A, E>(lookups: Lookups<A, E>, kind: LookupGroup<A, E>): Group<A, E> => {
  const group: Group<A, E> = {
    kind,
    entries: new Map(),
    spans: new Set(),
    full: Deferred.unsafeMake(FiberId.none),
    waiting: 0,
    settled: false
  }
  lookups.open.set(kind.key, group)
  lookups.running.set(group, Runtime.runFork(lookups.runtime)(request(lookups, group)))
  return group
}

const leave = <A, E>(lookups: Lookups<A, E>, group: Group<A, E>, entry: Entry<A, E>): void => {
  entry.waiting -= 1
  group.waiting -= 1
  if (group.waiting > 0 || group.settled) return
  shut(lookups, group)
  lookups.running.get(group)?.unsafeInterruptAsFork(FiberId.none)
}

const join = <A, E>(
  lookups: Lookups<A, E>,
  kind: LookupGroup<A, E>,
  id: string,
  span: Tracer.AnySpan | undefined
): Effect.Effect<A, E> =>
  Effect.uninterruptibleMask((restore) => {
    const { options } = lookups
    if (lookups.closed) return Effect.fail(options.closed(kind.path))
    const group = lookups.open.get(kind.key) ?? begin(lookups, kind)
    const entry = group.entries.get(id) ?? { result: Deferred.unsafeMake<A, E>(FiberId.none), waiting: 0 }
    group.entries.set(id, entry)
    entry.waiting += 1
    group.waiting += 1
    if (span !== undefined) group.spans.add(span)
    if (group.entries.size >= options.maxIds) {
      shut(lookups, group)
      Deferred.unsafeDone(group.full, Exit.void)
    }
    return Effect.ensuring(
      restore(Deferred.await(entry.result)),
      Effect.sync(() => leave(lookups, group, entry))
    )
  })

/**
 * Makes a lookup that joins those of any fibers. A request runs in a fiber of the scope and not of a caller, so each
 * caller is interruptible alone; when the last of a request is gone it is given up. Nothing is remembered.
 */
export const make = <A, E>(options: Options<E>): Effect.Effect<Lookup<A, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<never>()
    const lookups: Lookups<A, E> = { options, runtime, open: new Map(), running: new Map(), closed: false }
    yield* Effect.addFinalizer(() => {
      lookups.closed = true
      return Fiber.interruptAll([...lookups.running.values()])
    })
    return (kind, id) => Effect.withFiberRuntime((fiber) => join(lookups, kind, id, fiber.currentSpan))
  })
