/**
 * The service that holds the access token: fetched once, kept in this process, renewed ahead of expiry, and replaced
 * when the API refuses it.
 *
 * **One token for each process.** The licence terms of ERP.net forbid sharing a token between processes, users or
 * machines, and each token in use opens a session that takes a licence slot. So the token lives in memory only, there
 * is no store to plug in, it is renewed as late as is safe, and whoever runs several processes pays a slot for each.
 * Provide one layer (bind it to a constant): two independent layers are two tokens.
 *
 * @example
 * ```ts
 * import { TokenProvider } from "effect-erpnet"
 * import { NodeHttpClient } from "@effect/platform-node"
 * import { Console, Effect, Layer } from "effect"
 *
 * const TokensLive = TokenProvider.layerConfig().pipe(Layer.provide(NodeHttpClient.layerUndici))
 *
 * export const program = Effect.gen(function* () {
 *   const tokens = yield* TokenProvider.TokenProvider
 *   const token = yield* tokens.get
 *   yield* Console.log(`token ${token.fingerprint} with scopes ${token.scopes.join(" ")}`)
 * }).pipe(Effect.provide(TokensLive))
 * ```
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import * as AccessToken from "./AccessToken.ts"
import {
  Expired,
  InvalidApplication,
  type InvalidClient,
  type InvalidInstance,
  isTransient,
  TokenEndpointUnavailable,
  type TokenError,
  TokenResponseInvalid,
  Unauthorized
} from "./ErpNetError.ts"
import * as Instance from "./Instance.ts"
import { serverText, withoutQuery } from "./internal/redaction.ts"
import * as Millis from "./internal/settings.ts"
import * as TokenEndpoint from "./TokenEndpoint.ts"
import * as TrustedApplication from "./TrustedApplication.ts"

/**
 * What the service offers: a token that is good now, and another one for one that was refused.
 *
 * @category services
 * @since 0.1.0
 */
export interface Service {
  /** The instance of the token: its tokens go nowhere else. */
  readonly instance: Instance.Instance
  /**
   * A token that is good to send now. Mostly the one in memory; where a new one is needed all callers wait for one
   * exchange, and each can be interrupted or timed out alone.
   */
  readonly get: Effect.Effect<AccessToken.AccessToken, TokenError>
  /**
   * Says that the API refused this token, and gives another. Compare-and-swap by the token's value: where the current
   * token is another one already, that is the answer and nothing is sent. Fails with `Unauthorized` at once where the
   * refused token itself came from a renewal less than `minimumTokenAge` ago, or cannot be renewed at all.
   */
  readonly renew: (
    rejected: AccessToken.AccessToken
  ) => Effect.Effect<AccessToken.AccessToken, TokenError | Unauthorized>
}

/**
 * The service that holds the token of one instance.
 *
 * @category services
 * @since 0.1.0
 */
export class TokenProvider extends Context.Tag("effect-erpnet/TokenProvider")<TokenProvider, Service>() {}

/**
 * When a token is renewed. All durations may be given as milliseconds or as any `Duration` input; negative ones and
 * NaN are a defect when the layer is built.
 *
 * @category options
 * @since 0.1.0
 */
export interface RenewalOptions extends TokenEndpoint.Options {
  /**
   * This long before its expiry a token is no longer served without asking for a new one first. Clamped to half the
   * lifetime of the token.
   *
   * @default "60 seconds"
   */
  readonly expiryLeeway?: Duration.DurationInput | undefined
  /**
   * This long before its expiry the first use of a token starts a renewal in the background, while the token is still
   * served. Zero switches it off. Clamped to half the lifetime of the token.
   *
   * @default "120 seconds"
   */
  readonly refreshAhead?: Duration.DurationInput | undefined
  /**
   * A token that came from {@link Service.renew} is not thrown away for another refusal before it is this old, so
   * that an API which always answers 401 costs the identity server next to nothing.
   *
   * @default "30 seconds"
   */
  readonly minimumTokenAge?: Duration.DurationInput | undefined
  /**
   * For this long after `InvalidClient` the same credentials fail at once without a request, so that a wrong secret
   * does not lock the account. Changed credentials end it.
   *
   * @default "30 seconds"
   */
  readonly rejectionCooldown?: Duration.DurationInput | undefined
}

/**
 * A Trusted Application, or an Effect of one that is run at every exchange, so that a rotated secret is used without a
 * restart. Where that Effect fails, or takes longer than 45 seconds, the exchange fails with
 * `TokenEndpointUnavailable` (reason `credentials`).
 *
 * @category options
 * @since 0.1.0
 */
