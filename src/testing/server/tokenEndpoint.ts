/**
 * The token endpoint: the checks in the order in which IdentityServer makes them, always with status 400.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import * as Application from "../identity/application.ts"
import * as Issuer from "../identity/issuer.ts"
import type { Code, Grant, SignIns } from "../identity/signIns.ts"
import * as Http from "./http.ts"
import type { Settings } from "./options.ts"

/** The longest input that IdentityServer accepts. */
const limits = { clientId: 100, clientSecret: 100, scope: 300, grantType: 100, code: 100, refreshToken: 100 }

/** How long people stay signed in without giving a password again; counted from the sign-in. */
const refreshMillis = { Confidential: 30 * 86_400_000, Public: 86_400_000 }

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
  readonly now: number
  readonly application: (clientId: string) => Application.Registered | undefined
  readonly issuer: Issuer.Issuer
  readonly signIns: SignIns
}

/** A request as the endpoints of the identity server read it. */
export interface FormRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Refuse = (error: OAuthError, detail?: string) => Http.WholeReply

/** Whether the body is a form. */
export const isForm = (contentType: string | undefined): boolean =>
  /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType ?? "")

const refuseWith =
  (settings: Settings): Refuse =>
  (error, detail = "") =>
    Http.json(
      400,
      { error, ...(settings.errorDescriptions ? { error_description: description(error, detail) } : {}) },
      noStore
    )

/** A parameter that is sent twice reads as one value with a comma, which no check accepts. */
const fieldOf =
  (form: URLSearchParams) =>
  (name: string): string =>
    form.getAll(name).join(",")

/** The application that authenticates with this request, or why none does. */
const authenticate = (
  self: TokenEndpoint,
  request: FormRequest,
  form: URLSearchParams
): Application.Registered | OAuthError => {
  const { settings } = self
  const credentials = basicCredentials(request.headers["authorization"]) ?? formCredentials(form)
  if (credentials === undefined) return settings.missingCredentials
  const { clientId, clientSecret } = credentials
  if (clientId.length > limits.clientId || (clientSecret ?? "").length > limits.clientSecret) return "invalid_client"
  const application = self.application(clientId)
  if (application === undefined || !application.isEnabled || application.clientType === "None") return "invalid_client"
  if (application.clientType === "Public") {
    if (clientSecret !== undefined && settings.publicClientSecret === "refused") return "invalid_client"
    return application
  }
  if (clientSecret === undefined) return settings.missingCredentials
  return Application.secretMatches(application.applicationSecretHash, clientSecret) ? application : "invalid_client"
}

/** Answers one request. */
export const respond = (self: TokenEndpoint, request: FormRequest): Http.WholeReply => {
  const refuse = refuseWith(self.settings)
  if (request.method !== "POST" || !isForm(request.headers["content-type"])) return refuse("invalid_request")
  const form = new URLSearchParams(request.body)
  const field = fieldOf(form)
  const application = authenticate(self, request, form)
  if (typeof application === "string") return refuse(application)

  const grantType = field("grant_type")
  if (grantType.length > limits.grantType) return refuse("unsupported_grant_type")
  const interactive = Application.isInteractive(application)
  switch (grantType) {
    case "client_credentials": {
      const service =
        application.clientType === "Confidential" &&
        application.systemUserAllowed &&
        (application.systemUser ?? "") !== ""
      return service ? clientCredentials(self, application, field("scope"), refuse) : refuse("unauthorized_client")
    }
    case "authorization_code":
      return interactive ? authorizationCode(self, application, form, refuse) : refuse("unauthorized_client")
    case "refresh_token":
      return interactive
        ? refreshToken(self, application, field("refresh_token"), refuse)
        : refuse("unauthorized_client")
    default:
      return refuse("unsupported_grant_type", grantType)
  }
}

/** Answers a request to the revocation endpoint (RFC 7009): 200 whether the token is known or not. */
export const revoke = (self: TokenEndpoint, request: FormRequest): Http.WholeReply => {
  const refuse = refuseWith(self.settings)
  if (request.method !== "POST" || !isForm(request.headers["content-type"])) return refuse("invalid_request")
  const form = new URLSearchParams(request.body)
  const application = authenticate(self, request, form)
  if (typeof application === "string") return refuse(application)
  const token = fieldOf(form)("token")
  if (token === "") return refuse("invalid_request")
  self.signIns.revokeRefreshToken(token, application.applicationUri)
  return Http.empty(200, { "cache-control": noStore["cache-control"], pragma: noStore.pragma })
}

