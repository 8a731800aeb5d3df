/** An identity server that nobody here wrote (oidc-provider), and a small API that asks it about each token. */
import { generateKeyPairSync } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, Either, type Scope } from "effect"
import { Instance } from "effect-erpnet"
import Provider from "oidc-provider"

export const clients = {
  service: { id: "https://my.trusted.app/service", secret: "s3cret/+ &=%'\"" },
  /** Its tokens live two seconds, of which the first may be nearly over. */
  shortLived: { id: "short-lived", secret: "another secret" },
  basic: { id: "basic:client", secret: "b+ s:%" }
} as const

/** Keeps what the provider stores, also when it has expired, so that the API can tell expired from unknown. */
const memoryAdapter = () => {
  const stored = new Map<string, object>()
  const nothing = async () => undefined
  return () => ({
    upsert: async (id: string, payload: object) => {
      stored.set(id, payload)
    },
    find: async (id: string) => stored.get(id),
    destroy: async (id: string) => {
      stored.delete(id)
    },
    consume: nothing,
    findByUid: nothing,
    findByUserCode: nothing,
    revokeByGrantId: nothing
  })
}

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })

const configuration = {
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
  clients: Object.values(clients).map(({ id, secret }) => ({
    client_id: id,
    client_secret: secret,
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    scope: "read",
    token_endpoint_auth_method: id === clients.basic.id ? "client_secret_basic" : "client_secret_post"
  })),
  scopes: ["read", "update"],
  clientAuthMethods: ["client_secret_post", "client_secret_basic"],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  ttl: {
    ClientCredentials: (_context: unknown, _token: unknown, client: { readonly clientId: string }) =>
      client.clientId === clients.shortLived.id ? 2 : 600
  },
  cookies: { keys: ["cookie key of the test"] }
}

export interface IdentityServer {
  readonly instance: Instance.Instance
  /** The bearer tokens that the API was sent, in order. */
  readonly received: Array<string>
  readonly tokenRequests: () => number
  readonly revoke: (token: string) => Effect.Effect<void>
  readonly isExpired: (token: string) => Effect.Effect<boolean>
}

export const identityServer: Effect.Effect<IdentityServer, never, Scope.Scope> = Effect.acquireRelease(
  Effect.async<IdentityServer & { readonly close: () => void }>((resume) => {
    const received: Array<string> = []
    let tokenRequests = 0
    let answer: ReturnType<Provider["callback"]> = (_, response) => response.writeHead(503).end()
    let provider: Provider | undefined
    const server = createServer((request, response) => {
      if (request.url === "/token") tokenRequests += 1
      if (!request.url?.startsWith("/odata/")) return answer(request, response)
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1]
      if (token === undefined) return response.writeHead(401, { "www-authenticate": "Bearer" }).end()
      received.push(token)
      const refuse = (description: string) =>
        response
          .writeHead(401, { "www-authenticate": `Bearer error="invalid_token", error_description="${description}"` })
          .end()
      provider?.ClientCredentials.find(token, { ignoreExpiration: true }).then(
        (found) => {
          if (found === undefined) return refuse("The token is unknown, or revoked")
          if (found.isExpired) return refuse("The token expired")
          response.setHeader("content-type", "application/json")
          return response.end(JSON.stringify({ value: [{ client: found.clientId, scope: found.scope }] }))
        },
        () => response.writeHead(500).end()
      )
      return undefined
    })
    server.listen(0, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      provider = new Provider(url, { ...configuration, adapter: memoryAdapter() })
      provider.on("server_error", (...args) => console.error(...args))
      answer = provider.callback()
      resume(
        Effect.succeed({
          instance: Either.getOrThrow(Instance.make(url, { tokenEndpoint: `${url}/token`, odata: `${url}/odata/` })),
          received,
          tokenRequests: () => tokenRequests,
          revoke: (token) =>
            Effect.promise(async () => {
              await (await provider?.ClientCredentials.find(token))?.destroy()
            }),
          isExpired: (token) =>
            Effect.promise(async () => {
              const found = await provider?.ClientCredentials.find(token, { ignoreExpiration: true })
              return found?.isExpired === true
            }),
          close: () => {
            server.close()
            server.closeAllConnections()
          }
        })
      )
    })
  }),
  ({ close }) => Effect.sync(close)
)
