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
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import * as AccessToken from "./AccessToken.ts"
import {
  Expired,
  type InvalidApplication,
  type InvalidInstance,
  isTransient,
  TokenEndpointUnavailable,
  type TokenError,
  TokenResponseInvalid,
  Unauthorized,
  type Unreachable
} from "./ErpNetError.ts"
import * as Instance from "./Instance.ts"
import { withoutQuery } from "./internal/redaction.ts"
import * as Settings from "./internal/settings.ts"
import * as Lease from "./TokenProvider/lease.ts"
import * as Metrics from "./TokenProvider/metrics.ts"
import * as TokenSource from "./TokenSource.ts"
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
 * @since 0.2.0
 */
export interface ZoneOptions {
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
  readonly renewAhead?: Duration.DurationInput | undefined
  /**
   * The old name of `renewAhead`, which counts where both are given.
   *
   * @deprecated use `renewAhead`
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
}

/**
 * When a token is renewed, and how it is asked for by client credentials.
 *
 * @category options
 * @since 0.1.0
 */
export interface RenewalOptions
  extends ZoneOptions,
    Omit<TokenSource.ClientCredentialsOptions, "instance" | "credentials"> {}

/**
 * A Trusted Application, or an Effect of one: see {@link "TokenSource"}.
 *
 * @category options
 * @since 0.1.0
 */
export type Credentials = TokenSource.Credentials

/**
 * Options of {@link make} with client credentials: the short form of `source: TokenSource.clientCredentials(...)`.
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

/**
 * Options of {@link make} with any source of tokens.
 *
 * @category options
 * @since 0.2.0
 */
export interface SourceOptions extends ZoneOptions {
  /** The instance whose tokens are held: they go nowhere else. */
  readonly instance: Instance.Instance
  /** Where the tokens come from. */
  readonly source: TokenSource.TokenSource
}

/** The token that is held. */
interface Held extends Lease.Lease {
  readonly served: Effect.Effect<AccessToken.AccessToken>
}

/** The exchange under way, which all callers wait for. */
interface Exchange {
  readonly deferred: Deferred.Deferred<AccessToken.AccessToken, TokenError>
  readonly reason: Metrics.Reason
  fiber: Fiber.RuntimeFiber<void> | undefined
}

/**
 * All state of a provider. Each member is read and set within one synchronous step: there is no lock that an
 * interrupted fiber could hold, and nothing for callers to queue on but the Deferred of an exchange.
 */
interface State {
  readonly instance: Instance.Instance
  readonly source: TokenSource.TokenSource
  readonly zones: Lease.Zones
  readonly runtime: Runtime.Runtime<never>
  held: Held | undefined
  /** The latest time at which the token was served, to notice a clock that is set back. */
  seenAt: number
  exchange: Exchange | undefined
  /** The token of the exchange under way replaces one that the API refused. */
  isRenewal: boolean
  /** The last token was dropped because the API refused it, and there is no other yet. */
  wasRefused: boolean
  failures: Lease.Failures
  /** The last of them, where trying again may help. */
  lastFailure: TokenEndpointUnavailable | undefined
  closed: boolean
}

/** Who asks: read from the fiber itself, so that looking at the state and acting on it stay one synchronous step. */
type Caller = Fiber.RuntimeFiber<unknown, unknown>

const timeOf = (caller: Caller): number =>
  Context.get(caller.currentDefaultServices, Clock.Clock).unsafeCurrentTimeMillis()

/** The span of who asks, for the span of the exchange to link to: it serves several callers, so it has no parent. */
const linksOf = (caller: Caller): ReadonlyArray<Tracer.SpanLink> =>
  caller.currentSpan === undefined ? [] : [{ _tag: "SpanLink", span: caller.currentSpan, attributes: {} }]

const unavailable = (state: State, reason: "closed" | "transport", detail?: string): TokenEndpointUnavailable =>
  new TokenEndpointUnavailable({ tokenEndpoint: withoutQuery(state.instance.tokenEndpoint), reason, detail })

const logAheadFailure = (what: string): Effect.Effect<void> =>
  Effect.logDebug("renewing the token ahead of its expiry failed", what).pipe(
    Effect.annotateLogs({ package: "effect-erpnet", module: "TokenProvider" })
  )

/** Span and metrics of one exchange. */
const aroundOf =
  (state: State, reason: Metrics.Reason, links: ReadonlyArray<Tracer.SpanLink>): TokenSource.Around =>
  (attributes) =>
  (request) =>
    request.pipe(
      Effect.tap((given) => {
        const { fingerprint } = "accessToken" in given ? given.accessToken : given
        return Effect.annotateCurrentSpan("erpnet.token.fingerprint", fingerprint)
      }),
      (request) => Metrics.measured(reason, request),
      Effect.withSpan("TokenProvider.exchange", {
        root: true,
        links,
        kind: "client",
        captureStackTrace: false,
        attributes: { "erpnet.instance": state.instance.origin, ...attributes }
      })
    )

const hold = (state: State, token: AccessToken.AccessToken, now: number): void => {
  state.held = { ...Lease.make(token, now, state.zones, state.isRenewal), served: Effect.succeed(token) }
  // Not `now` alone: the clock may have been set back while the answer was awaited.
  state.seenAt = Math.max(now, token.issuedAt)
  state.failures = Lease.noFailures
}

/** Publishes that an exchange gave no token, and notes it for the pauses between attempts. */
const fail = (state: State, current: Exchange, cause: Cause.Cause<TokenError>, now: number): Effect.Effect<unknown> => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  const retryAfter = error?._tag === "TokenEndpointUnavailable" ? error.retryAfter : undefined
  state.lastFailure = error?._tag === "TokenEndpointUnavailable" && isTransient(error) ? error : undefined
  state.failures = Lease.failed(state.failures, now, retryAfter === undefined ? 0 : Duration.toMillis(retryAfter))
  const failed = Deferred.failCause(current.deferred, cause)
  // A defect is not rendered: it may hold the request.
  return current.reason === "ahead" ? Effect.zipRight(failed, logAheadFailure(error?.message ?? "it died")) : failed
}

