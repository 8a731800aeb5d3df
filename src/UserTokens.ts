/**
 * The tokens of one person who has signed in, as a source for `TokenProvider`: the refresh token is used once,
 * and the next one is stored before the new access token is handed out.
 *
 * **Details**
 *
 * Who needs to sign in again gets `SignInRequired`, after the access token has been served to its end; it is the only
 * error that calls for a browser. A renewal does not prolong the sign-in, which ERP.net ends after 30 days
 * (Confidential) or 24 hours (Public).
 *
 * One provider for each person and process: an access token is never stored, never shared, never used for two people.
 *
 * @example
 * ```ts
 * import { Instance, InteractiveApplication, RefreshTokenStore, TokenProvider, UserTokens } from "effect-erpnet"
 * import { Effect, Redacted } from "effect"
 *
 * export const program = Effect.gen(function* () {
 *   const instance = yield* Instance.make("testdb")
 *   const application = yield* InteractiveApplication.config
 *   const store = yield* RefreshTokenStore.memory(Redacted.make("of an earlier sign-in"))
 *   const source = yield* UserTokens.source({ instance, application, store })
 *   const tokens = yield* TokenProvider.make({ instance, source })
 *   return yield* tokens.get
 * })
 * ```
 *
 * @since 0.2.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as AccessToken from "./AccessToken.ts"
import {
  IdTokenInvalid,
  type InvalidGrant,
  RefreshTokenStoreError,
  SignInRequired,
  TokenEndpointUnavailable,
  type TokenError
} from "./ErpNetError.ts"
import type { Instance } from "./Instance.ts"
import type { InteractiveApplication } from "./InteractiveApplication.ts"
import * as IdToken from "./internal/idToken.ts"
import { withoutQuery } from "./internal/redaction.ts"
import * as RefreshTokenStore from "./RefreshTokenStore.ts"
import * as TokenEndpoint from "./TokenEndpoint.ts"
import * as TokenProvider from "./TokenProvider.ts"
import type { Around, TokenSource } from "./TokenSource.ts"

/**
 * Options of {@link source}.
 *
 * @category options
 * @since 0.2.0
 */
export interface SourceOptions extends TokenEndpoint.Options {
  /** The instance that issues the tokens. */
  readonly instance: Instance
  /** The application that the person signed in to, or an Effect of it that is run at every exchange. */
  readonly application: InteractiveApplication | Effect.Effect<InteractiveApplication, unknown>
  /**
   * The tokens of a sign-in: the access token is served without an exchange, the refresh token is stored at once. The
   * store is emptied where they have no refresh token. Without tokens the first call renews with what is stored.
   */
  readonly tokens?: TokenEndpoint.Tokens | undefined
  /**
   * Where the refresh token lives.
   *
   * @default in memory
   */
  readonly store?: RefreshTokenStore.Service | undefined
}

/**
 * Options of {@link layer}.
 *
 * @category options
 * @since 0.2.0
 */
export interface Options extends SourceOptions, TokenProvider.ZoneOptions {}

/**
 * A source of the tokens of one person.
 *
 * @category models
 * @since 0.2.0
 */
export interface UserTokenSource extends TokenSource {
  /** The newest id_token, as a hint for the end of the session. */
  readonly idToken: Effect.Effect<Option.Option<Redacted.Redacted<string>>>
}

/** How long the store may take for one operation. */
const storeWait: Duration.DurationInput = "5 seconds"
/** How long closing waits for an exchange that runs. */
const closingWait: Duration.DurationInput = "5 seconds"
const applicationWait: Duration.DurationInput = "45 seconds"

type Secret = Redacted.Redacted<string>
type Refusal = InvalidGrant | IdTokenInvalid

/** What the source knows beside the store. */
interface State {
  idToken: Option.Option<Secret>
  subject: string | undefined
  /** The newest refresh token, where the store did not take it. */
  unsaved: Secret | undefined
  /** Whether the store still holds the token of an earlier person. */
  foreign: boolean
  /** The refresh token that was refused, and why. */
  refusal: { readonly token: string; readonly error: SignInRequired } | undefined
  /** The exchange that runs; it is not interrupted, also where nothing waits for it any more. */
  running: Fiber.RuntimeFiber<AccessToken.AccessToken, TokenError> | undefined
  closed: boolean
}

interface Self {
  readonly options: SourceOptions
  readonly store: RefreshTokenStore.Service
  readonly client: HttpClient.HttpClient
  readonly state: State
}