export type Credentials =
  | TrustedApplication.TrustedApplication
  | Effect.Effect<TrustedApplication.TrustedApplication, unknown>

/**
 * Options of {@link make}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends RenewalOptions {
  /** The instance whose tokens are held. */
  readonly instance: Instance.Instance
  /** Who asks for the token. */
  readonly credentials: Credentials
}

const exchanges = Metric.counter("erpnet_token_exchanges", {
  description: "Exchanges with the token endpoint, by outcome: success or the tag of the error",
  incremental: true
})

const renewals = Metric.counter("erpnet_token_renewals", {
  description: "Renewals of a token that was held, by cause: expiry, ahead, unauthorized",
  incremental: true
})

// Up to the 45 s that an exchange may take.
const exchangeDuration = Metric.timerWithBoundaries(
  "erpnet_token_exchange_duration",
  [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 45_000],
  "How long a successful exchange with the token endpoint takes, its retries included"
)

/** Failed renewals ahead of expiry come back after 10, 20, 40, 60, 60, … seconds. */
const shortestPause = 10_000
const longestPause = 60_000

/** As long as the exchange itself may take: one store of secrets that hangs must not hold up callers for ever. */
const credentialsTime = Duration.seconds(45)

/** The token that is held, with the moments at which its treatment changes. */
interface Slot {
  readonly token: AccessToken.AccessToken
  readonly served: Effect.Effect<AccessToken.AccessToken>
  /** Until here it is simply served. */
  readonly freshUntil: number
  /** From here on callers wait for an exchange. */
  readonly waitFrom: number
  /** Where it came from a renewal after a refusal: when. */
  readonly renewedAt: number | undefined
  /** The latest time at which it was served, to notice a clock that is set back. */
  seenAt: number
}

/** The one exchange under way. */
interface Flight {
  readonly deferred: Deferred.Deferred<AccessToken.AccessToken, TokenError>
  /** Its token replaces one that the API refused. */
  isRenewal: boolean
  fiber: Fiber.RuntimeFiber<void> | undefined
}

/** Credentials that the identity server refused. */
interface Rejection {
  readonly error: InvalidClient
  readonly at: number
  readonly application: TrustedApplication.TrustedApplication
}

/** What the last failures since a success say about when to try again. */
interface Failures {
  readonly count: number
  readonly at: number
  readonly retryAfter: number
}

type Reason = "first" | "expiry" | "ahead" | "unauthorized"

const isSameCredentials = (
  a: TrustedApplication.TrustedApplication,
  b: TrustedApplication.TrustedApplication
): boolean => a.clientId === b.clientId && Redacted.value(a.clientSecret) === Redacted.value(b.clientSecret)

/** What may be said of a failure of the user's own Effect: its kind, not its text, which may hold a secret. */
const describeCredentialsFailure = (error: unknown): string => {
  if (error instanceof InvalidApplication) return error.message
  if (ConfigError.isConfigError(error)) {
    return "path" in error ? `${error._op} ${error.path.join(".")}` : error._op
  }
  return Predicate.hasProperty(error, "_tag") && typeof error._tag === "string" ? serverText(error._tag) : "it failed"
}

const readDurations = (options: Options) =>
  Effect.orDie(
    Effect.all({
      expiryLeeway: Millis.millis("expiryLeeway", options.expiryLeeway ?? "60 seconds"),
      refreshAhead: Millis.millis("refreshAhead", options.refreshAhead ?? "120 seconds"),
      minimumTokenAge: Millis.millis("minimumTokenAge", options.minimumTokenAge ?? "30 seconds"),
      rejectionCooldown: Millis.millis("rejectionCooldown", options.rejectionCooldown ?? "30 seconds"),
      requestTimeout: Millis.millis("requestTimeout", options.requestTimeout ?? "10 seconds", 1)
    })
  )

const countExchange = (reason: Reason, exit: Exit.Exit<AccessToken.AccessToken, TokenError>): Effect.Effect<void> => {
  const outcome = Exit.match(exit, {
    onSuccess: () => "success",
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), { onNone: () => "aborted", onSome: (error) => error._tag })
  })
  const counted = Metric.increment(Metric.tagged(exchanges, "outcome", outcome))
  return reason === "first"
    ? counted
    : Effect.zipRight(counted, Metric.increment(Metric.tagged(renewals, "cause", reason)))
}

const logAheadFailure = (what: string): Effect.Effect<void> =>
  Effect.logDebug("renewing the token ahead of its expiry failed", what).pipe(
    Effect.annotateLogs({ package: "effect-erpnet", module: "TokenProvider" })
  )

