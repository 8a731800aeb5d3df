/** The error channel of each operation is exactly the documented union: compiled, not run. */
import type { HttpClient } from "@effect/platform"
import type { ConfigError, Effect, Either, Layer, Redacted, Scope } from "effect"
import type {
  AccessToken,
  ErpNetError,
  Instance,
  TokenEndpoint,
  TokenProvider,
  TokenSource,
  TrustedApplication
} from "effect-erpnet"
import { TokenProvider as Provider, TokenSource as Source } from "effect-erpnet"
import { expectTypeOf } from "vitest"

type TokenError =
  | ErpNetError.InvalidClient
  | ErpNetError.UnauthorizedClient
  | ErpNetError.InvalidScope
  | ErpNetError.InvalidGrant
  | ErpNetError.TokenRequestRejected
  | ErpNetError.TokenEndpointUnavailable
  | ErpNetError.TokenResponseInvalid
  | ErpNetError.Expired
  | ErpNetError.SignInRequired

expectTypeOf<ErpNetError.TokenError>().toEqualTypeOf<TokenError>()

expectTypeOf<TokenProvider.Service["get"]>().toEqualTypeOf<Effect.Effect<AccessToken.AccessToken, TokenError>>()
expectTypeOf<TokenProvider.Service["renew"]>().toEqualTypeOf<
  (rejected: AccessToken.AccessToken) => Effect.Effect<AccessToken.AccessToken, TokenError | ErpNetError.Unauthorized>
>()
expectTypeOf<TokenProvider.Service["instance"]>().toEqualTypeOf<Instance.Instance>()

expectTypeOf<typeof TokenProvider.make>().toEqualTypeOf<{
  (options: TokenProvider.SourceOptions): Effect.Effect<TokenProvider.Service, never, Scope.Scope>
  (options: TokenProvider.Options): Effect.Effect<TokenProvider.Service, never, HttpClient.HttpClient | Scope.Scope>
}>()
expectTypeOf<typeof TokenProvider.layer>().toEqualTypeOf<{
  (options: TokenProvider.SourceOptions): Layer.Layer<TokenProvider.TokenProvider>
  (options: TokenProvider.Options): Layer.Layer<TokenProvider.TokenProvider, never, HttpClient.HttpClient>
}>()
expectTypeOf<typeof TokenSource.clientCredentials>().toEqualTypeOf<
  (
    options: TokenSource.ClientCredentialsOptions
  ) => Effect.Effect<TokenSource.TokenSource, never, HttpClient.HttpClient>
>()
expectTypeOf<typeof TokenSource.referenceToken>().toEqualTypeOf<
  (token: Redacted.Redacted<string>) => TokenSource.TokenSource
>()
expectTypeOf<TokenSource.TokenSource["exchange"]>().returns.toEqualTypeOf<
  Effect.Effect<AccessToken.AccessToken, TokenError>
>()
expectTypeOf<typeof TokenProvider.layerConfig>().toEqualTypeOf<{
  (
    options?: TokenProvider.RenewalOptions & { readonly discover?: false | undefined }
  ): Layer.Layer<
    TokenProvider.TokenProvider,
    ConfigError.ConfigError | ErpNetError.InvalidInstance | ErpNetError.InvalidApplication,
    HttpClient.HttpClient
  >
  (
    options: TokenProvider.ConfigOptions
  ): Layer.Layer<
    TokenProvider.TokenProvider,
    ConfigError.ConfigError | ErpNetError.InvalidInstance | ErpNetError.InvalidApplication | ErpNetError.Unreachable,
    HttpClient.HttpClient
  >
}>()
expectTypeOf<ReturnType<typeof TokenProvider.layerReferenceToken>>().toEqualTypeOf<
  Layer.Layer<TokenProvider.TokenProvider>
>()

expectTypeOf<typeof TokenEndpoint.request>().toEqualTypeOf<
  (
    instance: Instance.Instance,
    application: TrustedApplication.TrustedApplication,
    options?: TokenEndpoint.Options
  ) => Effect.Effect<AccessToken.AccessToken, TokenError, HttpClient.HttpClient>
>()

expectTypeOf<typeof Instance.make>().toEqualTypeOf<
  (input: string, options?: Instance.Options) => Either.Either<Instance.Instance, ErpNetError.InvalidInstance>
>()
expectTypeOf<typeof Instance.discover>().toEqualTypeOf<
  (
    input: string,
    options?: Instance.DiscoverOptions
  ) => Effect.Effect<Instance.Instance, ErpNetError.InvalidInstance | ErpNetError.Unreachable, HttpClient.HttpClient>
>()
expectTypeOf<typeof TrustedApplication.make>().toEqualTypeOf<
  (
    options: TrustedApplication.Options
  ) => Either.Either<TrustedApplication.TrustedApplication, ErpNetError.InvalidApplication>
>()
expectTypeOf<ReturnType<typeof TrustedApplication.secretHash>>().toEqualTypeOf<Effect.Effect<string>>()

declare const instance: Instance.Instance
declare const application: TrustedApplication.TrustedApplication
declare const vault: Effect.Effect<TrustedApplication.TrustedApplication, Error>
declare const needsMore: Effect.Effect<TrustedApplication.TrustedApplication, never, HttpClient.HttpClient>

Provider.layer({ instance, credentials: application, expiryLeeway: "30 seconds", refreshAhead: 0, requestTimeout: 500 })
Provider.layer({ instance, credentials: vault, clientAuthentication: "basic" })
Provider.layer({ instance, credentials: application, expiryLeeway: undefined })
// @ts-expect-error credentials that need something must be given it first
Provider.layer({ instance, credentials: needsMore })
// @ts-expect-error no instance
Provider.layer({ credentials: application })
// @ts-expect-error no credentials
Provider.layer({ instance })
// @ts-expect-error no such way to authenticate
Provider.layer({ instance, credentials: application, clientAuthentication: "jwt" })
// @ts-expect-error the instance comes from the configuration
Provider.layerConfig({ instance })
// @ts-expect-error no such option
Provider.layer({ instance, credentials: application, leeway: 1 })

declare const source: TokenSource.TokenSource
declare const fromVault: Effect.Effect<AccessToken.AccessToken, TokenError, HttpClient.HttpClient>
declare const fromElsewhere: Effect.Effect<AccessToken.AccessToken, Error>

expectTypeOf(Provider.make({ instance, source, renewAhead: 0, minimumTokenAge: "1 minute" })).toEqualTypeOf<
  Effect.Effect<TokenProvider.Service, never, Scope.Scope>
>()
expectTypeOf(Source.fromEffect(fromVault)).toEqualTypeOf<
  Effect.Effect<TokenSource.TokenSource, never, HttpClient.HttpClient>
>()
// @ts-expect-error the errors of a source are those of tokens
Source.fromEffect(fromElsewhere)
// @ts-expect-error what is for client credentials is for the source that has them
Provider.make({ instance, source, rejectionCooldown: 0 })