const bounded = <A>(
  operation: RefreshTokenStoreError["operation"],
  use: Effect.Effect<A, RefreshTokenStoreError>
): Effect.Effect<A, RefreshTokenStoreError> =>
  Effect.timeoutFail(Effect.disconnect(use), {
    duration: storeWait,
    onTimeout: () => new RefreshTokenStoreError({ operation, detail: "no answer in 5 s" })
  })

const unavailable = (
  { options }: Self,
  reason: "store" | "credentials" | "closed",
  detail?: string
): TokenEndpointUnavailable =>
  new TokenEndpointUnavailable({ tokenEndpoint: withoutQuery(options.instance.tokenEndpoint), reason, detail })

const storeFailed = (self: Self) => (error: RefreshTokenStoreError) =>
  unavailable(self, "store", `${error.operation}: ${error.detail}`)

/** Stores a token; what the store does not take stays in memory until the next occasion. */
const save = (self: Self, token: Secret): Effect.Effect<void> =>
  Effect.matchEffect(bounded("set", self.store.set(token)), {
    onFailure: (error) =>
      Effect.suspend(() => {
        self.state.unsaved = token
        return Effect.logWarning(`${error.message} The sign-in goes on in memory.`)
      }),
    onSuccess: () =>
      Effect.sync(() => {
        self.state.unsaved = undefined
        self.state.foreign = false
      })
  })

/** Forgets what an earlier person left. */
const empty = (self: Self): Effect.Effect<void, RefreshTokenStoreError> =>
  Effect.tap(bounded("remove", self.store.remove), () => {
    self.state.foreign = false
  })

/** The newest refresh token. */
const read = (self: Self): Effect.Effect<Option.Option<Secret>, TokenEndpointUnavailable> =>
  Effect.suspend(() => {
    const { foreign, unsaved } = self.state
    if (unsaved !== undefined) return Effect.as(save(self, unsaved), Option.some(unsaved))
    const stored = bounded("get", self.store.get)
    return Effect.mapError(foreign ? Effect.as(empty(self), Option.none()) : stored, storeFailed(self))
  })

const applicationOf = (self: Self): Effect.Effect<InteractiveApplication, TokenEndpointUnavailable> => {
  const { application } = self.options
  if (!Effect.isEffect(application)) return Effect.succeed(application)
  return application.pipe(
    Effect.mapError(() => unavailable(self, "credentials", "the Effect of the application failed")),
    Effect.timeoutFail({
      duration: applicationWait,
      onTimeout: () => unavailable(self, "credentials", "no answer in 45 s")
    })
  )
}

const signInRequired = (
  self: Self,
  application: InteractiveApplication,
  fields: { readonly reason: "noRefreshToken" } | { readonly reason: "refused"; readonly cause: Refusal }
): SignInRequired =>
  new SignInRequired({ ...fields, instance: self.options.instance.origin, clientId: application.clientId })

/** One POST with one refresh token; the next one is stored before this ends. */
const exchange = (self: Self, application: InteractiveApplication, token: Secret, around: Around) =>
  Effect.gen(function* () {
    const { instance } = self.options
    const attributes = {
      "erpnet.client_id": application.clientId,
      "erpnet.scopes": application.scopes.join(" ")
    }
    const tokens = yield* around(attributes)(
      Effect.provideService(
        TokenEndpoint.refresh(instance, application, token, self.options),
        HttpClient.HttpClient,
        self.client
      )
    )
    if (Option.isSome(tokens.idToken)) {
      const party = { issuer: instance.issuer, clientId: application.clientId }
      const checked = IdToken.checkRenewed(tokens.idToken.value, party, self.state.subject)
      const { subject } = yield* Either.mapLeft(checked, (fault) => new IdTokenInvalid(fault))
      self.state.idToken = tokens.idToken
      self.state.subject = subject
    }
    if (Option.isSome(tokens.refreshToken)) yield* save(self, tokens.refreshToken.value)
    return tokens.accessToken
  })

const isSame = (a: Secret, b: Secret): boolean => Redacted.value(a) === Redacted.value(b)

/** Remembers that a token was refused, and takes it out of the store if it is still that one. */
const refuse = (self: Self, application: InteractiveApplication, token: Secret, cause: Refusal) =>
  Effect.gen(function* () {
    const error = signInRequired(self, application, { reason: "refused", cause })
    self.state.refusal = { token: Redacted.value(token), error }
    if (self.state.unsaved !== undefined && isSame(self.state.unsaved, token)) self.state.unsaved = undefined
    const stored = yield* Effect.option(bounded("get", self.store.get))
    const held = Option.exists(Option.flatten(stored), (other) => isSame(other, token))
    if (held) yield* Effect.ignore(bounded("remove", self.store.remove))
    return yield* error
  })

