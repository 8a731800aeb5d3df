/**
 * What a user of the embedded instance can set, and the defaults.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import {
  type Application,
  demoApplication,
  demoPublicApplication,
  demoWebApplication
} from "../identity/application.ts"
import type { Reuse } from "../identity/signIns.ts"
import { demoUser, type User } from "../identity/user.ts"
import type { DomainOptions } from "../model/types.ts"

/**
 * The limits that ERP.net puts on one session.
 *
 * @category options
 * @since 0.1.0
 */
export interface RateLimits {
  /**
   * Requests per minute in one session; the next one gets 429.
   *
   * @default 600
   */
  readonly sessionRpm?: number | undefined
  /**
   * Requests of one session that run at the same time.
   *
   * @default 1
   */
  readonly concurrentRequests?: number | undefined
  /**
   * Requests of one session that wait for their turn; the next one gets 429 at once.
   *
   * @default 5
   */
  readonly queue?: number | undefined
  /** Seconds for the `Retry-After` header of a 429. Without it there is no such header: ERP.net documents none. */
  readonly retryAfter?: number | undefined
}

/**
 * How long the instance takes to answer.
 *
 * @category options
 * @since 0.1.0
 */
export interface Latency {
  /**
   * Before each answer of the token endpoint.
   *
   * @default 0
   */
  readonly token?: Duration.DurationInput | undefined
  /**
   * Before each answer of the Domain API, while the request occupies its session.
   *
   * @default 0
   */
  readonly api?: Duration.DurationInput | undefined
}

/**
 * Which pages of other origins may read answers.
 *
 * @category options
 * @since 0.2.0
 */
export interface CorsOptions {
  /**
   * The origins allowed: those of the redirect addresses of all applications, any, none, or a list (assumed: ERP.net
   * documents nothing).
   *
   * @default "redirectUris"
   */
  readonly origins?: "redirectUris" | "any" | "none" | ReadonlyArray<string> | undefined
  /**
   * Whether a 401 of the API can be read by a page too.
   *
   * @default true
   */
  readonly on401?: boolean | undefined
  /**
   * The headers that a page may read besides the safelisted ones.
   *
   * @default []
   */
  readonly expose?: ReadonlyArray<string> | undefined
}

/**
 * How the identity server treats people, where ERP.net's documentation is silent or contradicts itself.
 *
 * @category options
 * @since 0.2.0
 */
export interface IdentityOptions {
  /**
   * When people are asked whether an application may act for them.
   *
   * @default "never"
   */
  readonly consent?: "never" | "once" | "always" | undefined
  /**
   * What a renewal does with the refresh token: gives a new one and spends the old one, gives the same one again, or
   * gives none and keeps the old one.
   *
   * @default "rotate"
   */
  readonly rotation?: "rotate" | "keep" | "omit" | undefined
  /**
   * How a spent refresh token is met: refused, refused together with all that came of the same sign-in, or accepted
   * for some seconds.
   *
   * @default "refused"
   */
  readonly reuse?: Reuse | undefined
  /**
   * Whether Public applications get refresh tokens at all; the documentation says both.
   *
   * @default true
   */
  readonly publicRefreshTokens?: boolean | undefined
  /**
   * What external users get: an access token that the API refuses, or none (assumed).
   *
   * @default "identityOnly"
   */
  readonly externalUserTokens?: "identityOnly" | "none" | undefined
  /**
   * Whether the callback carries `iss` (RFC 9207).
   *
   * @default false
   */
  readonly issParameter?: boolean | undefined
  /**
   * Whether refresh tokens can be revoked; otherwise the revocation endpoint is 404.
   *
   * @default true
   */
  readonly revocation?: boolean | undefined
  /** Which pages of other origins may read answers. */
  readonly cors?: CorsOptions | undefined
}

