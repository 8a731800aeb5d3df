/**
 * An ERP.net instance: makes the addresses of its identity server and its Domain API from a name or URL.
 *
 * @example
 * ```ts
 * import { Instance } from "effect-erpnet"
 * import { Either } from "effect"
 *
 * const instance = Either.getOrThrow(Instance.make("testdb"))
 * console.log(instance.odata) // https://testdb.my.erp.net/api/domain/odata/
 * ```
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { InvalidInstance, Unreachable } from "./ErpNetError.ts"
import * as Body from "./internal/body.ts"
import * as Faults from "./internal/faults.ts"
import { lazySchema } from "./internal/lazySchema.ts"
import { serverText } from "./internal/redaction.ts"
import * as SettingShape from "./internal/settingShape.ts"
import * as Millis from "./internal/settings.ts"
import * as Transport from "./internal/transport.ts"

/**
 * An ERP.net instance: one tenant, one database. Tokens of one instance are invalid on another.
 *
 * @category models
 * @since 0.1.0
 */
export interface Instance {
  /** Scheme, host and port of the instance, without a trailing slash. */
  readonly origin: string
  /** The identity server as it names itself, without a trailing slash, by default `{origin}/id`. */
  readonly issuer: string
  /** Where people sign in, by default `{origin}/id/connect/authorize`. */
  readonly authorizationEndpoint: string
  /** Where people sign out, by default `{origin}/id/connect/endsession`. */
  readonly endSessionEndpoint: string
  /** Where refresh tokens are revoked, by default `{origin}/id/connect/revocation`. */
  readonly revocationEndpoint: string
  /** Where tokens are issued, by default `{origin}/id/connect/token`. */
  readonly tokenEndpoint: string
  /** The OData service root of the Domain API with a trailing slash, by default `{origin}/api/domain/odata/`. */
  readonly odata: string
}

/**
 * Options of {@link make}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The address of the identity site where it was moved, such as `https://id.example.com`. Trusted as it is written here. */
  readonly identity?: string | undefined
  /**
   * The address of the token endpoint where it is not `{identity}/connect/token`. Where it ends in `/connect/token` and
   * `identity` is not given, what stands before that is the identity site. Trusted as it is written here.
   */
  readonly tokenEndpoint?: string | undefined
  /** The OData service root where the API site was moved. Trusted as it is written here. */
  readonly odata?: string | undefined
  /**
   * Allows `http:` to other hosts than loopback. The secret and the tokens then cross the network in clear.
   *
   * @default false
   */
  readonly allowInsecure?: boolean | undefined
}

/**
 * Options of {@link discover}.
 *
 * @category options
 * @since 0.1.0
 */
export interface DiscoverOptions {
  /**
   * Accepts discovered addresses on other origins than the instance: the client secret and the tokens are then
   * sent to the addresses of the discovery answer.
   *
   * @default false
   */
  readonly trustDiscoveredOrigins?: boolean | undefined
  /** As in {@link Options}. */
  readonly allowInsecure?: boolean | undefined
  /**
   * How long each of the (at most two) discovery requests may take, body included.
   *
   * @default "10 seconds"
   */
  readonly requestTimeout?: Duration.DurationInput | undefined
}

const refuse = (reason: string): Either.Either<never, InvalidInstance> => Either.left(new InvalidInstance({ reason }))

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  hostname === "[::1]" ||
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)

const isSecure = (url: URL): boolean => url.protocol === "https:" || isLoopback(url.hostname)

const bareName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const schemed = /^[a-z][a-z0-9+.-]*:\/\//i

