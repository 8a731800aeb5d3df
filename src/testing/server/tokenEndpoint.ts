/**
 * The token endpoint: the checks in the order in which IdentityServer makes them, always with status 400.
 *
 * @since 0.1.0
 */
import * as Application from "../identity/application.ts"
import * as Http from "./http.ts"
import type { Settings } from "./options.ts"

/** The longest input that IdentityServer accepts. */
const limits = { clientId: 100, clientSecret: 100, scope: 300, grantType: 100 }

const protocolScopes: ReadonlyArray<string> = ["openid", "profile", "offline_access"]

const noStore = {
  "content-type": "application/json; charset=UTF-8",
  "cache-control": "no-store, no-cache, max-age=0",
  pragma: "no-cache"
}

type OAuthError =
  | "invalid_request"
  | "invalid_client"
  | "unsupported_grant_type"
  | "unauthorized_client"
  | "invalid_scope"
  | "invalid_grant"

/** The texts that ERP.net documents for each error. */
const description = (error: OAuthError, detail: string): string => {
  switch (error) {
    case "invalid_request":
      return "Missing client_id / client_secret"
    case "invalid_client":
      return "Invalid client_id or client_secret"
    case "unauthorized_client":
      return "The client is not authorised for this grant"
    case "invalid_scope":
      return `Invalid scope: ${detail}`
    case "invalid_grant":
      return "Credentials are invalid or missing"
    case "unsupported_grant_type":
      return `Unsupported grant type: ${detail}`
  }
}

interface Credentials {
  readonly clientId: string
  readonly clientSecret: string | undefined
}

const formDecode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    return undefined
  }
}

/** RFC 6749 section 2.3.1: form-encoded id and secret, joined by a colon, in Base64. */
const basicCredentials = (authorization: string | undefined): Credentials | undefined => {
  const match = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization ?? "")
  if (match === null) return undefined
  const pair = Buffer.from(match[1] ?? "", "base64").toString("utf8")
  const colon = pair.indexOf(":")
  if (colon < 1) return undefined
  const clientId = formDecode(pair.slice(0, colon))
  const clientSecret = formDecode(pair.slice(colon + 1))
  if (clientId === undefined || clientSecret === undefined) return undefined
  return { clientId, clientSecret: clientSecret === "" ? undefined : clientSecret }
}

const formCredentials = (form: URLSearchParams): Credentials | undefined => {
  const clientId = form.get("client_id")
  if (clientId === null || clientId === "") return undefined
  const clientSecret = form.get("client_secret")
  return { clientId, clientSecret: clientSecret === null || clientSecret === "" ? undefined : clientSecret }
}

/** What the endpoint looks up and calls. */
export interface TokenEndpoint {
  readonly settings: Settings
  readonly application: (clientId: string) => Application.Registered | undefined
  /** Issues an access token for the application's system user. */
  readonly issue: (application: Application.Registered, scopes: ReadonlyArray<string>) => string
}

const isForm = (contentType: string | undefined): boolean =>
  /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType ?? "")

/** Answers one request. */
export const respond = (
  self: TokenEndpoint,
  request: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body: string }
): Http.WholeReply => {
  const { settings } = self
  const refuse = (error: OAuthError, detail = ""): Http.WholeReply =>
    Http.json(
      400,
      { error, ...(settings.errorDescriptions ? { error_description: description(error, detail) } : {}) },
      noStore
    )

  if (request.method !== "POST" || !isForm(request.headers["content-type"])) return refuse("invalid_request")
  const form = new URLSearchParams(request.body)
  // a parameter that is sent twice reads as one value with a comma, which no check accepts
  const field = (name: string): string => form.getAll(name).join(",")

  const credentials = basicCredentials(request.headers["authorization"]) ?? formCredentials(form)
  if (credentials === undefined) return refuse(settings.missingCredentials)
  const { clientId, clientSecret } = credentials
  if (clientId.length > limits.clientId || (clientSecret ?? "").length > limits.clientSecret) {
    return refuse("invalid_client")
  }
  const application = self.application(clientId)
  if (application === undefined || !application.isEnabled || application.clientType === "None") {
    return refuse("invalid_client")
  }
  if (application.clientType === "Public") {
    if (clientSecret !== undefined && settings.publicClientSecret === "refused") return refuse("invalid_client")
  } else {
    if (clientSecret === undefined) return refuse(settings.missingCredentials)
    if (!Application.secretMatches(application.applicationSecretHash, clientSecret)) return refuse("invalid_client")
  }

  const grantType = field("grant_type")
  if (grantType.length > limits.grantType) return refuse("unsupported_grant_type")
  const interactive =
    application.impersonateAsInternalUserAllowed === true || application.impersonateAsCommunityUserAllowed === true
  switch (grantType) {
    case "client_credentials": {
      const service =
        application.clientType === "Confidential" &&
        application.systemUserAllowed &&
        (application.systemUser ?? "") !== ""
      return service ? clientCredentials(self, application, field("scope"), refuse) : refuse("unauthorized_client")
    }
    case "authorization_code":
      // nobody can sign in here, so no code was ever given out
      return refuse(
        !interactive || (form.has("code") && !form.has("redirect_uri")) ? "unauthorized_client" : "invalid_grant"
      )
    case "refresh_token":
      if (!interactive) return refuse("unauthorized_client")
      return refuse(field("refresh_token") === "" ? "invalid_request" : "invalid_grant")
    default:
      return refuse("unsupported_grant_type", grantType)
  }
}

const clientCredentials = (
  self: TokenEndpoint,
  application: Application.Registered,
  scope: string,
  refuse: (error: OAuthError, detail?: string) => Http.WholeReply
): Http.WholeReply => {
  const { settings } = self
  if (scope.length > limits.scope) return refuse("invalid_scope", "too long")
  const allowed = Application.scopesOf(application.scope).filter((name) => !protocolScopes.includes(name))
  const asked = Application.scopesOf(scope).filter(
    (name) => settings.protocolScopes === "refused" || !protocolScopes.includes(name)
  )
  const foreign = asked.find((name) => !allowed.includes(name))
  if (foreign !== undefined) return refuse("invalid_scope", foreign)
  const granted = asked.length > 0 || scope.trim() !== "" ? asked : allowed
  if (granted.length === 0) return refuse("invalid_scope", scope)
  return Http.json(
    200,
    {
      access_token: self.issue(application, granted),
      expires_in: settings.lifetimeSeconds,
      token_type: "Bearer",
      scope: granted.join(" ")
    },
    noStore
  )
}
