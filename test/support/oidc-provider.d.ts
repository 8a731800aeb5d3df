/** What the tests use of oidc-provider, which ships no types. */
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http"

  export interface ClientCredentialsToken {
    readonly clientId: string
    readonly scope?: string
    readonly isExpired: boolean
    destroy(): Promise<void>
  }

  export default class Provider {
    constructor(issuer: string, configuration: object)
    readonly ClientCredentials: {
      find(
        value: string,
        options?: { readonly ignoreExpiration?: boolean }
      ): Promise<ClientCredentialsToken | undefined>
    }
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    on(event: string, listener: (...args: ReadonlyArray<unknown>) => void): this
  }
}