/** A URL without the parts that can hold a password or a key, or the reason for refusing it. The input is never quoted. */
const parse = (what: string, input: string, options: { readonly allowInsecure: boolean; readonly query: boolean }) => {
  if (input === "") return refuse(`${what} is empty`)
  if (/^\s|\s$/.test(input)) return refuse(`${what} has white space around it; remove it`)
  if (/\s/.test(input)) return refuse(`${what} has white space in it`)
  // The URL parser silently drops them at both ends.
  if (/[\u0000-\u001F\u007F]/.test(input)) return refuse(`${what} has a control character in it`)
  const fault = SettingShape.faultOf(input)
  if (fault !== undefined) return refuse(`${what} ${fault}`)
  if (!URL.canParse(input))
    return refuse(`${what} is not a URL; write a name such as testdb or https://testdb.my.erp.net`)
  const url = new URL(input)
  if (url.username !== "" || url.password !== "") {
    return refuse(`${what} holds a user name or password; give the client id and secret separately`)
  }
  if (url.hash !== "" || input.includes("#")) return refuse(`${what} has a fragment (#…); remove it`)
  if (!options.query && (url.search !== "" || input.includes("?"))) return refuse(`${what} has a query (?…); remove it`)
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return refuse(`${what} has the scheme ${url.protocol.slice(0, 16)} but must be https`)
  }
  if (!isSecure(url) && !options.allowInsecure) {
    return refuse(
      `${what} is http on ${url.host}, which would send the secret in clear; use https (allowInsecure: true overrides this)`
    )
  }
  return Either.right(url)
}

const toUrl = (input: string): string =>
  bareName.test(input) && input.toLowerCase() !== "localhost"
    ? `https://${input}.my.erp.net`
    : schemed.test(input) || input === "" || /\s/.test(input)
      ? input
      : `https://${input}`

const withoutSlash = (url: string): string => url.replace(/\/+$/, "")

/** The identity site that a token endpoint tells of, where it has the usual path. */
const identityOf = (tokenEndpoint: URL | undefined): URL | undefined => {
  const [, path] = /^(.*)\/connect\/token$/.exec(tokenEndpoint?.pathname ?? "") ?? []
  return tokenEndpoint === undefined || path === undefined ? undefined : new URL(path, tokenEndpoint.origin)
}

const withSlash = (url: URL): string => {
  const href = url.href
  return href.endsWith("/") ? href : `${href}/`
}

/**
 * Makes an instance from its name (`testdb`), host (`testdb.my.erp.net`) or URL, with or without a trailing slash or
 * a final `/id`. A bare name means `https://{name}.my.erp.net`.
 *
 * **Details**
 *
 * Refused with a message that names the fault: a user name or password, a query, a fragment, surrounding white
 * space, another path, other schemes than https, and `http:` unless the host is loopback (or `allowInsecure: true`).
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (input: string, options: Options = {}): Either.Either<Instance, InvalidInstance> => {
  const allowInsecure = options.allowInsecure ?? false
  return Either.gen(function* () {
    const fault = SettingShape.faultOf(input)
    if (fault !== undefined) return yield* refuse(`the name or URL ${fault}`)
    if (/[,;]/.test(input)) return yield* refuse("the name or URL is a list; give one instance")
    const url = yield* parse("the name or URL", toUrl(input), { allowInsecure, query: false })
    if (!/^\/(?:id\/?)?$/.test(url.pathname)) {
      return yield* refuse(
        "the URL has a path; give the root of the instance, such as https://testdb.my.erp.net (tokenEndpoint and odata set the address of moved sites)"
      )
    }
    const tokenEndpoint =
      options.tokenEndpoint === undefined
        ? undefined
        : yield* parse("tokenEndpoint", options.tokenEndpoint, { allowInsecure, query: true })
    const identity =
      options.identity === undefined
        ? (identityOf(tokenEndpoint) ?? new URL("/id", url))
        : yield* parse("identity", options.identity, { allowInsecure, query: false })
    const issuer = withoutSlash(identity.href)
    const odata =
      options.odata === undefined
        ? new URL("/api/domain/odata/", url)
        : yield* parse("odata", options.odata, { allowInsecure, query: false })
    return Data.struct({
      origin: url.origin,
      issuer,
      authorizationEndpoint: `${issuer}/connect/authorize`,
      endSessionEndpoint: `${issuer}/connect/endsession`,
      revocationEndpoint: `${issuer}/connect/revocation`,
      tokenEndpoint: tokenEndpoint?.href ?? `${issuer}/connect/token`,
      odata: withSlash(odata)
    })
  })
}

const optionalText = (name: string) => Config.map(Config.option(Config.string(name)), Option.getOrUndefined)

const settings = Config.all({
  name: Config.string("ERPNET_INSTANCE").pipe(
    Config.withDescription("name, host or URL of the ERP.net instance, for example testdb")
  ),
  tokenEndpoint: optionalText("ERPNET_TOKEN_ENDPOINT").pipe(
    Config.withDescription("address of the token endpoint, where the identity site was moved")
  ),
  odata: optionalText("ERPNET_ODATA").pipe(Config.withDescription("OData service root, where the API site was moved")),
  allowInsecure: Config.withDefault(Config.boolean("ERPNET_ALLOW_INSECURE"), false).pipe(
    Config.withDescription(
      "true allows http to other hosts than loopback; the secret then crosses the network in clear"
    )
  )
})

const settingOf: Readonly<Record<string, string>> = { tokenEndpoint: "ERPNET_TOKEN_ENDPOINT", odata: "ERPNET_ODATA" }

/** The same error with the setting that it is about. */
const named = ({ reason }: InvalidInstance): InvalidInstance =>
  new InvalidInstance({ reason, setting: settingOf[reason.split(" ")[0] ?? ""] ?? "ERPNET_INSTANCE" })

