/**
 * Effect client for ERP.net.
 *
 * @since 0.1.0
 */
export * as AccessToken from "./AccessToken.ts"
export * as AuthorizedClient from "./AuthorizedClient.ts"
export * as ErpNetError from "./ErpNetError.ts"
export * as Instance from "./Instance.ts"
export * as TokenEndpoint from "./TokenEndpoint.ts"
export * as TokenProvider from "./TokenProvider.ts"
export * as TrustedApplication from "./TrustedApplication.ts"
