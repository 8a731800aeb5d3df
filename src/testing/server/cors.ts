/**
 * Which answers the pages of other origins may read.
 *
 * @since 0.2.0
 */
import * as Application from "../identity/application.ts"
import * as Http from "./http.ts"
import type { ResolvedCors } from "./options.ts"

/** The paths of the identity server that pages may call: never authorize and end of session. */
const identityPaths: ReadonlyArray<string> = [
  "/id/.well-known/openid-configuration",
  "/id/.well-known/openid-configuration/jwks",
  "/id/connect/token",
  "/id/connect/userinfo",
  "/id/connect/revocation"
]

const concerns = (path: string): boolean =>
  identityPaths.includes(path) || path.startsWith("/api/") || path.endsWith("/auto-discovery") || path === "/profile/me"

/** Whether a page of this origin may read answers. */
export const allows = (
  cors: ResolvedCors,
  applications: Iterable<Application.Registered>,
  origin: string | undefined
): boolean => {
  if (origin === undefined || cors.origins === "none") return false
  if (cors.origins === "any") return true
  if (cors.origins !== "redirectUris") return cors.origins.includes(origin)
  return [...applications]
    .flatMap((application) => Application.addressesOf(application.impersonateLoginUrl))
    .some((address) => URL.canParse(address) && new URL(address).origin === origin)
}

/** The answer to a preflight request; `undefined` is another request. */
export const preflight = (request: Http.Request, allowed: boolean): Http.WholeReply | undefined => {
  const method = request.headers["access-control-request-method"]
  if (request.method !== "OPTIONS" || method === undefined || !concerns(request.url.pathname)) return undefined
  const headers = request.headers["access-control-request-headers"]
  return Http.empty(
    204,
    allowed
      ? {
          "access-control-allow-origin": request.headers["origin"] ?? "",
          "access-control-allow-methods": method,
          ...(headers === undefined ? {} : { "access-control-allow-headers": headers }),
          vary: "origin"
        }
      : { vary: "origin" }
  )
}

/** Lets the page read the answer. */
export const readable = (
  cors: ResolvedCors,
  request: Http.Request,
  reply: Http.WholeReply,
  allowed: boolean
): Http.WholeReply => {
  const origin = request.headers["origin"]
  if (origin === undefined || !allowed || !concerns(request.url.pathname)) return reply
  if (reply.status === 401 && !cors.on401 && request.url.pathname.startsWith("/api/")) return reply
  return {
    ...reply,
    headers: {
      ...reply.headers,
      "access-control-allow-origin": origin,
      ...(cors.expose.length === 0 ? {} : { "access-control-expose-headers": cors.expose.join(", ") }),
      vary: reply.headers["vary"] === undefined ? "origin" : `${reply.headers["vary"]}, origin`
    }
  }
}
