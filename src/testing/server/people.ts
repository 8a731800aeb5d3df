/**
 * What the identity server has for people besides signing in: end of session, userinfo, and the profile.
 *
 * @since 0.2.0
 */
import * as Application from "../identity/application.ts"
import type * as Bearer from "../identity/bearer.ts"
import * as Signing from "../identity/signing.ts"
import * as Authorize from "./authorize.ts"
import * as Http from "./http.ts"
import * as Pages from "./pages.ts"
import { database } from "./site.ts"

/** Ends the session with this id: no refresh token of it works any more, and its licence is free. */
export type EndSession = (sid: string) => void

const signedOut = (self: Authorize.Authorize): Http.WholeReply =>
  Pages.page(200, "Signed out", "<p>You are signed out.</p>", Authorize.signedOutCookie(self))

/** The person and the application of a hint that this server signed; its age does not matter. */
const readHint = (self: Authorize.Authorize, hint: string) => {
  const verified = hint.length > 51_200 ? undefined : Signing.verify(hint)
  const claims = verified?.fault === undefined ? verified?.claims : undefined
  const { aud, iss, sid, sub } = claims ?? {}
  if (typeof aud !== "string" || typeof sub !== "string" || iss !== `${self.origin}/id`) return undefined
  return { login: sub, application: self.application(aud), sid: typeof sid === "string" ? sid : undefined }
}

const confirmation = (self: Authorize.Authorize, request: Authorize.PageRequest): Http.WholeReply => {
  const guard = Authorize.antiForgery(self, request.headers["cookie"])
  const form = Pages.form("/id/account/logout", guard.fields, "", [["yes", "Sign out"]])
  return Pages.page(200, "Sign out", `<p>Do you want to sign out?</p>${form}`, guard.headers)
}

const endSession = (self: Authorize.Authorize, request: Authorize.PageRequest, end: EndSession): Http.WholeReply => {
  const query = request.method === "POST" ? new URLSearchParams(request.body) : request.query
  const session = Authorize.sessionOf(self, request.headers)
  const text = query.get("id_token_hint") ?? ""
  if (text === "") return session === undefined ? signedOut(self) : confirmation(self, request)
  const hint = readHint(self, text)
  if (hint === undefined || (session !== undefined && session.login !== hint.login)) {
    return Pages.fault("invalid_request", "The id_token_hint is not one of the person who is signed in")
  }
  if (session !== undefined) end(session.sid)
  if (hint.sid !== undefined) end(hint.sid)
  const target = query.get("post_logout_redirect_uri") ?? ""
  const listed = Application.addressesOf(hint.application?.impersonateLogoutUrl).includes(target)
  if (!listed) return signedOut(self)
  const state = query.get("state")
  const separator = target.includes("?") ? "&" : "?"
  const location = state === null ? target : `${target}${separator}${new URLSearchParams({ state })}`
  return Pages.redirect(location, Authorize.signedOutCookie(self))
}

const logout = (self: Authorize.Authorize, request: Authorize.PageRequest, end: EndSession): Http.WholeReply => {
  if (!Authorize.isOwnForm(request.headers["cookie"], new URLSearchParams(request.body))) {
    return Pages.fault("invalid_request", "The form is not from this browser")
  }
  const session = Authorize.sessionOf(self, request.headers)
  if (session !== undefined) end(session.sid)
  return signedOut(self)
}

/** Answers the pages of signing out; `undefined` is none of them. */
export const respond = (
  self: Authorize.Authorize,
  request: Authorize.PageRequest,
  end: EndSession
): Http.WholeReply | undefined => {
  switch (request.path) {
    case "/id/connect/endsession":
      return endSession(self, request, end)
    case "/id/account/logout":
      return request.method === "POST" ? logout(self, request, end) : undefined
    default:
      return undefined
  }
}

const noStore = { "cache-control": "no-store, no-cache, max-age=0", pragma: "no-cache" }

/** Who the access token stands for, as OpenID Connect tells it. */
export const userinfo = (self: Authorize.Authorize, principal: Bearer.Principal | Bearer.Refusal): Http.WholeReply => {
  const challenge = (error: string) => ({ "www-authenticate": `Bearer realm="IdentityServer",error="${error}"` })
  if ("challenge" in principal) return Http.empty(401, challenge("invalid_token"))
  const user = principal.login === undefined ? undefined : self.signIns.user(principal.login)
  if (user === undefined || !principal.scopes.includes("openid")) {
    return Http.empty(403, challenge("insufficient_scope"))
  }
  const profile = principal.scopes.includes("profile")
    ? { name: user.name, email: user.email, user_type: user.type }
    : {}
  return Http.json(200, { ...profile, sub: user.login }, noStore)
}

/** The profile of the person; services have none. */
export const profile = (self: Authorize.Authorize, principal: Bearer.Principal | Bearer.Refusal): Http.WholeReply => {
  if ("challenge" in principal) return Http.empty(401, { "www-authenticate": principal.challenge })
  const user = principal.login === undefined ? undefined : self.signIns.user(principal.login)
  if (user === undefined) return Http.empty(403)
  return Http.json(
    200,
    {
      id: user.id,
      login: user.login,
      name: user.name,
      email: user.email,
      phoneNumber: null,
      isAdmin: false,
      isActive: user.active,
      userType: user.type,
      preferredLanguage: "en",
      pictureUrl: null,
      largePictureUrl: null,
      person: null,
      domain: null,
      instance: { database: database(self.settings), url: self.origin },
      links: {}
    },
    { "cache-control": "no-store" }
  )
}
