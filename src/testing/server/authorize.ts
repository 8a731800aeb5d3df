/**
 * The authorize endpoint and its sign-in and consent pages: the checks in the order in which IdentityServer makes them.
 *
 * @since 0.2.0
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import * as Application from "../identity/application.ts"
import type { Session, SignIns } from "../identity/signIns.ts"
import * as User from "../identity/user.ts"
import type * as Http from "./http.ts"
import type { Settings } from "./options.ts"
import * as Pages from "./pages.ts"

/** What the pages look up. */
export interface Authorize {
  readonly settings: Settings
  readonly origin: string
  readonly now: number
  readonly application: (clientId: string) => Application.Registered | undefined
  readonly signIns: SignIns
}

/** An authorize request that may be answered at its redirect address. */
interface Valid {
  readonly application: Application.Registered
  readonly redirectUri: string
  readonly scopes: ReadonlyArray<string>
  readonly state: string | undefined
  readonly nonce: string | undefined
  readonly challenge: string | undefined
  readonly prompts: ReadonlyArray<string>
  readonly maxAge: number | undefined
  readonly loginHint: string
  readonly query: URLSearchParams
}

interface Invalid {
  readonly error: string
  readonly detail: string
}

const invalid = (error: string, detail: string): Invalid => ({ error, detail })

