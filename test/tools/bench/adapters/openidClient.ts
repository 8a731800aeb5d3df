/** openid-client: a grant where there is no token or it has expired, then its fetchProtectedResource. */
import * as client from "openid-client"
import { cachedTokenOf, callsOf, type MakeAdapter } from "../adapter.ts"
import { callPath, odataPath } from "../protocol.ts"
import { jsonOf, rowsOf } from "./fetchCall.ts"

export const make: MakeAdapter = async (target) => {
  const config = new client.Configuration(
    { issuer: `${target.origin}/id`, token_endpoint: `${target.origin}/id/connect/token` },
    "bench",
    "secret",
    client.ClientSecretPost("secret")
  )
  client.allowInsecureRequests(config)
  let tokens: (client.TokenEndpointResponse & client.TokenEndpointResponseHelpers) | undefined
  const token = async (): Promise<string> => {
    if (tokens === undefined || tokens.expiresIn() === 0) {
      tokens = await client.clientCredentialsGrant(config, { scope: "read" })
    }
    return tokens.access_token
  }
  const get = async (url: string): Promise<unknown> =>
    jsonOf(await client.fetchProtectedResource(config, await token(), new URL(url), "GET"))
  const call = async (): Promise<void> => {
    await get(`${target.origin}${odataPath}${callPath}`)
  }
  return { call, calls: callsOf(call), cachedToken: cachedTokenOf(token), rows: rowsOf(target, get) }
}
