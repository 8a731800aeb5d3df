/** simple-oauth2: getToken where there is none or it has expired, then fetch. */
import { type AccessToken, ClientCredentials } from "simple-oauth2"
import { cachedTokenOf, callsOf, type MakeAdapter } from "../adapter.ts"
import { callPath, odataPath } from "../protocol.ts"
import { jsonOf, rowsOf } from "./fetchCall.ts"

export const make: MakeAdapter = async (target) => {
  const client = new ClientCredentials({
    client: { id: "bench", secret: "secret" },
    auth: { tokenHost: target.origin, tokenPath: "/id/connect/token" }
  })
  let accessToken: AccessToken | undefined
  const token = async (): Promise<string> => {
    if (accessToken === undefined || accessToken.expired()) accessToken = await client.getToken({ scope: "read" })
    return String(accessToken.token["access_token"])
  }
  const get = async (url: string): Promise<unknown> =>
    jsonOf(await fetch(url, { headers: { authorization: `Bearer ${await token()}` } }))
  const call = async (): Promise<void> => {
    await get(`${target.origin}${odataPath}${callPath}`)
  }
  return { call, calls: callsOf(call), cachedToken: cachedTokenOf(token), rows: rowsOf(target, get) }
}
