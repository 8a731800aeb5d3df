/**
 * The anonymous part of an instance: its pages, discovery, and the keys of its identity server.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import * as Signing from "../identity/signing.ts"
import * as Http from "./http.ts"
import type { Settings } from "./options.ts"

/** The facts that the pages show. */
export interface Site {
  readonly settings: Settings
  readonly origin: string
  readonly issuer: string
  readonly odata: string
  readonly version: string
}

/** The name of the database of an instance: `E1_ACME`. */
export const database = (settings: Settings): string => `E1_${settings.name.toUpperCase()}`

const discovery = (site: Site): Http.WholeReply =>
  Http.json(200, {
    Host: new URL(site.origin).host,
    DbName: database(site.settings),
    WebSites: [
      {
        Type: "ID",
        Status: "Working",
        StatusDescription: "",
        Url: site.issuer,
        System: true,
        AdditionalProperties: null
      },
      {
        Type: site.settings.discoveryApiType,
        Status: "Working",
        StatusDescription: "",
        Url: `${site.origin}/api`,
        System: false,
        AdditionalProperties: { ODataServiceRoot: site.odata }
      },
      {
        Type: "UserProfile",
        Status: "Working",
        StatusDescription: "",
        Url: `${site.origin}/profile`,
        System: true,
        AdditionalProperties: null
      }
    ]
  })

const openidConfiguration = ({ issuer, settings }: Site): Http.WholeReply =>
  Http.json(
    200,
    {
      issuer,
      jwks_uri: `${issuer}/.well-known/openid-configuration/jwks`,
      authorization_endpoint: `${issuer}/connect/authorize`,
      token_endpoint: `${issuer}/connect/token`,
      userinfo_endpoint: `${issuer}/connect/userinfo`,
      end_session_endpoint: `${issuer}/connect/endsession`,
      check_session_iframe: `${issuer}/connect/checksession`,
      ...(settings.identity.revocation ? { revocation_endpoint: `${issuer}/connect/revocation` } : {}),
      introspection_endpoint: `${issuer}/connect/introspect`,
      device_authorization_endpoint: `${issuer}/connect/deviceauthorization`,
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      scopes_supported: ["openid", "profile", "offline_access", "update"],
      claims_supported: [],
      grant_types_supported: ["authorization_code", "client_credentials", "refresh_token"],
      response_types_supported: ["code", "token", "id_token", "code id_token"],
      response_modes_supported: ["form_post", "query", "fragment"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
      id_token_signing_alg_values_supported: ["RS256"],
      subject_types_supported: ["public"],
      code_challenge_methods_supported: ["plain", "S256"],
      ...(settings.identity.issParameter ? { authorization_response_iss_parameter_supported: true } : {}),
      request_parameter_supported: true
    },
    { "content-type": "application/json; charset=UTF-8" }
  )

const root = (site: Site): Http.WholeReply =>
  Http.text(
    200,
    { "content-type": "text/html; charset=utf-8" },
    `<!doctype html><html lang="en"><head><title>ERP.net</title></head><body><h1>ERP.net ${site.version}</h1>` +
      `<ul><li><a href="/id">ID</a></li><li><a href="/api">DomainAPI</a></li></ul></body></html>`
  )

const sha256 = (url: URL): Http.WholeReply =>
  Http.json(200, {
    sha256: createHash("sha256")
      .update(url.searchParams.get("secret") ?? "", "utf8")
      .digest("base64")
  })

/** Answers one of the anonymous addresses; `undefined` is none of them. */
export const respond = (site: Site, method: string, url: URL): Http.WholeReply | undefined => {
  const reply = route(site, url)
  if (reply === undefined || method === "GET" || method === "HEAD") return reply
  return Http.empty(405, { allow: "GET, HEAD" })
}

const route = (site: Site, url: URL): Http.WholeReply | undefined => {
  const paths = site.settings.discoveryPaths
  switch (url.pathname) {
    case "/":
      return root(site)
    case "/sys/auto-discovery":
      return paths === "both" || paths === "sys" ? discovery(site) : undefined
    case "/tools/auto-discovery":
      return paths === "both" || paths === "tools" ? discovery(site) : undefined
    case "/tools/ver":
      return Http.text(200, { "content-type": "text/plain; charset=utf-8" }, site.version)
    case "/tools/server-info":
      return Http.json(200, { version: site.version, database: database(site.settings) })
    case "/tools/sha256":
    case "/sys/tools/sha256":
      return sha256(url)
    case "/id/.well-known/openid-configuration":
      return openidConfiguration(site)
    case "/id/.well-known/openid-configuration/jwks":
      return Http.json(200, Signing.jwks())
    default:
      return undefined
  }
}
