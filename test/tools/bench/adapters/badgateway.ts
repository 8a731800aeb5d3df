/** @badgateway/oauth2-client: its fetch wrapper with the client-credentials grant. */
import { OAuth2Client, OAuth2Fetch } from "@badgateway/oauth2-client"
import { cachedTokenOf, callsOf, type MakeAdapter } from "../adapter.ts"
import { callPath, odataPath } from "../protocol.ts"
import { jsonOf, rowsOf } from "./fetchCall.ts"

export const make: MakeAdapter = async (target) => {
  const client = new OAuth2Client({
    server: target.origin,
    clientId: "bench",
    clientSecret: "secret",
    tokenEndpoint: "/id/connect/token"
  })
  const wrapper = new OAuth2Fetch({ client, getNewToken: () => client.clientCredentials() })
  const get = async (url: string): Promise<unknown> => jsonOf(await wrapper.fetch(url))
  const call = async (): Promise<void> => {
    await get(`${target.origin}${odataPath}${callPath}`)
  }
  return {
    call,
    calls: callsOf(call),
    cachedToken: cachedTokenOf(() => wrapper.getAccessToken()),
    rows: rowsOf(target, get)
  }
}
