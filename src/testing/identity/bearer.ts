/**
 * How the Domain API checks a token, and the challenges of ASP.NET Core's JwtBearer.
 *
 * @since 0.1.0
 */
import * as Signing from "./signing.ts"
import * as Tokens from "./tokens.ts"

/** Who is calling. */
export interface Principal {
  readonly clientId: string
  readonly scopes: ReadonlyArray<string>
  /** Requests with the same key share a session. */
  readonly session: string
  /** Sessions of services end after an hour, those of users do not. */
  readonly service: boolean
  /** The login of the person; a service has none. */
  readonly login: string | undefined
}

/** Why not: the value of `WWW-Authenticate`. */
export interface Refusal {
  readonly status: 400 | 401
  readonly challenge: string
}

/** What a token is checked against. */
export interface Check {
  readonly issuer: string
  readonly now: number
  readonly clockSkewMillis: number
  readonly severalCredentials: 400 | 401
  readonly tokens: Tokens.Tokens
  /** Whether the application behind a token may still call. */
  readonly permits: (token: Tokens.IssuedToken) => boolean
  /**
   * The audience that a token must have; the Domain API by default.
   *
   * @default "DomainAPI"
   */
  readonly audience?: string | undefined
}

const domainApi = "DomainAPI"

/** The audiences of the tokens that this issuer signs. */
export const audiences = (issuer: string): ReadonlyArray<string> => [
  domainApi,
  "TableAPI",
  "OLAP",
  "AppServer",
  `${issuer}/resources`
]

const apiKeyHeaders: ReadonlyArray<string> = ["x-api-key", "api-key"]

/** A moment as the invariant culture of .NET writes it: `MM/dd/yyyy HH:mm:ss`. */
const invariant = (millis: number): string => {
  const date = new Date(millis)
  if (Number.isNaN(date.getTime())) return "(null)"
  const [day, time] = date.toISOString().split("T")
  const [year, month, dayOfMonth] = (day ?? "").split("-")
  return `${month}/${dayOfMonth}/${year} ${(time ?? "").slice(0, 8)}`
}

const invalidToken = (descriptions: ReadonlyArray<string>): Refusal => ({
  status: 401,
  challenge:
    descriptions.length === 0
      ? `Bearer error="invalid_token"`
      : `Bearer error="invalid_token", error_description="${descriptions.join("; ").replace(/["\\\r\n]/g, "'")}"`
})

const expired = (at: number): string => `The token expired at '${invariant(at)}'`

const texts = (claim: unknown): ReadonlyArray<string> =>
  typeof claim === "string"
    ? [claim]
    : Array.isArray(claim)
      ? claim.filter((item): item is string => typeof item === "string")
      : []

const seconds = (claim: unknown): number | undefined =>
  typeof claim === "number" && Number.isFinite(claim) ? claim * 1000 : undefined

const lifetimeFaults = (claims: Readonly<Record<string, unknown>>, check: Check): ReadonlyArray<string> => {
  const notBefore = seconds(claims["nbf"])
  const expires = seconds(claims["exp"])
  if (expires === undefined) return ["The token has no expiration"]
  if (notBefore !== undefined && notBefore > expires) {
    return [`The token lifetime is invalid; NotBefore: '${invariant(notBefore)}', Expires: '${invariant(expires)}'`]
  }
  if (notBefore !== undefined && notBefore > check.now + check.clockSkewMillis) {
    return [`The token is not valid before '${invariant(notBefore)}'`]
  }
  // RFC 7519: not accepted on or after the expiration time
  return expires + check.clockSkewMillis <= check.now ? [expired(expires)] : []
}

const jwt = (token: string, check: Check): Principal | Refusal => {
  const verified = Signing.verify(token)
  if (verified === undefined) return invalidToken([])
  const { claims, fault } = verified
  const audience = check.audience ?? domainApi
  const named = texts(claims["aud"])
  const issuer = texts(claims["iss"])[0]
  const faults = [
    ...lifetimeFaults(claims, check),
    ...(named.includes(audience)
      ? []
      : [`The audience '${named.length === 0 ? "(null)" : named.join(", ")}' is invalid`]),
    ...(issuer === check.issuer ? [] : [`The issuer '${issuer ?? "(null)"}' is invalid`]),
    ...(fault === undefined ? [] : [fault])
  ]
  if (faults.length > 0) return invalidToken(faults)
  const jti = texts(claims["jti"])[0] ?? Tokens.digest(token)
  const refusal = stateRefusal(check, check.tokens.find(jti))
  if (refusal !== undefined) return refusal
  return {
    clientId: texts(claims["client_id"])[0] ?? "",
    scopes: texts(claims["scope"]),
    session: texts(claims["sid"])[0] ?? jti,
    service: claims["sub"] === undefined,
    login: texts(claims["sub"])[0]
  }
}

const stateRefusal = (check: Check, row: ReturnType<Tokens.Tokens["find"]>): Refusal | undefined => {
  if (row === undefined) return undefined
  if (row.state._tag === "Revoked" || !check.permits(row.token)) return invalidToken([])
  if (row.state._tag === "Expired") return invalidToken([expired(row.state.at)])
  return undefined
}

const referenceToken = (token: string, check: Check): Principal | Refusal => {
  const key = Tokens.digest(token)
  const row = check.tokens.find(key)
  if (row === undefined || row.token.kind === "access") return invalidToken([])
  const refusal = stateRefusal(check, row)
  if (refusal !== undefined) return refusal
  if (row.token.expiresAt <= check.now) return invalidToken([expired(row.token.expiresAt)])
  return {
    clientId: row.token.clientId,
    scopes: row.token.scopes,
    session: key,
    service: row.token.kind === "SAT",
    login: undefined
  }
}

/** Tells a refusal from a caller. */
export const isRefusal = (result: Principal | Refusal): result is Refusal => "challenge" in result

/** Finds out who sends these headers. */
export const authenticate = (headers: Readonly<Record<string, string>>, check: Check): Principal | Refusal => {
  const authorization = headers["authorization"]
  const apiKeys = apiKeyHeaders.flatMap((name) => (headers[name] === undefined ? [] : [headers[name]]))
  if (apiKeys.length + (authorization === undefined ? 0 : 1) > 1) {
    return { ...invalidToken([]), status: check.severalCredentials }
  }
  const apiKey = apiKeys[0]
  if (apiKey !== undefined) return referenceToken(apiKey.trim(), check)
  const token = /^bearer (.*)$/i.exec(authorization ?? "")?.[1]?.trim()
  if (token === undefined || token === "") return { status: 401, challenge: "Bearer" }
  return token.startsWith("enrt_") ? referenceToken(token, check) : jwt(token, check)
}
