/**
 * The one table of faults of the network: what an error code of the transport, or a status, means for trying again and
 * for the person who reads the message.
 */
import * as Predicate from "effect/Predicate"

/** What a fault of the transport means. */
export interface Fault {
  readonly kind: "name" | "refused" | "route" | "cut" | "slow" | "tls" | "proxy" | "request" | "other"
  /** It stays until somebody changes a setting, so that trying again is of no use. */
  readonly isPermanent: boolean
  /** No byte of the request reached the server. */
  readonly isUnsent: boolean
  /** What to do, in one sentence or more. */
  readonly advice: string
}

const unknownAuthority =
  "Its certificate is not signed by an authority that this program knows. Where that is on purpose, name the " +
  "certificate of the authority (a PEM file) in the environment variable NODE_EXTRA_CA_CERTS before the start, or give " +
  "it to NodeTransport.layer({ ca }); do not switch the verification off."

const passing = (kind: Fault["kind"], isUnsent: boolean, advice: string): Fault => ({
  kind,
  isPermanent: false,
  isUnsent,
  advice
})
const permanent = (kind: Fault["kind"], advice: string): Fault => ({ kind, isPermanent: true, isUnsent: true, advice })

/** It was answered, and the answer stays as it is. */
const answered = (advice: string): Fault => ({ kind: "other", isPermanent: true, isUnsent: false, advice })

const noRoute = passing(
  "route",
  true,
  "No route or no answer. Check the network, the VPN, the firewall, and whether a proxy is needed."
)
const cut = passing(
  "cut",
  false,
  "The connection was cut. Check the port, whether it is https, and what stands between here and the instance."
)
const slow = passing("slow", false, "The server took too long. Check that the site of the instance is running.")
const unknownIssuer = permanent("tls", unknownAuthority)
const noTls = permanent("tls", "What listens there does not speak this TLS. Check the port, and that it is https.")
const otherName = permanent(
  "tls",
  "Its certificate is for another name. Use the name that the certificate was issued for."
)
const badRequest = permanent("request", "The request cannot be sent as it is. Check the address and the headers.")
const badAuthority = permanent(
  "tls",
  "Its certificate, or one that signed it, is not valid. It must be replaced on the server."
)

const byCode: Readonly<Record<string, Fault>> = {
  ENOTFOUND: passing("name", true, "No such host. Check the name of the instance, the DNS and the VPN."),
  EAI_AGAIN: passing("name", true, "The DNS does not answer. Check the network and the VPN."),
  ECONNREFUSED: passing(
    "refused",
    true,
    "Nothing listens there. Check the host and the port, and that the instance is running."
  ),
  EHOSTUNREACH: noRoute,
  EHOSTDOWN: noRoute,
  ENETUNREACH: noRoute,
  ENETDOWN: noRoute,
  EADDRNOTAVAIL: noRoute,
  UND_ERR_CONNECT_TIMEOUT: noRoute,
  // A connection that is open can end with it as well, so that the request may have been read.
  ETIMEDOUT: { ...noRoute, isUnsent: false },
  ECONNRESET: cut,
  ECONNABORTED: cut,
  EPIPE: cut,
  UND_ERR_SOCKET: cut,
  UND_ERR_HEADERS_TIMEOUT: slow,
  UND_ERR_BODY_TIMEOUT: slow,
  ERR_TLS_HANDSHAKE_TIMEOUT: passing("slow", true, "The TLS handshake took too long. Check the network and the port."),
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownIssuer,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  CERT_UNTRUSTED: unknownIssuer,
  CERT_HAS_EXPIRED: permanent(
    "tls",
    "Its certificate has expired. It must be renewed on the server; check the clock of this computer, too."
  ),
  CERT_NOT_YET_VALID: permanent("tls", "Its certificate is not valid yet. Check the clock of this computer."),
  CERT_REVOKED: permanent("tls", "Its certificate was revoked. It must be replaced on the server."),
  INVALID_CA: badAuthority,
  INVALID_PURPOSE: badAuthority,
  PATH_LENGTH_EXCEEDED: badAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: otherName,
  HOSTNAME_MISMATCH: otherName,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: noTls,
  EPROTO: noTls,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: permanent(
    "tls",
    "The server asks for a client certificate. Give it to NodeTransport.layer({ clientCertificate })."
  ),
  ERR_CONTENT_ENCODING: answered(
    "The answer is compressed in a way that cannot be read here. Check what stands between here and the instance."
  ),
  ERR_DECOMPRESSED_TOO_LARGE: answered(
    "The answer unpacks to far more than data do, and was not read. Check what stands between here and the instance."
  ),
  ERR_INVALID_URL: badRequest,
  UND_ERR_INVALID_ARG: badRequest,
  ERR_INVALID_CHAR: badRequest,
  UND_ERR_PRX_TLS: permanent(
    "proxy",
    "The TLS connection to the proxy failed. Check the address and the scheme of the proxy."
  )
}

