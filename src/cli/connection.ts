/** What to do when there is no connection, by the code of the operating system or of TLS. */

const unknownAuthority =
  "Its certificate is not signed by an authority that Node knows. Where that is on purpose, name the certificate of " +
  "the authority (a PEM file) in the environment variable NODE_EXTRA_CA_CERTS; do not switch the verification off."
const unknownHost = "No such host. Check the name of the instance, the DNS and the VPN."
const noRoute = "No route or no answer. Check the network, the VPN and the firewall; this command uses no proxy."
const cut =
  "The connection was cut. Check the port, whether it is https, and what stands between here and the instance."
const noTls = "What listens there does not speak this TLS. Check the port, and that it is https."

const adviceByCode: Readonly<Record<string, string>> = {
  ENOTFOUND: unknownHost,
  EAI_AGAIN: "The DNS does not answer. Check the network and the VPN.",
  ECONNREFUSED: "Nothing listens there. Check the host and the port, and that the instance is running.",
  ECONNRESET: cut,
  UND_ERR_SOCKET: cut,
  EHOSTUNREACH: noRoute,
  ENETUNREACH: noRoute,
  ETIMEDOUT: noRoute,
  UND_ERR_CONNECT_TIMEOUT: noRoute,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_HAS_EXPIRED:
    "Its certificate has expired. It must be renewed on the server; check the clock of this computer, too.",
  CERT_NOT_YET_VALID: "Its certificate is not valid yet. Check the clock of this computer.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "Its certificate is for another name. Use the name that the certificate was issued for.",
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  EPROTO: noTls
}

/** True where the host was reached, and TLS is what failed. */
export const isTlsFault = (code: string): boolean =>
  /CERT|^ERR_(?:TLS|SSL)_|^UNABLE_TO_|^EPROTO$|^HOSTNAME_MISMATCH$/.test(code)

export const connectionAdvice = (code: string): string =>
  adviceByCode[code] ??
  (isTlsFault(code) ? "The TLS handshake failed." : "Check the network, the proxy and the instance.")
