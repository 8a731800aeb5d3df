/**
 * The tokens of an instance: what was issued, and what has become of it.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"

/**
 * A token as the instance remembers it. The token itself is not kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface IssuedToken {
  /** `access` comes from the token endpoint; `PAT` (of a user) and `SAT` (of an application) are reference tokens. */
  readonly kind: "access" | "PAT" | "SAT"
  /** The first 8 hexadecimal digits of the SHA-256 of the token. */
  readonly fingerprint: string
  readonly clientId: string
  readonly scopes: ReadonlyArray<string>
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch; infinite for a reference token without an end. */
  readonly expiresAt: number
}

/** What has become of a token, apart from its own lifetime. */
export type State = { readonly _tag: "Valid" } | { readonly _tag: "Revoked" } | { readonly _tag: "Expired"; at: number }

interface Row {
  readonly token: IssuedToken
  state: State
}

/** SHA-256 of a token, in hexadecimal. */
export const digest = (token: string): string => createHash("sha256").update(token, "utf8").digest("hex")

/** The part of the digest that may be shown. */
export const fingerprint = (token: string): string => digest(token).slice(0, 8)

/** The tokens of one instance. */
export interface Tokens {
  /** Remembers a token under its `jti`, or a reference token under its digest. */
  readonly add: (key: string, token: IssuedToken) => void
  readonly find: (key: string) => { readonly token: IssuedToken; readonly state: State } | undefined
  /** Changes the state of the tokens chosen and tells how many these are. */
  readonly mark: (state: State, chosen: (token: IssuedToken) => boolean) => number
}

/** Starts without a token. */
export const make = (): Tokens => {
  const rows = new Map<string, Row>()

  // the oldest come first; a day after its end nobody asks for a token any more
  const forget = (now: number): void => {
    for (const [key, row] of rows) {
      if (row.token.expiresAt === Number.POSITIVE_INFINITY) continue
      if (row.token.expiresAt + 86_400_000 > now) return
      rows.delete(key)
    }
  }

  return {
    add: (key, token) => {
      forget(token.issuedAt)
      rows.set(key, { token, state: { _tag: "Valid" } })
    },
    find: (key) => rows.get(key),
    mark: (state, chosen) => {
      let count = 0
      for (const row of rows.values()) {
        if (row.state._tag === "Revoked" || !chosen(row.token)) continue
        row.state = state
        count++
      }
      return count
    }
  }
}
