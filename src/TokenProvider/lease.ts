/**
 * The calendar of a token: when it is served, when it is renewed, when a failed attempt is made again. Nothing but
 * functions of times in milliseconds, without a clock or state of their own.
 */
import type * as AccessToken from "../AccessToken.ts"

/** The settings of the calendar, in milliseconds. */
export interface Zones {
  readonly expiryLeeway: number
  readonly renewAhead: number
  readonly minimumTokenAge: number
}

/** A token with the times at which its treatment changes. */
export interface Lease {
  readonly token: AccessToken.AccessToken
  /** Until here it is simply served. */
  readonly freshUntil: number
  /** From here on callers wait for an exchange. */
  readonly waitFrom: number
  /** When it came, where it came from a renewal after a refusal. */
  readonly renewedAt: number | undefined
}

/**
 * How a token is treated at a time:
 *
 * - `fresh`: served;
 * - `ahead`: served, and renewed in the background;
 * - `late`: callers wait for a renewal, with the token to fall back on;
 * - `expired`: of no use.
 */
export type Zone = "fresh" | "ahead" | "late" | "expired"

/** The failed attempts since the last token. */
export interface Failures {
  readonly count: number
  /** When the last one failed. */
  readonly at: number
  /** How long the server asked to wait then. */
  readonly retryAfter: number
}

export const noFailures: Failures = { count: 0, at: 0, retryAfter: 0 }

/** Failed renewals ahead of expiry are made again after 10, 20, 40, 60, 60, … seconds. */
const shortestPause = 10_000
const longestPause = 60_000

/** The lease of a token that arrives `now`; both times ahead of its expiry are at most half its lifetime. */
export const make = (token: AccessToken.AccessToken, now: number, zones: Zones, isRenewal: boolean): Lease => {
  const half = (token.expiresAt - token.issuedAt) / 2
  const waitFrom = token.expiresAt - Math.min(zones.expiryLeeway, half)
  return {
    token,
    freshUntil: Math.min(waitFrom, token.expiresAt - Math.min(zones.renewAhead, half)),
    waitFrom,
    renewedAt: isRenewal ? now : undefined
  }
}

export const isExpired = (lease: Lease, now: number): boolean => now >= lease.token.expiresAt

/**
 * The zone of a token that was last served at `seenAt`. A clock that went back by more than the leeway makes the age of
 * the token unknown, so that it is `late`.
 */
export const zone = (lease: Lease, now: number, seenAt: number, zones: Zones): Zone => {
  if (isExpired(lease, now)) return "expired"
  if (now >= lease.waitFrom || now < seenAt - zones.expiryLeeway) return "late"
  return now >= lease.freshUntil ? "ahead" : "fresh"
}

/** True within `span` milliseconds after `since`; a clock set back ends it rather than prolonging it. */
export const isWithin = (now: number, since: number, span: number): boolean => now >= since && now - since < span

/** Whether the token came from a renewal so recently that it is not dropped for another refusal. */
export const isTooYoung = (lease: Lease, now: number, zones: Zones): boolean =>
  lease.renewedAt !== undefined && isWithin(now, lease.renewedAt, zones.minimumTokenAge)

/** One more failure. */
export const failed = (failures: Failures, at: number, retryAfter: number): Failures => ({
  count: failures.count + 1,
  at,
  retryAfter
})

const pauses = (failures: Failures, now: number, pause: number): boolean =>
  failures.count > 0 && isWithin(now, failures.at, Math.max(failures.retryAfter, pause))

/** Whether a renewal ahead of expiry waits because of the failures before it. */
export const pausesAhead = (failures: Failures, now: number): boolean =>
  pauses(failures, now, Math.min(longestPause, shortestPause * 2 ** (failures.count - 1)))

/**
 * How long no attempt is made where there is no token to serve: what the server asked for, and from the second failure
 * in a row on 0.5, 1, 2, 4, 4, … seconds, so that it is not asked once for each caller, and a recovery is soon noticed.
 */
export const pauseWithoutToken = (failures: Failures, now: number): number => {
  const backoff = failures.count > 1 ? Math.min(4000, 500 * 2 ** (failures.count - 2)) : 0
  const pause = Math.max(failures.retryAfter, backoff)
  return isWithin(now, failures.at, pause) ? failures.at + pause - now : 0
}

/** Whether a late token is served without an attempt: the server failed twice in a row, or asked to wait. */
export const pausesLate = (failures: Failures, now: number): boolean =>
  pauses(failures, now, failures.count > 1 ? shortestPause : 0)
