/**
 * What needs Node.js itself: the HTTP client with proxy, private CA and client certificate.
 *
 * @since 0.2.0
 */
export * as NodeTransport from "./NodeTransport.ts"
