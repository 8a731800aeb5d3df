/** What one would write without a library: fetch and a token that never changes. */
import { callsOf, type MakeAdapter } from "../adapter.ts"
import { callPath, odataPath } from "../protocol.ts"
import { jsonOf, rowsOf } from "./fetchCall.ts"

export const make: MakeAdapter = async (target) => {
  const get = async (url: string): Promise<unknown> =>
    jsonOf(await fetch(url, { headers: { authorization: `Bearer ${target.staticToken}` } }))
  const call = async (): Promise<void> => {
    await get(`${target.origin}${odataPath}${callPath}`)
  }
  return { call, calls: callsOf(call), rows: rowsOf(target, get) }
}