/**
 * What the embedded instance holds and how it behaves where ERP.net's documentation is silent or contradicts itself.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends DomainOptions, IdentityOptions {
  /**
   * The name of the instance. In memory its origin is `https://{name}.my.erp.net`.
   *
   * @default "testdb"
   */
  readonly name?: string | undefined
  /**
   * The Trusted Applications at the start; {@link demoApplication}, {@link demoWebApplication} and
   * {@link demoPublicApplication} by default.
   */
  readonly applications?: ReadonlyArray<Application> | undefined
  /** The people who can sign in; {@link demoUser} alone by default. */
  readonly users?: ReadonlyArray<User> | undefined
  /**
   * The server version.
   *
   * @default "26.2.0.76"
   */
  readonly version?: string | undefined
  /**
   * How long an access token lives, in whole seconds.
   *
   * @default "1 hour"
   */
  readonly lifetime?: Duration.DurationInput | undefined
  /**
   * How far past `exp` and before `nbf` the API still accepts a token. ASP.NET Core's own default is 5 minutes.
   *
   * @default 0
   */
  readonly clockSkew?: Duration.DurationInput | undefined
  /** How many sessions may be open at once; unlimited by default. */
  readonly licences?: number | undefined
  /**
   * How a missing licence is answered: 503 with `Retry-After: 60`, or 500; `auto` is 503 since version 27.1.
   *
   * @default "auto"
   */
  readonly licenceError?: "auto" | 503 | 500 | undefined
  /** Session limits; off by default, although a real server has them on. */
  readonly rateLimits?: RateLimits | undefined
  /** How long answers take; none by default. */
  readonly latency?: Latency | undefined
  /**
   * How many of the newest requests the journal keeps.
   *
   * @default 10_000
   */
  readonly journalLimit?: number | undefined
  /**
   * Whether token errors carry `error_description`. ERP.net documents the texts, IdentityServer sends none.
   *
   * @default false
   */
  readonly errorDescriptions?: boolean | undefined
  /**
   * The error for a token request without client id or secret. IdentityServer answers `invalid_client`, ERP.net
   * documents `invalid_request`.
   *
   * @default "invalid_client"
   */
  readonly missingCredentials?: "invalid_client" | "invalid_request" | undefined
  /**
   * Whether a secret sent for a Public application is an error, as ERP.net documents, or ignored.
   *
   * @default "refused"
   */
  readonly publicClientSecret?: "refused" | "ignored" | undefined
  /**
   * What `openid`, `profile` and `offline_access` do in a client credentials request: `invalid_scope`, as
   * IdentityServer has it, or nothing.
   *
   * @default "refused"
   */
  readonly protocolScopes?: "refused" | "ignored" | undefined
  /**
   * Whether access tokens of a disabled application keep working until they expire (assumed: the API validates them
   * alone) or are refused. Reference tokens are always refused.
   *
   * @default "accepted"
   */
  readonly disabledApplicationTokens?: "accepted" | "refused" | undefined
  /**
   * The status for a request that authenticates in two ways at once, such as `Authorization` and `X-Api-Key`
   * (assumed: ERP.net documents only that one way is allowed).
   *
   * @default 401
   */
  readonly severalCredentials?: 400 | 401 | undefined
  /**
   * The site type that discovery gives the Domain API; older servers print `API`.
   *
   * @default "DomainAPI"
   */
  readonly discoveryApiType?: "DomainAPI" | "API" | undefined
  /**
   * Which of `/sys/auto-discovery` and `/tools/auto-discovery` exist; ERP.net documents either.
   *
   * @default "both"
   */
  readonly discoveryPaths?: "both" | "sys" | "tools" | "none" | undefined
  /**
   * How many milliseconds the clock of the instance is ahead of the `Clock`; negative is behind. It holds for
   * everything: `Date`, tokens, times of rows.
   *
   * @default 0
   */
  readonly clockOffset?: number | undefined
  /**
   * Whether answers have a `Date` header, by the clock of the instance. On a socket Node writes one where there is none.
   * Before 2024-01-08, where a test clock begins, the header counts from 2026-07-01, after all seeded times.
   *
   * @default true
   */
  readonly dateHeader?: boolean | undefined
  /** The most characters of an address, scheme and host included; unlimited by default. Web servers limit it to some 2,000 to 8,000. */
  readonly maxUrlLength?: number | undefined
  /**
   * How an address that is too long is answered: 404 with the page of IIS for 404.15, or 414, or 431, with a page too.
   *
   * @default 404
   */
  readonly longUrlStatus?: 404 | 414 | 431 | undefined
  /**
   * Whether bodies are compressed where `Accept-Encoding` allows it: br before gzip before deflate.
   *
   * @default "off"
   */
  readonly compression?: "off" | "accepted" | undefined
}

/** Seconds are the unit of tokens: parts of a second are dropped. */
export const wholeSeconds = (duration: Duration.DurationInput): number => Math.floor(Duration.toSeconds(duration))

/** {@link RateLimits} with the defaults filled in. */
export interface ResolvedRateLimits {
  readonly sessionRpm: number
  readonly concurrentRequests: number
  readonly queue: number
  readonly retryAfter: number | undefined
}

