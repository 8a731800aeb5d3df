/**
 * The people who can sign in to the embedded instance.
 *
 * @since 0.2.0
 */
import { createHash, timingSafeEqual } from "node:crypto"
import * as Redacted from "effect/Redacted"

/**
 * A person of the instance.
 *
 * @category models
 * @since 0.2.0
 */
export interface User {
  /** The login, which is the `sub` of the tokens; unique in the instance. */
  readonly login: string
  /** The plain password; it is hashed at once and not kept. */
  readonly password: Redacted.Redacted
  /**
   * Internal users may call the API, external ones only sign in.
   *
   * @default "InternalUser"
   */
  readonly type?: "InternalUser" | "ExternalCommunityUser" | undefined
  /**
   * Whether the person may sign in and renew tokens.
   *
   * @default true
   */
  readonly active?: boolean | undefined
  /**
   * The display name.
   *
   * @default login
   */
  readonly name?: string | undefined
  /**
   * The e-mail address.
   *
   * @default login, at `example.com` where it is no address
   */
  readonly email?: string | undefined
}

/** A user in the instance: defaults applied, no plain password. */
export interface Registered {
  readonly login: string
  readonly type: "InternalUser" | "ExternalCommunityUser"
  readonly active: boolean
  readonly name: string
  readonly email: string
  /** A guid that follows from the login. */
  readonly id: string
  readonly passwordHash: string
}

const hash = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex")

const guidOf = (text: string): string => {
  const hex = hash(text)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Turns what a test writes into a record: defaults filled in, the plain password hashed and dropped. */
export const register = ({ password, ...user }: User): Registered => ({
  login: user.login,
  type: user.type ?? "InternalUser",
  active: user.active ?? true,
  name: user.name ?? user.login,
  email: user.email ?? (user.login.includes("@") ? user.login : `${user.login}@example.com`),
  id: guidOf(user.login),
  passwordHash: hash(Redacted.value(password))
})

/** Whether this is the person's password. */
export const passwordMatches = (user: Registered, password: string): boolean =>
  timingSafeEqual(Buffer.from(user.passwordHash), Buffer.from(hash(password)))

/**
 * The person the embedded instance starts with.
 *
 * @category testing
 * @since 0.2.0
 */
export const demoUser: User = {
  login: "maria.demo",
  password: Redacted.make("demo-password-of-maria"),
  name: "Maria Demo",
  email: "maria.demo@example.com"
}