/** Who asks: read from the fiber itself, so that looking at the state and acting on it stay one synchronous step. */
type Caller = Fiber.RuntimeFiber<unknown, unknown>

const timeOf = (caller: Caller): number =>
  Context.get(caller.currentDefaultServices, Clock.Clock).unsafeCurrentTimeMillis()

/** The span of who asks, for the span of the exchange to link to: it serves others too, so it is nobody's child. */
const linksOf = (caller: Caller): ReadonlyArray<Tracer.SpanLink> =>
  caller.currentSpan === undefined ? [] : [{ _tag: "SpanLink", span: caller.currentSpan, attributes: {} }]

/** True within `span` milliseconds after `since`; a clock set back ends it rather than prolonging it. */
const isWithin = (now: number, since: number, span: number): boolean => now >= since && now - since < span

/**
 * Makes the service inside a scope; closing the scope ends an exchange under way, and waiters and later callers get
 * `TokenEndpointUnavailable` (reason `closed`).
 *
 * **Details**
 *
 * A token is *fresh* until `refreshAhead` before its expiry: it is served at once. Then, until `expiryLeeway` before
 * expiry, it is still served at once and one renewal runs in the background; failures of that are logged at debug
 * level, and attempts are at least 10 seconds apart. Then callers wait for the exchange; where it fails while the old
 * token is alive, the old token is served, and after a second failure in a row the next attempt is again at least 10
 * seconds later. After its expiry a passing failure is `Expired` with its cause, any other is raised as it is.
 *
 * Nobody asks, nothing runs: there are no timers. The exchange runs in a fiber of its own with what was in the
 * context when the service was made (tracer, logger, `ConfigProvider`, `Clock`), so that no caller can disturb it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Service, never, HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    const { instance } = options
    const { expiryLeeway, minimumTokenAge, refreshAhead, rejectionCooldown } = yield* readDurations(options)
    const client = yield* HttpClient.HttpClient
    const runtime = yield* Effect.runtime<never>()
    const withoutCredentials = (detail: string) =>
      new TokenEndpointUnavailable({
        tokenEndpoint: withoutQuery(instance.tokenEndpoint),
        reason: "credentials",
        detail
      })
    const credentials = Effect.isEffect(options.credentials)
      ? options.credentials.pipe(
          Effect.mapError((error) => withoutCredentials(describeCredentialsFailure(error))),
          Effect.timeoutFail({
            duration: credentialsTime,
            onTimeout: () => withoutCredentials(`no answer in ${Duration.format(credentialsTime)}`)
          })
        )
      : Effect.succeed(options.credentials)

    // All state is in these variables, and each is read and set within one synchronous step: there is no lock that an
    // interrupted fiber could hold, and nothing for callers to queue on but the Deferred of a flight.
    let slot: Slot | undefined
    let flight: Flight | undefined
    let failures: Failures = { count: 0, at: 0, retryAfter: 0 }
    let rejection: Rejection | undefined
    /** The last token was dropped because the API refused it, and there is no other yet. */
    let wasRefused = false
    let closed = false

    const closedError = new TokenEndpointUnavailable({
      tokenEndpoint: withoutQuery(instance.tokenEndpoint),
      reason: "closed"
    })

    const hold = (token: AccessToken.AccessToken, now: number, isRenewal: boolean): Slot => {
      const half = (token.expiresAt - token.issuedAt) / 2
      const waitFrom = token.expiresAt - Math.min(expiryLeeway, half)
      return {
        token,
        served: Effect.succeed(token),
        freshUntil: Math.min(waitFrom, token.expiresAt - Math.min(refreshAhead, half)),
        waitFrom,
        renewedAt: isRenewal ? now : undefined,
        // Not `now` alone: the clock may have been set back while the answer was on its way.
        seenAt: Math.max(now, token.issuedAt)
      }
    }

    /** Asks the identity server, unless it has just refused these very credentials. */
    const exchange = (reason: Reason, links: ReadonlyArray<Tracer.SpanLink>) =>
      Effect.gen(function* () {
        const application = yield* credentials
        const now = yield* Clock.currentTimeMillis
        if (
          rejection !== undefined &&
          isWithin(now, rejection.at, rejectionCooldown) &&
          isSameCredentials(application, rejection.application)
        ) {
          return yield* rejection.error
        }
        rejection = undefined
        return yield* TokenEndpoint.request(instance, application, options).pipe(
          Effect.tap((token) => Effect.annotateCurrentSpan("erpnet.token.fingerprint", token.fingerprint)),
          Effect.tapErrorTag("InvalidClient", (error) =>
            Effect.map(Clock.currentTimeMillis, (at) => {
              rejection = { error, at, application }
            })
          ),
          Effect.onExit((exit) => countExchange(reason, exit)),
          Metric.trackDuration(exchangeDuration),
          Effect.withSpan("TokenProvider.exchange", {
            root: true,
            links,
            kind: "client",
            captureStackTrace: false,
            attributes: {
              "erpnet.instance": instance.origin,
              "erpnet.client_id": application.clientId,
              "erpnet.scopes": application.scopes.join(" ")
            }
          }),
          Effect.provideService(HttpClient.HttpClient, client)
        )
      })

    /** What is published where the exchange gave no token, and noted for the pauses between attempts. */
    const fail = (current: Flight, reason: Reason, cause: Cause.Cause<TokenError>, now: number) => {
      const error = Option.getOrUndefined(Cause.failureOption(cause))
      const retryAfter = error?._tag === "TokenEndpointUnavailable" ? error.retryAfter : undefined
      failures = {
        count: failures.count + 1,
        at: now,
        retryAfter: retryAfter === undefined ? 0 : Duration.toMillis(retryAfter)
      }
      const failed = Deferred.failCause(current.deferred, cause)
      // A defect is not rendered: it may hold the request.
      return reason === "ahead" ? Effect.zipRight(failed, logAheadFailure(error?.message ?? "it died")) : failed
    }

    /** Ends the flight: publishes its token or its failure. Never interrupted, so no waiter is left behind. */
    const settle = (
      current: Flight,
      reason: Reason,
      exit: Exit.Exit<AccessToken.AccessToken, TokenError>,
      now: number
    ): Effect.Effect<unknown> => {
      flight = undefined
      if (closed) return Deferred.fail(current.deferred, closedError)
      if (Exit.isFailure(exit)) {
        const cause = Option.match(Cause.failureOption(exit.cause), {
          onSome: Cause.fail,
          // A transport that interrupts itself must not look to waiters like their own interruption.
          onNone: () => Option.getOrElse(Cause.keepDefects(exit.cause), () => Cause.fail(abortedError))
        })
        return fail(current, reason, cause, now)
      }
      // Dead on arrival: nobody gets it, what is held stays, and the next call asks again.
      if (now >= exit.value.expiresAt) return fail(current, reason, Cause.fail(new Expired({})), now)
      slot = hold(exit.value, now, current.isRenewal)
      failures = { count: 0, at: 0, retryAfter: 0 }
      return Deferred.succeed(current.deferred, exit.value)
    }

    const abortedError = new TokenEndpointUnavailable({
      tokenEndpoint: withoutQuery(instance.tokenEndpoint),
      reason: "transport",
      detail: "the exchange was interrupted"
    })

    /** Starts the exchange in a fiber of the layer; it may be over when this returns. */
    const start = (reason: Reason, links: ReadonlyArray<Tracer.SpanLink>): Flight => {
      const current: Flight = {
        deferred: Deferred.unsafeMake(FiberId.none),
        isRenewal: reason === "unauthorized",
        fiber: undefined
      }
      flight = current
      current.fiber = Runtime.runFork(
        runtime,
        exchange(reason, links).pipe(
          Effect.interruptible,
          Effect.exit,
          Effect.zip(Clock.currentTimeMillis),
          Effect.flatMap(([exit, now]) => settle(current, reason, exit, now)),
          Effect.asVoid,
          Effect.uninterruptible
        )
      )
      return current
    }

    /** Waits for the exchange under way, or a new one; `old` is what was held before, to fall back on. */
    const join = (
      caller: Caller,
      old: Slot | undefined,
      isRenewal: boolean
    ): Effect.Effect<AccessToken.AccessToken, TokenError> => {
      if (closed) return closedError
      const reason = old !== undefined ? "expiry" : wasRefused ? "unauthorized" : "first"
      const current = flight ?? start(reason, linksOf(caller))
      if (isRenewal) current.isRenewal = true
      return Effect.catchAllCause(Deferred.await(current.deferred), (cause) =>
        Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<AccessToken.AccessToken, TokenError> => {
          if (slot !== undefined && now < slot.token.expiresAt) return slot.served
          const error = Option.getOrUndefined(Cause.failureOption(cause))
          return old !== undefined &&
            now >= old.token.expiresAt &&
            error?._tag === "TokenEndpointUnavailable" &&
            isTransient(error)
            ? new Expired({ cause: error })
            : Effect.failCause(cause)
        })
      )
    }

    const isAheadDue = (now: number): boolean =>
      flight === undefined &&
      (failures.count === 0 ||
        !isWithin(
          now,
          failures.at,
          Math.max(failures.retryAfter, Math.min(longestPause, shortestPause * 2 ** (failures.count - 1)))
        ))

    /** While the old token lives, a server that failed twice in a row, or asked to wait, is left alone for a while. */
    const isPausing = (now: number): boolean =>
      flight === undefined &&
      failures.count > 0 &&
      isWithin(now, failures.at, Math.max(failures.retryAfter, failures.count > 1 ? shortestPause : 0))

    const get = Effect.withFiberRuntime<AccessToken.AccessToken, TokenError>((caller) => {
      if (slot === undefined) return join(caller, undefined, false)
      const now = timeOf(caller)
      // A clock that went back by more than the leeway makes the age of the token unknown.
      const mustWait = now >= slot.waitFrom || now < slot.seenAt - expiryLeeway
      if (now > slot.seenAt) slot.seenAt = now
      if (mustWait) {
        return now < slot.token.expiresAt && isPausing(now) ? slot.served : join(caller, slot, false)
      }
      const { served } = slot
      if (now >= slot.freshUntil && isAheadDue(now)) start("ahead", linksOf(caller))
      return served
    })

    const renew = (refused: AccessToken.AccessToken) =>
      Effect.withFiberRuntime<AccessToken.AccessToken, TokenError | Unauthorized>((caller) => {
        const now = timeOf(caller)
        if (slot !== undefined && !AccessToken.isSame(slot.token, refused)) {
          return now < slot.token.expiresAt ? slot.served : get
        }
        if (slot?.renewedAt !== undefined && isWithin(now, slot.renewedAt, minimumTokenAge)) return new Unauthorized({})
        slot = undefined
        wasRefused = true
        return join(caller, undefined, true)
      })

    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        closed = true
        slot = undefined
        if (flight?.fiber === undefined) return Effect.void
        // Waiters first: how long the transport takes to let go is not their matter.
        return Effect.zipRight(Deferred.fail(flight.deferred, closedError), Fiber.interrupt(flight.fiber))
      })
    )
    return { instance, get, renew }
  })