/** Ends the exchange: publishes its token or its failure. Never interrupted, so no caller waits for ever. */
const settle = (
  state: State,
  current: Exchange,
  exit: Exit.Exit<AccessToken.AccessToken, TokenError>,
  now: number
): Effect.Effect<unknown> => {
  state.exchange = undefined
  if (state.closed) return Deferred.fail(current.deferred, unavailable(state, "closed"))
  if (Exit.isFailure(exit)) {
    const cause = Option.match(Cause.failureOption(exit.cause), {
      onSome: Cause.fail,
      // A transport that interrupts itself must not look to callers like their own interruption.
      onNone: () =>
        Option.getOrElse(Cause.keepDefects(exit.cause), () =>
          Cause.fail(unavailable(state, "transport", "the exchange was interrupted"))
        )
    })
    return fail(state, current, cause, now)
  }
  const token = exit.value
  if (!AccessToken.isSendable(Redacted.value(token.value))) {
    const reason = "the token is empty or holds characters that cannot be sent (a blank or line break around it?)"
    const tokenEndpoint = withoutQuery(state.instance.tokenEndpoint)
    return fail(state, current, Cause.fail(new TokenResponseInvalid({ tokenEndpoint, reason })), now)
  }
  // Expired on arrival: it is not handed out, what is held stays, and the next call asks again.
  if (now >= token.expiresAt) return fail(state, current, Cause.fail(new Expired({})), now)
  hold(state, token, now)
  return Deferred.succeed(current.deferred, token)
}

/** Starts the exchange in a fiber of the layer; it may be over when this returns. */
const start = (state: State, reason: Metrics.Reason, links: ReadonlyArray<Tracer.SpanLink>): Exchange => {
  const current: Exchange = { deferred: Deferred.unsafeMake(FiberId.none), reason, fiber: undefined }
  state.exchange = current
  state.isRenewal = reason === "unauthorized"
  current.fiber = Runtime.runFork(
    state.runtime,
    Effect.suspend(() => state.source.exchange(aroundOf(state, reason, links))).pipe(
      Effect.interruptible,
      Effect.exit,
      Effect.zip(Clock.currentTimeMillis),
      Effect.flatMap(([exit, now]) => settle(state, current, exit, now)),
      Effect.asVoid,
      Effect.uninterruptible
    )
  )
  return current
}

/** The failure that callers without a token get at once, while the server is not asked again. */
const pausedBy = (
  state: State,
  caller: Caller,
  old: Held | undefined
): TokenEndpointUnavailable | Expired | undefined => {
  const { exchange, failures, lastFailure } = state
  if (exchange !== undefined || lastFailure === undefined) return undefined
  // Of its own credentials a program may ask as often as it likes; the server hears nothing of that.
  if (lastFailure.reason === "credentials" || lastFailure.reason === "store") return undefined
  const now = timeOf(caller)
  if (old !== undefined && !Lease.isExpired(old, now)) return undefined
  const left = Lease.pauseWithoutToken(failures, now)
  if (left === 0) return undefined
  const error = failures.retryAfter === 0 ? lastFailure : lastFailure.with({ retryAfter: Duration.millis(left) })
  return old === undefined ? error : new Expired({ cause: error })
}

