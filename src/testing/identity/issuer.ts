/**
 * The tokens that the identity server signs, for services and for people.
 *
 * @since 0.2.0
 */
import type * as Application from "./application.ts"
import * as Bearer from "./bearer.ts"
import type { Grant } from "./signIns.ts"
import * as Signing from "./signing.ts"
import * as Tokens from "./tokens.ts"
import type * as User from "./user.ts"

/** What every token of an instance has in common. */
export interface Issuer {
  readonly issuer: string
  readonly database: string
  readonly lifetimeSeconds: number
  readonly tokens: Tokens.Tokens
  readonly hex: (digits: number) => string
}

const issue = (
  self: Issuer,
  now: number,
  clientId: string,
  scopes: ReadonlyArray<string>,
  claims: (common: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
): string => {
  const nbf = Math.floor(now / 1000)
  const exp = nbf + self.lifetimeSeconds
  const jti = self.hex(32)
  const token = Signing.sign(claims({ nbf, exp, iss: self.issuer, client_id: clientId, jti, iat: nbf, scope: scopes }))
  self.tokens.add(jti, {
    kind: "access",
    fingerprint: Tokens.fingerprint(token),
    clientId,
    scopes,
    issuedAt: now,
    expiresAt: exp * 1000
  })
  return token
}

/** An access token for the system user of an application. */
export const serviceToken = (
  self: Issuer,
  now: number,
  application: Application.Registered,
  scopes: ReadonlyArray<string>
): string =>
  issue(self, now, application.applicationUri, scopes, ({ nbf, exp, iss, client_id, jti, iat, scope }) => ({
    nbf,
    exp,
    iss,
    aud: Bearer.audiences(self.issuer),
    client_id,
    client_system_user: application.systemUser,
    client_system_user_type: application.systemUserType,
    client_system_user_id: application.systemUserId,
    client_db: self.database,
    jti,
    iat,
    scope
  }))

/** What a token needs to be one for the Domain API. */
const apiScopes: ReadonlyArray<string> = ["read", "update", "exec", "sec", "DomainApi"]

/**
 * An access token for a person. It is for the Domain API only when an API scope was granted to an internal user. Each
 * has a `jti` of its own (IdentityServer repeats that of the sign-in), so that each can be revoked by itself.
 */
export const userToken = (self: Issuer, now: number, grant: Grant, user: User.Registered): string => {
  const resources = `${self.issuer}/resources`
  const forApi = user.type === "InternalUser" && grant.scopes.some((scope) => apiScopes.includes(scope))
  return issue(self, now, grant.clientId, grant.scopes, (common) => ({
    ...common,
    aud: forApi ? Bearer.audiences(self.issuer) : resources,
    sub: user.login,
    auth_time: Math.floor(grant.authenticatedAt / 1000),
    idp: "local",
    amr: ["pwd"],
    id: user.id,
    name: user.name,
    email: user.email,
    email_verified: "true",
    locale: "en",
    user_type: user.type,
    is_admin: "false",
    db: self.database,
    sid: grant.sid
  }))
}

/** The identity token that goes with an access token; `nonce` and `state` are those of the sign-in. */
export const idToken = (
  self: Issuer,
  now: number,
  grant: Grant,
  accessToken: string,
  signIn: { readonly nonce: string | undefined; readonly state: string | undefined } | undefined
): string => {
  const nbf = Math.floor(now / 1000)
  return Signing.sign(
    {
      nbf,
      exp: nbf + 300,
      iss: self.issuer,
      aud: grant.clientId,
      nonce: signIn?.nonce,
      iat: nbf,
      at_hash: Signing.halfHash(accessToken),
      s_hash: signIn?.state === undefined ? undefined : Signing.halfHash(signIn.state),
      sid: grant.sid,
      sub: grant.login,
      auth_time: Math.floor(grant.authenticatedAt / 1000),
      idp: "local",
      amr: ["pwd"]
    },
    "JWT"
  )
}
