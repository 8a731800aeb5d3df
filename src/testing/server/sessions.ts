/**
 * Sessions and licences: a session opens with the first API call of a token and takes one licence until it closes.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import type { Settings } from "./options.ts"

const minute = 60_000
const slidingMillis = 20 * minute
const absoluteMillis = 60 * minute

/** Why a request is refused. */
export type Refusal = "NoLicence" | "RateLimited"

interface Session {
  /** A token that opens a session again opens another one. */
  readonly id: string
  readonly startedAt: number
  readonly service: boolean
  lastRequestAt: number
  /** When each request of the last minute came. */
  recent: Array<number>
  running: number
  readonly waiting: Array<Deferred.Deferred<void>>
}

/** The sessions of one instance. */
export interface Sessions {
  /** Runs a request within its session, which is opened when there is none. The request gets the session's id. */
  readonly within: <A, E, R>(
    key: string,
    service: boolean,
    request: (session: string) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | Refusal, R>
  /** How many sessions are open; each has a licence. */
  readonly open: (now: number) => number
  readonly setLicences: (licences: number) => void
  /** Closes the session with this key, as signing out does. */
  readonly close: (key: string) => void
  /** Closes all sessions, as a restart of the server does. */
  readonly closeAll: () => void
}

/** Starts without a session; `closed` is called for every session that ends. */
export const make = (settings: Settings, closed: (session: string) => void): Sessions => {
  const sessions = new Map<string, Session>()
  const limits = settings.rateLimits
  let licences = settings.licences
  let opened = 0

  const close = (key: string, session: Session): void => {
    sessions.delete(key)
    closed(session.id)
  }

  const sweep = (now: number): void => {
    for (const [key, session] of sessions) {
      const idle = session.running === 0 && now - session.lastRequestAt >= slidingMillis
      const old = session.service && now - session.startedAt >= absoluteMillis
      if (idle || old) close(key, session)
    }
  }

  const enter = (key: string, service: boolean, now: number): Session | Refusal => {
    sweep(now)
    const session = sessions.get(key)
    if (session === undefined) {
      if (sessions.size >= licences) return "NoLicence"
      opened++
      const fresh: Session = {
        id: `${key} ${opened}`,
        startedAt: now,
        service,
        lastRequestAt: now,
        recent: [now],
        running: 0,
        waiting: []
      }
      sessions.set(key, fresh)
      return fresh
    }
    session.lastRequestAt = now
    if (limits !== undefined) {
      session.recent = session.recent.filter((at) => now - at < minute)
      if (session.recent.length >= limits.sessionRpm) return "RateLimited"
      session.recent.push(now)
    }
    return session
  }

  const leave = (session: Session): void => {
    const next = session.waiting.shift()
    if (next === undefined) session.running--
    else Deferred.unsafeDone(next, Exit.void)
  }

  const turn = (session: Session): Effect.Effect<void, Refusal> =>
    Effect.suspend(() => {
      if (limits === undefined || session.running < limits.concurrentRequests) {
        session.running++
        return Effect.void
      }
      if (session.waiting.length >= limits.queue) return Effect.fail("RateLimited")
      const deferred = Deferred.unsafeMake<void>(FiberId.none)
      session.waiting.push(deferred)
      return Effect.onInterrupt(Deferred.await(deferred), () =>
        Effect.sync(() => {
          const position = session.waiting.indexOf(deferred)
          if (position >= 0) session.waiting.splice(position, 1)
          else leave(session)
        })
      )
    })

  return {
    within: (key, service, request) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const session = enter(key, service, now)
        if (typeof session === "string") return Effect.fail(session)
        return Effect.uninterruptibleMask((restore) =>
          Effect.zipRight(
            restore(turn(session)),
            Effect.ensuring(
              restore(request(session.id)),
              Effect.sync(() => leave(session))
            )
          )
        )
      }),
    open: (now) => {
      sweep(now)
      return sessions.size
    },
    setLicences: (count) => {
      licences = count
    },
    close: (key) => {
      const session = sessions.get(key)
      if (session !== undefined) close(key, session)
    },
    closeAll: () => {
      for (const [key, session] of sessions) close(key, session)
    }
  }
}
