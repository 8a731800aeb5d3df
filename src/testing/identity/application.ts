/**
 * Trusted Applications as the embedded instance stores them, and how it compares their secrets.
 *
 * @since 0.1.0
 */
import { createHash, timingSafeEqual } from "node:crypto"
import * as Redacted from "effect/Redacted"
import type { TrustedApplication } from "../../TrustedApplication.ts"

/**
 * A Trusted Application record, with the attribute names of ERP.net and its defaults.
 *
 * @category models
 * @since 0.1.0
 */
export interface Application {
  /** The OAuth client id; unique in the instance. */
  readonly applicationUri: string
  /**
   * The display name.
   *
   * @default applicationUri
   */
  readonly name?: string | undefined
  /**
   * `Confidential` keeps a secret, `Public` has none, `None` is no OAuth client.
   *
   * @default "Confidential"
   */
  readonly clientType?: "Confidential" | "Public" | "None" | undefined
  /** The plain secret, for convenience: it is hashed at once and not kept. Wins over `applicationSecretHash`. */
  readonly secret?: Redacted.Redacted | undefined
  /** Base64 of the SHA-256 (or SHA-512) of the secret; any other length never matches. */
  readonly applicationSecretHash?: string | undefined
  /**
   * The kill switch.
   *
   * @default true
   */
  readonly isEnabled?: boolean | undefined
  /**
   * Permits client credentials and service access tokens.
   *
   * @default false
   */
  readonly systemUserAllowed?: boolean | undefined
  /** The login of the user a service token acts as; needed together with `systemUserAllowed`. */
  readonly systemUser?: string | undefined
  /** The id of that user; the claim `client_system_user_id` is there only when this is set. */
  readonly systemUserId?: string | undefined
  /**
   * The type of that user.
   *
   * @default "InternalUser"
   */
  readonly systemUserType?: string | undefined
  /** Reserved by ERP.net; without effect. */
  readonly systemUserLoginUrl?: string | undefined
  /**
   * Internal users may sign in.
   *
   * @default false
   */
  readonly impersonateAsInternalUserAllowed?: boolean | undefined
  /**
   * External users may sign in.
   *
   * @default false
   */
  readonly impersonateAsCommunityUserAllowed?: boolean | undefined
  /** Allowed redirect addresses, separated by commas. */
  readonly impersonateLoginUrl?: string | undefined
  /** Allowed addresses after sign-out, separated by commas. */
  readonly impersonateLogoutUrl?: string | undefined
  /** The scopes the application may ask for, separated by blanks; case-sensitive. */
  readonly scope?: string | undefined
  /**
   * Who may issue reference tokens by hand. The embedded instance issues them as an administrator would, always.
   *
   * @default "None"
   */
  readonly referenceTokens?: "None" | "AuthenticatedUsers" | "AdministratorsOnly" | undefined
  /**
   * Legacy: switches Basic authentication on for the instance; a 401 then carries a `Basic` challenge as well.
   *
   * @default false
   */
  readonly basicAuthenticationAllowed?: boolean | undefined
  /** Free text. */
  readonly notes?: string | undefined
}

/** A record in the instance: defaults applied, no plain secret. */
export interface Registered
  extends Omit<Application, "secret" | "name" | "clientType" | "isEnabled" | "systemUserAllowed" | "systemUserType"> {
  readonly name: string
  readonly clientType: "Confidential" | "Public" | "None"
  readonly isEnabled: boolean
  readonly systemUserAllowed: boolean
  readonly systemUserType: string
}

/** The hash that ERP.net stores for a secret: Base64 of its SHA-256, without salt. */
export const secretHash = (secret: string): string => createHash("sha256").update(secret, "utf8").digest("base64")

/** Turns what a user writes into a record: defaults filled in, the plain secret hashed and dropped. */
export const register = (application: Application): Registered => {
  const { secret, ...record } = application
  return {
    ...record,
    applicationSecretHash: secret === undefined ? record.applicationSecretHash : secretHash(Redacted.value(secret)),
    name: record.name ?? record.applicationUri,
    clientType: record.clientType ?? "Confidential",
    isEnabled: record.isEnabled ?? true,
    systemUserAllowed: record.systemUserAllowed ?? false,
    systemUserType: record.systemUserType ?? "InternalUser"
  }
}

