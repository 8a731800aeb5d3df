/**
 * The HTTP client for Node.js as networks of companies need it: through a proxy, with a private certificate authority
 * (CA), with a client certificate. It is undici, which `@effect/platform-node` brings.
 *
 * **Details**
 *
 * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` (or in lower case, which counts first) are followed unless the option
 * `proxy` says otherwise. `HTTPS_PROXY` holds for `https:` addresses; where it is not set, `HTTP_PROXY` holds for them
 * as well. A proxy is always asked for a tunnel (`CONNECT`), so that it sees neither the secret nor the token.
 *
 * @example
 * ```ts
 * import { ErpNet } from "effect-erpnet"
 * import { NodeTransport } from "effect-erpnet/node"
 * import { Layer } from "effect"
 *
 * export const ErpNetLive = ErpNet.layerConfig().pipe(Layer.provide(NodeTransport.layer()))
 * ```
 *
 * @since 0.2.0
 */
import { readFileSync } from "node:fs"
import * as Tls from "node:tls"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Undici from "@effect/platform-node/Undici"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { InvalidTransport } from "../ErpNetError.ts"

/**
 * A certificate with which the client authenticates itself (mutual TLS), in PEM or as a PKCS #12 file.
 *
 * @category models
 * @since 0.2.0
 */
export type ClientCertificate =
  | {
      /** The certificate, with those between it and the authority, in PEM. */
      readonly cert: string | Uint8Array
      /** Its private key in PEM. */
      readonly key: Redacted.Redacted<string | Uint8Array> | string | Uint8Array
      /** The passphrase of the key, where it has one. */
      readonly passphrase?: Redacted.Redacted<string> | undefined
    }
  | {
      /** Certificate and key in one PKCS #12 (`.pfx`, `.p12`) file. */
      readonly pfx: Uint8Array
      /** The passphrase of the file, where it has one. */
      readonly passphrase?: Redacted.Redacted<string> | undefined
    }

/**
 * Options of {@link layer}.
 *
 * @category options
 * @since 0.2.0
 */
export interface Options {
  /**
   * The proxy: from the environment, always this one, or none. User name and password stand in its address and are
   * percent-encoded there. The schemes are `http`, `https` and `socks5`.
   *
   * @default "environment"
   */
  readonly proxy?: "environment" | URL | string | Redacted.Redacted<string> | false | undefined
  /**
   * Certificates of authorities in PEM, trusted in addition to those that Node knows.
   *
   * @default none, so that what Node knows counts, with `NODE_EXTRA_CA_CERTS`
   */
  readonly ca?: string | Uint8Array | ReadonlyArray<string | Uint8Array> | undefined
  /**
   * The certificate that is shown to servers which ask for one; a proxy never sees it.
   *
   * @default none
   */
  readonly clientCertificate?: ClientCertificate | undefined
  /**
   * Uses HTTP/2 where the server offers it.
   *
   * @default false
   */
  readonly allowH2?: boolean | undefined
  /**
   * The most connections to one server.
   *
   * @default no limit
   */
  readonly connections?: number | undefined
  /**
   * How long a connection that is not used is kept. Set it below the idle time of a load balancer that drops
   * connections without a word.
   *
   * @default "4 seconds"
   */
  readonly keepAlive?: Duration.DurationInput | undefined
  /**
   * How long opening a connection may take, TLS included.
   *
   * @default "10 seconds"
   */
  readonly connectTimeout?: Duration.DurationInput | undefined
}

const refuse = (option: string, reason: string): InvalidTransport => new InvalidTransport({ option, reason })

const schemes = new Set(["http:", "https:", "socks5:", "socks:"])