const tlsFamily = /CERT|CRL_|_CRL|^ERR_(?:TLS|SSL|OSSL)_|^UNABLE_TO_/
const tlsFault = permanent("tls", "The TLS handshake failed. Check the port, that it is https, and the certificates.")
const unknown = passing("other", false, "Check the name of the instance, the network, the proxy and TLS.")

const proxyDetail = /^the proxy answered (\d{3})$/

const ofProxy = (status: number): Fault => {
  if (status === 407) {
    return permanent(
      "proxy",
      "The proxy asks for credentials. Put user name and password into its address (HTTPS_PROXY, or the option proxy)."
    )
  }
  const advice =
    status === 403
      ? "The proxy does not allow this host. Have it allowed there, or name the host in NO_PROXY if it can be reached directly."
      : "The proxy could not connect. Check the address of the instance, and the proxy."
  return { kind: "proxy", isPermanent: !isTransientStatus(status), isUnsent: true, advice }
}

/** What the `detail` of an error of this package means; see {@link detailOf}. */
export const ofDetail = (detail: string | undefined): Fault => {
  if (detail === undefined) return unknown
  const refusal = proxyDetail.exec(detail)?.[1]
  if (refusal !== undefined) return ofProxy(Number(refusal))
  if (Object.hasOwn(byCode, detail)) return byCode[detail] ?? unknown
  return tlsFamily.test(detail) ? tlsFault : unknown
}

/**
 * Statuses that may be gone by the next time, and after which an idempotent request is sent again: 408 (RFC 9110
 * section 15.5.9), 425 (RFC 8470), 429, and 5xx but for those that say that the server cannot do what it is asked (501,
 * 505, 506, 508, 510, 511).
 */
export const isTransientStatus = (status: number | undefined): boolean =>
  status !== undefined && ([408, 425, 429].includes(status) || (status >= 500 && !lasting.has(status)))

const lasting = new Set([501, 505, 506, 508, 510, 511])

/** The errors along a chain of causes, the outermost first. */
const chain = (error: unknown, depth = 0): ReadonlyArray<Record<PropertyKey, unknown>> => {
  if (depth > 5 || !Predicate.isRecord(error)) return []
  const errors = error["errors"]
  const inner = [error["cause"], ...(Array.isArray(errors) ? errors.slice(0, 8) : [])]
  return [error, ...inner.flatMap((cause) => chain(cause, depth + 1))]
}

/** An error without code, text or cause: what fetch, by its standard, makes of an answer 407 and of no other. */
const isHidden407 = (cause: unknown): boolean =>
  cause instanceof Error && cause.message === "" && cause.cause === undefined && !("code" in cause)

/** The status with which a proxy refused: undici and fetch say it in their text alone. */
const refusalOf = ({ cause, message }: Record<PropertyKey, unknown>): string | undefined => {
  if (typeof message !== "string") return undefined
  if (message === "fetch failed" && isHidden407(cause)) return "407"
  const status = /^Proxy response \((\d{3})\)/.exec(message)?.[1]
  return status ?? (/^proxy authentication required/i.test(message) ? "407" : undefined)
}

const codeOf = ({ code }: Record<PropertyKey, unknown>): string | undefined =>
  typeof code === "string" && /^[A-Z][A-Z0-9_]{2,63}$/.test(code) ? code : undefined

/** A code that only says that there was an error around the one that counts. */
const isVague = (code: string): boolean => ofDetail(code).kind === "other" || code === "UND_ERR_PRX_TLS"

/**
 * What can be said of a fault of the transport: the refusal of a proxy, else the most telling error code along its
 * causes; never the request, an address or a text.
 */
export const detailOf = (error: unknown): string | undefined => {
  const errors = chain(error)
  const refusal = errors.map(refusalOf).find(Predicate.isNotUndefined)
  if (refusal !== undefined) return `the proxy answered ${refusal}`
  const codes = errors.map(codeOf).filter(Predicate.isNotUndefined)
  return codes.find((code) => !isVague(code)) ?? codes[0]
}