/** Whether the secret has this hash. The algorithm follows from the length of the hash. */
export const secretMatches = (hash: string | undefined, secret: string): boolean => {
  const stored = Buffer.from(hash ?? "", "base64")
  const algorithm = stored.length === 32 ? "sha256" : stored.length === 64 ? "sha512" : undefined
  if (algorithm === undefined) return false
  return timingSafeEqual(stored, createHash(algorithm).update(secret, "utf8").digest())
}

/** The scope names in a scope text, each once. */
export const scopesOf = (scope: string | undefined): ReadonlyArray<string> => [
  ...new Set((scope ?? "").split(" ").filter((name) => name !== ""))
]

/**
 * The plain secret of {@link demoApplication}.
 *
 * @category testing
 * @since 0.1.0
 */
export const demoSecret: Redacted.Redacted = Redacted.make("demo-secret-of-my.trusted.app")

/**
 * The Trusted Application the embedded instance starts with: a service application that may read and update.
 *
 * @category testing
 * @since 0.1.0
 */
export const demoApplication: Application = {
  name: "Demo service",
  applicationUri: "my.trusted.app/service",
  clientType: "Confidential",
  secret: demoSecret,
  systemUserAllowed: true,
  systemUser: "svc.integration",
  scope: "read update DomainApi"
}

/**
 * A web application that people sign in to: Confidential, with redirect addresses on loopback.
 *
 * @category testing
 * @since 0.2.0
 */
export const demoWebApplication: Application = {
  name: "Demo web application",
  applicationUri: "my.trusted.app/web",
  clientType: "Confidential",
  secret: Redacted.make("demo-secret-of-my.trusted.app/web"),
  impersonateAsInternalUserAllowed: true,
  impersonateAsCommunityUserAllowed: true,
  impersonateLoginUrl: "http://localhost:3000/signin-callback,http://127.0.0.1:3000/signin-callback",
  impersonateLogoutUrl: "http://localhost:3000/,http://127.0.0.1:3000/",
  scope: "read update"
}

/**
 * A Public application that people sign in to: a console program, or a page without a server.
 *
 * @category testing
 * @since 0.2.0
 */
export const demoPublicApplication: Application = {
  name: "Demo public application",
  applicationUri: "my.trusted.app/public",
  clientType: "Public",
  impersonateAsInternalUserAllowed: true,
  impersonateAsCommunityUserAllowed: true,
  impersonateLoginUrl:
    "http://127.0.0.1:53177/callback,http://127.0.0.1:53178/callback,http://localhost:5173/,http://127.0.0.1:5173/",
  impersonateLogoutUrl: "http://localhost:5173/,http://127.0.0.1:5173/",
  scope: "read update"
}

/** The addresses in a text separated by commas, each as it is written. */
export const addressesOf = (text: string | undefined): ReadonlyArray<string> =>
  (text ?? "").split(",").flatMap((address) => (address.trim() === "" ? [] : [address.trim()]))

/** Whether people can sign in to the application. */
export const isInteractive = (application: Registered): boolean =>
  application.impersonateAsInternalUserAllowed === true || application.impersonateAsCommunityUserAllowed === true

/** The scopes of the protocol itself, which no application has to list. */
export const protocolScopes: ReadonlyArray<string> = ["openid", "profile", "offline_access"]

/**
 * The credentials of {@link demoApplication}, with all its scopes. For some of them:
 * `{ ...demoCredentials, scopes: ["read"] }`.
 *
 * @category testing
 * @since 0.2.0
 */
export const demoCredentials: TrustedApplication = {
  clientId: demoApplication.applicationUri,
  clientSecret: demoSecret,
  scopes: []
}

/** The credentials of the first application that has a secret; those of the demo where none has. */
export const credentialsOf = (applications: ReadonlyArray<Application>): TrustedApplication => {
  const [credentials = demoCredentials] = applications.flatMap(({ applicationUri, secret }) =>
    secret === undefined ? [] : [{ clientId: applicationUri, clientSecret: secret, scopes: [] }]
  )
  return credentials
}