/** Waits for the exchange under way, or a new one; `old` is what was held before, to fall back on. */
const join = (
  state: State,
  caller: Caller,
  old: Held | undefined,
  isRenewal: boolean
): Effect.Effect<AccessToken.AccessToken, TokenError> => {
  if (state.closed) return unavailable(state, "closed")
  const paused = pausedBy(state, caller, old)
  if (paused !== undefined) return paused
  const reason = old !== undefined ? "expiry" : state.wasRefused ? "unauthorized" : "first"
  const current = state.exchange ?? start(state, reason, linksOf(caller))
  if (isRenewal) state.isRenewal = true
  return Effect.catchAllCause(Deferred.await(current.deferred), (cause) =>
    Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<AccessToken.AccessToken, TokenError> => {
      const { held } = state
      if (held !== undefined && !Lease.isExpired(held, now)) return held.served
      const error = Option.getOrUndefined(Cause.failureOption(cause))
      return old !== undefined &&
        Lease.isExpired(old, now) &&
        error?._tag === "TokenEndpointUnavailable" &&
        isTransient(error)
        ? new Expired({ cause: error })
        : Effect.failCause(cause)
    })
  )
}

const get = (state: State): Service["get"] =>
  Effect.withFiberRuntime<AccessToken.AccessToken, TokenError>((caller) => {
    const { held } = state
    if (held === undefined) return join(state, caller, undefined, false)
    const now = timeOf(caller)
    const zone = Lease.zone(held, now, state.seenAt, state.zones)
    if (now > state.seenAt) state.seenAt = now
    switch (zone) {
      case "expired":
        return join(state, caller, held, false)
      case "late":
        return state.exchange === undefined && Lease.pausesLate(state.failures, now)
          ? held.served
          : join(state, caller, held, false)
      case "ahead":
        if (state.exchange === undefined && !Lease.pausesAhead(state.failures, now)) {
          start(state, "ahead", linksOf(caller))
        }
    }
    return held.served
  })

const renew =
  (state: State, get: Service["get"]): Service["renew"] =>
  (refused) =>
    Effect.withFiberRuntime<AccessToken.AccessToken, TokenError | Unauthorized>((caller) => {
      const now = timeOf(caller)
      const { held } = state
      if (held !== undefined && !AccessToken.isSame(held.token, refused)) {
        return Lease.isExpired(held, now) ? get : held.served
      }
      if (state.source.renewable === false) return new Unauthorized({})
      if (held !== undefined && Lease.isTooYoung(held, now, state.zones)) return new Unauthorized({})
      state.held = undefined
      state.wasRefused = true
      return join(state, caller, undefined, true)
    })

const close = (state: State): Effect.Effect<void> =>
  Effect.suspend(() => {
    state.closed = true
    state.held = undefined
    const { exchange } = state
    if (exchange?.fiber === undefined) return Effect.void
    // Those who wait first: how long the transport takes to let go is not their matter.
    return Effect.zipRight(
      Deferred.fail(exchange.deferred, unavailable(state, "closed")),
      Fiber.interrupt(exchange.fiber)
    )
  })

const readZones = (options: ZoneOptions): Effect.Effect<Lease.Zones> =>
  Effect.orDie(
    Effect.all({
      expiryLeeway: Settings.millis("expiryLeeway", options.expiryLeeway ?? "60 seconds"),
      renewAhead:
        options.renewAhead === undefined && options.refreshAhead !== undefined
          ? Settings.millis("refreshAhead", options.refreshAhead)
          : Settings.millis("renewAhead", options.renewAhead ?? "120 seconds"),
      minimumTokenAge: Settings.millis("minimumTokenAge", options.minimumTokenAge ?? "30 seconds")
    })
  )

const makeFromSource = (options: SourceOptions): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { instance, source } = options
    const zones = yield* readZones(options)
    const runtime = yield* Effect.runtime<never>()
    const state: State = {
      instance,
      source,
      zones,
      runtime,
      held: undefined,
      seenAt: Number.NEGATIVE_INFINITY,
      exchange: undefined,
      isRenewal: false,
      wasRefused: false,
      failures: Lease.noFailures,
      lastFailure: undefined,
      closed: false
    }
    if (source.initial !== undefined) hold(state, source.initial, yield* Clock.currentTimeMillis)
    // Without renewals nothing runs that would have to end.
    if (source.renewable !== false) yield* Effect.addFinalizer(() => close(state))
    const held = get(state)
    return { instance, get: held, renew: renew(state, held) }
  })

// Function declarations, because only they can have an implementation under their overloads.
function makeProvider(options: SourceOptions): Effect.Effect<Service, never, Scope.Scope>
function makeProvider(options: Options): Effect.Effect<Service, never, HttpClient.HttpClient | Scope.Scope>
function makeProvider(
  options: Options | SourceOptions
): Effect.Effect<Service, never, HttpClient.HttpClient | Scope.Scope> {
  return "source" in options
    ? makeFromSource(options)
    : Effect.flatMap(TokenSource.clientCredentials(options), (source) => makeFromSource({ ...options, source }))
}