const conventionalFrom = Effect.gen(function* () {
  const { name, ...rest } = yield* settings
  const instance = yield* Either.mapLeft(make(name, rest), named)
  return { name, rest, instance }
})

/**
 * The instance of the configuration: `ERPNET_INSTANCE`, and where its sites were moved `ERPNET_TOKEN_ENDPOINT` and
 * `ERPNET_ODATA`. `ERPNET_ALLOW_INSECURE=true` is the option `allowInsecure` of {@link make}, for networks of
 * containers: the secret then crosses that network in clear. An `InvalidInstance` names the setting. No request is made.
 *
 * @category configuration
 * @since 0.2.0
 */
export const fromConfig: Effect.Effect<Instance, ConfigError.ConfigError | InvalidInstance> = Effect.map(
  conventionalFrom,
  ({ instance }) => instance
)

/**
 * As {@link fromConfig}; and where neither address is set, the instance is asked for them as by {@link discover}.
 *
 * @category configuration
 * @since 0.2.0
 */
export const discoverFromConfig = (
  options: DiscoverOptions = {}
): Effect.Effect<Instance, ConfigError.ConfigError | InvalidInstance | Unreachable, HttpClient.HttpClient> =>
  Effect.flatMap(conventionalFrom, ({ instance, name, rest }) =>
    rest.tokenEndpoint !== undefined || rest.odata !== undefined
      ? Effect.succeed(instance)
      : Effect.catchTag(discover(name, { allowInsecure: rest.allowInsecure, ...options }), "InvalidInstance", (error) =>
          named(error)
        )
  )

/**
 * Tells whether a URL has the scheme, host and port of the instance's Domain API: the only origin that its tokens may
 * go to. A text that is not an absolute URL is not owned.
 *
 * @category guards
 * @since 0.1.0
 */
export const owns = (instance: Instance, url: string | URL): boolean => {
  if (typeof url === "string" && !URL.canParse(url)) return false
  const asked = new URL(url)
  const root = new URL(instance.odata)
  // Not `origin`: that of a blob: URL is the origin of the page that made it.
  return asked.protocol === root.protocol && asked.host === root.host
}

const Discovery = lazySchema(() => {
  const text = Schema.optional(Schema.NullOr(Schema.String))
  const properties = Schema.optional(Schema.NullOr(Schema.Struct({ ODataServiceRoot: text })))
  const WebSite = Schema.Struct({
    Type: Schema.String,
    Status: text,
    Url: Schema.String,
    AdditionalProperties: properties
  })
  return Schema.parseJson(Schema.Struct({ WebSites: Schema.Array(WebSite) }))
})