const isAbsolute = (address: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(address) && URL.canParse(address)

const client = (self: Authorize, query: URLSearchParams): Application.Registered | Invalid => {
  const clientId = query.get("client_id") ?? ""
  const application = clientId.length > 100 ? undefined : self.application(clientId)
  if (application === undefined || !application.isEnabled || application.clientType === "None") {
    return invalid("unauthorized_client", "Unknown client or client not enabled")
  }
  const redirectUri = query.get("redirect_uri") ?? ""
  const listed = Application.addressesOf(application.impersonateLoginUrl).includes(redirectUri)
  if (redirectUri.length > 400 || !isAbsolute(redirectUri) || !listed) {
    return invalid("invalid_redirect_uri", "Invalid redirect_uri")
  }
  if (query.get("response_type") !== "code") return invalid("unsupported_response_type", "Only code is supported here")
  if ((query.get("response_mode") ?? "query") !== "query") {
    return invalid("unsupported_response_type", "Only the response mode query is supported here")
  }
  if (!Application.isInteractive(application))
    return invalid("unauthorized_client", "Nobody may sign in to this client")
  return application
}

const challengeFault = (application: Application.Registered, query: URLSearchParams): Invalid | undefined => {
  const challenge = query.get("code_challenge") ?? ""
  if (challenge === "") {
    return application.clientType === "Public" ? invalid("invalid_request", "code challenge required") : undefined
  }
  if (challenge.length < 43 || challenge.length > 128) return invalid("invalid_request", "Invalid code_challenge")
  return query.get("code_challenge_method") === "S256"
    ? undefined
    : invalid("invalid_request", "Transform algorithm not supported")
}

const scopeFault = (application: Application.Registered, scope: string): Invalid | undefined => {
  const scopes = Application.scopesOf(scope)
  const allowed = [...Application.scopesOf(application.scope), ...Application.protocolScopes]
  if (scopes.length === 0 || scope.length > 300) return invalid("invalid_scope", "Invalid scope")
  if (scopes.some((name) => !allowed.includes(name))) return invalid("invalid_scope", "Invalid scope")
  return scopes.includes("profile") && !scopes.includes("openid")
    ? invalid("invalid_scope", "Identity scopes need openid")
    : undefined
}

const validate = (self: Authorize, query: URLSearchParams): Valid | Invalid => {
  const doubled = [...query.keys()].find((name) => query.getAll(name).length > 1)
  if (doubled !== undefined) return invalid("invalid_request", "A parameter is sent twice")
  const application = client(self, query)
  if ("error" in application) return application
  const scope = query.get("scope") ?? ""
  const prompts = Application.scopesOf(query.get("prompt") ?? "").filter((prompt) =>
    ["none", "login", "consent", "select_account"].includes(prompt)
  )
  const fault =
    challengeFault(application, query) ??
    scopeFault(application, scope) ??
    ((query.get("nonce") ?? "").length > 300 ? invalid("invalid_request", "Invalid nonce") : undefined) ??
    (prompts.includes("none") && prompts.length > 1 ? invalid("invalid_request", "Invalid prompt") : undefined) ??
    (/^\d*$/.test(query.get("max_age") ?? "") ? undefined : invalid("invalid_request", "Invalid max_age")) ??
    ((query.get("login_hint") ?? "").length > 100 ? invalid("invalid_request", "Invalid login_hint") : undefined)
  if (fault !== undefined) return fault
  return {
    application,
    redirectUri: query.get("redirect_uri") ?? "",
    scopes: Application.scopesOf(scope),
    state: query.get("state") ?? undefined,
    nonce: query.get("nonce") ?? undefined,
    challenge: query.get("code_challenge") ?? undefined,
    prompts,
    maxAge: query.has("max_age") ? Number(query.get("max_age")) : undefined,
    loginHint: query.get("login_hint") ?? "",
    query
  }
}

const callback = (valid: Valid, fields: ReadonlyArray<readonly [string, string | undefined]>): string => {
  const query = new URLSearchParams()
  for (const [name, value] of fields) if (value !== undefined) query.append(name, value)
  return `${valid.redirectUri}${valid.redirectUri.includes("?") ? "&" : "?"}${query}`
}

/** An error that goes back to the application. IdentityServer appends a fragment to it. */
const refused = (self: Authorize, valid: Valid, error: string): string =>
  `${callback(valid, [["error", error], ["state", valid.state], issuerField(self)])}#_=_`

const issuerField = (self: Authorize): readonly [string, string | undefined] => [
  "iss",
  self.settings.identity.issParameter ? `${self.origin}/id` : undefined
]

const granted = (self: Authorize, valid: Valid, session: Session): string => {
  const code = self.signIns.addCode(
    {
      clientId: valid.application.applicationUri,
      login: session.login,
      sid: session.sid,
      authenticatedAt: session.authenticatedAt,
      scopes: valid.scopes,
      redirectUri: valid.redirectUri,
      nonce: valid.nonce,
      state: valid.state,
      challenge: valid.challenge
    },
    self.now
  )
  const salt = randomBytes(16).toString("hex").toUpperCase()
  const content = [valid.application.applicationUri, new URL(valid.redirectUri).origin, session.sid, salt].join(" ")
  return callback(valid, [
    ["code", code],
    ["scope", valid.scopes.join(" ")],
    ["state", valid.state],
    ["session_state", `${createHash("sha256").update(content).digest("base64url")}.${salt}`],
    issuerField(self)
  ])
}

/** Whether a person of this kind may sign in to the application. */
const admits = (application: Application.Registered, user: User.Registered): boolean =>
  user.active &&
  (user.type === "InternalUser"
    ? application.impersonateAsInternalUserAllowed === true
    : application.impersonateAsCommunityUserAllowed === true)

const isCurrent = (self: Authorize, valid: Valid, session: Session): boolean => {
  const user = self.signIns.user(session.login)
  if (user === undefined || !admits(valid.application, user)) return false
  return valid.maxAge === undefined || self.now - session.authenticatedAt <= valid.maxAge * 1000
}

const consentKey = (valid: Valid, login: string): string =>
  JSON.stringify([login, valid.application.applicationUri, [...valid.scopes].sort()])

const needsConsent = (self: Authorize, valid: Valid, login: string): boolean => {
  const { consent } = self.settings.identity
  if (consent === "always" || valid.prompts.includes("consent")) return true
  return consent === "once" && !self.signIns.consents.has(consentKey(valid, login))
}

// --- without a browser ----------------------------------------------------------------------------------------------

/** What a person does at the pages. */
export type Decision = "allow" | "deny" | "cancel"

/** Goes through the pages as this person and gives the address of the callback; a text says why there is none. */
export const decide = (
  self: Authorize,
  url: URL,
  login: string,
  decision: Decision
): { readonly callback: string } | string => {
  if (`${url.origin}${url.pathname}` !== `${self.origin}/id/connect/authorize`) {
    return `${url.origin}${url.pathname} is not the authorize endpoint of this instance`
  }
  const valid = validate(self, url.searchParams)
  if ("error" in valid) return `The identity server refuses the request: ${valid.error}, ${valid.detail}`
  const user = self.signIns.user(login)
  if (user === undefined) return `Nobody has the login ${login}`
  const [known] = self.signIns.sessions(login)
  const current = known !== undefined && isCurrent(self, valid, known) ? known : undefined
  const silent = valid.prompts.includes("none")
  if (silent && current === undefined) return { callback: refused(self, valid, "login_required") }
  const consent = needsConsent(self, valid, login)
  if (silent && consent) return { callback: refused(self, valid, "consent_required") }
  if (decision !== "allow" && !silent) return { callback: refused(self, valid, "access_denied") }
  if (!admits(valid.application, user)) return { callback: refused(self, valid, "access_denied") }
  const again = valid.prompts.includes("login") || valid.prompts.includes("select_account")
  const session = current === undefined || again ? self.signIns.signIn(login, self.now, known).session : current
  if (consent) self.signIns.consents.add(consentKey(valid, login))
  return { callback: granted(self, valid, session) }
}

// --- in a browser ---------------------------------------------------------------------------------------------------

const cookieName = "idsrv"
const antiForgeryName = "idsrv.antiforgery"

/** The value of one cookie. */
export const cookieOf = (header: string | undefined, name: string): string | undefined =>
  (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1)

const cookie = (self: Authorize, name: string, value: string, age?: number): Readonly<Record<string, string>> => {
  const cross = self.origin.startsWith("https:") ? "SameSite=None; Secure" : "SameSite=Lax"
  const end = age === undefined ? "" : `; Max-Age=${age}`
  return { "set-cookie": `${name}=${value}; Path=/id; HttpOnly; ${cross}${end}` }
}

/** Takes the identity cookie away. */
export const signedOutCookie = (self: Authorize): Readonly<Record<string, string>> => cookie(self, cookieName, "", 0)

const antiForgeryKey = randomBytes(32)

const antiForgeryToken = (value: string): string =>
  createHmac("sha256", antiForgeryKey).update(value).digest("base64url")

/** The cookie of a page with a form, and the field that belongs to it. */
export const antiForgery = (self: Authorize, header: string | undefined) => {
  const known = cookieOf(header, antiForgeryName)
  const value = known ?? randomBytes(32).toString("base64url")
  return {
    headers: known === undefined ? cookie(self, antiForgeryName, value) : {},
    fields: { __RequestVerificationToken: antiForgeryToken(value) }
  }
}

/** Whether a form was sent from a page that this server made for this browser. */
export const isOwnForm = (header: string | undefined, form: URLSearchParams): boolean => {
  const value = cookieOf(header, antiForgeryName)
  const sent = Buffer.from(form.get("__RequestVerificationToken") ?? "")
  if (value === undefined) return false
  const expected = Buffer.from(antiForgeryToken(value))
  return sent.length === expected.length && timingSafeEqual(sent, expected)
}

/** The session of the browser that sends these headers. */
export const sessionOf = (self: Authorize, headers: Readonly<Record<string, string>>): Session | undefined =>
  self.signIns.byCookie(cookieOf(headers["cookie"], cookieName), self.now)

const loginPath = "/id/account/login"
const consentPath = "/id/consent"

/** A request to one of the pages. */
export interface PageRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const loginPage = (self: Authorize, request: PageRequest, valid: Valid, error = ""): Http.WholeReply => {
  const guard = antiForgery(self, request.headers["cookie"])
  const body = Pages.form(
    loginPath,
    { request: valid.query.toString(), ...guard.fields },
    `<label>Login<input name="username" value="${Pages.escape(valid.loginHint)}" autocomplete="username" required></label>` +
      '<label>Password<input name="password" type="password" autocomplete="current-password" required></label>',
    [
      ["login", "Sign in"],
      ["cancel", "Cancel"]
    ]
  )
  const intro = `<p>Sign in to go on to <strong>${Pages.escape(valid.application.name)}</strong>.</p>`
  const alert = error === "" ? "" : `<p class="error" role="alert">${Pages.escape(error)}</p>`
  return Pages.page(200, "Sign in", `${intro}${alert}${body}`, guard.headers)
}

const consentPage = (self: Authorize, request: PageRequest, valid: Valid, login: string): Http.WholeReply => {
  const guard = antiForgery(self, request.headers["cookie"])
  const scopes = valid.scopes.map((scope) => `<li><code>${Pages.escape(scope)}</code></li>`).join("")
  const body =
    `<p><strong>${Pages.escape(valid.application.name)}</strong> asks to act for ${Pages.escape(login)}:</p>` +
    `<ul>${scopes}</ul>` +
    Pages.form(consentPath, { request: valid.query.toString(), ...guard.fields }, "", [
      ["yes", "Allow"],
      ["no", "Deny"]
    ])
  return Pages.page(200, "Allow access", body, guard.headers)
}

/** What the endpoint does for a browser that has this session, or none. */
const proceed = (self: Authorize, request: PageRequest, valid: Valid, session: Session | undefined) => {
  const silent = valid.prompts.includes("none")
  const again = valid.prompts.includes("login") || valid.prompts.includes("select_account")
  if (session === undefined || again || !isCurrent(self, valid, session)) {
    return silent ? Pages.redirect(refused(self, valid, "login_required")) : loginPage(self, request, valid)
  }
  if (!needsConsent(self, valid, session.login)) return Pages.redirect(granted(self, valid, session))
  if (silent) return Pages.redirect(refused(self, valid, "consent_required"))
  return consentPage(self, request, valid, session.login)
}

const submitLogin = (self: Authorize, request: PageRequest, form: URLSearchParams, valid: Valid): Http.WholeReply => {
  if (form.get("button") === "cancel") return Pages.redirect(refused(self, valid, "access_denied"))
  const user = self.signIns.user(form.get("username") ?? "")
  if (user === undefined || !user.active || !User.passwordMatches(user, form.get("password") ?? "")) {
    return loginPage(self, request, valid, "Invalid login or password")
  }
  if (!admits(valid.application, user)) return loginPage(self, request, valid, "You may not use this application")
  const { cookie: value } = self.signIns.signIn(user.login, self.now, sessionOf(self, request.headers))
  // the password was given: the request goes on without asking for it again
  const query = new URLSearchParams(valid.query)
  const rest = valid.prompts.filter((prompt) => prompt !== "login" && prompt !== "select_account").join(" ")
  if (rest === "") query.delete("prompt")
  else query.set("prompt", rest)
  query.delete("max_age")
  return Pages.redirect(`/id/connect/authorize?${query}`, cookie(self, cookieName, value))
}

const submitConsent = (self: Authorize, request: PageRequest, form: URLSearchParams, valid: Valid): Http.WholeReply => {
  const session = sessionOf(self, request.headers)
  if (session === undefined || !isCurrent(self, valid, session)) return loginPage(self, request, valid)
  if (form.get("button") !== "yes") return Pages.redirect(refused(self, valid, "access_denied"))
  self.signIns.consents.add(consentKey(valid, session.login))
  return Pages.redirect(granted(self, valid, session))
}

/** Answers the authorize endpoint and its pages; `undefined` is none of them. */
export const respond = (self: Authorize, request: PageRequest): Http.WholeReply | undefined => {
  if (request.path === "/id/connect/authorize") {
    const query = request.method === "POST" ? new URLSearchParams(request.body) : request.query
    const valid = validate(self, query)
    return "error" in valid
      ? Pages.fault(valid.error, valid.detail)
      : proceed(self, request, valid, sessionOf(self, request.headers))
  }
  if ((request.path !== loginPath && request.path !== consentPath) || request.method !== "POST") return undefined
  const form = new URLSearchParams(request.body)
  if (!isOwnForm(request.headers["cookie"], form)) {
    return Pages.fault("invalid_request", "The form is not from this browser; go back to the application and try again")
  }
  const valid = validate(self, new URLSearchParams(form.get("request") ?? ""))
  if ("error" in valid) return Pages.fault(valid.error, valid.detail)
  const submit = request.path === loginPath ? submitLogin : submitConsent
  return submit(self, request, form, valid)
}