/**
 * Makes the service inside a scope; closing the scope ends an exchange under way, and waiters and later callers get
 * `TokenEndpointUnavailable` (reason `closed`).
 *
 * **Details**
 *
 * A token is *fresh* until `renewAhead` before its expiry: it is served at once. Then, until `expiryLeeway` before
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
export const make: {
  /** With any source of tokens. */
  (options: SourceOptions): Effect.Effect<Service, never, Scope.Scope>
  /** With client credentials. */
  (options: Options): Effect.Effect<Service, never, HttpClient.HttpClient | Scope.Scope>
} = makeProvider

function makeLayer(options: SourceOptions): Layer.Layer<TokenProvider>
function makeLayer(options: Options): Layer.Layer<TokenProvider, never, HttpClient.HttpClient>
function makeLayer(options: Options | SourceOptions): Layer.Layer<TokenProvider, never, HttpClient.HttpClient> {
  return Layer.scoped(TokenProvider, "source" in options ? make(options) : make(options))
}

/**
 * The service as a layer; see {@link make}. Bind it to a constant: a layer that is made twice holds two tokens.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: {
  /** With any source of tokens. */
  (options: SourceOptions): Layer.Layer<TokenProvider>
  /** With client credentials. */
  (options: Options): Layer.Layer<TokenProvider, never, HttpClient.HttpClient>
} = makeLayer

/**
 * Options of {@link layerConfig}.
 *
 * @category options
 * @since 0.2.0
 */
export interface ConfigOptions extends RenewalOptions {
  /**
   * Asks the instance where its sites are, as `Instance.discover` does, when the layer is built; not where
   * `ERPNET_TOKEN_ENDPOINT` or `ERPNET_ODATA` is set. The layer then fails with `Unreachable` where no answer comes.
   *
   * @default false
   */
  readonly discover?: boolean | Instance.DiscoverOptions | undefined
}

type ConfigFault = ConfigError.ConfigError | InvalidInstance | InvalidApplication

function makeConfigLayer(
  options?: RenewalOptions & { readonly discover?: false | undefined }
): Layer.Layer<TokenProvider, ConfigFault, HttpClient.HttpClient>
function makeConfigLayer(
  options: ConfigOptions
): Layer.Layer<TokenProvider, ConfigFault | Unreachable, HttpClient.HttpClient>
function makeConfigLayer(
  options: ConfigOptions = {}
): Layer.Layer<TokenProvider, ConfigFault | Unreachable, HttpClient.HttpClient> {
  const { discover = false } = options
  return Layer.scoped(
    TokenProvider,
    Effect.gen(function* () {
      // Both are read first, so that all settings that are missing are told at once.
      const settings = yield* Config.all({
        instance: Config.string("ERPNET_INSTANCE"),
        application: TrustedApplication.configOptions
      })
      yield* Instance.fromConfig
      yield* TrustedApplication.make(settings.application)
      const instance = yield* discover === false
        ? Instance.fromConfig
        : Instance.discoverFromConfig(discover === true ? {} : discover)
      const credentials = Effect.flatMap(TrustedApplication.configOptions, TrustedApplication.make)
      return yield* make({ ...options, instance, credentials })
    })
  )
}

/**
 * The service with its settings from the configuration: those of `Instance.fromConfig` (`ERPNET_INSTANCE`) and of
 * `TrustedApplication.config` (`ERPNET_CLIENT_ID`, `ERPNET_CLIENT_SECRET` or `ERPNET_CLIENT_SECRET_FILE`, and
 * `ERPNET_SCOPE`, which may be missing). The application is read again at every exchange, so that a secret changed in
 * the environment or in its file is used without a restart.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: {
  /** With the conventional addresses, or those of the settings. */
  (
    options?: RenewalOptions & { readonly discover?: false | undefined }
  ): Layer.Layer<TokenProvider, ConfigError.ConfigError | InvalidInstance | InvalidApplication, HttpClient.HttpClient>
  /** With the addresses that the instance names. */
  (
    options: ConfigOptions
  ): Layer.Layer<
    TokenProvider,
    ConfigError.ConfigError | InvalidInstance | InvalidApplication | Unreachable,
    HttpClient.HttpClient
  >
} = makeConfigLayer

/**
 * Serves a reference token of ERP.net (PAT or SAT, `enrt_…`): the short form of {@link layer} with
 * `TokenSource.referenceToken`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerReferenceToken = (options: {
  readonly instance: Instance.Instance
  readonly token: Redacted.Redacted<string>
}): Layer.Layer<TokenProvider> =>
  layer({ instance: options.instance, source: TokenSource.referenceToken(options.token) })