/** The address of a proxy; without a scheme it is http, as the environment is often written. */
const proxyUrl = (option: string, text: string): Effect.Effect<URL, InvalidTransport> => {
  const written = text.trim()
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`
  if (written === "" || !URL.canParse(whole)) {
    return refuse(option, "is not the address of a proxy; write http://host:port")
  }
  const url = new URL(whole)
  return schemes.has(url.protocol) && url.hostname !== ""
    ? Effect.succeed(url)
    : refuse(option, `has the scheme ${url.protocol.slice(0, 16)} but must be http, https or socks5`)
}

/** A variable of the process in lower or upper case; lower case counts first, and an empty one is not set. */
const variable = (name: string): Effect.Effect<Option.Option<readonly [name: string, value: string]>> => {
  const named = (name: string) =>
    Config.option(Config.string(name)).pipe(
      Config.map(Option.filterMap((value) => (value === "" ? Option.none() : Option.some([name, value] as const))))
    )
  return Config.all([named(name.toLowerCase()), named(name)]).pipe(
    Config.map(([lower, upper]) => Option.orElse(lower, () => upper)),
    Effect.orElseSucceed(Option.none),
    // What the process has, as every other program reads it; not what the settings of the application say.
    Effect.withConfigProvider(ConfigProvider.fromEnv())
  )
}

const fromEnvironment = (name: string) =>
  Effect.flatMap(
    variable(name),
    Effect.transposeMapOption(([name, value]) => proxyUrl(name, value))
  )

const plain = <A>(value: A | Redacted.Redacted<A>): A => (Redacted.isRedacted(value) ? Redacted.value(value) : value)
const pem = (value: string | Uint8Array): string | Buffer =>
  typeof value === "string" ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)

/** What Node trusts by default, the file of NODE_EXTRA_CA_CERTS included, which Node 20 does not tell of. */
const trusted = (): ReadonlyArray<string> => {
  if (Predicate.hasProperty(Tls, "getCACertificates") && Predicate.isFunction(Tls.getCACertificates)) {
    const known: unknown = Tls.getCACertificates("default")
    if (Array.isArray(known) && known.every(Predicate.isString)) return known
  }
  const extra = process.env["NODE_EXTRA_CA_CERTS"] ?? ""
  try {
    return extra === "" ? Tls.rootCertificates : [...Tls.rootCertificates, readFileSync(extra, "utf8")]
  } catch {
    // Node only warns of such a file, too.
    return Tls.rootCertificates
  }
}

const authorities = (ca: Options["ca"]): Effect.Effect<ReadonlyArray<string | Buffer>, InvalidTransport> => {
  const given = ca === undefined ? [] : typeof ca === "string" || ca instanceof Uint8Array ? [ca] : ca
  const isPem = (value: string | Uint8Array) =>
    (typeof value === "string" ? value : new TextDecoder("latin1").decode(value)).includes(
      "-----BEGIN CERTIFICATE-----"
    )
  return given.every(isPem)
    ? Effect.succeed(given.length === 0 ? [] : [...trusted(), ...given.map(pem)])
    : refuse("ca", "is not a certificate in PEM (-----BEGIN CERTIFICATE-----); convert a DER file first")
}

const identity = (certificate: ClientCertificate | undefined) => {
  if (certificate === undefined) return {}
  const passphrase = certificate.passphrase === undefined ? {} : { passphrase: plain(certificate.passphrase) }
  return "pfx" in certificate
    ? { pfx: pem(certificate.pfx), ...passphrase }
    : { cert: pem(certificate.cert), key: pem(plain<string | Uint8Array>(certificate.key)), ...passphrase }
}

const makeDispatcher = (options: Options): Effect.Effect<Undici.Dispatcher, InvalidTransport> =>
  Effect.gen(function* () {
    const { proxy = "environment" } = options
    const ca = yield* authorities(options.ca)
    const timeout = Duration.toMillis(options.connectTimeout ?? "10 seconds")
    const trust = ca.length === 0 ? {} : { ca: [...ca] }
    const tls = { ...trust, ...identity(options.clientCertificate), timeout }
    const agent = {
      connect: tls,
      allowH2: options.allowH2 ?? false,
      keepAliveTimeout: Duration.toMillis(options.keepAlive ?? "4 seconds"),
      ...(options.connections === undefined ? {} : { connections: options.connections })
    }
    const tunnel = { ...agent, requestTls: tls, proxyTls: { ...trust, timeout } }
    const given = proxy === "environment" || proxy === false ? undefined : plain<URL | string>(proxy)
    const fixed = given === undefined ? undefined : yield* proxyUrl("proxy", String(given))
    const https = proxy === "environment" ? yield* fromEnvironment("HTTPS_PROXY") : Option.none()
    const http = proxy === "environment" ? yield* fromEnvironment("HTTP_PROXY") : Option.none()
    return yield* Effect.try({
      try: () => {
        if (fixed !== undefined) return new Undici.ProxyAgent({ ...tunnel, uri: fixed.href })
        if (Option.isNone(https) && Option.isNone(http)) return new Undici.Agent(agent)
        return new Undici.EnvHttpProxyAgent({
          ...tunnel,
          // Empty where it is not set: the agent would read the variable once more, as it is written.
          httpProxy: Option.match(http, { onNone: () => "", onSome: ({ href }) => href }),
          httpsProxy: Option.match(
            Option.orElse(https, () => http),
            { onNone: () => "", onSome: ({ href }) => href }
          )
        })
      },
      // Its text may hold the address of the proxy with the password.
      catch: () => refuse("proxy", "or another option of the transport cannot be used; check each of them")
    })
  })

/**
 * Makes the client; its connections are closed with the scope. `InvalidTransport` names an option, or a variable of
 * the environment, that cannot be used.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Options = {}): Effect.Effect<HttpClient.HttpClient, InvalidTransport, Scope.Scope> =>
  Effect.acquireRelease(makeDispatcher(options), (dispatcher) => Effect.promise(() => dispatcher.destroy())).pipe(
    Effect.map(NodeHttpClient.makeUndici)
  )

/**
 * The client as a layer, to be provided below the ErpNet layer. `InvalidTransport` names an option, or a variable of
 * the environment, that cannot be used.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options = {}): Layer.Layer<HttpClient.HttpClient, InvalidTransport> =>
  Layer.scoped(HttpClient.HttpClient, make(options))