const renewWith = (
  self: Self,
  application: InteractiveApplication,
  token: Secret,
  around: Around,
  isSecond: boolean
): Effect.Effect<AccessToken.AccessToken, TokenError> =>
  Effect.catchTags(exchange(self, application, token, around), {
    IdTokenInvalid: (error) => refuse(self, application, token, error),
    InvalidGrant: (error) =>
      Effect.flatMap(Effect.option(read(self)), (stored) => {
        // another process was faster
        const other = Option.filter(Option.flatten(stored), (newer) => !isSame(newer, token))
        return Option.isSome(other) && !isSecond
          ? renewWith(self, application, other.value, around, true)
          : refuse(self, application, token, error)
      })
  })

const renew = (self: Self, around: Around): Effect.Effect<AccessToken.AccessToken, TokenError> =>
  Effect.gen(function* () {
    const application = yield* applicationOf(self)
    const stored = yield* read(self)
    const { refusal } = self.state
    if (Option.isNone(stored))
      return yield* refusal?.error ?? signInRequired(self, application, { reason: "noRefreshToken" })
    if (refusal?.token === Redacted.value(stored.value)) return yield* refusal.error
    if (self.state.closed) return yield* unavailable(self, "closed")
    const token = yield* renewWith(self, application, stored.value, around, false)
    self.state.refusal = undefined
    return token
  })

/** As `exclusive` of the store allows: no other user of it reads or writes in between. */
const exclusively = (self: Self, around: Around): Effect.Effect<AccessToken.AccessToken, TokenError> => {
  const { exclusive } = self.store
  if (exclusive === undefined) return renew(self, around)
  return Effect.flatten(Effect.mapError(exclusive(Effect.either(renew(self, around))), storeFailed(self)))
}

/**
 * Runs an exchange in a fiber of its own that nothing interrupts: an answer thrown away is a sign-in lost. Who comes
 * back while it runs waits for the same one.
 */
const joined = (self: Self, around: Around): Effect.Effect<AccessToken.AccessToken, TokenError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { state } = self
      if (state.running === undefined) {
        const done = Effect.sync(() => {
          state.running = undefined
        })
        state.running = yield* Effect.forkDaemon(Effect.interruptible(Effect.ensuring(exclusively(self, around), done)))
      }
      return yield* restore(Fiber.join(state.running))
    })
  )

const close = (self: Self): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { state } = self
    state.closed = true
    if (state.running !== undefined) {
      yield* Effect.interruptible(Effect.timeoutOption(Fiber.await(state.running), closingWait))
    }
    if (state.unsaved !== undefined) yield* Effect.interruptible(save(self, state.unsaved))
  })

/**
 * The tokens of a person as a source for `TokenProvider.make`.
 *
 * **Details**
 *
 * - An exchange fails with `SignInRequired` without a request where there is no refresh token (`noRefreshToken`), or
 *   where the one that is there was refused before (`refused`, with its cause).
 * - A store that cannot be read in 5 seconds is `TokenEndpointUnavailable` (reason `store`). One that cannot be written
 *   does not fail the call: there is a warning, and the next exchange and the closing try again.
 * - Closing the scope waits up to 5 seconds for an exchange that runs.
 *
 * @category constructors
 * @since 0.2.0
 */
export const source = (
  options: SourceOptions
): Effect.Effect<UserTokenSource, never, HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const store = options.store ?? (yield* RefreshTokenStore.memory())
    const { tokens } = options
    const idToken = tokens?.idToken ?? Option.none()
    const self: Self = {
      options,
      store,
      client,
      state: {
        idToken,
        subject: Option.isSome(idToken) ? IdToken.subjectOf(idToken.value) : undefined,
        unsaved: undefined,
        foreign: tokens !== undefined,
        refusal: undefined,
        running: undefined,
        closed: false
      }
    }
    yield* Effect.addFinalizer(() => close(self))
    if (tokens !== undefined) {
      yield* Option.match(tokens.refreshToken, {
        onSome: (token) => save(self, token),
        onNone: () => Effect.catchAll(empty(self), (error) => Effect.logWarning(error.message))
      })
    }
    return {
      exchange: (around) => joined(self, around),
      initial: tokens?.accessToken,
      idToken: Effect.sync(() => self.state.idToken)
    }
  })

/**
 * A `TokenProvider` with the tokens of a person; see {@link source}. Bind it to a constant.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options): Layer.Layer<TokenProvider.TokenProvider, never, HttpClient.HttpClient> =>
  Layer.scoped(
    TokenProvider.TokenProvider,
    Effect.flatMap(source(options), (own) => TokenProvider.make({ ...options, source: own }))
  )