const verifierMatches = (code: Code, verifier: string): boolean => {
  if (code.challenge === undefined) return verifier === ""
  if (verifier.length < 43 || verifier.length > 128) return false
  return createHash("sha256").update(verifier, "ascii").digest("base64url") === code.challenge
}

const authorizationCode = (
  self: TokenEndpoint,
  application: Application.Registered,
  form: URLSearchParams,
  refuse: Refuse
): Http.WholeReply => {
  const field = fieldOf(form)
  const value = field("code")
  if (value === "" || value.length > limits.code) return refuse("invalid_grant")
  // looking at a code spends it, whatever comes of it
  const code = self.signIns.takeCode(value, application.applicationUri, self.now)
  if (!form.has("redirect_uri")) return refuse("unauthorized_client")
  if (code === undefined || code.redirectUri !== field("redirect_uri")) return refuse("invalid_grant")
  if (!verifierMatches(code, field("code_verifier"))) return refuse("invalid_grant")
  const granted = code.scopes.includes("offline_access")
  const allowed = application.clientType === "Confidential" || self.settings.identity.publicRefreshTokens
  const refresh = granted && allowed ? self.signIns.addRefreshToken(code, firstEnd(self, application)) : undefined
  return answer(self, code, refresh, code, refuse)
}

const firstEnd = (self: TokenEndpoint, application: Application.Registered): number =>
  self.now + refreshMillis[application.clientType === "Public" ? "Public" : "Confidential"]

const refreshToken = (
  self: TokenEndpoint,
  application: Application.Registered,
  value: string,
  refuse: Refuse
): Http.WholeReply => {
  const { reuse, rotation } = self.settings.identity
  if (value === "") return refuse("invalid_request")
  if (value.length > limits.refreshToken) return refuse("invalid_grant")
  const token = self.signIns.useRefreshToken(value, application.applicationUri, self.now, reuse)
  if (token === undefined || self.signIns.user(token.login)?.active !== true) return refuse("invalid_grant")
  switch (rotation) {
    case "omit":
      return answer(self, token, undefined, undefined, refuse)
    case "keep":
      return answer(self, token, value, undefined, refuse)
    case "rotate": {
      token.consumedAt ??= self.now
      // the end stays that of the sign-in
      return answer(self, token, self.signIns.addRefreshToken(token, token.expiresAt), undefined, refuse)
    }
  }
}

/** A token answer, its members in the order of IdentityServer; those that are `undefined` are not sent. */
const answer = (
  self: TokenEndpoint,
  grant: Grant,
  refresh: string | undefined,
  signIn: Code | undefined,
  refuse: Refuse
): Http.WholeReply => {
  const { issuer, now, settings } = self
  const user = self.signIns.user(grant.login)
  if (user === undefined || !user.active) return refuse("invalid_grant")
  const token = Issuer.userToken(issuer, now, grant, user)
  const without = user.type === "ExternalCommunityUser" && settings.identity.externalUserTokens === "none"
  return Http.json(
    200,
    {
      id_token: grant.scopes.includes("openid") ? Issuer.idToken(issuer, now, grant, token, signIn) : undefined,
      access_token: without ? undefined : token,
      expires_in: settings.lifetimeSeconds,
      token_type: "Bearer",
      refresh_token: refresh,
      scope: grant.scopes.join(" ")
    },
    noStore
  )
}

const clientCredentials = (
  self: TokenEndpoint,
  application: Application.Registered,
  scope: string,
  refuse: Refuse
): Http.WholeReply => {
  const { settings } = self
  if (scope.length > limits.scope) return refuse("invalid_scope", "too long")
  const allowed = Application.scopesOf(application.scope).filter((name) => !Application.protocolScopes.includes(name))
  const asked = Application.scopesOf(scope).filter(
    (name) => settings.protocolScopes === "refused" || !Application.protocolScopes.includes(name)
  )
  const foreign = asked.find((name) => !allowed.includes(name))
  if (foreign !== undefined) return refuse("invalid_scope", foreign)
  const granted = asked.length > 0 || scope.trim() !== "" ? asked : allowed
  if (granted.length === 0) return refuse("invalid_scope", scope)
  return Http.json(
    200,
    {
      access_token: Issuer.serviceToken(self.issuer, self.now, application, granted),
      expires_in: settings.lifetimeSeconds,
      token_type: "Bearer",
      scope: granted.join(" ")
    },
    noStore
  )
}
