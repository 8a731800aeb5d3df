/** The limit: an undici Pool, a token that never changes, JSON.parse. */
import { Pool } from "undici"
import { type Adapter, callsOf, type MakeAdapter } from "../adapter.ts"
import { callPath, idsOf, lookupSet, odataPath } from "../protocol.ts"
import { rowsOf } from "./fetchCall.ts"

export const make: MakeAdapter = async (target) => {
  const pool = new Pool(target.origin)
  const headers = { authorization: `Bearer ${target.staticToken}` }
  const get = async (path: string): Promise<unknown> => {
    const { body, statusCode } = await pool.request({ method: "GET", path, headers })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`status ${statusCode}`)
    return JSON.parse(text)
  }
  const call = async (): Promise<void> => {
    await get(`${odataPath}${callPath}`)
  }
  const lookups: Adapter["lookups"] = async (count, way) => {
    let rows = 0
    const find = async (id: string): Promise<void> => {
      await get(`${odataPath}${lookupSet}(${id})`)
      rows += 1
    }
    if (way === "one by one") for (const id of idsOf(count)) await find(id)
    else await Promise.all(idsOf(count).map(find))
    return rows
  }
  return { call, calls: callsOf(call), lookups, rows: rowsOf(target, (url) => get(url.slice(target.origin.length))) }
}