/** The addresses that a discovery answer names; the others are the conventional ones. */
const readDiscovery = (sites: (typeof Discovery.Type)["WebSites"]): Pick<Options, "identity" | "odata"> => {
  const identity = sites.find((site) => site.Type === "ID")
  const apis = sites.filter((site) => site.Type === "DomainAPI" || site.Type === "API")
  const api = apis.find((site) => site.Status === "Working") ?? apis[0]
  return {
    identity: identity?.Url,
    odata:
      api === undefined
        ? undefined
        : (api.AdditionalProperties?.ODataServiceRoot ?? `${withoutSlash(api.Url)}/domain/odata/`)
  }
}

/** One discovery request: the addresses, nothing where the server has no discovery at this path, or no answer. */
const askDiscovery = (
  origin: string,
  path: string,
  timeout: number
): Effect.Effect<Option.Option<Pick<Options, "identity" | "odata">>, Unreachable, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const client = yield* Transport.client
    const response = yield* client.execute(
      HttpClientRequest.get(`${origin}${path}`, { headers: { accept: "application/json" } })
    )
    if (response.status >= 500 || Faults.isTransientStatus(response.status)) {
      yield* Body.discard(response)
      return yield* new Unreachable({ method: "GET", path, reason: "status", status: response.status })
    }
    if (response.status !== 200) {
      yield* Body.discard(response)
      return Option.none()
    }
    const text = yield* Body.read(response)
    return Option.map(Schema.decodeUnknownOption(Discovery)(text), (discovery) => readDiscovery(discovery.WebSites))
  }).pipe(
    Effect.catchTags({
      BodyTooLarge: () => Effect.succeedNone,
      RequestError: (error) =>
        new Unreachable({ method: "GET", path, reason: "transport", detail: Transport.describe(error) }),
      ResponseError: (error) =>
        new Unreachable({ method: "GET", path, reason: "transport", detail: Transport.describe(error) }),
      BodyBroken: ({ detail }) => new Unreachable({ method: "GET", path, reason: "transport", detail })
    }),
    Effect.timeoutFail({
      duration: timeout,
      onTimeout: () => new Unreachable({ method: "GET", path, reason: "timeout" })
    })
  )

/**
 * Makes an instance by discovery of its sites: `/sys/auto-discovery`, then `/tools/auto-discovery`, and the
 * conventional paths where neither names them. Neither an answer nor a failure is cached.
 *
 * **Details**
 *
 * An address on another origin, or one that is not https (loopback excepted), is refused with `InvalidInstance`
 * before any secret is sent; `trustDiscoveredOrigins: true` accepts other origins. `Unreachable` means that the
 * instance gave no answer, or 429 or 5xx, on both paths. Redirects are not followed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const discover = (
  input: string,
  options: DiscoverOptions = {}
): Effect.Effect<Instance, InvalidInstance | Unreachable, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const conventional = yield* make(input, { allowInsecure: options.allowInsecure })
    const timeout = yield* Effect.orDie(Millis.millis("requestTimeout", options.requestTimeout ?? "10 seconds", 1))
    const ask = (path: string) => askDiscovery(conventional.origin, path, timeout)
    const first = yield* Effect.either(ask("/sys/auto-discovery"))
    const found =
      Either.isRight(first) && Option.isSome(first.right)
        ? first.right
        : yield* ask("/tools/auto-discovery").pipe(
            // A path without discovery counts as an answer: the conventional addresses are used.
            Effect.catchAll((error) => (Either.isLeft(first) ? error : Effect.succeedNone))
          )
    if (Option.isNone(found)) return conventional
    const instance = yield* make(input, { ...found.value, allowInsecure: options.allowInsecure }).pipe(
      Either.mapLeft((error) => new InvalidInstance({ reason: `its discovery answer is not usable: ${error.reason}` }))
    )
    const foreign = [instance.issuer, instance.odata].find((url) => new URL(url).origin !== instance.origin)
    if (foreign !== undefined && options.trustDiscoveredOrigins !== true) {
      return yield* new InvalidInstance({
        reason:
          `its discovery answer leads to ${serverText(new URL(foreign).origin)}, another origin than ${instance.origin}; ` +
          "pass that address to Instance.make, or set trustDiscoveredOrigins: true if you trust the answer"
      })
    }
    return instance
  })
