/**
 * What the identity server remembers of people: who is signed in, authorization codes, refresh tokens, consents.
 *
 * @since 0.2.0
 */
import { randomBytes } from "node:crypto"
import * as Tokens from "./tokens.ts"
import * as User from "./user.ts"

/** One sign-in of one browser; its id is the `sid` of the tokens. */
export interface Session {
  readonly sid: string
  readonly login: string
  /** Milliseconds since the epoch: the last time that the person gave a password. */
  authenticatedAt: number
  readonly startedAt: number
  /** The SHA-256 of the cookie, or of nothing for a sign-in without a browser. */
  readonly cookie: string
}

/** What a code or a refresh token stands for. */
export interface Grant {
  readonly clientId: string
  readonly login: string
  readonly sid: string
  readonly authenticatedAt: number
  readonly scopes: ReadonlyArray<string>
}

/** What an authorization code stands for. */
export interface Code extends Grant {
  readonly expiresAt: number
  readonly redirectUri: string
  readonly nonce: string | undefined
  readonly state: string | undefined
  readonly challenge: string | undefined
}

/** A refresh token; those of one sign-in are a family. */
export interface RefreshToken extends Grant {
  readonly family: string
  readonly expiresAt: number
  /** When it was exchanged for the next one. */
  consumedAt: number | undefined
  revoked: boolean
}

/** How a spent refresh token is met: refused, refused with all that came of it, or accepted for some seconds. */
export type Reuse = "refused" | "revokesFamily" | { readonly graceSeconds: number }

/** The identity cookie ends after this time, used or not. */
const cookieMillis = 10 * 60 * 60_000
const codeMillis = 300_000

/** The memory of one identity server. */
export interface SignIns {
  readonly user: (login: string) => User.Registered | undefined
  readonly users: () => ReadonlyArray<User.Registered>
  readonly setUser: (user: User.Registered) => void
  /** The session of a cookie, if it has one that has not ended. */
  readonly byCookie: (cookie: string | undefined, now: number) => Session | undefined
  /** The sessions of a person, the oldest first. */
  readonly sessions: (login: string) => ReadonlyArray<Session>
  /** Signs a person in: the same person keeps the session, another one gets a new one. */
  readonly signIn: (
    login: string,
    now: number,
    current: Session | undefined
  ) => { readonly session: Session; readonly cookie: string }
  /** Ends the sessions chosen and tells which these were. */
  readonly endWhere: (chosen: (session: Session) => boolean) => ReadonlyArray<Session>
  readonly addCode: (code: Omit<Code, "expiresAt">, now: number) => string
  /** The code, which is spent by being looked at; the code of another client stays. */
  readonly takeCode: (code: string, clientId: string, now: number) => Code | undefined
  readonly addRefreshToken: (grant: Grant & { readonly family?: string }, expiresAt: number) => string
  /** A refresh token that can be exchanged now. */
  readonly useRefreshToken: (token: string, clientId: string, now: number, reuse: Reuse) => RefreshToken | undefined
  readonly revokeRefreshTokens: (chosen: (token: RefreshToken) => boolean) => number
  /** Revokes one refresh token of a client. */
  readonly revokeRefreshToken: (token: string, clientId: string) => void
  readonly consents: Set<string>
}

/** Starts with these people, none of them signed in. */
export const make = (people: ReadonlyArray<User.User>, hex: (digits: number) => string): SignIns => {
  const users = new Map(people.map((user) => [user.login, User.register(user)]))
  const sessions = new Map<string, Session>()
  const codes = new Map<string, Code>()
  const refreshTokens = new Map<string, RefreshToken>()

  const forget = (now: number): void => {
    for (const [key, code] of codes) if (code.expiresAt <= now) codes.delete(key)
    for (const [key, token] of refreshTokens) if (token.expiresAt <= now) refreshTokens.delete(key)
    for (const [sid, session] of sessions) if (session.startedAt + cookieMillis <= now) sessions.delete(sid)
  }

  const revokeRefreshTokens = (chosen: (token: RefreshToken) => boolean): number => {
    let count = 0
    for (const token of refreshTokens.values()) {
      if (token.revoked || !chosen(token)) continue
      token.revoked = true
      count++
    }
    return count
  }

  return {
    user: (login) => users.get(login),
    users: () => [...users.values()],
    setUser: (user) => void users.set(user.login, user),
    byCookie: (cookie, now) => {
      if (cookie === undefined || cookie === "") return undefined
      const digest = Tokens.digest(cookie)
      const session = [...sessions.values()].find((one) => one.cookie === digest)
      return session === undefined || session.startedAt + cookieMillis <= now ? undefined : session
    },
    sessions: (login) => [...sessions.values()].filter((session) => session.login === login),
    signIn: (login, now, current) => {
      forget(now)
      const cookie = randomBytes(32).toString("base64url")
      const same = current?.login === login ? current : undefined
      const session: Session = {
        sid: same?.sid ?? hex(32),
        login,
        authenticatedAt: now,
        startedAt: now,
        cookie: Tokens.digest(cookie)
      }
      if (current !== undefined) sessions.delete(current.sid)
      sessions.set(session.sid, session)
      return { session, cookie }
    },
    endWhere: (chosen) => {
      const ended = [...sessions.values()].filter(chosen)
      for (const { sid } of ended) sessions.delete(sid)
      return ended
    },
    addCode: (code, now) => {
      forget(now)
      const value = hex(64)
      codes.set(Tokens.digest(value), { ...code, expiresAt: now + codeMillis })
      return value
    },
    takeCode: (value, clientId, now) => {
      const digest = Tokens.digest(value)
      const code = codes.get(digest)
      if (code === undefined || code.clientId !== clientId) return undefined
      codes.delete(digest)
      return code.expiresAt <= now ? undefined : code
    },
    addRefreshToken: (grant, expiresAt) => {
      const value = hex(64)
      const digest = Tokens.digest(value)
      refreshTokens.set(digest, {
        clientId: grant.clientId,
        login: grant.login,
        sid: grant.sid,
        authenticatedAt: grant.authenticatedAt,
        scopes: grant.scopes,
        family: grant.family ?? digest,
        expiresAt,
        consumedAt: undefined,
        revoked: false
      })
      return value
    },
    useRefreshToken: (value, clientId, now, reuse) => {
      const token = refreshTokens.get(Tokens.digest(value))
      if (token === undefined || token.clientId !== clientId || token.revoked || token.expiresAt <= now) {
        return undefined
      }
      if (token.consumedAt === undefined) return token
      if (reuse === "revokesFamily") revokeRefreshTokens(({ family }) => family === token.family)
      return typeof reuse === "object" && now - token.consumedAt <= reuse.graceSeconds * 1000 ? token : undefined
    },
    revokeRefreshTokens,
    revokeRefreshToken: (value, clientId) => {
      const token = refreshTokens.get(Tokens.digest(value))
      if (token?.clientId === clientId) token.revoked = true
    },
    consents: new Set()
  }
}