/** {@link CorsOptions} with the defaults filled in. */
export type ResolvedCors = { readonly [Name in keyof CorsOptions]-?: Exclude<CorsOptions[Name], undefined> }

/** {@link IdentityOptions} with the defaults filled in. */
export type ResolvedIdentity = {
  readonly [Name in Exclude<keyof IdentityOptions, "cors">]-?: Exclude<IdentityOptions[Name], undefined>
} & { readonly cors: ResolvedCors }

/** {@link Options} with the defaults filled in, without those of the OData engine. */
export interface Settings {
  readonly name: string
  readonly applications: ReadonlyArray<Application>
  readonly version: string
  readonly lifetimeSeconds: number
  readonly clockSkewMillis: number
  readonly seed: number
  readonly licences: number
  readonly licenceError: "auto" | 503 | 500
  readonly rateLimits: ResolvedRateLimits | undefined
  readonly latency: Latency
  readonly journalLimit: number
  readonly errorDescriptions: boolean
  readonly missingCredentials: "invalid_client" | "invalid_request"
  readonly publicClientSecret: "refused" | "ignored"
  readonly protocolScopes: "refused" | "ignored"
  readonly disabledApplicationTokens: "accepted" | "refused"
  readonly severalCredentials: 400 | 401
  readonly readOnlyWrite: 403 | 500
  readonly discoveryApiType: "DomainAPI" | "API"
  readonly discoveryPaths: "both" | "sys" | "tools" | "none"
  readonly errorBody: "wrapped" | "bare"
  readonly clockOffset: number
  readonly dateHeader: boolean
  readonly maxUrlLength: number
  readonly longUrlStatus: 404 | 414 | 431
  readonly compression: "off" | "accepted"
  readonly users: ReadonlyArray<User>
  readonly identity: ResolvedIdentity
}

const identity = (options: IdentityOptions): ResolvedIdentity => ({
  consent: options.consent ?? "never",
  rotation: options.rotation ?? "rotate",
  reuse: options.reuse ?? "refused",
  publicRefreshTokens: options.publicRefreshTokens ?? true,
  externalUserTokens: options.externalUserTokens ?? "identityOnly",
  issParameter: options.issParameter ?? false,
  revocation: options.revocation ?? true,
  cors: {
    origins: options.cors?.origins ?? "redirectUris",
    on401: options.cors?.on401 ?? true,
    expose: options.cors?.expose ?? []
  }
})

/** Fills in the defaults. */
export const settings = (options: Options): Settings => ({
  name: options.name ?? "testdb",
  applications: options.applications ?? [demoApplication, demoWebApplication, demoPublicApplication],
  version: options.version ?? "26.2.0.76",
  lifetimeSeconds: wholeSeconds(options.lifetime ?? "1 hour"),
  clockSkewMillis: Duration.toMillis(options.clockSkew ?? 0),
  seed: options.seed ?? 1,
  licences: options.licences ?? Number.POSITIVE_INFINITY,
  licenceError: options.licenceError ?? "auto",
  rateLimits:
    options.rateLimits === undefined
      ? undefined
      : {
          sessionRpm: options.rateLimits.sessionRpm ?? 600,
          concurrentRequests: options.rateLimits.concurrentRequests ?? 1,
          queue: options.rateLimits.queue ?? 5,
          retryAfter: options.rateLimits.retryAfter
        },
  latency: options.latency ?? {},
  journalLimit: options.journalLimit ?? 10_000,
  errorDescriptions: options.errorDescriptions ?? false,
  missingCredentials: options.missingCredentials ?? "invalid_client",
  publicClientSecret: options.publicClientSecret ?? "refused",
  protocolScopes: options.protocolScopes ?? "refused",
  disabledApplicationTokens: options.disabledApplicationTokens ?? "accepted",
  severalCredentials: options.severalCredentials ?? 401,
  readOnlyWrite: options.readOnlyWrite ?? 403,
  discoveryApiType: options.discoveryApiType ?? "DomainAPI",
  discoveryPaths: options.discoveryPaths ?? "both",
  errorBody: options.errorBody ?? "wrapped",
  clockOffset: options.clockOffset ?? 0,
  dateHeader: options.dateHeader ?? true,
  maxUrlLength: options.maxUrlLength ?? Number.POSITIVE_INFINITY,
  longUrlStatus: options.longUrlStatus ?? 404,
  compression: options.compression ?? "off",
  users: options.users ?? [demoUser],
  identity: identity(options)
})