/**
 * The service as a layer; see {@link make}. Bind it to a constant: a layer that is made twice holds two tokens.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<TokenProvider, never, HttpClient.HttpClient> =>
  Layer.scoped(TokenProvider, make(options))

const instanceConfig = Config.string("ERPNET_INSTANCE").pipe(
  Config.withDescription("name, host or URL of the ERP.net instance, for example testdb")
)

/**
 * The service with its settings from the configuration: `ERPNET_INSTANCE`, `ERPNET_CLIENT_ID`,
 * `ERPNET_CLIENT_SECRET` and `ERPNET_SCOPE` (may be missing). The application is read again at every exchange, so that
 * a secret changed in the environment is used without a restart.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: RenewalOptions = {}
): Layer.Layer<TokenProvider, ConfigError.ConfigError | InvalidInstance | InvalidApplication, HttpClient.HttpClient> =>
  Layer.scoped(
    TokenProvider,
    Effect.gen(function* () {
      const settings = yield* Config.all({ instance: instanceConfig, application: TrustedApplication.configOptions })
      const instance = yield* Instance.make(settings.instance)
      yield* TrustedApplication.make(settings.application)
      const credentials = Effect.flatMap(TrustedApplication.configOptions, TrustedApplication.make)
      return yield* make({ ...options, instance, credentials })
    })
  )

/**
 * Serves a reference token of ERP.net (PAT or SAT, `enrt_…`), which an administrator or user issued by hand. It is
 * sent as it is, has no scopes and no expiry that are known here, and cannot be renewed: where the API answers 401 the
 * call fails with `Expired` or `Unauthorized`. A text that cannot stand in a header fails with `TokenResponseInvalid`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerReferenceToken = (options: {
  readonly instance: Instance.Instance
  readonly token: Redacted.Redacted<string>
}): Layer.Layer<TokenProvider> =>
  Layer.effect(
    TokenProvider,
    Effect.map(Clock.currentTimeMillis, (issuedAt) => {
      const { instance, token } = options
      const get: Service["get"] = AccessToken.isSendable(Redacted.value(token))
        ? Effect.succeed(AccessToken.make({ value: token, scopes: [], issuedAt, expiresAt: Number.POSITIVE_INFINITY }))
        : new TokenResponseInvalid({
            tokenEndpoint: withoutQuery(instance.tokenEndpoint),
            reason:
              "the reference token is empty or holds characters that cannot be sent (a blank or line break around it?)"
          })
      return { instance, get, renew: () => new Unauthorized({}) }
    })
  )
