/**
 * Effect client for ERP.net.
 *
 * @since 0.1.0
 */
export * as AccessToken from "./AccessToken.ts"
export * as AuthorizedClient from "./AuthorizedClient.ts"
export * as Batch from "./Batch.ts"
export * as ComplexType from "./ComplexType.ts"
export * as DomainApi from "./DomainApi.ts"
export * as DomainRequest from "./DomainRequest.ts"
export * as EntityId from "./EntityId.ts"
export * as EntityInput from "./EntityInput.ts"
export * as EntitySet from "./EntitySet.ts"
export * as ErpNet from "./ErpNet.ts"
export * as ErpNetError from "./ErpNetError.ts"
export * as Filter from "./Filter.ts"
export * as Import from "./Import.ts"
export * as IncrementalPull from "./IncrementalPull.ts"
export * as Instance from "./Instance.ts"
export * as Operation from "./Operation.ts"
export * as Query from "./Query.ts"
export * as RefreshTokenStore from "./RefreshTokenStore.ts"
export * as SignIn from "./SignIn.ts"
export * as TokenEndpoint from "./TokenEndpoint.ts"
export * as TokenProvider from "./TokenProvider.ts"
export * as TokenSource from "./TokenSource.ts"
export * as TrustedApplication from "./TrustedApplication.ts"
export * as UserTokens from "./UserTokens.ts"
