/**
 * The front door: layers that assemble everything an application needs to talk to one ERP.net instance.
 *
 * @example
 * ```ts
 * import { DomainApi, EntitySet, ErpNet } from "effect-erpnet"
 * import { NodeHttpClient, NodeRuntime } from "@effect/platform-node"
 * import { Console, Effect, Schema } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Customers", Schema.Struct({
 *   Id: Schema.UUID,
 *   Number: Schema.NullOr(Schema.String)
 * }))
 *
 * const program = DomainApi.list(Customers, { top: 10 }).pipe(Effect.flatMap(Console.table))
 *
 * program.pipe(
 *   Effect.provide(ErpNet.layerConfig()),
 *   Effect.provide(NodeHttpClient.layerUndici),
 *   NodeRuntime.runMain
 * )
 * ```
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as AuthorizedClient from "./AuthorizedClient.ts"
import * as DomainApi from "./DomainApi.ts"
import type { InvalidApplication, InvalidInstance } from "./ErpNetError.ts"
import * as Instance from "./Instance.ts"
import * as TokenProvider from "./TokenProvider.ts"
import * as TrustedApplication from "./TrustedApplication.ts"

/**
 * How the services behave: the options of {@link "TokenProvider"}, {@link "AuthorizedClient"} and
 * {@link "DomainApi"} together.
 *
 * @category options
 * @since 0.1.0
 */
export interface ServiceOptions extends TokenProvider.RenewalOptions, DomainApi.Options {}

/**
 * Options of {@link layer}: which instance, who asks for its token, and how the services behave.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends ServiceOptions {
  /** The instance: a name such as `testdb`, a host or URL, or a value of `Instance.make`. */
  readonly instance: Instance.Instance | string
  /** Who asks for the token: a Trusted Application, or an Effect of one that is run at every exchange. */
  readonly credentials: TokenProvider.Credentials
}

/**
 * The services that an ERP.net layer provides; they share one token.
 *
 * @category services
 * @since 0.1.0
 */
export type Services = DomainApi.DomainApi | AuthorizedClient.AuthorizedClient | TokenProvider.TokenProvider

const services = (options: ServiceOptions) => Layer.mergeAll(DomainApi.layer(options), AuthorizedClient.layer(options))

/**
 * All services for one instance. Bind the layer to a constant: made twice it holds two tokens, and takes two licence
 * slots.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Services, InvalidInstance, HttpClient.HttpClient> =>
  Layer.unwrapEffect(
    Effect.map(
      typeof options.instance === "string" ? Instance.make(options.instance) : Either.right(options.instance),
      (instance) => Layer.provideMerge(services(options), TokenProvider.layer({ ...options, instance }))
    )
  )

/**
 * The settings of {@link layerConfig} as one `Config`, with a description of each: `{prefix}_INSTANCE`,
 * `{prefix}_CLIENT_ID`, `{prefix}_CLIENT_SECRET` and `{prefix}_SCOPE` (may be missing). A value that cannot be used is
 * a `ConfigError` that names its setting.
 *
 * @category configuration
 * @since 0.2.0
 */
export const config = (
  prefix = "ERPNET"
): Config.Config<{
  readonly instance: Instance.Instance
  readonly application: TrustedApplication.TrustedApplication
}> =>
  Config.all({
    instance: Config.mapOrFail(TokenProvider.instanceConfig(prefix), (name) =>
      Either.mapLeft(Instance.make(name), (error) => ConfigError.InvalidData([`${prefix}_INSTANCE`], error.message))
    ),
    application: TrustedApplication.configOf(prefix)
  })

/**
 * Options of {@link layerConfig}.
 *
 * @category options
 * @since 0.2.0
 */
export interface ConfigOptions extends ServiceOptions {
  /**
   * What the names of the settings begin with, for programs that talk to several instances.
   *
   * @default "ERPNET"
   */
  readonly prefix?: string | undefined
}

/**
 * All services, with the settings `ERPNET_INSTANCE`, `ERPNET_CLIENT_ID`, `ERPNET_CLIENT_SECRET` and `ERPNET_SCOPE`
 * (may be missing) from the configuration, or the same under another `prefix`. A missing setting is a `ConfigError`
 * that names it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: ConfigOptions = {}
): Layer.Layer<Services, ConfigError.ConfigError | InvalidInstance | InvalidApplication, HttpClient.HttpClient> =>
  Layer.provideMerge(services(options), TokenProvider.layerConfig(options))
