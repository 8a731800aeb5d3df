/**
 * An access token: its value, redacted, with its fingerprint, scopes and times, which may be shown.
 *
 * @example
 * ```ts
 * import { TokenProvider } from "effect-erpnet"
 * import { Console, Effect } from "effect"
 *
 * export const program = Effect.gen(function* () {
 *   const tokens = yield* TokenProvider.TokenProvider
 *   const token = yield* tokens.get
 *   yield* Console.log(token.fingerprint, token.scopes, new Date(token.expiresAt))
 * })
 * ```
 *
 * @since 0.1.0
 */
import { sha256 } from "@noble/hashes/sha2"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"

/**
 * An opaque bearer token. It is never decoded: ERP.net also issues tokens that are no JWT.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccessToken {
  /** The token itself. Every printer shows `<redacted>`. */
  readonly value: Redacted.Redacted<string>
  /** The first 8 hexadecimal digits of the SHA-256 of the token: what logs and spans may show. */
  readonly fingerprint: string
  /** The scopes granted; those requested where the answer names none. */
  readonly scopes: ReadonlyArray<string>
  /** When the request for the token was sent, in epoch milliseconds of `Clock`. */
  readonly issuedAt: number
  /** When the token expires, in epoch milliseconds of `Clock`; `Infinity` for a reference token. */
  readonly expiresAt: number
}

/**
 * Makes the value for a token and computes its fingerprint.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Omit<AccessToken, "fingerprint">): AccessToken => ({
  ...options,
  fingerprint: Encoding.encodeHex(sha256(Redacted.value(options.value))).slice(0, 8)
})

/**
 * Tells whether two tokens have the same value.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSame = (a: AccessToken, b: AccessToken): boolean =>
  a === b || Redacted.value(a.value) === Redacted.value(b.value)

// Characters that a header carries unchanged, without the blank, which would end the token (RFC 6750 section 2.1).
const sendable = /^[\x21-\x7E]+$/

/**
 * Tells whether a text can be sent as a bearer token: visible ASCII characters (%x21-7E) only, and at least one.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSendable = (value: string): boolean => sendable.test(value)
