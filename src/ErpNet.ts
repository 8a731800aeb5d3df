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
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as AuthorizedClient from "./AuthorizedClient.ts"
import * as DomainApi from "./DomainApi.ts"
import type { InvalidApplication, InvalidInstance, Unreachable } from "./ErpNetError.ts"
import * as Instance from "./Instance.ts"
import * as TokenProvider from "./TokenProvider.ts"
import * as UserTokens from "./UserTokens.ts"

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

type ConfigFault = ConfigError.ConfigError | InvalidInstance | InvalidApplication

function makeConfigLayer(
  options?: ServiceOptions & { readonly discover?: false | undefined }
): Layer.Layer<Services, ConfigFault, HttpClient.HttpClient>
function makeConfigLayer(
  options: ServiceOptions & TokenProvider.ConfigOptions
): Layer.Layer<Services, ConfigFault | Unreachable, HttpClient.HttpClient>
function makeConfigLayer(
  options: ServiceOptions & TokenProvider.ConfigOptions = {}
): Layer.Layer<Services, ConfigFault | Unreachable, HttpClient.HttpClient> {
  return Layer.provideMerge(services(options), TokenProvider.layerConfig(options))
}

/**
 * All services, with the settings `ERPNET_INSTANCE`, `ERPNET_CLIENT_ID`, `ERPNET_CLIENT_SECRET` (or
 * `ERPNET_CLIENT_SECRET_FILE`, a file that holds it) and `ERPNET_SCOPE` (may be missing) from the configuration, and for
 * moved sites `ERPNET_TOKEN_ENDPOINT` and `ERPNET_ODATA`, or the option `discover`. A missing setting is a
 * `ConfigError` that names it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: {
  /** With the conventional addresses, or those of the settings. */
  (
    options?: ServiceOptions & { readonly discover?: false | undefined }
  ): Layer.Layer<Services, ConfigError.ConfigError | InvalidInstance | InvalidApplication, HttpClient.HttpClient>
  /** With the addresses that the instance names; `Unreachable` where it gives no answer. */
  (
    options: ServiceOptions & TokenProvider.ConfigOptions
  ): Layer.Layer<
    Services,
    ConfigError.ConfigError | InvalidInstance | InvalidApplication | Unreachable,
    HttpClient.HttpClient
  >
} = makeConfigLayer

/**
 * Options of {@link layerUser}: which instance, whose tokens, and how the services behave.
 *
 * @category options
 * @since 0.2.0
 */
export interface UserOptions extends Omit<UserTokens.Options, "instance">, DomainApi.Options {
  /** The instance: a name such as `testdb`, a host or URL, or a value of `Instance.make`. */
  readonly instance: Instance.Instance | string
}

/**
 * All services for one instance, in the name of a person who has signed in; see {@link "UserTokens"}. Bind the layer to
 * a constant: made twice, two holders would use up the refresh tokens of one sign-in.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerUser = (options: UserOptions): Layer.Layer<Services, InvalidInstance, HttpClient.HttpClient> =>
  Layer.unwrapEffect(
    Effect.map(
      typeof options.instance === "string" ? Instance.make(options.instance) : Either.right(options.instance),
      (instance) => Layer.provideMerge(services(options), UserTokens.layer({ ...options, instance }))
    )
  )
